// Distinguished names as values: parse, print, compare, climb (RFC 4514, with the quoted values of RFC 2253 read but never
// written). Pure. Used wherever two names must be compared: names differ in case, spacing and escapes and still are equal,
// so they are never compared as strings.
import { DirectoryError } from './errors.ts';

/** One attribute type and value of a relative name. `value` is unescaped; `octets` holds the bytes of a `#hex` value that is no text. */
export type NameComponent = { readonly type: string; readonly value: string; readonly octets?: Buffer };

/** A relative distinguished name; more than one component means a multi-valued one (`CN=a+SN=b`). */
export type RelativeName = readonly NameComponent[];

/** A distinguished name, the entry's own relative name first, the root last. The empty array is the root DSE's name. */
export type DistinguishedName = readonly RelativeName[];

/** Bounds of the parser: characters of the text, relative names, components of one relative name. */
export const DN_LIMITS = { characters: 16_384, relativeNames: 256, components: 32 } as const;

const TYPE = /^(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)$/;
const SPECIAL = new Set([...' "#+,;<=>\\']);
const HEX_PAIR = /^[0-9A-Fa-f]{2}$/;

/** Parses a distinguished name. @throws DirectoryError `dn-syntax` naming the character, `limit-exceeded`. */
export function parseDn(text: string): DistinguishedName {
  if (text.length > DN_LIMITS.characters) {
    throw new DirectoryError(
      'limit-exceeded',
      `distinguished name has ${text.length} characters, at most ${DN_LIMITS.characters} are read`,
    );
  }
  return new NameParser(text).read();
}

/** Parses a distinguished name; undefined where `parseDn` would throw. */
export function tryParseDn(text: string): DistinguishedName | undefined {
  try {
    return parseDn(text);
  } catch (error) {
    if (error instanceof DirectoryError) return undefined;
    throw error;
  }
}

class NameParser {
  private at = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  read(): DistinguishedName {
    const names: RelativeName[] = [];
    this.skipSpaces();
    if (this.at === this.text.length) return names;
    for (;;) {
      names.push(this.relativeName());
      if (names.length > DN_LIMITS.relativeNames)
        throw this.fault(`more than ${DN_LIMITS.relativeNames} relative names`);
      if (this.at === this.text.length) return names;
      if (this.text[this.at] !== ',') throw this.fault('expected a comma');
      this.at += 1;
    }
  }

  private relativeName(): RelativeName {
    const components: NameComponent[] = [];
    for (;;) {
      components.push(this.component());
      if (components.length > DN_LIMITS.components) throw this.fault(`more than ${DN_LIMITS.components} components`);
      if (this.text[this.at] !== '+') return components;
      this.at += 1;
    }
  }

  private component(): NameComponent {
    this.skipSpaces();
    const start = this.at;
    const equals = this.text.indexOf('=', start);
    if (equals < 0) throw this.fault('expected type=value');
    const type = this.text
      .slice(start, equals)
      .trimEnd()
      .replace(/^oid\./i, '');
    if (!TYPE.test(type)) throw this.fault(`'${type.slice(0, 40)}' is no attribute type`);
    this.at = equals + 1;
    this.skipSpaces();
    if (this.text[this.at] === '#') return { type, ...this.hexValue() };
    const value = this.text[this.at] === '"' ? this.quotedValue() : this.plainValue();
    return { type, value };
  }

  private plainValue(): string {
    const bytes = new TextBytes();
    // Trailing spaces belong to the separator unless escaped: remember where the last counted character ended.
    let kept = 0;
    while (this.at < this.text.length) {
      const c = this.text[this.at] as string;
      if (c === ',' || c === '+') break;
      if (c === '"' || c === ';' || c === '<' || c === '>' || c === '\0') {
        throw this.fault(c === '\0' ? 'a NUL must be written \\00' : `'${c}' must be escaped`);
      }
      if (c === '\\') {
        this.escape(bytes);
        kept = bytes.length;
      } else {
        bytes.addCharacter(this.text.codePointAt(this.at) as number);
        this.at += (this.text.codePointAt(this.at) as number) > 0xffff ? 2 : 1;
        if (c !== ' ') kept = bytes.length;
      }
    }
    return this.decode(bytes, kept);
  }

  private quotedValue(): string {
    const bytes = new TextBytes();
    this.at += 1;
    for (;;) {
      const c = this.text[this.at];
      if (c === undefined) throw this.fault('the quoted value does not end');
      if (c === '"') break;
      if (c === '\\') this.escape(bytes);
      else {
        const point = this.text.codePointAt(this.at) as number;
        bytes.addCharacter(point);
        this.at += point > 0xffff ? 2 : 1;
      }
    }
    this.at += 1;
    this.skipSpaces();
    const next = this.text[this.at];
    if (next !== undefined && next !== ',' && next !== '+') throw this.fault('text after the closing quote');
    return this.decode(bytes, bytes.length);
  }

  private escape(bytes: TextBytes): void {
    const pair = this.text.slice(this.at + 1, this.at + 3);
    if (HEX_PAIR.test(pair)) {
      bytes.addByte(Number.parseInt(pair, 16));
      this.at += 3;
      return;
    }
    const c = this.text[this.at + 1];
    if (c === undefined || !SPECIAL.has(c))
      throw this.fault('a backslash needs a special character or two hex digits after it');
    bytes.addByte(c.charCodeAt(0));
    this.at += 2;
  }

  private hexValue(): { value: string; octets?: Buffer } {
    const match = /^#((?:[0-9A-Fa-f]{2})+) *(?=[,+]|$)/.exec(this.text.slice(this.at));
    if (!match) throw this.fault("'#' must be followed by pairs of hex digits");
    this.at += match[0].length;
    const octets = Buffer.from(match[1] as string, 'hex');
    const text = textOfBer(octets);
    return text === undefined ? { value: `#${octets.toString('hex')}`, octets } : { value: text };
  }

  private decode(bytes: TextBytes, length: number): string {
    const text = bytes.text(length);
    if (text === undefined) throw this.fault('the hex escapes of the value are not UTF-8');
    return text;
  }

  private skipSpaces(): void {
    while (this.text[this.at] === ' ') this.at += 1;
  }

  private fault(why: string): DirectoryError {
    const shown = this.text.length > 80 ? `${this.text.slice(0, 77)}...` : this.text;
    return new DirectoryError('dn-syntax', `distinguished name '${shown}', character ${this.at + 1}: ${why}`);
  }
}

/** Collects a value that mixes characters with escaped UTF-8 bytes. */
class TextBytes {
  private readonly bytes: number[] = [];

  get length(): number {
    return this.bytes.length;
  }

  addByte(byte: number): void {
    this.bytes.push(byte);
  }

  addCharacter(point: number): void {
    if (point < 0x80) this.bytes.push(point);
    else this.bytes.push(...Buffer.from(String.fromCodePoint(point), 'utf8'));
  }

  text(length: number): string | undefined {
    return utf8(Buffer.from(this.bytes.slice(0, length)));
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The text of a BER string (UTF8String, PrintableString, IA5String, T61String, OctetString) with a short definite length. */
function textOfBer(octets: Buffer): string | undefined {
  const [tag, length] = octets;
  if (tag === undefined || length === undefined || length > 0x7f || octets.length !== length + 2) return undefined;
  return [0x04, 0x0c, 0x13, 0x14, 0x16].includes(tag) ? utf8(octets.subarray(2)) : undefined;
}

/** The value of an entry's own relative name; a text that is no DN as it stands. */
export function ownName(text: string): string {
  return tryParseDn(text)?.[0]?.[0]?.value ?? text;
}

/** Escapes one attribute value for use inside a distinguished name (RFC 4514 2.4). */
export function escapeDnValue(value: string): string {
  let out = '';
  for (let i = 0; i < value.length; i++) {
    const c = value[i] as string;
    const code = c.charCodeAt(0);
    const edgeSpace = c === ' ' && (i === 0 || i === value.length - 1);
    if (code < 0x20 || code === 0x7f) out += `\\${code.toString(16).toUpperCase().padStart(2, '0')}`;
    else if ('"+,;<>\\'.includes(c) || edgeSpace || (c === '#' && i === 0)) out += `\\${c}`;
    else out += c;
  }
  return out;
}

/** Prints one relative name in RFC 4514 form. */
export function formatRdn(rdn: RelativeName): string {
  return rdn
    .map(({ type, value, octets }) => `${type}=${octets ? `#${octets.toString('hex')}` : escapeDnValue(value)}`)
    .join('+');
}

/** Prints a distinguished name in RFC 4514 form, keeping the spelling of types and values. */
export function formatDn(dn: DistinguishedName): string {
  return dn.map(formatRdn).join(',');
}

/** The name of a child: `childDn('CN', 'Seattle CAS Array', parent)`. */
export function childDn(type: string, value: string, parent: DistinguishedName): DistinguishedName {
  return [[{ type, value }], ...parent];
}

/** The name of the containing entry; undefined for the empty name. */
export function parentDn(dn: DistinguishedName): DistinguishedName | undefined {
  return dn.length === 0 ? undefined : dn.slice(1);
}

/**
 * A text that is the same for all spellings of a name and different for different names: types and values in lower case,
 * Unicode NFKC, runs of spaces as one, components of a multi-valued relative name sorted, then escaped as in RFC 4514.
 */
export function dnKey(dn: DistinguishedName): string {
  return dn.map(rdnKey).join(',');
}

/** `dnKey` of one relative name. */
export function rdnKey(rdn: RelativeName): string {
  const first = rdn[0];
  if (rdn.length === 1 && first) return componentKey(first);
  return rdn.map(componentKey).sort().join('+');
}

function componentKey({ type, value, octets }: NameComponent): string {
  const folded = octets ? `#${octets.toString('hex')}` : escapeDnValue(foldText(value));
  return `${type.toLowerCase()}=${folded}`;
}

const PLAIN = /^[\x21-\x40\x5b-\x7e]*(?: [\x21-\x40\x5b-\x7e]+)*$/;

/**
 * The form in which case-ignoring text is compared (RFC 4518, simplified): NFKC, lower case, no outer spaces, inner runs of
 * spaces as one.
 */
export function foldText(value: string): string {
  if (PLAIN.test(value)) return value;
  return value.normalize('NFKC').toLowerCase().normalize('NFKC').replace(/\s+/gu, ' ').trim();
}

/** True when both names mean the same entry. */
export function sameDn(a: DistinguishedName, b: DistinguishedName): boolean {
  return a.length === b.length && dnKey(a) === dnKey(b);
}

/** True when `dn` is `ancestor` itself or lies anywhere below it. Every name lies within the empty name. */
export function isWithin(dn: DistinguishedName, ancestor: DistinguishedName): boolean {
  return dn.length >= ancestor.length && sameDn(dn.slice(dn.length - ancestor.length), ancestor);
}
