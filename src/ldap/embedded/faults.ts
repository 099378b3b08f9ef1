// Faults a test can give the embedded directory: slow, silent, broken in mid-answer, gone, or lying. Plain data, read anew
// for every request, so that a test changes it while clients are connected.
import type { Operation } from './request.ts';
import { type Outcome, RESULT } from './result.ts';

export type Faults = {
  /** Milliseconds before each answer. */
  readonly delayMs?: number;
  /**
   * Least and most milliseconds more, by chance, before an existing account's password is refused: a controller that does not know a
   * password asks the PDC emulator whether it is a new one. Names that nobody has are refused at once.
   */
  readonly refusedPasswordMs?: readonly [least: number, most: number];
  /** Take requests and never answer them. */
  readonly hang?: boolean;
  /** Send half of the answer, then reset the connection. */
  readonly resetMidAnswer?: boolean;
  /** `refuse`: nothing listens, connections are cut. `close`: connections are accepted and cut at once. */
  readonly dead?: 'refuse' | 'close';
  /** Answer with this result instead of working: `busy` 51, `unavailable` 52, `referral` 10 and so on. */
  readonly result?: keyof typeof RESULT;
  /** The operations meant by `delayMs`, `hang`, `resetMidAnswer` and `result`; all of them when absent. */
  readonly operations?: readonly Operation[];
};

export const NO_FAULTS: Faults = {};

/** True when the per-request faults apply to an operation. */
export function strikes({ operations }: Faults, operation: Operation): boolean {
  return operations === undefined || operations.includes(operation);
}

/** The answer of a lying directory. */
export function lie(result: keyof typeof RESULT): Outcome {
  const code = RESULT[result];
  if (code === RESULT.referral) return { code, message: 'injected fault', referrals: ['ldap://elsewhere.invalid/'] };
  return { code, message: `injected fault: ${result}` };
}
