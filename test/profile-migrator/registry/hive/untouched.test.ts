// What the proof after writing catches without reading every key: each case damages a correctly written hive in one place.
import assert from 'node:assert/strict';
import test from 'node:test';
import { changeBaseBlock } from '../../../../src/profile-migrator/registry/hive/base-block.ts';
import { requireOnlyPlanned } from '../../../../src/profile-migrator/registry/hive/compare-hives.ts';
import { editHive } from '../../../../src/profile-migrator/registry/hive/edit-hive.ts';
import { HiveImage } from '../../../../src/profile-migrator/registry/hive/hive-image.ts';
import { findPath } from '../../../../src/profile-migrator/registry/hive/load-keys.ts';
import {
  NK,
  readKeyNode,
  readValueRecord,
  VK,
  valueCells,
} from '../../../../src/profile-migrator/registry/hive/records.ts';
import { surveyHive } from '../../../../src/profile-migrator/registry/hive/survey.ts';
import type { RegistryPatch, ValueEdit } from '../../../../src/profile-migrator/registry/registry.ts';
import { binary, buildHive, type HiveSpec } from './hive-builder.ts';

const BASE = 4096;
const fill = (byte: number, length: number): Buffer => Buffer.alloc(length, byte);
const values = [binary('a', fill(0x61, 40)), binary('b', fill(0x62, 40)), binary('c', fill(0x63, 40))];
/** Keys in bins of their own (every hive bin is 4096 bytes), among them one that the change has nothing to do with. */
const SPEC: HiveSpec = {
  gap: { size: 256, every: 1 },
  padding: 600,
  paddingByte: 0x70,
  root: {
    name: 'R',
    keys: [
      {
        name: 'planned',
        values: [...values, binary('e', fill(0x63, 40))],
        keys: [{ name: 'below' }, { name: 'beside' }],
      },
      { name: 'filling', values: [binary('x', fill(0x63, 9000))] },
      { name: 'other', className: 'class', values, keys: [{ name: 'first' }, { name: 'second' }] },
    ],
  },
};

const before = new HiveImage(buildHive(SPEC));
const edits: ValueEdit[] = [
  // Grows into another cell; goes; comes.
  {
    keyPath: 'planned',
    name: 'a',
    before: { name: 'a', type: 3, data: fill(0x61, 40) },
    after: { name: 'a', type: 3, data: fill(0x41, 100) },
  },
  { keyPath: 'planned', name: 'b', before: { name: 'b', type: 3, data: fill(0x62, 40) }, after: undefined },
  { keyPath: 'planned', name: 'd', before: undefined, after: { name: 'd', type: 3, data: fill(0x64, 50) } },
];
const patch: RegistryPatch = { rootPath: 'HKEY_CURRENT_USER', edits };
const good = editHive(before, patch, new Date('2026-03-01T12:00:00Z'));

const keyCell = (path: string): number =>
  findPath(before, readKeyNode(before, before.base.rootCell), path)?.at(-1)?.cell ?? 0;
const planned = readKeyNode(good, keyCell('planned'));
const other = readKeyNode(good, keyCell('other'));
const valueRecordOf = (key: typeof other, n: number): ReturnType<typeof readValueRecord> =>
  readValueRecord(good, valueCells(good, key)[n] ?? 0);
const at = (cell: number): number => good.position(cell);
const freeCells = surveyHive(good).freeCells.filter(({ size }) => size >= 64);
const free = freeCells.find(
  ({ offset, size }) => good.bytes.readInt32LE(BASE + offset + size) < 0 && (offset + size) % 4096 !== 0,
);
assert.ok(free !== undefined && freeCells.length > 3);

const swap = (b: Buffer, x: number, y: number): void => {
  const [left, right] = [b.readUInt32LE(x), b.readUInt32LE(y)];
  b.writeUInt32LE(right, x);
  b.writeUInt32LE(left, y);
};

const setFree = (b: Buffer, cell: number): void => void b.writeInt32LE(-b.readInt32LE(BASE + cell), BASE + cell);

const DAMAGE: [what: string, damage: (b: Buffer) => void][] = [
  [
    'a planned value that uses equal data of another key, its own cell set free',
    (b) => {
      setFree(b, valueRecordOf(planned, 1).dataCell);
      b.writeUInt32LE(valueRecordOf(other, 2).dataCell, at(valueRecordOf(planned, 1).cell) + VK.DATA);
    },
  ],
  [
    'a planned value that uses the beginning of data in a bin without a change, its own cell set free',
    (b) => {
      setFree(b, valueRecordOf(planned, 1).dataCell);
      const filling = readKeyNode(good, keyCell('filling'));
      b.writeUInt32LE(valueRecordOf(filling, 0).dataCell, at(valueRecordOf(planned, 1).cell) + VK.DATA);
    },
  ],
  [
    'two planned values with one cell for equal data, the other set free',
    (b) => {
      setFree(b, valueRecordOf(planned, 2).dataCell);
      b.writeUInt32LE(valueRecordOf(planned, 1).dataCell, at(valueRecordOf(planned, 2).cell) + VK.DATA);
    },
  ],
  [
    'the planned key taking in the free cell behind it',
    (b) => {
      const size = -b.readInt32LE(BASE + planned.cell);
      const next = b.readInt32LE(BASE + planned.cell + size);
      assert.ok(next > 0);
      b.writeInt32LE(-(size + next), BASE + planned.cell);
    },
  ],
  ['the last bin cut off', (b) => changeBaseBlock(b, { binsSize: good.binOf(before.base.binsSize - 1).start })],
  ['a byte of data of another key', (b) => b.writeUInt8(0x7a, at(valueRecordOf(other, 1).dataCell) + 20)],
  [
    'the last byte of a cell of another key',
    (b) => b.writeUInt8(9, at(other.valueList) + good.contentLength(other.valueList, '') - 1),
  ],
  ['the time of another key', (b) => b.writeUInt8(9, at(other.cell) + NK.LAST_WRITTEN)],
  ['two pointers of another list of values', (b) => swap(b, at(other.valueList), at(other.valueList) + 4)],
  ['a pointer of another list of values', (b) => b.writeUInt32LE(valueRecordOf(planned, 0).cell, at(other.valueList))],
  ['two pointers of a list of subkeys', (b) => swap(b, at(other.subkeyList) + 4, at(other.subkeyList) + 12)],
  [
    'the list of subkeys of another key moved',
    (b) => b.writeUInt32LE(planned.subkeyList, at(other.cell) + NK.SUBKEY_LIST),
  ],
  [
    'the list of subkeys of the planned key moved',
    (b) => b.writeUInt32LE(other.subkeyList, at(planned.cell) + NK.SUBKEY_LIST),
  ],
  ['the number of subkeys of the planned key', (b) => b.writeUInt32LE(1, at(planned.cell) + NK.SUBKEY_COUNT)],
  ['the parent of the planned key', (b) => b.writeUInt32LE(other.cell, at(planned.cell) + NK.PARENT)],
  ['a byte of the class name', (b) => b.writeUInt8(0x58, at(other.className))],
  [
    'the planned list of values moved onto another key',
    (b) => {
      b.writeUInt32LE(other.valueList, at(planned.cell) + NK.VALUE_LIST);
    },
  ],
  [
    'the planned list of values moved, equal in content, into free space',
    (b) => {
      b.copy(b, BASE + free.offset + 8, BASE + planned.valueList, at(planned.valueList) + 12);
      b.writeUInt32LE(free.offset + 8, at(planned.cell) + NK.VALUE_LIST);
    },
  ],
  [
    'a planned value that uses the data of another key',
    (b) => {
      fill(0x63, 40).copy(b, at(valueRecordOf(planned, 1).dataCell));
      b.writeUInt32LE(valueRecordOf(other, 2).dataCell, at(valueRecordOf(planned, 1).cell) + VK.DATA);
    },
  ],
  [
    'two planned values with one cell',
    (b) => b.writeUInt32LE(valueRecordOf(planned, 0).cell, at(planned.valueList) + 4),
  ],
  [
    'a free cell that covers a used one',
    (b) => {
      const covered = -b.readInt32LE(BASE + free.offset + free.size);
      b.writeInt32LE(free.size + covered, BASE + free.offset);
    },
  ],
  ['a free cell marked as used', (b) => b.writeInt32LE(-free.size, BASE + free.offset)],
  ['a used cell set free', (b) => b.writeInt32LE(-b.readInt32LE(BASE + other.valueList), BASE + other.valueList)],
  [
    'a cell of the planned key set free',
    (b) => {
      const cell = valueRecordOf(planned, 0).dataCell;
      b.writeInt32LE(-b.readInt32LE(BASE + cell), BASE + cell);
    },
  ],
  ['a free cell too short for its place', (b) => b.writeInt32LE(free.size - 8, BASE + free.offset)],
  ['a free cell that goes beyond its bin', (b) => b.writeInt32LE(8192, BASE + free.offset)],
  ['the header of a bin', (b) => b.writeUInt8(1, BASE + 20)],
  ['a byte behind the bins', (b) => b.writeUInt8(0x71, b.length - 5)],
  ['a byte in the rest of the base block', (b) => b.writeUInt8(1, 2000)],
  ['a sequence number', (b) => changeBaseBlock(b, { secondarySequence: 77 })],
  ['the checksum', (b) => b.writeUInt32LE(1, 508)],
];

test('the hive without damage passes, and its parts lie in several bins', () => {
  requireOnlyPlanned(before, good, patch);
  assert.ok(good.base.binsSize >= 3 * 4096);
});

for (const [what, damage] of DAMAGE) {
  test(`caught: ${what}`, () => {
    const bytes = Buffer.from(good.bytes);
    damage(bytes);
    assert.ok(!bytes.equals(good.bytes), 'the case damages nothing');
    assert.throws(
      () => requireOnlyPlanned(before, new HiveImage(bytes), patch),
      (error: Error & { code?: string }) => error.code === 'verify-failed' || error.code === 'hive-corrupt',
    );
  });
}

test('caught: any other value of any single byte outside free space and the fields of the change', () => {
  const allowed = new Set<number>();
  const allow = (from: number, to: number): void => {
    for (let i = from; i < to; i++) allowed.add(i);
  };
  for (const { offset, size } of surveyHive(good).freeCells) allow(BASE + offset + 4, BASE + offset + size);
  allow(4, 20); // sequence numbers and time: judged by their checksum
  const key = at(planned.cell);
  allow(key + NK.LAST_WRITTEN, key + NK.LAST_WRITTEN + 8);
  allow(key + NK.LARGEST_VALUE_NAME, key + NK.LARGEST_VALUE_DATA + 4);
  const own = [planned.valueList, ...valueCells(good, planned)];
  for (const cell of valueCells(good, planned)) own.push(readValueRecord(good, cell).dataCell);
  for (const cell of own) allow(at(cell), at(cell) + good.contentLength(cell, '')); // read and compared by value, below
  const survey = surveyHive(before);
  let tried = 0;
  for (let i = 0; i < good.bytes.length; i += i < BASE ? 61 : 1) {
    if (allowed.has(i)) continue;
    const bytes = Buffer.from(good.bytes);
    bytes.writeUInt8((bytes.readUInt8(i) + 0x11) & 0xff, i);
    assert.throws(
      () => requireOnlyPlanned(before, new HiveImage(bytes), patch, survey),
      { name: 'RegistryError' },
      `byte ${i}`,
    );
    tried++;
  }
  assert.ok(tried > 9000, `${tried}`);
});

test('caught: a change of the planned values that the plan does not say', () => {
  for (const n of valueCells(good, planned).keys()) {
    const { cell, dataCell } = valueRecordOf(planned, n);
    for (const place of [at(dataCell) + 3, at(cell) + VK.NAME, at(cell) + VK.TYPE, at(cell) + VK.SIZE]) {
      const bytes = Buffer.from(good.bytes);
      bytes.writeUInt8(bytes.readUInt8(place) ^ 2, place);
      assert.throws(() => requireOnlyPlanned(before, new HiveImage(bytes), patch), { name: 'RegistryError' });
    }
  }
});
