// The order in which domain controllers that are up are asked: as configured, but for those that are markedly slower than another, and
// those that owe answers and have fallen silent. A slow one is tried now and then with a look-up, and is back in its place when it is fast.

import { type Asked, ControllerPace, type PaceLimits, type Work } from './controller-pace.ts';

export type PaceEvent =
  /** `ms` is what its answers take, `otherMs` what the other's do; milliseconds. */
  | {
      readonly type: 'controller-slow';
      readonly url: string;
      readonly ms: number;
      readonly otherUrl: string;
      readonly otherMs: number;
      readonly retryInMs: number;
    }
  | { readonly type: 'controller-fast'; readonly url: string; readonly ms: number };

export interface OrderParts {
  /** URLs in the configured order; controllers are named by their place here. */
  readonly urls: readonly string[];
  readonly limits: PaceLimits;
  /** Milliseconds until a slow controller is tried again: at first, and after many tries. */
  readonly retry: { readonly firstMs: number; readonly longestMs: number };
  /** Has a controller look somebody up and tells how many milliseconds that took. Rejects when it does not answer. */
  readonly trial: (at: number) => Promise<number>;
  /** Told of a controller that has been silent for too long while another answers. */
  readonly giveUp: (at: number) => void;
  readonly onEvent: (event: PaceEvent) => void;
  readonly now: () => number;
}

interface Place {
  readonly at: number;
  readonly url: string;
  readonly pace: ControllerPace;
  up: boolean;
  slow: boolean;
  retryMs: number;
  fastSince: number;
  timer: NodeJS.Timeout | undefined;
}

/** A slow controller must be this much faster than what would make it slow, in so many look-ups, to be asked first again. */
const COMFORT = 0.75;
const TRIALS = 3;
/** Opening a connection is several questions and answers. */
const OPENING_TURNS = 5;

export class ControllerOrder {
  readonly #parts: OrderParts;
  readonly #places: readonly Place[];
  /** The configured order, and whether everybody is up and nobody slow. */
  readonly #all: readonly number[];
  #isPlain = true;
  #ticking: NodeJS.Timeout | undefined;
  #comparing = false;
  #closed = false;

  constructor(parts: OrderParts) {
    this.#parts = parts;
    this.#all = parts.urls.map((_, at) => at);
    this.#places = parts.urls.map((url, at) => ({
      at,
      url,
      pace: new ControllerPace(parts.limits.lateMs),
      up: true,
      slow: false,
      retryMs: parts.retry.firstMs,
      fastSince: Number.NEGATIVE_INFINITY,
      timer: undefined,
    }));
  }

  isSlow(at: number): boolean {
    return this.#place(at).slow;
  }

  /**
   * A controller is asked for something; `now` is a time of the order's clock. `hurry` is called when the answer takes unusually long.
   */
  began(at: number, work: Work, now: number, hurry?: () => void): Asked {
    if (!this.#closed && this.#all.length > 1) this.#tickLater();
    return this.#place(at).pace.began(work, now, hurry);
  }

  ended(at: number, asked: Asked, answered: boolean, now: number): void {
    this.#place(at).pace.ended(asked, answered, now);
  }

  /** The controllers that are up, in the order they are to be asked; a promise when that takes a moment to decide. */
  ranked(): readonly number[] | Promise<readonly number[]> {
    if (this.#all.length === 1) return this.#up().map(({ at }) => at);
    const { limits, now } = this.#parts;
    const time = now();
    const seemsSilent = this.#places.some(({ up, pace }) => up && pace.isSilent(limits.patienceMs, time));
    if (this.#isPlain && !seemsSilent) return this.#all;
    // Answers that are in, but not read yet because this process was busy, are no silence of the controller.
    return seemsSilent ? wholeTurn().then(() => this.#sorted()) : this.#sorted();
  }

  #sorted(): readonly number[] {
    return this.#up()
      .sort((a, b) => this.#rank(a) - this.#rank(b))
      .map(({ at }) => at);
  }

  /** A controller was given up: when it is back, it is judged anew. */
  left(at: number): void {
    const place = this.#place(at);
    clearTimeout(place.timer);
    place.up = false;
    place.slow = false;
    place.pace.forget();
    this.#isPlain = false;
  }

  /** A controller is up again. */
  returned(at: number): void {
    const place = this.#place(at);
    place.up = true;
    // What it still owes is of before.
    place.pace.heard(this.#parts.now());
    this.#changed();
  }

  /** Opening a connection took a returned controller so many milliseconds: one that takes very long is not asked first yet. */
  opened(at: number, openingMs: number): void {
    const place = this.#place(at);
    const other = this.#next(place);
    if (!other || openingMs <= OPENING_TURNS * this.#parts.limits.lateMs) return;
    const otherMs = other.pace.typicalMs('look-up', this.#parts.now()) ?? 0;
    if (openingMs > this.#parts.limits.timesSlower * OPENING_TURNS * otherMs)
      this.#passOver(place, openingMs, other, otherMs);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#ticking);
    for (const { timer } of this.#places) clearTimeout(timer);
  }

  #changed(): void {
    this.#isPlain = this.#places.every(({ up, slow }) => up && !slow);
  }

  #tickLater(): void {
    this.#ticking ??= setTimeout(() => void this.#tick(), this.#parts.limits.lateMs / 2).unref();
  }

  #place(at: number): Place {
    const place = this.#places[at];
    if (!place) throw new RangeError(`no controller ${at}`);
    return place;
  }

  #up(): Place[] {
    return this.#places.filter(({ up }) => up);
  }

  #isSilent({ pace }: Place): boolean {
    return pace.isSilent(this.#parts.limits.patienceMs, this.#parts.now());
  }

  #rank(place: Place): number {
    return (this.#isSilent(place) ? 2 : 0) + (place.slow ? 1 : 0);
  }

  /** The first other controller that nothing speaks against. */
  #other(than: Place): Place | undefined {
    return this.#up().find((place) => place !== than && this.#rank(place) === 0);
  }

  /** The same of those that are asked after this one: who is asked before it anyway need not be compared. */
  #next({ at }: Place): Place | undefined {
    return this.#up().find((place) => place.at > at && this.#rank(place) === 0);
  }

  async #tick(): Promise<void> {
    const { limits, now, giveUp } = this.#parts;
    const tooSilent = (place: Place) => place.pace.isSilent(limits.giveUpMs, now()) && this.#other(place) !== undefined;
    // As with `ranked`.
    if (this.#places.some(({ pace }) => pace.owedMs(now()) > limits.patienceMs)) await wholeTurn();
    for (const place of this.#up()) if (tooSilent(place)) giveUp(place.at);
    for (const { pace } of this.#places) pace.hurry(limits.patienceMs, now());
    for (const place of this.#up()) if (!place.slow && place.pace.late(now()).length > 0) void this.#compare(place);
    this.#ticking = undefined;
    if (!this.#closed && this.#places.some(({ pace }) => pace.owes)) this.#tickLater();
  }

  /** Is another controller so much faster, at this very moment and asked by this very process, that it is to be asked first? */
  async #compare(place: Place): Promise<void> {
    const other = this.#next(place);
    if (!other || this.#comparing) return;
    this.#comparing = true;
    const tried = await this.#parts.trial(other.at).catch(() => undefined);
    this.#comparing = false;
    if (tried === undefined || this.#closed || place.slow || !place.up) return;
    const now = this.#parts.now();
    for (const { work, ms } of place.pace.late(now)) {
      const otherMs = Math.max(tried, other.pace.typicalMs(work, now) ?? 0);
      if (ms > this.#parts.limits.timesSlower * otherMs) return this.#passOver(place, ms, other, otherMs);
    }
  }

  #passOver(place: Place, ms: number, other: Place, otherMs: number): void {
    const { retry, now, onEvent } = this.#parts;
    // One that was fast for a moment only, or is so with look-ups alone, is tried more and more rarely.
    const again = now() - place.fastSince < retry.longestMs;
    place.slow = true;
    this.#isPlain = false;
    place.retryMs = again ? Math.min(place.retryMs * 2, retry.longestMs) : retry.firstMs;
    onEvent({
      type: 'controller-slow',
      url: place.url,
      ms: Math.round(ms),
      otherUrl: other.url,
      otherMs: Math.round(otherMs),
      retryInMs: place.retryMs,
    });
    this.#retryLater(place);
  }

  #retryLater(place: Place): void {
    clearTimeout(place.timer);
    if (!this.#closed) place.timer = setTimeout(() => void this.#retry(place), place.retryMs).unref();
  }

  /** Tries a slow controller. */
  async #retry(place: Place): Promise<void> {
    const { retry, now, trial, onEvent } = this.#parts;
    let slowest = 0;
    try {
      for (let n = 0; n < TRIALS && this.#isFast(place, slowest); n++)
        slowest = Math.max(slowest, await trial(place.at));
    } catch {
      // Whatever stops it has given it up, or will be seen by whoever asks next.
      slowest = Number.POSITIVE_INFINITY;
    }
    if (this.#closed || !place.slow || !place.up) return;
    if (this.#isFast(place, slowest)) {
      place.slow = false;
      this.#changed();
      place.fastSince = now();
      place.pace.forget();
      onEvent({ type: 'controller-fast', url: place.url, ms: Math.round(slowest) });
    } else {
      place.retryMs = Math.min(place.retryMs * 2, retry.longestMs);
      this.#retryLater(place);
    }
  }

  #isFast(place: Place, ms: number): boolean {
    const { limits, now } = this.#parts;
    const otherMs = this.#other(place)?.pace.typicalMs('look-up', now()) ?? 0;
    return ms <= COMFORT * Math.max(limits.lateMs, limits.timesSlower * otherMs);
  }
}

/** From here to the same place in the event loop's next turn: whatever has come in has been read by then. */
async function wholeTurn(): Promise<void> {
  for (let n = 0; n < 2; n++) await new Promise((resolve) => setImmediate(resolve));
}
