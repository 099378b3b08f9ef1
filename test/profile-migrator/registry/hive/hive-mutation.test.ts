// Seeded mutations of hives and logs: the outcome is a value or a coded error, within bounds, and never a write outside the hive.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { RegistryError } from '../../../../src/profile-migrator/errors.ts';
import { requireOnlyPlanned } from '../../../../src/profile-migrator/registry/hive/compare-hives.ts';
import { editHive } from '../../../../src/profile-migrator/registry/hive/edit-hive.ts';
import { HiveImage } from '../../../../src/profile-migrator/registry/hive/hive-image.ts';
import { loadKeys } from '../../../../src/profile-migrator/registry/hive/load-keys.ts';
import { recoverHive } from '../../../../src/profile-migrator/registry/hive/recover.ts';
import type { RegistryKey, RegistryPatch, ValueEdit } from '../../../../src/profile-migrator/registry/registry.ts';
import { binary, buildHive, type HiveSpec, type ListKind, nest, sealBaseBlock, string, sz } from './hive-builder.ts';
import { changedPages, dirtyVectorLog, entryLog } from './log-builder.ts';
import { type Random, randomFrom } from './random.ts';
import { userHive } from './user-hive.ts';

/** Mutations per seed hive; `HIVE_MUTATIONS=10000 npm test` for more. */
const ROUNDS = Number(process.env.HIVE_MUTATIONS ?? 400);

function specOf(minor: number, list: ListKind, text: string, more: Partial<HiveSpec> = {}): HiveSpec {
  const keys = Array.from({ length: 9 }, (_, i) => ({
    name: `key${i}`,
    values: [string('n', `${i}`), binary('b', i * 7)],
    list,
  }));
  const test = nest('Software\\Test', {
    list,
    values: [string('server', text), string('é漢', 'x'), binary('large', 20_000)],
    keys,
  });
  return {
    minor,
    gap: { size: 48, every: 5 },
    padding: 512,
    ...more,
    root: { name: 'ROOT', list, keys: [test, { name: 'Other', className: 'c' }] },
  };
}

const SEEDS: [string, Buffer][] = [
  ['version 1.3 with lf lists', buildHive(specOf(3, 'lf', 'cas01'))],
  ['version 1.5 with lh lists', buildHive(specOf(5, 'lh', 'cas01'))],
  ['version 1.5 with ri lists', buildHive(specOf(5, 'ri-lh', 'cas01'))],
  ['version 1.6 with li lists', buildHive(specOf(6, 'li', 'cas01'))],
  ['version 1.3 with a profile', userHive({ minor: 3, padding: 4096 })],
  ['version 1.5 with a profile', userHive({ size: 20_000 })],
  ...sampleHives(),
];

/** Small realistic hives that lie beside the project, where they do. */
function sampleHives(): [string, Buffer][] {
  const folder = join(import.meta.dirname, '..', '..', '..', '..', '..', 'shared', 'samples', 'hives');
  const names = ['outlook2010-single.dat', 'outlook2016-rpc-over-http.dat'];
  try {
    return names.map((name) => [
      name,
      execFileSync('xz', ['-dc', join(folder, `${name}.xz`)], { stdio: ['ignore', 'pipe', 'ignore'] }),
    ]);
  } catch {
    return [];
  }
}

/** A few bytes, words or blocks changed, most often to values that hurt. */
function mutate(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  const spots = 1 + random.below(4);
  for (let i = 0; i < spots; i++) {
    const at = random.below(copy.length - 8);
    const word = at & ~3;
    switch (random.below(7)) {
      case 0:
        copy.writeUInt8(random.below(256), at);
        break;
      case 1:
        copy.writeUInt8(copy.readUInt8(at) ^ (1 << random.below(8)), at);
        break;
      case 2:
        copy.writeUInt32LE(random.of([0, 1, 7, 8, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff, copy.length]), word);
        break;
      case 3:
        copy.writeUInt32LE((copy.readUInt32LE(word) + random.of([-8, -1, 1, 8, 4096])) >>> 0, word);
        break;
      case 4:
        copy.writeUInt32LE(random.below(copy.length) & ~7, word);
        break;
      case 5:
        copy.copyWithin(at, random.below(copy.length - 64), random.below(copy.length));
        break;
      default:
        copy.fill(random.below(2) * 255, at, Math.min(copy.length, at + random.below(64)));
    }
  }
  return random.below(10) === 0 ? copy.subarray(0, random.below(copy.length)) : copy;
}

/** Runs the work; a coded error is as good as a value. */
function coded<T>(what: string, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    assert.ok(error instanceof RegistryError, `${what}: ${(error as Error).stack}`);
    return undefined;
  }
}

/** Values all over the hive changed, grown, deleted, and one created. */
function patchFor(image: HiveImage, random: Random): RegistryPatch {
  const keys: { path: string; key: RegistryKey }[] = [];
  const pending = [{ path: '', key: loadKeys(image, ['']) }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    keys.push(next);
    const { path } = next;
    for (const child of next.key.subkeys.values()) {
      pending.push({ path: path === '' ? child.name : `${path}\\${child.name}`, key: child });
    }
  }
  const edits = new Map<string, ValueEdit>();
  for (let i = 0; i < 5; i++) {
    const { path, key } = random.of(keys);
    const before = i === 0 ? undefined : random.of([...key.values.values(), undefined]);
    const name = before?.name ?? `created ${i}`;
    const after =
      before && random.below(4) === 0
        ? undefined
        : { name, type: 1, data: sz('x'.repeat(random.below(random.of([3, 60, 12_000])))) };
    edits.set(`${path} ${name}`, { keyPath: path, name, before, after });
  }
  return { rootPath: 'HKEY_CURRENT_USER', edits: [...edits.values()] };
}

let values = 0;
for (const [seed, [name, hive]] of SEEDS.entries()) {
  test(`${ROUNDS} mutations of a hive of ${name}`, () => {
    const random = randomFrom(1000 + seed);
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = mutate(hive, random);
      // Most mutations of the base block would stop at its checksum.
      if (bytes.length >= 512 && random.below(2) === 0) sealBaseBlock(bytes);
      const original = Buffer.from(bytes);
      const what = `seed ${seed} round ${round}`;
      const image = coded(what, () => new HiveImage(bytes));
      if (image === undefined) continue;
      coded(what, () => loadKeys(image, ['']));
      const patch = coded(what, () => patchFor(image, random));
      if (patch === undefined) continue;
      const after = coded(what, () => editHive(image, patch, new Date(0)));
      assert.ok(bytes.equals(original), `${what}: the source was written to`);
      if (after === undefined) continue;
      values++;
      // A hive that was sound enough to be written must prove sound and as planned.
      requireOnlyPlanned(image, after, patch);
    }
  });
}

test('enough mutations came through to mean something', () => {
  assert.ok(values > (SEEDS.length * ROUNDS) / 20, `${values} mutated hives were written`);
});

test(`${ROUNDS} mutations of logs`, () => {
  const random = randomFrom(77);
  const dirty = buildHive(specOf(5, 'lh', 'old', { primarySequence: 11, secondarySequence: 10 }));
  const newer = buildHive(specOf(5, 'lh', 'new', { primarySequence: 11, secondarySequence: 10 }));
  const newFormat = entryLog(dirty, 10, [
    { sequence: 10, binsSize: newer.readUInt32LE(40), pages: changedPages(dirty, newer) },
  ]);
  const pages = changedPages(dirty, newer);
  // Mutated on the inside, with hashes that are right again.
  const rehashed = (): Buffer =>
    entryLog(dirty, 10, [
      {
        sequence: 10 + (random.below(8) === 0 ? random.below(3) : 0),
        binsSize: random.below(4) === 0 ? random.below(40) * 4096 : newer.readUInt32LE(40),
        pages: pages.map(({ offset, data }) => ({
          offset: random.below(6) === 0 ? random.below(newer.length) : offset,
          data: random.below(2) === 0 ? mutate(data, random) : data,
        })),
      },
    ]);
  const logs = [newFormat, dirtyVectorLog(dirty, newer, 11)];
  for (let round = 0; round < ROUNDS; round++) {
    const log = random.below(2) === 0 ? mutate(random.of(logs), random) : rehashed();
    if (log.length >= 512 && random.below(2) === 0) sealBaseBlock(log);
    const hive = random.below(4) === 0 ? mutate(dirty, random) : dirty;
    const recovery = coded(`round ${round}`, () => recoverHive(hive, [{ name: 'LOG1', bytes: log }]));
    if (recovery !== undefined) coded(`round ${round}`, () => loadKeys(new HiveImage(recovery.bytes), ['']));
  }
});
