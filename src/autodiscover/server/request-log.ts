// What a request looked like, for finding faults: only with log.requests. Secrets are left out before anything is handed to the logger.

import { bodyOf, type Request, targetOf } from './exchange-context.ts';

/** Bytes of a body, and characters of a header, that are logged. */
const LIMITS = { body: 4096, header: 512, headers: 40 } as const;
const SECRET_HEADERS = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie']);
/** Elements whose text is a secret: WS-Security tokens above all. Attributes and nested elements in them go as well. */
const SECRET_ELEMENTS =
  /(<((?:[\w.-]+:)?(?:Password|BinarySecurityToken|BinarySecret|CipherValue|SignatureValue|Nonce|Assertion))\b)[\s\S]*?(?=<\/\2\s*>|$)/gi;

/** Method, target, headers and the beginning of the body, as far as it was read. */
export function requestFields(request: Request): Record<string, unknown> {
  const headers = Object.entries(request.headers)
    .slice(0, LIMITS.headers)
    .map(([name, value]) => [name, headerText(name, String(value))]);
  const body = bodyOf(request);
  return {
    method: request.method,
    target: targetOf(request).slice(0, LIMITS.header),
    httpVersion: request.httpVersion,
    headers: Object.fromEntries(headers),
    bodyBytes: body.length,
    body: redactedBody(body),
  };
}

function headerText(name: string, value: string): string {
  return SECRET_HEADERS.has(name) ? '[redacted]' : value.slice(0, LIMITS.header);
}

/** Text that is UTF-16 is shown without its zero bytes, so that element names are recognised in it. */
export function redactedBody(body: Buffer): string {
  const text = body.subarray(0, LIMITS.body).toString('utf8').replaceAll('\0', '');
  return text.replace(SECRET_ELEMENTS, '$1>[redacted]');
}
