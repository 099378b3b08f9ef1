// A constant Autodiscover responder, to see that the bed and the client drivers work whatever our own service does: HTTPS with
// Basic authentication, one mailbox, POX and SOAP. Usage: node canned-service.ts CERTIFICATE KEY ADDRESS USER PASSWORD_FILE.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const [certificate = '', key = '', mailbox = '', user = '', passwordFile = ''] = process.argv.slice(2);
const expected = `Basic ${Buffer.from(`${user}:${readFileSync(passwordFile, 'utf8')}`).toString('base64')}`;
const NAMESPACE = 'http://schemas.microsoft.com/exchange/autodiscover';
const EWS = 'https://mail.contoso.test/EWS/Exchange.asmx';

const endpoint = (type: string) =>
  `<Protocol><Type>${type}</Type><Server>mail.contoso.test</Server><ServerVersion>7383807B</ServerVersion>` +
  `<AuthPackage>Basic</AuthPackage><ASUrl>${EWS}</ASUrl><EwsUrl>${EWS}</EwsUrl></Protocol>`;

const POX = `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="${NAMESPACE}/responseschema/2006"><Response xmlns="${NAMESPACE}/outlook/responseschema/2006a">
<User><DisplayName>Canned</DisplayName><AutoDiscoverSMTPAddress>${mailbox}</AutoDiscoverSMTPAddress></User>
<Account><AccountType>email</AccountType><Action>settings</Action>${endpoint('EXCH')}${endpoint('EXPR')}</Account>
</Response></Autodiscover>`;

const POX_UNKNOWN = `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="${NAMESPACE}/responseschema/2006"><Response><Error Time="12:00:00.0000000" Id="1"><ErrorCode>500</ErrorCode>
<Message>The e-mail address cannot be found.</Message><DebugData /></Error></Response></Autodiscover>`;

const SETTINGS: Readonly<Record<string, string>> = {
  UserDisplayName: 'Canned',
  UserDN: '/o=Contoso/cn=Recipients/cn=canned',
  AutoDiscoverSMTPAddress: mailbox,
  InternalRpcClientServer: 'mail.contoso.test',
  ExternalEwsUrl: EWS,
  EwsSupportedSchemas: 'Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1, Exchange2010_SP2',
};

function soap(request: string): string {
  const known = request.toLowerCase().includes(`>${mailbox.toLowerCase()}<`);
  const asked = [...request.matchAll(/<(?:\w+:)?Setting>(\w+)</g)].map((match) => match[1] ?? '');
  const settings = asked
    .filter((name) => known && name in SETTINGS)
    .map(
      (name) =>
        `<UserSetting i:type="StringSetting"><Name>${name}</Name><Value>${SETTINGS[name]}</Value></UserSetting>`,
    );
  const outcome = known
    ? '<ErrorCode>NoError</ErrorCode><ErrorMessage>No error.</ErrorMessage>'
    : '<ErrorCode>InvalidUser</ErrorCode><ErrorMessage>Invalid user.</ErrorMessage>';
  const service = 'http://schemas.microsoft.com/exchange/2010/Autodiscover';
  return (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="http://www.w3.org/2005/08/addressing"><s:Header>' +
    `<a:Action s:mustUnderstand="1">${service}/Autodiscover/GetUserSettingsResponse</a:Action><h:ServerVersionInfo xmlns:h="${service}">` +
    '<h:MajorVersion>14</h:MajorVersion><h:MinorVersion>3</h:MinorVersion><h:MajorBuildNumber>123</h:MajorBuildNumber>' +
    '<h:MinorBuildNumber>4</h:MinorBuildNumber><h:Version>Exchange2010_SP2</h:Version></h:ServerVersionInfo></s:Header><s:Body>' +
    `<GetUserSettingsResponseMessage xmlns="${service}"><Response xmlns:i="http://www.w3.org/2001/XMLSchema-instance">` +
    `<ErrorCode>NoError</ErrorCode><ErrorMessage /><UserResponses><UserResponse>${outcome}<RedirectTarget i:nil="true" />` +
    `<UserSettingErrors /><UserSettings>${settings.join('')}</UserSettings></UserResponse></UserResponses></Response>` +
    '</GetUserSettingsResponseMessage></s:Body></s:Envelope>'
  );
}

const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
  process.stdout.write(
    `${request.method} https://${request.headers.host}${request.url} ${request.headers['user-agent'] ?? '-'}\n`,
  );
  response.setHeader('X-SOAP-Enabled', 'True');
  response.setHeader('Content-Type', 'text/xml; charset=utf-8');
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.headers.authorization !== expected) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="canned"' }).end();
      return;
    }
    const body = Buffer.concat(chunks).toString('utf8');
    const path = (request.url ?? '').toLowerCase();
    if (path.endsWith('.svc')) response.end(soap(body));
    else if (path.endsWith('.xml'))
      response.end(body.toLowerCase().includes(`>${mailbox.toLowerCase()}<`) ? POX : POX_UNKNOWN);
    else response.writeHead(404).end();
  });
});
server.listen(443, '127.0.0.1');
