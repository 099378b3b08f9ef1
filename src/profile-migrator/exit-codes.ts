// What the program's end tells the caller. On Windows software distribution (SCCM, Intune) reads the code: 1618 is tried again later,
// everything else but 0 is a failure. Elsewhere the three codes of this project are used.

/** How a source, or the whole run, ended. */
export type Outcome =
  | 'done' // changed, nothing to do, or left by rule
  | 'changes-pending' // `plan --exit-code` only
  | 'usage' // command line, policy or settings cannot be obeyed
  | 'retry-later' // Outlook open or unknown, another instance at work, pre-check failed
  | 'access-denied'
  | 'nothing-to-roll-back'
  | 'state-unclear' // values may be partly changed
  | 'failed'; // refused, or failed with nothing changed

export type ExitCodeConvention = 'posix' | 'windows';

/** `plan --exit-code` is a detection rule: Intune's remediation scripts pass it on as 1, so it is the same everywhere. */
const CODES: Readonly<Record<Outcome, Readonly<Record<ExitCodeConvention, number>>>> = {
  done: { posix: 0, windows: 0 },
  'changes-pending': { posix: 3, windows: 3 },
  usage: { posix: 2, windows: 87 }, // ERROR_INVALID_PARAMETER
  'retry-later': { posix: 1, windows: 1618 }, // ERROR_INSTALL_ALREADY_RUNNING
  'access-denied': { posix: 1, windows: 5 }, // ERROR_ACCESS_DENIED
  'nothing-to-roll-back': { posix: 1, windows: 1605 }, // ERROR_UNKNOWN_PRODUCT
  'state-unclear': { posix: 1, windows: 1603 }, // ERROR_INSTALL_FAILURE
  failed: { posix: 1, windows: 1 },
};

/** Of several sources the worst counts. A failure comes before a retry: trying again would not cure it. */
const WORST_FIRST: readonly Outcome[] = [
  'usage',
  'state-unclear',
  'access-denied',
  'failed',
  'retry-later',
  'changes-pending',
  'done',
  // Only when no source had anything to roll back.
  'nothing-to-roll-back',
];

/** The exit code of a run over these sources; no source at all is nothing to do. */
export function exitCodeOf(outcomes: readonly Outcome[], convention: ExitCodeConvention): number {
  const worst = WORST_FIRST.find((outcome) => outcomes.includes(outcome)) ?? 'done';
  return CODES[worst][convention];
}

/** The table for `--help`. */
export function exitCodeHelp(convention: ExitCodeConvention): string {
  const lines: readonly (readonly [Outcome, string])[] = [
    ['done', 'done, nothing to do, or left by rule'],
    ['failed', 'refused or failed'],
    ['usage', 'wrong command line, policy or settings'],
    ['changes-pending', 'plan --exit-code: changes pending'],
    ['access-denied', 'access denied'],
    ['retry-later', 'Outlook is running or unknown, another run is at work, or the pre-check failed: try again later'],
    ['nothing-to-roll-back', 'rollback: nothing to roll back'],
    ['state-unclear', 'state unclear: see the log, run again'],
  ];
  const byCode = new Map<number, string[]>();
  for (const [outcome, text] of lines) {
    const code = CODES[outcome][convention];
    byCode.set(code, [...(byCode.get(code) ?? []), text]);
  }
  const rows = [...byCode].sort(([a], [b]) => a - b);
  return ['Exit codes:', ...rows.map(([code, texts]) => `  ${String(code).padEnd(5)} ${texts.join('; ')}`)].join('\n');
}
