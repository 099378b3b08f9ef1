import assert from 'node:assert/strict';
import test from 'node:test';
import { renderServicePage, renderWsdl, SOAP_OPERATIONS } from '../../../src/autodiscover/wire/soap-wsdl.ts';
import { parseXml, XML_LIMITS } from '../../../src/autodiscover/wire/xml.ts';

test('the WSDL is well formed, and every reference in it resolves', () => {
  const parsed = parseXml(renderWsdl('https://a.test/autodiscover/autodiscover.svc?a=1&b=2'), XML_LIMITS.response);
  if ('fault' in parsed) assert.fail(parsed.fault.message);
  const all = [parsed.root];
  for (const element of all) all.push(...element.children);
  const value = (element: (typeof all)[number], local: string): string =>
    element.attributes.find((attribute) => attribute.local === local)?.value ?? '';
  const names = (local: string): string[] =>
    all.filter((e) => e.local === local && value(e, 'name')).map((e) => value(e, 'name'));
  const messages = new Set(names('message').map((name) => `tns:${name}`));
  const schema = new Set(names('element').map((name) => `tns:${name}`));
  const used = all.filter((e) => value(e, 'message'));
  assert.equal(used.length, 2 * SOAP_OPERATIONS.length);
  for (const element of used) assert.ok(messages.has(value(element, 'message')));
  for (const part of all.filter((e) => e.local === 'part')) assert.ok(schema.has(value(part, 'element')));
  assert.deepEqual(names('operation'), [...SOAP_OPERATIONS, ...SOAP_OPERATIONS]); // port type, binding
  for (const operation of SOAP_OPERATIONS) assert.ok(schema.has(`tns:${operation}RequestMessage`));
});

test('the service page escapes its address', () => {
  assert.match(
    renderServicePage('https://a.test/"><script>'),
    /href="https:\/\/a\.test\/&quot;&gt;&lt;script&gt;\?wsdl"/,
  );
});
