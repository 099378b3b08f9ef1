import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { RegistryError } from '../../../src/profile-migrator/errors.ts';
import { applyPatch, diffSnapshots, invertPatch, unmetEdits } from '../../../src/profile-migrator/registry/patch.ts';
import { entriesOf, snapshotsOf } from '../../../src/profile-migrator/registry/reg-file.ts';
import { renderRegFile } from '../../../src/profile-migrator/registry/reg-file-writer.ts';
import {
  findKey,
  foldName,
  locateKey,
  type RegistrySnapshot,
  type ValueEdit,
} from '../../../src/profile-migrator/registry/registry.ts';

const ROOT = 'HKEY_CURRENT_USER';
const NAMES = ['a', 'B', 'c'];
const KEYS = ['x', 'x\\y', 'Z'];

/** A little registry: for each key and name a byte, or no value. */
function snapshot(bytes: readonly (number | undefined)[]): RegistrySnapshot {
  const entries = KEYS.flatMap((key, k) => [
    { kind: 'key' as const, path: `${ROOT}\\${key}` },
    ...NAMES.flatMap((name, n) => {
      const byte = bytes[k * NAMES.length + n];
      return byte === undefined
        ? []
        : [{ kind: 'value' as const, value: { name, type: 3, data: Buffer.from([byte]) } }];
    }),
  ]);
  const [found] = snapshotsOf({ entries, codePage: undefined });
  assert.ok(found);
  return found;
}

const contents = fc.array(fc.option(fc.nat(3), { nil: undefined }), { minLength: 9, maxLength: 9 });

/** Independent of the order of values, which a registry does not promise. */
function sorted(of: RegistrySnapshot): string[] {
  const lines: string[] = [];
  let key = '';
  for (const entry of entriesOf(of)) {
    if (entry.kind === 'key') key = entry.path;
    lines.push(entry.kind === 'key' ? key : `${key} ${renderRegFile([entry]).toString('hex')}`);
  }
  return lines.sort();
}

test('the difference applied gives the other side, and inverted gives back every byte', () => {
  fc.assert(
    fc.property(contents, contents, (a, b) => {
      const [before, after] = [snapshot(a), snapshot(b)];
      const patch = { rootPath: ROOT, edits: diffSnapshots(before, after).edits };
      const applied = applyPatch(before, patch);
      assert.deepEqual(sorted(applied), sorted(after));
      assert.deepEqual(diffSnapshots(applied, after), { edits: [], addedKeys: [], removedKeys: [] });
      assert.deepEqual(sorted(applyPatch(applied, invertPatch(patch))), sorted(before));
    }),
  );
});

test('applying leaves the original and untouched keys alone', () => {
  const before = snapshot([1, 2, 3]);
  const value = { name: 'a', type: 3, data: Buffer.from([9]) };
  const edit: ValueEdit = { keyPath: 'X', name: 'A', before: { ...value, data: Buffer.from([1]) }, after: value };
  const after = applyPatch(before, { rootPath: ROOT, edits: [edit] });
  assert.equal(findKey(before.root, 'x')?.values.get('A')?.data[0], 1);
  assert.equal(findKey(after.root, 'x')?.values.get('A')?.data[0], 9);
  assert.equal(findKey(after.root, 'Z'), findKey(before.root, 'Z'));
});

test('refuses what the snapshot does not hold', () => {
  const before = snapshot([1]);
  const bad = (edit: Partial<ValueEdit>, code: string) => {
    const whole: ValueEdit = { keyPath: 'x', name: 'a', before: undefined, after: undefined, ...edit };
    assert.throws(
      () => applyPatch(before, { rootPath: ROOT, edits: [whole] }),
      (error) => error instanceof RegistryError && error.code === code,
    );
  };
  bad({ keyPath: 'nowhere' }, 'key-missing');
  bad({ before: { name: 'a', type: 3, data: Buffer.from([2]) } }, 'value-changed'); // other bytes
  bad({ before: { name: 'a', type: 1, data: Buffer.from([1]) } }, 'value-changed'); // other type
  bad({ before: undefined }, 'value-changed'); // there is a value
});

test('tells which edits are not met', () => {
  const value = (byte: number) => ({ name: 'a', type: 3, data: Buffer.from([byte]) });
  const edits: ValueEdit[] = [
    { keyPath: 'x', name: 'a', before: value(1), after: value(2) },
    { keyPath: 'x\\y', name: 'a', before: value(1), after: undefined },
  ];
  const now = snapshot([1]);
  assert.deepEqual(unmetEdits(now, { rootPath: ROOT, edits }, 'before'), [edits[1]]);
  assert.deepEqual(unmetEdits(now, { rootPath: ROOT, edits }, 'after'), [edits[0]]);
});

test('a difference of keys is one', () => {
  const [one] = snapshotsOf({ entries: [{ kind: 'key', path: `${ROOT}\\x\\y` }], codePage: undefined });
  const [two] = snapshotsOf({ entries: [{ kind: 'key', path: `${ROOT}\\x\\z` }], codePage: undefined });
  assert.ok(one && two);
  assert.deepEqual(diffSnapshots(one, two), { edits: [], addedKeys: ['x\\z'], removedKeys: ['x\\y'] });
});

test('names that Windows tells apart are told apart', () => {
  const entries = ['ılk', 'Ilk', 'ſ', 'S', 'µ', 'Μ'].map(
    (name) => ({ kind: 'key', path: `HKEY_CURRENT_USER\\${name}` }) as const,
  );
  const [snapshot] = snapshotsOf({ entries, codePage: undefined });
  assert.equal(snapshot?.root.subkeys.size, 6);
  assert.equal(foldName('jürgen ÿ'), foldName('JÜRGEN Ÿ'));
});

test('finds keys without case, and says how they are spelled', () => {
  const now = snapshot([1]);
  assert.equal(locateKey(now.root, 'X\\Y')?.path, 'x\\y');
  assert.equal(locateKey(now.root, 'x\\q'), undefined);
});
