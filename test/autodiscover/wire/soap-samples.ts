// SOAP requests for the tests of this folder, and the way into them.
import assert from 'node:assert/strict';
import { parseSoapEnvelope, type SoapMessage } from '../../../src/autodiscover/wire/soap-envelope.ts';
import { bytes } from './samples.ts';

export const SOAP_11 = 'http://schemas.xmlsoap.org/soap/envelope/';
export const SOAP_12 = 'http://www.w3.org/2003/05/soap-envelope';
export const AUTODISCOVER = 'http://schemas.microsoft.com/exchange/2010/Autodiscover';

export const envelope = (body: string, header = '', namespace = SOAP_11): string =>
  `<s:Envelope xmlns:s="${namespace}" xmlns:a="${AUTODISCOVER}" xmlns:w="http://www.w3.org/2005/08/addressing"><s:Header>${header}</s:Header><s:Body>${body}</s:Body></s:Envelope>`;
export const user = (mailbox: string): string => `<a:User><a:Mailbox>${mailbox}</a:Mailbox></a:User>`;
export const userSettings = (users: string, wanted: string): string =>
  `<a:GetUserSettingsRequestMessage><a:Request><a:Users>${users}</a:Users><a:RequestedSettings>${wanted}</a:RequestedSettings></a:Request></a:GetUserSettingsRequestMessage>`;
export const wanted = (...names: string[]): string => names.map((name) => `<a:Setting>${name}</a:Setting>`).join('');

/** Reads an envelope that is none of those answered by a Fault. */
export function open(xml: string | Uint8Array): SoapMessage {
  const message = parseSoapEnvelope(typeof xml === 'string' ? bytes(xml) : xml);
  if ('soapFault' in message) assert.fail(message.soapFault.detail);
  return message;
}

export const alice = user('alice@contoso.test');
