// What is inside good HTTP: credentials, XML, SOAP, JSON, and values that aim at the directory behind.
import { basic, PASSWORD, poxBody } from '../../../helpers/running-service.ts';
import { GOOD, POX, SVC } from './http-cases.ts';
import { type HostileCase, http } from './raw.ts';

const row = (name: string, send: Buffer, status: number, says?: string): HostileCase => ({
  name,
  send,
  status: [status],
  ...(says === undefined ? {} : { says }),
});

const credentials: readonly (readonly [string, string])[] = [
  ['nothing behind Basic', 'Basic'],
  ['Basic of spaces', 'Basic     '],
  ['no base64', 'Basic ***'],
  ['base64 of nothing', 'Basic ='],
  ['no colon', `Basic ${Buffer.from('alice').toString('base64')}`],
  ['no name', basic('', PASSWORD)],
  ['no password: an anonymous bind', basic('alice', '')],
  ['blank name', basic('   ', PASSWORD)],
  ['NUL in the name', basic('alice\0', PASSWORD)],
  ['NUL in the password', basic('alice', `${PASSWORD}\0`)],
  ['name of 600 characters', basic('a'.repeat(600), 'x')],
  ['password of 600 characters', basic('alice', 'x'.repeat(600))],
  ['header of 70 KB', `Basic ${'QUFB'.repeat(17_000)}`],
  ['asterisk for a name', basic('*', PASSWORD)],
  ['filter in a name', basic('alice)(objectClass=*', PASSWORD)],
  ['filter that is always true', basic('*)(|(objectClass=*)', PASSWORD)],
  ['filter with a NUL escape', basic('alice\\00', PASSWORD)],
  ['filter with an or', basic('x)(|(sAMAccountName=alice)', PASSWORD)],
  ['filter in an address', basic('*@contoso.test', PASSWORD)],
  ['filter in a domain', basic('*\\alice', PASSWORD)],
  ['DN for a name', basic('CN=Alice Adams,OU=Staff,DC=contoso,DC=test', PASSWORD)],
  ['DN of the service account', basic('CN=svc-autodiscover,OU=Service Accounts,DC=contoso,DC=test', 'x')],
  ['CR LF in a name', basic('alice\r\nadmin', PASSWORD)],
  ['right-to-left override in a name', basic('alice\u202e', PASSWORD)],
  ['full-width letters', basic('\uff21lice\uff20contoso.test', 'x')],
  ['invalid UTF-8', `Basic ${Buffer.from([0x61, 0xc0, 0xaf, 0x3a, 0x78]).toString('base64')}`],
  ['lone surrogate', `Basic ${Buffer.from([0xed, 0xa0, 0x80, 0x3a, 0x78]).toString('base64')}`],
  ['wrong password', basic('alice', 'wrong')],
  ['nobody', basic('nobody', PASSWORD)],
  ['disabled account', basic('frank', PASSWORD)],
  ['Bearer', 'Bearer eyJhbGciOiJub25lIn0.e30.'],
  ['Digest', 'Digest username="alice", realm="x"'],
  ['NTLM, which is not offered', 'NTLM TlRMTVNTUAABAAAAB4IIAAAAAAAAAAAAAAAAAAAAAAA='],
  ['Negotiate, which is not offered', 'Negotiate YIIBQQ=='],
  ['a scheme of punctuation', '!!! x'],
  ['an empty header', ''],
  ['a comma list of schemes', `Bearer x, ${basic('alice', PASSWORD)}`],
];
const CREDENTIALS: readonly HostileCase[] = [
  ...credentials.map(([name, authorization]) => row(`credentials: ${name}`, http(POX, GOOD, { authorization }), 401)),
  row('credentials: twice', http(POX, GOOD, { headers: [`Authorization: ${basic('bob', 'x')}`] }), 200, 'settings'),
  row(
    'credentials: lower-case scheme and many spaces',
    http(POX, GOOD, { authorization: `basic     ${basic('alice', PASSWORD).slice(6)}` }),
    200,
    'settings',
  ),
  row(
    'credentials: lower-case scheme and tabs',
    http(POX, GOOD, { authorization: `basic\t${basic('alice', PASSWORD).slice(6)}` }),
    200,
    'settings',
  ),
];

const OUTLOOK = 'http://schemas.microsoft.com/exchange/autodiscover/outlook';
const within = (inner: string): string =>
  `<Autodiscover xmlns="${OUTLOOK}/requestschema/2006"><Request>${inner}</Request></Autodiscover>`;
const schema = `<AcceptableResponseSchema>${OUTLOOK}/responseschema/2006a</AcceptableResponseSchema>`;
const address = (text: string): string => within(`<EMailAddress>${text}</EMailAddress>${schema}`);
const legacy = (text: string): string => within(`<LegacyDN>${text}</LegacyDN>${schema}`);
const bytes = (...parts: readonly (string | number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string)));

const xml: readonly (readonly [string, string | Buffer, string])[] = [
  ['nothing', ' ', 'pox 600'],
  ['no XML', 'hello', 'pox 600'],
  ['an HTML page', '<!DOCTYPE html><html></html>', 'pox 600'],
  ['JSON', '{"EMailAddress":"alice@contoso.test"}', 'pox 600'],
  ['cut off', GOOD.slice(0, 200), 'pox 600'],
  ['two roots', GOOD + GOOD, 'pox 600'],
  ['text behind the root', `${GOOD}x`, 'pox 600'],
  ['external entity', `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>${address('&x;')}`, 'pox 600'],
  ['parameter entity', `<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x"> %x;]>${GOOD}`, 'pox 600'],
  ['billion laughs', `<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>${address('&b;')}`, 'pox 600'],
  ['DOCTYPE alone', `<!DOCTYPE a>${GOOD}`, 'pox 600'],
  ['undeclared entity', address('&x;'), 'pox 600'],
  ['entity without end', address('&amp'), 'pox 600'],
  ['unescaped ampersand', address('a&b@contoso.test'), 'pox 600'],
  ['reference to NUL', address('a&#0;@contoso.test'), 'pox 600'],
  ['reference beyond Unicode', address('a&#x110000;@contoso.test'), 'pox 600'],
  ['reference of many digits', address(`a&#${'9'.repeat(1000)};@contoso.test`), 'pox 600'],
  ['control byte', address('a\x01@contoso.test'), 'pox 600'],
  ['NUL byte', address('alice\0@contoso.test'), 'pox 600'],
  ['5,000 levels', `${'<a>'.repeat(5000)}${'</a>'.repeat(5000)}`, 'pox 600'],
  ['10,000 attributes', `<a ${Array.from({ length: 7000 }, (_, n) => `a${n}=""`).join(' ')}/>`, 'pox 600'],
  ['attribute twice', `<Autodiscover xmlns="x" a="1" a="2"/>`, 'pox 600'],
  ['unbound prefix', '<x:Autodiscover/>', 'pox 600'],
  ['__proto__ as element', within('<__proto__><EMailAddress>x</EMailAddress></__proto__>'), 'pox 600'],
  ['constructor as element', within('<constructor>x</constructor>'), 'pox 600'],
  ['30,000 comments', `${'<!---->'.repeat(8000)}${GOOD}`, 'settings'],
  ['processing instruction', `<?xml-stylesheet href="http://evil.test/x.xsl"?>${GOOD}`, 'pox 600'],
  ['CDATA', address('<![CDATA[alice@contoso.test]]>'), 'settings'],
  ['comment in the address', address('alice<!-- x -->@contoso.test'), 'settings'],
  [
    'XInclude',
    within(`<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>${schema}`),
    'pox 600',
  ],
  ['wrong namespace', GOOD.replace('requestschema', 'evil'), 'settings'],
  ['no namespace', GOOD.replace(/ xmlns="[^"]+"/, ''), 'settings'],
  ['unknown schema', GOOD.replace('2006a', '2099'), 'pox 601'],
  ['no schema', within('<EMailAddress>alice@contoso.test</EMailAddress>'), 'pox 600'],
  ['no address', within(schema), 'pox 600'],
  [
    'two addresses',
    within(`<EMailAddress>alice@contoso.test</EMailAddress><EMailAddress>bob@contoso.test</EMailAddress>${schema}`),
    'pox 600',
  ],
  ['UTF-8 with damage', bytes('<a>', [0xff, 0xfe, 0xc0], '</a>'), 'pox 600'],
  ['overlong UTF-8', bytes('<a>', [0xc0, 0xbc], '</a>'), 'pox 600'],
  [
    'UTF-16 of half a letter',
    Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(GOOD, 'utf16le').subarray(1)]),
    'pox 600',
  ],
  ['UTF-16', Buffer.from(`\ufeff${GOOD}`, 'utf16le'), 'settings'],
  ['UTF-7 declaration', `<?xml version="1.0" encoding="utf-7"?>${GOOD}`, 'pox 600'],
  ['UTF-32', Buffer.from([0, 0, 0xfe, 0xff, 0, 0, 0, 0x3c]), 'pox 600'],
  ['XML 1.1', `<?xml version="1.1"?>${GOOD}`, 'settings'],
];
const addresses: readonly (readonly [string, string, string])[] = [
  ['filter: any', '*@contoso.test', 'pox 500'],
  ['filter: closing', 'alice)(objectClass=*@contoso.test', 'pox 600'],
  ['filter: or', 'x@contoso.test)(|(proxyAddresses=*', 'pox 600'],
  ['filter: escape', 'alice\\2a@contoso.test', 'pox 600'],
  ['filter: NUL escape', 'alice\\00@contoso.test', 'pox 600'],
  ['DN', 'CN=Alice Adams,OU=Staff,DC=contoso,DC=test', 'pox 600'],
  ['no at sign', 'alice', 'pox 600'],
  ['two at signs', 'alice@contoso.test@evil.test', 'pox 600'],
  ['empty local part', '@contoso.test', 'pox 600'],
  ['of 10,000 characters', `${'a'.repeat(10_000)}@contoso.test`, 'pox 600'],
  ['display name', 'Alice &lt;alice@contoso.test&gt;', 'pox 600'],
  ['smtp prefix', 'smtp:alice@contoso.test', 'settings'],
  ['x500 prefix', 'x500:/o=Contoso@contoso.test', 'pox 600'],
  ['foreign domain', 'alice@evil.test', 'pox 500'],
  ['IP literal', 'alice@[127.0.0.1]', 'pox 600'],
  ['right-to-left override', 'alice\u202e@contoso.test', 'pox 600'],
  ['homoglyph', '\u0430lice@contoso.test', 'pox 500'],
  ['script', '&lt;script&gt;alert(1)&lt;/script&gt;@contoso.test', 'pox 600'],
];
const legacyDns: readonly (readonly [string, string, string])[] = [
  ['filter: any', '*', 'pox 600'],
  ['filter: closing', '/o=Contoso)(objectClass=*', 'pox 500'],
  ['of 10,000 characters', `/o=${'a'.repeat(10_000)}`, 'pox 600'],
  [
    'of an array',
    '/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Configuration/cn=Servers/cn=outlook-sea.contoso.test',
    'pox 500',
  ],
];
const MOBILESYNC = 'http://schemas.microsoft.com/exchange/autodiscover/mobilesync';
const phone = (text: string): string =>
  address(text)
    .replace(OUTLOOK, MOBILESYNC)
    .replace(`${OUTLOOK}/responseschema/2006a`, `${MOBILESYNC}/responseschema/2006`);
const contentTypes: readonly (readonly [string, string])[] = [
  ['text/plain', 'settings'],
  ['application/json', 'settings'],
  ['multipart/form-data; boundary=x', 'settings'],
  ['text/xml; charset=nonsense', 'pox 600'],
  ['text/xml; charset=utf-7', 'pox 600'],
  ['x'.repeat(3000), 'settings'],
  ['', 'settings'],
];
const MESSAGES: readonly HostileCase[] = [
  ...addresses.map(([name, text, says]) =>
    row(
      `phone's address ${name}`,
      http(POX, phone(text)),
      200,
      says === 'pox 600' ? says : says === 'pox 500' ? 'phone 2' : 'phone settings',
    ),
  ),
  ...xml.map(([name, body, says]) => row(`xml: ${name}`, http(POX, body), 200, says)),
  ...addresses.map(([name, text, says]) => row(`address ${name}`, http(POX, address(text)), 200, says)),
  ...legacyDns.map(([name, text, says]) => row(`legacy DN ${name}`, http(POX, legacy(text)), 200, says)),
  ...contentTypes.map(([type, says]) =>
    row(
      `content type ${type.slice(0, 40)}`,
      http(POX, poxBody('alice@contoso.test'), { headers: [`Content-Type: ${type}`] }),
      200,
      says,
    ),
  ),
];

const A = 'http://schemas.microsoft.com/exchange/2010/Autodiscover';
const ENVELOPE = 'http://schemas.xmlsoap.org/soap/envelope/';
const soap = (body: string, header = ''): string =>
  `<s:Envelope xmlns:s="${ENVELOPE}" xmlns:a="${A}"><s:Header>${header}</s:Header><s:Body>${body}</s:Body></s:Envelope>`;
const users = (mailboxes: readonly string[], settings = ['UserDisplayName']): string =>
  soap(
    `<a:GetUserSettingsRequestMessage><a:Request><a:Users>${mailboxes.map((mailbox) => `<a:User><a:Mailbox>${mailbox}</a:Mailbox></a:User>`).join('')}</a:Users>` +
      `<a:RequestedSettings>${settings.map((setting) => `<a:Setting>${setting}</a:Setting>`).join('')}</a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage>`,
  );
const domains = (names: readonly string[]): string =>
  soap(
    `<a:GetDomainSettingsRequestMessage><a:Request><a:Domains>${names.map((name) => `<a:Domain>${name}</a:Domain>`).join('')}</a:Domains>` +
      '<a:RequestedSettings><a:Setting>ExternalEwsUrl</a:Setting></a:RequestedSettings></a:Request></a:GetDomainSettingsRequestMessage>',
  );
const soapRows: readonly (readonly [string, string, number, string])[] = [
  ['a good request', users(['alice@contoso.test']), 200, 'soap settings'],
  ['nothing', ' ', 500, 'fault s:Client'],
  ['no XML', 'hello', 500, 'fault s:Client'],
  ['no envelope', '<a/>', 500, 'fault s:Client'],
  ['envelope of no version', soap('').replace(ENVELOPE, 'urn:x'), 500, 'fault s:VersionMismatch'],
  ['empty body', soap(''), 500, 'fault s:Client'],
  [
    'two operations',
    soap('<a:GetUserSettingsRequestMessage/><a:GetDomainSettingsRequestMessage/>'),
    200,
    'soap InvalidRequest',
  ],
  ['unknown operation', soap('<a:DeleteEverything/>'), 500, 'fault a:ActionNotSupported'],
  [
    'operation of another namespace',
    soap('<x:GetUserSettingsRequestMessage xmlns:x="urn:x"/>'),
    200,
    'soap InvalidRequest',
  ],
  ['DOCTYPE', `<!DOCTYPE a>${users(['alice@contoso.test'])}`, 500, 'fault s:Client'],
  ['external entity', `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>${users(['&x;'])}`, 500, 'fault s:Client'],
  ['no users', users([]), 200, 'soap InvalidRequest'],
  ['no settings', users(['alice@contoso.test'], []), 200, 'soap InvalidRequest'],
  ['101 users', users(Array.from({ length: 101 }, (_, n) => `u${n}@contoso.test`)), 200, 'soap InvalidRequest'],
  ['500 users', users(Array.from({ length: 500 }, (_, n) => `u${n}@contoso.test`)), 200, 'soap InvalidRequest'],
  ['the same user 100 times', users(Array(100).fill('alice@contoso.test')), 200, 'soap settings'],
  ['1,000 settings', users(['alice@contoso.test'], Array(1000).fill('UserDisplayName')), 200, 'soap settings'],
  ['unknown setting', users(['alice@contoso.test'], ['__proto__']), 200, 'soap no settings'],
  ['filter for a mailbox', users(['*']), 200, 'soap InvalidUser'],
  ['filter with or', users(['x@contoso.test)(|(mail=*']), 200, 'soap InvalidUser'],
  ['empty mailbox', users(['']), 200, 'soap InvalidUser'],
  ['mailbox of 10,000 characters', users([`${'a'.repeat(10_000)}@contoso.test`]), 200, 'soap InvalidUser'],
  ['foreign domain', domains(['evil.test']), 200, 'soap InvalidDomain'],
  ['filter for a domain', domains(['*']), 200, 'soap InvalidDomain'],
  ['empty domain', domains(['']), 200, 'soap InvalidDomain'],
  ['no domains', domains([]), 200, 'soap InvalidRequest'],
  [
    'mustUnderstand nobody does',
    soap('<a:GetUserSettingsRequestMessage/>', '<x:y xmlns:x="urn:x" s:mustUnderstand="1"/>'),
    200,
    'soap InvalidRequest',
  ],
  [
    '1,000 headers',
    users(['alice@contoso.test']).replace('<s:Header>', `<s:Header>${'<a:x/>'.repeat(1000)}`),
    200,
    'soap settings',
  ],
  [
    'message id of 20,000 characters',
    soap(
      '<a:GetUserSettingsRequestMessage/>',
      `<w:MessageID xmlns:w="http://www.w3.org/2005/08/addressing">${'x'.repeat(20_000)}</w:MessageID>`,
    ),
    200,
    'soap InvalidRequest',
  ],
];
const SOAP: readonly HostileCase[] = soapRows.map(([name, body, status, says]) =>
  row(`soap: ${name}`, http(SVC, body), status, says),
);

const JSON_PATH = '/autodiscover/autodiscover.json';
const jsonRows: readonly (readonly [string, string, number, string])[] = [
  ['a good request', `${JSON_PATH}?Email=alice@contoso.test&Protocol=AutodiscoverV1`, 200, 'json url'],
  ['the same for nobody', `${JSON_PATH}?Email=nobody@contoso.test&Protocol=AutodiscoverV1`, 200, 'json url'],
  ['no query', JSON_PATH, 400, 'json MandatoryParameterMissing'],
  ['no protocol', `${JSON_PATH}?Email=alice@contoso.test`, 400, 'json MissingProtocol'],
  ['unknown protocol', `${JSON_PATH}?Email=alice@contoso.test&Protocol=Evil`, 400, 'json InvalidProtocol'],
  ['__proto__ for a protocol', `${JSON_PATH}?Email=alice@contoso.test&Protocol=__proto__`, 400, 'json InvalidProtocol'],
  [
    'constructor for a protocol',
    `${JSON_PATH}?Email=alice@contoso.test&Protocol=constructor`,
    400,
    'json InvalidProtocol',
  ],
  ['protocol twice', `${JSON_PATH}?Email=a@contoso.test&Protocol=Ews&Protocol=AutodiscoverV1`, 200, 'json url'],
  ['protocol as array', `${JSON_PATH}?Email=a@contoso.test&Protocol[]=Ews`, 400, 'json MissingProtocol'],
  ['broken escape', `${JSON_PATH}?Email=%&Protocol=Ews`, 400, 'json MandatoryParameterMissing'],
  ['broken UTF-8', `${JSON_PATH}?Email=%ff%fe@contoso.test&Protocol=Ews`, 200, 'json url'],
  ['address in the path', `${JSON_PATH}/v1.0/alice@contoso.test?Protocol=AutodiscoverV1`, 200, 'json url'],
  ['broken escape in the path', `${JSON_PATH}/v1.0/%?Protocol=AutodiscoverV1`, 400, 'json MandatoryParameterMissing'],
  ['version of nonsense', `${JSON_PATH}/vX/alice@contoso.test?Protocol=Ews`, 404, ''],
  [
    'another path behind @',
    `${JSON_PATH}?@evil.test/powershell/?&Email=${JSON_PATH}?@evil.test`,
    400,
    'json MissingProtocol',
  ],
  ['address behind the file name', `${JSON_PATH}@evil.test/mapi/nspi?Email=${JSON_PATH}@evil.test`, 404, ''],
  [
    'address of 60,000 characters',
    `${JSON_PATH}?Email=${'a'.repeat(60_000)}@contoso.test&Protocol=Ews`,
    400,
    'json MandatoryParameterMissing',
  ],
  [
    'filter for an address',
    `${JSON_PATH}?Email=*)(objectClass=*@contoso.test&Protocol=AutodiscoverV1`,
    400,
    'json MandatoryParameterMissing',
  ],
  [
    'escaped question mark',
    `${JSON_PATH}%3f@evil.test/mapi/nspi/?&Email=autodiscover/autodiscover.json%3f@evil.test`,
    404,
    '',
  ],
  ['escaped slash before the address', `${JSON_PATH}%2fv1.0%2falice@contoso.test?Protocol=Ews`, 404, ''],
  [
    'script for an address',
    `${JSON_PATH}?Email=%3Cscript%3E@contoso.test&Protocol=Evil%3Cscript%3E`,
    400,
    'json MandatoryParameterMissing',
  ],
];
const JSONS: readonly HostileCase[] = [
  ...jsonRows.map(([name, target, status, says]) =>
    row(`json: ${name}`, http(target, '', { authorization: false }), status, says === '' ? undefined : says),
  ),
  row('json: POST', http(`${JSON_PATH}?Email=a@b&Protocol=Ews`, '{}', { authorization: false }), 405),
];

export const MESSAGE_CASES: readonly HostileCase[] = [...CREDENTIALS, ...MESSAGES, ...SOAP, ...JSONS];
