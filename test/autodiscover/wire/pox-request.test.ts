import assert from 'node:assert/strict';
import test from 'node:test';
import type { AutodiscoverFault } from '../../../src/autodiscover/settings/user-settings.ts';
import {
  POX_MOBILESYNC_REQUEST,
  POX_MOBILESYNC_RESPONSE,
  POX_OUTLOOK_REQUEST,
  POX_OUTLOOK_RESPONSE,
} from '../../../src/autodiscover/wire/namespaces.ts';
import { type PoxRequest, parsePoxRequest, renderPoxRequest } from '../../../src/autodiscover/wire/pox-request.ts';
import { bytes } from './samples.ts';

const DN = '/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=alice';
const alice: PoxRequest = { schema: 'outlook', emailAddress: 'alice@contoso.test', legacyDn: undefined };
const mail = '<EMailAddress>alice@contoso.test</EMailAddress>';
const schema = (uri: string): string => `<AcceptableResponseSchema>${uri}</AcceptableResponseSchema>`;
const outlook = schema(POX_OUTLOOK_RESPONSE);

const request = (content: string, xmlns = POX_OUTLOOK_REQUEST): string =>
  `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="${xmlns}"><Request>${content}</Request></Autodiscover>`;

const good = (name: string, body: string | Uint8Array, expected: Partial<PoxRequest>, contentType?: string): void => {
  test(`reads ${name}`, () => {
    const parsed = parsePoxRequest(typeof body === 'string' ? bytes(body) : body, contentType);
    assert.deepEqual(parsed, { ...alice, ...expected });
  });
};
const bad = (
  name: string,
  body: string | Uint8Array,
  fault: AutodiscoverFault,
  detail: RegExp,
  contentType?: string,
): void => {
  test(`refuses ${name} ([MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode)`, () => {
    const parsed = parsePoxRequest(typeof body === 'string' ? bytes(body) : body, contentType);
    if (!('fault' in parsed)) assert.fail('accepted');
    assert.equal(parsed.fault, fault);
    assert.match(parsed.detail, detail);
  });
};

good("Outlook's request", request(mail + outlook), {});
good('children in another order', request(outlook + mail), {});
good('no XML declaration (EWS Managed API, Evolution, DavMail)', request(mail + outlook).replace(/^<\?.*?\?>/, ''), {});
good('a byte order mark', `\ufeff${request(mail + outlook)}`, {});
good('UTF-16', Uint8Array.from(Buffer.from(`\ufeff${request(mail + outlook)}`, 'utf16le')), {});
good('UTF-16 without a mark', Uint8Array.from(Buffer.from(request(mail + outlook), 'utf16le')), {});
good('an unknown Content-Type', request(mail + outlook), {}, 'application/octet-stream');
good(
  'prefixed names',
  `<p:autodiscover xmlns:p="u:x"><p:Request><p:EMailAddress>alice@contoso.test</p:EMailAddress><p:AcceptableResponseSchema>${POX_OUTLOOK_RESPONSE}</p:AcceptableResponseSchema></p:Request></p:autodiscover>`,
  {},
);
good(
  'comments, CDATA and unknown siblings',
  request(`<!-- x --><X><Y/></X><EMailAddress><![CDATA[alice@]]>contoso.test</EMailAddress>${outlook}`),
  {},
);
good(
  'blanks and a prefix around the address',
  request(`<EMailAddress>\n SMTP:alice@contoso.test </EMailAddress>${outlook}`),
  {},
);
good('a schema with https:', request(mail + schema(POX_OUTLOOK_RESPONSE.replace('http:', 'https:'))), {});
good('a schema in other case with blanks', request(mail + schema(`\n${POX_OUTLOOK_RESPONSE.toUpperCase()} `)), {});
good('LegacyDN', request(`<LegacyDN>${DN}</LegacyDN>${outlook}`), { emailAddress: undefined, legacyDn: DN });
good('LegacyDN and address', request(`${mail}<LegacyDN>${DN}</LegacyDN>${outlook}`), { legacyDn: DN });
good('LegacyDN and no address', request(`<EMailAddress>x y</EMailAddress><LegacyDN>${DN}</LegacyDN>${outlook}`), {
  emailAddress: undefined,
  legacyDn: DN,
});
good('an empty LegacyDN', request(`${mail}<LegacyDN/>${outlook}`), {});
good('mobilesync', request(mail + schema(POX_MOBILESYNC_RESPONSE), POX_MOBILESYNC_REQUEST), { schema: 'mobilesync' });
good('mobilesync in an outlook request', request(mail + schema(POX_MOBILESYNC_RESPONSE)), { schema: 'mobilesync' });
good('outlook in a mobilesync request', request(mail + outlook, POX_MOBILESYNC_REQUEST), {});
good('LDAP wildcards', request(`<EMailAddress>*@contoso.test</EMailAddress>${outlook}`), {
  emailAddress: '*@contoso.test',
});
good('an escaped ampersand', request(`<EMailAddress>a&amp;b@contoso.test</EMailAddress>${outlook}`), {
  emailAddress: 'a&b@contoso.test',
});

bad('an unknown schema', request(mail + schema('u:other')), 'no-provider', /"u:other" is not known/);
bad('an unknown schema without address', request(schema('u:other')), 'no-provider', /not known/);
bad(
  'a schema of 2006',
  request(mail + schema(POX_OUTLOOK_RESPONSE.replace('2006a', '2006'))),
  'no-provider',
  /not known/,
);
bad('no schema', request(mail), 'invalid-request', /no <AcceptableResponseSchema>/);
bad('an empty schema', request(mail + schema(' ')), 'invalid-request', /no <AcceptableResponseSchema>/);
bad('neither name', request(outlook), 'invalid-request', /neither/);
bad('empty names', request(`<EMailAddress/><LegacyDN> </LegacyDN>${outlook}`), 'invalid-request', /neither/);
bad('two addresses', request(mail + mail + outlook), 'invalid-request', /more than once/);
bad('no address', request(`<EMailAddress>alice</EMailAddress>${outlook}`), 'invalid-request', /name@domain/);
bad(
  'an address in angle brackets',
  request(`<EMailAddress>&lt;alice@contoso.test&gt;</EMailAddress>${outlook}`),
  'invalid-request',
  /separator|domain/,
);
bad('a LegacyDN that is none', request(`${mail}<LegacyDN>alice</LegacyDN>${outlook}`), 'invalid-request', /\/o=/);
bad(
  'a LegacyDN over the limit',
  request(`<LegacyDN>/o=${'x'.repeat(1024)}</LegacyDN>${outlook}`),
  'invalid-request',
  /\/o=/,
);
bad('a LegacyDN with a line break', request(`<LegacyDN>/o=a\n/cn=b</LegacyDN>${outlook}`), 'invalid-request', /\/o=/);
bad(
  'another root',
  request(mail + outlook).replaceAll('Autodiscover', 'Discover'),
  'invalid-request',
  /root element is <Discover>/,
);
bad('no Request', `<Autodiscover xmlns="${POX_OUTLOOK_REQUEST}"/>`, 'invalid-request', /no <Request>/);

// The hostile table: each of these is 600 to the client.
bad('an empty body', '', 'invalid-request', /empty/);
bad('JSON', '{"EMailAddress":"alice@contoso.test"}', 'invalid-request', /outside the root/);
bad(
  'a DTD',
  `<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd">${request(mail + outlook).replace(/^<\?.*?\?>/, '')}`,
  'invalid-request',
  /document type/,
);
bad(
  'an entity bomb',
  `<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><a>&b;</a>`,
  'invalid-request',
  /document type/,
);
bad('20,000 levels', '<Autodiscover>'.repeat(20_000), 'invalid-request', /limit|deeper|longer/);
bad('4,000 levels below the size limit', '<a>'.repeat(4_000), 'invalid-request', /deeper than 16/);
bad('5 MB', new Uint8Array(5_000_000).fill(0x61), 'invalid-request', /longer than 65536/);
bad('invalid UTF-8', Uint8Array.from([...bytes('<Autodiscover>'), 0xc3, 0x28]), 'invalid-request', /not valid utf-8/);
bad(
  'an unknown charset',
  request(mail + outlook),
  'invalid-request',
  /unknown character encoding/,
  'text/xml; charset=klingon',
);
bad('a truncated body', request(mail + outlook).slice(0, -20), 'invalid-request', /not closed|expected/);
bad(
  'an unescaped ampersand',
  request(`<EMailAddress>a&b@contoso.test</EMailAddress>${outlook}`),
  'invalid-request',
  /ampersand/,
);
bad(
  'an attribute bomb',
  request(`<X ${Array.from({ length: 2_000 }, (_, i) => `a${i}="1"`).join(' ')}/>${mail}${outlook}`),
  'invalid-request',
  /attributes/,
);
bad('an element bomb', request(`${'<x/>'.repeat(5_000)}${mail}${outlook}`), 'invalid-request', /more than 64 elements/);
bad('a namespace bomb', request(`<x:y xmlns:z="u"/>${mail}${outlook}`), 'invalid-request', /prefix "x"/);

test('what is rendered is read back ([MS-OXDSCLI] 2.2.3.1.1.2 EMailAddress, [MS-OXDSCLI] 2.2.3.1.1.3 LegacyDN)', () => {
  for (const value of [
    alice,
    { schema: 'outlook', emailAddress: 'a&b@contoso.test', legacyDn: undefined },
    { schema: 'outlook', emailAddress: undefined, legacyDn: `${DN} & <Sons>` },
    { schema: 'mobilesync', emailAddress: 'alice@contoso.test', legacyDn: DN },
  ] satisfies PoxRequest[]) {
    assert.deepEqual(parsePoxRequest(bytes(renderPoxRequest(value)), 'text/xml'), value);
  }
});
