// Reads attributes of a search entry as ldapts gives it: a string for one value, an array for several, an empty array for a requested
// attribute that is absent, and keys in the server's spelling. Nothing else in the project knows these shapes.

import type { Entry } from 'ldapts';

const NONE: readonly string[] = [];

/** One search entry, with attribute names looked up without case. */
export class EntryReader {
  readonly dn: string;
  readonly #entry: Entry;
  /** Spellings by lower-case name; made when a name is not spelled as the server spells it. */
  #spellings: ReadonlyMap<string, string> | undefined;

  constructor(entry: Entry) {
    this.dn = entry.dn;
    this.#entry = entry;
  }

  /** Names of the attributes that came with values, in the server's spelling. */
  get names(): string[] {
    return Object.keys(this.#entry).filter((name) => name !== 'dn' && this.#values(name).length > 0);
  }

  /** Every value as bytes, in the server's order. Ask for the attribute in `binaryAttributes`, or bytes are already damaged. */
  manyBytes(name: string): Buffer[] {
    return this.#values(name).map((value) => (typeof value === 'string' ? Buffer.from(value, 'utf8') : value));
  }

  /** Every value, in the server's order; empty when the attribute is absent. */
  many(name: string): string[] {
    return this.#values(name).map(asText);
  }

  /** The first value, or undefined when the attribute is absent or empty. */
  one(name: string): string | undefined {
    const [value] = this.#values(name);
    return value === undefined || value.length === 0 ? undefined : asText(value);
  }

  /** The first value as bytes. Ask for the attribute in `binaryAttributes`, or its bytes are already damaged. */
  bytes(name: string): Buffer | undefined {
    const value = this.#values(name)[0];
    if (value === undefined) return undefined;
    return typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  }

  /** A whole number, or undefined when absent or not a number. 64-bit values up to 2^53 are exact. */
  integer(name: string): number | undefined {
    const text = this.one(name);
    if (text === undefined || !/^-?\d+$/.test(text)) return undefined;
    return Number(text);
  }

  boolean(name: string): boolean {
    return this.one(name)?.toUpperCase() === 'TRUE';
  }

  hasClass(name: string): boolean {
    const wanted = name.toLowerCase();
    return this.many('objectClass').some((value) => value.toLowerCase() === wanted);
  }

  #values(name: string): readonly (string | Buffer)[] {
    const value = this.#entry[name] ?? this.#otherwiseSpelled(name);
    if (value === undefined) return NONE;
    return Array.isArray(value) ? value : [value];
  }

  #otherwiseSpelled(name: string): Entry[string] | undefined {
    this.#spellings ??= new Map(Object.keys(this.#entry).map((spelling) => [spelling.toLowerCase(), spelling]));
    const spelling = this.#spellings.get(name.toLowerCase());
    return spelling === undefined || spelling === 'dn' ? undefined : this.#entry[spelling];
  }
}

function asText(value: string | Buffer): string {
  return typeof value === 'string' ? value : value.toString('utf8');
}

/** A GUID attribute's 16 bytes as text. The first three fields are little-endian ([MS-DTYP] 2.3.4.2 GUID). */
export function guidText(bytes: Buffer): string {
  const ordered = Buffer.alloc(16);
  bytes.copy(ordered);
  ordered.subarray(0, 4).swap32();
  ordered.subarray(4, 8).swap16();
  const hex = ordered.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
