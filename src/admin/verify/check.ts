// What verification reports: one line per subject and check. No times in it, and always in the same order, so that two reports of the
// same state are equal byte for byte.

/**
 * `failed` counts for the exit code. `warning` works, and should be looked at. `skipped` could not be tried; the detail says why.
 */
export type CheckOutcome = 'passed' | 'failed' | 'warning' | 'skipped';

export interface Check {
  /** What was checked: an address, a server name, a URL, a mail domain. */
  readonly subject: string;
  /** Which check, unique within the subject: `pox InternalRpcClientServer`, `EMSMDB`, `certificate`. */
  readonly check: string;
  readonly outcome: CheckOutcome;
  /** In words: what was found, or why it is wrong. */
  readonly detail: string;
  /** For compared settings: what the directory says, and what was served. */
  readonly expected?: string;
  readonly served?: string;
}

/** How many checks came to each outcome. */
export type Summary = Readonly<Record<CheckOutcome, number>>;

export function summarize(checks: readonly Check[]): Summary {
  const count = (outcome: CheckOutcome) => checks.filter((check) => check.outcome === outcome).length;
  return { passed: count('passed'), failed: count('failed'), warning: count('warning'), skipped: count('skipped') };
}

/** Makes the checks of one subject without repeating it. */
export function about(subject: string) {
  const make =
    (outcome: CheckOutcome) =>
    (check: string, detail: string): Check => ({ subject, check, outcome, detail });
  return { passed: make('passed'), failed: make('failed'), warning: make('warning'), skipped: make('skipped') };
}
