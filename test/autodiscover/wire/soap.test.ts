import assert from 'node:assert/strict';
import test from 'node:test';
import { USER_SETTINGS, type UserSettingName } from '../../../src/autodiscover/settings/user-settings.ts';
import {
  parseDomainSettingsResponse,
  renderDomainSettingsRequest,
  renderDomainSettingsResponse,
  SOAP_DOMAIN_LIMIT,
} from '../../../src/autodiscover/wire/soap-domain-settings.ts';
import {
  renderSoapFault,
  type SoapFaultCode,
  serverVersionInfo,
  soapAction,
  soapContentType,
} from '../../../src/autodiscover/wire/soap-envelope.ts';
import {
  parseFederationResponse,
  parseOrganizationRelationshipResponse,
  renderFederationRequest,
  renderFederationResponse,
  renderOrganizationRelationshipRequest,
  renderOrganizationRelationshipResponse,
} from '../../../src/autodiscover/wire/soap-federation.ts';
import { invalidRequest, isFailure } from '../../../src/autodiscover/wire/soap-message.ts';
import { parseSoapRequest, type SoapRequest } from '../../../src/autodiscover/wire/soap-request.ts';
import {
  parseUserSettingsResponse,
  renderUserSettingsRequest,
  renderUserSettingsResponse,
  SOAP_USER_LIMIT,
} from '../../../src/autodiscover/wire/soap-user-settings.ts';
import { renderWsdl, SOAP_OPERATIONS } from '../../../src/autodiscover/wire/soap-wsdl.ts';
import { parseXml, XML_LIMITS } from '../../../src/autodiscover/wire/xml.ts';
import { bytes, failure, fullAnswer, minimalAnswer, settings, soapContext } from './samples.ts';

const SOAP_11 = 'http://schemas.xmlsoap.org/soap/envelope/';
const SOAP_12 = 'http://www.w3.org/2003/05/soap-envelope';
const AUTODISCOVER = 'http://schemas.microsoft.com/exchange/2010/Autodiscover';

const envelope = (body: string, header = '', namespace = SOAP_11): string =>
  `<s:Envelope xmlns:s="${namespace}" xmlns:a="${AUTODISCOVER}" xmlns:w="http://www.w3.org/2005/08/addressing"><s:Header>${header}</s:Header><s:Body>${body}</s:Body></s:Envelope>`;
const user = (mailbox: string): string => `<a:User><a:Mailbox>${mailbox}</a:Mailbox></a:User>`;
const userSettings = (users: string, wanted: string): string =>
  `<a:GetUserSettingsRequestMessage><a:Request><a:Users>${users}</a:Users><a:RequestedSettings>${wanted}</a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage>`;
const wanted = (...names: string[]): string => names.map((name) => `<a:Setting>${name}</a:Setting>`).join('');

function read(xml: string | Uint8Array, contentType?: string): SoapRequest {
  const parsed = parseSoapRequest(typeof xml === 'string' ? bytes(xml) : xml, contentType);
  if ('soapFault' in parsed) assert.fail(parsed.soapFault.detail);
  return parsed;
}

function readUsers(xml: string) {
  const parsed = read(xml);
  if (parsed.operation !== 'GetUserSettings') assert.fail(parsed.operation);
  return parsed;
}

const fault = (name: string, xml: string | Uint8Array, code: SoapFaultCode, detail: RegExp): void => {
  test(`answers a Fault to ${name}`, () => {
    const parsed = parseSoapRequest(typeof xml === 'string' ? bytes(xml) : xml);
    if (!('soapFault' in parsed)) assert.fail('accepted');
    assert.equal(parsed.soapFault.code, code);
    assert.match(parsed.soapFault.detail, detail);
    assert.doesNotMatch(renderSoapFault(parsed.soapFault), /line 1|namespace "/); // the detail is for the log
  });
};
const invalid = (name: string, body: string, message: RegExp): void => {
  test(`answers InvalidRequest to ${name}`, () => {
    const { request } = read(envelope(body));
    if (!('invalid' in request)) assert.fail('accepted');
    assert.match(request.invalid, message);
    assert.deepEqual(invalidRequest(request), { code: 'InvalidRequest', message: request.invalid });
  });
};

const alice = user('alice@contoso.test');

test('reads a GetUserSettings request', () => {
  const header =
    '<a:RequestedServerVersion>Exchange2016</a:RequestedServerVersion><w:MessageID>urn:uuid:1</w:MessageID>';
  const { request, header: found } = readUsers(
    envelope(
      userSettings(alice + user(' SMTP:Bob@CONTOSO.test '), wanted('UserDN', 'ExternalEwsUrl', 'UserDN')),
      header,
    ),
  );
  assert.deepEqual(found, { version: '1.1', messageId: 'urn:uuid:1', requestedServerVersion: 'Exchange2016' });
  assert.deepEqual(request, {
    users: [
      { mailbox: 'alice@contoso.test', address: 'alice@contoso.test' },
      { mailbox: 'SMTP:Bob@CONTOSO.test', address: 'Bob@contoso.test' },
    ],
    settings: ['UserDN', 'ExternalEwsUrl'],
    unknownSettings: [],
    requestedVersion: undefined,
  });
});

test('a user that is no address keeps its place', () => {
  const { request } = readUsers(envelope(userSettings(`${alice}${user('nobody')}<a:User/>${alice}`, wanted('UserDN'))));
  assert.ok('users' in request);
  assert.deepEqual(
    request.users.map(({ address }) => address),
    ['alice@contoso.test', undefined, undefined, 'alice@contoso.test'],
  );
});

test('settings of newer servers are set aside, not refused', () => {
  const { request } = readUsers(
    envelope(userSettings(alice, wanted('MapiHttpEnabled', 'userdn', 'constructor', 'UserDN', '__proto__'))),
  );
  assert.ok('users' in request);
  assert.deepEqual(request.settings, ['UserDN']);
  assert.deepEqual(request.unknownSettings, ['MapiHttpEnabled', 'userdn', 'constructor', '__proto__']);
});

test('every setting of the model can be asked for', () => {
  const names = Object.keys(USER_SETTINGS) as UserSettingName[];
  const { request } = readUsers(renderUserSettingsRequest(['alice@contoso.test'], names));
  assert.ok('users' in request);
  assert.deepEqual(request.settings, names);
});

test('100 users are accepted, in order', () => {
  const mailboxes = Array.from({ length: SOAP_USER_LIMIT }, (_, index) => `u${index}@contoso.test`);
  const { request } = readUsers(renderUserSettingsRequest(mailboxes, ['UserDN']));
  assert.ok('users' in request);
  assert.deepEqual(
    request.users.map(({ address }) => address),
    mailboxes,
  );
});

test('no SOAPAction, header, declaration or known prefix is needed; headers nobody reads are passed over', () => {
  const body = userSettings(alice, wanted('UserDN'));
  read(envelope(body).replace('<s:Header></s:Header>', ''));
  read(`<?xml version="1.0" encoding="utf-8"?>${envelope(body)}`);
  read(envelope(body, '<x:BinarySecret xmlns:x="u:x" s:mustUnderstand="1">QQ==</x:BinarySecret>'));
  read(envelope(body).replaceAll('a:', '').replace('xmlns:a=', 'xmlns='));
});

test('SOAP 1.2 is read, and answered in its own envelope', () => {
  const { header } = read(envelope(userSettings(alice, wanted('UserDN')), '', SOAP_12));
  assert.equal(header.version, '1.2');
  const answer = renderUserSettingsResponse({ results: [], settings: [] }, { ...soapContext, version: header.version });
  assert.match(answer, new RegExp(`^<s:Envelope xmlns:s="${SOAP_12}"`));
  assert.equal(soapContentType('1.2'), 'application/soap+xml; charset=utf-8');
  assert.equal(soapContentType(), 'text/xml; charset=utf-8');
});

test('UTF-16 is read', () => {
  const text = `\ufeff${envelope(userSettings(alice, wanted('UserDN')))}`;
  assert.equal(read(Uint8Array.from(Buffer.from(text, 'utf16le'))).operation, 'GetUserSettings');
});

test('a MessageID comes back as RelatesTo, escaped; one that is too long does not', () => {
  const answer = renderUserSettingsResponse({ results: [], settings: [] }, { ...soapContext, relatesTo: 'urn:<1>&' });
  assert.match(answer, /<a:RelatesTo>urn:&lt;1&gt;&amp;<\/a:RelatesTo>/);
  const header = `<w:MessageID>${'x'.repeat(257)}</w:MessageID>`;
  assert.equal(read(envelope(userSettings(alice, wanted('UserDN')), header)).header.messageId, undefined);
});

const many = (count: number, text: string): string => text.repeat(count);
invalid('no users', userSettings('', wanted('UserDN')), /no user/);
invalid('no Users element', '<a:GetUserSettingsRequestMessage/>', /no user/);
invalid('101 users', userSettings(many(101, alice), wanted('UserDN')), /more than 100 users/);
invalid('no settings', userSettings(alice, ''), /no setting/);
invalid('blank settings', userSettings(alice, wanted(' ', '')), /no setting/);
invalid(
  'no domains',
  '<a:GetDomainSettingsRequestMessage><a:Request/></a:GetDomainSettingsRequestMessage>',
  /no domain/,
);
invalid(
  '101 domains',
  `<a:GetDomainSettingsRequestMessage><a:Request><a:Domains>${many(SOAP_DOMAIN_LIMIT + 1, '<a:Domain>contoso.test</a:Domain>')}</a:Domains></a:Request></a:GetDomainSettingsRequestMessage>`,
  /more than 100 domains/,
);
invalid(
  'domains without settings',
  '<a:GetDomainSettingsRequestMessage><a:Request><a:Domains><a:Domain>contoso.test</a:Domain></a:Domains></a:Request></a:GetDomainSettingsRequestMessage>',
  /no setting/,
);
invalid('a federation request without domain', '<a:GetFederationInformationRequestMessage/>', /no domain/);
invalid('a relationship request without domain', '<a:GetOrganizationRelationshipSettingsRequestMessage/>', /no domain/);

fault('an empty body', '', 'Client', /empty/);
fault('JSON', '{}', 'Client', /outside the root/);
fault('a POX request', '<Autodiscover/>', 'Client', /root element is <Autodiscover>/);
fault('an unknown envelope', envelope('<a:X/>', '', 'u:other'), 'VersionMismatch', /"u:other"/);
fault('an empty SOAP body', envelope(''), 'Client', /no element in <Body>/);
fault('no SOAP body', `<s:Envelope xmlns:s="${SOAP_11}"/>`, 'Client', /no element in <Body>/);
fault('an unknown operation', envelope('<a:GetEverything/>'), 'ActionNotSupported', /<GetEverything>/);
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

test('answers of several users are read back in order, with their errors', () => {
  const results = [
    settings(fullAnswer),
    failure('unknown-address'),
    { action: 'redirectAddr' as const, address: 'ken@fabrikam.test' },
    { action: 'redirectUrl' as const, url: 'https://b.test/autodiscover/autodiscover.svc' },
    failure('server-error'),
  ];
  const names: UserSettingName[] = ['UserDisplayName', 'AlternateMailboxes'];
  const parsed = parseUserSettingsResponse(renderUserSettingsResponse({ results, settings: names }, soapContext));
  if (parsed.kind !== 'answer') assert.fail(JSON.stringify(parsed));
  assert.deepEqual(parsed.error, { code: 'NoError', message: '' });
  assert.deepEqual(
    parsed.users.map((entry) => [entry.error.code, entry.redirectTarget, Object.keys(entry.settings).length]),
    [
      ['NoError', undefined, 2],
      ['InvalidUser', undefined, 0],
      ['RedirectAddress', 'ken@fabrikam.test', 0],
      ['RedirectUrl', 'https://b.test/autodiscover/autodiscover.svc', 0],
      ['InternalServerError', undefined, 0],
    ],
  );
  assert.deepEqual(parsed.serverVersionInfo, serverVersionInfo(0x7383807b, 4));
});

test("another server's setting errors, unknown settings and a prefixed i:type are read", () => {
  const xml = envelope(
    `<GetUserSettingsResponseMessage xmlns="${AUTODISCOVER}"><Response xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:q="${AUTODISCOVER}"><ErrorCode>NoError</ErrorCode><ErrorMessage/><UserResponses><UserResponse><ErrorCode>NoError</ErrorCode><ErrorMessage/><RedirectTarget i:nil="true"/><UserSettingErrors><UserSettingError><ErrorCode>SettingIsNotAvailable</ErrorCode><ErrorMessage>m</ErrorMessage><SettingName>CasVersion</SettingName></UserSettingError></UserSettingErrors><UserSettings><UserSetting i:type="q:StringSetting"><Name>UserDN</Name><Value> /o=x </Value></UserSetting><UserSetting><Name>MobileMailboxPolicy</Name><Value>y</Value></UserSetting><UserSetting><Name>ExternalPop3Connections</Name><ProtocolConnections><ProtocolConnection><Hostname>p</Hostname><Port>99999</Port></ProtocolConnection></ProtocolConnections></UserSetting></UserSettings></UserResponse></UserResponses></Response></GetUserSettingsResponseMessage>`,
  );
  const parsed = parseUserSettingsResponse(xml);
  if (parsed.kind !== 'answer') assert.fail(JSON.stringify(parsed));
  assert.deepEqual(parsed.users[0], {
    error: { code: 'NoError', message: '' },
    redirectTarget: undefined,
    settings: { UserDN: '/o=x' },
    settingErrors: [{ code: 'SettingIsNotAvailable', message: 'm', setting: 'CasVersion' }],
  });
});

test('a refused request is read back as such, an unknown code kept', () => {
  const refused = parseUserSettingsResponse(
    renderUserSettingsResponse({ code: 'InvalidRequest', message: 'The request names no user.' }, soapContext),
  );
  assert.ok(refused.kind === 'answer' && isFailure(refused.error) && refused.users.length === 0);
  assert.ok(isFailure({ code: 'SomethingNew', message: '' }));
  assert.ok(!isFailure({ code: 'NoError', message: '' }));
});

test('faults of both versions are read', () => {
  for (const version of ['1.1', '1.2'] as const) {
    const xml = renderSoapFault({ code: 'Client', reason: 'bad & wrong', detail: '-' }, version);
    const code = version === '1.1' ? 's:Client' : 's:Sender';
    assert.deepEqual(parseUserSettingsResponse(xml), { kind: 'fault', code, reason: 'bad & wrong' });
  }
});

test('an answer to another operation is malformed', () => {
  const parsed = parseUserSettingsResponse(renderFederationResponse(soapContext));
  assert.ok(parsed.kind === 'malformed' && /no answer to GetUserSettings/.test(parsed.detail));
  assert.equal(parseUserSettingsResponse('<html/>').kind, 'malformed');
});

test('GetDomainSettings goes there and back', () => {
  const request = read(renderDomainSettingsRequest(['Contoso.test', 'b ad'], ['ExternalEwsUrl']));
  if (request.operation !== 'GetDomainSettings' || 'invalid' in request.request) assert.fail(request.operation);
  assert.deepEqual(request.request, {
    domains: [
      { written: 'Contoso.test', domain: 'contoso.test' },
      { written: 'b ad', domain: undefined },
    ],
    settings: ['ExternalEwsUrl'],
    unknownSettings: [],
  });
  const url = 'https://mail.contoso.test/EWS/Exchange.asmx';
  const xml = renderDomainSettingsResponse(
    {
      results: [
        { action: 'settings', settings: { ExternalEwsUrl: url, ExternalEwsVersion: '14.3' } },
        { action: 'error', fault: 'invalid-domain' },
        { action: 'redirectUrl', url: 'https://b.test/' },
      ],
      settings: request.request.settings,
    },
    soapContext,
  );
  const parsed = parseDomainSettingsResponse(xml);
  if (parsed.kind !== 'answer') assert.fail(JSON.stringify(parsed));
  assert.deepEqual(
    parsed.domains.map((entry) => [entry.error.code, entry.settings, entry.redirectTarget]),
    [
      ['NoError', { ExternalEwsUrl: url }, undefined],
      ['InvalidDomain', {}, undefined],
      ['RedirectUrl', {}, 'https://b.test/'],
    ],
  );
});

test('the federation operations answer NotFederated, and are read back', () => {
  const federation = read(renderFederationRequest('Contoso.test'));
  assert.deepEqual(federation.request, { domain: 'contoso.test' });
  const information = parseFederationResponse(renderFederationResponse(soapContext));
  assert.ok(information.kind === 'answer' && information.error.code === 'NotFederated');
  const relationship = read(renderOrganizationRelationshipRequest(['contoso.test', '..', 'Fabrikam.test']));
  assert.deepEqual(relationship.request, { domains: ['contoso.test', 'fabrikam.test'] });
  const settingsOf = parseOrganizationRelationshipResponse(renderOrganizationRelationshipResponse(soapContext));
  assert.ok(settingsOf.kind === 'answer' && settingsOf.error.code === 'NotFederated');
});

test("a federated server's answer is read", () => {
  const xml = envelope(
    `<GetFederationInformationResponseMessage xmlns="${AUTODISCOVER}"><Response><ErrorCode>NoError</ErrorCode><ErrorMessage/><ApplicationUri>fabrikam.test</ApplicationUri><TokenIssuers><TokenIssuer><Endpoint>https://sts.test/</Endpoint><Uri>urn:federation:x</Uri></TokenIssuer></TokenIssuers><Domains><Domain>fabrikam.test</Domain></Domains></Response></GetFederationInformationResponseMessage>`,
  );
  assert.deepEqual(parseFederationResponse(xml), {
    kind: 'answer',
    error: { code: 'NoError', message: '' },
    applicationUri: 'fabrikam.test',
    tokenIssuers: [{ endpoint: 'https://sts.test/', uri: 'urn:federation:x' }],
    domains: ['fabrikam.test'],
  });
});

test('ServerVersionInfo names the newest schema of each version', () => {
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
