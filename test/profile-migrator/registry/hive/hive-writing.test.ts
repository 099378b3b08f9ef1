import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { requireOnlyPlanned } from '../../../../src/profile-migrator/registry/hive/compare-hives.ts';
import { editHive } from '../../../../src/profile-migrator/registry/hive/edit-hive.ts';
import { HiveImage } from '../../../../src/profile-migrator/registry/hive/hive-image.ts';
import { HIVE_LIMITS } from '../../../../src/profile-migrator/registry/hive/limits.ts';
import { loadKeys } from '../../../../src/profile-migrator/registry/hive/load-keys.ts';
import { readKeyNode, subkeyCells } from '../../../../src/profile-migrator/registry/hive/records.ts';
import { surveyHive } from '../../../../src/profile-migrator/registry/hive/survey.ts';
import { applyPatch, diffSnapshots, invertPatch } from '../../../../src/profile-migrator/registry/patch.ts';
import {
  findKey,
  findValue,
  type RegistryPatch,
  type RegistryValue,
  type ValueEdit,
} from '../../../../src/profile-migrator/registry/registry.ts';
import { binary, buildHive, type HiveSpec, string, sz } from './hive-builder.ts';

const ROOT = 'HKEY_CURRENT_USER';
const NOW = new Date('2026-03-01T12:00:00Z');

function snapshot(image: HiveImage): { rootPath: string; root: ReturnType<typeof loadKeys> } {
  return { rootPath: ROOT, root: loadKeys(image, ['']) };
}

function valueIn(image: HiveImage, keyPath: string, name: string): RegistryValue | undefined {
  return findValue(findKey(loadKeys(image, ['']), keyPath), name);
}

/** The edit that gives a value this data, from what the hive holds. */
function edit(image: HiveImage, keyPath: string, name: string, data: Buffer | undefined, type = 3): ValueEdit {
  const after = data === undefined ? undefined : { name, type, data };
  return { keyPath, name, before: valueIn(image, keyPath, name), after };
}

/** Edits, proves every way there is, undoes, proves again; returns the edited hive. */
function roundTrip(spec: HiveSpec | Buffer, make: (image: HiveImage) => ValueEdit[]): HiveImage {
  const before = new HiveImage(Buffer.isBuffer(spec) ? spec : buildHive(spec));
  const original = Buffer.from(before.bytes);
  const patch: RegistryPatch = { rootPath: ROOT, edits: make(before) };
  const after = editHive(before, patch, NOW);
  assert.ok(before.bytes.equals(original), 'the input stays as it was');
  const survey = surveyHive(after);
  requireOnlyPlanned(before, after, patch);
  const wanted = applyPatch(snapshot(before), patch);
  assert.deepEqual(diffSnapshots(wanted, snapshot(after)), { edits: [], addedKeys: [], removedKeys: [] });
  const { base } = after;
  assert.deepEqual([base.primarySequence, base.checksumOk], [before.base.primarySequence + 1, true]);
  assert.equal(base.secondarySequence, base.primarySequence);
  for (let i = 1; i < survey.freeCells.length; i++) {
    const [a, b] = [survey.freeCells[i - 1], survey.freeCells[i]];
    assert.ok(a && b);
    assert.ok(
      a.offset + a.size < b.offset || after.binOf(a.offset).start !== after.binOf(b.offset).start,
      'unmerged neighbours',
    );
  }
  const undone = editHive(after, invertPatch(patch), NOW);
  surveyHive(undone);
  assert.deepEqual(diffSnapshots(snapshot(before), snapshot(undone)).edits, []);
  return after;
}

const one = (data: Buffer, more: Partial<HiveSpec> = {}): HiveSpec => ({
  ...more,
  root: {
    name: 'R',
    keys: [{ name: 'k', values: [string('first', 'a'), { name: 'v', type: 3, data }, string('last', 'z')] }],
  },
});
const set = (data: Buffer | undefined) => (image: HiveImage) => [edit(image, 'k', 'v', data)];
const bytes = (n: number): Buffer => Buffer.from(Array.from({ length: n }, (_, i) => i % 251));

const PATHS: [string, HiveSpec, number | undefined, (before: HiveImage, after: HiveImage) => void][] = [
  ['inline to inline', one(bytes(2)), 4, sameSize],
  ['inline to a cell', one(bytes(4)), 40, sameSize],
  ['a cell to inline frees it', one(bytes(40)), 3, (b, a) => assert.ok(free(a) > free(b))],
  ['overwrite in place, smaller', one(bytes(40)), 20, (b, a) => assert.equal(free(a), free(b))],
  ['overwrite in place, same cell size', one(bytes(37)), 44, (b, a) => assert.equal(free(a), free(b))],
  ['to a free cell that fits exactly', one(bytes(20), { gap: { size: 64, every: 3 } }), 60, sameSize],
  ['to a free cell that is split', one(bytes(20), { gap: { size: 128, every: 3 } }), 60, sameSize],
  ['empty to something', one(Buffer.alloc(0)), 100, sameSize],
  ['something to empty', one(bytes(100)), 0, sameSize],
  ['growth by one bin', one(bytes(20)), 4000, (b, a) => assert.equal(a.base.binsSize - b.base.binsSize, 4096)],
  [
    'growth by a bin of two pages',
    one(bytes(20)),
    5000,
    (b, a) => assert.equal(a.base.binsSize - b.base.binsSize, 8192),
  ],
  [
    'growth into padding',
    one(bytes(20), { padding: 16_384, paddingByte: 0xa5 }),
    4000,
    (b, a) => {
      assert.equal(a.bytes.length, b.bytes.length);
      assert.equal(a.base.binsSize, b.base.binsSize + 4096);
    },
  ],
  [
    'growth beyond too little padding',
    one(bytes(20), { padding: 512 }),
    4000,
    (b, a) => assert.equal(a.bytes.length, b.bytes.length - 512 + 4096),
  ],
  ['a value of one segment exactly', one(bytes(20)), 16_344, noBigData],
  ['to big data', one(bytes(20)), 16_345, bigData],
  ['to big data of three segments', one(bytes(20)), 40_000, bigData],
  ['big data to big data', one(bytes(20_000)), 50_000, bigData],
  ['big data to a cell', one(bytes(50_000)), 100, noBigData],
  ['big data to inline', one(bytes(50_000)), 1, noBigData],
  ['a large cell in version 1.3', one(bytes(20), { minor: 3 }), 40_000, noBigData],
  ['a large cell to a larger one in version 1.3', one(bytes(40_000), { minor: 3 }), 80_000, noBigData],
  ['big data in version 1.4', one(bytes(20), { minor: 4 }), 40_000, bigData],
  ['deletion', one(bytes(40)), undefined, (b, a) => assert.ok(free(a) > free(b))],
  ['deletion of inline data', one(bytes(2)), undefined, sameSize],
  ['deletion of big data', one(bytes(50_000)), undefined, noBigData],
];

function sameSize(before: HiveImage, after: HiveImage): void {
  assert.equal(after.bytes.length, before.bytes.length);
}
function free(image: HiveImage): number {
  return surveyHive(image).freeCells.reduce((sum, cell) => sum + cell.size, 0);
}
function bigData(_before: HiveImage, after: HiveImage): void {
  assert.ok(usedCell(after, 'db'), 'a db record');
}
function noBigData(_before: HiveImage, after: HiveImage): void {
  assert.ok(!usedCell(after, 'db'), 'no db record');
}
/** Whether a used cell begins with this signature, found by walking cells independently of the code under test. */
function usedCell(image: HiveImage, signature: string): boolean {
  const { bytes: b } = image;
  for (let bin = 4096; bin < 4096 + image.base.binsSize; bin += b.readUInt32LE(bin + 8)) {
    for (let at = bin + 32; at < bin + b.readUInt32LE(bin + 8); at += Math.abs(b.readInt32LE(at))) {
      if (b.readInt32LE(at) < 0 && b.toString('latin1', at + 4, at + 6) === signature) return true;
    }
  }
  return false;
}

for (const [name, spec, size, check] of PATHS) {
  test(name, () => {
    const before = new HiveImage(buildHive(spec));
    check(before, roundTrip(spec, set(size === undefined ? undefined : bytes(size).reverse())));
  });
}

test('creating values: Latin-1 and UTF-16 names, in an empty key, in a full list, among others', () => {
  for (const name of ['plain', 'é', '漢字', 'a\ud800', '']) {
    roundTrip(one(bytes(8)), (image) => [edit(image, 'k', name, bytes(30))]);
    roundTrip({ root: { name: 'R', keys: [{ name: 'k' }] } }, (image) => [edit(image, 'k', name, bytes(3))]);
  }
  roundTrip({ root: { name: 'R', keys: [{ name: 'k' }] } }, (image) =>
    Array.from({ length: 50 }, (_, i) => edit(image, 'k', `value ${i}`, bytes(i * 9))),
  );
});

test('deleting every value of a key frees its list', () => {
  const after = roundTrip(one(bytes(40)), (image) =>
    ['first', 'v', 'last'].map((name) => edit(image, 'k', name, undefined)),
  );
  const [child = 0] = subkeyCells(after, readKeyNode(after, after.base.rootCell));
  const key = readKeyNode(after, child);
  assert.deepEqual([key.valueCount, key.valueList], [0, 0xffffffff]);
});

test('key bookkeeping: largest data and name only grow, last written is set on changed keys alone', () => {
  const spec: HiveSpec = { root: { name: 'R', keys: [{ name: 'kkkk', values: [binary('v', 10)] }, { name: 'oooo' }] } };
  const after = roundTrip(spec, (image) => [
    edit(image, 'kkkk', 'v', bytes(99)),
    edit(image, 'kkkk', 'a longer name', bytes(1)),
  ]);
  const nk = (name: string): number => after.bytes.indexOf(name, 4096, 'latin1') - 76;
  assert.equal(after.bytes.readUInt32LE(nk('kkkk') + 64), 99);
  assert.equal(after.bytes.readUInt32LE(nk('kkkk') + 60), 26);
  const filetime = 116_444_736_000_000_000n + BigInt(NOW.getTime()) * 10_000n;
  assert.equal(after.bytes.readBigUInt64LE(nk('kkkk') + 4), filetime);
  assert.notEqual(after.bytes.readBigUInt64LE(nk('oooo') + 4), filetime);
  const smaller = roundTrip(after.bytes, (image) => [edit(image, 'kkkk', 'v', bytes(5))]);
  assert.equal(smaller.bytes.readUInt32LE(nk('kkkk') + 64), 99);
});

test('the type changes with the value, and a shrunk cell leaves nothing of the old text', () => {
  const after = roundTrip(
    { root: { name: 'R', keys: [{ name: 'k', values: [string('v', 'a-rather-long-old-server-name')] }] } },
    (image) => [edit(image, 'k', 'v', sz('new'), 2)],
  );
  assert.equal(valueIn(after, 'k', 'v')?.type, 2);
  assert.equal(after.bytes.indexOf('old-server', 0, 'utf16le'), -1);
});

test('free neighbours that another program left unmerged are used as one', () => {
  const hive = buildHive(one(bytes(20), { gap: { size: 64, every: 1 } }));
  const before = new HiveImage(hive);
  const gap = surveyHive(before).freeCells[0];
  assert.ok(gap);
  hive.writeInt32LE(32, 4096 + gap.offset);
  hive.writeInt32LE(32, 4096 + gap.offset + 32);
  assert.equal(roundTrip(hive, set(bytes(60))).bytes.length, hive.length);
});

test('an edit that does not find what it expects changes nothing', () => {
  const image = new HiveImage(buildHive(one(bytes(8))));
  const good = edit(image, 'k', 'v', bytes(9));
  const patch = (e: ValueEdit): RegistryPatch => ({ rootPath: ROOT, edits: [e] });
  assert.throws(() => editHive(image, patch({ ...good, keyPath: 'gone' }), NOW), { code: 'key-missing' });
  assert.throws(() => editHive(image, patch({ ...good, before: undefined }), NOW), { code: 'value-changed' });
  assert.throws(() => editHive(image, patch({ ...good, name: 'w' }), NOW), { code: 'value-changed' });
  assert.throws(() => editHive(image, patch({ ...good, before: { name: 'v', type: 1, data: bytes(8) } }), NOW), {
    code: 'value-changed',
  });
  assert.throws(
    () =>
      editHive(
        image,
        patch({ ...good, after: { name: 'v', type: 3, data: Buffer.alloc(HIVE_LIMITS.newValueBytes + 1) } }),
        NOW,
      ),
    { code: 'hive-limit' },
  );
});

test('the proof notices every kind of difference', () => {
  const spec = one(bytes(40));
  const before = new HiveImage(buildHive(spec));
  const patch = { rootPath: ROOT, edits: set(bytes(50))(before) };
  const good = editHive(before, patch, NOW).bytes;
  const tampered: [string, (b: Buffer) => unknown][] = [
    ['the planned value', (b) => b.writeUInt8(0xff, b.indexOf(bytes(50)) + 3)],
    ['another value', (b) => b.writeUInt8(0x42, b.indexOf('z', 4096, 'utf16le'))],
    ['a value name', (b) => b.write('lasT', b.indexOf('last', 4096, 'latin1'))],
    ['a value type', (b) => b.writeUInt32LE(9, b.indexOf('last', 4096, 'latin1') - 8)],
    ['the root name', (b) => b.write('S', 4096 + b.readUInt32LE(36) + 80)],
    ['security', (b) => b.writeUInt8(0x55, b.indexOf('sk', 4096, 'latin1') + 24)],
    ['key flags', (b) => b.writeUInt16LE(0x2d, 4096 + b.readUInt32LE(36) + 6)],
  ];
  requireOnlyPlanned(before, new HiveImage(good), patch);
  for (const [what, tamper] of tampered) {
    const copy = Buffer.from(good);
    tamper(copy);
    assert.throws(() => requireOnlyPlanned(before, new HiveImage(copy), patch), { code: 'verify-failed' }, what);
  }
  assert.throws(() => requireOnlyPlanned(before, before, patch), { code: 'verify-failed' });
});

test('property: any edits on any hive are carried out exactly, and undone exactly', () => {
  const sizes = fc.oneof(
    fc.integer({ min: 0, max: 64 }),
    fc.integer({ min: 0, max: 6000 }),
    fc.constantFrom(16_344, 16_345, 33_000),
  );
  const hive = fc.record({
    minor: fc.integer({ min: 3, max: 6 }),
    gap: fc.record({ size: fc.constantFrom(8, 16, 24, 200), every: fc.integer({ min: 1, max: 4 }) }),
    padding: fc.constantFrom(0, 100, 4096, 20_000),
    sizes: fc.array(sizes, { minLength: 1, maxLength: 8 }),
  });
  const change = fc.record({ value: fc.nat(9), key: fc.nat(1), size: fc.option(sizes, { nil: undefined }) });
  fc.assert(
    fc.property(hive, fc.array(change, { minLength: 1, maxLength: 8 }), (shape, changes) => {
      const values = shape.sizes.map((size, i) => ({ name: `v${i}`, type: 3, data: bytes(size) }));
      const spec: HiveSpec = {
        ...shape,
        root: {
          name: 'R',
          keys: [
            { name: 'k0', values },
            { name: 'k1', values },
          ],
        },
      };
      roundTrip(spec, (image) => {
        const unique = new Map(changes.map((c) => [`${c.key} ${c.value}`, c]));
        return [...unique.values()].flatMap((c) => {
          const made = edit(
            image,
            `k${c.key}`,
            `v${c.value}`,
            c.size === undefined ? undefined : bytes(c.size).fill(c.value),
          );
          return made.before === undefined && made.after === undefined ? [] : [made];
        });
      });
    }),
    { numRuns: 150 },
  );
});
