// A Map that forgets what was set longest ago. The order is kept in a ring beside it: taking the first key out of a Map each time walks
// over the holes that leaves, and under a flood of new keys every insertion would cost thousands of steps (V8's ordered hash tables).

/** Places that a ring may have beyond twice as many as there are keys. */
const LEAST_RING = 64;

export class BoundedMap<K, V> {
  /** Where in the ring each held key is: no object for each entry, since there may be a hundred thousand of them. */
  readonly #slots = new Map<K, number>();
  /** Each held key once, at its slot, and its value at the same one of #values; places that were left are empty, so that nothing keeps them. */
  readonly #ring: (K | undefined)[] = [];
  readonly #values: (V | undefined)[] = [];
  readonly #maxEntries: number;
  #next = 0;

  /** Never holds more than `maxEntries`; what was set longest ago goes first. */
  constructor(maxEntries: number) {
    this.#maxEntries = Math.max(1, maxEntries);
  }

  get(key: K): V | undefined {
    const slot = this.#slots.get(key);
    return slot === undefined ? undefined : this.#values[slot];
  }

  set(key: K, value: V): void {
    const left = this.#slots.get(key);
    // The Map keeps the key that it has, so the ring keeps the same one: an equal text would take room a second time.
    const held = left === undefined ? key : this.#ring[left];
    // Left in the ring, but not taken out of the Map and put in again: that would leave a hole in it each time.
    if (left !== undefined) this.#leave(left);
    if (this.#next === this.#ring.length && this.#ring.length > LEAST_RING + 2 * this.#slots.size) this.#closeUp();
    const slot = this.#next;
    this.#next = (slot + 1) % this.#maxEntries;
    const oldest = this.#ring[slot];
    if (oldest !== undefined) this.#slots.delete(oldest);
    this.#ring[slot] = held;
    this.#values[slot] = value;
    this.#slots.set(key, slot);
  }

  delete(key: K): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    this.#leave(slot);
    this.#slots.delete(key);
  }

  /** Everything that is held, in no order worth relying on. */
  *values(): Generator<V> {
    for (const slot of this.#slots.values()) yield this.#values[slot] as V;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Before the ring grows: where keys are set again and again, most of it is places that were left. */
  #closeUp(): void {
    let to = 0;
    for (const [from, key] of this.#ring.entries()) {
      if (key === undefined) continue;
      this.#ring[to] = key;
      this.#values[to] = this.#values[from];
      this.#slots.set(key, to);
      to += 1;
    }
    this.#ring.length = to;
    this.#values.length = to;
    this.#next = to;
  }

  #leave(slot: number): void {
    this.#ring[slot] = undefined;
    this.#values[slot] = undefined;
  }
}
