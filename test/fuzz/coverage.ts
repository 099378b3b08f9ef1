// Which pieces of our sources an input ran, by V8's own block coverage. Reading it costs more than a parse, so inputs are judged in
// batches; only a batch that ran something new is looked at one by one.

import { Session } from 'node:inspector/promises';

const SOURCES = new URL('../../src/', import.meta.url).href;

export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post('Profiler.enable');
    await this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Pieces run since the last call that had never run before. */
  async fresh(): Promise<number> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    const before = this.#seen.size;
    for (const { url, functions } of result) {
      if (!url.startsWith(SOURCES)) continue;
      // How often matters as well, roughly: a loop taken a hundred times is not one taken once.
      for (const { ranges } of functions)
        for (const { startOffset, endOffset, count } of ranges)
          if (count > 0) this.#seen.add(`${url}:${startOffset}:${endOffset}:${Math.ceil(Math.log2(count + 1) / 3)}`);
    }
    return this.#seen.size - before;
  }

  get pieces(): number {
    return this.#seen.size;
  }

  stop(): void {
    this.#session.disconnect();
  }
}
