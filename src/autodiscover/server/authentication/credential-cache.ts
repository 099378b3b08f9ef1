// Remembers outcomes of credential checks for a short time, so that Outlook's bursts cost one bind and a directory outage does not lock
// out people who were just let in. Passwords are not kept: the key is a digest under a secret of this process, or of all workers of one
// service, which can then tell each other what they know of a credential without naming it.

import type { Aged } from '../../../ldap/aged-cache.ts';
import { DatedDigests, secretDigests } from './dated-digests.ts';

export interface CredentialCacheOptions {
  readonly acceptedMs: number;
  readonly rejectedMs: number;
  /** Milliseconds for which what was accepted is still so when the check fails for want of a directory; no longer than acceptedMs when absent. */
  readonly outageMs?: number;
  /** Accepted ones; those rejected are kept apart, a tenth as many, so that guesses push nobody's good password out. */
  readonly maxEntries: number;
  readonly now: () => number;
  /** Under which credentials are digested; one of its own when absent. */
  readonly secret?: string | undefined;
}

/** How long an outcome is remembered. `outage`: nobody could judge, so what was accepted not too long ago still is. */
export type Keeping = 'accepted' | 'rejected' | 'no' | 'outage';

/** `T` is the outcome; `keep` tells for how long, or not at all. */
export class CredentialCache<T> {
  /** Checks answered from memory, and those that were not, since the start. */
  hits = 0;
  misses = 0;
  /** The ages of those answers from memory, added up: milliseconds. */
  hitAgeMs = 0;
  /** Accepted because nobody could judge and they had been accepted before, since the start. */
  stale = 0;
  readonly #digest: (text: string) => string;
  readonly #options: CredentialCacheOptions;
  /** Outcomes, and when they were judged. */
  readonly #accepted: DatedDigests<T>;
  readonly #rejected: DatedDigests<T>;
  readonly #running = new Map<string, Promise<T>>();

  constructor(options: CredentialCacheOptions) {
    this.#options = options;
    this.#digest = secretDigests(options.secret);
    this.#accepted = new DatedDigests(options.maxEntries);
    this.#rejected = new DatedDigests(Math.ceil(options.maxEntries / 10));
  }

  /** The remembered outcome, else that of `check`, which never throws but rejects; callers with the same credential share one running check. */
  check(name: string, password: string, check: () => Promise<T>, keep: (value: T) => Keeping): Promise<T> {
    const key = this.#key(name, password);
    const { acceptedMs, rejectedMs } = this.#options;
    const accepted = this.#accepted.get(key);
    const known = accepted ?? this.#rejected.get(key);
    if (known) {
      const ageMs = this.#options.now() - known.since;
      if (ageMs < (accepted ? acceptedMs : rejectedMs)) {
        this.hits += 1;
        this.hitAgeMs += ageMs;
        return Promise.resolve(known.value);
      }
      // What was refused still tells, while it lasts, that others' memories of it as good are out of date.
      if (ageMs >= Math.max(this.#lastsMs, rejectedMs)) this.#forget(key);
    }
    this.misses += 1;
    const running = this.#running.get(key);
    if (running) return running;
    const started = this.#judged(key, check, keep);
    this.#running.set(key, started);
    return started;
  }

  /** What came of a credential when it was last judged here, for another process; undefined when that is not known, or too long ago. */
  recall(digest: string): Aged<T> | undefined {
    const known = this.#accepted.get(digest) ?? this.#rejected.get(digest);
    const ageMs = known ? this.#options.now() - known.since : 0;
    return known && ageMs < this.#lastsMs ? { value: known.value, ageMs } : undefined;
  }

  /**
   * The outcome of a credential that cannot be judged and is not known here, if it was accepted when it was last judged anywhere: `ask` tells
   * what others know of a digest, undefined as the value where it was refused.
   */
  async learn<A extends T>(
    name: string,
    password: string,
    ask: (digest: string) => Promise<Aged<A | undefined> | undefined>,
  ): Promise<A | undefined> {
    if (this.#lastsMs === 0) return undefined;
    const key = this.#key(name, password);
    const told = await ask(key);
    if (told?.value === undefined || told.ageMs >= this.#lastsMs) return undefined;
    const since = this.#options.now() - told.ageMs;
    if ((this.#rejected.get(key)?.since ?? Number.NEGATIVE_INFINITY) >= since) return undefined;
    if ((this.#accepted.get(key)?.since ?? Number.NEGATIVE_INFINITY) < since) {
      this.#forget(key);
      this.#accepted.set(key, told.value, since);
    }
    this.stale += 1;
    return told.value;
  }

  async #judged(key: string, check: () => Promise<T>, keep: (value: T) => Keeping): Promise<T> {
    try {
      return this.#keep(key, await check(), keep);
    } finally {
      this.#running.delete(key);
    }
  }

  #keep(key: string, value: T, keep: (value: T) => Keeping): T {
    const how = keep(value);
    if (how === 'outage') {
      const known = this.#accepted.get(key);
      if (!known || this.#options.now() - known.since >= this.#lastsMs) return value;
      this.stale += 1;
      return known.value;
    }
    // What was refused a moment ago was accepted before only under a password that has changed since.
    if (how !== 'no') this.#forget(key);
    const now = this.#options.now();
    if (how === 'accepted' && this.#lastsMs > 0) this.#accepted.set(key, value, now);
    if (how === 'rejected') this.#rejected.set(key, value, now);
    return value;
  }

  /** For how long what was accepted serves in an outage. */
  get #lastsMs(): number {
    const { acceptedMs, outageMs = 0 } = this.#options;
    return Math.max(acceptedMs, outageMs);
  }

  get size(): number {
    return this.#accepted.size + this.#rejected.size;
  }

  #key(name: string, password: string): string {
    return this.#digest(`${name.length}:${name}${password}`);
  }

  #forget(key: string): void {
    this.#accepted.delete(key);
    this.#rejected.delete(key);
  }
}
