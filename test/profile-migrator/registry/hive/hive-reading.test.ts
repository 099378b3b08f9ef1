import assert from 'node:assert/strict';
import test from 'node:test';
import { RegistryError } from '../../../../src/profile-migrator/errors.ts';
import {
  baseBlockChecksum,
  isDirty,
  readBaseBlock,
} from '../../../../src/profile-migrator/registry/hive/base-block.ts';
import { HiveImage } from '../../../../src/profile-migrator/registry/hive/hive-image.ts';
import { loadKeys } from '../../../../src/profile-migrator/registry/hive/load-keys.ts';
import { marvin32 } from '../../../../src/profile-migrator/registry/hive/marvin32.ts';
import { surveyHive } from '../../../../src/profile-migrator/registry/hive/survey.ts';
import { findKey, findValue, type RegistryKey } from '../../../../src/profile-migrator/registry/registry.ts';
import {
  binary,
  buildHive,
  type HiveSpec,
  type KeySpec,
  type ListKind,
  nest,
  sealBaseBlock,
  string,
} from './hive-builder.ts';

function read(hive: Buffer, ...paths: string[]): RegistryKey {
  return loadKeys(new HiveImage(hive), paths.length === 0 ? [''] : paths);
}

function children(count: number, prefix = 'key'): KeySpec[] {
  return Array.from({ length: count }, (_, i) => ({ name: `${prefix}${i}`, values: [string('n', `${i}`)] }));
}

/** The built key as the reader must give it. */
function requireSame(spec: KeySpec, key: RegistryKey): void {
  assert.equal(key.name, spec.name);
  assert.equal(key.values.size, spec.values?.length ?? 0);
  for (const value of spec.values ?? []) {
    const found = findValue(key, value.name);
    assert.deepEqual([found?.name, found?.type, found?.data], [value.name, value.type, value.data]);
  }
  assert.equal(key.subkeys.size, spec.keys?.length ?? 0);
  for (const child of spec.keys ?? []) {
    const found = findKey(key, child.name);
    assert.ok(found, `key ${child.name}`);
    requireSame(child, found);
  }
}

test('Marvin32 gives the published check values', () => {
  assert.equal(marvin32(Buffer.alloc(0)).toString('hex'), '086e9603a4fc9eb3');
  assert.equal(marvin32(Buffer.from('00010203040506', 'hex')).toString('hex'), '8beb177dd4f4c448');
});

test('a base-block checksum is never 0 nor all ones', () => {
  const head = Buffer.alloc(512);
  assert.equal(baseBlockChecksum(head), 1);
  head.writeUInt32LE(0xffffffff, 100);
  assert.equal(baseBlockChecksum(head), 0xfffffffe);
});

for (const minor of [3, 4, 5, 6]) {
  for (const list of ['li', 'lf', 'lh', 'ri-li', 'ri-lf', 'ri-lh'] as ListKind[]) {
    test(`version 1.${minor} with ${list} lists`, () => {
      const root: KeySpec = { name: 'ROOT', list, keys: children(17) };
      requireSame(root, read(buildHive({ minor, root })));
    });
  }
}

const SHAPES: [string, HiveSpec][] = [
  ['an empty root', { root: { name: 'CMI-CreateHive{0}' } }],
  [
    'Latin-1 and UTF-16 names',
    { root: { name: 'ROOT', keys: [{ name: 'Ünïcode' }, { name: '日本語' }, { name: 'plain', utf16: true }] } },
  ],
  [
    'unpaired surrogates in names',
    { root: { name: 'R', keys: [{ name: 'a\ud800b' }], values: [binary('x\udc00', 9)] } },
  ],
  [
    'value names in both encodings',
    { root: { name: 'R', values: [string('é', '1'), string('漢', '2'), { ...string('a', '3'), utf16: true }] } },
  ],
  ['the default value', { root: { name: 'R', values: [string('', 'default')] } }],
  ['inline data of 0 to 4 bytes', { root: { name: 'R', values: [0, 1, 2, 3, 4, 5].map((n) => binary(`v${n}`, n)) } }],
  ['unknown types', { root: { name: 'R', values: [{ name: 'odd', type: 0xfffffff0, data: Buffer.from('x') }] } }],
  ['data cells larger than their data', { root: { name: 'R', values: [{ ...binary('v', 20), slack: 100 }] } }],
  ['class names', { root: { name: 'R', keys: [{ name: 'k', className: 'Shell' }] } }],
  ['gaps between cells', { gap: { size: 40, every: 2 }, root: { name: 'R', keys: children(40) } }],
  ['zero padding', { padding: 0x3000, root: { name: 'R', keys: children(3) } }],
  ['padding full of rubbish', { padding: 0x1234, paddingByte: 0xa5, root: { name: 'R', keys: children(3) } }],
  ['bins larger than a page', { binSize: 0x4000, root: { name: 'R', keys: children(300) } }],
  ['one cell of 200,000 bytes in version 1.3', { minor: 3, root: { name: 'R', values: [binary('large', 200_000)] } }],
  ['version 1.3 data just above a segment', { minor: 3, root: { name: 'R', values: [binary('v', 16_345)] } }],
  ...[16_343, 16_344, 16_345, 32_688, 32_689, 100_000].map((size): [string, HiveSpec] => [
    `${size} bytes in version 1.5`,
    { minor: 5, root: { name: 'R', values: [binary('v', size)] } },
  ]),
  [
    'depth',
    { root: nest(Array.from({ length: 200 }, (_, i) => `d${i}`).join('\\'), { values: [string('v', 'deep')] }) },
  ],
];

for (const [name, spec] of SHAPES) {
  test(`reads ${name}`, () => {
    const hive = buildHive(spec);
    requireSame(spec.root, read(hive));
    surveyHive(new HiveImage(hive));
  });
}

test('loads only the wanted subtrees, found without case, and copes with overlap and absence', () => {
  const hive = buildHive({
    root: {
      name: 'R',
      values: [string('rootvalue', '')],
      keys: [nest('Software\\Microsoft\\Office', { keys: children(2) }), { name: 'Other' }],
    },
  });
  const root = read(
    hive,
    'SOFTWARE\\microsoft\\OFFICE',
    'software\\Microsoft\\Office\\KEY1',
    'No\\Such',
    'Software\\Microsoft\\Office\\',
  );
  assert.deepEqual([...root.subkeys.keys()], ['SOFTWARE']);
  assert.equal(root.values.size, 0);
  const office = findKey(root, 'Software\\Microsoft\\Office');
  assert.deepEqual(
    [...(office?.subkeys.values() ?? [])].map(({ name }) => name),
    ['key0', 'key1'],
  );
  assert.equal(findValue(findKey(root, 'Software\\Microsoft\\Office\\key1'), 'N')?.data.length, 4);
});

test('damage outside the wanted subtree does no harm', () => {
  const hive = buildHive({
    root: {
      name: 'R',
      keys: [
        { name: 'bad', values: [string('v', 'x')] },
        { name: 'good', values: [string('v', 'y')] },
      ],
    },
  });
  const at = hive.indexOf('bad', 4096, 'latin1') - 76;
  hive.writeUInt32LE(0x7ffffff8, at + 40);
  assert.ok(findValue(findKey(read(hive, 'good'), 'good'), 'v'));
  assert.throws(() => read(hive, 'bad'), { code: 'hive-corrupt' });
});

/** A hive with one key "k" with value "v" and child "c", broken by `damage`; `nk` is the file position of key "k". */
function broken(damage: (hive: Buffer, nk: number) => unknown): Buffer {
  const hive = buildHive({
    root: {
      name: 'ROOT',
      keys: [{ name: 'kkkk', values: [binary('vvvv', Buffer.alloc(30, 1))], keys: [{ name: 'cccc' }] }],
    },
  });
  damage(hive, hive.indexOf('kkkk', 4096, 'latin1') - 76);
  return hive;
}
const vkOf = (hive: Buffer): number => hive.indexOf('vvvv', 4096, 'latin1') - 20;
const listOf = (hive: Buffer, nk: number): number => 4096 + 4 + hive.readUInt32LE(nk + 28);

const BAD: [string, (hive: Buffer, nk: number) => unknown, RegExp][] = [
  ['no signature', (h) => h.write('x', 0), /signature "regf"/],
  ['version 2.5', (h) => h.writeUInt32LE(2, 20), /version 2\.5/],
  ['version 1.2', (h) => h.writeUInt32LE(2, 24), /version 1\.2/],
  ['a log, not a hive', (h) => h.writeUInt32LE(6, 28), /log/],
  ['bins size not of pages', (h) => h.writeUInt32LE(100, 40), /offset 40/],
  ['bins beyond the file', (h) => h.writeUInt32LE(0x100000, 40), /cut short/],
  ['bin signature', (h) => h.write('x', 4096), /bin at 0x0/],
  ['bin at another place', (h) => h.writeUInt32LE(4096, 4100), /says it is at/],
  ['bin larger than the bins', (h) => h.writeUInt32LE(0x10000, 4104), /does not fit the bins/],
  ['root in a bin header', (h) => h.writeUInt32LE(8, 36), /bin header/],
  ['root outside', (h) => h.writeUInt32LE(0xfffffff0, 36), /no cell can be at/],
  ['root unaligned', (h) => h.writeUInt32LE(36, 36), /no cell can be at/],
  ['free key cell', (h, nk) => h.writeInt32LE(88, nk - 4), /is free/],
  ['key cell beyond its bin', (h, nk) => h.writeInt32LE(-8192, nk - 4), /its bin ends/],
  ['key signature', (h, nk) => h.write('zz', nk), /no nk record/],
  ['key name beyond its cell', (h, nk) => h.writeUInt16LE(200, nk + 72), /name of 200 bytes/],
  ['odd UTF-16 name', (h, nk) => [h.writeUInt16LE(0, nk + 2), h.writeUInt16LE(3, nk + 72)], /UTF-16 name of 3/],
  ['value count beyond the list', (h, nk) => h.writeUInt32LE(10, nk + 36), /10 values do not fit/],
  ['value list nowhere', (h, nk) => h.writeUInt32LE(0xffffffff, nk + 40), /value list/],
  ['value signature', (h) => h.write('zz', vkOf(h)), /no vk record/],
  ['inline data of 5 bytes', (h) => h.writeUInt32LE(0x80000005, vkOf(h) + 4), /cannot stand in the record/],
  ['data larger than its cell', (h) => h.writeUInt32LE(3000, vkOf(h) + 4), /3000 bytes do not fit/],
  ['data larger than anything', (h) => h.writeUInt32LE(0x7fffffff, vkOf(h) + 4), /larger than the hive/],
  ['subkey count differs', (h, nk) => h.writeUInt32LE(2, nk + 20), /has 2 subkeys, its list 1/],
  ['list signature', (h, nk) => h.write('zz', listOf(h, nk)), /unknown list signature/],
  ['list entries beyond the cell', (h, nk) => h.writeUInt16LE(500, listOf(h, nk) + 2), /500 entries/],
  [
    'ri in ri',
    (h, nk) => [h.write('ri', listOf(h, nk)), h.writeUInt32LE(listOf(h, nk) - 4100, listOf(h, nk) + 4)],
    /inside another ri/,
  ],
  ['a key below itself', (h, nk) => h.writeUInt32LE(nk - 4100, listOf(h, nk) + 4), /belongs to two keys|two subkeys/],
];

for (const [name, damage, message] of BAD) {
  test(`refuses ${name}`, () => {
    assert.throws(
      () => read(broken(damage)),
      (error: RegistryError) =>
        error instanceof RegistryError && /^hive-/.test(error.code) && message.test(error.message),
    );
  });
}

test('refuses two values or two keys of one name', () => {
  const twice: HiveSpec = { root: { name: 'R', values: [string('a', '1'), string('A', '2')] } };
  assert.throws(() => read(buildHive(twice)), /two values named/);
  assert.throws(
    () => read(buildHive({ root: { name: 'R', keys: [{ name: 'a' }, { name: 'A' }] } })),
    /two subkeys named/,
  );
});

test('refuses keys nested deeper than the registry allows', () => {
  const deep = nest(Array.from({ length: 600 }, () => 'd').join('\\'), {});
  assert.throws(() => read(buildHive({ root: deep })), /more than 512 keys below each other/);
});

test('refuses an empty and a short file', () => {
  for (const length of [0, 4, 511]) assert.throws(() => new HiveImage(Buffer.alloc(length)), { code: 'hive-corrupt' });
  assert.throws(() => new HiveImage(buildHive({ root: { name: 'R' } }).subarray(0, 5000)), /cut short/);
});

test('a hive is dirty when its sequences differ or its checksum is wrong', () => {
  const clean = buildHive({ root: { name: 'R' } });
  assert.equal(isDirty(readBaseBlock(clean)), false);
  assert.equal(
    isDirty(readBaseBlock(buildHive({ root: { name: 'R' }, primarySequence: 8, secondarySequence: 7 }))),
    true,
  );
  clean.writeUInt8(1, 200);
  assert.equal(isDirty(readBaseBlock(clean)), true);
  sealBaseBlock(clean);
  assert.equal(isDirty(readBaseBlock(clean)), false);
});

const UNSOUND: [string, (hive: Buffer, nk: number) => unknown, RegExp][] = [
  ['cells that do not tile', (h) => h.writeInt32LE(-12, 4096 + 32), /does not tile/],
  ['a cell used twice', (h, nk) => h.writeUInt32LE(h.readUInt32LE(nk + 40), nk + 44), /another use/],
  [
    'a cell inside another',
    (h, nk) => [h.writeInt32LE(-16, nk + 24 - 4), h.writeUInt32LE(nk + 20 - 4096, nk + 44)],
    /no cell begins/,
  ],
];
for (const [name, damage, message] of UNSOUND) {
  test(`the survey refuses ${name}`, () => {
    assert.throws(
      () => surveyHive(new HiveImage(broken(damage))),
      (e: RegistryError) => e.code === 'hive-corrupt' && message.test(e.message),
    );
  });
}
