// Reads attributes of a search entry as ldapts gives it: a string for one value, an array for several, an empty array for a requested
// attribute that is absent, and keys in the server's spelling. Nothing else in the project knows these shapes.

import type { Entry } from 'ldapts';

/** One search entry, with attribute names looked up without case. */
export class EntryReader {
  readonly dn: string;
  readonly #attributes: ReadonlyMap<string, readonly (string | Buffer)[]>;
  readonly #spellings: ReadonlyMap<string, string>;

  constructor(entry: Entry) {
    this.dn = entry.dn;
    const attributes = new Map<string, readonly (string | Buffer)[]>();
    for (const [name, value] of Object.entries(entry)) {
      if (name === 'dn') continue;
      attributes.set(name.toLowerCase(), Array.isArray(value) ? value : [value]);
    }
    this.#attributes = attributes;
    this.#spellings = new Map(Object.keys(entry).map((name) => [name.toLowerCase(), name]));
  }

  /** Names of the attributes that came with values, in the server's spelling. */
  get names(): string[] {
    return [...this.#attributes].flatMap(([key, values]) =>
      values.length > 0 ? [this.#spellings.get(key) ?? key] : [],
    );
  }

  /** Every value as bytes, in the server's order. Ask for the attribute in `binaryAttributes`, or bytes are already damaged. */
  manyBytes(name: string): Buffer[] {
    return (this.#attributes.get(name.toLowerCase()) ?? []).map((value) =>
      typeof value === 'string' ? Buffer.from(value, 'utf8') : value,
    );
  }

  /** Every value, in the server's order; empty when the attribute is absent. */
  many(name: string): string[] {
    return (this.#attributes.get(name.toLowerCase()) ?? []).map((value) =>
      typeof value === 'string' ? value : value.toString('utf8'),
    );
  }

  /** The first value, or undefined when the attribute is absent or empty. */
  one(name: string): string | undefined {
    const value = this.many(name)[0];
    return value === '' ? undefined : value;
  }

  /** The first value as bytes. Ask for the attribute in `binaryAttributes`, or its bytes are already damaged. */
  bytes(name: string): Buffer | undefined {
    const value = this.#attributes.get(name.toLowerCase())?.[0];
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
}

/** A GUID attribute's 16 bytes as text. The first three fields are little-endian ([MS-DTYP] 2.3.4.2 GUID). */
export function guidText(bytes: Buffer): string {
  const hex = [
    Buffer.from(bytes.subarray(0, 4)).reverse(),
    Buffer.from(bytes.subarray(4, 6)).reverse(),
    Buffer.from(bytes.subarray(6, 8)).reverse(),
    bytes.subarray(8, 10),
    bytes.subarray(10, 16),
  ];
  return hex.map((part) => part.toString('hex')).join('-');
}
