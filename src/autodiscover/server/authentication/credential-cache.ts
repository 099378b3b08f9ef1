// Remembers outcomes of credential checks for a short time, so that Outlook's bursts cost one bind and a directory outage does not lock
// out people who were just let in. Passwords are not kept: the key is a hash that begins with a secret of this process. Nobody ever sees
// one, so HMAC's guard against prolonging it is not needed; node's createHmac costs ten times as much.

import { hash, randomBytes } from 'node:crypto';

import { BoundedMap } from '../../../ldap/bounded-map.ts';

export interface CredentialCacheOptions {
  readonly acceptedMs: number;
  readonly rejectedMs: number;
  /** Milliseconds for which what was accepted is still so when the check fails for want of a directory; no longer than acceptedMs when absent. */
  readonly outageMs?: number;
  /** Accepted ones; those rejected are kept apart, a tenth as many, so that guesses push nobody's good password out. */
  readonly maxEntries: number;
  readonly now: () => number;
}

interface Entry<T> {
  readonly value: T;
  readonly expires: number;
  /** Until when it serves in an outage. */
  readonly lasts: number;
}

/** How long an outcome is remembered. `outage`: nobody could judge, so what was accepted not too long ago still is. */
export type Keeping = 'accepted' | 'rejected' | 'no' | 'outage';

/** `T` is the outcome; `keep` tells for how long, or not at all. */
export class CredentialCache<T> {
  /** Checks answered from memory, and those that were not, since the start. */
  hits = 0;
  misses = 0;
  readonly #secret = randomBytes(32).toString('hex');
  readonly #options: CredentialCacheOptions;
  readonly #accepted: BoundedMap<string, Entry<T>>;
  readonly #rejected: BoundedMap<string, Entry<T>>;
  readonly #running = new Map<string, Promise<T>>();

  constructor(options: CredentialCacheOptions) {
    this.#options = options;
    this.#accepted = new BoundedMap(options.maxEntries);
    this.#rejected = new BoundedMap(Math.ceil(options.maxEntries / 10));
  }

  /** The remembered outcome, else that of `check`; callers with the same credential share one running check. */
  async check(name: string, password: string, check: () => Promise<T>, keep: (value: T) => Keeping): Promise<T> {
    const key = this.#key(name, password);
    const known = this.#accepted.get(key) ?? this.#rejected.get(key);
    if (known) {
      if (known.expires > this.#options.now()) {
        this.hits += 1;
        return known.value;
      }
      if (known.lasts <= this.#options.now()) this.#forget(key);
    }
    this.misses += 1;
    const running = this.#running.get(key);
    if (running) return running;
    const started = this.#judge(key, check, keep).finally(() => this.#running.delete(key));
    this.#running.set(key, started);
    return started;
  }

  async #judge(key: string, check: () => Promise<T>, keep: (value: T) => Keeping): Promise<T> {
    const value = await check();
    const how = keep(value);
    if (how === 'outage') {
      const known = this.#accepted.get(key);
      return known && known.lasts > this.#options.now() ? known.value : value;
    }
    const { acceptedMs, rejectedMs, outageMs = 0 } = this.#options;
    // What was refused a moment ago was accepted before only under a password that has changed since.
    if (how !== 'no') this.#forget(key);
    const now = this.#options.now();
    const lasts = now + Math.max(acceptedMs, outageMs);
    if (how === 'accepted' && lasts > now) this.#accepted.set(key, { value, expires: now + acceptedMs, lasts });
    if (how === 'rejected' && rejectedMs > 0)
      this.#rejected.set(key, { value, expires: now + rejectedMs, lasts: now + rejectedMs });
    return value;
  }

  get size(): number {
    return this.#accepted.size + this.#rejected.size;
  }

  #key(name: string, password: string): string {
    return hash('sha256', `${this.#secret}${name.length}:${name}${password}`, 'base64');
  }

  #forget(key: string): void {
    this.#accepted.delete(key);
    this.#rejected.delete(key);
  }
}
