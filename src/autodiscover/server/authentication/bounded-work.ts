// Admission control: so much work at once, so much waiting for it, and no more. What is turned away is told so at once, which keeps the
// time of what is let in bounded.

export interface BoundedWorkOptions {
  readonly running: number;
  readonly waiting: number;
  /** Milliseconds something may wait before it is turned away. */
  readonly waitMs: number;
}

interface Waiting {
  readonly begin: (admitted: boolean) => void;
  readonly timer: NodeJS.Timeout;
}

export class BoundedWork {
  readonly #options: BoundedWorkOptions;
  // A Set keeps insertion order and forgets from the middle in constant time.
  readonly #queue = new Set<Waiting>();
  #running = 0;

  constructor(options: BoundedWorkOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /** Runs the task when its turn comes; `busy` when too much waits already or the turn does not come in time. */
  async run<T>(task: () => Promise<T>): Promise<T | 'busy'> {
    if (this.#running < this.#options.running) this.#running += 1;
    else if (!(await this.#turn())) return 'busy';
    try {
      return await task();
    } finally {
      this.#finished();
    }
  }

  /** Waits for the place of work that ends; false when there is none. */
  #turn(): Promise<boolean> {
    if (this.#queue.size >= this.#options.waiting) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#queue.delete(entry);
        resolve(false);
      }, this.#options.waitMs);
      timer.unref();
      const entry: Waiting = { begin: resolve, timer };
      this.#queue.add(entry);
    });
  }

  /** Hands the place of finished work to whoever waited longest. */
  #finished(): void {
    const [next] = this.#queue;
    if (!next) {
      this.#running -= 1;
      return;
    }
    this.#queue.delete(next);
    clearTimeout(next.timer);
    next.begin(true);
  }
}
