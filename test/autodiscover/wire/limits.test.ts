// docs/wire.md prints the limits; they are compared with the constants here.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { ADDRESS_LENGTH_LIMIT } from '../../../src/autodiscover/wire/address.ts';
import { LEGACY_DN_LENGTH_LIMIT } from '../../../src/autodiscover/wire/pox-request.ts';
import { SOAP_DOMAIN_LIMIT } from '../../../src/autodiscover/wire/soap-domain-settings.ts';
import { SOAP_USER_LIMIT } from '../../../src/autodiscover/wire/soap-user-settings.ts';
import { XML_LIMITS } from '../../../src/autodiscover/wire/xml.ts';

test('docs/wire.md prints the limits that hold', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'wire.md'), 'utf8');
  const table = page.slice(page.indexOf('## Limits'), page.indexOf('## What is forgiven'));
  const printed = [...table.matchAll(/^\| ([^|]+?) +\| ([^|]+?) +\|/gm)].slice(2).map((row) => [row[1], row[2]]);
  const both = ({ depth, elements }: { depth: number; elements: number }): string => `${depth}, ${elements}`;
  const { poxRequest, soapRequest, response } = XML_LIMITS;
  assert.deepEqual(printed, [
    ['POX request', `${poxRequest.bytes} bytes`],
    ['POX request: nesting, elements', both(poxRequest)],
    ['SOAP request', `${soapRequest.bytes} bytes`],
    ['SOAP request: nesting, elements', both(soapRequest)],
    ['users in one GetUserSettings', String(SOAP_USER_LIMIT)],
    ['domains in one GetDomainSettings', String(SOAP_DOMAIN_LIMIT)],
    ['e-mail address', String(ADDRESS_LENGTH_LIMIT)],
    ['LegacyDN', String(LEGACY_DN_LENGTH_LIMIT)],
    ['answer read by our own client', `${response.bytes} bytes`],
    ['answer read by our own client: nesting, elements', both(response)],
  ]);
});
