// What a service said, whichever dialect it spoke: the one place where this room turns wire answers into its own vocabulary.
import type { AutodiscoverFault, UserSettings } from '../settings/user-settings.ts';
import { faultOfPoxCode } from '../wire/error-codes.ts';
import { type PoxAnswer, parsePoxResponse } from '../wire/pox-response.ts';
import { parseUserSettingsResponse, type UserSettingsReading } from '../wire/soap-user-settings.ts';
import { parseXml, XML_LIMITS } from '../wire/xml.ts';
import type { Dialect } from './discovery.ts';

/** An answer in either dialect. `pox` holds what only that dialect carries; `code` is a number (POX) or a name (SOAP). */
export type ServiceAnswer =
  | { readonly action: 'settings'; readonly settings: UserSettings; readonly pox: PoxAnswer | undefined }
  | { readonly action: 'redirectAddr'; readonly address: string }
  | { readonly action: 'redirectUrl'; readonly url: string }
  | {
      readonly action: 'error';
      readonly code: string;
      readonly message: string;
      readonly fault: AutodiscoverFault | undefined;
    }
  | { readonly action: 'malformed'; readonly detail: string };

/** Reads a document in a known dialect. Total: any bytes give a value. */
export function readServiceAnswer(dialect: Dialect, body: Uint8Array, contentType?: string): ServiceAnswer {
  return dialect === 'soap' ? readSoap(body, contentType) : readPox(body, contentType);
}

/** Which dialect a stored document is in, by its root element; undefined when it is neither. */
export function dialectOf(body: Uint8Array): Dialect | undefined {
  const parsed = parseXml(body, XML_LIMITS.response);
  if ('fault' in parsed) return undefined;
  if (parsed.root.local === 'Envelope') return 'soap';
  return parsed.root.local.toLowerCase() === 'autodiscover' ? 'pox' : undefined;
}

function readPox(body: Uint8Array, contentType?: string): ServiceAnswer {
  const answer = parsePoxResponse(body, contentType);
  switch (answer.action) {
    case 'settings':
      return { action: 'settings', settings: answer.answer.settings, pox: answer.answer };
    case 'error':
      return {
        action: 'error',
        code: String(answer.code),
        message: answer.message,
        fault: faultOfPoxCode(answer.code),
      };
    default:
      return answer;
  }
}

/** SOAP ErrorCodes by the fault they stand for. ServerBusy is a server in trouble: another one may answer. */
const SOAP_FAULTS: Readonly<Record<string, AutodiscoverFault>> = {
  InvalidUser: 'unknown-address',
  InvalidRequest: 'invalid-request',
  InvalidDomain: 'invalid-request',
  ServerBusy: 'server-error',
  InternalServerError: 'server-error',
};

function readSoap(body: Uint8Array, contentType?: string): ServiceAnswer {
  const response = parseUserSettingsResponse(body, contentType);
  if (response.kind === 'malformed') return { action: 'malformed', detail: response.detail };
  if (response.kind === 'fault') return soapFailure(response.code || 'Fault', response.reason);
  if (response.error.code !== 'NoError') return soapFailure(response.error.code, response.error.message);
  const [user] = response.users;
  if (user === undefined) return { action: 'malformed', detail: 'the answer has no <UserResponse>' };
  return readSoapUser(user);
}

function readSoapUser({ error, redirectTarget, settings }: UserSettingsReading): ServiceAnswer {
  switch (error.code) {
    case 'NoError':
      return { action: 'settings', settings, pox: undefined };
    case 'RedirectAddress':
    case 'RedirectUrl':
      if (redirectTarget === undefined)
        return { action: 'malformed', detail: `${error.code} without <RedirectTarget>` };
      return error.code === 'RedirectAddress'
        ? { action: 'redirectAddr', address: redirectTarget }
        : { action: 'redirectUrl', url: redirectTarget };
    default:
      return soapFailure(error.code, error.message);
  }
}

function soapFailure(code: string, message: string): ServiceAnswer {
  return { action: 'error', code, message, fault: Object.hasOwn(SOAP_FAULTS, code) ? SOAP_FAULTS[code] : undefined };
}
