// A demo organisation's name table: the text of a hosts file, and the network made of it.

import { isIP } from 'node:net';

/** Lower-case names and their addresses, and the other way round. */
export interface NameTable {
  addressesOf(name: string): readonly string[];
  namesOf(address: string): readonly string[];
  /** Every name, in the file's order. */
  readonly names: readonly string[];
}

/** Limits on the file. */
const NAME_LIMITS = { lines: 10_000, nameLength: 253 } as const;

/** Reads `address name...` lines; `#` begins a comment. Throws RangeError naming the line. */
export function parseNameTable(text: string): NameTable {
  const byName = new Map<string, string[]>();
  const byAddress = new Map<string, string[]>();
  const lines = text.split(/\r?\n/);
  if (lines.length > NAME_LIMITS.lines) throw new RangeError(`the name table has more than ${NAME_LIMITS.lines} lines`);
  lines.forEach((line, at) => {
    const [address, ...names] = line
      .replace(/#.*/, '')
      .trim()
      .split(/\s+/)
      .filter((word) => word !== '');
    if (address === undefined) return;
    if (isIP(address) === 0 || names.length === 0)
      throw new RangeError(`line ${at + 1}: expected an address and names`);
    for (const name of names.map((written) => written.toLowerCase())) {
      if (name.length > NAME_LIMITS.nameLength) throw new RangeError(`line ${at + 1}: a name is too long`);
      byName.set(name, [...(byName.get(name) ?? []), address]);
      byAddress.set(address, [...(byAddress.get(address) ?? []), name]);
    }
  });
  return {
    addressesOf: (name) => byName.get(name.toLowerCase()) ?? [],
    namesOf: (address) => byAddress.get(address) ?? [],
    names: [...byName.keys()],
  };
}
