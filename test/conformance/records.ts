// What a test run leaves for docs/conformance.md: one line of JSON per fact in the file that CONFORMANCE_RESULTS names. Without that
// variable nothing is written. Lines are appended whole, so test files that run at once may share the file.
import { appendFileSync, readFileSync } from 'node:fs';

export type TestResult = 'passed' | 'failed' | 'skipped';

/** A test whose name, or the name of a suite around it, cites a clause. */
export interface TestRecord {
  readonly kind: 'test';
  /** Relative to the project. */
  readonly file: string;
  /** Names of the suites around it and its own. */
  readonly path: readonly string[];
  readonly result: TestResult;
}

/** What one client program reported for one case. */
export interface CellRecord {
  readonly kind: 'cell';
  readonly client: string;
  readonly case: string;
  /** What the service offered its callers. */
  readonly offer: string;
  readonly expected: string;
  readonly reported: string;
  /** Authentication schemes by which the service let it in; empty when it did not. */
  readonly schemes: readonly string[];
  /** Why this client expects what another does not: its own bug or limit, named. */
  readonly peculiarity?: string;
}

export type ConformanceRecord = TestRecord | CellRecord;

export function record(fact: ConformanceRecord): void {
  const file = process.env.CONFORMANCE_RESULTS;
  if (file) appendFileSync(file, `${JSON.stringify(fact)}\n`);
}

/** Throws on a line that is no record: a run that was cut off must not make a page. */
export function readRecords(file: string): readonly ConformanceRecord[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.flatMap((line, index): ConformanceRecord[] => {
    if (line === '') return [];
    try {
      return [JSON.parse(line)];
    } catch (error) {
      throw new Error(`reading ${file}, line ${index + 1}: ${(error as Error).message}`, { cause: error });
    }
  });
}
