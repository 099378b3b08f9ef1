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

/** Offset of the flags ([MS-NLMP] 2.2.1.2 CHALLENGE_MESSAGE). */
const CHALLENGE_FLAGS_AT = 20;
const CHALLENGE = 2;

/** Whether a server's challenge settles on Unicode; undefined when the bytes hold none. May lie inside SPNEGO. */
export function settlesOnUnicode(token: Buffer): boolean | undefined {
  const message = messageIn(token, CHALLENGE, CHALLENGE_FLAGS_AT + 4);
  return message && (message.readUInt32LE(CHALLENGE_FLAGS_AT) & UNICODE) !== 0;
}

/**
 * `DOMAIN\user`, or the name alone when there is no domain; undefined when the bytes hold no such message, or more than one, of which
 * nobody knows which will be judged. May lie inside SPNEGO. `unicode` is what the challenge settled on, for it is what the judge goes by;
 * the message's own flag counts where that is not known.
 */
export function claimedName(token: Buffer, unicode?: boolean): string | undefined {
  const message = messageIn(token, AUTHENTICATE, FLAGS_AT + 4);
  if (!message) return undefined;
  const isUnicode = unicode ?? (message.readUInt32LE(FLAGS_AT) & UNICODE) !== 0;
  const user = field(message, USER_AT, isUnicode);
  const domain = field(message, DOMAIN_AT, isUnicode);
  if (user === undefined || user === '') return undefined;
  return domain ? `${domain}\\${user}` : user;
}

/** The only NTLM message of a token, when it is of this type and not shorter than this. */
function messageIn(token: Buffer, type: number, length: number): Buffer | undefined {
  const start = token.indexOf(SIGNATURE);
  if (start < 0 || token.includes(SIGNATURE, start + 1)) return undefined;
  const message = token.subarray(start);
  return message.length >= length && message.readUInt32LE(8) === type ? message : undefined;
}

function field(message: Buffer, at: number, unicode: boolean): string | undefined {
  const length = message.readUInt16LE(at);
  const offset = message.readUInt32LE(at + 4);
  if (length > MAX_NAME || offset + length > message.length) return undefined;
  const bytes = message.subarray(offset, offset + length);
  if (unicode) return bytes.toString('utf16le');
  // Nobody says which code page it is in.
  return bytes.every((byte) => byte < 0x80) ? bytes.toString('latin1') : undefined;
}
