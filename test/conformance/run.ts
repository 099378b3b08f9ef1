// `npm run conformance`: runs all tests, the lab's included, and writes docs/conformance.md from what they recorded. `--check` compares
// instead of writing; `--results FILE` takes a run that was made with CONFORMANCE_RESULTS=FILE. Refuses when something failed or was skipped.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { citedLines, ROOT, SPEC_DOCUMENTS } from './citations.ts';
import { conformancePage, objections } from './page.ts';
import { readRecords } from './records.ts';

const PAGE = join(ROOT, 'docs', 'conformance.md');

const { values } = parseArgs({ options: { check: { type: 'boolean' }, results: { type: 'string' } } });
process.exitCode = main();

function main(): number {
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
  try {
    const results = values.results ?? join(folder, 'results');
    if (values.results === undefined && !runTests(results)) return fail(['tests failed; the page is left as it is']);
    if (!existsSync(results))
      return fail([`${results} does not exist: run the tests with CONFORMANCE_RESULTS=${results}`]);
    const records = readRecords(results);
    const against = objections(records);
    if (against.length > 0) return fail(against);
    const page = conformancePage({ records, source: citedLines('src'), documents: SPEC_DOCUMENTS });
    if (values.check) return check(page);
    writeFileSync(PAGE, page);
    process.stdout.write(`wrote ${PAGE}\n`);
    return 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As continuous integration runs them: a test that cannot run fails. */
function runTests(results: string): boolean {
  const env = { ...process.env, CONFORMANCE_RESULTS: results, LAB_REQUIRED: '1' };
  return ['test', 'test:lab'].every(
    (script) => spawnSync('npm', ['run', script], { cwd: ROOT, env, stdio: 'inherit' }).status === 0,
  );
}

function check(page: string): number {
  const committed = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '';
  if (committed === page) return 0;
  const [now, before] = [page, committed].map((text) => text.split('\n'));
  const changed = now?.filter((line) => !before?.includes(line)) ?? [];
  const gone = before?.filter((line) => !now?.includes(line)) ?? [];
  return fail([
    'docs/conformance.md is out of date; run: npm run conformance',
    ...gone.slice(0, 20).map((line) => `- ${line}`),
    ...changed.slice(0, 20).map((line) => `+ ${line}`),
  ]);
}

function fail(lines: readonly string[]): number {
  process.stderr.write(`${lines.map((line) => `conformance: ${line}`).join('\n')}\n`);
  return 1;
}
