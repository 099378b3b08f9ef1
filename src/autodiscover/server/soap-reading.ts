// A client's envelopes differ in their MessageID alone. Reading one is a pure function of its bytes and Content-Type, so what was read is
// remembered by both, with the MessageID taken out and put back. Envelopes that could carry a secret are not remembered.

import { BoundedMap } from '../../ldap/bounded-map.ts';
import { parseSoapEnvelope, type SoapFault, type SoapMessage } from '../wire/soap-envelope.ts';
import type { InvalidSoapRequest } from '../wire/soap-message.ts';
import { readUserSettingsRequest, type UserSettingsRequest } from '../wire/soap-user-settings.ts';
import type { XmlElement } from '../wire/xml.ts';

/** Envelopes that are remembered, and the longest of them in bytes: with their trees about 20 MiB in all. */
const REMEMBERED_ENVELOPES = { count: 1000, bytes: 4096 } as const;

const MESSAGE_ID = /MessageID[^<>]{0,100}>(urn:uuid:[0-9a-f-]{36})</i;
/** Stands where the MessageID stood; of the same length and letters, so that nothing else reads differently. */
const PLACE = 'urn:uuid:00000000-0000-0000-0000-000000000000';
const MAY_BE_SECRET = /secur|secret|passw|assert|sign|nonce|cipher|token/i;

const remembered = new BoundedMap<string, SoapMessage>(REMEMBERED_ENVELOPES.count);

/** As parseSoapEnvelope. */
export function readSoapEnvelope(
  body: Buffer,
  contentType: string | undefined,
): SoapMessage | { readonly soapFault: SoapFault } {
  if (body.length > REMEMBERED_ENVELOPES.bytes) return parseSoapEnvelope(body, contentType);
  const text = body.toString('latin1');
  const messageId = MESSAGE_ID.exec(text)?.[1];
  // A line feed stands in no header value: the two cannot run into each other.
  const key = `${contentType ?? ''}\n${messageId === undefined ? text : text.replace(messageId, PLACE)}`;
  const known = remembered.get(key);
  if (known) return messageId === undefined ? known : { ...known, messageId };
  const read = parseSoapEnvelope(body, contentType);
  if ('soapFault' in read || MAY_BE_SECRET.test(text)) return read;
  // What was taken out must be the envelope's MessageID, and stand nowhere else: a comment could look like one.
  const isCertain = read.messageId === messageId && (!messageId || text.split(messageId).length === 2);
  if (isCertain) remembered.set(key, Object.freeze(read));
  return read;
}

const users = new WeakMap<XmlElement, UserSettingsRequest | InvalidSoapRequest>();

/** As readUserSettingsRequest, once for each tree. */
export function readUsers(body: XmlElement): UserSettingsRequest | InvalidSoapRequest {
  const read = users.get(body) ?? readUserSettingsRequest(body);
  users.set(body, read);
  return read;
}
