// Registry changes as data: applied to a snapshot, inverted, and found by comparing two snapshots. Pure.
import { RegistryError } from '../errors.ts';
import type { RegistryKey, RegistryPatch, RegistrySnapshot, RegistryValue, ValueEdit } from './registry.ts';
import { findKey, findValue, foldName, sameValue, splitKeyPath } from './registry.ts';

/** How two snapshots of the same root differ. Paths are spelled as in the snapshot that has the key. */
export interface SnapshotDifference {
  readonly edits: readonly ValueEdit[];
  readonly addedKeys: readonly string[];
  readonly removedKeys: readonly string[];
}

/** The patch that undoes `patch`, in reverse order. */
export function invertPatch(patch: RegistryPatch): RegistryPatch {
  const edits = patch.edits.map(({ keyPath, name, before, after }) => ({
    keyPath,
    name,
    before: after,
    after: before,
  }));
  return { rootPath: patch.rootPath, edits: edits.reverse() };
}

/**
 * The snapshot after the patch; untouched keys are shared with the original.
 * @throws RegistryError `key-missing` or `value-changed` when the snapshot does not hold what an edit expects to find.
 */
export function applyPatch(snapshot: RegistrySnapshot, patch: RegistryPatch): RegistrySnapshot {
  let root = snapshot.root;
  for (const edit of patch.edits) {
    const key = findKey(root, edit.keyPath);
    if (!key) throw new RegistryError('key-missing', `cannot change ${editName(edit)}: the key does not exist`);
    if (!sameValue(findValue(key, edit.name), edit.before)) {
      throw new RegistryError('value-changed', `cannot change ${editName(edit)}: it no longer holds what was read`);
    }
    root = withValue(root, splitKeyPath(edit.keyPath), edit.name, edit.after);
  }
  return { rootPath: snapshot.rootPath, root };
}

/** The edits of `patch` whose value in `snapshot` is not the expected one (`before` or `after`). */
export function unmetEdits(
  snapshot: RegistrySnapshot,
  patch: RegistryPatch,
  side: 'before' | 'after',
): readonly ValueEdit[] {
  return patch.edits.filter(
    (edit) => !sameValue(findValue(findKey(snapshot.root, edit.keyPath), edit.name), edit[side]),
  );
}

/** Everything that differs, values and keys, in the order of the first snapshot, then of the second. */
export function diffSnapshots(before: RegistrySnapshot, after: RegistrySnapshot): SnapshotDifference {
  const edits: ValueEdit[] = [];
  const addedKeys: string[] = [];
  const removedKeys: string[] = [];
  const pending: { path: string; old: RegistryKey | undefined; new: RegistryKey | undefined }[] = [
    { path: '', old: before.root, new: after.root },
  ];
  for (let pair = pending.pop(); pair; pair = pending.pop()) {
    if (!pair.old) addedKeys.push(pair.path);
    if (!pair.new) removedKeys.push(pair.path);
    for (const [folded, a, b] of pairUp(pair.old?.values, pair.new?.values)) {
      if (!sameValue(a, b)) edits.push({ keyPath: pair.path, name: (a ?? b)?.name ?? folded, before: a, after: b });
    }
    const children = pairUp(pair.old?.subkeys, pair.new?.subkeys).map(([folded, a, b]) => {
      const name = (a ?? b)?.name ?? folded;
      return { path: pair.path === '' ? name : `${pair.path}\\${name}`, old: a, new: b };
    });
    pending.push(...children.reverse());
  }
  return { edits, addedKeys, removedKeys };
}

function editName(edit: ValueEdit): string {
  return `value "${edit.name}" of ${edit.keyPath}`;
}

function withValue(
  key: RegistryKey,
  path: readonly string[],
  name: string,
  value: RegistryValue | undefined,
): RegistryKey {
  const [head, ...rest] = path;
  if (head === undefined) {
    const values = new Map(key.values);
    if (value) values.set(foldName(name), value);
    else values.delete(foldName(name));
    return { ...key, values };
  }
  const child = key.subkeys.get(foldName(head));
  if (!child) throw new RegistryError('key-missing', `cannot change value "${name}": key ${head} does not exist`);
  return { ...key, subkeys: new Map(key.subkeys).set(foldName(head), withValue(child, rest, name, value)) };
}

function pairUp<T>(
  a: ReadonlyMap<string, T> | undefined,
  b: ReadonlyMap<string, T> | undefined,
): [string, T | undefined, T | undefined][] {
  const names = new Set([...(a?.keys() ?? []), ...(b?.keys() ?? [])]);
  return [...names].map((name) => [name, a?.get(name), b?.get(name)]);
}
