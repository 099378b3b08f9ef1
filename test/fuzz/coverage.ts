// Which characters of our sources an input ran, by V8's own block coverage. Reading it costs more than a parse, so inputs are judged in
// batches; a batch that ran something new is halved until the inputs that did it are found.

import { Session } from 'node:inspector/promises';

const SOURCES = new URL('../../src/', import.meta.url).href;

/** By the file's URL, a 1 for every character that ran. */
type Covered = Map<string, Uint8Array>;

export class Coverage {
  readonly #session = new Session();
  #seen: Covered = new Map();
  #size = 0;

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post('Profiler.enable');
    await this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** What ran since this was last asked. */
  async #ran(): Promise<Covered> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    const covered: Covered = new Map();
    for (const { url, functions } of result) {
      if (!url.startsWith(SOURCES)) continue;
      const ranges = functions.flatMap((one) => one.ranges);
      if (!ranges.some(({ count }) => count > 0)) continue;
      const marks = new Uint8Array(Math.max(...ranges.map(({ endOffset }) => endOffset)));
      // Ranges come from the outside in, and V8 leaves out those that ran as often as what is around them.
      for (const { startOffset, endOffset, count } of ranges) marks.fill(count > 0 ? 1 : 0, startOffset, endOffset);
      covered.set(url, marks);
    }
    return covered;
  }

  /** Characters run since the last call that had never run before; from now on they have. */
  async fresh(): Promise<Covered> {
    const fresh: Covered = new Map();
    for (const [url, ran] of await this.#ran()) {
      const seen = new Uint8Array(Math.max(ran.length, this.#seen.get(url)?.length ?? 0));
      seen.set(this.#seen.get(url) ?? []);
      const added = new Uint8Array(ran.length);
      let size = 0;
      for (let at = 0; at < ran.length; at++) if (ran[at] === 1 && seen[at] === 0) size += added[at] = seen[at] = 1;
      if (size === 0) continue;
      this.#size += size;
      this.#seen.set(url, seen);
      fresh.set(url, added);
    }
    return fresh;
  }

  /** Inputs of a batch that run what was fresh in it, at most `most`: each found by running half of what may be the one. */
  async culprits(
    batch: readonly Buffer[],
    fresh: Covered,
    run: (data: Buffer) => void,
    most: number,
  ): Promise<Buffer[]> {
    const found: Buffer[] = [];
    for (let wanted = fresh; wanted.size > 0 && found.length < most; ) {
      let among = batch;
      while (among.length > 1) {
        const half = among.slice(0, among.length >> 1);
        for (const data of half) run(data);
        among = meet(await this.#ran(), wanted) ? half : among.slice(half.length);
      }
      const [data] = among;
      if (data === undefined) break;
      run(data);
      const ran = await this.#ran();
      // What runs once in a process is not found again.
      if (!meet(ran, wanted)) break;
      wanted = without(wanted, ran);
      found.push(data);
    }
    return found;
  }

  /** Begins anew: nothing has been seen. */
  async forget(): Promise<void> {
    await this.#ran();
    this.#seen = new Map();
    this.#size = 0;
  }

  /** Characters of source that have run. */
  get size(): number {
    return this.#size;
  }

  stop(): void {
    this.#session.disconnect();
  }
}

function meet(ran: Covered, wanted: Covered): boolean {
  return [...wanted].some(([url, marks]) => marks.some((mark, at) => mark === 1 && ran.get(url)?.[at] === 1));
}

function without(wanted: Covered, ran: Covered): Covered {
  const left = [...wanted].map(([url, marks]): [string, Uint8Array] => [
    url,
    marks.map((mark, at) => (ran.get(url)?.[at] === 1 ? 0 : mark)),
  ]);
  return new Map(left.filter(([, marks]) => marks.includes(1)));
}
