// What the load generator sends: requests of each dialect for numbered users of the bench's directory, and what their answers must hold.

export type Dialect = 'pox' | 'mobilesync' | 'soap' | 'soap-100' | 'json';

/** A user of the bench's directory; all have the same password. */
export const addressOf = (user: number): string => `user${user}@contoso.test`;
export const BENCH_PASSWORD = 'Demo-Passw0rd!';

/** Settings that a client of Exchange's web services asks for. */
const SOAP_SETTINGS = [
  'UserDisplayName',
  'UserDN',
  'AutoDiscoverSMTPAddress',
  'UserDeploymentId',
  'InternalRpcClientServer',
  'InternalMailboxServer',
  'EcpDeliveryReportUrlFragment',
  'InternalEwsUrl',
  'ExternalEwsUrl',
  'InternalOABUrl',
  'ExternalOABUrl',
  'ExternalMailboxServer',
  'CasVersion',
  'EwsSupportedSchemas',
];

/** Users of one request. */
export const USERS_OF: Readonly<Record<Dialect, number>> = { pox: 1, mobilesync: 1, soap: 1, 'soap-100': 100, json: 1 };

/** A whole HTTP/1.1 request for these addresses, in the name of `caller`. */
export function requestBytes(
  dialect: Dialect,
  addresses: readonly string[],
  caller: string,
  password = BENCH_PASSWORD,
): Buffer {
  const address = addresses[0] ?? '';
  switch (dialect) {
    case 'pox':
      return post('autodiscover.xml', poxBody(address, 'outlook', '2006a'), caller, password);
    case 'mobilesync':
      return post('autodiscover.xml', poxBody(address, 'mobilesync', '2006'), caller, password);
    case 'json': {
      const target = `/autodiscover/autodiscover.json?Email=${encodeURIComponent(address)}&Protocol=Ews`;
      return Buffer.from(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n\r\n`);
    }
    default:
      return post('autodiscover.svc', soapBody(addresses), caller, password);
  }
}

/** Texts that the answer must hold, in this order. */
export function expectedTexts(dialect: Dialect, addresses: readonly string[]): readonly string[] {
  const elements = addresses.map((address) => `>${address}<`);
  switch (dialect) {
    case 'pox':
      return [...elements, '<Type>EXCH</Type>', '<Server>'];
    case 'mobilesync':
      return [...elements, '<Type>MobileSync</Type>'];
    case 'json':
      return ['"Protocol":"Ews"', 'https://'];
    default:
      return elements;
  }
}

function post(file: string, body: string, caller: string, password: string): Buffer {
  const credentials = Buffer.from(`${caller}:${password}`).toString('base64');
  return Buffer.from(
    `POST /autodiscover/${file} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAuthorization: Basic ${credentials}\r\n` +
      `Content-Type: text/xml; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

function poxBody(address: string, schema: 'outlook' | 'mobilesync', version: string): string {
  const base = 'http://schemas.microsoft.com/exchange/autodiscover';
  return (
    `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="${base}/${schema}/requestschema/2006"><Request>` +
    `<EMailAddress>${address}</EMailAddress><AcceptableResponseSchema>${base}/${schema}/responseschema/${version}` +
    '</AcceptableResponseSchema></Request></Autodiscover>'
  );
}

function soapBody(addresses: readonly string[]): string {
  const users = addresses.map((address) => `<a:User><a:Mailbox>${address}</a:Mailbox></a:User>`).join('');
  const settings = SOAP_SETTINGS.map((name) => `<a:Setting>${name}</a:Setting>`).join('');
  return (
    '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover" ' +
    'xmlns:w="http://www.w3.org/2005/08/addressing" xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>' +
    '<a:RequestedServerVersion>Exchange2010</a:RequestedServerVersion>' +
    '<w:Action>http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings</w:Action>' +
    '<w:To>https://localhost/autodiscover/autodiscover.svc</w:To></s:Header><s:Body><a:GetUserSettingsRequestMessage>' +
    `<a:Request><a:Users>${users}</a:Users><a:RequestedSettings>${settings}</a:RequestedSettings></a:Request>` +
    '</a:GetUserSettingsRequestMessage></s:Body></s:Envelope>'
  );
}
