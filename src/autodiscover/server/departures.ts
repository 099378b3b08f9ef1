// Lets answers leave at ticks of a clock that no request can move. A timer cannot: it counts whole milliseconds from the moment at which it
// is set, so it fires at the same fraction of a millisecond at which the work before it ended, and two kinds of refusal whose work ends at
// different fractions are told apart by a few thousand of them.

/** Milliseconds between ticks, on the clock of performance.now(). */
export const TICK_MS = 25;
/** Timers are set for so many milliseconds before a tick; what is left is waited for in turns of the event loop, an eighth of the time at most. */
const EARLY_MS = 2;

interface Leaving {
  readonly began: number;
  readonly leave: () => void;
}

/** The tick at or after a time, both of performance.now(). */
export function tickAt(time: number): number {
  return Math.ceil(time / TICK_MS) * TICK_MS;
}

export class Departures {
  readonly #leaving = new Map<number, Leaving[]>();

  /**
   * Resolves at the first tick at or after `due`; of those that leave with one tick, who came first goes first. `began` and `due` are times
   * of performance.now(), and `due` has not passed.
   */
  wait(began: number, due: number): Promise<void> {
    const tick = tickAt(due);
    return new Promise((leave) => {
      const others = this.#leaving.get(tick);
      if (others) others.push({ began, leave });
      else {
        this.#leaving.set(tick, [{ began, leave }]);
        this.#await(tick);
      }
    });
  }

  #await(tick: number): void {
    const left = tick - performance.now();
    if (left <= 0) this.#letGo(tick);
    else if (left > EARLY_MS + 1) setTimeout(() => this.#await(tick), Math.floor(left) - EARLY_MS);
    else setImmediate(() => this.#await(tick));
  }

  #letGo(tick: number): void {
    const leaving = this.#leaving.get(tick) ?? [];
    this.#leaving.delete(tick);
    // Who was refused sooner must not leave sooner.
    leaving.sort((a, b) => a.began - b.began);
    for (const { leave } of leaving) leave();
  }
}
