import assert from 'node:assert/strict';
import test from 'node:test';
import { conformancePage, objections } from './page.ts';
import type { CellRecord, ConformanceRecord, TestRecord } from './records.ts';

const proof = (over: Partial<TestRecord> = {}): TestRecord => ({
  kind: 'test',
  file: 'test/autodiscover/wire/error-codes.test.ts',
  path: ['codes ([MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode)', 'the six | numbers'],
  result: 'passed',
  ...over,
});
const cell = (over: Partial<CellRecord> = {}): CellRecord => ({
  kind: 'cell',
  client: 'curl',
  case: 'mailbox',
  offer: 'Basic',
  expected: '200',
  reported: '200',
  schemes: [],
  ...over,
});
const page = (records: readonly ConformanceRecord[], lines: readonly string[] = []) =>
  conformancePage({
    records,
    source: lines.map((text) => ({ file: 'src/autodiscover/wire/pox-error.ts', line: 1, text })),
    documents: {
      'MS-OXDSCLI': { title: 'Lookup', revision: 'of 2026', url: 'https://spec.test/' },
      'MS-ASCMD': { title: 'Sync', revision: 'of 2026', url: 'https://sync.test/' },
    },
  });
const row = (text: string, beginning: string) => text.split('\n').find((line) => line.startsWith(`| ${beginning}`));

test('a clause has its code and its tests, by the names without the clause', () => {
  assert.equal(
    row(page([proof()], ['// [MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode']), '2.2.4'),
    '| 2.2.4.1.1.3.2 ErrorCode | [wire/pox-error.ts](../src/autodiscover/wire/pox-error.ts) | ' +
      'codes: the six \\| numbers ([wire/error-codes.test.ts](../test/autodiscover/wire/error-codes.test.ts)) | passed |',
  );
});

test('a clause that no test names is shown as such', () => {
  assert.match(row(page([], ['[MS-OXDSCLI] 3.2.5 LegacyDN']), '3.2.5') ?? '', /\| none \| - \|$/);
});

test('sections are in the order of their numbers, and documents nobody cites are left out', () => {
  const text = page([], ['[MS-OXDSCLI] 10.1 Late', '[MS-OXDSCLI] 9.1 Early']);
  assert.ok(text.indexOf('9.1 Early') < text.indexOf('10.1 Late'));
  assert.ok(!text.includes('MS-ASCMD'));
});

test('a cell says what was reported where that is not what was expected, and peculiarities are notes', () => {
  const text = page([
    cell({ peculiarity: 'Cannot count.' }),
    cell({ offer: 'all', reported: '401 <b>', schemes: ['NTLM', 'Basic'], peculiarity: 'Cannot count.' }),
    cell({ case: 'alias' }),
  ]);
  assert.equal(row(text, 'mailbox'), '| mailbox | 200 <sup>1</sup> | as expected | 401 &lt;b> (NTLM, Basic) |');
  assert.equal(row(text, 'alias'), '| alias | 200 | as expected | - |');
  assert.match(text, /^1\. Cannot count\.$/m);
});

test('the same records in another order of tests give the same clauses', () => {
  const other = proof({ path: ['another ([MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode)'] });
  assert.equal(page([proof(), other]), page([other, proof()]));
});

for (const [why, records, want] of [
  ['nothing was run', [], /no test.*matrix was not run/s],
  ['a test failed', [cell(), proof({ result: 'failed' })], /^failed: codes/],
  ['a test was skipped', [cell(), proof({ result: 'skipped' })], /^skipped: codes/],
  [
    'a client reported something else',
    [proof(), cell({ reported: '500' })],
    /^curl, mailbox, offered Basic: 500, not 200$/,
  ],
  [
    'a client was not asked',
    [proof(), cell(), cell({ client: 'wget', case: 'alias' }), cell({ case: 'alias' })],
    /^wget: nothing reported for mailbox, offered Basic$/,
  ],
] as const) {
  test(`no page when ${why}`, () => assert.match(objections(records).join('\n'), want));
}

test('a whole run has no objections', () => assert.deepEqual(objections([proof(), cell()]), []));
