import assert from 'node:assert/strict';
import test from 'node:test';
import {
  parseSoapEnvelope,
  renderSoapFault,
  type SoapFaultCode,
  serverVersionInfo,
  soapAction,
  soapContentType,
} from '../../../src/autodiscover/wire/soap-envelope.ts';
import { isFailure } from '../../../src/autodiscover/wire/soap-message.ts';
import {
  parseUserSettingsResponse,
  renderUserSettingsResponse,
} from '../../../src/autodiscover/wire/soap-user-settings.ts';
import { bytes, minimalAnswer, settings, soapContext } from './samples.ts';
import { alice, envelope, open, SOAP_11, SOAP_12, user, userSettings, wanted } from './soap-samples.ts';

const fault = (name: string, xml: string | Uint8Array, code: SoapFaultCode, detail: RegExp): void => {
  test(`answers a Fault to ${name}`, () => {
    const parsed = parseSoapEnvelope(typeof xml === 'string' ? bytes(xml) : xml);
    if (!('soapFault' in parsed)) assert.fail('accepted');
    assert.equal(parsed.soapFault.code, code);
    assert.match(parsed.soapFault.detail, detail);
    assert.doesNotMatch(renderSoapFault(parsed.soapFault), /line 1|namespace "/); // the detail is for the log
  });
};

test('reads the headers an answer needs, and the operation', () => {
  const header =
    '<a:RequestedServerVersion>Exchange2016</a:RequestedServerVersion><w:MessageID>urn:uuid:1</w:MessageID>';
  const { body: _, ...message } = open(envelope(userSettings(alice, wanted('UserDN')), header));
  assert.deepEqual(message, {
    version: '1.1',
    operation: 'GetUserSettingsRequestMessage',
    messageId: 'urn:uuid:1',
    requestedServerVersion: 'Exchange2016',
    serverVersionInfo: undefined,
  });
});

test('no SOAPAction, header, declaration or known prefix is needed; headers nobody reads are passed over', () => {
  const body = userSettings(alice, wanted('UserDN'));
  const same = (xml: string): void => assert.equal(open(xml).operation, 'GetUserSettingsRequestMessage');
  same(envelope(body).replace('<s:Header></s:Header>', ''));
  same(`<?xml version="1.0" encoding="utf-8"?>${envelope(body)}`);
  same(envelope(body, '<x:BinarySecret xmlns:x="u:x" s:mustUnderstand="1">QQ==</x:BinarySecret>'));
  same(envelope(body).replaceAll('a:', '').replace('xmlns:a=', 'xmlns='));
});

test('SOAP 1.2 is read, and answered in its own envelope', () => {
  const message = open(envelope(userSettings(alice, wanted('UserDN')), '', SOAP_12));
  assert.equal(message.version, '1.2');
  const answer = renderUserSettingsResponse(
    { results: [], settings: [] },
    { ...soapContext, version: message.version },
  );
  assert.match(answer, new RegExp(`^<s:Envelope xmlns:s="${SOAP_12}"`));
  assert.equal(soapContentType('1.2'), 'application/soap+xml; charset=utf-8');
  assert.equal(soapContentType(), 'text/xml; charset=utf-8');
});

test('UTF-16 is read', () => {
  const text = `\ufeff${envelope(userSettings(alice, wanted('UserDN')))}`;
  assert.equal(open(Uint8Array.from(Buffer.from(text, 'utf16le'))).operation, 'GetUserSettingsRequestMessage');
});

test('a MessageID comes back as RelatesTo, escaped; one that is too long does not', () => {
  const answer = renderUserSettingsResponse({ results: [], settings: [] }, { ...soapContext, relatesTo: 'urn:<1>&' });
  assert.match(answer, /<a:RelatesTo>urn:&lt;1&gt;&amp;<\/a:RelatesTo>/);
  const header = `<w:MessageID>${'x'.repeat(257)}</w:MessageID>`;
  assert.equal(open(envelope(userSettings(alice, wanted('UserDN')), header)).messageId, undefined);
});

const many = (count: number, text: string): string => text.repeat(count);
fault('an empty body', '', 'Client', /empty/);
fault('JSON', '{}', 'Client', /outside the root/);
fault('a POX request', '<Autodiscover/>', 'Client', /root element is <Autodiscover>/);
fault('an unknown envelope', envelope('<a:X/>', '', 'u:other'), 'VersionMismatch', /"u:other"/);
fault('an empty SOAP body', envelope(''), 'Client', /no element in <Body>/);
fault('no SOAP body', `<s:Envelope xmlns:s="${SOAP_11}"/>`, 'Client', /no element in <Body>/);
fault('a DTD', `<!DOCTYPE a>${envelope('<a:X/>')}`, 'Client', /document type/);
fault(
  'an entity bomb',
  `<!DOCTYPE a [<!ENTITY a "b"><!ENTITY c "&a;&a;">]>${envelope('<a:X>&c;</a:X>')}`,
  'Client',
  /document type/,
);
fault('20,000 levels', envelope('<a:X>'.repeat(20_000)), 'Client', /deeper than 24/);
fault('5 MB', new Uint8Array(5_000_000).fill(0x3c), 'Client', /longer than 1048576/);
fault('invalid UTF-8', Uint8Array.from([...bytes('<a>'), 0xff]), 'Client', /not valid utf-8/);
fault(
  'a truncated body',
  envelope(userSettings(alice, wanted('UserDN'))).slice(0, -30),
  'Client',
  /not closed|expected|name/,
);
fault(
  'an unescaped ampersand',
  envelope(userSettings(user('a&b@contoso.test'), wanted('UserDN'))),
  'Client',
  /ampersand/,
);
fault('an element bomb', envelope(userSettings(many(10_001, '<a:User/>'), '')), 'Client', /more than 10000 elements/);
fault(
  'an attribute bomb',
  envelope(`<a:X ${Array.from({ length: 50 }, (_, i) => `b${i}="1"`).join(' ')}/>`),
  'Client',
  /more than 32 attributes/,
);

test('faults of both versions are read', () => {
  for (const version of ['1.1', '1.2'] as const) {
    const xml = renderSoapFault({ code: 'Client', reason: 'bad & wrong', detail: '-' }, version);
    const code = version === '1.1' ? 's:Client' : 's:Sender';
    assert.deepEqual(parseUserSettingsResponse(xml), { kind: 'fault', code, reason: 'bad & wrong' });
  }
});

test('ServerVersionInfo names the newest schema of each version ([WSREF] serverversioninfo-soap ServerVersionInfo)', () => {
  const names = [0x72008287, 0x7380827f, 0x738180da, 0x738280f7, 0x7383807b, 0x73c08204, 0x73c18001].map(
    (number) => serverVersionInfo(number).version,
  );
  assert.deepEqual(names, [
    'Exchange2007',
    'Exchange2010',
    'Exchange2010_SP1',
    'Exchange2010_SP2',
    'Exchange2010_SP2',
    'Exchange2013',
    'Exchange2016',
  ]);
  assert.equal(serverVersionInfo(0x7383807b, 4).minorBuild, 4);
});

test('an answer says its action, version and requested settings only', () => {
  const xml = renderUserSettingsResponse({ results: [settings(minimalAnswer)], settings: ['UserDN'] }, soapContext);
  assert.ok(xml.includes(`${soapAction('GetUserSettingsResponse')}</a:Action>`));
  assert.ok(xml.includes('<h:MajorVersion>14</h:MajorVersion>'));
});

test('codes other than NoError are failures, unknown ones included', () => {
  assert.ok(isFailure({ code: 'SomethingNew', message: '' }) && isFailure({ code: 'InvalidUser', message: '' }));
  assert.ok(!isFailure({ code: 'NoError', message: '' }));
});
