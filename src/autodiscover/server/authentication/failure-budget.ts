// Failed passwords are counted, so that this service can neither be used to try many nor to lock accounts out: below the domain's own
// threshold it stops asking the directory. Pure but for the clock; bounded however many names are tried.

import { BoundedMap } from '../../../ldap/bounded-map.ts';

export interface FailureBudgetOptions {
  /** Failures allowed within the window. */
  readonly failures: number;
  readonly windowMs: number;
  /**
   * `first`: a fixed window that begins with the first failure. `last`: the count is forgotten when the window has passed since the
   * last failure, which is how a domain controller counts towards lock-out ([MS-ADTS] badPwdCount, lockOutObservationWindow).
   */
  readonly windowFrom: 'first' | 'last';
  /** Names counted at a time; beyond it those that failed longest ago are forgotten. */
  readonly maxEntries: number;
  /** Milliseconds from any fixed point. */
  readonly now: () => number;
}

interface Count {
  failures: number;
  /** When the window began. */
  since: number;
}

/** Counts failures per key. */
export class FailureBudget {
  readonly #options: FailureBudgetOptions;
  readonly #counts: BoundedMap<string, Count>;

  constructor(options: FailureBudgetOptions) {
    this.#options = options;
    this.#counts = new BoundedMap(options.maxEntries);
  }

  /** Failures that are still allowed, the running window considered; `allowance` replaces the configured number. */
  remaining(key: string, allowance: number = this.#options.failures): number {
    return Math.max(0, allowance - (this.#current(key)?.failures ?? 0));
  }

  /** Milliseconds until the key may be tried again; 0 when it may be tried now. */
  waitMs(key: string, allowance: number = this.#options.failures): number {
    const count = this.#current(key);
    if (!count || count.failures < allowance) return 0;
    return count.since + this.#options.windowMs - this.#options.now();
  }

  /** Counts one failure. */
  spend(key: string): void {
    const count = this.#current(key) ?? { failures: 0, since: this.#options.now() };
    count.failures += 1;
    if (this.#options.windowFrom === 'last') count.since = this.#options.now();
    this.#counts.set(key, count);
  }

  /** A success clears the key. */
  clear(key: string): void {
    this.#counts.delete(key);
  }

  get size(): number {
    return this.#counts.size;
  }

  #current(key: string): Count | undefined {
    const count = this.#counts.get(key);
    if (!count) return undefined;
    if (this.#options.now() - count.since < this.#options.windowMs) return count;
    this.#counts.delete(key);
    return undefined;
  }
}
