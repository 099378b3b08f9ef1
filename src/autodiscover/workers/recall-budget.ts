// How often other workers are asked about credentials that turn out not to be known. In an outage nobody judges a password and none counts
// as failed, but each question is a guess at what all workers remember: a name and an address get as many as they may fail otherwise.

import { AttemptLimiter } from '../server/authentication/attempt-limiter.ts';
import { countedAddress } from '../server/authentication/client-network.ts';
import { countedName } from '../server/authentication/counted-name.ts';
import { FailureBudget } from '../server/authentication/failure-budget.ts';

export interface RecallBudgetOptions {
  /** Guesses within the window at a typed name, and from an address; 0 does not count addresses. */
  readonly perName: number;
  readonly perAddress: number;
  readonly windowMs: number;
  /** Addresses that are not counted. */
  readonly exempt: (address: string) => boolean;
  readonly now: () => number;
}

const MAX_ENTRIES = 100_000;
/** Questions about one name that wait for others. */
const MAX_WAITING = 32;

export class RecallBudget {
  readonly #names: AttemptLimiter;
  readonly #addresses: FailureBudget;
  readonly #isCounted: (address: string) => boolean;

  constructor({ perName, perAddress, windowMs, exempt, now }: RecallBudgetOptions) {
    const counted = { windowMs, windowFrom: 'first', maxEntries: MAX_ENTRIES, now } as const;
    this.#names = new AttemptLimiter(new FailureBudget({ ...counted, failures: perName }), {
      maxWaiting: MAX_WAITING,
      clears: false,
    });
    this.#addresses = new FailureBudget({ ...counted, failures: perAddress });
    this.#isCounted = (address) => perAddress > 0 && !exempt(address);
  }

  /** Undefined when nothing may be asked; else to be called once, with whether somebody knew the credential as good. */
  async enter(name: string, address: string): Promise<((known: boolean) => void) | undefined> {
    const counted = this.#isCounted(address) ? countedAddress(address) : undefined;
    if (counted !== undefined && this.#addresses.waitMs(counted) > 0) return undefined;
    const leave = await this.#names.enter(countedName(name));
    if (typeof leave === 'string') return undefined;
    return (known) => {
      leave(known ? 'succeeded' : 'failed');
      if (!known && counted !== undefined) this.#addresses.spend(counted);
    };
  }
}
