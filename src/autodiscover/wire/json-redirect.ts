// Autodiscover v2: an anonymous GET that names an address and a protocol, and a JSON answer that names a URL. Being anonymous it
// looks nothing up: the answer depends on the protocol alone, so that nobody learns from it which addresses exist.
import { normalizeAddress } from './address.ts';

export const JSON_CONTENT_TYPE = 'application/json; charset=utf-8';

/** Protocols an Exchange server on premises answers for, in the spelling that is echoed. */
const JSON_PROTOCOLS = ['ActiveSync', 'Ews', 'AutodiscoverV1'] as const;
export type JsonProtocol = (typeof JSON_PROTOCOLS)[number];

/** The URL of each protocol; one without is unsupported. Never taken from the request. */
export type JsonProtocolUrls = { readonly [P in JsonProtocol]?: string | undefined };

/** What was asked, decoded but not judged; undefined for what is absent or empty. */
export interface JsonRequest {
  readonly address: string | undefined;
  readonly protocol: string | undefined;
  readonly redirectCount: number | undefined;
}

/** `MissingProtocol`, `InvalidProtocol` and `MandatoryParameterMissing` are the codes Exchange 2016 uses. */
export type JsonErrorCode = 'MandatoryParameterMissing' | 'MissingProtocol' | 'InvalidProtocol';

/** An answer to send: body as JSON text, with JSON_CONTENT_TYPE. */
export interface JsonAnswer {
  readonly status: 200 | 400;
  readonly body: string;
  /** For the log. */
  readonly outcome: JsonProtocol | JsonErrorCode;
}

/** What a client reads from an answer. */
export type JsonResponse =
  | { readonly kind: 'url'; readonly protocol: string; readonly url: string }
  | { readonly kind: 'error'; readonly code: string; readonly message: string }
  | { readonly kind: 'malformed'; readonly detail: string };

/** Doubled and trailing slashes are as good as single ones, here as in every path. */
const PATH_ADDRESS = /\/autodiscover\.json\/+v\d+(?:\.\d+)?\/+([^/]*)\/*$/i;
const ECHO_LENGTH_LIMIT = 40;
const JSON_LENGTH_LIMIT = 64 * 1024;

/**
 * Reads both forms from a request target, path and query: `...json?Email=a%40b&Protocol=Ews` and `...json/v1.0/a%40b?Protocol=Ews`.
 * Names are compared without case; the first of several equal ones counts; an address in the path wins.
 */
export function parseJsonRequest(target: string): JsonRequest {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1))) {
    const key = name.toLowerCase();
    if (!query.has(key)) query.set(key, value.trim());
  }
  const inPath = path.match(PATH_ADDRESS)?.[1];
  const redirectCount = query.get('redirectcount');
  return {
    address: (inPath && decodePath(inPath)) || query.get('email') || undefined,
    protocol: query.get('protocol') || undefined,
    redirectCount: redirectCount && /^\d{1,4}$/.test(redirectCount) ? Number(redirectCount) : undefined,
  };
}

function decodePath(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment).trim();
  } catch {
    return undefined; // a stray percent sign: as good as no address
  }
}

/** The request target a client asks, in the query form; `base` ends in autodiscover.json. */
export function renderJsonRequest(base: string, address: string, protocol: JsonProtocol, redirectCount = 1): string {
  const query = new URLSearchParams({ Email: address, Protocol: protocol, RedirectCount: String(redirectCount) });
  return `${base}?${query}`;
}

/** Answers a request from the configured URLs. */
export function answerJsonRequest(request: JsonRequest, urls: JsonProtocolUrls): JsonAnswer {
  if (!request.address || !('address' in normalizeAddress(request.address))) {
    return failure('MandatoryParameterMissing', 'A valid smtp address must be provided.');
  }
  if (!request.protocol) {
    return failure('MissingProtocol', "A valid value must be provided for the query parameter 'Protocol'.");
  }
  const wanted = request.protocol.toLowerCase();
  const offered = JSON_PROTOCOLS.filter((protocol) => urls[protocol]);
  const protocol = offered.find((candidate) => candidate.toLowerCase() === wanted);
  const url = protocol && urls[protocol];
  if (protocol && url)
    return { status: 200, body: JSON.stringify({ Protocol: protocol, Url: url }), outcome: protocol };
  const list = offered.length > 0 ? `Supported values are '${offered.join(',')}'.` : 'No protocol is supported.';
  return failure('InvalidProtocol', `The given protocol value '${echo(request.protocol)}' is invalid. ${list}`);
}

function failure(code: JsonErrorCode, message: string): JsonAnswer {
  return { status: 400, body: JSON.stringify({ ErrorCode: code, ErrorMessage: message }), outcome: code };
}

/** A value fit to be sent back: letters and digits only, and not many. */
function echo(value: string): string {
  return value.replace(/[^A-Za-z0-9]/g, '').slice(0, ECHO_LENGTH_LIMIT);
}

/** Reads an answer of either kind. */
export function parseJsonResponse(text: string): JsonResponse {
  if (text.length > JSON_LENGTH_LIMIT)
    return { kind: 'malformed', detail: `longer than ${JSON_LENGTH_LIMIT} characters` };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'malformed', detail: 'the answer is not JSON' };
  }
  const field = (name: string): string | undefined => {
    const found = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
    return typeof found === 'string' && found !== '' ? found : undefined;
  };
  const [url, code] = [field('Url'), field('ErrorCode')];
  if (url) return { kind: 'url', protocol: field('Protocol') ?? '', url };
  if (code) return { kind: 'error', code, message: field('ErrorMessage') ?? '' };
  return { kind: 'malformed', detail: 'the answer has neither Url nor ErrorCode' };
}
