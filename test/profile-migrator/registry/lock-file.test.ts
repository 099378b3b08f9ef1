import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { takeLockFile } from '../../../src/profile-migrator/registry/lock-file.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'lock-file-'));
const path = join(FOLDER, 'source.lock');
after(() => rmSync(FOLDER, { recursive: true }));
beforeEach(() => {
  for (const name of readdirSync(FOLDER)) rmSync(join(FOLDER, name), { recursive: true });
});

const SINCE = '2026-01-01T00:00:00.000Z';
/** A process that runs while the test does, and is not this one. */
const other = { pid: process.ppid, ticks: ticksOf(process.ppid) };

function ticksOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] as string;
}

async function taken(): Promise<() => Promise<void>> {
  const outcome = await takeLockFile(path);
  assert.ok(outcome.kind === 'taken', JSON.stringify(outcome));
  return outcome.release;
}

const HELD: [string, string, RegExp][] = [
  ['of a running process', `${other.pid} ${other.ticks} ${SINCE} ${hostname()}\n`, /run.* process \d+ \(if it is not/],
  ['of another computer', `999999999 1 ${SINCE} another-desktop\n`, /on another-desktop \(if nothing runs there/],
];
for (const [name, text, by] of HELD) {
  test(`a lock ${name} is respected`, async () => {
    writeFileSync(path, text);
    const outcome = await takeLockFile(path);
    assert.ok(outcome.kind === 'held');
    assert.match(outcome.by, by);
    assert.equal(readFileSync(path, 'utf8'), text);
  });
}

const DEAD: [string, string][] = [
  ['of no process', `999999999 1 ${SINCE} ${hostname()}\n`],
  ['whose process id is another program’s by now', `${other.pid} 1 ${SINCE} ${hostname()}\n`],
  ['of a run that was killed before it wrote its line', ''],
  ['of a run that was killed while it wrote its line', `${other.pid} `],
];
for (const [name, text] of DEAD) {
  test(`a lock ${name} is taken over`, async () => {
    writeFileSync(path, text);
    const release = await taken();
    assert.match(readFileSync(path, 'utf8'), new RegExp(`^${process.pid} `));
    assert.deepEqual(readdirSync(FOLDER), ['source.lock']);
    await release();
    assert.deepEqual(readdirSync(FOLDER), []);
  });
}

test('a lock that is being written this very moment is waited for', async () => {
  writeFileSync(path, '');
  const waiting = takeLockFile(path);
  await sleep(200);
  writeFileSync(path, `${other.pid} ${other.ticks} ${SINCE} ${hostname()}\n`);
  const outcome = await waiting;
  assert.ok(outcome.kind === 'held');
  assert.match(outcome.by, new RegExp(`process ${other.pid} `));
});

test('a lock that goes while it is waited for is free', async () => {
  writeFileSync(path, '');
  const waiting = taken();
  await sleep(200);
  rmSync(path);
  await (await waiting)();
  assert.equal(existsSync(path), false);
});

test('a run that was killed while it took a dead lock over is in nobody’s way', async () => {
  writeFileSync(path, `999999999 1 ${SINCE} ${hostname()}\n`);
  writeFileSync(`${path}.old`, '');
  await (await taken())();
  assert.deepEqual(readdirSync(FOLDER), []);
});

test('of many that find the same dead lock one takes it', async () => {
  for (let round = 0; round < 20; round++) {
    writeFileSync(path, `999999999 1 ${SINCE} ${hostname()}\n`);
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => takeLockFile(path)));
    assert.deepEqual(outcomes.map(({ kind }) => kind).sort(), [...Array(7).fill('held'), 'taken']);
    for (const outcome of outcomes) if (outcome.kind === 'taken') await outcome.release();
    assert.deepEqual(readdirSync(FOLDER), []);
  }
});

test('a lock that cannot be written is the error of the system', async () => {
  await assert.rejects(takeLockFile(join(FOLDER, 'none', 'source.lock')), { code: 'ENOENT' });
  mkdirSync(path);
  await assert.rejects(takeLockFile(path), { code: 'EISDIR' });
});
