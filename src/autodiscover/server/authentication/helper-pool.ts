// A bounded number of helper processes. Each handshake takes one for its two legs and gives it back; a dead one is replaced by the next
// taker. When helpers keep failing the pool is shut for a while, so that its scheme is not offered and nobody waits for it.

import { type HelperCommand, HelperFailure, HelperProcess } from './helper-process.ts';

export interface HelperPoolOptions extends HelperCommand {
  readonly maxProcesses: number;
  /** Milliseconds a handshake waits for a free process. */
  readonly waitMs: number;
  readonly onChange?: (open: boolean, reason: string) => void;
}

const FAILURES_TO_SHUT = 3;
const SHUT_MS = 30_000;

export class HelperPool {
  readonly #options: HelperPoolOptions;
  readonly #idle: HelperProcess[] = [];
  readonly #queue: ((helper: HelperProcess | undefined) => void)[] = [];
  #taken = 0;
  #failures = 0;
  #reopenTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: HelperPoolOptions) {
    this.#options = options;
  }

  /** False while helpers keep failing: the scheme is not to be offered. */
  get open(): boolean {
    return !this.#closed && this.#reopenTimer === undefined;
  }

  /** A process for one handshake, or undefined when none comes free in time or the pool is shut. */
  take(): Promise<HelperProcess | undefined> {
    if (!this.open) return Promise.resolve(undefined);
    const ready = this.#ready();
    if (ready) return Promise.resolve(ready);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#queue.splice(this.#queue.indexOf(waiter), 1);
        resolve(undefined);
      }, this.#options.waitMs);
      const waiter = (helper: HelperProcess | undefined) => {
        clearTimeout(timer);
        resolve(helper);
      };
      this.#queue.push(waiter);
    });
  }

  /** Gives a process back. One in the middle of a handshake (`clean` false) is ended: its state is of no use to others. */
  release(helper: HelperProcess, clean: boolean): void {
    this.#taken -= 1;
    if (clean && helper.usable && !this.#closed) this.#idle.push(helper);
    else helper.end();
    const waiter = this.#queue.shift();
    if (waiter) waiter(this.open ? this.#ready() : undefined);
  }

  /** Counts a failed or good answer; several failures in a row shut the pool for a while. */
  report(outcome: 'answered' | HelperFailure): void {
    if (outcome === 'answered') {
      this.#failures = 0;
      return;
    }
    this.#failures += 1;
    if (this.#failures >= FAILURES_TO_SHUT && this.open) this.#shut(outcome.message);
  }

  /** Asks one question of a process of its own: whether the helper works at all. */
  async probe(line: string, expected: RegExp): Promise<boolean> {
    const helper = new HelperProcess(this.#options);
    try {
      return expected.test(await helper.ask(line));
    } catch (error) {
      if (error instanceof HelperFailure) return false;
      throw error;
    } finally {
      helper.end();
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#reopenTimer);
    for (const helper of this.#idle.splice(0)) helper.end();
    for (const waiter of this.#queue.splice(0)) waiter(undefined);
  }

  #ready(): HelperProcess | undefined {
    let helper = this.#idle.pop();
    while (helper && !helper.usable) helper = this.#idle.pop();
    if (!helper && this.#taken < this.#options.maxProcesses) helper = new HelperProcess(this.#options);
    if (helper) this.#taken += 1;
    return helper;
  }

  #shut(reason: string): void {
    this.#options.onChange?.(false, reason);
    for (const waiter of this.#queue.splice(0)) waiter(undefined);
    this.#reopenTimer = setTimeout(() => {
      this.#reopenTimer = undefined;
      this.#failures = 0;
      this.#options.onChange?.(true, 'trying again');
    }, SHUT_MS);
    this.#reopenTimer.unref();
  }
}
