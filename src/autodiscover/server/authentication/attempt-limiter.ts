// Lets no more attempts at one key run at once than may still fail: otherwise a hundred guesses sent together would all be under way
// before the first was counted, and lock the account out.

import type { FailureBudget } from './failure-budget.ts';

/** Tells what became of an attempt; called once. `unjudged`: nobody looked at the password. */
export type Leave = (outcome: 'failed' | 'succeeded' | 'unjudged') => void;

interface Running {
  count: number;
  readonly waiting: (() => void)[];
}

export class AttemptLimiter {
  readonly #budget: FailureBudget;
  readonly #maxWaiting: number;
  readonly #clears: boolean;
  readonly #running = new Map<string, Running>();

  /** `maxWaiting` attempts per key may wait for those that run. `clears`: a success makes the key's failures forgotten. */
  constructor(budget: FailureBudget, options: { readonly maxWaiting: number; readonly clears: boolean }) {
    this.#budget = budget;
    this.#maxWaiting = options.maxWaiting;
    this.#clears = options.clears;
  }

  /**
   * Waits until the attempt cannot exceed the budget whatever becomes of those that run. `allowance` says how many failures this attempt is
   * allowed, never fewer than the budget's; it is asked only where those do not suffice.
   */
  async enter(key: string, allowance?: () => number): Promise<Leave | 'spent' | 'crowded'> {
    let own: number | undefined;
    for (;;) {
      const running = this.#running.get(key) ?? { count: 0, waiting: [] };
      let remaining = this.#budget.remaining(key, own);
      if (running.count >= remaining && allowance && own === undefined) {
        own = allowance();
        remaining = this.#budget.remaining(key, own);
      }
      if (remaining === 0) return 'spent';
      if (running.count < remaining) {
        running.count += 1;
        this.#running.set(key, running);
        return (outcome) => this.#leave(key, running, outcome);
      }
      if (running.waiting.length >= this.#maxWaiting) return 'crowded';
      await new Promise<void>((resolve) => running.waiting.push(resolve));
    }
  }

  /** Keys with attempts under way. */
  get size(): number {
    return this.#running.size;
  }

  #leave(key: string, running: Running, outcome: 'failed' | 'succeeded' | 'unjudged'): void {
    if (outcome === 'failed') this.#budget.spend(key);
    if (outcome === 'succeeded' && this.#clears) this.#budget.clear(key);
    running.count -= 1;
    if (running.count === 0) this.#running.delete(key);
    for (const wake of running.waiting.splice(0)) wake();
  }
}
