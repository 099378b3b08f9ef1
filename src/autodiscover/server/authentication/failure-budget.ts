// Failed passwords are counted, so that this service can neither be used to try many nor to lock accounts out: below the domain's own
// threshold it stops asking the directory. Pure but for the clock; bounded however many names are tried.

export interface FailureBudgetOptions {
  /** Failures allowed within the window. */
  readonly failures: number;
  readonly windowMs: number;
  /** Names counted at a time; beyond it the oldest are forgotten. */
  readonly maxEntries: number;
  readonly now: () => number;
}

interface Count {
  failures: number;
  /** When the first counted failure happened. */
  since: number;
}

/** Counts failures per key in fixed windows that begin with the first failure. */
export class FailureBudget {
  readonly #options: FailureBudgetOptions;
  readonly #counts = new Map<string, Count>();

  constructor(options: FailureBudgetOptions) {
    this.#options = options;
  }

  /** Milliseconds until the key may be tried again; 0 when it may be tried now. */
  waitMs(key: string): number {
    const count = this.#current(key);
    if (!count || count.failures < this.#options.failures) return 0;
    return count.since + this.#options.windowMs - this.#options.now();
  }

  /** Counts one failure. */
  spend(key: string): void {
    const count = this.#current(key);
    if (count) {
      count.failures += 1;
      return;
    }
    if (this.#counts.size >= this.#options.maxEntries) {
      const oldest = this.#counts.keys().next().value;
      if (oldest !== undefined) this.#counts.delete(oldest);
    }
    this.#counts.set(key, { failures: 1, since: this.#options.now() });
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

/**
 * The form under which a typed logon name is counted: the same for `alice`, `CONTOSO\alice` and `alice@contoso.test`, and made without
 * asking whether there is such an account, so that counting tells nobody which names exist.
 */
export function countedName(logonName: string): string {
  const afterDomain = logonName.slice(logonName.lastIndexOf('\\') + 1);
  const at = afterDomain.lastIndexOf('@');
  return (at > 0 ? afterDomain.slice(0, at) : afterDomain).trim().toLowerCase().slice(0, 256);
}
