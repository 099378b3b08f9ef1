// Requests as clients are documented and observed to send them, recorded by this project with its own sample values. Data, and the few
// bodies they share. What differs between them is what servers have stumbled over: declarations, headers, paths, order, schemas.

import type { UserSettingName } from '../../autodiscover/settings/user-settings.ts';

/** What kind of answer is due: `pox`, `mobilesync`, `soap` settings; `unknown` a POX error 500; `challenge` a 401; `any` whatever is quick; `json` a redirection document. */
export type Expectation = 'pox' | 'mobilesync' | 'soap' | 'unknown' | 'challenge' | 'any' | 'json';

export interface Recording {
  /** Client and case, unique. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'HEAD' | 'OPTIONS';
  /** Path and query; `{address}` is the address asked for, as a URL component. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** `{address}` and `{legacyDn}` are the values asked for, escaped for XML. */
  readonly body?: string;
  /** Sent with credentials. */
  readonly authenticated: boolean;
  readonly expects: Expectation;
  /** For SOAP: the settings that are asked for. */
  readonly settings?: readonly UserSettingName[];
}

const OUTLOOK = 'http://schemas.microsoft.com/exchange/autodiscover/outlook';
const MOBILESYNC = 'http://schemas.microsoft.com/exchange/autodiscover/mobilesync';
const DECLARATION = '<?xml version="1.0" encoding="utf-8"?>';

const poxBody = (who: string, declaration = DECLARATION) =>
  `${declaration}<Autodiscover xmlns="${OUTLOOK}/requestschema/2006"><Request>${who}` +
  `<AcceptableResponseSchema>${OUTLOOK}/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`;
const BY_ADDRESS = '<EMailAddress>{address}</EMailAddress>';

const XML = { 'Content-Type': 'text/xml; charset=utf-8' } as const;
const LOWER = '/autodiscover/autodiscover.xml';
const UPPER = '/Autodiscover/Autodiscover.xml';

const pox = (
  name: string,
  headers: Readonly<Record<string, string>>,
  body = poxBody(BY_ADDRESS),
  path = LOWER,
): Recording => ({
  name,
  method: 'POST',
  path,
  headers: { ...XML, ...headers },
  body,
  authenticated: true,
  expects: 'pox',
});

const SOAP_SETTINGS = [
  'UserDisplayName',
  'UserDN',
  'InternalRpcClientServer',
  'InternalMailboxServerDN',
  'InternalEwsUrl',
  'ExternalEwsUrl',
  'EwsSupportedSchemas',
] as const satisfies readonly UserSettingName[];
const SERVICE = 'http://schemas.microsoft.com/exchange/2010/Autodiscover';

/** The settings message in the prefixes and with the header that one client uses. */
const soapBody = (header: string, settings: readonly string[], declaration = DECLARATION) =>
  `${declaration}<soap:Envelope xmlns:a="${SERVICE}" xmlns:wsa="http://www.w3.org/2005/08/addressing" ` +
  'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">' +
  `<soap:Header>${header}</soap:Header><soap:Body><a:GetUserSettingsRequestMessage><a:Request><a:Users><a:User>` +
  '<a:Mailbox>{address}</a:Mailbox></a:User></a:Users><a:RequestedSettings>' +
  settings.map((name) => `<a:Setting>${name}</a:Setting>`).join('') +
  '</a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage></soap:Body></soap:Envelope>';
const ADDRESSING =
  `<wsa:Action>${SERVICE}/Autodiscover/GetUserSettings</wsa:Action>` +
  '<wsa:To>https://autodiscover.contoso.test/autodiscover/autodiscover.svc</wsa:To>';
const version = (text: string) => `<a:RequestedServerVersion>${text}</a:RequestedServerVersion>`;

const soap = (
  name: string,
  headers: Readonly<Record<string, string>>,
  header: string,
  settings: readonly UserSettingName[] = SOAP_SETTINGS,
): Recording => ({
  name,
  method: 'POST',
  path: '/autodiscover/autodiscover.svc',
  headers: { 'Content-Type': 'text/xml; charset=utf-8', ...headers },
  body: soapBody(header, settings),
  authenticated: true,
  expects: 'soap',
  settings,
});

const mobileSync = (name: string, userAgent: string, path: string): Recording => ({
  name,
  method: 'POST',
  path,
  headers: { 'Content-Type': 'text/xml', 'User-Agent': userAgent },
  body:
    `${DECLARATION}<Autodiscover xmlns="${MOBILESYNC}/requestschema/2006"><Request>${BY_ADDRESS}` +
    `<AcceptableResponseSchema>${MOBILESYNC}/responseschema/2006</AcceptableResponseSchema></Request></Autodiscover>`,
  authenticated: true,
  expects: 'mobilesync',
});

const office = (text: string) => ({ 'User-Agent': `Microsoft Office/${text}` });
const OFFICE_2016 = office('16.0 (Windows NT 10.0; Microsoft Outlook 16.0.11231; Pro)');

export const RECORDINGS: readonly Recording[] = [
  pox('Outlook 2007', office('12.0 (Windows NT 6.0; Microsoft Office Outlook 12.0.6607; Pro)'), undefined, UPPER),
  pox('Outlook 2010', office('14.0 (Windows NT 6.1; Microsoft Outlook 14.0.4760; Pro)'), undefined, UPPER),
  pox(
    'Outlook 2010, refreshing a profile by its legacyExchangeDN',
    office('14.0 (Windows NT 6.1; Microsoft Outlook 14.0.4760; Pro)'),
    poxBody(`${BY_ADDRESS}<LegacyDN>{legacyDn}</LegacyDN>`),
    UPPER,
  ),
  pox('Outlook 2013', {
    ...office('15.0 (Windows NT 6.3; Microsoft Outlook 15.0.4420; Pro)'),
    'X-ClientCanHandle': 'Negotiate',
  }),
  pox('Outlook 2016', { ...OFFICE_2016, 'X-MapiHttpCapability': '1', 'X-ClientCanHandle': 'Negotiate, ExHttpInfo' }),
  {
    name: 'Outlook 2016, stray GET',
    method: 'GET',
    path: LOWER,
    headers: OFFICE_2016,
    authenticated: false,
    expects: 'challenge',
  },
  {
    name: 'Outlook 2016, JSON before POX',
    method: 'GET',
    path: '/autodiscover/autodiscover.json?Email={address}&Protocol=Autodiscoverv1&RedirectCount=1',
    headers: OFFICE_2016,
    authenticated: false,
    expects: 'json',
  },
  mobileSync('ActiveSync on Android', 'Android-Mail/7.9.24.173269925', LOWER),
  mobileSync('ActiveSync on iOS', 'Apple-iPhone9C1/1402.100', '/AutoDiscover/AutoDiscover.xml'),
  {
    name: 'EWS Managed API, looking for SOAP',
    method: 'GET',
    path: LOWER,
    headers: {},
    authenticated: false,
    expects: 'challenge',
  },
  pox(
    'EWS Managed API, POX without a declaration, Expect',
    { 'User-Agent': 'ExchangeServicesClient/2.2.1.0', Accept: 'text/xml', Expect: '100-continue' },
    poxBody(BY_ADDRESS, ''),
  ),
  soap(
    'EWS Managed API, SOAP',
    { 'User-Agent': 'ExchangeServicesClient/2.2.1.0', Accept: 'text/xml', Expect: '100-continue' },
    version('Exchange2010_SP2') + ADDRESSING,
  ),
  soap(
    'exchangelib, SOAP',
    { 'User-Agent': 'exchangelib/5.6.0 (python-requests/2.31.0)' },
    version('Exchange2016') + ADDRESSING,
  ),
  pox(
    'exchangelib, POX',
    { 'User-Agent': 'exchangelib/4.9.0 (python-requests/2.28.1)', 'X-AnchorMailbox': '{address}' },
    undefined,
    UPPER,
  ),
  {
    name: 'exchangelib, looking at a redirection target',
    method: 'HEAD',
    path: UPPER,
    headers: { 'User-Agent': 'exchangelib/5.6.0 (python-requests/2.31.0)' },
    authenticated: false,
    expects: 'any',
  },
  soap(
    'ews-javascript-api, SOAP without any addressing',
    { 'Content-Type': 'text/xml', 'User-Agent': 'axios/1.7.2' },
    '',
    ['ExternalEwsUrl'],
  ),
  pox('Evolution, no declaration', { 'User-Agent': 'Evolution/3.46.4' }, poxBody(BY_ADDRESS, '')),
  pox('Thunderbird', { 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.0' }),
  pox('DavMail, no declaration', { 'Content-Type': 'text/xml; charset=UTF-8' }, poxBody(BY_ADDRESS, '')),
  {
    name: 'A browser asking what is allowed',
    method: 'OPTIONS',
    path: LOWER,
    headers: {},
    authenticated: false,
    expects: 'any',
  },
  {
    ...pox('Any client, an address that nobody has', { 'User-Agent': 'exchange-autodiscover' }),
    body: poxBody('<EMailAddress>nobody-by-this-name-{address}</EMailAddress>'),
    expects: 'unknown',
  },
  {
    name: 'Any client, without credentials',
    method: 'POST',
    path: LOWER,
    headers: XML,
    body: poxBody(BY_ADDRESS),
    authenticated: false,
    expects: 'challenge',
  },
];
