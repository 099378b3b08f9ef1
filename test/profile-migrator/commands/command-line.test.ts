// What each command line means: accepted, refused, and what is printed where.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import type { DiscoverAnswer, MigratorDeps } from '../../../src/profile-migrator/commands/deps.ts';
import { runMigrator } from '../../../src/profile-migrator/commands/run-migrator.ts';
import { type RegEntry, snapshotsOf } from '../../../src/profile-migrator/registry/reg-file.ts';
import { readRegFile } from '../../../src/profile-migrator/registry/reg-file-reader.ts';
import { renderRegFile } from '../../../src/profile-migrator/registry/reg-file-writer.ts';
import { parseResultLine } from '../../../src/profile-migrator/result-line.ts';
import { fakeDeps } from '../apply/fake-registry.ts';
import { type AccountSpec, buildEntries, buildRegFile, serverDn } from '../build-profile.ts';

const nina: AccountSpec = { alias: 'nina', home: 'FS1', fqdn: 'fs1.fabrikam.test' };
const OLD = '--from FS1 fs1.fabrikam.test';
const TO = '--to outlook.fabrikam.test';

const ESCAPE = '\u001b';
const GREEN = `${ESCAPE}[32m`;

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'migrator-commands-'));
  mkdirSync(join(folder, 'many', 'sub'), { recursive: true });
  const file = buildRegFile({
    root: 'HKEY_USERS\\S-1-5-21-1-2-3-1001',
    profiles: [{ name: 'Work', accounts: [nina] }],
  });
  for (const name of [
    'a.reg',
    'many/a.reg',
    'many/sub/b.reg',
    'many/a.patch.reg',
    'many/a.UNDO.reg',
    'many/a.2.restore.reg',
    'many/note.txt',
  ]) {
    writeFileSync(join(folder, name), file);
  }
  writeFileSync(join(folder, 'empty.reg'), buildRegFile({ profiles: [] }));
  writeFileSync(join(folder, 'bad.reg'), 'no registry');
});
after(() => rmSync(folder, { recursive: true }));

interface Run {
  code: number;
  out: string;
  err: string;
}

async function run(line: string, more: Partial<MigratorDeps> = {}): Promise<Run> {
  const deps = fakeDeps({ registry: '' }, more);
  const { openLive: _, ...withoutLive } = deps;
  const args = line
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => word.replace('@', `${folder}/`));
  const code = await runMigrator(
    args,
    line.includes('--live') || line.includes('--user') || line.includes('--all') ? deps : { ...withoutLive, ...more },
  );
  return { code, out: deps.out.join(''), err: deps.err.join('') };
}

test('command lines that are obeyed', async () => {
  const good = async (line: string, code = 0) => {
    const result = await run(line);
    assert.equal(result.code, code, `${line}: ${result.err}`);
  };
  await good(`inspect --reg @a.reg`);
  await good(`plan --reg @a.reg ${OLD} ${TO}`);
  await good(`plan ${TO} --from FS1 --from fs1.fabrikam.test --reg @a.reg --reg @many/a.reg`); // repeated instead of several words
  await good(`plan --reg @a.reg @empty.reg ${OLD} ${TO}`);
  await good(`plan --reg @a.reg ${OLD} ${TO} --exit-code`, 3);
  await good(`plan --reg @empty.reg ${OLD} ${TO} --exit-code`);
  await good(`plan --reg @a.reg --from FS1 ${TO}`, 1); // refused: half-mapped
  await good(`plan --reg @a.reg --from FS1 ${TO} --exit-code`, 1); // a refusal outweighs pending changes
  await good(`plan --reg @bad.reg @a.reg ${OLD} ${TO}`, 1);
  await good(`plan --reg @a.reg ${OLD} ${TO} --profile work`);
  await good(`plan --reg @a.reg ${OLD} ${TO} --outlook 2010 --exit-code`, 3);
  await good(`plan --reg @a.reg ${OLD} ${TO} --outlook 2013 16.0 --exit-code`); // no such profile
  await good(`plan --reg @a.reg ${OLD} ${TO} --profile other --exit-code`);
  await good('--help');
  await good('--version');
  await good('plan --help');
});

test('command lines that are refused as usage', async () => {
  const bad = async (line: string, want: RegExp) => {
    const { code, err, out } = await run(line);
    assert.equal(code, 2, `${line}: ${err}${out}`);
    assert.match(err, want, line);
  };
  await bad('', /Usage/);
  await bad('migrate', /unknown command/);
  await bad(`plan --reg @a.reg ${OLD}`, /say where to/);
  await bad(`plan --reg @a.reg ${TO}`, /needs --from/);
  await bad(`plan --reg @a.reg ${OLD} --to OUTLOOK`, /no FQDN/);
  await bad(`plan --reg @a.reg ${OLD} outlook.fabrikam.test ${TO}`, /both an old server and an array/);
  await bad(`plan --reg @a.reg ${OLD} ${TO} --policy @p.json`, /exclude each other/);
  await bad(`plan --reg @a.reg --policy @p.json ${OLD}`, /holds everything/);
  await bad(`plan --reg @a.reg --policy @nowhere.json`, /cannot read/);
  await bad(`plan --reg @a.reg ${OLD} --settings @s.xml`, /cannot read saved|no Autodiscover/);
  await bad(`plan --reg @a.reg --autodiscover`, /no Autodiscover client/);
  await bad(`plan --reg @a.reg ${OLD} ${TO} --ca ca.pem`, /belong to --autodiscover/);
  await bad('plan --reg @a.reg --autodiscover --password-file p', /belongs to --autodiscover-user/);
  await bad(`plan --reg @a.reg ${OLD} ${TO} --server-dn CN=x`, /no server DN/);
  await bad(`plan --reg @a.reg --autodiscover --server-dn /o=x`, /belongs to --to/);
  await bad(`plan --reg @a.reg ${OLD} ${TO} --proxy owa.fabrikam.test`, /expected OLD=NEW/);
  await bad(`plan --reg @a.reg ${OLD} ${TO} --proxy a.test=b.test a.test=c.test`, /two replacements/);
  await bad(`plan --reg @a.reg ${OLD} ${TO} --public-folders MBX`, /public-folder server/);
  await bad(`plan --reg @a.reg ${OLD} ${TO} --code-page 99`, /Known: /);
  await bad(`plan --live --code-page 1252 ${OLD} ${TO}`, /--code-page is for --reg/);
  await bad(`plan --reg @a.reg ${OLD} ${TO} --outlook 95`, /Known: /);
  await bad(`plan --reg @a.reg --live ${OLD} ${TO}`, /exclude each other/);
  await bad(`plan --user S-1-5-21-1 --all-users ${OLD} ${TO}`, /cannot be used with/);
  await bad(`plan ${OLD} ${TO}`, /no live registry on this system/);
  await bad(`plan ${OLD} ${TO} --reg`, /argument missing/);
  await bad(`apply --reg @a.reg ${OLD} ${TO}`, /needs --out/);
  await bad(`apply --live ${OLD} ${TO}`, /give --no-precheck/);
  await bad(`apply --live ${OLD} ${TO} --wait soon`, /number of seconds/);
  await bad('rollback --reg @a.reg', /needs --out/);
  mkdirSync(join(folder, 'none'), { recursive: true });
  await bad(`plan --reg @none ${OLD} ${TO}`, /no \.reg file/);
});

test('every command explains itself, exit codes included', async () => {
  for (const command of ['', 'inspect', 'plan', 'apply', 'rollback']) {
    const { out } = await run(`${command} --help`);
    assert.match(out, /Exit codes:\n {2}0 /, command);
  }
  assert.match((await run('--help')).out, /"version": 1/); // the policy format
});

test('text for people goes to standard output, coloured on a terminal only', async () => {
  const chunks: string[] = [];
  const { config } = fakeDeps({ registry: '' });
  const terminal = { write: (text: string) => chunks.push(text), isTTY: true, columns: 80 };
  await run(`plan --reg @a.reg ${OLD} ${TO}`, { stdout: terminal, config: { ...config, colour: true } });
  assert.ok(chunks.join('').includes(`${GREEN}          + outlook.fabrikam.test`));
  const plain = await run(`plan --reg @a.reg ${OLD} ${TO}`, { config: { ...config, colour: true } });
  assert.ok(!plain.out.includes(ESCAPE));
  assert.match(plain.out, /- FS1\n +\+ outlook\.fabrikam\.test/);
  assert.equal(plain.err, '');
  chunks.length = 0;
  await run(`plan --reg @a.reg ${OLD} ${TO}`, { stdout: terminal, config: { ...config, colour: false } }); // NO_COLOR
  assert.ok(!chunks.join('').includes(ESCAPE));
});

test('--json prints result lines and nothing else; --quiet nothing but errors', async () => {
  const json = await run(`plan --reg @a.reg @bad.reg @empty.reg ${OLD} ${TO} --json`);
  const lines = json.out
    .trim()
    .split('\n')
    .map((line) => parseResultLine(line, 'output'));
  assert.deepEqual(
    lines.map(({ outcome, profile }) => `${outcome} ${profile?.name}`),
    ['planned Work', 'failed undefined', 'nothing-to-do undefined'],
  );
  assert.equal(lines[0]?.user, 'S-1-5-21-1-2-3-1001');
  assert.equal(lines[1]?.error?.code, 'reg-syntax');
  assert.match(json.err, /bad\.reg: cannot read/);
  const quiet = await run(`plan --reg @a.reg @bad.reg ${OLD} ${TO} --quiet`);
  assert.equal(quiet.out, '');
  assert.match(quiet.err, /bad\.reg: cannot read/);
});

test('a folder gives its .reg files, but not ours, under names of their own; nothing is ever overwritten', async () => {
  const line = `plan --reg @many @a.reg ${OLD} ${TO} --out @out`;
  assert.equal((await run(line)).code, 0);
  const names = () =>
    readdirSync(join(folder, 'out'))
      .filter((name) => name.endsWith('.patch.reg'))
      .sort();
  assert.deepEqual(names(), ['a.2.patch.reg', 'a.patch.reg', 'sub_b.patch.reg']); // a.reg occurs twice in the run
  const kept = readFileSync(join(folder, 'out', 'a.patch.reg'));
  assert.equal((await run(line)).code, 0);
  assert.deepEqual(names(), [
    'a.2.2.patch.reg',
    'a.2.patch.reg',
    'a.3.patch.reg',
    'a.patch.reg',
    'sub_b.2.patch.reg',
    'sub_b.patch.reg',
  ]);
  assert.deepEqual(readFileSync(join(folder, 'out', 'a.patch.reg')), kept);
});

test('patch and undo keep the root of the source unless it is to be the current user', async () => {
  const rootOf = (name: string) => {
    const [entry] = readRegFile(readFileSync(join(folder, name)), name).entries;
    return entry?.kind === 'key' ? entry.path.split('\\').slice(0, 2).join('\\') : '';
  };
  await run(`plan --reg @a.reg ${OLD} ${TO} --out @kept`);
  assert.equal(rootOf('kept/a.patch.reg'), 'HKEY_USERS\\S-1-5-21-1-2-3-1001');
  assert.equal(rootOf('kept/a.undo.reg'), 'HKEY_USERS\\S-1-5-21-1-2-3-1001');
  await run(`apply --reg @a.reg ${OLD} ${TO} --out @mine --as-hkcu`);
  assert.equal(rootOf('mine/a.patch.reg'), 'HKEY_CURRENT_USER\\Software');
  assert.equal(rootOf('mine/a.undo.reg'), 'HKEY_CURRENT_USER\\Software');
});

test('one file may hold several users, and parents that hold none', async () => {
  const spec = (root: string) => buildEntries({ root, profiles: [{ name: 'Work', accounts: [nina] }] });
  const parents = ['HKEY_USERS', 'HKEY_USERS\\.DEFAULT', 'HKEY_USERS\\S-1-5-18'].map(
    (path): RegEntry => ({ kind: 'key', path }),
  );
  const users = ['HKEY_USERS\\S-1-5-21-1-2-3-1', 'HKEY_USERS\\S-1-5-21-1-2-3-2'];
  writeFileSync(join(folder, 'users.reg'), renderRegFile([...parents, ...users.flatMap(spec)]));
  const { code, out } = await run(`plan --reg @users.reg ${OLD} ${TO} --json --out @users`);
  assert.equal(code, 0);
  const roots = out
    .trim()
    .split('\n')
    .map((line) => parseResultLine(line, 'output').root);
  assert.deepEqual(roots, users);
  const patch = readRegFile(readFileSync(join(folder, 'users', 'users.patch.reg')), 'x');
  assert.deepEqual(
    snapshotsOf(patch).map(({ rootPath }) => rootPath),
    users,
  );
  const merged = await run(`plan --reg @users.reg ${OLD} ${TO} --as-hkcu --out @users`);
  assert.equal(merged.code, 2);
  assert.match(merged.err, /several users/);
});

test('a run that is broken off leaves no progress bar behind, which would keep the program running', async () => {
  const said: string[] = [];
  const stderr = Object.assign(Object.create(process.stderr), {
    write: (text: string) => said.push(text) > 0,
    isTTY: true,
    columns: 200,
  });
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const { code } = await run(`plan --reg @a.reg @many ${OLD} ${TO} --log @a.reg/log`, { stderr });
  assert.equal(code, 1);
  const broken = await run(`apply --reg @a.reg @many ${OLD} ${TO}`, { stderr });
  assert.equal(broken.code, 2);
  assert.match(said.join(''), /needs --out/);
  assert.equal(timers(), before);
  assert.doesNotMatch(said.join(''), /\[\?7l/, 'a terminal that no longer wraps its lines after Ctrl+C');
});

test('a source with nothing to change gets only the result', async () => {
  await run(`plan --reg @empty.reg ${OLD} ${TO} --out @nothing`);
  assert.deepEqual(readdirSync(join(folder, 'nothing')), ['empty.result.jsonl']);
});

test('a result that was cut off counts as not finished, and stops no other source', async () => {
  const line = `plan --reg @many ${OLD} ${TO} --out @cut --json`;
  const { out } = await run(line);
  const path = join(folder, 'cut', 'sub_b.result.jsonl');
  const whole = readFileSync(path, 'utf8');
  for (const text of [whole.slice(0, 100), '', whole.replace('"version":1', '"version":2')]) {
    writeFileSync(path, text);
    const again = await run(`${line} --resume`);
    assert.equal(again.code, 0, again.err);
    assert.match(again.err, /1 of 2 sources are finished already/);
    assert.equal(again.out, out.split('\n').slice(1).join('\n'));
    rmSync(join(folder, 'cut', 'sub_b.2.result.jsonl'));
    rmSync(join(folder, 'cut', 'sub_b.2.patch.reg'));
    rmSync(join(folder, 'cut', 'sub_b.2.undo.reg'));
  }
});

test('nobody reads the output any more, or it cannot be kept: the run comes to its end', () => {
  const program = join(import.meta.dirname, '../../../src/cli/profile-migrator.ts');
  const sources = join(folder, 'unread');
  mkdirSync(sources);
  for (let i = 0; i < 30; i++) writeFileSync(join(sources, `u${i}.reg`), readFileSync(join(folder, 'a.reg')));
  const through = (name: string, rest: string) => {
    const line = `plan --reg ${sources} ${OLD} ${TO} --json --out ${join(folder, name)}`.split(' ');
    const code = join(folder, `${name}.code`);
    const script = `{ "$0" "$@"; echo $? >${code}; } ${rest}`;
    const args = ['-c', script, process.execPath, program, ...line];
    const { stderr } = spawnSync('/bin/sh', args, { encoding: 'utf8', timeout: 30_000 });
    assert.doesNotMatch(stderr, /\n +at /, 'no stack');
    assert.equal(readdirSync(join(folder, name)).filter((file) => file.endsWith('.result.jsonl')).length, 30, name);
    return Number(readFileSync(code, 'utf8'));
  };
  assert.equal(through('head', '| head -c 1 >/dev/null'), 0);
  assert.equal(through('unkept', '>/dev/full'), 1); // what was to be collected is not there
  const help = spawnSync('/bin/sh', ['-c', '"$0" "$1" --help >/dev/full', process.execPath, program], {
    encoding: 'utf8',
  });
  assert.equal(help.status, 1);
  assert.match(help.stderr, /^profile-migrator: cannot write the output: .*\n$/);
});

test('a file that could not be written whole is not left behind as if it were', () => {
  const program = join(import.meta.dirname, '../../../src/profile-migrator/commands/output-folder.ts');
  const script = `
    import { openOutput } from ${JSON.stringify(program)};
    const output = await openOutput(${JSON.stringify(join(folder, 'full'))}, 'a');
    const code = await output.write('result.jsonl', 'x'.repeat(100_000)).then(() => '', (error) => error.code);
    if (code !== 'write-failed') process.exitCode = 9;`;
  // Stands for a full disk: files end at 4 or 8 KiB, and the signal about it is switched off.
  const limited = ['-c', 'trap "" XFSZ; ulimit -f 8; exec "$0" --input-type=module-typescript -e "$1"'];
  const { status, stderr } = spawnSync('/bin/sh', [...limited, process.execPath, script], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.deepEqual(readdirSync(join(folder, 'full')), []);
});

test('of what belongs together nothing is left when one of it cannot be written', () => {
  const program = join(import.meta.dirname, '../../../src/profile-migrator/commands/output-folder.ts');
  const script = `
    import { openOutput } from ${JSON.stringify(program)};
    const output = await openOutput(${JSON.stringify(join(folder, 'set'))}, 'a');
    const files = [{ kind: 'patch.reg', data: 'x' }, { kind: 'result.jsonl', data: 'x'.repeat(100_000) }];
    const code = await output.writeAll(files).then(() => '', (error) => error.code);
    if (code !== 'write-failed') process.exitCode = 9;`;
  const limited = ['-c', 'trap "" XFSZ; ulimit -f 8; exec "$0" --input-type=module-typescript -e "$1"'];
  const { status, stderr } = spawnSync('/bin/sh', [...limited, process.execPath, script], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.deepEqual(readdirSync(join(folder, 'set')), [], 'a patch without the result that rollback works from');
});

test('names of output files: short enough in bytes, and free of what ends a name on Windows', async () => {
  const names = ['n'.repeat(245), '\u00e4\u6f22'.repeat(45), 'D:share'];
  mkdirSync(join(folder, 'names'));
  for (const name of names) writeFileSync(join(folder, 'names', `${name}.reg`), readFileSync(join(folder, 'a.reg')));
  const { code, err, out } = await run(`plan --reg @names ${OLD} ${TO} --out @named`);
  assert.equal(code, 0, `${err}${out}`);
  const written = readdirSync(join(folder, 'named'));
  assert.equal(written.length, 9);
  for (const name of written) assert.ok(Buffer.byteLength(name) < 180 && !/[:\\]/.test(name), name);
  const again = await run(`plan --reg @names ${OLD} ${TO} --out @named --resume`);
  assert.match(again.err, /3 of 3 sources are finished already/);
});

test('a folder that cannot be read is a source that failed; one that is called like a file is none', async () => {
  const top = join(folder, 'deep');
  mkdirSync(join(top, 'folder.reg'), { recursive: true });
  writeFileSync(join(top, 'a.reg'), readFileSync(join(folder, 'a.reg')));
  // A path longer than the system takes.
  const deeper = ['-c', 'cd "$0"; for i in $(seq 20); do mkdir $1; cd -P $1; done', top, 'd'.repeat(250)];
  assert.equal(spawnSync('/bin/sh', deeper).status, 0);
  try {
    const { code, out, err } = await run(`plan --reg @deep @deep/./a.reg ${OLD} ${TO} --out @deep-out`);
    assert.equal(code, 1, err);
    assert.match(out, /2 results: 1 planned, 1 failed/);
    assert.match(out, /failed: cannot look for \.reg files in \S+dddd: ENAMETOOLONG/);
    assert.equal(err, '');
  } finally {
    spawnSync('rm', ['-rf', top]);
  }
});

test('results that cannot be read are no missing results', async () => {
  await run(`apply --reg @a.reg ${OLD} ${TO} --out @unread-results`);
  const result = join(folder, 'unread-results', 'a.result.jsonl');
  rmSync(result);
  mkdirSync(result); // stands for one that this account may not read
  const back = await run(`rollback --reg @a.reg --out @unread-results`);
  assert.equal(back.code, 1);
  assert.match(back.out, /failed: cannot read \S+a\.result\.jsonl: EISDIR/);
  const resumed = await run(`apply --reg @a.reg ${OLD} ${TO} --out @unread-results --resume`);
  assert.match(resumed.err, /0 of 1 sources are finished already/);
});

test('results and progress on the same terminal do not write over each other', async () => {
  const said: string[] = [];
  const terminal = () =>
    Object.assign(Object.create(process.stderr), {
      write: (text: string) => said.push(text) > 0,
      isTTY: true,
      columns: 200,
    });
  await run(`plan --reg @many ${OLD} ${TO}`, { stdout: terminal(), stderr: terminal() });
  assert.match(said.join(''), /Profile/);
  for (const bar of ['/2 sources', '\u001b7', '\u001b8'])
    assert.ok(!said.join('').includes(bar), 'a bar goes back to where it stood');
});

test('rollback of .reg files writes the restoration', async () => {
  const out = 'rolled';
  const applied = await run(`apply --reg @a.reg ${OLD} ${TO} --out @${out}`);
  assert.match(applied.out, /nothing is changed yet: import the \.patch\.reg/);
  const before = await run(`rollback --reg @a.reg --out @${out}`);
  assert.equal(before.code, 0, before.err);
  assert.match(before.out, /0 values to restore/); // the patch was never imported
  const missing = await run(`rollback --reg @many/sub/b.reg --out @${out}`);
  assert.equal(missing.code, 1);
  assert.match(missing.out, /nothing to roll back/);
});

test('the log has one line for each event', async () => {
  await run(`plan --reg @a.reg @bad.reg ${OLD} ${TO} --quiet --log @run.log`);
  const lines = readFileSync(join(folder, 'run.log'), 'utf8').trim().split('\n');
  assert.equal(lines.length, 3);
  assert.ok(lines.every((line) => line.startsWith('2026-01-02T03:04:05.000Z ')));
  assert.match(lines[1] ?? '', /profile "Work": planned/);
  assert.match(lines[2] ?? '', /failed: cannot read/);
});

test('a log that cannot be written any more breaks nothing off, and is told at the end', async () => {
  const log = join(folder, 'lost.log');
  const out: string[] = [];
  const stdout = {
    write: (text: string) => {
      if (out.length === 0) {
        rmSync(log);
        mkdirSync(log); // stands for a share that went away
      }
      return out.push(text) > 0;
    },
  };
  const { code, err } = await run(`plan --reg @many ${OLD} ${TO} --json --out @lost-log --log @lost.log`, { stdout });
  assert.equal(code, 1);
  assert.match(err, /^cannot write log \S+lost\.log: EISDIR.*\n$/);
  assert.equal(out.length, 2, 'every source has its result');
  assert.equal(readdirSync(join(folder, 'lost-log')).filter((name) => name.endsWith('.result.jsonl')).length, 2);
  const never = await run(`plan --reg @many ${OLD} ${TO} --json --log @lost.log`);
  assert.deepEqual([never.code, never.out], [1, ''], 'what cannot be logged from the start is not begun');
});

test('--autodiscover takes the array of each account from its own answer', async () => {
  const asked: string[] = [];
  const answer = (found: DiscoverAnswer): Partial<MigratorDeps> => ({
    openAutodiscover: async () => async (address) => {
      asked.push(address);
      return found;
    },
  });
  const server = { kind: 'server', server: 'outlook.fabrikam.test', serverDn: undefined } as const;
  const found = await run('plan --reg @a.reg @many/a.reg --autodiscover --exit-code', answer(server));
  assert.equal(found.code, 3, found.out);
  assert.match(found.out, /- FS1\n +\+ outlook\.fabrikam\.test/); // the account's own names are the old ones
  assert.deepEqual(asked, ['nina@fabrikam.test'], 'each address is asked once');
  const partly = await run('plan --reg @a.reg --autodiscover --from FS1', answer(server));
  assert.match(partly.out, /to include it: --from fs1\.fabrikam\.test/);
  const none = await run('plan --reg @a.reg --autodiscover', answer({ kind: 'none', detail: 'no service' }));
  assert.equal(none.code, 1);
  assert.match(none.out, /Autodiscover gave no array for it \(no service\)/);
  const short = await run('plan --reg @a.reg --autodiscover', answer({ ...server, server: 'FS1' }));
  assert.match(short.out, /"FS1", is no FQDN/);
  const single = (serverDn: string | undefined) => answer({ ...server, server: 'fs1.fabrikam.test', serverDn });
  for (const dn of [undefined, serverDn('FS1')]) {
    const same = await run('plan --reg @a.reg --autodiscover', single(dn)); // no array is set on the database
    assert.equal(same.code, 1);
    assert.match(same.out, /a single server and no array/);
  }
});

test('--settings supplies the target only', async () => {
  const readSettings = async () => ({
    server: 'outlook.fabrikam.test',
    serverDn: '/o=Fabrikam/ou=X/cn=Configuration/cn=Servers/cn=outlook.fabrikam.test',
  });
  const found = await run(`plan --reg @a.reg ${OLD} --settings @s.xml`, { readSettings });
  assert.match(found.out, /\+ \/o=Fabrikam\/ou=X\/cn=Configuration\/cn=Servers\/cn=outlook/);
  assert.equal((await run('plan --reg @a.reg --settings @s.xml', { readSettings })).code, 2);
});

test('text from a registry cannot steer the terminal', async () => {
  const evil = buildRegFile({
    profiles: [{ name: 'x\u001b[2Jy\u202e', accounts: [{ ...nina, address: 'a\u0007@b.test' }] }],
  });
  writeFileSync(join(folder, 'evil.reg'), evil);
  for (const command of ['inspect', `plan ${OLD} ${TO}`]) {
    const { out } = await run(`${command} --reg @evil.reg`);
    assert.doesNotMatch(out.replaceAll('\n', ''), /[\p{Cc}\u202e]/u);
    assert.match(out, /x\\u001b\[2Jy/);
  }
  const torn = buildRegFile({ profiles: [{ name: 'x', accounts: [{ ...nina, fqdn: 'f\u001b[2J\u202e.test' }] }] });
  mkdirSync(join(folder, 'evil'));
  writeFileSync(join(folder, 'evil', 'torn\u001b[2J.reg'), torn);
  writeFileSync(join(folder, 'evil', 'bad\u001b[2J.reg'), 'no registry');
  for (const more of ['', '--quiet', '--json', '--quiet --log @evil.log']) {
    const { out, err } = await run(`plan --reg @evil ${OLD} ${TO} ${more}`);
    const said = more === '--json' ? err : `${out}${err}`;
    assert.doesNotMatch(said.replaceAll('\n', ''), /[\p{Cc}\u202e]/u, more);
    assert.match(said, /torn\\u001b\[2J\.reg[\s\S]*--from f\\u001b/, more);
    assert.match(said, /bad\\u001b\[2J\.reg.*expected/, more);
  }
  const log = readFileSync(join(folder, 'evil.log'), 'utf8');
  assert.doesNotMatch(log.replaceAll('\n', ''), /[\p{Cc}\u202e]/u);
  const missing = await run(`plan --reg @evil/\u001b[2J ${OLD} ${TO}`);
  assert.doesNotMatch(missing.err.replaceAll('\n', ''), /\p{Cc}/u);
});

test('a profile that is not there by that name: what is there is said', async () => {
  for (const line of ['inspect --reg @a.reg --profile Wrok', `plan --reg @a.reg --profile Wrok ${OLD} ${TO}`]) {
    const { code, out } = await run(line);
    assert.equal(code, 0);
    assert.match(out, /no profile here that --profile and --outlook choose; there is "Work"/);
  }
  assert.match((await run('inspect --reg @empty.reg')).out, /^ {2}no profile here$/m);
});

test('a source that does not exist is wrong usage, among others too', async () => {
  const { code, err } = await run(`plan --reg @a.reg @nosuch.reg ${OLD} ${TO}`);
  assert.equal(code, 2);
  assert.match(err, /^profile-migrator: there is no \S+nosuch\.reg$/m);
});

test('wrong usage leads to the help of the command', async () => {
  assert.match((await run('plan --nonsense')).err, /unknown option '--nonsense'\nTry: profile-migrator plan --help\n/);
  assert.match((await run('--nonsense')).err, /\nTry: profile-migrator --help\n/);
});

test('a folder below that cannot be opened is a source that failed, and stops no other', async (t) => {
  const closed = join(folder, 'closed', 'inner');
  mkdirSync(closed, { recursive: true });
  writeFileSync(join(folder, 'closed', 'a.reg'), readFileSync(join(folder, 'a.reg')));
  chmodSync(closed, 0);
  t.after(() => {
    chmodSync(closed, 0o700);
    rmSync(join(folder, 'closed'), { recursive: true });
  });
  if (process.getuid?.() === 0) return t.skip('root may open everything');
  const { code, out } = await run('inspect --reg @closed');
  assert.equal(code, 1);
  assert.match(out, /Profile "Work"[\s\S]*failed: cannot look for \.reg files in \S+inner: EACCES/);
});
