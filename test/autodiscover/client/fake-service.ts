// Handlers for the fake network: an Autodiscover service, and the other things that answer under its name.
import type { UserSettings } from '../../../src/autodiscover/settings/user-settings.ts';
import type { Handler, SeenRequest } from './fake-network.ts';

export const PASSWORD = 'correct horse: battery';

/** Hand-written answers; not made by the project's own renderer. */
export function poxSettings(server = 'outlook.contoso.test'): string {
  return `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
  <Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">
    <User><DisplayName>Alice Example</DisplayName><LegacyDN>/o=Contoso/cn=alice</LegacyDN></User>
    <Account><AccountType>email</AccountType><Action>settings</Action>
      <Protocol><Type>EXCH</Type><Server>${server}</Server>
        <ServerDN>/o=Contoso/cn=Configuration/cn=Servers/cn=${server}</ServerDN>
        <EwsUrl>https://mail.contoso.test/EWS/Exchange.asmx</EwsUrl></Protocol>
    </Account>
  </Response>
</Autodiscover>`;
}

function poxAccount(children: string): string {
  return `<?xml version="1.0"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"><Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"><Account>${children}</Account></Response></Autodiscover>`;
}

export function poxRedirectAddress(address: string): string {
  return poxAccount(`<Action>redirectAddr</Action><RedirectAddr>${address}</RedirectAddr>`);
}

export function poxRedirectUrl(url: string): string {
  return poxAccount(`<Action>redirectUrl</Action><RedirectUrl>${url}</RedirectUrl>`);
}

export function poxError(code: number, message = 'text'): string {
  return `<?xml version="1.0"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"><Response><Error Time="09:41:27.0318214" Id="2477272013"><ErrorCode>${code}</ErrorCode><Message>${message}</Message><DebugData /></Error></Response></Autodiscover>`;
}

function soapBody(response: string): string {
  return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header/><s:Body><GetUserSettingsResponseMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"><Response xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><ErrorCode>NoError</ErrorCode><ErrorMessage/><UserResponses><UserResponse>${response}</UserResponse></UserResponses></Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>`;
}

export function soapSettings(server = 'outlook.contoso.test'): string {
  return soapBody(
    `<ErrorCode>NoError</ErrorCode><ErrorMessage>No error.</ErrorMessage><RedirectTarget i:nil="true"/><UserSettingErrors/><UserSettings><UserSetting i:type="StringSetting"><Name>InternalRpcClientServer</Name><Value>${server}</Value></UserSetting></UserSettings>`,
  );
}

export function soapOutcome(code: string, target?: string): string {
  const redirect =
    target === undefined ? '<RedirectTarget i:nil="true"/>' : `<RedirectTarget>${target}</RedirectTarget>`;
  return soapBody(
    `<ErrorCode>${code}</ErrorCode><ErrorMessage>text</ErrorMessage>${redirect}<UserSettingErrors/><UserSettings/>`,
  );
}

export const SOAP_FAULT =
  '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Server</faultcode><faultstring>Broken.</faultstring></s:Fault></s:Body></s:Envelope>';

export function basicOf(user: string, password = PASSWORD): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** An Autodiscover service with Basic: 401 and X-SOAP-Enabled until the right credentials come, then `answer`. */
export function service(answer: string | ((request: SeenRequest) => string), user = 'alice@contoso.test'): Handler {
  return (request, response) => {
    if (request.authorization !== basicOf(user)) {
      response.writeHead(401, { 'X-SOAP-Enabled': 'True', 'WWW-Authenticate': 'Basic realm="mail"' }).end();
      return;
    }
    const body = typeof answer === 'string' ? answer : answer(request);
    response.writeHead(200, { 'Content-Type': 'text/xml; charset=utf-8' }).end(body);
  };
}

/** Any fixed answer. */
export function fixed(status: number, headers: Record<string, string | string[]> = {}, body = ''): Handler {
  return (_request, response) => void response.writeHead(status, headers).end(body);
}

export const website: Handler = fixed(200, { 'Content-Type': 'text/html' }, '<!DOCTYPE html><title>Contoso</title>');

export function redirect(location: string, status = 302): Handler {
  return fixed(status, { Location: location });
}

/** Never answers. */
export const silent: Handler = () => {};

export type { UserSettings };
