// The registry as data: keys and values as read from a live registry, a .reg file or an offline hive, and a change as a list of
// value edits. Everything above (profiles, plan) works on these values; stores do the reading and the writing.

/** Registry value types, numbered as winnt.h does. Any other 32-bit number may occur and is kept. */
export const RegType = {
  NONE: 0,
  SZ: 1,
  EXPAND_SZ: 2,
  BINARY: 3,
  DWORD: 4,
  MULTI_SZ: 7,
  QWORD: 11,
} as const;

/** A value's data is always the raw bytes the registry holds: REG_SZ is UTF-16LE with its terminator, if it has one. */
export interface RegistryValue {
  /** As spelled in the source; the empty string is the key's default value. */
  readonly name: string;
  readonly type: number;
  readonly data: Buffer;
}

/** A key with its values and subkeys. Names are looked up through `foldName`, and kept as spelled. */
export interface RegistryKey {
  readonly name: string;
  /** By folded name, in the source's order. */
  readonly values: ReadonlyMap<string, RegistryValue>;
  /** By folded name, in the source's order. */
  readonly subkeys: ReadonlyMap<string, RegistryKey>;
}

/**
 * What a store read: the keys below one root. `rootPath` is the root as the source spells it (`HKEY_CURRENT_USER`,
 * `HKEY_USERS\S-1-5-21-...`); a hive's root is its owner's HKEY_CURRENT_USER.
 */
export interface RegistrySnapshot {
  readonly rootPath: string;
  readonly root: RegistryKey;
}

/** One value's change. `before` or `after` is undefined where the value does not exist. Keys are never created or deleted. */
export interface ValueEdit {
  /** Path below the snapshot's root, as spelled in the source, without leading backslash. */
  readonly keyPath: string;
  readonly name: string;
  readonly before: RegistryValue | undefined;
  readonly after: RegistryValue | undefined;
}

export interface RegistryPatch {
  readonly rootPath: string;
  readonly edits: readonly ValueEdit[];
}

/** Letters that Unicode gives a capital, and the tables of Windows do not: as key names they are others than I, S and capital mu. */
const KEPT: ReadonlySet<string> = new Set(['\u0131', '\u017f', '\u00b5']);

/** Key and value names compare without case, unit by unit as the registry does it: no folding that changes the length. */
export function foldName(name: string): string {
  if (/^[\x20-\x7e]*$/.test(name)) return name.toUpperCase();
  let folded = '';
  for (let i = 0; i < name.length; i++) {
    const unit = name.charAt(i);
    const upper = unit.toUpperCase();
    folded += upper.length === 1 && !KEPT.has(unit) ? upper : unit;
  }
  return folded;
}

/** The components of a key path; the empty path is the root itself. */
export function splitKeyPath(path: string): string[] {
  return path === '' ? [] : path.split('\\');
}

/** The key at `path` below `root`, or undefined where it does not exist. */
export function findKey(root: RegistryKey, path: string): RegistryKey | undefined {
  let key: RegistryKey | undefined = root;
  for (const part of splitKeyPath(path)) {
    key = key.subkeys.get(foldName(part));
    if (!key) return undefined;
  }
  return key;
}

/** Like `findKey`, with the path spelled as the source spells it. */
export function locateKey(root: RegistryKey, path: string): { key: RegistryKey; path: string } | undefined {
  const spelled: string[] = [];
  let key = root;
  for (const part of splitKeyPath(path)) {
    const child = key.subkeys.get(foldName(part));
    if (!child) return undefined;
    spelled.push(child.name);
    key = child;
  }
  return { key, path: spelled.join('\\') };
}

export function findValue(key: RegistryKey | undefined, name: string): RegistryValue | undefined {
  return key?.values.get(foldName(name));
}

/** Same type and same bytes; two absent values are the same. Names are not compared. */
export function sameValue(a: RegistryValue | undefined, b: RegistryValue | undefined): boolean {
  if (!a || !b) return a === b;
  return a.type === b.type && a.data.equals(b.data);
}
