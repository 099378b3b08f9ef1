import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, type TestContext } from 'node:test';
import type { RegistryError } from '../../../../src/profile-migrator/errors.ts';
import { createAttributeCopier } from '../../../../src/profile-migrator/registry/hive/copy-attributes.ts';
import { findLock } from '../../../../src/profile-migrator/registry/hive/file-in-use.ts';
import {
  createHiveStore,
  type HiveStore,
  type HiveStoreOptions,
} from '../../../../src/profile-migrator/registry/hive/hive-store.ts';
import { REPLACE_STEPS, type ReplaceStep } from '../../../../src/profile-migrator/registry/hive/replace-hive.ts';
import { findKey, findValue, type RegistryPatch } from '../../../../src/profile-migrator/registry/registry.ts';
import { buildHive, type HiveSpec, nest, string, sz } from './hive-builder.ts';
import { changedPages, entryLog } from './log-builder.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'hive-store-'));
after(() => rmSync(FOLDER, { recursive: true, force: true }));
const NOW = () => new Date('2026-03-01T12:00:00.123Z');
const STAMP = '20260301T120000Z';

const spec = (text: string, more: Partial<HiveSpec> = {}): HiveSpec => ({
  ...more,
  root: { name: 'ROOT', keys: [nest('Software\\Test', { values: [string('server', text), string('other', 'x')] })] },
});

let folders = 0;
/** A folder of its own with a hive NTUSER.DAT. */
function makeHive(bytes: Buffer = buildHive(spec('old'))): string {
  const folder = join(FOLDER, `case ${++folders}`);
  mkdirSync(folder);
  const path = join(folder, 'NTUSER.DAT');
  writeFileSync(path, bytes);
  return path;
}

function open(path: string, more: Partial<HiveStoreOptions> = {}): HiveStore {
  return createHiveStore({ path, now: NOW, durable: false, ...more });
}

async function textIn(path: string): Promise<string> {
  const { root } = await open(path).load(['Software\\Test']);
  return findValue(findKey(root, 'Software\\Test'), 'server')?.data.toString('utf16le').replace('\0', '') ?? '';
}

function change(from: string, to: string): RegistryPatch {
  const value = (text: string) => ({ name: 'server', type: 1, data: sz(text) });
  return {
    rootPath: 'HKEY_CURRENT_USER',
    edits: [{ keyPath: 'Software\\Test', name: 'server', before: value(from), after: value(to) }],
  };
}

const others = (path: string): string[] =>
  readdirSync(join(path, '..'))
    .filter((name) => name !== 'NTUSER.DAT')
    .sort();

/** The commit fails with this code, the hive is byte for byte what it was, and nothing is left beside it. */
async function refused(path: string, code: RegistryError['code'], more: Partial<HiveStoreOptions> = {}): Promise<void> {
  const before = readFileSync(path);
  const beside = others(path);
  await assert.rejects(open(path, more).commit(change('old', 'new')), { name: 'RegistryError', code });
  assert.ok(readFileSync(path).equals(before));
  assert.deepEqual(others(path), beside);
}

test('commit swaps in the changed hive and keeps the original under another name', async () => {
  const path = makeHive();
  const original = readFileSync(path);
  chmodSync(path, 0o640);
  const { ino } = statSync(path);
  const steps: ReplaceStep[] = [];
  const store = open(path, { durable: true, onStep: (step) => steps.push(step) });
  assert.equal(await store.commit(change('old', 'a much longer new server name')), 'committed');
  assert.equal(await textIn(path), 'a much longer new server name');
  assert.deepEqual(steps, [...REPLACE_STEPS]);
  const backup = `${path}.${STAMP}.bak`;
  assert.equal(store.replacement()?.backupPath, backup);
  assert.ok(readFileSync(backup).equals(original));
  assert.equal(statSync(backup).ino, ino, 'the backup is the original file itself');
  assert.equal(statSync(path).mode & 0o7777, 0o640);
  assert.deepEqual(others(path), [`NTUSER.DAT.${STAMP}.bak`]);
  assert.equal(store.condition()?.state, 'clean');
});

test('a second commit in the same second keeps its own backup', async () => {
  const path = makeHive();
  await open(path).commit(change('old', 'new'));
  await open(path).commit(change('new', 'newer'));
  assert.deepEqual(others(path), [`NTUSER.DAT.${STAMP}.2.bak`, `NTUSER.DAT.${STAMP}.bak`]);
});

test('the file is written now: its modification time is not restored', async () => {
  const path = makeHive();
  execFileSync('touch', ['-d', '2020-01-01', path]);
  await open(path).commit(change('old', 'new'));
  assert.ok(statSync(path).mtimeMs > Date.parse('2021-01-01'));
});

test('owner and extended attributes are kept', async (t: TestContext) => {
  const path = makeHive();
  try {
    execFileSync('python3', ['-c', 'import os,sys; os.setxattr(sys.argv[1], "user.DOSATTRIB", b"0x22")', path], {
      stdio: 'pipe',
    });
  } catch {
    return t.skip('this file system or computer cannot set extended attributes');
  }
  const root = process.getuid?.() === 0;
  if (root) execFileSync('chown', ['1234:2345', path]);
  const copier = createAttributeCopier();
  for (const more of [{}, { copier }]) {
    const from = await textIn(path);
    await open(path, more).commit(change(from, `${from}+`));
    const read = execFileSync('python3', [
      '-c',
      'import os,sys; print(os.getxattr(sys.argv[1], "user.DOSATTRIB").decode())',
      path,
    ]);
    assert.equal(read.toString().trim(), '0x22');
    if (root) assert.deepEqual([statSync(path).uid, statSync(path).gid], [1234, 2345]);
  }
  copier.close();
});

test('one copier serves many hives, odd names and failures included', async () => {
  const copier = createAttributeCopier();
  const paths = Array.from({ length: 12 }, () => makeHive());
  const odd = join(FOLDER, 'a "b" $(c) `d` \\ \' \n e');
  mkdirSync(odd);
  writeFileSync(join(odd, 'NTUSER.DAT'), buildHive(spec('old')));
  paths.push(join(odd, 'NTUSER.DAT'));
  await Promise.all(paths.map((path) => open(path, { copier }).commit(change('old', 'new'))));
  for (const path of paths) assert.equal(await textIn(path), 'new');
  await assert.rejects(copier.create(join(FOLDER, 'missing'), join(FOLDER, 'x')), { code: 'write-failed' });
  await assert.rejects(copier.create(paths[0] ?? '', join(FOLDER, 'no', 'such', 'folder')), { code: 'write-failed' });
  await copier.create(paths[0] ?? '', join(FOLDER, 'made'));
  copier.close();
});

// Dirty hives.

const dirty = buildHive(spec('old', { primarySequence: 11, secondarySequence: 10 }));
const pending = buildHive(spec('new in log', { primarySequence: 11, secondarySequence: 10 }));
const log = entryLog(dirty, 10, [
  { sequence: 10, binsSize: pending.readUInt32LE(40), pages: changedPages(dirty, pending) },
]);

test('a dirty hive with logs is recovered, changed, and its logs are put aside', async () => {
  for (const name of ['NTUSER.DAT.LOG1', 'ntuser.dat.LOG2', 'ntuser.dat.log1']) {
    const path = makeHive(dirty);
    writeFileSync(join(path, '..', name), log);
    assert.equal(await textIn(path), 'new in log');
    const store = open(path);
    await store.commit(change('new in log', 'changed'));
    assert.equal(store.condition()?.state, 'recovered');
    assert.equal(await textIn(path), 'changed');
    assert.deepEqual(others(path), [`NTUSER.DAT.${STAMP}.bak`, `${name}.${STAMP}.bak`].sort());
    assert.ok(readFileSync(`${path}.${STAMP}.bak`).equals(dirty));
    const again = open(path);
    await again.load([]);
    assert.equal(again.condition()?.state, 'clean');
  }
});

test('a dirty hive without logs is read as stale and never written', async () => {
  const path = makeHive(dirty);
  const store = open(path);
  await store.load(['Software']);
  assert.equal(store.condition()?.state, 'stale');
  assert.match(store.condition()?.detail ?? '', /no log file beside it/);
  await refused(path, 'hive-dirty');
});

test('two logs whose names differ only in case are refused for a dirty hive', async (t: TestContext) => {
  const path = makeHive(dirty);
  writeFileSync(`${path}.LOG1`, log);
  writeFileSync(join(path, '..', 'ntuser.dat.log1'), log);
  if (others(path).length < 2) return t.skip('this file system does not tell names by case');
  await refused(path, 'hive-dirty');
});

test('logs beside a clean hive are left alone', async () => {
  const path = makeHive();
  writeFileSync(`${path}.LOG1`, log);
  await open(path).commit(change('old', 'new'));
  assert.ok(existsSync(`${path}.LOG1`));
});

// What must be refused, with nothing lost.

test('a symbolic link is refused', async () => {
  const path = makeHive();
  const linked = join(path, '..', 'LINK.DAT');
  symlinkSync(path, linked);
  await assert.rejects(open(linked).load([]), { code: 'not-a-file' });
  await refused(linked, 'not-a-file');
});

test('a folder, a pipe and a device are refused without waiting', async () => {
  await assert.rejects(open(FOLDER).load([]), { code: 'not-a-file' });
  const pipe = join(FOLDER, 'pipe');
  execFileSync('mkfifo', [pipe]);
  await assert.rejects(open(pipe).load([]), { code: 'not-a-file' });
  await assert.rejects(open('/dev/zero').load([]), { code: 'not-a-file' });
});

test('a missing file and a missing folder are told', async () => {
  await assert.rejects(open(join(FOLDER, 'none', 'NTUSER.DAT')).load([]), { code: 'source-unreadable' });
  await assert.rejects(open(join(FOLDER, 'none')).load([]), /no such file/);
});

test('a read-only file is refused, also for root', async () => {
  const path = makeHive();
  chmodSync(path, 0o444);
  await refused(path, 'access-denied');
});

test('a hive that another process has locked is refused', async (t: TestContext) => {
  const path = makeHive();
  const script =
    'import fcntl,sys,time\nf=open(sys.argv[1],"r+b")\nfcntl.lockf(f,fcntl.LOCK_EX)\nprint("held",flush=True)\ntime.sleep(60)';
  const holder = spawn('python3', ['-c', script, path], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => holder.kill('SIGKILL'));
  const held = await new Promise<boolean>((resolve) => {
    holder.stdout.once('data', () => resolve(true));
    holder.once('error', () => resolve(false));
    holder.once('exit', () => resolve(false));
  });
  if (!held || !existsSync('/proc/locks')) return t.skip('no python3 or no /proc/locks here');
  await refused(path, 'hive-in-use');
});

test('lines of /proc/locks are understood', () => {
  const identity = { device: 0xfe01n, inode: 131_090n, size: 0n, modifiedNs: 0n };
  assert.equal(findLock('1: POSIX  ADVISORY  WRITE 4711 fe:01:131090 0 EOF\n', identity), 4711);
  assert.equal(findLock('7: LEASE  ACTIVE    READ  99 fe:01:131090 0 EOF\n', identity), 99);
  assert.equal(findLock('7: -> FLOCK  ADVISORY  WRITE 98 fe:01:131090 0 EOF\n', identity), 98);
  assert.equal(findLock('1: POSIX  ADVISORY  WRITE 4711 fe:02:131090 0 EOF\n', identity), undefined);
  assert.equal(findLock('1: POSIX  ADVISORY  WRITE 4711 fe:01:131091 0 EOF\nrubbish\n', identity), undefined);
});

test('a lock of a running process is respected, that of a dead one taken over', async () => {
  const path = makeHive();
  const lock = `${path}.profile-migrator-lock`;
  writeFileSync(lock, `${process.pid} - ${new Date().toISOString()} elsewhere\n`);
  await refused(path, 'hive-in-use');
  writeFileSync(lock, `4194999 1 2026-01-01T00:00:00.000Z ${hostname()}\n`);
  await open(path).commit(change('old', 'new'));
  assert.equal(existsSync(lock), false);
});

test('two commits at once: one wins, the other is refused, the hive is whole', async () => {
  const path = makeHive();
  const results = await Promise.allSettled(['a', 'b', 'c'].map((text) => open(path).commit(change('old', text))));
  const codes = results.flatMap((r) => (r.status === 'rejected' ? [(r.reason as RegistryError).code] : []));
  assert.equal(codes.length, 2);
  for (const code of codes) assert.match(code, /hive-in-use|value-changed|hive-changed/);
  assert.match(await textIn(path), /^[abc]$/);
});

// Changes under our hands, at every step before the swap.

const MEDDLING: [string, (path: string) => void, RegistryError['code']][] = [
  ['vanishes', (path) => unlinkSync(path), 'source-unreadable'],
  ['grows', (path) => appendFileSync(path, Buffer.alloc(4096)), 'hive-changed'],
  [
    'is replaced by another file',
    (path) => {
      writeFileSync(`${path}.x`, readFileSync(path));
      renameSync(`${path}.x`, path);
    },
    'hive-changed',
  ],
  ['is rewritten in place', (path) => writeFileSync(path, readFileSync(path)), 'hive-changed'],
  [
    'becomes a symbolic link',
    (path) => {
      renameSync(path, `${path}.real`);
      symlinkSync(`${path}.real`, path);
    },
    'not-a-file',
  ],
];
for (const [what, meddle, code] of MEDDLING) {
  for (const at of ['copied', 'sealed', 'proved'] as ReplaceStep[]) {
    test(`a hive that ${what} after "${at}" is left to whoever did it`, async () => {
      const path = makeHive();
      const onStep = (step: ReplaceStep): void => {
        if (step === at) meddle(path);
      };
      await assert.rejects(open(path, { onStep }).commit(change('old', 'new')), { code });
      assert.equal(others(path).filter((name) => /migrator|bak$/.test(name)).length, 0);
    });
  }
}

test('a write in the last moment before the swap is told, and kept in the backup', async () => {
  const path = makeHive();
  const onStep = (step: ReplaceStep): void => {
    if (step === 'backed-up') appendFileSync(path, 'late');
  };
  const store = open(path, { onStep });
  await store.commit(change('old', 'new'));
  assert.match(store.replacement()?.warnings[0] ?? '', /was written to while it was being replaced/);
  assert.ok(
    readFileSync(store.replacement()?.backupPath ?? '')
      .toString('latin1')
      .endsWith('late'),
  );
});

test('a hive that grows while it is read is refused', async () => {
  const path = makeHive(Buffer.concat([buildHive(spec('old')), Buffer.alloc(64 * 1024 * 1024)]));
  const growing = setInterval(() => appendFileSync(path, 'x'), 1);
  try {
    await assert.rejects(open(path).load(['Software']), { code: 'hive-changed' });
  } finally {
    clearInterval(growing);
  }
});

test('a written copy that does not read back is not used', async () => {
  const path = makeHive();
  const onStep = (step: ReplaceStep): void => {
    if (step !== 'sealed') return;
    const fresh = readFileSync(`${path}.profile-migrator-new`);
    fresh.writeUInt8(fresh.readUInt8(4500) ^ 1, 4500);
    writeFileSync(`${path}.profile-migrator-new`, fresh);
  };
  await refused(path, 'verify-failed', { onStep });
});

test('a full disk is told, and nothing is lost', async (t: TestContext) => {
  const mount = join(FOLDER, 'small');
  mkdirSync(mount);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=96k', 'tmpfs', mount], { stdio: 'pipe' });
  } catch {
    return t.skip('mounting a small tmpfs needs root');
  }
  t.after(() => execFileSync('umount', [mount]));
  const path = join(mount, 'NTUSER.DAT');
  const hive = buildHive(spec('old', { padding: 56 * 1024 }));
  writeFileSync(path, hive);
  await refused(path, 'disk-full');
  await refused(path, 'disk-full', { durable: true });
  // Not even room for a lock.
  writeFileSync(join(mount, 'rest'), '');
  try {
    for (;;) appendFileSync(join(mount, 'rest'), Buffer.alloc(4096));
  } catch {}
  await refused(path, 'disk-full');
});

test('a read-only file system is told', async (t: TestContext) => {
  const mount = join(FOLDER, 'readonly');
  mkdirSync(mount);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount], { stdio: 'pipe' });
  } catch {
    return t.skip('mounting a tmpfs needs root');
  }
  t.after(() => execFileSync('umount', [mount]));
  const path = join(mount, 'NTUSER.DAT');
  writeFileSync(path, buildHive(spec('old')));
  execFileSync('mount', ['-o', 'remount,ro', mount]);
  await refused(path, 'access-denied');
});
