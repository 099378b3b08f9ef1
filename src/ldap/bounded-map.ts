// A Map that forgets what was set longest ago. The order is kept in a ring beside it: taking the first key out of a Map each time walks
// over the holes that leaves, and under a flood of new keys every insertion would cost thousands of steps (V8's ordered hash tables).

export class BoundedMap<K, V> {
  readonly #entries = new Map<K, { readonly value: V; readonly slot: number }>();
  /** Each held key once, at its slot; places that were left are empty, so that nothing keeps their keys. */
  readonly #ring: (K | undefined)[] = [];
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
    this.delete(key);
    const slot = this.#next;
    this.#next = (slot + 1) % this.#maxEntries;
    const oldest = this.#ring[slot];
    if (oldest !== undefined) this.#entries.delete(oldest);
    this.#ring[slot] = key;
    this.#entries.set(key, { value, slot });
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
