import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ProcessRunner } from '../../../src/profile-migrator/registry/child-process.ts';
import { createLiveRegistry, isUserSid, loadedUsers } from '../../../src/profile-migrator/registry/live-registry.ts';
import { stringData } from '../../../src/profile-migrator/registry/reg-file.ts';
import { findKey, findValue, RegType } from '../../../src/profile-migrator/registry/registry.ts';
import type { ChildIdentity } from '../../../src/profile-migrator/registry/store.ts';
import { type FakeBehaviour, FakeRegistry } from '../../helpers/fake-reg.ts';

const PROFILES = 'Software\\Microsoft\\Office\\15.0\\Outlook';
const WMS = 'Software\\Microsoft\\Windows NT\\CurrentVersion\\Windows Messaging Subsystem';
const SID = 'S-1-5-21-111-222-333-1104';
const scratch = mkdtempSync(join(tmpdir(), 'live-registry-test-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

function setUp(behaviour: FakeBehaviour = {}) {
  const folder = mkdtempSync(join(scratch, 'case-'));
  const fake = new FakeRegistry(folder);
  fake.write({
    [`HKEY_CURRENT_USER\\${PROFILES}`]: { DefaultProfile: [RegType.SZ, stringData('Outlook').toString('hex')] },
    [`HKEY_CURRENT_USER\\${PROFILES}\\Profiles\\Jürgen`]: {
      '001e6602': [RegType.SZ, stringData('old').toString('hex')],
    },
    [`HKEY_USERS\\${SID}\\${PROFILES}`]: { DefaultProfile: [RegType.SZ, stringData('Theirs').toString('hex')] },
    [`HKEY_USERS\\${SID}_Classes\\.txt`]: {},
    'HKEY_USERS\\.DEFAULT\\Software': {},
    'HKEY_USERS\\S-1-5-18\\Software': {},
  });
  fake.behave(behaviour);
  const workFolder = join(folder, 'work');
  const options = { runner: fake.runner(), systemRoot: 'C:\\Windows', workFolder };
  return { fake, workFolder, options, store: createLiveRegistry(options) };
}

const patch = (rootPath = 'HKEY_CURRENT_USER', after = 'new') => ({
  rootPath,
  edits: [
    {
      keyPath: `${PROFILES}\\Profiles\\Jürgen`,
      name: '001e6602',
      before: { name: '001e6602', type: RegType.SZ, data: stringData('old') },
      after: { name: '001e6602', type: RegType.SZ, data: stringData(after) },
    },
    {
      keyPath: PROFILES,
      name: 'DefaultProfile',
      before: { name: 'DefaultProfile', type: RegType.SZ, data: stringData('Outlook') },
      after: undefined,
    },
  ],
});

test('reads the trees that exist and leaves nothing behind', async () => {
  const { store, workFolder } = setUp();
  const { rootPath, root } = await store.load([PROFILES, WMS, 'Software\\Nothing\\Here']);
  assert.equal(rootPath, 'HKEY_CURRENT_USER');
  assert.deepEqual(findValue(findKey(root, PROFILES), 'defaultprofile')?.data, stringData('Outlook'));
  assert.deepEqual(findValue(findKey(root, `${PROFILES}\\Profiles\\JÜRGEN`), '001E6602')?.data, stringData('old'));
  assert.equal(findKey(root, WMS), undefined);
  assert.deepEqual(readdirSync(workFolder), []);
  assert.equal(statSync(workFolder).mode & 0o077, 0, 'others can look into the work folder');
});

test('no tree at all is an empty registry', async () => {
  const { store } = setUp();
  const { root } = await store.load([WMS]);
  assert.equal(root.subkeys.size, 0);
});

test('reads and changes a loaded hive under its own root', async () => {
  const { options, fake } = setUp();
  const store = createLiveRegistry({ ...options, sid: SID });
  const { rootPath, root } = await store.load([PROFILES]);
  assert.equal(rootPath, `HKEY_USERS\\${SID}`);
  assert.deepEqual(findValue(findKey(root, PROFILES), 'DefaultProfile')?.data, stringData('Theirs'));
  await assert.rejects(store.commit(patch()), { code: 'write-failed' });
  assert.equal(await store.commit(patch(`HKEY_USERS\\${SID}`)), 'committed');
  assert.deepEqual(fake.keys()[`HKEY_USERS\\${SID}\\${PROFILES}`], {});
  assert.equal(store.describe(), `the registry of ${SID}`);
});

test('a hive that is not loaded is missing, not empty', async () => {
  const { options } = setUp();
  const store = createLiveRegistry({ ...options, sid: 'S-1-5-21-1-2-3-4' });
  await assert.rejects(store.load([PROFILES]), { code: 'key-missing', message: /not logged on/ });
});

test('changes exactly the edits, and names the importing process', async () => {
  const { store, fake, workFolder } = setUp();
  const before = fake.keys();
  const children: ChildIdentity[] = [];
  await store.commit(patch(), { onChild: async (child) => void children.push(child) });
  assert.equal(children.length, 1);
  assert.ok((children[0]?.pid ?? 0) > 1);
  const expected = structuredClone(before);
  expected[`HKEY_CURRENT_USER\\${PROFILES}`] = {};
  expected[`HKEY_CURRENT_USER\\${PROFILES}\\Profiles\\Jürgen`] = { '001e6602': [1, stringData('new').toString('hex')] };
  assert.deepEqual(fake.keys(), expected);
  assert.deepEqual(readdirSync(workFolder), []);
});

test('misbehaviour of reg.exe is named', async (t) => {
  const cases: readonly (readonly [FakeBehaviour, string, RegExp])[] = [
    [{ denyExport: 'HKEY_CURRENT_USER' }, 'access-denied', /the key exists/],
    [{ exportWrites: 'nothing' }, 'reg-exe-failed', /wrote no file/],
    [{ exportWrites: 'garbage' }, 'reg-encoding', /./],
    [{ exportWrites: 'another-key' }, 'reg-exe-failed', /wrote another key/],
    [{ truncateExport: 2 }, 'reg-exe-failed', /cut off/], // odd bytes: no longer UTF-16 with a line end
    [{ truncateExport: 40 }, 'reg-exe-failed', /cut off/],
    [{ exportHangs: true }, 'reg-exe-timeout', /30 seconds/],
  ];
  for (const [behaviour, code, message] of cases) {
    await t.test(JSON.stringify(behaviour), async () => {
      const { store, workFolder } = setUp(behaviour);
      await assert.rejects(store.load([PROFILES]), (error: Error & { code?: string }) => {
        assert.match(error.message, message);
        assert.ok(error.code === code || (code === 'reg-encoding' && /^reg-/.test(error.code ?? '')), error.code);
        return true;
      });
      assert.deepEqual(readdirSync(workFolder), [], 'an export was left behind');
    });
  }
});

test('an import that fails says so; one that lies does not, which is why the protocol reads again', async () => {
  const failing = setUp({ importFailsAfter: 1 });
  await assert.rejects(failing.store.commit(patch()), { code: 'import-failed', message: /exit code 1/ });
  const lying = setUp({ importLies: 'nothing' });
  const before = lying.fake.keys();
  assert.equal(await lying.store.commit(patch()), 'committed');
  assert.deepEqual(lying.fake.keys(), before);
});

/** A work folder so deep that the folders made in it have paths of this length. */
function deepFolder(length: number): string {
  let path = join(mkdtempSync(join(scratch, 'deep-')), 'work');
  const rest = length - `/live-${process.pid}-123456`.length;
  while (path.length < rest - 200) path = join(path, 'x'.repeat(100));
  return join(path, 'x'.repeat(rest - path.length - 1));
}

test('a change that cannot be written down for the import is an error of its own, and nothing is left', async () => {
  const { options, fake } = setUp();
  const before = fake.keys();
  const workFolder = deepFolder(4090); // the folder can be made, the file in it not
  const store = createLiveRegistry({ ...options, workFolder });
  await assert.rejects(store.commit(patch()), { name: 'RegistryError', code: 'write-failed' });
  assert.deepEqual(fake.keys(), before);
  assert.deepEqual(readdirSync(workFolder), []);
});

test('an import that has happened has happened, also when its file cannot be removed', async () => {
  const { options, fake } = setUp();
  const workFolder = deepFolder(4000);
  const here = process.cwd();
  const inFolder = (work: () => void) => {
    for (const name of readdirSync(workFolder)) {
      process.chdir(join(workFolder, name));
      try {
        work();
      } finally {
        process.chdir(here);
      }
    }
  };
  const runner: ProcessRunner = {
    run: async (program, args, more) => {
      const result = await options.runner.run(program, args, more);
      inFolder(() => mkdirSync('y'.repeat(200))); // its full path is longer than the system takes
      return result;
    },
  };
  const store = createLiveRegistry({ ...options, runner, workFolder });
  try {
    assert.equal(await store.commit(patch()), 'committed');
    assert.deepEqual(fake.keys()[`HKEY_CURRENT_USER\\${PROFILES}`], {});
  } finally {
    inFolder(() => rmSync('y'.repeat(200), { recursive: true }));
  }
});

test('a slow import is ended at its time limit', async () => {
  const { options } = setUp({ importDelayMs: 60_000 });
  const store = createLiveRegistry({ ...options, timeoutMs: 200 });
  await assert.rejects(store.commit(patch()), { code: 'reg-exe-timeout' });
});

test('programs are started by full path, quietly, and with a time limit', async () => {
  const calls: { program: string; args: readonly string[]; timeoutMs: number }[] = [];
  const { options } = setUp();
  const runner: ProcessRunner = {
    async run(program, args, runOptions) {
      calls.push({ program, args, timeoutMs: runOptions.timeoutMs });
      return options.runner.run(program, args, runOptions);
    },
  };
  const store = createLiveRegistry({ ...options, runner });
  await store.load([PROFILES]);
  await store.commit(patch());
  assert.ok(calls.length >= 2);
  for (const { program, args, timeoutMs } of calls) {
    assert.equal(program, 'C:\\Windows\\System32\\reg.exe');
    assert.ok(timeoutMs > 0);
    if (args[0] === 'export') assert.equal(args.at(-1), '/y');
  }
});

test('a program that does not start is an error, not an empty registry', async () => {
  const { options } = setUp();
  const runner: ProcessRunner = {
    run: async () => ({ outcome: 'missing', exitCode: undefined, stdout: '', stderr: '' }),
  };
  await assert.rejects(createLiveRegistry({ ...options, runner }).load([PROFILES]), { code: 'reg-exe-failed' });
  await assert.rejects(loadedUsers({ ...options, runner }), { code: 'reg-exe-failed' });
});

test('what a killed run left is swept, imports included: one that has not begun must not begin now', async () => {
  const { store, workFolder } = setUp();
  const dead = 2 ** 22 + 1; // beyond the largest process id of Linux
  const left = [`live-${dead}-a`, `live-${dead}-b`, `live-${process.ppid}-c`];
  for (const [index, name] of left.entries()) {
    mkdirSync(join(workFolder, name), { recursive: true });
    writeFileSync(join(workFolder, name, index === 1 ? 'import.reg' : '0.reg'), 'secret');
  }
  await store.load([PROFILES]);
  assert.deepEqual(readdirSync(workFolder), [`live-${process.ppid}-c`], 'only the folder of a living program stays');
});

test('lists people, not services', async () => {
  const { options } = setUp();
  assert.deepEqual(await loadedUsers(options), [SID]);
});

test('SIDs of people', () => {
  const good = ['S-1-5-21-1004336348-1177238915-682003330-1107', 'S-1-12-1-1-2-3-4', 's-1-5-21-1-2-3-500'];
  const bad = [
    'S-1-5-18', // SYSTEM
    'S-1-5-21-1-2-3-1107_Classes',
    '.DEFAULT',
    'S-1-5-21-1-2-3-4\\Software', // no path
    'S-1-5-21-1-2-3',
    'S-1-5-80-1-2-3-4', // a service
    '',
  ];
  for (const sid of good) assert.equal(isUserSid(sid), true, sid);
  for (const sid of bad) assert.equal(isUserSid(sid), false, sid);
  assert.throws(() => createLiveRegistry({ ...setUp().options, sid: 'S-1-5-18' }), { code: 'key-missing' });
});
