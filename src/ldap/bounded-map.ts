// A Map that forgets what was set longest ago. The order is kept in a ring beside it: taking the first key out of a Map each time walks
// over the holes that leaves, and under a flood of new keys every insertion would cost thousands of steps (V8's ordered hash tables).

interface Held<K, V> {
  readonly key: K;
  value: V;
  slot: number;
}

export class BoundedMap<K, V> {
  readonly #entries = new Map<K, Held<K, V>>();
  /** Each held key once, at its slot; places that were left are empty, so that nothing keeps their keys. */
  readonly #ring: (Held<K, V> | undefined)[] = [];
  readonly #maxEntries: number;
  #next = 0;

  /** Holds what was set in the last `maxEntries` settings, and nothing else. */
  constructor(maxEntries: number) {
    this.#maxEntries = Math.max(1, maxEntries);
  }

  get(key: K): V | undefined {
    return this.#entries.get(key)?.value;
  }

  set(key: K, value: V): void {
    const slot = this.#next;
    this.#next = (slot + 1) % this.#maxEntries;
    const held = this.#entries.get(key);
    if (held) this.#ring[held.slot] = undefined;
    const oldest = this.#ring[slot];
    if (oldest) this.#entries.delete(oldest.key);
    if (held) {
      // In its place: taking it out and putting it in again would leave a hole in the Map each time.
      held.value = value;
      held.slot = slot;
      this.#ring[slot] = held;
      return;
    }
    const fresh = { key, value, slot };
    this.#ring[slot] = fresh;
    this.#entries.set(key, fresh);
  }

  delete(key: K): void {
    const held = this.#entries.get(key);
    if (!held) return;
    this.#ring[held.slot] = undefined;
    this.#entries.delete(key);
  }

  /** Everything that is held, in no order worth relying on. */
  *values(): Generator<V> {
    for (const { value } of this.#entries.values()) yield value;
  }

  get size(): number {
    return this.#entries.size;
  }
}
