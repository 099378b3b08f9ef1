// The program is killed at every step of the file protocol, and at random moments: the hive is wholly old or wholly new and opens,
// the backup holds the original, and the next run simply works.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { HiveImage } from '../../../../src/profile-migrator/registry/hive/hive-image.ts';
import { createHiveStore } from '../../../../src/profile-migrator/registry/hive/hive-store.ts';
import { REPLACE_STEPS } from '../../../../src/profile-migrator/registry/hive/replace-hive.ts';
import { surveyHive } from '../../../../src/profile-migrator/registry/hive/survey.ts';
import { findKey, findValue } from '../../../../src/profile-migrator/registry/registry.ts';
import { buildHive, type HiveSpec, nest, string } from './hive-builder.ts';
import { changedPages, entryLog } from './log-builder.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'hive-kill-'));
after(() => rmSync(FOLDER, { recursive: true, force: true }));
const CHILD = join(import.meta.dirname, 'commit-child.ts');
/** How many random kills; `HIVE_KILLS=200 npm test` for more. */
const RANDOM_KILLS = Number(process.env.HIVE_KILLS ?? 8);
const NEW = 'outlook.contoso.test, much longer than before '.repeat(50);

const spec = (text: string, more: Partial<HiveSpec> = {}): HiveSpec => ({
  ...more,
  root: { name: 'ROOT', keys: [nest('Software\\Test', { values: [string('server', text)] })] },
});
const clean = buildHive(spec('old'));
const dirty = buildHive(spec('older', { primarySequence: 11, secondarySequence: 10 }));
const pending = buildHive(spec('old', { primarySequence: 11, secondarySequence: 10 }));
const log = entryLog(dirty, 10, [
  { sequence: 10, binsSize: pending.readUInt32LE(40), pages: changedPages(dirty, pending) },
]);

let cases = 0;
function makeHive(kind: 'clean' | 'dirty'): string {
  const folder = join(FOLDER, `${++cases}`);
  mkdirSync(folder);
  const path = join(folder, 'NTUSER.DAT');
  writeFileSync(path, kind === 'clean' ? clean : dirty);
  if (kind === 'dirty') writeFileSync(`${path}.LOG1`, log);
  return path;
}

/** Runs the child, killed at `step` by itself or after `delay` ms from its load by us; says whether it was killed. */
function runChild(path: string, step: string, delay?: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, path, NEW, step, 'durable'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.on('data', (text: Buffer) => {
      if (delay !== undefined && text.includes('loaded')) setTimeout(() => child.kill('SIGKILL'), delay);
    });
    child.once('error', reject);
    child.once('exit', (_code, signal) => resolve(signal === 'SIGKILL'));
  });
}

async function textIn(path: string): Promise<string> {
  const store = createHiveStore({ path });
  const { root } = await store.load(['']);
  assert.notEqual(store.condition()?.state, 'stale');
  const text = findValue(findKey(root, 'Software\\Test'), 'server')?.data.toString('utf16le').replace('\0', '') ?? '';
  return text;
}

async function requireOldOrNew(path: string, original: Buffer): Promise<'old' | 'new'> {
  const text = await textIn(path);
  const state = text === 'old' ? 'old' : 'new';
  assert.ok(text === 'old' || text === NEW, 'wholly old or wholly new');
  if (state === 'old') assert.ok(readFileSync(path).equals(original), 'old means untouched');
  else surveyHive(new HiveImage(readFileSync(path)));
  const backups = readdirSync(join(path, '..')).filter(
    (name) => /^NTUSER\.DAT\..*\.bak$/.test(name) && !/LOG/.test(name),
  );
  for (const backup of backups)
    assert.ok(readFileSync(join(path, '..', backup)).equals(original), 'the backup is the original');
  if (state === 'new') assert.ok(backups.length > 0, 'there is a backup');
  return state;
}

async function finish(path: string): Promise<void> {
  const store = createHiveStore({ path, durable: false });
  const { rootPath, root } = await store.load(['']);
  const before = findValue(findKey(root, 'Software\\Test'), 'server');
  const after = { name: 'server', type: 1, data: Buffer.from(`${NEW}\0`, 'utf16le') };
  await store.commit({ rootPath, edits: [{ keyPath: 'Software\\Test', name: 'server', before, after }] });
  assert.equal(await textIn(path), NEW);
}

for (const kind of ['clean', 'dirty'] as const) {
  for (const [i, step] of REPLACE_STEPS.entries()) {
    test(`killed after "${step}" of a ${kind} hive`, async () => {
      const path = makeHive(kind);
      const original = readFileSync(path);
      assert.equal(await runChild(path, step), true);
      const state = await requireOldOrNew(path, original);
      assert.equal(state, i >= REPLACE_STEPS.indexOf('swapped') ? 'new' : 'old');
      // The next run is not hindered by what was left behind, and cleans it up.
      await finish(path);
      assert.deepEqual(
        readdirSync(join(path, '..')).filter((name) => name.includes('migrator')),
        [],
      );
      assert.ok(existsSync(path));
    });
  }
}

test(`killed ${RANDOM_KILLS} times at random moments`, async () => {
  for (let i = 0; i < RANDOM_KILLS; i++) {
    const path = makeHive(i % 2 === 0 ? 'clean' : 'dirty');
    const original = readFileSync(path);
    await runChild(path, '-', (i * 7.3) % 25);
    await requireOldOrNew(path, original);
    await finish(path);
  }
});
