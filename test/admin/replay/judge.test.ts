// Each rule of the judgement: an answer that keeps it, and one that breaks it alone.
import assert from 'node:assert/strict';
import test from 'node:test';
import { judge, RULES, type RuleName } from '../../../src/admin/replay/judge.ts';
import { RECORDINGS, type Recording } from '../../../src/admin/replay/recordings.ts';
import type { HttpAnswer } from '../../../src/autodiscover/client/http-client.ts';

const recording = (name: string): Recording => RECORDINGS.find((known) => known.name === name) ?? assert.fail(name);
const OUTLOOK = recording('Outlook 2010');
const SOAP = recording('exchangelib, SOAP');
const UNKNOWN = recording('Any client, an address that nobody has');
const PROBE = recording('EWS Managed API, looking for SOAP');
const BASE = 'http://schemas.microsoft.com/exchange/autodiscover';

const HEADERS = { 'content-type': ['text/xml; charset=utf-8'], 'x-soap-enabled': ['True'] };
const answer = (body: string, headers: Record<string, string[]> = HEADERS, status = 200): HttpAnswer => ({
  kind: 'answer',
  status,
  headers,
  body: Buffer.from(body),
  remoteAddress: undefined,
  tls: undefined,
});

const urls = '<EwsUrl>https://x/e</EwsUrl><ASUrl>https://x/e</ASUrl>';
const pox = (protocols: string, action = 'settings') =>
  `<?xml version="1.0"?><Autodiscover xmlns="${BASE}/responseschema/2006"><Response xmlns="${BASE}/outlook/responseschema/2006a">` +
  `<Account><Action>${action}</Action>${protocols}</Account></Response></Autodiscover>`;
const EXCH = `<Protocol><Type>EXCH</Type>${urls}</Protocol>`;
const GOOD_POX = pox(EXCH);

const setting = (name: string, type = 'StringSetting') =>
  `<UserSetting i:type="${type}"><Name>${name}</Name><Value>v</Value></UserSetting>`;
const soap = (settings: string, header = '<s:Header/>', users = 1) =>
  `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:i="http://www.w3.org/2001/XMLSchema-instance">${header}<s:Body>` +
  '<GetUserSettingsResponseMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"><Response><ErrorCode>NoError</ErrorCode><UserResponses>' +
  `<UserResponse><ErrorCode>NoError</ErrorCode><UserSettings>${settings}</UserSettings></UserResponse>`.repeat(users) +
  '</UserResponses></Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>';
const EWS = setting('ExternalEwsUrl') + setting('EwsSupportedSchemas');

const error = (code: string, message: string, namespace = `${BASE}/responseschema/2006`) =>
  `<?xml version="1.0"?><Autodiscover xmlns="${BASE}/responseschema/2006"><Response xmlns="${namespace}">` +
  `<Error><ErrorCode>${code}</ErrorCode><Message>${message}</Message></Error></Response></Autodiscover>`;
const GOOD_ERROR = error('500', 'The e-mail address cannot be found.');
const challenge = (headers: Record<string, string[]>) => answer('', headers, 401);

for (const [name, asked, good] of [
  ['POX', OUTLOOK, answer(GOOD_POX)],
  ['POX after a byte order mark', OUTLOOK, answer(`\ufeff${GOOD_POX}`)],
  ['SOAP', SOAP, answer(soap(EWS))],
  ['unknown address', UNKNOWN, answer(GOOD_ERROR)],
  ['challenge', PROBE, challenge({ 'www-authenticate': ['Basic realm="x"'], 'x-soap-enabled': ['True'] })],
  ['redirection', OUTLOOK, answer('', { ...HEADERS, location: ['https://a/autodiscover/autodiscover.xml'] }, 302)],
] as const) {
  test(`a good answer breaks nothing: ${name}`, () => assert.deepEqual(judge(asked, good), []));
}

const { 'x-soap-enabled': _soapEnabled, ...WITHOUT_SOAP } = HEADERS;
const BAD: readonly (readonly [RuleName, Recording, HttpAnswer])[] = [
  ['answered', OUTLOOK, answer('', HEADERS, 500)],
  ['answered', OUTLOOK, answer('<html>', HEADERS)],
  ['answered', OUTLOOK, answer(GOOD_ERROR)],
  ['xml-declaration', OUTLOOK, answer(GOOD_POX.replace(/<\?.*?\?>/, ''))],
  ['content-type', OUTLOOK, answer(GOOD_POX, { ...HEADERS, 'content-type': ['text/xml;charset=UTF-8'] })],
  ['namespaces', OUTLOOK, answer(GOOD_POX.replace('responseschema/2006a', 'responseschema/2007'))],
  ['protocol-types', OUTLOOK, answer(pox(EXCH + EXCH))],
  ['protocol-types', OUTLOOK, answer(pox(`${EXCH}<Protocol Type="mapiHttp"><MailStore/></Protocol>`))],
  ['empty-elements', OUTLOOK, answer(pox(`${EXCH}<Protocol><Type>WEB</Type><Internal/></Protocol>`))],
  ['web-service-urls', OUTLOOK, answer(pox('<Protocol><Type>EXCH</Type><EwsUrl>https://x/e</EwsUrl></Protocol>'))],
  ['redirect-url', OUTLOOK, answer(pox('<RedirectUrl>https://x</RedirectUrl>', 'redirectUrl'))],
  ['redirect-target', OUTLOOK, answer('', { ...HEADERS, location: ['http://a/autodiscover/autodiscover.xml'] }, 302)],
  ['redirect-target', OUTLOOK, answer('', { ...HEADERS, location: ['https://a/Autodiscover/Autodiscover.xml'] }, 302)],
  ['soap-enabled', OUTLOOK, answer(GOOD_POX, WITHOUT_SOAP)],
  ['soap-enabled', PROBE, challenge({ 'www-authenticate': ['Negotiate'] })],
  ['challenge', PROBE, challenge({ 'x-soap-enabled': ['True'] })],
  ['challenge', PROBE, answer('', HEADERS, 200)],
  ['unknown-address', UNKNOWN, answer(error('500', 'No such mailbox'))],
  ['unknown-address', UNKNOWN, answer(error('600', 'The e-mail address cannot be found.'))],
  [
    'namespaces',
    UNKNOWN,
    answer(error('500', 'The e-mail address cannot be found.', `${BASE}/outlook/responseschema/2006a`)),
  ],
  ['soap-header', SOAP, answer(soap(EWS, ''))],
  ['setting-types', SOAP, answer(soap(setting('ExternalEwsUrl', 's:StringSetting') + setting('EwsSupportedSchemas')))],
  ['user-responses', SOAP, answer(soap(EWS, undefined, 2))],
  ['ews-settings', SOAP, answer(soap(setting('EwsSupportedSchemas')))],
  ['unrequested-settings', SOAP, answer(soap(EWS + setting('CasVersion')))],
];
for (const [rule, asked, bad] of BAD) {
  test(`${rule}: ${asked.name}`, () => {
    const rules = new Set(judge(asked, bad).map((violation) => violation.rule));
    assert.deepEqual([...rules], [rule]);
  });
}

test('every rule was broken once, and every recording has a name of its own', () => {
  assert.deepEqual(
    Object.keys(RULES).filter((rule) => !BAD.some(([known]) => known === rule)),
    [],
  );
  assert.equal(new Set(RECORDINGS.map(({ name }) => name)).size, RECORDINGS.length);
});
