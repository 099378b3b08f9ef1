// The name in the last message of an NTLM handshake: read only to count failures before anybody judges the message. Proves nothing.

const SIGNATURE = Buffer.from('NTLMSSP\0', 'latin1');
const AUTHENTICATE = 3;
/** Offsets of the fields from the signature ([MS-NLMP] 2.2.1.3 AUTHENTICATE_MESSAGE): length, room, offset, eight bytes together. */
const DOMAIN_AT = 28;
const USER_AT = 36;
const FLAGS_AT = 60;
const UNICODE = 0x1;
/** Longest name that is read, in bytes. */
const MAX_NAME = 1024;

/** `DOMAIN\user`, or the name alone when there is no domain; undefined when the bytes hold no such message. May lie inside SPNEGO. */
export function claimedName(token: Buffer): string | undefined {
  const start = token.indexOf(SIGNATURE);
  if (start < 0) return undefined;
  const message = token.subarray(start);
  if (message.length < FLAGS_AT + 4 || message.readUInt32LE(8) !== AUTHENTICATE) return undefined;
  const unicode = (message.readUInt32LE(FLAGS_AT) & UNICODE) !== 0;
  const user = field(message, USER_AT, unicode);
  const domain = field(message, DOMAIN_AT, unicode);
  if (user === undefined || user === '') return undefined;
  return domain ? `${domain}\\${user}` : user;
}

function field(message: Buffer, at: number, unicode: boolean): string | undefined {
  const length = message.readUInt16LE(at);
  const offset = message.readUInt32LE(at + 4);
  if (length > MAX_NAME || offset + length > message.length) return undefined;
  return message.subarray(offset, offset + length).toString(unicode ? 'utf16le' : 'latin1');
}
