// Outlook sends the same few hundred bytes each time it asks. Reading them is a pure function of the bytes and their Content-Type, so what
// was read is remembered by the whole of both. Whoever sends many different requests only has the others' read again.

import { BoundedMap } from '../../ldap/bounded-map.ts';
import { type PoxRequest, parsePoxRequest, type RequestFault } from '../wire/pox-request.ts';

/** Requests that are remembered, and the longest of them in bytes: about 2 MiB in all. */
export const REMEMBERED_REQUESTS = { count: 1024, bytes: 1024 } as const;

interface Remembered {
  readonly contentType: string | undefined;
  readonly request: PoxRequest;
}

/** By the body's bytes as Latin-1: what was read last of these bytes, and under which Content-Type. */
const remembered = new BoundedMap<string, Remembered>(REMEMBERED_REQUESTS.count);

/** As parsePoxRequest. */
export function readPoxRequest(body: Buffer, contentType: string | undefined): PoxRequest | RequestFault {
  if (body.length > REMEMBERED_REQUESTS.bytes) return parsePoxRequest(body, contentType);
  const bytes = body.toString('latin1');
  const known = remembered.get(bytes);
  if (known && known.contentType === contentType) return known.request;
  const read = parsePoxRequest(body, contentType);
  if (!('fault' in read)) remembered.set(bytes, { contentType, request: Object.freeze(read) });
  return read;
}
