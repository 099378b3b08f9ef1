// The reporter in a real run of node:test, with the file for its records named in the environment as CI does.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { pathToFileURL } from 'node:url';
import { readRecords } from './records.ts';

const folder = mkdtempSync(join(tmpdir(), 'reporter-'));
after(() => rmSync(folder, { recursive: true }));

/** A suite whose call stands in another file than its tests, as labSuite's does. */
const HELPER = `import { describe } from 'node:test';
export const suite = (name, body) => describe(name, body);
`;
const TESTS = `import { test } from 'node:test';
import { suite } from './helper.mjs';
suite('suite ([MS-OXDSCLI] 3.2.5 LegacyDN)', () => {
  test('one', () => {});
  test('two', () => { throw new Error('no'); });
  test('three', { skip: 'because' }, () => {});
});
test('four ([MS-OXDSCLI] 3.1.4 X-MapiHttpCapability)', () => {});
test('five', () => {});
`;

function run(results: string): void {
  const file = join(folder, 'sample.test.mjs');
  writeFileSync(file, TESTS);
  writeFileSync(join(folder, 'helper.mjs'), HELPER);
  const reporter = pathToFileURL(join(import.meta.dirname, 'reporter.ts')).href;
  // This process is itself a test's: the inner run must not think so.
  const { NODE_TEST_CONTEXT: _, CONFORMANCE_RESULTS: __, ...env } = process.env;
  const { stdout, stderr } = spawnSync(process.execPath, ['--test', `--test-reporter=${reporter}`, file], {
    env: { ...env, ...(results === '' ? {} : { CONFORMANCE_RESULTS: results }) },
    encoding: 'utf8',
  });
  assert.equal(stdout + stderr, '');
}

test('tests that cite, or whose suite does, are recorded with their result', () => {
  const results = join(folder, 'results');
  run(results);
  const facts = readRecords(results).map((fact) => fact.kind === 'test' && [fact.path.join(' > '), fact.result]);
  const suite = 'suite ([MS-OXDSCLI] 3.2.5 LegacyDN)';
  assert.deepEqual(facts, [
    [`${suite} > one`, 'passed'],
    [`${suite} > two`, 'failed'],
    [`${suite} > three`, 'skipped'],
    ['four ([MS-OXDSCLI] 3.1.4 X-MapiHttpCapability)', 'passed'],
  ]);
});

test('without the variable nothing is written', () => {
  const before = readdirSync(folder);
  run('');
  assert.deepEqual(readdirSync(folder), before);
});

test('a line that is cut off is an error', () => {
  const file = join(folder, 'cut');
  writeFileSync(file, '{"kind":"te');
  assert.throws(() => readRecords(file), /cut, line 1/);
});
