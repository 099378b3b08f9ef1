// What a request looked like, for finding faults: only with log.requests. What helps is listed, and nothing else is handed to the logger:
// a list of what is secret would never be complete.

import { bodyOf, type Request, targetOf } from './exchange-context.ts';
import { bodyOutline, isAddress } from './request-outline.ts';

/** Characters of a header, headers, and parameters of a query that are logged. */
const LIMITS = { header: 512, headers: 40, parameters: 20, path: 20 } as const;
const REDACTED = '[redacted]';

/** Headers whose values are shown: of HTTP, of proxies, and of the clients that ask for Autodiscover. Others are named. */
const SHOWN_HEADERS = new Set(
  [
    'user-agent content-type content-length content-encoding transfer-encoding accept accept-charset accept-encoding accept-language',
    'connection expect cache-control pragma via forwarded x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto x-real-ip',
    'client-request-id return-client-request-id soapaction x-anchormailbox x-user-identity x-mapihttpcapability x-clientcanhandle',
    'x-clientinfo x-requestid x-requesttype ms-asprotocolversion',
  ].flatMap((line) => line.split(' ')),
);
const HOST = /^[\w.:[\]-]{1,255}$/;
const NAME = /^[\w.-]{1,40}$/;
const SEGMENT = /^[\w.-]{0,64}$/;

/** Parameters whose values are shown, by their name in lower case, when they have the form they should have. */
const SHOWN_PARAMETERS = new Map<string, (value: string) => boolean>([
  ['email', isAddress],
  ['protocol', (value) => /^[A-Za-z0-9]{1,40}$/.test(value)],
  ['redirectcount', (value) => /^\d{1,4}$/.test(value)],
  ['version', (value) => /^v?\d{1,4}(?:\.\d{1,4}){0,3}$/.test(value)],
]);

/** Method, target, headers and an outline of the beginning of the body, as far as it was read. */
export function requestFields(request: Request): Record<string, unknown> {
  const headers = Object.entries(request.headers)
    .slice(0, LIMITS.headers)
    .map(([name, value]) => [name.slice(0, LIMITS.header), shownHeader(name, String(value))]);
  const body = bodyOf(request);
  return {
    method: request.method,
    target: shownTarget(targetOf(request)),
    httpVersion: request.httpVersion,
    headers: Object.fromEntries(headers),
    bodyBytes: body.length,
    body: bodyOutline(body),
  };
}

/** `name` in lower case. */
export function shownHeader(name: string, value: string): string {
  const isShown = name === 'host' ? HOST.test(value) : SHOWN_HEADERS.has(name);
  return isShown ? value.slice(0, LIMITS.header) : REDACTED;
}

/** A request target with what is usual in one: words and addresses in the path, the parameters of the JSON form. */
export function shownTarget(target: string): string {
  // The absolute form may carry a name and a password before its host.
  const inPlace = target.replace(/^[^/?]+:\/\/[^/?]*/, '[absolute]');
  const mark = inPlace.indexOf('?');
  const path = mark < 0 ? inPlace : inPlace.slice(0, mark);
  const [first = '', ...segments] = path.split('/').slice(0, LIMITS.path);
  const shown = [first === '[absolute]' ? first : shownSegment(first), ...segments.map(shownSegment)].join('/');
  return mark < 0 ? shown : `${shown}?${shownQuery(inPlace.slice(mark + 1))}`;
}

function shownSegment(segment: string): string {
  return SEGMENT.test(segment) || isAddress(unescaped(segment)) ? segment : REDACTED;
}

function shownQuery(query: string): string {
  return query.split('&').slice(0, LIMITS.parameters).map(shownParameter).join('&');
}

function shownParameter(parameter: string): string {
  const equals = parameter.indexOf('=');
  // A text without a name may be anything.
  if (equals < 0) return parameter === '' ? '' : REDACTED;
  const [name, value] = [parameter.slice(0, equals), parameter.slice(equals + 1)];
  const isShown = value === '' || SHOWN_PARAMETERS.get(name.toLowerCase())?.(unescaped(value).trim());
  return `${NAME.test(name) ? name : REDACTED}=${isShown ? value : REDACTED}`;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return '%';
  }
}
