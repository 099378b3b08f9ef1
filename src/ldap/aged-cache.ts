// What the directory said, with its age. A young answer is given without asking; an old one is asked again; and while the directory
// cannot be asked, an answer that is not too old is better than none. Callers that want the same thing at one time share one question.

import { BoundedMap } from './bounded-map.ts';
import { isUnavailable } from './errors.ts';

export interface CacheAges {
  /** Milliseconds for which an answer is given without asking again. */
  readonly freshMs: number;
  /** The same for "nothing there". */
  readonly missingMs: number;
  /** Milliseconds for which an answer is given when asking again fails for want of a directory. */
  readonly outageMs: number;
}

/** An answer as another process takes it: with the milliseconds since its question was asked, or more. */
export interface Aged<V> {
  readonly value: V;
  readonly ageMs: number;
}

export interface AgedCacheOptions<V> {
  readonly ages: CacheAges;
  /** Answers kept; those that say "nothing there" are kept apart, a tenth as many, so that guessed names push nobody out. */
  readonly maxEntries: number;
  readonly isMissing: (value: V) => boolean;
  /** True when the second says what the first said: the first object is then given on, so that work kept with it stays good. */
  readonly isSame: (known: V, read: V) => boolean;
  /** An equal value that takes less room; the value itself when absent. */
  readonly compact?: (value: V) => V;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Told the age of each answer that is given because the directory could not be asked. */
  readonly onStale?: (ageMs: number) => void;
  /** Asked for what is not known here when the directory cannot be asked: what another process knows. Never rejects. */
  readonly elsewhere?: ((key: string) => Promise<Aged<V> | undefined>) | undefined;
}

interface Entry<V> {
  readonly value: V;
  /** When its question was asked, not when it was answered: what changed in between may not be in it. */
  readonly askedAt: number;
  /** Milliseconds for which it is given at least. */
  readonly leastMs: number;
  /** To be asked again at the next use, whatever its age. */
  doubted: boolean;
}

interface Question<V> {
  answer: Promise<V>;
  doubted: boolean;
}

/** What came with another question a moment ago need not be asked again. */
const MOMENT_MS = 1_000;

export class AgedCache<V> {
  /** Answers from memory, questions to the directory (or shared ones), and answers given for want of a directory, since the start. */
  hits = 0;
  misses = 0;
  stale = 0;
  /** The ages of those answers from memory, added up: milliseconds. */
  hitAgeMs = 0;
  readonly #options: AgedCacheOptions<V>;
  readonly #found: BoundedMap<string, Entry<V>>;
  readonly #missing: BoundedMap<string, Entry<V>>;
  readonly #running = new Map<string, Question<V>>();
  #freshFrom = Number.NEGATIVE_INFINITY;
  #lastDoubt = Number.NEGATIVE_INFINITY;

  constructor(options: AgedCacheOptions<V>) {
    this.#options = options;
    this.#found = new BoundedMap(options.maxEntries);
    this.#missing = new BoundedMap(Math.ceil(options.maxEntries / 10));
  }

  get size(): number {
    return this.#found.size + this.#missing.size;
  }

  /** The remembered answer, else that of `ask`. Rejects with whatever `ask` rejects with. */
  get(key: string, ask: () => Promise<V>): Promise<V> {
    const known = this.#entry(key);
    const ageMs = known ? this.#options.now() - known.askedAt : 0;
    if (!known || !this.#isFresh(known, ageMs)) return this.#asked(key, ask);
    this.hits += 1;
    this.hitAgeMs += ageMs;
    return Promise.resolve(known.value);
  }

  async #asked(key: string, ask: () => Promise<V>): Promise<V> {
    this.misses += 1;
    try {
      const running = this.#running.get(key);
      return await (running && !running.doubted ? running : this.#ask(key, ask)).answer;
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      return this.#inOutage(key, error);
    }
  }

  /** What is known under a key and would be given in an outage, for another process. */
  recall(key: string): Aged<V> | undefined {
    const known = this.#lasting(key);
    return known && { value: known.value, ageMs: this.#options.now() - known.askedAt };
  }

  /** Takes over an answer that came with another question, which was asked at `askedAt`. For a moment it counts whatever ages say. */
  put(key: string, value: V, askedAt: number): V {
    return this.#keep(key, value, { askedAt, leastMs: MOMENT_MS, doubted: askedAt <= this.#lastDoubt });
  }

  /** What is known under these keys is asked again at its next use; it still serves in an outage. */
  doubt(keys: Iterable<string>): void {
    this.#lastDoubt = this.#options.now();
    for (const key of keys) {
      const entry = this.#entry(key);
      if (entry) entry.doubted = true;
      const running = this.#running.get(key);
      if (running) running.doubted = true;
    }
  }

  /** The same for every answer that the condition holds for, and for whatever is being asked now. */
  doubtWhere(condition: (value: V) => boolean): void {
    this.#lastDoubt = this.#options.now();
    for (const entry of this.#found.values()) if (!entry.doubted && condition(entry.value)) entry.doubted = true;
    for (const running of this.#running.values()) running.doubted = true;
  }

  doubtAll(): void {
    this.#freshFrom = this.#options.now();
    for (const running of this.#running.values()) running.doubted = true;
  }

  #entry(key: string): Entry<V> | undefined {
    return this.#found.get(key) ?? this.#missing.get(key);
  }

  #isFresh({ value, askedAt, leastMs, doubted }: Entry<V>, ageMs: number): boolean {
    if (doubted || askedAt <= this.#freshFrom) return false;
    const { ages, isMissing } = this.#options;
    return ageMs < Math.max(leastMs, isMissing(value) ? ages.missingMs : ages.freshMs);
  }

  #ask(key: string, ask: () => Promise<V>): Question<V> {
    const question: Question<V> = { doubted: false, answer: undefined as unknown as Promise<V> };
    this.#running.set(key, question);
    question.answer = this.#answered(key, question, ask);
    return question;
  }

  async #answered(key: string, question: Question<V>, ask: () => Promise<V>): Promise<V> {
    const askedAt = this.#options.now();
    try {
      const read = await ask();
      return this.#keep(key, read, { askedAt, leastMs: 0, doubted: question.doubted });
    } finally {
      if (this.#running.get(key) === question) this.#running.delete(key);
    }
  }

  #keep(key: string, read: V, told: Omit<Entry<V>, 'value'>): V {
    const { isMissing, isSame, compact } = this.#options;
    const found = this.#found.get(key);
    const known = found ?? this.#missing.get(key);
    if (known && known.askedAt > told.askedAt) return read;
    const value = known && isSame(known.value, read) ? known.value : compact ? compact(read) : read;
    const [here, there] = isMissing(value) ? [this.#missing, this.#found] : [this.#found, this.#missing];
    // It is kept in one of the two, and mostly stays there.
    if (known && (known === found) !== (here === this.#found)) there.delete(key);
    // Named one by one: what is spread into an object comes to lie in a second one.
    const { askedAt, leastMs, doubted } = told;
    here.set(key, { value, askedAt, leastMs, doubted });
    return value;
  }

  async #inOutage(key: string, error: unknown): Promise<V> {
    const { now, onStale } = this.#options;
    const known = this.#lasting(key) ?? (await this.#learn(key));
    if (!known) throw error;
    this.stale += 1;
    onStale?.(now() - known.askedAt);
    return known.value;
  }

  /** The entry of a key, where it is not too old even for an outage. */
  #lasting(key: string): Entry<V> | undefined {
    const known = this.#entry(key);
    return known && this.#options.now() - known.askedAt < this.#options.ages.outageMs ? known : undefined;
  }

  /** Takes over what another process knows, as old as it is there. */
  async #learn(key: string): Promise<Entry<V> | undefined> {
    const { ages, now, elsewhere } = this.#options;
    if (!elsewhere || ages.outageMs <= 0) return undefined;
    const told = await elsewhere(key);
    // Doubted, because the changes that were looked for here concerned only what was known here.
    if (told) this.#keep(key, told.value, { askedAt: now() - told.ageMs, leastMs: 0, doubted: true });
    return this.#lasting(key);
  }
}
