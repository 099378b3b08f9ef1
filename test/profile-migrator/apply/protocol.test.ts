// The live commands end to end over a fake registry: what apply and rollback refuse, wait for, keep and say.
import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import type { ProtocolStep } from '../../../src/profile-migrator/apply/protocol.ts';
import type { MigratorDeps } from '../../../src/profile-migrator/commands/deps.ts';
import { runMigrator } from '../../../src/profile-migrator/commands/run-migrator.ts';
import { diffSnapshots } from '../../../src/profile-migrator/registry/patch.ts';
import { findKey, type RegistrySnapshot } from '../../../src/profile-migrator/registry/registry.ts';
import { parseResultLine } from '../../../src/profile-migrator/result-line.ts';
import { type AccountSpec, buildRegistry } from '../build-profile.ts';
import { type FakeOptions, fakeDeps, readRegistry, writeRegistry } from './fake-registry.ts';

const TARGET = ['--from', 'FS1', 'fs1.fabrikam.test', '--to', 'outlook.fabrikam.test'];
const NAME = 'S-1-5-21-1-2-3-1001';
const nina: AccountSpec = { alias: 'nina', home: 'FS1', fqdn: 'fs1.fabrikam.test' };

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'migrator-protocol-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Run {
  code: number;
  text: string;
}

function seed(...accounts: AccountSpec[]): RegistrySnapshot {
  const snapshot = buildRegistry({ profiles: [{ name: 'Work', accounts }] });
  writeRegistry(join(folder, 'registry'), snapshot);
  return snapshot;
}

async function run(
  args: string[],
  fake: Partial<FakeOptions> = {},
  more: Partial<MigratorDeps> = {},
  out = join(folder, 'out'),
): Promise<Run> {
  const checkEndpoint = async () => ({ answers: true, detail: '' });
  const deps = fakeDeps({ registry: join(folder, 'registry'), ...fake }, { checkEndpoint, ...more });
  const code = await runMigrator([...args, '--out', out], deps);
  return { code, text: [...deps.err, ...deps.out].join('') };
}

const changed = (original: RegistrySnapshot) =>
  diffSnapshots(original, readRegistry(join(folder, 'registry'))).edits.length;
const written = () => readdirSync(join(folder, 'out')).sort();

test('apply, apply again, roll back, roll back again', async () => {
  const original = seed(nina);
  const first = await run(['apply', ...TARGET]);
  assert.equal(first.code, 0, first.text);
  assert.match(first.text, /9 values changed and read again/);
  assert.equal(changed(original), 9);
  assert.deepEqual(written(), [`${NAME}.patch.reg`, `${NAME}.result.jsonl`, `${NAME}.undo.reg`]);
  const second = await run(['apply', ...TARGET]);
  assert.equal(second.code, 0);
  assert.match(second.text, /already uses the array[\s\S]*nothing to change/);
  assert.deepEqual(written().at(0), `${NAME}.2.result.jsonl`); // nothing to change: only the result, under a name of its own
  const third = await run(['rollback']);
  assert.equal(third.code, 0, third.text);
  assert.match(third.text, /9 values restored and read again, 0 left/);
  assert.equal(changed(original), 0);
  const fourth = await run(['rollback']);
  assert.equal(fourth.code, 0);
  assert.match(fourth.text, /0 values restored/);
});

test('results say what happened, one versioned line for each profile', async () => {
  seed(nina, { alias: 'otto', home: 'FS1', fqdn: 'fs9.fabrikam.test' });
  const { code } = await run(['apply', ...TARGET]);
  assert.equal(code, 1); // one account refused
  const [line, ...others] = readFileSync(join(folder, 'out', `${NAME}.result.jsonl`), 'utf8')
    .trim()
    .split('\n')
    .map((row) => parseResultLine(row, 'x'));
  assert.equal(others.length, 0);
  assert.equal(line?.version, 1);
  assert.equal(line?.outcome, 'changed');
  assert.deepEqual(line?.arrays, ['outlook.fabrikam.test']);
  assert.deepEqual(line?.refusals, ['half-mapped']);
  assert.deepEqual(
    line?.accounts.map(({ outcome, missing }) => `${outcome} ${missing}`),
    ['migrate ', 'refuse fs9.fabrikam.test'],
  );
  assert.equal(line?.profile?.outlook, '14.0');
  assert.equal(line?.values.filter(({ before }) => before).length, 9);
  assert.match(line?.attention.join() ?? '', /--from fs9\.fabrikam\.test/);
});

test('an open Outlook is refused, waited for, and never ended', async () => {
  const original = seed(nina);
  const open = await run(['apply', ...TARGET], { outlook: ['open'] });
  assert.equal(open.code, 1);
  assert.match(open.text, /Outlook is running; close it, or give --wait/);
  const unknown = await run(['apply', ...TARGET], { outlook: ['unknown'] });
  assert.equal(unknown.code, 1);
  assert.match(unknown.text, /cannot be told.*--assume-outlook-closed/);
  assert.equal(changed(original), 0);
  const stubborn = await run(['apply', ...TARGET, '--wait', '2'], { outlook: ['open', 'open', 'open'] });
  assert.equal(stubborn.code, 1);
  const reopened = await run(['apply', ...TARGET], { outlook: ['closed', 'open'] }); // started again while we worked
  assert.equal(reopened.code, 1);
  assert.equal(changed(original), 0);
  assert.ok(!written().some((name) => /journal|undo|patch/.test(name)));
  const waited = await run(['apply', ...TARGET, '--wait', '5'], { outlook: ['open', 'open', 'closed'] });
  assert.equal(waited.code, 0, waited.text);
  assert.equal((await run(['rollback'], { outlook: ['open'] })).code, 1);
  assert.equal((await run(['rollback', '--assume-outlook-closed'], { outlook: ['unknown', 'unknown'] })).code, 0);
});

test('with nothing to change, an open Outlook does not matter', async () => {
  seed({ ...nina, home: 'FS2', fqdn: 'fs2.fabrikam.test' });
  assert.equal((await run(['apply', ...TARGET], { outlook: ['open'] })).code, 0);
});

test('on Windows an open Outlook is the code for trying again', async () => {
  seed(nina);
  const { config } = fakeDeps({ registry: '' });
  const windows = { config: { ...config, convention: 'windows' as const } };
  assert.equal((await run(['apply', ...TARGET], { outlook: ['open'] }, windows)).code, 1618);
  assert.equal((await run(['apply', ...TARGET, '/quiet'], {}, windows)).code, 0);
  assert.equal((await run(['apply'], {}, windows)).code, 87);
  assert.equal((await run(['rollback', '--quiet'], {}, windows)).code, 0);
  rmSync(join(folder, 'out'), { recursive: true });
  assert.equal((await run(['rollback'], {}, windows)).code, 1605);
});

test('a profile is never pointed at something that does not answer', async () => {
  const original = seed(nina);
  const asked: string[] = [];
  const silent = { checkEndpoint: async (host: string) => ({ answers: asked.push(host) < 0, detail: 'timeout' }) };
  const refused = await run(['apply', ...TARGET], {}, silent);
  assert.equal(refused.code, 1);
  assert.match(refused.text, /does not answer.*timeout/);
  assert.equal(changed(original), 0);
  assert.deepEqual(asked, ['outlook.fabrikam.test']);
  assert.equal((await run(['apply', ...TARGET, '--no-precheck'], {}, silent)).code, 0);
});

test('accounts over HTTP trust a policy where the array is out of reach', async () => {
  seed({ ...nina, rpcOverHttp: true });
  const silent = { checkEndpoint: async () => ({ answers: false, detail: 'timeout' }) };
  assert.equal((await run(['apply', ...TARGET], {}, silent)).code, 1); // the command line does not vouch for it
  const policy = join(folder, 'policy.json');
  writeFileSync(
    policy,
    JSON.stringify({ version: 1, arrays: [{ fqdn: 'outlook.fabrikam.test', replaces: ['FS1', 'fs1.fabrikam.test'] }] }),
  );
  const trusted = await run(['apply', '--policy', policy], {}, silent);
  assert.equal(trusted.code, 0, trusted.text);
  assert.match(trusted.text, /over HTTP, so the policy is trusted/);
});

test('a policy that has ended changes nothing', async () => {
  const original = seed(nina);
  const policy = join(folder, 'policy.json');
  writeFileSync(
    policy,
    JSON.stringify({
      version: 1,
      until: '2026-01-01',
      arrays: [{ fqdn: 'outlook.fabrikam.test', replaces: ['FS1', 'fs1.fabrikam.test'] }],
    }),
  );
  const ended = await run(['apply', '--policy', policy]);
  assert.equal(ended.code, 0);
  assert.match(ended.text, /ended on 2026-01-01/);
  assert.equal(changed(original), 0);
});

test('rollback leaves what somebody has changed since, and says so', async () => {
  const original = seed(nina);
  await run(['apply', ...TARGET]);
  const now = readRegistry(join(folder, 'registry'));
  const edit = diffSnapshots(original, now).edits.find(({ name }) => name === '001e6602');
  const key = edit && findKey(now.root, edit.keyPath);
  assert.ok(edit && key);
  (key.values as Map<string, unknown>).set('001E6602', { ...edit.after, data: Buffer.from('else\0', 'utf16le') });
  writeRegistry(join(folder, 'registry'), now);
  const back = await run(['rollback']);
  assert.equal(back.code, 0, back.text);
  assert.match(back.text, /changed by something else since; left as it is/);
  assert.match(back.text, /8 values restored and read again, 1 left/);
  assert.equal(changed(original), 1);
});

test('one run at a time', async () => {
  seed(nina);
  mkdirSync(join(folder, 'out'));
  writeFileSync(
    join(folder, 'out', `${NAME}.lock`),
    `${process.ppid} ${ticks(process.ppid)} 2026-01-01T00:00:00.000Z\n`,
  );
  const busy = await run(['apply', ...TARGET]);
  assert.equal(busy.code, 1);
  assert.match(busy.text, /another run/);
  writeFileSync(join(folder, 'out', `${NAME}.lock`), `${process.ppid} 1 2026-01-01T00:00:00.000Z\n`); // the id belongs to another process now
  assert.equal((await run(['apply', ...TARGET])).code, 0);
});

test('a journal that was tampered with is not obeyed', async () => {
  const original = seed(nina);
  mkdirSync(join(folder, 'out'));
  const path = join(folder, 'out', `${NAME}.journal.json`);
  const edit = {
    key: 'Software\\Microsoft\\Windows\\CurrentVersion\\Run',
    name: 'x',
    before: null,
    after: { type: 1, data: '4100' },
  };
  const journal = {
    version: 1,
    kind: 'apply',
    state: 'importing',
    root: 'HKEY_CURRENT_USER',
    edits: [edit],
    child: null,
    lines: [],
    resultPath: 'x',
    files: [],
  };
  for (const text of [JSON.stringify(journal), '{', '{"version":2}']) {
    writeFileSync(path, text);
    const result = await run(['apply', ...TARGET]);
    assert.equal(result.code, 1, text);
    assert.match(result.text, /journal/);
    assert.equal(changed(original), 0);
    assert.deepEqual(readFileSync(path, 'utf8'), text, 'it is left for people to look at');
  }
});

test('a lock of another computer is no dead lock, whatever runs here', async () => {
  const original = seed(nina);
  mkdirSync(join(folder, 'out'));
  const lock = join(folder, 'out', `${NAME}.lock`);
  writeFileSync(lock, '999999999 1 2026-01-01T00:00:00.000Z another-desktop\n');
  const busy = await run(['apply', ...TARGET]);
  assert.equal(busy.code, 1);
  assert.match(busy.text, /this program on another-desktop.*delete/);
  assert.equal(changed(original), 0);
  writeFileSync(lock, `999999999 1 2026-01-01T00:00:00.000Z ${hostname()}\n`);
  assert.equal((await run(['apply', ...TARGET])).code, 0);
});

test('a state folder that cannot be made is told as such', async () => {
  seed(nina);
  writeFileSync(join(folder, 'file'), '');
  const lost = join(folder, 'file', 'out');
  for (const args of [
    ['apply', ...TARGET],
    ['plan', ...TARGET],
    ['plan', ...TARGET, '--resume'],
  ]) {
    const { code, text } = await run(args, {}, {}, lost);
    assert.equal(code, 1, text);
    assert.match(text, /cannot make folder .*file.out/);
    assert.doesNotMatch(text, /\n +at /, 'no stack');
  }
});

/** As if the program were killed there: what it would do on its way out is not done. */
const killedAt = (where: ProtocolStep): Partial<MigratorDeps> => ({
  step: (step) => {
    if (step === where) throw new Error('killed');
  },
});

test('a journal means the files of its own folder, wherever the folder is now', async () => {
  const original = seed(nina);
  const here = process.cwd();
  try {
    process.chdir(folder);
    await run(['apply', ...TARGET], {}, killedAt('verified'), 'out');
    mkdirSync('elsewhere');
    process.chdir('elsewhere');
    const next = await run(['apply', ...TARGET], {}, {}, join('..', 'out'));
    assert.equal(next.code, 0);
    assert.match(next.text, /an interrupted apply was complete/);
    assert.deepEqual(readdirSync('.'), []);
    assert.equal((await run(['rollback'], {}, {}, join('..', 'out'))).code, 0);
    assert.equal(changed(original), 0);

    await run(['apply', ...TARGET], {}, killedAt('files-written'), join('..', 'out'));
    renameSync(join('..', 'out'), join('..', 'moved'));
    mkdirSync(join('..', 'out'));
    for (const name of readdirSync(join('..', 'moved'))) writeFileSync(join('..', 'out', name), 'somebody else');
    assert.match((await run(['rollback'], {}, {}, join('..', 'moved'))).text, /had changed nothing yet/);
    assert.deepEqual(
      readdirSync(join('..', 'moved')).filter((name) => /\.5\.\w+\.reg|journal/.test(name)),
      [],
    );
    for (const name of readdirSync(join('..', 'out')))
      assert.equal(readFileSync(join('..', 'out', name), 'utf8'), 'somebody else', name);
  } finally {
    process.chdir(here);
  }
});

test('when the registry cannot be read after the import, the state is unclear and the next run settles it', async () => {
  const original = seed(nina);
  const { config } = fakeDeps({ registry: '' });
  const windows = { config: { ...config, convention: 'windows' as const } };
  for (const [command, loads] of [[['apply', ...TARGET], 3] as const, [['rollback'], 3] as const]) {
    const deaf = await run([...command], { failingLoad: loads }, windows);
    assert.equal(deaf.code, 1603, deaf.text);
    assert.match(deaf.text, /run again/);
    assert.ok(written().includes(`${NAME}.journal.json`));
    const next = await run([...command], {}, windows);
    assert.equal(next.code, 0, next.text);
    assert.match(next.text, /was complete/);
    assert.equal(changed(original), command[0] === 'apply' ? 9 : 0);
  }
});

test('what is written is for this user alone', async () => {
  seed(nina);
  await run(['apply', ...TARGET]);
  for (const name of written()) assert.equal(statSync(join(folder, 'out', name)).mode & 0o077, 0, name);
});

function ticks(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
