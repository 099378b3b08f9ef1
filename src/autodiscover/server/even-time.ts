// Refusals leave on the beat of a clock that starts with their request, and none before the slowest of those that were judged lately could
// have left. A directory is a little faster when it finds nothing than when it finds an account whose password is wrong, and a domain
// controller that asks the PDC emulator about a wrong password is slower by far more than one beat: the name nobody has waits as long.

import type { Refusal } from './authentication/refusal.ts';
import { Departures } from './departures.ts';

/** Milliseconds of a beat: more than a look-up and a bind take on a healthy network, and less than a person notices. */
const REFUSAL_BEAT_MS = 50;

/** Judged refusals that are remembered, of accounts and of names nobody has. Counted, not timed: a quiet night must not make them forgotten. */
const REMEMBERED = 1000;
/** Refusals wait for slower ones up to this many milliseconds: what takes longer is an outage, not a controller. */
const LONGEST_MS = 1000;
/** The slowest may soon be a little slower. */
const HEADROOM = 1.25;

/** The first beat after `elapsed` milliseconds. */
export function nextBeat(elapsed: number, beatMs: number): number {
  return (Math.floor(elapsed / beatMs) + 1) * beatMs;
}

/** Where the time of a refusal is decided; one for all routes. */
export class EvenTime {
  readonly #accounts = new Slowest(REMEMBERED);
  readonly #unknown = new Slowest(REMEMBERED);
  readonly #departures = new Departures();

  /** Takes note of how long the directory took over a refusal, in milliseconds; what was refused without asking it says nothing. */
  note(refusal: Refusal, elapsed: number): void {
    if (refusal === 'no-account') this.#unknown.add(elapsed);
    // Apart, so that thousands of names nobody has do not make the slower ones forgotten.
    else if (!refusal.endsWith('-budget')) this.#accounts.add(elapsed);
  }

  /** Milliseconds after its request at which a refusal may leave that is ready `elapsed` after it: later, and a beat. */
  due(elapsed: number): number {
    const slowest = Math.min(Math.max(this.#accounts.value, this.#unknown.value) * HEADROOM, LONGEST_MS);
    const together = Math.ceil(slowest / REFUSAL_BEAT_MS) * REFUSAL_BEAT_MS;
    return elapsed < together ? together : nextBeat(elapsed, REFUSAL_BEAT_MS);
  }

  /** Resolves when a refusal may leave; `began` is a time of performance.now(). `asked` is whether the directory was, for this request. */
  leave(began: number, refusal: Refusal, asked: boolean): Promise<void> {
    const elapsed = performance.now() - began;
    if (asked) this.note(refusal, elapsed);
    return this.#departures.wait(began, began + this.due(elapsed));
  }
}

/** The largest of the last `count` numbers; 0 when there are none. */
export class Slowest {
  readonly #last: number[] = [];
  readonly #count: number;
  #next = 0;
  value = 0;

  constructor(count: number) {
    this.#count = count;
  }

  add(number: number): void {
    const forgotten = this.#last[this.#next] ?? 0;
    this.#last[this.#next] = number;
    this.#next = (this.#next + 1) % this.#count;
    if (number >= this.value) this.value = number;
    else if (forgotten === this.value) this.value = Math.max(...this.#last);
  }
}
