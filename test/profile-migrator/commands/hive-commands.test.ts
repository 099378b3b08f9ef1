// The commands over many offline hives: finding them, one bad one among good ones, going on after an interruption, and back again.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { writeJournal } from '../../../src/profile-migrator/apply/journal.ts';
import type { MigratorDeps } from '../../../src/profile-migrator/commands/deps.ts';
import { runMigrator } from '../../../src/profile-migrator/commands/run-migrator.ts';
import { findHives } from '../../../src/profile-migrator/registry/hive/find-hives.ts';
import { HiveImage } from '../../../src/profile-migrator/registry/hive/hive-image.ts';
import { loadKeys } from '../../../src/profile-migrator/registry/hive/load-keys.ts';
import { findKey, findValue, type RegistryKey } from '../../../src/profile-migrator/registry/registry.ts';
import { parseResultLine, type ResultLine } from '../../../src/profile-migrator/result-line.ts';
import { changedPages, entryLog } from '../registry/hive/log-builder.ts';
import { ACCOUNT_PATH, userHive } from '../registry/hive/user-hive.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'hive-commands-'));
after(() => rmSync(FOLDER, { recursive: true, force: true }));
const TARGET = ['--from', 'cas01.contoso.test', '--to', 'outlook.contoso.test'];

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly lines: ResultLine[];
}

async function run(args: readonly string[], stderrIsTerminal = false): Promise<Run> {
  const out: string[] = [];
  const err: string[] = [];
  const config = {
    convention: 'posix',
    computer: 'PC1',
    colour: false,
    stateFolder: join(FOLDER, 'state'),
    systemRoot: '',
    autodiscoverPassword: undefined,
  } as const;
  const deps: MigratorDeps = {
    stdout: { write: (text) => out.push(text) },
    stderr: Object.assign(Object.create(process.stderr), {
      write: (text: string) => err.push(text) > 0,
      isTTY: stderrIsTerminal,
      columns: 200,
    }),
    config,
    program: 'test',
    now: () => new Date(),
    sleep: async () => {
      throw new Error('a hive gives no reason to wait');
    },
  };
  const code = await runMigrator(args, deps);
  const lines = args.includes('--json')
    ? out
        .join('')
        .split('\n')
        .filter(Boolean)
        .map((line, i) => parseResultLine(line, `line ${i}`))
    : [];
  return { code, out: out.join(''), err: err.join(''), lines };
}

let folders = 0;
function makeFolder(): string {
  const folder = join(FOLDER, `case${++folders}`);
  mkdirSync(folder);
  return folder;
}

function put(path: string, bytes: Buffer): string {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}

function rootOf(path: string): RegistryKey {
  return loadKeys(new HiveImage(readFileSync(path)), ['']);
}

function serverIn(path: string): string {
  const data = findValue(findKey(rootOf(path), ACCOUNT_PATH), '001e6602')?.data;
  return data?.toString('utf16le').replace('\0', '') ?? '';
}

const dirty = userHive({ user: 'dora', sequences: { primary: 11, secondary: 10 } });
const newer = userHive({ user: 'dorothea', sequences: { primary: 11, secondary: 10 } });
const log = entryLog(dirty, 10, [
  { sequence: 10, binsSize: newer.readUInt32LE(40), pages: changedPages(dirty, newer) },
]);

/** Users of every kind: two good ones, one with logs, one stale, one damaged, one on another server. */
function makeProfiles(): string {
  const folder = makeFolder();
  put(join(folder, 'anna', 'NTUSER.DAT'), userHive({ user: 'anna', minor: 3 }));
  put(join(folder, 'bert.V6', 'ntuser.dat'), userHive({ user: 'bert' }));
  put(join(folder, 'carl', 'NTUSER.DAT'), dirty);
  put(join(folder, 'carl', 'ntuser.dat.LOG1'), log);
  put(join(folder, 'dora', 'NTUSER.DAT'), dirty);
  put(join(folder, 'emil', 'NTUSER.DAT'), Buffer.from('no hive at all, but long enough to be opened'.repeat(200)));
  put(join(folder, 'groups', 'sales', 'NTUSER.MAN'), userHive({ user: 'sales', server: 'other.contoso.test' }));
  put(join(folder, 'anna', 'NTUSER.DAT.LOG1'), Buffer.alloc(512));
  put(join(folder, 'anna', 'UsrClass.dat'), Buffer.alloc(512));
  return folder;
}

const outcomes = (lines: readonly ResultLine[]): string[] => lines.map((l) => `${l.source.name} ${l.outcome}`);

test('hives are found in folders, by pattern and by name; links are not followed', async () => {
  const folder = makeProfiles();
  symlinkSync(folder, join(folder, 'anna', 'loop'));
  const names = async (...given: string[]) =>
    (await findHives(given)).hives.map(({ path }) => path.slice(folder.length + 1)).sort();
  const all = [
    'anna/NTUSER.DAT',
    'bert.V6/ntuser.dat',
    'carl/NTUSER.DAT',
    'dora/NTUSER.DAT',
    'emil/NTUSER.DAT',
    'groups/sales/NTUSER.MAN',
  ];
  assert.deepEqual(await names(folder), all);
  assert.deepEqual(await names(folder, join(folder, 'anna'), join(folder, 'carl', 'NTUSER.DAT')), all, 'no hive twice');
  assert.deepEqual(await names(join(folder, '*', 'NTUSER.DAT')), [
    'anna/NTUSER.DAT',
    'carl/NTUSER.DAT',
    'dora/NTUSER.DAT',
    'emil/NTUSER.DAT',
  ]);
  assert.deepEqual(await names(join(folder, '[ab]*')), ['anna/NTUSER.DAT', 'bert.V6/ntuser.dat']);
  assert.deepEqual((await findHives([join(folder, 'nobody'), join(folder, 'x*')])).missing.length, 2);
  put(join(folder, 'odd [1]', 'NTUSER.DAT'), dirty);
  assert.deepEqual(await names(join(folder, 'odd [1]')), ['odd [1]/NTUSER.DAT'], 'what exists is no pattern');
});

test('command lines about hives that are refused as usage', async () => {
  const folder = makeProfiles();
  const bad = async (...args: string[]) => assert.equal((await run(args)).code, 2, args.join(' '));
  await bad('inspect', '--hive', join(folder, 'nobody'));
  await bad('inspect', '--hive', makeFolder());
  await bad('inspect', '--hive', folder, '--reg', 'x.reg');
  await bad('inspect', '--hive', folder, '--live');
  await bad('plan', '--hive', folder, ...TARGET, '--resume');
});

test('inspect reads every kind and says what is stale', async () => {
  const folder = makeProfiles();
  const { code, out } = await run(['inspect', '--hive', folder]);
  assert.equal(code, 1);
  assert.match(out, /out of date: dirty, its newest changes are missing: there is no log file beside it/);
  assert.match(out, /pending changes recovered from ntuser\.dat\.LOG1/);
  assert.match(out, /a mandatory profile/);
  assert.match(out, /emil\/NTUSER\.DAT/);
  assert.match(out, /signature "regf" is missing/);
});

test('plan writes patches for good hives only; a bad one stops nobody', async () => {
  const folder = makeProfiles();
  const before = readFileSync(join(folder, 'carl', 'NTUSER.DAT'));
  const { code, lines } = await run(['plan', '--hive', folder, ...TARGET, '--out', join(FOLDER, 'plan-out'), '--json']);
  assert.equal(code, 1);
  assert.deepEqual(outcomes(lines), [
    'anna_NTUSER.DAT planned',
    'bert.V6_ntuser.dat planned',
    'carl_NTUSER.DAT planned',
    'dora_NTUSER.DAT refused',
    'emil_NTUSER.DAT failed',
    'groups_sales_NTUSER.MAN nothing-to-do',
  ]);
  assert.equal(lines[3]?.error?.code, 'hive-dirty');
  assert.equal(lines[4]?.error?.code, 'hive-corrupt');
  const patches = readdirSync(join(FOLDER, 'plan-out')).filter((name) => /patch/.test(name));
  assert.deepEqual(patches.sort(), [
    'anna_NTUSER.DAT.patch.reg',
    'bert.V6_ntuser.dat.patch.reg',
    'carl_NTUSER.DAT.patch.reg',
  ]);
  assert.ok(readFileSync(join(folder, 'carl', 'NTUSER.DAT')).equals(before), 'plan changes nothing');
  // Recovered, not as the file stands: the account is the one the log knows.
  assert.match(JSON.stringify(lines[2]), /dorothea@contoso\.test/);
});

test('apply, apply again, rollback', async () => {
  const folder = makeProfiles();
  const out = join(FOLDER, 'apply-out');
  const anna = join(folder, 'anna', 'NTUSER.DAT');
  const carl = join(folder, 'carl', 'NTUSER.DAT');
  const before = rootOf(anna);
  const all = ['--hive', folder, '--out', out, '--json'];
  const first = await run(['apply', ...all, ...TARGET, '--no-precheck']);
  assert.equal(first.code, 1);
  assert.deepEqual(
    first.lines.map(({ outcome }) => outcome),
    ['changed', 'changed', 'changed', 'refused', 'failed', 'nothing-to-do'],
  );
  assert.deepEqual([serverIn(anna), serverIn(carl)], ['outlook.contoso.test', 'outlook.contoso.test']);
  assert.ok(!existsSync(join(folder, 'carl', 'ntuser.dat.LOG1')), 'the recovered log is put aside');
  assert.ok(readFileSync(join(folder, 'dora', 'NTUSER.DAT')).equals(dirty), 'a stale hive is not written');
  const again = await run(['apply', ...all, ...TARGET, '--no-precheck']);
  assert.deepEqual(
    again.lines.map(({ outcome }) => outcome),
    ['nothing-to-do', 'nothing-to-do', 'nothing-to-do', 'refused', 'failed', 'nothing-to-do'],
  );
  const back = await run(['rollback', ...all]);
  assert.deepEqual(
    back.lines.slice(0, 3).map(({ outcome }) => outcome),
    ['restored', 'restored', 'restored'],
  );
  assert.equal(back.lines[3]?.error?.code, 'nothing-to-roll-back');
  assert.deepEqual(contents(rootOf(anna)), contents(before));
  assert.equal(serverIn(carl), 'cas01.contoso.test');
});

test('the results of one hive are not those of another that has its name elsewhere', async () => {
  const [one, two] = [makeFolder(), makeFolder()];
  const out = join(FOLDER, 'same-name-out');
  put(join(one, 'anna', 'NTUSER.DAT'), userHive({ user: 'anna' }));
  const other = put(join(two, 'anna', 'NTUSER.DAT'), userHive({ user: 'anna', server: 'outlook.contoso.test' }));
  const first = await run(['apply', '--hive', one, '--out', out, ...TARGET, '--no-precheck', '--json']);
  assert.equal(first.lines[0]?.outcome, 'changed');
  const whole = readFileSync(other);
  const wrong = await run(['rollback', '--hive', two, '--out', out, '--json']);
  assert.ok(readFileSync(other).equals(whole), 'a hive that was never changed stays as it is');
  assert.equal(wrong.lines[0]?.error?.code, 'nothing-to-roll-back');
  assert.match(wrong.lines[0]?.error?.message ?? '', /the results are those of .*anna.NTUSER\.DAT/);
  const unsettled = join(out, 'anna_NTUSER.DAT.journal.json');
  const { source } = first.lines[0] ?? assert.fail();
  const value = {
    keyPath: 'Software',
    name: 'x',
    before: undefined,
    after: { name: 'x', type: 1, data: Buffer.alloc(2) },
  };
  await writeJournal(unsettled, {
    ...{ kind: 'apply', state: 'importing', child: undefined, files: [], resultPath: join(out, 'x.result.jsonl') },
    patch: { rootPath: first.lines[0]?.root ?? '', edits: [value] },
    lines: first.lines,
  });
  const kept = readFileSync(unsettled);
  const [open] = (await run(['apply', '--hive', two, '--out', out, ...TARGET, '--no-precheck', '--json'])).lines;
  assert.match(
    open?.error?.message ?? '',
    /is the journal of an interrupted run over .*anna.NTUSER\.DAT; run over that/,
  );
  assert.ok(readFileSync(unsettled).equals(kept), 'what it says of the other hive is not thrown away');
  rmSync(unsettled);
  const back = await run(['rollback', '--hive', `${one}/./anna/NTUSER.DAT`, '--out', out, '--json']);
  assert.equal(back.lines[0]?.outcome, 'restored', `the same hive ${source.label} in another spelling`);
});

test('of two hives of the same name in one run each is rolled back by itself', async () => {
  const [one, two] = [makeFolder(), makeFolder()];
  const out = join(FOLDER, 'numbered-out');
  const [first, second] = [one, two].map((folder) =>
    put(join(folder, 'anna', 'NTUSER.DAT'), userHive({ user: 'anna' })),
  );
  await run(['apply', '--hive', one, two, '--out', out, ...TARGET, '--no-precheck', '--quiet']);
  assert.equal((await run(['rollback', '--hive', two, '--out', out])).code, 0);
  assert.deepEqual([serverIn(first ?? ''), serverIn(second ?? '')], ['outlook.contoso.test', 'cas01.contoso.test']);
});

test('what a result says does not steer the terminal in a rollback', async () => {
  const folder = makeFolder();
  const out = join(FOLDER, 'steering-out');
  put(join(folder, 'anna', 'NTUSER.DAT'), userHive({ user: 'anna' }));
  await run(['apply', '--hive', folder, '--out', out, ...TARGET, '--no-precheck', '--quiet']);
  const result = join(out, 'anna_NTUSER.DAT.result.jsonl');
  const text = readFileSync(result, 'utf8').replaceAll('"property":"', '"property":"\\u001b[2J');
  writeFileSync(result, text);
  const back = await run(['rollback', '--hive', folder, '--out', out]);
  assert.equal(back.code, 0, back.err);
  assert.match(back.out, /\\u001b\[2J/);
  assert.doesNotMatch(back.out.replaceAll('\n', ''), /\p{Cc}/u);
});

test('results that somebody removed hide none of those after them', async () => {
  const folder = makeFolder();
  const out = join(FOLDER, 'gap-out');
  const hive = put(join(folder, 'anna', 'NTUSER.DAT'), userHive({ user: 'anna' }));
  for (let i = 0; i < 3; i++) await run(['plan', '--hive', folder, '--out', out, ...TARGET, '--quiet']);
  await run(['apply', '--hive', folder, '--out', out, ...TARGET, '--no-precheck', '--quiet']);
  assert.ok(existsSync(join(out, 'anna_NTUSER.DAT.4.result.jsonl')));
  // The plans have been looked at, and thrown away.
  for (const name of readdirSync(out)) if (!name.includes('.4.')) rmSync(join(out, name));
  const again = await run(['apply', '--hive', folder, '--out', out, ...TARGET, '--no-precheck', '--resume']);
  assert.match(again.err, /1 of 1 sources are finished already/);
  const back = await run(['rollback', '--hive', folder, '--out', out]);
  assert.equal(back.code, 0, back.out);
  assert.equal(serverIn(hive), 'cas01.contoso.test');
});

test('results are taken in the order of their times, whatever numbers their files have', async () => {
  const folder = makeFolder();
  const out = join(FOLDER, 'order-out');
  const hive = put(join(folder, 'anna', 'NTUSER.DAT'), userHive({ user: 'anna' }));
  const original = contents(rootOf(hive));
  const apply = (...target: readonly string[]) =>
    run(['apply', '--hive', folder, '--out', out, '--no-precheck', '--json', ...target]);
  assert.equal((await apply(...TARGET)).lines[0]?.outcome, 'changed');
  const on = ['--from', 'outlook.contoso.test', '--to', 'outlook2.contoso.test'];
  assert.equal((await apply(...on)).lines[0]?.outcome, 'changed');
  // As when somebody has removed the results between two runs and those after them.
  const [first, second] = ['', '.2'].map((number) => join(out, `anna_NTUSER.DAT${number}.result.jsonl`)) as [
    string,
    string,
  ];
  const [older, newer] = [readFileSync(first), readFileSync(second)];
  writeFileSync(first, newer);
  writeFileSync(second, older);
  assert.equal((await run(['rollback', '--hive', folder, '--out', out])).code, 0);
  assert.deepEqual(contents(rootOf(hive)), original);
});

test('a hive that has another path by now is rolled back when that is said', async () => {
  const [one, two] = [makeFolder(), makeFolder()];
  const out = join(FOLDER, 'moved-out');
  const hive = put(join(one, 'anna', 'NTUSER.DAT'), userHive({ user: 'anna' }));
  await run(['apply', '--hive', one, '--out', out, ...TARGET, '--no-precheck', '--quiet']);
  const moved = put(join(two, 'anna', 'NTUSER.DAT'), readFileSync(hive));
  assert.equal((await run(['rollback', '--hive', two, '--out', out])).code, 1);
  assert.equal((await run(['rollback', '--hive', two, '--out', out, '--moved'])).code, 0);
  assert.equal(serverIn(moved), 'cas01.contoso.test');
});

test('what cannot be written is told with its own reason, at once, and leaves no journal', async () => {
  const folder = makeProfiles();
  const out = join(FOLDER, 'refused-out');
  const anna = join(folder, 'anna', 'NTUSER.DAT');
  const before = readFileSync(anna);
  chmodSync(anna, 0o444);
  const apply = ['apply', '--hive', join(folder, 'anna'), '--out', out, ...TARGET, '--no-precheck', '--json'];
  const { code, lines } = await run(apply);
  assert.deepEqual([code, lines[0]?.outcome, lines[0]?.error?.code], [1, 'failed', 'access-denied']);
  assert.ok(readFileSync(anna).equals(before));
  assert.deepEqual(readdirSync(out), ['anna_NTUSER.DAT.result.jsonl']);
  chmodSync(anna, 0o644);
  const again = await run([...apply, '--resume']);
  assert.equal(again.lines[0]?.outcome, 'changed');
});

/** Every value, whatever the order: a value restored after a deletion stands at the end. */
function contents(key: RegistryKey, path = ''): string[] {
  const own = [...key.values.values()].map(({ name, type, data }) => `${path} ${name} ${type} ${data.toString('hex')}`);
  return [
    path,
    ...own,
    ...[...key.subkeys.values()].flatMap((child) => contents(child, `${path}\\${child.name}`)),
  ].sort();
}

test('text output: where the original is kept, and the sum at the end', async () => {
  const folder = makeProfiles();
  const { out } = await run(['apply', '--hive', folder, '--out', join(FOLDER, 'text-out'), ...TARGET, '--no-precheck']);
  assert.match(out, /the original is kept as .*anna\/NTUSER\.DAT\.\d{8}T\d{6}Z\.bak/);
  assert.match(out, /not changed: the hive is out of date/);
  assert.match(out, /6 results: 3 changed, 1 refused, 1 failed, 1 nothing to do/);
});

test('progress shows counts and rate on a terminal only', async () => {
  const folder = makeProfiles();
  const args = ['plan', '--hive', folder, ...TARGET, '--json'];
  assert.match((await run(args, true)).err, /6\/6 sources, [\d.]+\/s, 3 changing, 2 refused or failed/);
  assert.doesNotMatch((await run(args)).err, /sources,/);
});

test('--resume skips what is finished and tries again what failed', async () => {
  const folder = makeProfiles();
  const out = join(FOLDER, 'resume-out');
  await run(['plan', '--hive', join(folder, 'anna'), join(folder, 'emil'), '--out', out, ...TARGET, '--quiet']);
  const second = await run([
    'plan',
    '--hive',
    join(folder, 'anna'),
    join(folder, 'emil'),
    '--out',
    out,
    ...TARGET,
    '--resume',
    '--json',
  ]);
  assert.match(second.err, /1 of 2 sources are finished already/);
  assert.deepEqual(
    second.lines.map(({ source }) => source.label),
    [join(folder, 'emil', 'NTUSER.DAT')],
  );
  const other = makeProfiles();
  const third = await run(['plan', '--hive', join(other, 'anna'), '--out', out, ...TARGET, '--resume', '--json']);
  assert.equal(third.lines.length, 1, 'a hive of the same name elsewhere is another hive');
  const apply = await run([
    'apply',
    '--hive',
    join(folder, 'anna'),
    '--out',
    out,
    ...TARGET,
    '--resume',
    '--json',
    '--no-precheck',
  ]);
  assert.equal(apply.lines[0]?.outcome, 'changed', 'a plan is no apply');
});

test('a hive whose path would make too long a name gets a shortened one', async () => {
  const folder = makeFolder();
  const deep = join(folder, ...Array.from({ length: 12 }, (_, i) => `a rather long folder name ${i}`));
  put(join(deep, 'NTUSER.DAT'), userHive());
  put(join(deep, 'x', 'NTUSER.DAT'), userHive());
  const { code } = await run(['plan', '--hive', folder, '--out', join(FOLDER, 'long-out'), ...TARGET, '--quiet']);
  assert.equal(code, 0);
  const names = readdirSync(join(FOLDER, 'long-out')).filter((name) => name.endsWith('.result.jsonl'));
  assert.equal(names.length, 2);
  for (const name of names) assert.ok(name.length < 200);
});

const KILLS = Number(process.env.HIVE_KILLS ?? 3);

test(`a run over 24 hives killed ${KILLS} times at random ends with every hive changed once, and goes back`, async () => {
  const folder = makeFolder();
  const out = join(folder, 'out');
  const profiles = join(folder, 'profiles');
  for (let i = 0; i < 24; i++) put(join(profiles, `user${i}`, 'NTUSER.DAT'), userHive({ user: `user${i}` }));
  cpSync(profiles, join(folder, 'before'), { recursive: true });
  const cli = join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'profile-migrator.ts');
  const args = ['apply', '--hive', profiles, '--out', out, ...TARGET, '--no-precheck', '--quiet', '--resume'];
  for (let i = 0; i < KILLS; i++) {
    await new Promise<void>((resolve) => {
      const child = spawn(process.execPath, [cli, ...args], { stdio: 'ignore' });
      // The program itself needs about a third of a second before it touches the first hive.
      const timer = setTimeout(() => child.kill('SIGKILL'), 350 + ((i * 137) % 500));
      child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    for (const user of readdirSync(profiles)) {
      assert.match(serverIn(join(profiles, user, 'NTUSER.DAT')), /^(?:cas01|outlook)\.contoso\.test$/);
    }
  }
  assert.equal((await run(args)).code, 0);
  for (const user of readdirSync(profiles))
    assert.equal(serverIn(join(profiles, user, 'NTUSER.DAT')), 'outlook.contoso.test');
  const back = await run(['rollback', '--hive', profiles, '--out', out, '--json']);
  assert.equal(back.code, 0, back.err);
  for (const user of readdirSync(profiles)) {
    const [now, then] = [profiles, join(folder, 'before')].map((base) =>
      contents(rootOf(join(base, user, 'NTUSER.DAT'))),
    );
    assert.deepEqual(now, then);
  }
  for (const user of readdirSync(profiles)) {
    assert.deepEqual(
      readdirSync(join(profiles, user)).filter((name) => name.includes('migrator')),
      [],
    );
  }
});
