import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import type { MigratorDeps } from '../../../src/profile-migrator/commands/deps.ts';
import { runMigrator } from '../../../src/profile-migrator/commands/run-migrator.ts';
import { type Fleet, FleetBuilder } from '../../../src/profile-migrator/report/fleet.ts';
import { findResultFiles, REPORT_LIMITS, readLines } from '../../../src/profile-migrator/report/result-files.ts';
import { escapeHtml } from '../../../src/profile-migrator/report/svg-charts.ts';
import { needsPerson, totalsOf } from '../../../src/profile-migrator/report/totals.ts';
import { RESULT_VERSION, type ResultLine, renderResultLine } from '../../../src/profile-migrator/result-line.ts';
import { seededRandom } from '../../helpers/mutation.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'report-'));
after(() => rmSync(FOLDER, { recursive: true, force: true }));

interface LineSpec {
  readonly computer?: string | null;
  readonly label?: string;
  readonly profile?: string | null;
  readonly outlook?: string;
  readonly outcome?: ResultLine['outcome'];
  readonly time?: string;
  readonly command?: ResultLine['command'];
  readonly arrays?: string[];
  readonly refusals?: string[];
  readonly attention?: string[];
  readonly error?: ResultLine['error'];
}

function line(spec: LineSpec = {}): ResultLine {
  const { computer = 'PC1', label = 'the registry of anna', profile = 'Outlook', outlook = '14.0' } = spec;
  return {
    version: RESULT_VERSION,
    time: spec.time ?? '2026-03-01T12:00:00.000Z',
    program: 'test',
    command: spec.command ?? 'apply',
    computer,
    source: { kind: 'live', name: 'x', label },
    root: profile === null ? null : 'HKEY_CURRENT_USER',
    user: null,
    profile: profile === null ? null : { name: profile, key: `Profiles\\${profile}`, outlook, default: true },
    outcome: spec.outcome ?? 'changed',
    error: spec.error ?? null,
    arrays: spec.arrays ?? ['outlook.contoso.test'],
    accounts: [],
    refusals: spec.refusals ?? [],
    attention: spec.attention ?? [],
    counts: {},
    values: [
      {
        key: 'k',
        name: 'n',
        property: 'p',
        role: 'account',
        action: 'rewrite',
        reason: 'r',
        old: ',"values":[',
        before: null,
        after: { type: 1, data: '00' },
      },
    ],
  };
}

function fleetOf(lines: readonly (ResultLine | string)[]): Fleet {
  const builder = new FleetBuilder();
  for (const [i, item] of lines.entries()) {
    builder.add({ file: 'f', number: i + 1, text: typeof item === 'string' ? item : renderResultLine(item).trimEnd() });
  }
  return builder.finish();
}

const outcomes = (lines: readonly (ResultLine | string)[]) => totalsOf(fleetOf(lines)).outcomes;

test('the newest result of a profile counts, in whatever order the lines come', () => {
  const old = line({ outcome: 'failed', time: '2026-03-01T12:00:00.000Z' });
  const now = line({ outcome: 'changed', time: '2026-03-02T12:00:00.000Z' });
  assert.deepEqual(outcomes([old, now]), { changed: 1 });
  assert.deepEqual(outcomes([now, old]), { changed: 1 });
  assert.deepEqual(
    outcomes([now, { ...now, outcome: 'restored' }]),
    { restored: 1 },
    'of the same moment the last one read',
  );
});

test('profiles are told apart by computer, source and name, without case', () => {
  const four = [line(), line({ computer: 'PC2' }), line({ label: 'other' }), line({ profile: 'Second' })];
  assert.deepEqual(outcomes(four), { changed: 4 });
  const cased = { ...line(), profile: { name: 'OUTLOOK', key: 'PROFILES\\OUTLOOK', outlook: '14.0', default: true } };
  assert.deepEqual(outcomes([line(), cased]), { changed: 1 });
});

test('a source as a whole counts while nothing is known of its profiles, or when its newest run went wrong', () => {
  const whole = (outcome: ResultLine['outcome'], time: string) => line({ profile: null, outcome, time, arrays: [] });
  assert.deepEqual(outcomes([whole('failed', '1')]), { failed: 1 });
  assert.deepEqual(outcomes([whole('failed', '1'), line({ time: '2' })]), { changed: 1 }, 'cured');
  assert.deepEqual(
    outcomes([line({ time: '1' }), whole('failed', '2')]),
    { changed: 1, failed: 1 },
    'went wrong since',
  );
  assert.deepEqual(outcomes([line({ time: '1' }), whole('nothing-to-do', '2')]), { changed: 1 });
});

test('inspections are left out', () => {
  const fleet = fleetOf([line({ command: 'inspect', outcome: 'nothing-to-do' }), line()]);
  assert.deepEqual([fleet.inspections, fleet.entries.length], [1, 1]);
});

test('lines that cannot be read are counted with their place, and stop nobody', () => {
  const text = renderResultLine(line()).trimEnd();
  const bad = [
    '',
    '{',
    '[]',
    'null',
    '{"version":2}',
    text.slice(0, 300),
    text.replace('"changed"', '"vanished"'),
    text.slice(0, -1),
  ];
  const fleet = fleetOf([...bad, line()]);
  assert.deepEqual([fleet.unreadable, fleet.entries.length], [bad.length, 1]);
  assert.deepEqual(
    fleet.problems.map(({ number }) => number),
    bad.map((_, i) => i + 1),
  );
  assert.match(fleet.problems[4]?.problem ?? '', /version 2, this program reads 1/);
});

test('a line that was cut off with the next one behind it is not taken for a result', () => {
  const [cut, next] = [line({ computer: 'PC1' }), line({ computer: 'PC2' })].map((one) =>
    renderResultLine(one).trimEnd(),
  );
  const fleet = fleetOf([`${cut?.slice(0, -20)}${next}`]);
  assert.deepEqual(
    [fleet.unreadable, fleet.entries.length],
    [1, 0],
    'which of both were lost is told, not half of it counted',
  );
});

test('a line whose keys come in another order is read whole', () => {
  const { values, ...rest } = line();
  assert.deepEqual(outcomes([JSON.stringify({ values, ...rest })]), { changed: 1 });
});

test('totals by outcome, array, Outlook and reason', () => {
  const totals = totalsOf(
    fleetOf([
      line({ computer: 'A' }),
      line({ computer: 'B', outlook: '16.0', arrays: ['Outlook.Contoso.test'] }),
      line({
        computer: 'C',
        outlook: '15.0',
        outcome: 'refused',
        arrays: [],
        refusals: ['half-mapped', 'half-mapped', 'no-address'],
      }),
      line({
        computer: 'D',
        profile: null,
        outcome: 'failed',
        arrays: [],
        error: { code: 'hive-corrupt', message: 'x' },
      }),
      line({ computer: 'E', outcome: 'nothing-to-do', arrays: ['array2.contoso.test'] }),
    ]),
  );
  assert.deepEqual(totals.outcomes, { changed: 2, 'nothing-to-do': 1, refused: 1, failed: 1 });
  assert.deepEqual(
    totals.arrays.map(({ name, total }) => [name, total]),
    [
      ['outlook.contoso.test', 2],
      ['array2.contoso.test', 1],
    ],
  );
  assert.deepEqual(
    totals.outlooks.map(({ name, total }) => [name, total]),
    [
      ['14.0', 2],
      ['15.0', 1],
      ['16.0', 1],
    ],
  );
  assert.deepEqual(
    totals.reasons.map(({ name, total }) => [name, total]),
    [
      ['half-mapped', 1],
      ['hive-corrupt', 1],
      ['no-address', 1],
    ],
  );
  assert.deepEqual([totals.results, totals.profiles, totals.computers, totals.needsPerson], [5, 4, 5, 2]);
});

test('what was not refused and did not fail has no part in the reasons for it', () => {
  const error = { code: 'nothing-to-roll-back', message: 'x' };
  const lines = [line({ profile: null, outcome: 'nothing-to-do', command: 'rollback', arrays: [], error })];
  const partly = line({ computer: 'PC2', outcome: 'changed', refusals: ['half-mapped'] });
  const totals = totalsOf(fleetOf([...lines, partly]));
  assert.deepEqual(
    totals.reasons.map(({ name }) => name),
    ['half-mapped'],
  );
});

test('what needs a person: refused, failed, or anything that asks for attention', () => {
  const [entry] = fleetOf([line({ attention: ['look at this'] })]).entries;
  assert.ok(entry && needsPerson(entry));
  const [fine] = fleetOf([line()]).entries;
  assert.ok(fine && !needsPerson(fine));
});

test('HTML escaping leaves no markup and no control characters', () => {
  assert.equal(escapeHtml(`<script>"x"&'y'\0\u001b`), '&lt;script&gt;&quot;x&quot;&amp;&#39;y&#39;\ufffd\ufffd');
});

// Files.

async function linesOf(name: string, content: Buffer | string): Promise<[number, string | undefined][]> {
  const path = join(FOLDER, name);
  writeFileSync(path, content);
  const found: [number, string | undefined][] = [];
  for await (const { number, text } of readLines(path)) found.push([number, text]);
  return found;
}

test('lines of files: LF, CRLF, empty lines, no last newline, UTF-8 and UTF-16 with byte order mark', async () => {
  assert.deepEqual(await linesOf('a', 'x\ny\n'), [
    [1, 'x'],
    [2, 'y'],
  ]);
  assert.deepEqual(await linesOf('b', 'x\r\n\r\ny'), [
    [1, 'x'],
    [3, 'y'],
  ]);
  assert.deepEqual(await linesOf('c', '\ufeffä\n'), [[1, 'ä']]);
  assert.deepEqual(await linesOf('d', Buffer.from('\ufeffä\r\nb\r\n', 'utf16le')), [
    [1, 'ä'],
    [2, 'b'],
  ]);
  assert.deepEqual(await linesOf('e', ''), []);
});

test('a line longer than the limit is passed over without being kept', async () => {
  const found = await linesOf('long', `${'x'.repeat(REPORT_LIMITS.lineBytes + 1)}\ny\n`);
  assert.deepEqual(found, [
    [1, undefined],
    [2, 'y'],
  ]);
});

test('property: lines survive any chunking', async () => {
  const random = seededRandom(5);
  const texts = Array.from({ length: 300 }, (_, i) => `${i} ${'äb漢'.repeat(Math.floor(random() * 2000))}`);
  assert.deepEqual(
    (await linesOf('chunks', texts.join('\n'))).map(([, text]) => text),
    texts,
  );
});

test('folders are searched at any depth for *.jsonl; a missing path is an error', async () => {
  mkdirSync(join(FOLDER, 'deep', 'er'), { recursive: true });
  for (const name of ['deep/a.result.jsonl', 'deep/er/b.JSONL', 'deep/c.json']) writeFileSync(join(FOLDER, name), '');
  const again = `${FOLDER}/./deep/er/../a.result.jsonl`;
  const { files, unreadable } = await findResultFiles([join(FOLDER, 'deep'), again, join(FOLDER, 'deep', 'c.json')]);
  assert.deepEqual(unreadable, []);
  assert.deepEqual(
    files.map((path) => path.slice(FOLDER.length + 1)),
    ['deep/a.result.jsonl', 'deep/er/b.JSONL', 'deep/c.json'],
  );
  await assert.rejects(findResultFiles([join(FOLDER, 'none')]), { code: 'source-unreadable' });
});

// The command.

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const config = {
    convention: 'posix',
    computer: 'PC1',
    colour: false,
    stateFolder: FOLDER,
    systemRoot: '',
    autodiscoverPassword: undefined,
  } as const;
  const deps: MigratorDeps = {
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    config,
    program: 'test',
    now: () => new Date(),
    sleep: async () => {},
  };
  return { code: await runMigrator(['report', ...args], deps), out: out.join(''), err: err.join('') };
}

const EVIL = '<img src=x onerror=alert(1)>';
function fleetFile(name: string, extra = ''): string {
  const path = join(FOLDER, name);
  const lines = [
    line({ computer: 'PC1' }),
    line({
      computer: 'PC2',
      outcome: 'refused',
      refusals: ['half-mapped'],
      attention: [`account ${EVIL} is refused\u001b[31m`],
      profile: '=cmd|calc',
    }),
    line({
      computer: 'PC3',
      outcome: 'failed',
      error: { code: 'outlook-open', message: 'x' },
      attention: ['a, "quoted"\nline'],
      outlook: '16.0',
    }),
  ];
  writeFileSync(path, lines.map(renderResultLine).join('') + extra);
  return path;
}

test('report prints tables, and ends with 1 when a line cannot be read', async () => {
  const good = await run(fleetFile('fleet.jsonl'));
  assert.equal(good.code, 0);
  for (const wanted of [
    /3 results \(3 profiles\) on 3 computers from 3 lines of 1 file, /,
    /changed +│ +1/,
    /half-mapped/,
    /Outlook 2016 or later/,
    /needs a person/,
  ]) {
    assert.match(good.out, wanted);
  }
  assert.ok(!good.out.includes('\u001b'), 'no escape sequence of a foreign name reaches the terminal');
  const bad = await run(fleetFile('broken.jsonl', '{"torn'));
  assert.equal(bad.code, 1);
  assert.match(bad.out, /not counted: .*broken\.jsonl, line 4: no JSON/);
});

test('a file or folder that cannot be read is told, and stops no other', async () => {
  const fleet = join(FOLDER, 'some-bad');
  mkdirSync(join(fleet, 'folder.jsonl'), { recursive: true });
  fleetFile('some-bad/z.jsonl');
  symlinkSync(join(fleet, 'nowhere'), join(fleet, 'gone.jsonl'));
  // A path longer than the system takes, as on a share of deep folders.
  const deeper = ['-c', 'cd "$0"; for i in $(seq 20); do mkdir $1; cd -P $1; done', fleet, 'd'.repeat(250)];
  assert.equal(spawnSync('/bin/sh', deeper).status, 0);
  try {
    const { code, out } = await run(fleet);
    assert.equal(code, 1);
    assert.match(out, /3 results .* of 2 files/);
    assert.match(out, /not counted: \S*gone\.jsonl: cannot read .*ENOENT/);
    assert.match(out, /not counted: \S*dddd: cannot read it: .*ENAMETOOLONG/);
    assert.doesNotMatch(out, /folder\.jsonl/);
    const html = join(FOLDER, 'some-bad.html');
    const json = await run(fleet, '--json', '--html', html);
    assert.equal(JSON.parse(json.out).read.unreadable, 2);
    assert.match(json.err, /gone\.jsonl: not counted: cannot read/);
    assert.match(readFileSync(html, 'utf8'), /<li>\S*gone\.jsonl: cannot read/);
  } finally {
    spawnSync('rm', ['-rf', fleet]);
  }
});

test('nothing that a line says steers the terminal', async () => {
  const path = join(FOLDER, 'hostile.jsonl');
  const evil = (name: string) => `${name}\u001b[2J\u202e`;
  const lines = [
    line({
      time: evil('2026'),
      computer: evil('PC'),
      label: evil('source'),
      profile: evil('profile'),
      arrays: [evil('a')],
    }),
    line({
      outlook: evil('16.0'),
      outcome: 'refused',
      refusals: [evil('why')],
      attention: [evil('look')],
      time: evil('2027'),
    }),
  ];
  writeFileSync(path, `${lines.map(renderResultLine).join('')}{"version":"${'\\u001b'}[2J"}\n`);
  for (const more of [[], ['--quiet'], ['--json']]) {
    const { out, err } = await run(path, ...more);
    const said = more[0] === '--json' ? err : `${out}${err}`;
    assert.doesNotMatch(said.replaceAll('\n', ''), /[\p{Cc}\u202e]/u, more.join());
  }
});

test('report as JSON', async () => {
  const { out } = await run(fleetFile('json.jsonl'), '--json');
  const answer = JSON.parse(out);
  assert.equal(answer.version, 1);
  assert.deepEqual(answer.outcomes, { changed: 1, refused: 1, failed: 1 });
  assert.equal(answer.people.length, 2);
  assert.equal(answer.people[0].computer, 'PC2');
  const columns = 'time command computer source user profile outlook outcome arrays reasons attention';
  assert.equal(Object.keys(answer.people[0]).join(' '), columns);
});

test('report as CSV: one row each, quoted, no formulas', async () => {
  const csv = join(FOLDER, 'fleet.csv');
  await run(fleetFile('csv.jsonl'), '--csv', csv, '--quiet');
  const text = readFileSync(csv, 'utf8');
  assert.ok(text.startsWith('\ufeffcomputer,source,'));
  assert.equal(text.split('\r\n').length, 5);
  assert.ok(text.includes(",'=cmd|calc,"));
  assert.ok(text.includes('"a, ""quoted""\nline"'));
});

test('no cell of the CSV begins like a formula', async () => {
  const names = ['=1', '+1', '-1', '@A1', '\t=1', '\r=1', '\n=1', '\uff1d1', '\uff0b1', '\uff0d1', '\uff201', ' =1'];
  const input = join(FOLDER, 'formulas.jsonl');
  writeFileSync(input, names.map((profile) => renderResultLine(line({ profile }))).join(''));
  const csv = join(FOLDER, 'formulas.csv');
  await run(input, '--csv', csv, '--quiet');
  const text = readFileSync(csv, 'utf8');
  for (const name of names)
    assert.ok(text.includes(`,'${name},`) || text.includes(`,"'${name}",`), JSON.stringify(name));
});

test('report as one HTML page: charts, nothing from elsewhere, everything escaped', async () => {
  const html = join(FOLDER, 'fleet.html');
  await run(fleetFile('html.jsonl'), '--html', html, '--quiet', '--title', `Fleet ${EVIL}`);
  const page = readFileSync(html, 'utf8');
  assert.ok(!page.includes(EVIL) && page.includes('&lt;img src=x onerror=alert(1)&gt;'));
  assert.match(page, /<svg role="img"/);
  assert.match(page, /Content-Security-Policy" content="default-src 'none'/);
  assert.doesNotMatch(page, /<[^>]*\b(?:src|href)=|<script|url\(|@import/);
  const open = [...page.matchAll(/<(\/?)(html|body|table|tbody|thead|tr|svg|ul)\b/g)];
  for (const tag of ['html', 'body', 'table', 'tbody', 'thead', 'tr', 'svg', 'ul']) {
    const count = (slash: string) => open.filter(([, s, t]) => s === slash && t === tag).length;
    assert.equal(count(''), count('/'), `<${tag}> is closed as often as opened`);
  }
});

test('nothing that exists is overwritten; no file at all is a usage error', async () => {
  const html = join(FOLDER, 'kept.html');
  writeFileSync(html, 'mine');
  assert.equal((await run(fleetFile('kept.jsonl'), '--html', html)).code, 1);
  assert.equal(readFileSync(html, 'utf8'), 'mine');
  mkdirSync(join(FOLDER, 'empty'), { recursive: true });
  assert.equal((await run(join(FOLDER, 'empty'))).code, 2);
  assert.equal((await run()).code, 2);
});

test('of two reports none is left when one cannot be written', async () => {
  const input = fleetFile('pair.jsonl');
  const [csv, html] = [join(FOLDER, 'pair.csv'), join(FOLDER, 'pair.html')];
  const left = () => [csv, html].filter((path) => existsSync(path));
  const nowhere = await run(input, '--csv', csv, '--html', join(FOLDER, 'nowhere', 'pair.html'));
  assert.deepEqual([nowhere.code, nowhere.out, left()], [1, '', []]);
  const same = await run(input, '--csv', csv, '--html', csv);
  assert.deepEqual([same.code, left()], [2, []]);
  assert.match(same.err, /--csv and --html/);
  writeFileSync(html, 'mine');
  const exists = await run(join(FOLDER, 'pair.jsonl'), '--csv', csv, '--html', html);
  assert.deepEqual([exists.code, left()], [1, [html]]);
});

test('a report that could not be written whole is an error, and no half of it is left', () => {
  const program = join(import.meta.dirname, '../../../src/profile-migrator/commands/report.ts');
  const csv = join(FOLDER, 'full.csv');
  const lines = Array.from({ length: 50 }, (_, i) => renderResultLine(line({ computer: `PC${i}` })));
  const input = join(FOLDER, 'many.jsonl');
  writeFileSync(input, lines.join(''));
  const script = `
    import { report } from ${JSON.stringify(program)};
    const options = { csv: ${JSON.stringify(csv)}, title: '', quiet: true };
    const code = await report([${JSON.stringify(input)}], options, {}).then(() => '', (error) => error.code);
    if (code !== 'write-failed') process.exitCode = 9;`;
  // Stands for a full disk: files end at 1 or 2 KiB, and the signal about it is switched off.
  const limited = ['-c', 'trap "" XFSZ; ulimit -f 2; exec "$0" --input-type=module-typescript -e "$1"'];
  const { status, stderr } = spawnSync('/bin/sh', [...limited, process.execPath, script], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.throws(() => readFileSync(csv), { code: 'ENOENT' });
});

test('20,000 lines keep nothing but one small record a profile', () => {
  const builder = new FleetBuilder();
  for (let i = 0; i < 20_000; i++) {
    const text = renderResultLine(
      line({ computer: `PC${i % 500}`, time: String(i).padStart(8, '0'), outcome: i % 3 === 0 ? 'failed' : 'changed' }),
    );
    builder.add({ file: 'f', number: i, text: text.trimEnd() });
  }
  const fleet = builder.finish();
  assert.equal(fleet.entries.length, 500);
  assert.equal(fleet.lines, 20_000);
});
