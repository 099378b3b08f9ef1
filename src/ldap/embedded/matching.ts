// Comparing attribute values by syntax: every value has a key such that two values are equal exactly when their keys are.
// The same keys feed the equality indexes, so an indexed and a scanned search cannot disagree.
import { dnKey, foldText, tryParseDn } from '../distinguished-name.ts';
import { type Syntax, syntaxOf } from './schema.ts';

/** A stored value: text as a string, binary (or text that is no UTF-8) as bytes. */
export type Value = string | Buffer;

/** Key of a stored value under an attribute's syntax; always defined, a malformed value is equal to itself only. */
export function valueKey(attribute: string, value: Value): string {
  return keyOf(syntaxOf(attribute), value) ?? `\0${typeof value === 'string' ? value : value.toString('latin1')}`;
}

/** Key of an asserted value; undefined when it is malformed for the syntax, so that the assertion is Undefined (RFC 4511 4.5.1.7). */
export function assertionKey(attribute: string, value: Buffer): string | undefined {
  const syntax = syntaxOf(attribute);
  return keyOf(syntax, isBinary(syntax) ? value : textOf(value));
}

/** True when a value has the form its syntax demands: a name, a number, 16 bytes, text that is UTF-8. */
export function isWellFormed(syntax: Syntax, value: Value): boolean {
  return (isBinary(syntax) || typeof value === 'string') && keyOf(syntax, value) !== undefined;
}

export const isBinary = (syntax: Syntax): boolean => syntax === 'guid' || syntax === 'sid' || syntax === 'octets';

function keyOf(syntax: Syntax, value: Value): string | undefined {
  switch (syntax) {
    case 'octets':
      return latin1(value);
    case 'guid':
      return guidKey(value);
    case 'sid':
      return sidKey(value);
    case 'dn':
      return typeof value === 'string' ? cachedDnKey(value) : undefined;
    case 'integer':
      return integerKey(value);
    case 'boolean':
      return booleanKey(value);
    case 'time':
    case 'text':
      return typeof value === 'string' ? foldText(value) : `\0${value.toString('latin1')}`;
  }
}

const latin1 = (value: Value): string => (typeof value === 'string' ? Buffer.from(value) : value).toString('latin1');

const GUID_TEXT = /^\{?([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})\}?$/i;

/** The 16 bytes of a GUID in its text form; the first three fields are stored little-endian ([MS-DTYP] 2.3.4 GUID). */
export function guidBytes(text: string): Buffer | undefined {
  const match = GUID_TEXT.exec(text);
  if (!match) return undefined;
  const [a, b, c, d, e] = match.slice(1).map((part) => Buffer.from(part, 'hex')) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  return Buffer.concat([a.reverse(), b.reverse(), c.reverse(), d, e]);
}

function guidKey(value: Value): string | undefined {
  const raw = typeof value === 'string' ? Buffer.from(value) : value;
  if (raw.length === 16) return raw.toString('latin1');
  return guidBytes(raw.toString('latin1'))?.toString('latin1');
}

/** The bytes of a security identifier in its `S-1-5-...` form ([MS-DTYP] 2.4.2 SID). */
function sidBytes(text: string): Buffer | undefined {
  const match = /^S-1-(\d{1,14})((?:-\d{1,10}){1,15})$/i.exec(text);
  if (!match) return undefined;
  const subs = (match[2] as string).slice(1).split('-').map(Number);
  const authority = Number(match[1]);
  if (authority > 0xffff_ffff_ffff || subs.some((sub) => sub > 0xffff_ffff)) return undefined;
  const out = Buffer.alloc(8 + 4 * subs.length);
  out[0] = 1;
  out[1] = subs.length;
  out.writeUIntBE(authority, 2, 6);
  for (const [i, sub] of subs.entries()) out.writeUInt32LE(sub, 8 + 4 * i);
  return out;
}

function sidKey(value: Value): string | undefined {
  const raw = typeof value === 'string' ? Buffer.from(value) : value;
  return (sidBytes(raw.toString('latin1')) ?? raw).toString('latin1');
}

function integerKey(value: Value): string | undefined {
  const match = /^(-?)0*(\d{1,20})$/.exec(textOf(value).trim());
  return match ? (match[2] === '0' ? '0' : `${match[1]}${match[2]}`) : undefined;
}

function booleanKey(value: Value): string | undefined {
  const text = textOf(value).toUpperCase();
  return text === 'TRUE' || text === 'FALSE' ? text : undefined;
}

/** A value as text. */
export function textOf(value: Value): string {
  return typeof value === 'string' ? value : value.toString('utf8');
}

// Few distinct names are compared over and over (databases, sites, categories), many once (users): a bounded memory of the
// parsed form that is dropped whole when full.
const CACHED_NAMES = 5_000;
let nameCache = new Map<string, string | undefined>();

function cachedDnKey(text: string): string | undefined {
  if (nameCache.has(text)) return nameCache.get(text);
  const dn = tryParseDn(text);
  const key = dn && dn.length > 0 ? dnKey(dn) : undefined;
  if (nameCache.size >= CACHED_NAMES) nameCache = new Map();
  nameCache.set(text, key);
  return key;
}

/** Orders a stored value against an asserted one: negative, 0, positive; undefined when the syntax has no order for them. */
export function compareValues(attribute: string, stored: Value, asserted: Buffer): number | undefined {
  const syntax = syntaxOf(attribute);
  if (syntax === 'integer') {
    const [a, b] = [integerKey(stored), integerKey(asserted)];
    if (a === undefined || b === undefined) return undefined;
    const difference = BigInt(a) - BigInt(b);
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }
  if (syntax === 'dn' || syntax === 'boolean') return undefined;
  const [a, b] = [keyOf(syntax, stored), keyOf(syntax, isBinary(syntax) ? asserted : textOf(asserted))];
  if (a === undefined || b === undefined) return undefined;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A stored integer as a 64-bit pattern for bit rules; undefined when it is none. */
export function integerBits(value: Value): bigint | undefined {
  const key = integerKey(value);
  return key === undefined ? undefined : BigInt.asUintN(64, BigInt(key));
}

/** The pieces of a substring assertion, folded as `valueKey` folds text. */
export type SubstringPattern = { readonly initial?: string; readonly any: readonly string[]; readonly final?: string };

/**
 * True when a folded text contains the pattern's pieces in order without overlap. Pieces keep their own outer spaces: only
 * case and width are folded in them.
 */
export function matchesSubstrings(folded: string, { initial, any, final }: SubstringPattern): boolean {
  let at = 0;
  if (initial !== undefined) {
    if (!folded.startsWith(initial)) return false;
    at = initial.length;
  }
  for (const piece of any) {
    const found = folded.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return final === undefined || (folded.length - at >= final.length && folded.endsWith(final));
}

/** Folds one piece of a substring assertion. */
export function foldPiece(piece: Buffer): string {
  return textOf(piece).normalize('NFKC').toLowerCase().normalize('NFKC').replace(/\s+/gu, ' ');
}
