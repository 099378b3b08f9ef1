// Outlook sends the same few hundred bytes each time it asks. Reading them is a pure function of the bytes and their Content-Type, so what
// was read is remembered by the whole of both. Whoever sends many different requests only has the others' read again.

import { BoundedMap } from '../../ldap/bounded-map.ts';
import { type PoxRequest, parsePoxRequest, type RequestFault } from '../wire/pox-request.ts';

/** Requests that are remembered, and the longest of them in bytes: about 2 MiB in all. */
export const REMEMBERED_REQUESTS = { count: 1024, bytes: 1024 } as const;

const remembered = new BoundedMap<string, PoxRequest>(REMEMBERED_REQUESTS.count);

/** As parsePoxRequest. */
export function readPoxRequest(body: Buffer, contentType: string | undefined): PoxRequest | RequestFault {
  if (body.length > REMEMBERED_REQUESTS.bytes) return parsePoxRequest(body, contentType);
  // A line feed stands in no header value: the two cannot run into each other.
  const key = `${contentType ?? ''}\n${body.toString('latin1')}`;
  const known = remembered.get(key);
  if (known) return known;
  const read = parsePoxRequest(body, contentType);
  if (!('fault' in read)) remembered.set(key, Object.freeze(read));
  return read;
}
