// The memory that hives are read into. Hives of many megabytes, several at a time, are bounded by their bytes and not by their number;
// and their buffers are used again, because fresh memory costs more than reading a file from the cache into it, and because the garbage
// collector sees too late how much hangs on a small object.

/** How many bytes of hives may be held at a time, unless one alone is larger. Also what is kept for the next ones. */
const HIVE_MEMORY_BYTES = 96 * 1024 * 1024;
/** The smallest buffer. */
const SMALLEST = 64 * 1024;

/** Gives a buffer of at least `bytes` bytes with unknown content. It is taken back when the work that asked for it ends. */
export type TakeBuffer = (bytes: number) => Buffer;

export class HiveMemory {
  readonly #limit: number;
  readonly #waiting: { readonly bytes: number; readonly start: () => void }[] = [];
  /** Longest kept first. */
  readonly #kept: Buffer<ArrayBuffer>[] = [];
  #held = 0;

  constructor(limit: number = HIVE_MEMORY_BYTES) {
    this.#limit = limit;
  }

  /**
   * Runs `work` as soon as there is room for `bytes`, in the order of asking. Nothing may refer to the buffers when it ends.
   * Work never asks for room inside work: two that wait for each other would wait forever.
   */
  async hold<T>(bytes: number, work: (take: TakeBuffer) => Promise<T>): Promise<T> {
    if (this.#waiting.length > 0 || !this.#hasRoom(bytes)) {
      await new Promise<void>((start) => this.#waiting.push({ bytes, start }));
    } else {
      this.#held += bytes;
    }
    const taken: Buffer<ArrayBuffer>[] = [];
    try {
      return await work((size) => {
        const buffer = this.#take(size);
        taken.push(buffer);
        return buffer;
      });
    } finally {
      this.#held -= bytes;
      this.#kept.push(...taken);
      this.#release();
      this.#startNext();
    }
  }

  #hasRoom(bytes: number): boolean {
    return this.#held === 0 || this.#held + bytes <= this.#limit;
  }

  #startNext(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoom(next.bytes); next = this.#waiting[0]) {
      this.#held += next.bytes;
      this.#waiting.shift();
      next.start();
    }
  }

  /** The smallest kept buffer that is large enough; a far too large one is left for whoever needs it. */
  #take(size: number): Buffer<ArrayBuffer> {
    const capacity = capacityFor(size);
    let best = -1;
    for (const [i, { length }] of this.#kept.entries()) {
      if (length < size || length > 2 * capacity) continue;
      if (best === -1 || length < (this.#kept[best]?.length ?? 0)) best = i;
    }
    const found = best === -1 ? undefined : this.#kept.splice(best, 1)[0];
    if (found !== undefined) return found;
    this.#release();
    return Buffer.allocUnsafeSlow(capacity);
  }

  /** What is held and what is kept stay together below the limit; the oldest are let go. */
  #release(): void {
    let total = this.#held + this.#kept.reduce((sum, { length }) => sum + length, 0);
    while (total > this.#limit) {
      const oldest = this.#kept.shift();
      if (oldest === undefined) return;
      total -= oldest.length;
      // Given back at once: the garbage collector is in no hurry over one small object.
      oldest.buffer.transfer(0);
    }
  }
}

/** In steps of an eighth, so that hives of nearly one size share their buffers. Memory that is never written to costs nothing. */
function capacityFor(size: number): number {
  const step = Math.max(SMALLEST, 2 ** Math.floor(Math.log2(Math.max(size, 1))) / 8);
  return Math.ceil(Math.max(size, 1) / step) * step;
}
