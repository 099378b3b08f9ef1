// The .reg document as data: what its lines say, in order. Reader and writer meet here; snapshots and patches are made from it.
import { RegistryError } from '../errors.ts';
import type { RegistryKey, RegistryPatch, RegistrySnapshot, RegistryValue } from './registry.ts';
import { findKey, foldName, RegType, splitKeyPath } from './registry.ts';

/** One statement of a .reg file. Paths are full paths as spelled, root included. */
export type RegEntry =
  | { readonly kind: 'key'; readonly path: string }
  | { readonly kind: 'delete-key'; readonly path: string }
  | { readonly kind: 'value'; readonly value: RegistryValue }
  | { readonly kind: 'delete-value'; readonly name: string };

export interface RegFile {
  readonly entries: readonly RegEntry[];
  /** The code page its text was read in, when that mattered (bytes above 0x7f, neither UTF-8 nor UTF-16). */
  readonly codePage: number | undefined;
}

interface MutableKey extends RegistryKey {
  readonly values: Map<string, RegistryValue>;
  readonly subkeys: Map<string, MutableKey>;
}

/**
 * What an import of the file into an empty registry would leave, one snapshot for each user's root, in order of appearance. Keys of
 * a machine-wide hive loaded under any name count as a root of their own: everything before the first `Software`.
 */
export function snapshotsOf(file: RegFile): RegistrySnapshot[] {
  const roots = new Map<string, { rootPath: string; root: MutableKey }>();
  let current: MutableKey | undefined;
  for (const entry of file.entries) {
    switch (entry.kind) {
      case 'key':
      case 'delete-key': {
        const { rootPath, keyPath } = splitRoot(entry.path);
        const folded = foldName(rootPath);
        const root = roots.get(folded) ?? { rootPath, root: newKey('') };
        roots.set(folded, root);
        if (entry.kind === 'key') current = makeKey(root.root, keyPath);
        else current = deleteKey(root.root, keyPath);
        break;
      }
      case 'value':
        current?.values.set(foldName(entry.value.name), entry.value);
        break;
      case 'delete-value':
        current?.values.delete(foldName(entry.name));
        break;
    }
  }
  return [...roots.values()];
}

/** The statements `reg export` would write for the subtree at `keyPath`: parents first, in the snapshot's order. */
export function entriesOf(snapshot: RegistrySnapshot, keyPath = ''): RegEntry[] {
  const start = findKey(snapshot.root, keyPath);
  const entries: RegEntry[] = [];
  if (!start) return entries;
  const pending = [{ path: joinRoot(snapshot.rootPath, keyPath), key: start }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { path, key } = next;
    entries.push({ kind: 'key', path });
    for (const value of key.values.values()) entries.push({ kind: 'value', value });
    pending.push(...[...key.subkeys.values()].map((sub) => ({ path: `${path}\\${sub.name}`, key: sub })).reverse());
  }
  return entries;
}

/** The statements that carry out the patch: each key once, in the order of its first edit; `=-` where a value goes. */
export function entriesOfPatch(patch: RegistryPatch): RegEntry[] {
  const byKey = new Map<string, RegEntry[]>();
  for (const { keyPath, name, after } of patch.edits) {
    const path = joinRoot(patch.rootPath, keyPath);
    const lines = byKey.get(path) ?? [{ kind: 'key', path }];
    lines.push(after ? { kind: 'value', value: { ...after, name } } : { kind: 'delete-value', name });
    byKey.set(path, lines);
  }
  return [...byKey.values()].flat();
}

/** Where a full key path leaves the part that names the user: `HKEY_CURRENT_USER`, `HKEY_USERS\<SID>`, or what precedes `Software`. */
export function splitRoot(path: string): { rootPath: string; keyPath: string } {
  const parts = splitKeyPath(path);
  const first = foldName(parts[0] ?? '');
  const software = parts.findIndex((part) => foldName(part) === 'SOFTWARE');
  let depth = software < 0 ? 1 : software;
  if (first === 'HKEY_CURRENT_USER' || first === 'HKCU') depth = 1;
  if (first === 'HKEY_USERS' || first === 'HKU') depth = Math.min(2, parts.length);
  return { rootPath: parts.slice(0, depth).join('\\'), keyPath: parts.slice(depth).join('\\') };
}

export function joinRoot(rootPath: string, keyPath: string): string {
  return keyPath === '' ? rootPath : `${rootPath}\\${keyPath}`;
}

/** REG_SZ data of a text: UTF-16LE and its terminator. */
export function stringData(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'utf16le');
}

/** The text of a REG_SZ or REG_EXPAND_SZ value: up to its terminator, if it has one. */
export function textOf(value: RegistryValue): string {
  if (value.type !== RegType.SZ && value.type !== RegType.EXPAND_SZ) {
    throw new RegistryError('reg-syntax', `value "${value.name}" is of type ${value.type}, expected REG_SZ`);
  }
  const text = value.data.toString('utf16le', 0, value.data.length & ~1);
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

function newKey(name: string): MutableKey {
  return { name, values: new Map(), subkeys: new Map() };
}

function makeKey(root: MutableKey, path: string): MutableKey {
  let key = root;
  for (const part of splitKeyPath(path)) {
    const folded = foldName(part);
    const child = key.subkeys.get(folded) ?? newKey(part);
    key.subkeys.set(folded, child);
    key = child;
  }
  return key;
}

/** Values after a deleted key belong to nothing: an import ignores them. */
function deleteKey(root: MutableKey, path: string): undefined {
  const parts = splitKeyPath(path);
  const last = parts.pop();
  if (last === undefined) {
    root.values.clear();
    root.subkeys.clear();
    return undefined;
  }
  let parent: MutableKey | undefined = root;
  for (const part of parts) parent = parent?.subkeys.get(foldName(part));
  parent?.subkeys.delete(foldName(last));
  return undefined;
}
