// Bytes of an XML document to text. The order of trust is byte order mark, charset parameter, XML declaration, UTF-8: the POX
// documents allow UTF-8 only, but clients exist that send UTF-16 with one mark or another.

/** Text without byte order mark and XML declaration, or why the bytes are no text. */
export type DecodedXml = { readonly text: string } | { readonly reason: string };

const BYTE_ORDER_MARKS: readonly (readonly [encoding: string, ...bytes: number[]])[] = [
  ['utf-32', 0x00, 0x00, 0xfe, 0xff],
  ['utf-32', 0xff, 0xfe, 0x00, 0x00],
  ['utf-8', 0xef, 0xbb, 0xbf],
  ['utf-16be', 0xfe, 0xff],
  ['utf-16le', 0xff, 0xfe],
];

/** `<` in UTF-16 without a mark shows as a zero byte beside 0x3C. */
const UNMARKED_UTF16: readonly (readonly [encoding: string, ...bytes: number[]])[] = [
  ['utf-16be', 0x00, 0x3c],
  ['utf-16le', 0x3c, 0x00],
];

const DECLARATION = new RegExp(
  [
    /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.\d"|'1\.\d')/,
    /(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"[A-Za-z][\w.-]*"|'[A-Za-z][\w.-]*'))?/,
    /(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>/,
  ]
    .map((part) => part.source)
    .join(''),
);
/** The declaration must end within this many characters; a longer one is left in the text and refused as malformed. */
const DECLARATION_LIMIT = 256;

const LESS_THAN = 0x3c;
const QUESTION_MARK = 0x3f;
const latin1 = new TextDecoder('latin1');
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Decodes a body whose Content-Type header, if any, is `contentType`. */
export function decodeXml(body: Uint8Array, contentType?: string): DecodedXml {
  const encoding = encodingOf(body, contentType);
  try {
    const text = (encoding === 'utf-8' ? utf8 : new TextDecoder(encoding, { fatal: true })).decode(body);
    return { text: withoutDeclaration(text) };
  } catch (error) {
    const unknown = error instanceof RangeError;
    return {
      reason: unknown ? `unknown character encoding ${printable(encoding)}` : `bytes are not valid ${encoding}`,
    };
  }
}

/** Removes a leading byte order mark, blanks before the declaration, and the declaration. */
export function withoutDeclaration(text: string): string {
  const start = text.replace(/^\ufeff?[ \t\r\n]*/, '');
  return start.slice(declarationOf(start).length);
}

/** The XML declaration that a text starts with, or '' (a broken one stays in the text and is refused there). */
function declarationOf(text: string): string {
  return text.slice(0, DECLARATION_LIMIT).match(DECLARATION)?.[0] ?? '';
}

function encodingOf(body: Uint8Array, contentType: string | undefined): string {
  const marked = startingWith(body, BYTE_ORDER_MARKS);
  if (marked) return marked;
  const unmarked = startingWith(body, UNMARKED_UTF16);
  const named = charsetParameter(contentType) ?? declaredEncoding(body);
  if (!named) return unmarked ?? 'utf-8';
  // A label of UTF-16 on bytes that are plainly not UTF-16 is a known slip of .NET string writers; the bytes are UTF-8.
  if (/^utf-?16/i.test(named)) return unmarked ?? 'utf-8';
  return named;
}

function startingWith(body: Uint8Array, table: typeof BYTE_ORDER_MARKS): string | undefined {
  return table.find(([, ...bytes]) => bytes.every((byte, index) => body[index] === byte))?.[0];
}

/** The charset parameter of a Content-Type value: quoted or not, any case, blanks around it. */
function charsetParameter(contentType: string | undefined): string | undefined {
  return contentType?.match(/;\s*charset\s*=\s*["']?\s*([^\s;"']+)/i)?.[1]?.toLowerCase();
}

function declaredEncoding(body: Uint8Array): string | undefined {
  if (body[0] !== LESS_THAN || body[1] !== QUESTION_MARK) return undefined;
  const declaration = declarationOf(latin1.decode(body.subarray(0, DECLARATION_LIMIT)));
  return declaration.match(/\sencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']/)?.[1]?.toLowerCase();
}

function printable(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}
