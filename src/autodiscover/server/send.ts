// The end of an answer whose document is whole: node:http writes header and bytes of announced length as one piece, one TLS record.

import type { Response } from './exchange-context.ts';

/** Ends the response; a request by HEAD gets its headers alone. */
export function endWith(
  response: Response,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  document?: Buffer,
): void {
  response.statusCode = status;
  for (const name in headers) response.setHeader(name, headers[name] ?? '');
  // RFC 9110 8.6: an answer of this status has none.
  if (status !== 204) response.setHeader('Content-Length', document?.length ?? 0);
  response.end(document);
}
