// One exchange with an Autodiscover service, in two pure halves: the request to send, and what the HTTP answer means. Sending it,
// and what to do next, are the business of follow-url.ts.
import { USER_SETTINGS, type UserSettingName } from '../settings/user-settings.ts';
import { renderPoxRequest } from '../wire/pox-request.ts';
import { renderUserSettingsRequest } from '../wire/soap-user-settings.ts';
import type { Dialect } from './discovery.ts';
import type { HttpAnswer, HttpRequest } from './http-client.ts';
import { readServiceAnswer, type ServiceAnswer } from './service-answer.ts';

/** Whom to ask for whom. */
export interface Attempt {
  readonly url: URL;
  readonly dialect: Dialect;
  readonly address: string;
}

/** What an HTTP answer means. `location` is a redirection's target as sent; `isAutodiscover` tells a service's 401 from a web site's. */
export type AttemptOutcome =
  | { readonly kind: 'answer'; readonly answer: ServiceAnswer }
  | { readonly kind: 'http-redirect'; readonly location: string }
  | { readonly kind: 'unauthorized'; readonly isAutodiscover: boolean }
  /** Whatever is there cannot answer for now (503). */
  | { readonly kind: 'unavailable'; readonly detail: string }
  | { readonly kind: 'not-autodiscover'; readonly detail: string };

const REDIRECTIONS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** SOAP names what it wants; a service leaves out what it has not got. */
const ALL_SETTINGS = Object.keys(USER_SETTINGS) as UserSettingName[];

/**
 * The request, without credentials. It announces no capability ([MS-OXDSCLI] 3.1.4 X-MapiHttpCapability), so what comes is what every client
 * gets; the media type is the one every server takes.
 */
export function attemptRequest({ url, dialect, address }: Attempt): HttpRequest {
  const body =
    dialect === 'pox'
      ? renderPoxRequest({ schema: 'outlook', emailAddress: address, legacyDn: undefined })
      : renderUserSettingsRequest([address], ALL_SETTINGS, { to: url.href });
  return {
    method: 'POST',
    url,
    headers: { 'Content-Type': 'text/xml; charset=utf-8', Accept: 'text/xml', 'User-Agent': USER_AGENT },
    body,
  };
}

export const USER_AGENT = 'exchange-autodiscover';

/** Judges the answer to `attemptRequest`. */
export function processAttempt(dialect: Dialect, answer: HttpAnswer): AttemptOutcome {
  const { status, headers, body } = answer;
  if (status === 401) return { kind: 'unauthorized', isAutodiscover: headers['x-soap-enabled'] !== undefined };
  const location = redirectionOf(answer);
  if (location !== undefined) return { kind: 'http-redirect', location };
  if (status === 503) return { kind: 'unavailable', detail: notNow(headers['retry-after']?.[0]) };
  const contentType = headers['content-type']?.[0];
  // A SOAP 1.1 fault travels with status 500.
  if (status === 200 || (status === 500 && dialect === 'soap')) {
    const read = readServiceAnswer(dialect, body, contentType);
    if (read.action !== 'malformed') return { kind: 'answer', answer: read };
    if (status === 200 && /xml/i.test(contentType ?? '')) return { kind: 'answer', answer: read };
  }
  const what = contentType === undefined ? '' : ` with ${contentType.slice(0, 80)}`;
  return { kind: 'not-autodiscover', detail: `HTTP ${status}${what}` };
}

/** Only a number of seconds is repeated: a date would be read by another clock. */
function notNow(retryAfter: string | undefined): string {
  const when = /^\d{1,7}$/.test(retryAfter ?? '') ? `; ask again in ${retryAfter} s` : '';
  return `HTTP 503: the service cannot answer now${when}`;
}

/** The target of an HTTP redirection, undefined when the answer is none or names none. */
export function redirectionOf({ status, headers }: HttpAnswer): string | undefined {
  return REDIRECTIONS.has(status) ? headers.location?.[0] : undefined;
}
