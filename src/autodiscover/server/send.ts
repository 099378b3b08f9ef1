// The end of an answer. node:http writes a header and a body of bytes as two pieces, and joins them only when the body is a text: one
// TLS record and one write less. Latin-1 is the text whose characters are the bytes.

import type { Response } from 'express';

/** Beyond this the copies cost more than the second write. */
const JOINED_BYTES = 16_384;

/** Ends the response with the document; a request by HEAD gets its headers alone. */
export function endWith(response: Response, document: Buffer): void {
  if (response.req.method === 'HEAD') response.end();
  else if (document.length <= JOINED_BYTES) response.end(document.toString('latin1'), 'latin1');
  else response.end(document);
}
