// A Map that forgets. Two generations: when the young one is half of what is allowed, it becomes the old one and what was old is gone.
// Taking the oldest key out of one Map each time would be exact, but V8 walks over the holes that leaves: under a flood of new keys every
// insertion would cost thousands of steps.

export class BoundedMap<K, V> {
  readonly #generation: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  /** Holds at most `maxEntries`, and always the half of them that was set last. */
  constructor(maxEntries: number) {
    this.#generation = Math.max(1, Math.floor(maxEntries / 2));
  }

  get(key: K): V | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  /** Puts the entry among those that were set last. */
  set(key: K, value: V): void {
    this.#old.delete(key);
    if (this.#young.size >= this.#generation && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  delete(key: K): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
