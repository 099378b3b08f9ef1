// What is remembered under a digest, and since when, of the fifty thousand who logged on this morning: in arrays of numbers, because a Map
// with a text, a number and an object for each takes three times the room, and the garbage collector looks at every one of them.

import { hash, randomBytes } from 'node:crypto';

/** Characters of a digest that are looked at, one for each byte: 128 bits, more than anybody finds a second text for. */
const WORDS = 4;
const FIRST_CAPACITY = 256;
const EMPTY = -1;

/** 256 bits, as text. */
export function newSecret(): string {
  return randomBytes(32).toString('hex');
}

/**
 * Makes digests for DatedDigests, under a secret of its own or one that several processes share. Nobody else ever sees one, so HMAC's guard
 * against prolonging it is not needed; node's createHmac costs ten times as much.
 */
export function secretDigests(secret: string = newSecret()): (text: string) => string {
  return (text) => hash('sha256', secret + text, 'binary');
}

export interface Dated<V> {
  readonly value: V;
  readonly since: number;
}

/** As a BoundedMap, forgets what was set longest ago. Digests are secretDigests': nobody chooses them. */
export class DatedDigests<V> {
  readonly #maxEntries: number;
  /** By slot, in a ring: digest, time and value. A slot that was left has no value. */
  #digests = new Uint32Array(FIRST_CAPACITY * WORDS);
  #times = new Float64Array(FIRST_CAPACITY);
  readonly #values: (V | undefined)[] = [];
  /** Slots by digest, with open addressing; at least twice as many places as slots. */
  #index = new Int32Array(FIRST_CAPACITY * 2).fill(EMPTY);
  /** The digest that is being looked for. */
  readonly #sought = new Uint32Array(WORDS);
  #next = 0;
  #size = 0;

  constructor(maxEntries: number) {
    this.#maxEntries = Math.max(1, maxEntries);
  }

  get size(): number {
    return this.#size;
  }

  /** `digest` has a character from U+0000 to U+00FF for each of its bytes, sixteen at least. */
  get(digest: string): Dated<V> | undefined {
    const slot = this.#index[this.#find(digest)] as number;
    return slot === EMPTY ? undefined : { value: this.#values[slot] as V, since: this.#times[slot] as number };
  }

  set(digest: string, value: V, since: number): void {
    this.delete(digest);
    if (this.#next === this.#times.length && this.#next < this.#maxEntries) this.#makeRoom();
    const slot = this.#next % this.#maxEntries;
    this.#next = slot + 1;
    if (this.#values[slot] !== undefined) this.#removeAt(this.#findSlot(slot));
    this.#index[this.#find(digest)] = slot;
    this.#digests.set(this.#sought, slot * WORDS);
    this.#times[slot] = since;
    this.#values[slot] = value;
    this.#size += 1;
  }

  delete(digest: string): void {
    const place = this.#find(digest);
    if (this.#index[place] !== EMPTY) this.#removeAt(place);
  }

  /** The place of a digest in the index, or the empty one where it would stand. */
  #find(digest: string): number {
    for (let word = 0; word < WORDS; word++) {
      const at = word * 4;
      const low = digest.charCodeAt(at) | (digest.charCodeAt(at + 1) << 8) | (digest.charCodeAt(at + 2) << 16);
      this.#sought[word] = low | (digest.charCodeAt(at + 3) << 24);
    }
    return this.#place(this.#sought, 0);
  }

  #findSlot(slot: number): number {
    return this.#place(this.#digests, slot * WORDS);
  }

  #place(words: Uint32Array, from: number): number {
    const mask = this.#index.length - 1;
    for (let place = (words[from] as number) & mask; ; place = (place + 1) & mask) {
      const slot = this.#index[place] as number;
      if (slot === EMPTY) return place;
      let same = 0;
      while (same < WORDS && this.#digests[slot * WORDS + same] === words[from + same]) same += 1;
      if (same === WORDS) return place;
    }
  }

  /** Empties a place, and moves up what stands behind it and would not be found over the gap. */
  #removeAt(removed: number): void {
    const mask = this.#index.length - 1;
    this.#values[this.#index[removed] as number] = undefined;
    this.#size -= 1;
    let gap = removed;
    for (let place = (gap + 1) & mask; this.#index[place] !== EMPTY; place = (place + 1) & mask) {
      const home = (this.#digests[(this.#index[place] as number) * WORDS] as number) & mask;
      // It may move unless its home lies between the gap and itself.
      if (((place - home) & mask) < ((place - gap) & mask)) continue;
      this.#index[gap] = this.#index[place] as number;
      gap = place;
    }
    this.#index[gap] = EMPTY;
  }

  /** Closes up what is held, where most slots were left because their digests were set again; else takes twice as many. */
  #makeRoom(): void {
    const [digests, times] = [this.#digests, this.#times];
    const capacity = this.#size * 2 < times.length ? times.length : times.length * 2;
    this.#digests = new Uint32Array(capacity * WORDS);
    this.#times = new Float64Array(capacity);
    this.#index = new Int32Array(capacity * 2).fill(EMPTY);
    let to = 0;
    for (const [from, value] of this.#values.entries()) {
      if (value === undefined) continue;
      this.#digests.set(digests.subarray(from * WORDS, (from + 1) * WORDS), to * WORDS);
      this.#times[to] = times[from] as number;
      this.#values[to] = value;
      this.#index[this.#findSlot(to)] = to;
      to += 1;
    }
    this.#values.length = to;
    this.#next = to;
  }
}
