// Hostile and damaged requests over HTTP: the expected status and, for a 200, the expected error code of each. Whatever is sent,
// the service answers, keeps answering others, and tells the client nothing of its insides.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { basic, elementText, POX_PATH, poxBody, type Sending, XML_TYPE } from '../bed.ts';
import { servedDemo } from '../served-demo.ts';

const ALICE = basic('alice@contoso.test');
const SCHEMA = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a';
const good = poxBody({ address: 'alice@contoso.test' });
const address = (text: string) => poxBody({ address: text });
const legacyDn = (text: string) => poxBody({ legacyDn: text });
/** The address stands in the body as it is, without escaping. */
const rawAddress = (text: string) => good.replace('alice@contoso.test', () => text);
const withDoctype = (declarations: string, text: string) =>
  rawAddress(text).replace('?>', () => `?><!DOCTYPE Autodiscover [${declarations}]>`);
const bomb = `<!ENTITY a "aaaaaaaaaa">${'bcdefghij'
  .split('')
  .map((name, at) => `<!ENTITY ${name} "${`&${'abcdefghi'[at]};`.repeat(10)}">`)
  .join('')}`;
const utf16 = (text: string, mark = true) => Buffer.from((mark ? '\ufeff' : '') + text, 'utf16le');

/** Body, expected POX error code (or 200 for settings), and extra headers. */
const BODIES: readonly (readonly [
  why: string,
  body: string | Buffer,
  code: number,
  headers?: Record<string, string>,
])[] = [
  ['nothing', '', 600],
  ['blanks', ' \r\n\t ', 600],
  ['no XML', 'EMailAddress=alice@contoso.test', 600],
  ['JSON', '{"EMailAddress":"alice@contoso.test"}', 600],
  ['a document type', withDoctype('', 'alice@contoso.test'), 600],
  ['an external entity', withDoctype('<!ENTITY x SYSTEM "file:///etc/passwd">', '&x;'), 600],
  ['an external document type', good.replace('?>', '?><!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd">'), 600],
  ['an entity bomb', withDoctype(bomb, '&j;'), 600],
  ['a quadratic entity', withDoctype(`<!ENTITY x "${'x'.repeat(50_000)}">`, '&x;'.repeat(1000)), 600],
  ['an unknown entity', rawAddress('&nbsp;'), 600],
  ['nesting of 20,000', `${'<a>'.repeat(20_000)}${'</a>'.repeat(20_000)}`, 600],
  ['nesting of 20,000 that does not end', '<a>'.repeat(20_000), 600],
  ['20,000 siblings', good.replace('<Request>', `<Request>${'<b/>'.repeat(20_000)}`), 600],
  [
    '20,000 attributes',
    good.replace('<Request>', `<Request ${Array.from({ length: 20_000 }, (_, i) => `a${i}=""`).join(' ')}>`),
    600,
  ],
  ['a name of 100,000 characters', `<${'n'.repeat(100_000)}/>`, 600],
  ['truncated in a tag', good.slice(0, good.indexOf('</EMail') + 3), 600],
  ['truncated in the text', good.slice(0, good.indexOf('@')), 600],
  ['truncated before the end', good.slice(0, -1), 600],
  ['junk behind the root', `${good}junk`, 600],
  ['two roots', `${good}<a/>`, 600],
  ['crossed tags', good.replace('</Request></Autodiscover>', '</Autodiscover></Request>'), 600],
  ['a bare ampersand', rawAddress('a&b@contoso.test'), 600],
  [
    'bad UTF-8',
    Buffer.concat([Buffer.from(good.slice(0, 60)), Buffer.from([0xff, 0xc3, 0x28]), Buffer.from(good.slice(60))]),
    600,
  ],
  ['UTF-8 cut in a character', Buffer.from(`${good}<!-- ë -->`).subarray(0, -5), 600],
  ['UTF-16 with a mark', utf16(good.replace('utf-8', 'utf-16')), 200],
  ['UTF-16 without one', utf16(good.replace('utf-8', 'utf-16'), false), 200, { 'content-type': 'text/xml' }],
  ['UTF-16 called UTF-8', utf16(good, false), 600],
  ['UTF-16 of odd length', Buffer.concat([utf16(good), Buffer.from([0x20])]), 600],
  ['UTF-32', Buffer.concat([Buffer.from([0, 0, 0xfe, 0xff]), Buffer.from(good)]), 600],
  ['an unknown charset', good, 600, { 'content-type': 'text/xml; charset=klingon' }],
  ['a NUL', rawAddress('alice\0@contoso.test'), 600],
  ['a reference to NUL', rawAddress('alice&#0;@contoso.test'), 600],
  ['a reference to a surrogate', rawAddress('alice&#xD800;@contoso.test'), 600],
  ['no Request', '<Autodiscover/>', 600],
  ['another root', good.replaceAll('Autodiscover', 'Autodestroy'), 600],
  ['no name', poxBody({}), 600],
  [
    'two addresses',
    good.replace('</EMailAddress>', '</EMailAddress><EMailAddress>bob@contoso.test</EMailAddress>'),
    600,
  ],
  ['no schema', good.replace(/<Acceptable.*Schema>/, ''), 600],
  ['an empty schema', good.replace(SCHEMA, ''), 600],
  ['an unknown schema', good.replace(SCHEMA, `${SCHEMA}x`), 601],
  ['a schema of markup', good.replace(SCHEMA, '&lt;script&gt;'), 601],
  ['an empty address', address(''), 600],
  ['no domain', address('alice'), 600],
  ['two at signs', address('alice@x@contoso.test'), 600],
  ['angle brackets', address('<alice@contoso.test>'), 600],
  ['an address of 5,000 characters', address(`${'a'.repeat(5_000)}@contoso.test`), 600],
  ['a line break in the address', address('alice\n@contoso.test'), 600],
  ['a wildcard address', address('*@contoso.test'), 500],
  ['a wildcard at the end', address('alice*@contoso.test'), 500],
  ['filter syntax in the address', address('a)(objectClass=*)(x=@contoso.test'), 600],
  ['a filter escape in the address', address('\\2a@contoso.test'), 600],
  ['a filter operator in the address', address('|(cn=*)@contoso.test'), 600],
  ['a wildcard LegacyDN', legacyDn('/o=*'), 500],
  ['a wildcard in a LegacyDN', legacyDn('/o=Contoso/ou=*/cn=Recipients/cn=alice'), 500],
  ['filter syntax in a LegacyDN', legacyDn('/o=Contoso)(objectClass=*))(|(cn=*'), 500],
  ['a filter escape in a LegacyDN', legacyDn('/o=Contoso/cn=\\2a'), 500],
  ['a LegacyDN of 100,000 characters', legacyDn(`/o=${'x'.repeat(100_000)}`), 600],
  ['a LegacyDN that is a DN', legacyDn('CN=Alice Adams,OU=Staff,DC=contoso,DC=test'), 600],
  ['an empty LegacyDN and no address', legacyDn(''), 600],
  [
    'a LegacyDN of a database',
    legacyDn(
      '/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Configuration/cn=Servers/cn=outlook-sea.contoso.test/cn=Microsoft Private MDB',
    ),
    500,
  ],
];

/** Requests that are refused before the body means anything. */
const REQUESTS: readonly (readonly [why: string, sending: Sending, status: number])[] = [
  ['5 MB', { body: Buffer.alloc(5_000_000, 0x20) }, 413],
  ['5 MB without a length', { body: Buffer.alloc(5_000_000, 0x20), headers: { 'transfer-encoding': 'chunked' } }, 413],
  ['5 MB in gzip', { body: gzipSync(Buffer.alloc(5_000_000, 0x20)), headers: { 'content-encoding': 'gzip' } }, 413],
  ['damaged gzip', { body: 'no gzip', headers: { 'content-encoding': 'gzip' } }, 400],
  ['truncated gzip', { body: gzipSync(good).subarray(0, 40), headers: { 'content-encoding': 'gzip' } }, 400],
  ['an unknown content encoding', { body: good, headers: { 'content-encoding': 'rot13' } }, 415],
];

/** Authorization headers that let nobody in. */
const CREDENTIALS: readonly (readonly [why: string, header: string | undefined])[] = [
  ['none', undefined],
  ['an empty header', ''],
  ['a scheme alone', 'Basic'],
  ['a scheme that is not offered', 'Bearer abc'],
  ['no Base64', 'Basic %%%'],
  ['no colon', `Basic ${Buffer.from('alice').toString('base64')}`],
  ['an empty name', basic('', 'x')],
  ['an empty password', basic('alice@contoso.test', '')],
  ['a NUL in the password', basic('alice@contoso.test', 'Demo-Passw0rd!\0')],
  ['a wildcard name', basic('*')],
  ['a wildcard in a domain', basic('CONTOSO\\*')],
  ['a wildcard domain', basic('*\\alice')],
  ['a wildcard address', basic('alice*@contoso.test')],
  ['filter syntax', basic('alice)(objectClass=*')],
  ['a filter escape', basic('al\\69ce@contoso.test')],
  ['a DN', basic('CN=Alice Adams,OU=Staff,DC=contoso,DC=test')],
  ['a name of 10,000 characters', basic('a'.repeat(10_000))],
  ['a password of 10,000 characters', basic('alice', 'a'.repeat(10_000))],
  ['a header of 14,000 characters', `Basic ${'QUJD'.repeat(3_500)}`],
  ['somebody of another domain', basic('EVIL\\alice')],
  ['a disabled account', basic('CONTOSO\\frank')],
  ['an address two have', basic('dup@contoso.test')],
  ['a contact', basic('laura@contoso.test')],
  ['a group', basic('allstaff@contoso.test')],
];

describe('hostile requests', () => {
  const demo = servedDemo();
  const post = (sending: Sending) =>
    demo.send({ ...sending, headers: { authorization: ALICE, 'content-type': XML_TYPE, ...sending.headers } });

  for (const [why, body, code, headers = {}] of BODIES) {
    test(`${why}: ${code}`, async () => {
      const { status, body: xml, headers: answered } = await post({ body, headers });
      assert.equal(status, 200);
      assert.equal(answered['content-type'], XML_TYPE);
      if (code === 200) assert.equal(elementText(xml, 'Server'), 'outlook-sea.contoso.test');
      else assert.equal(elementText(xml, 'ErrorCode'), String(code), xml);
      assert.doesNotMatch(xml, /root:|at .*\.ts|DC=contoso|undefined|\[object/);
    });
  }

  for (const [why, sending, expected] of REQUESTS) {
    test(`${why}: HTTP ${expected}`, async () => {
      const { status, body } = await post(sending);
      assert.equal(status, expected);
      assert.equal(body, '');
    });
  }

  for (const [why, header] of CREDENTIALS) {
    test(`credentials, ${why}: 401, the same for all`, async () => {
      const reply = await demo.send({
        body: good,
        headers: { 'content-type': XML_TYPE, ...(header === undefined ? {} : { authorization: header }) },
      });
      assert.equal(reply.status, 401);
      assert.equal(reply.body, '');
      assert.equal(reply.headers['www-authenticate'], 'Basic realm="Autodiscover"');
      assert.equal(reply.headers['retry-after'], undefined);
    });
  }

  test('without credentials not even the size of a body is judged', async () => {
    const reply = await demo.send({ body: good, headers: { 'content-encoding': 'rot13' } });
    assert.equal(reply.status, 401);
    assert.equal((await demo.send({ method: 'PUT', body: good })).status, 401);
  });

  test('a password or a header never stands in the log', () => {
    const text = JSON.stringify(demo.bed.log);
    assert.doesNotMatch(text, /Demo-Passw0rd|QUJDQUJD|authorization/i);
  });

  test('the service answers as before', async () => {
    const { status, body } = await post({ path: POX_PATH, body: good });
    assert.equal(status, 200);
    assert.equal(elementText(body, 'Server'), 'outlook-sea.contoso.test');
  });
});
