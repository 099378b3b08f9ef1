import assert from 'node:assert/strict';
import test from 'node:test';
import { HiveImage } from '../../../../src/profile-migrator/registry/hive/hive-image.ts';
import { loadKeys } from '../../../../src/profile-migrator/registry/hive/load-keys.ts';
import { type HiveLog, type Recovery, recoverHive } from '../../../../src/profile-migrator/registry/hive/recover.ts';
import { surveyHive } from '../../../../src/profile-migrator/registry/hive/survey.ts';
import { findValue } from '../../../../src/profile-migrator/registry/registry.ts';
import { buildHive, sealBaseBlock, string } from './hive-builder.ts';
import { changedPages, dirtyVectorLog, type EntrySpec, entryLog } from './log-builder.ts';

// Three states of one hive: the value grows from step to step, and the second step grows the hive.
const state = (text: string, more = 0): Buffer =>
  buildHive({
    minor: 5,
    primarySequence: 11,
    secondarySequence: 10,
    root: {
      name: 'ROOT',
      values: [string('v', text)],
      keys: Array.from({ length: 5 + more }, (_, i) => ({ name: `key${i}`, values: [string('x', 'y'.repeat(400))] })),
    },
  });
const first = state('one');
const second = state('two');
const third = state('three', 20);

function step(from: Buffer, to: Buffer, sequence: number): EntrySpec {
  const grown = Buffer.concat([from, Buffer.alloc(Math.max(0, to.length - from.length))]);
  return { sequence, binsSize: to.readUInt32LE(40), pages: changedPages(grown, to) };
}
const ENTRIES = [step(first, second, 10), step(second, third, 11)];

function log(name: string, bytes: Buffer): HiveLog {
  return { name, bytes };
}

function textOf(recovery: Recovery): string {
  const image = new HiveImage(recovery.bytes);
  surveyHive(image);
  const value = findValue(loadKeys(image, ['']), 'v');
  return value?.data.toString('utf16le').replace(/\0$/, '') ?? '';
}

function recovered(logs: HiveLog[], hive = first): [string, string, number] {
  const recovery = recoverHive(hive, logs);
  return [recovery.state, textOf(recovery), recovery.state === 'recovered' ? recovery.applied : 0];
}

test('a clean hive takes nothing from its logs', () => {
  const clean = buildHive({ root: { name: 'R', values: [string('v', 'clean')] } });
  const recovery = recoverHive(clean, [log('LOG1', entryLog(first, 7, [step(first, second, 7)]))]);
  assert.equal(recovery.state, 'clean');
  assert.equal(recovery.bytes, clean);
});

test('new-format entries are applied in order, over two logs given in any order, and the hive becomes clean', () => {
  assert.deepEqual(recovered([log('LOG1', entryLog(first, 10, ENTRIES))]), ['recovered', 'three', 2]);
  const one = log('LOG1', entryLog(first, 10, ENTRIES.slice(0, 1)));
  const two = log('LOG2', entryLog(first, 11, ENTRIES.slice(1)));
  assert.deepEqual(recovered([one, two]), ['recovered', 'three', 2]);
  assert.deepEqual(recovered([two, one]), ['recovered', 'three', 2]);
  const recovery = recoverHive(first, [two, one]);
  const { base } = new HiveImage(recovery.bytes);
  assert.deepEqual(
    [base.primarySequence, base.secondarySequence, base.checksumOk, base.binsSize],
    [12, 12, true, third.readUInt32LE(40)],
  );
  assert.equal(first.readUInt32LE(4), 11, 'the input stays as it was');
});

test('entries older than the hive or than their log are skipped', () => {
  const old = step(first, third, 9);
  assert.deepEqual(recovered([log('LOG2', entryLog(first, 9, [old])), log('LOG1', entryLog(first, 10, ENTRIES))]), [
    'recovered',
    'three',
    2,
  ]);
  assert.deepEqual(recovered([log('LOG1', entryLog(first, 9, [old, ...ENTRIES]))]), ['recovered', 'three', 2]);
  assert.deepEqual(recovered([log('LOG1', entryLog(first, 9, [old]))]), ['stale', 'one', 0]);
});

test('a torn entry ends the log; what came before it counts', () => {
  const bytes = entryLog(first, 10, ENTRIES);
  const cut = bytes.subarray(0, bytes.length - 600);
  assert.deepEqual(recovered([log('LOG1', cut)]), ['recovered', 'two', 1]);
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(bytes.length - 700) ^ 1, bytes.length - 700);
  assert.deepEqual(recovered([log('LOG1', flipped)]), ['recovered', 'two', 1]);
});

test('entries out of order are not applied beyond the break', () => {
  const [one, two] = ENTRIES;
  assert.ok(one && two);
  const recovery = recoverHive(first, [log('LOG1', entryLog(first, 10, [two, one]))]);
  assert.equal(recovery.state, 'stale');
  assert.match(recovery.state === 'stale' ? recovery.reason : '', /changes in between are missing/);
});

test('without usable logs the hive is stale and says why', () => {
  const reason = (logs: HiveLog[]): string => {
    const recovery = recoverHive(first, logs);
    return recovery.state === 'stale' ? recovery.reason : recovery.state;
  };
  assert.match(reason([]), /no log file/);
  assert.match(reason([log('LOG1', Buffer.alloc(4096))]), /nothing usable/);
  assert.match(reason([log('LOG1', entryLog(first, 10, []))]), /no complete entry/);
  assert.match(reason([log('LOG1', entryLog(first, 11, ENTRIES.slice(1)))]), /missing/);
  const badBase = entryLog(first, 10, ENTRIES);
  badBase.writeUInt8(1, 300);
  assert.match(reason([log('LOG1', badBase)]), /nothing usable/);
  assert.equal(textOf(recoverHive(first, [])), 'one');
});

test('an entry with a page outside the hive, a bad bins size or a bad page count is no entry', () => {
  const page = { offset: 0, data: first.subarray(4096, 8192) };
  const size = first.readUInt32LE(40);
  for (const bad of [
    { sequence: 10, binsSize: size, pages: [{ ...page, offset: size }] },
    { sequence: 10, binsSize: size, pages: [{ ...page, offset: 0xfffff000 }] },
    { sequence: 10, binsSize: size + 1, pages: [page] },
    { sequence: 10, binsSize: 0, pages: [page] },
  ]) {
    assert.equal(recoverHive(first, [log('LOG1', entryLog(first, 10, [bad]))]).state, 'stale');
  }
});

test('a damaged base block is taken from the newest log', () => {
  const damaged = Buffer.from(first);
  damaged.fill(0xee, 4, 200);
  assert.deepEqual(recovered([log('LOG1', entryLog(first, 10, ENTRIES))], damaged), ['recovered', 'three', 2]);
  const gone = Buffer.from(first);
  gone.fill(0, 0, 4096);
  assert.deepEqual(recovered([log('LOG1', entryLog(first, 10, ENTRIES))], gone), ['recovered', 'three', 2]);
});

// Old format: the log's base block carries the hive's time stamp.
const older = buildHive({
  minor: 3,
  primarySequence: 5,
  secondarySequence: 4,
  root: { name: 'R', values: [string('v', 'old')] },
});
const newer = buildHive({
  minor: 3,
  primarySequence: 5,
  root: { name: 'R', values: [string('v', 'new')], keys: Array.from({ length: 50 }, (_, i) => ({ name: `k${i}` })) },
});

test('an old-format log of the same time is applied, and grows the hive', () => {
  for (const type of [1, 2]) {
    assert.deepEqual(recovered([log('LOG', dirtyVectorLog(older, newer, 5, type))], older).slice(0, 2), [
      'recovered',
      'new',
    ]);
  }
});

test('an old-format log of another time, unfinished, torn or contradicted is not', () => {
  const good = dirtyVectorLog(older, newer, 5);
  const other = Buffer.from(newer);
  other.writeBigUInt64LE(1n, 12);
  assert.equal(recoverHive(older, [log('LOG', dirtyVectorLog(older, other, 5))]).state, 'stale');
  const unfinished = Buffer.from(good);
  unfinished.writeUInt32LE(6, 4);
  sealBaseBlock(unfinished);
  assert.equal(recoverHive(older, [log('LOG', unfinished)]).state, 'stale');
  assert.equal(recoverHive(older, [log('LOG', good.subarray(0, good.length - 100))]).state, 'stale');
  const rival = buildHive({ minor: 3, root: { name: 'R', values: [string('v', 'rival')] } });
  assert.equal(recoverHive(older, [log('LOG1', good), log('LOG2', dirtyVectorLog(older, rival, 5))]).state, 'stale');
  assert.deepEqual(recovered([log('LOG1', good), log('LOG2', dirtyVectorLog(older, newer, 5, 2))], older).slice(0, 2), [
    'recovered',
    'new',
  ]);
  assert.deepEqual(recovered([log('LOG1', good), log('LOG2', dirtyVectorLog(older, rival, 4))], older).slice(0, 2), [
    'recovered',
    'new',
  ]);
});

test('an old-format log restores a damaged base block', () => {
  const damaged = Buffer.from(older);
  damaged.fill(0xee, 4, 200);
  assert.deepEqual(recovered([log('LOG', dirtyVectorLog(older, newer, 5))], damaged).slice(0, 2), ['recovered', 'new']);
});
