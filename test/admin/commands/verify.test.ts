// `verify` over the demo organisations: exactly the seeded faults, nothing in the one without, and reports that can be compared.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { verifyCommand } from '../../../src/admin/commands/verify.ts';
import type { Check } from '../../../src/admin/verify/check.ts';
import { type Run, runCommand } from '../../autodiscover/commands/run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'verify-'));
after(() => rmSync(folder, { recursive: true }));

const verify = (...args: readonly string[]): Promise<Run> =>
  runCommand(verifyCommand, [...args, '--certs', folder], {});

function checksOf(run: Run): readonly Check[] {
  assert.equal(run.error, undefined, run.error?.stack);
  return JSON.parse(run.stdout).checks;
}

const PROGRAM = join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'autodiscover.ts');
const file = (name: string) => join(folder, name);
let baseline: string;

test('--all-databases --demo reports exactly the seeded faults, the same in every run', async () => {
  const [first, junit] = [await verify('--all-databases', '--demo', '--json', '--junit', file('1.xml')), file('1.xml')];
  assert.equal(first.exitCode, 1);
  const checks = checksOf(first);
  const wrong = checks
    .filter(({ outcome }) => outcome !== 'passed')
    .map(({ subject, check, detail }) => [subject, check, detail]);
  assert.deepEqual(
    wrong.map(([subject, check]) => [subject, check]),
    [
      ['dave@contoso.test', 'directory'],
      ['carol@contoso.test', 'directory'],
      ['olga@contoso.test', 'directory'],
    ],
  );
  for (const [at, text] of [
    /has no legacyExchangeDN/,
    /single server sea-cas1/,
    /SEA-MBX1, a server without/,
  ].entries())
    assert.match(wrong[at]?.[2] ?? '', text);
  // Both dialects were compared setting by setting, and the answers followed to every member.
  for (const [subject, check] of [
    ['alice@contoso.test', 'pox InternalRpcClientServer'],
    ['alice@contoso.test', 'soap InternalRpcClientServer'],
    ['alice@contoso.test', 'mobilesync URL'],
    ['outlook-sea.contoso.test', 'EMSMDB'],
    ['outlook-sea.contoso.test member sea-cas2.contoso.test', 'NSPI'],
    ['outlook-sea.contoso.test', 'same ports'],
    ['https://mail.contoso.test/EWS/Exchange.asmx', 'answers'],
    ['contoso.test', 'root domain'],
  ])
    assert.ok(
      checks.some((one) => one.subject === subject && one.check === check),
      `${subject} ${check}`,
    );
  const second = await verify('--all-databases', '--demo', '--json', '--junit', file('2.xml'));
  assert.equal(second.stdout, first.stdout, 'JSON is stable');
  assert.equal(readFileSync(file('2.xml'), 'utf8'), readFileSync(junit, 'utf8'), 'JUnit is stable');
  assert.match(
    readFileSync(junit, 'utf8'),
    /<testsuites name="autodiscover verify" tests="\d+" failures="3" errors="0" skipped="0">/,
  );
});

test('an organisation without faults has none', async () => {
  const run = await verify('--all-databases', '--demo', 'fabrikam', '--json');
  assert.equal(run.exitCode, 0, run.stdout);
  const checks = checksOf(run);
  assert.ok(checks.length > 50 && checks.every(({ outcome }) => outcome === 'passed'), `${checks.length} checks`);
});

test('--array asks for the databases that name it, --database for one', async () => {
  const byArray = checksOf(await verify('--array', 'outlook-dub.contoso.test', '--demo', '--json'));
  assert.deepEqual(
    [...new Set(byArray.map(({ subject }) => subject).filter((text) => text.includes('@')))],
    ['bob@contoso.test'],
  );
  const byName = await verify('--database', 'sea-db02', '--demo');
  assert.equal(byName.exitCode, 1);
  assert.match(byName.stdout, /carol@contoso\.test/);
  assert.match(byName.stdout, /\d+ checks: \d+ passed, 1 failed/);
});

test('--baseline saves a report and tells what changed', async () => {
  baseline = file('baseline.json');
  await verify('--database', 'SEA-DB01', '--demo', '--baseline', 'save', baseline);
  const same = await verify('--database', 'SEA-DB01', '--demo', '--baseline', 'compare', baseline);
  assert.equal(same.exitCode, 0);
  assert.match(same.stdout, /nothing changed since the baseline/);
  const text = readFileSync(baseline, 'utf8').replace(
    '"served": "outlook-sea.contoso.test"',
    '"served": "other.contoso.test"',
  );
  writeFileSync(baseline, text);
  const changed = await verify('--demo', '--baseline', 'compare', baseline, 'alice@contoso.test');
  assert.match(
    changed.stdout,
    /changed {2}alice@contoso\.test {2}\w+ \w+: passed: other\.contoso\.test -> passed: outlook-sea/,
  );
});

test('against a baseline, known faults are no failure, and what became worse is', async () => {
  const known = file('known.json');
  assert.equal((await verify('--database', 'SEA-DB02', '--demo', '--baseline', 'save', known)).exitCode, 1);
  const same = await verify('--database', 'SEA-DB02', '--demo', '--baseline', 'compare', known);
  assert.equal(same.exitCode, 0, same.stdout);
  const report = JSON.parse(readFileSync(known, 'utf8')) as { checks: { outcome: string }[] };
  for (const check of report.checks) check.outcome = 'passed';
  writeFileSync(known, JSON.stringify(report));
  const worse = await verify('--database', 'SEA-DB02', '--demo', '--baseline', 'compare', known);
  assert.equal(worse.exitCode, 1);
  assert.match(worse.stdout, /^worse {4}carol@contoso\.test {2}directory: passed: .* -> failed: /m);
});

test('an address with a fault of its own fails, and what is served agrees with the directory', async () => {
  const checks = checksOf(await verify('mallory@contoso.test', '--demo', '--json'));
  const own = checks.filter(({ subject }) => subject === 'mallory@contoso.test');
  assert.deepEqual(
    own.filter(({ check }) => !check.endsWith('certificate')).map(({ check, outcome }) => [check, outcome]),
    [
      ['directory', 'failed'],
      ['pox answer', 'passed'],
      ['soap answer', 'passed'],
      ['mobilesync answer', 'passed'],
    ],
  );
});

test('without directory credentials the comparison is skipped and said to be', async () => {
  const run = await runCommand(
    verifyCommand,
    ['someone@nowhere.invalid', '--server', 'https://127.0.0.1:1', '--timeout', '2', '--json'],
    { env: { AUTODISCOVER_PASSWORD: 'x' } },
  );
  assert.equal(run.exitCode, 1);
  const checks = checksOf(run);
  assert.deepEqual(
    [checks[0]?.check, checks[0]?.outcome, checks[0]?.detail],
    ['directory', 'skipped', 'no directory credentials: served settings are not compared'],
  );
  assert.equal(checks[1]?.outcome, 'failed');
});

const BAD: readonly (readonly [readonly string[], RegExp])[] = [
  [['--demo'], /give an address, --database/],
  [['--all-databases'], /need --config or --demo/],
  [['--demo', '--database', 'NOPE'], /there is no database NOPE; there are DUB-DB01/],
  [['--demo', '--array', 'nope'], /there is no array nope/],
  [['--demo', 'northwind', '--all-databases'], /--demo knows contoso and fabrikam/],
  [['--demo', '--config', 'x', '--all-databases'], /either --config FILE or --demo/],
  [['--demo', '--all-databases', '--server', 'http://x'], /--server must be an https URL/],
  [['--demo', '--all-databases', '--parallel', '0'], /--parallel must be a whole number/],
  [['--all-databases', '--demo', '--every', '-1'], /--every must be a number of seconds/],
  [['--all-databases', '--demo', '--baseline', 'keep', 'x'], /--baseline must be "save FILE" or "compare FILE"/],
  [['--all-databases', '--demo', '--baseline', 'compare', '/nonexistent'], /reading the baseline/],
  [['not-an-address', '--demo', 'contoso'], /"not-an-address"/],
];
for (const [args, message] of BAD) {
  test(`refuses ${args.join(' ')}`, async () => {
    const { error } = await verify(...args);
    assert.equal(error?.code, 'configuration');
    assert.match(error?.message ?? '', message);
  });
}

test('a report that cannot be written takes nothing from the one that is printed', async () => {
  const run = await verify('carol@contoso.test', '--demo', '--junit', join(folder, 'nowhere', 'x.xml'));
  assert.match(run.error?.message ?? '', /writing .*nowhere\/x\.xml: ENOENT/);
  assert.match(run.stdout, /carol@contoso\.test/);
  assert.match(run.stdout, /^\d+ checks: \d+ passed, \d+ failed/m);
});

test('a baseline that cannot be written whole does not cost the one that was there', async () => {
  const kept = file('kept.json');
  writeFileSync(kept, 'the old one');
  const args = ['verify', '--all-databases', '--demo', '--certs', folder, '--json', '--baseline', 'save', kept];
  // Stands for a full disk: files end at 4 or 8 KiB, and the signal about it is switched off.
  const limited = ['-c', 'trap "" XFSZ; ulimit -f 8; exec "$0" "$@"', process.execPath, PROGRAM, ...args];
  const { status, stderr } = spawnSync('/bin/sh', limited, { encoding: 'utf8', timeout: 60_000 });
  assert.equal(status, 2, stderr);
  assert.match(stderr, /writing .*kept\.json: EFBIG/);
  assert.equal(readFileSync(kept, 'utf8'), 'the old one');
});
