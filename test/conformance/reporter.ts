// A reporter of node:test that prints nothing and records the outcome of every test that cites a clause (records.ts). A suite's
// citation counts for the tests in it.
import { relative, sep } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { citationsOf, ROOT } from './citations.ts';
import { record, type TestResult } from './records.ts';

// biome-ignore lint/correctness/useYield: reporters are generators; this one has nothing to print
export default async function* conformanceReporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string, void> {
  /** Names of the tests that are open, by depth: starts and results come file by file, in the order of definition. */
  let open: readonly string[] = [];
  for await (const { type, data } of source) {
    if (type === 'test:start') {
      open = [...open.slice(0, data.nesting), data.name];
    } else if (type === 'test:pass' || type === 'test:fail') {
      if (data.details.type === 'suite') continue;
      const path = [...open.slice(0, data.nesting), data.name];
      if (citationsOf(path.join('\n')).length === 0) continue;
      const result: TestResult = type === 'test:fail' ? 'failed' : data.skip === undefined ? 'passed' : 'skipped';
      record({ kind: 'test', file: relative(ROOT, data.file ?? '').replaceAll(sep, '/'), path, result });
    }
  }
}
