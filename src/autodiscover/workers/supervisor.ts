// Keeps a number of workers alive: starts them, replaces those that die, exchanges them one by one, stops them. Knows nothing of what they
// do; how a worker is started is handed in.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel } from './channel.ts';
import { WorkerFailure } from './worker-failure.ts';

/** A started worker. `R` is what it tells when it is ready. */
export interface Worker<R> {
  readonly id: number;
  readonly channel: Channel;
  /** Rejects with WorkerFailure when it ends before. */
  readonly ready: Promise<R>;
  /** Resolves when the process is gone, with what became of it: `exit code 1`, `SIGKILL`. */
  readonly gone: Promise<string>;
  kill(): void;
}

export interface SupervisorEvents {
  /** A worker died that was not told to; `waitMs` until the next is started in its place. */
  died(event: { readonly worker: number; readonly how: string; readonly waitMs: number }): void;
  /** A worker started in the place of another is ready. */
  replaced(event: { readonly worker: number; readonly instead: number }): void;
  /** A worker that was told to stop has finished; what it said at last. */
  left(event: { readonly worker: number; readonly report: unknown }): void;
  /** A worker in the place of another could not start. */
  notReplaced(event: { readonly instead: number; readonly reason: string }): void;
}

export interface SupervisorOptions<R> {
  readonly count: number;
  start(): Worker<R>;
  readonly events: SupervisorEvents;
  /** Milliseconds until a worker must be ready, and that one gets to stop beyond what it asks for. */
  readonly patience: { readonly readyMs: number; readonly stopMs: number };
  /** A worker is asked now and then whether it lives; one that does not answer for so long is ended, and so replaced. */
  readonly pulse: { readonly everyMs: number; readonly patienceMs: number };
  /** Milliseconds before the first and at most before any restart; a worker that lived `livedMs` starts the count anew. */
  readonly backOff: { readonly firstMs: number; readonly mostMs: number; readonly livedMs: number };
  /** Starts that fail one after the other, while no other worker runs, before the whole service gives up. */
  readonly attempts: number;
}

/** What came of an exchange. */
export interface Exchange {
  /** How many have been exchanged, the last time round. */
  readonly exchanged: number;
  /** One could not start, and the others stayed. */
  readonly failed: boolean;
}

interface Slot<R> {
  worker: Worker<R> | undefined;
  failures: number;
}

export class Supervisor<R> {
  /** Resolves with the last failure when no worker can be kept running. */
  readonly givenUp: Promise<Error>;
  readonly #options: SupervisorOptions<R>;
  readonly #slots: Slot<R>[] = [];
  /** Workers that are told to leave, or are not in a slot yet. */
  readonly #others = new Set<Worker<R>>();
  readonly #stopping = new AbortController();
  #giveUp: (error: Error) => void = () => undefined;
  #rolling: Promise<Exchange> | undefined;
  #rollAgain = false;
  /** Exchanges that were asked for: a worker that was started before the last of them may know the old settings. */
  #rolls = 0;
  #idleMs = 0;

  constructor(options: SupervisorOptions<R>) {
    this.#options = options;
    this.givenUp = new Promise((resolve) => {
      this.#giveUp = resolve;
    });
  }

  /** Whether workers are being exchanged that could as well go on. */
  get exchanging(): boolean {
    return this.#rolling !== undefined;
  }

  /** Workers that serve at the moment. */
  get workers(): readonly Worker<R>[] {
    return this.#slots.flatMap(({ worker }) => worker ?? []);
  }

  /** All that have a process, those that are leaving included. */
  get processes(): readonly Worker<R>[] {
    return [...this.workers, ...this.#others];
  }

  /** Starts one, and when that one can, the others. Throws the failure of the first that cannot; the others are then stopped again. */
  async open(): Promise<R> {
    const { count } = this.#options;
    const [ready, first] = await this.#started();
    this.#take(first);
    const rest = await Promise.allSettled(Array.from({ length: count - 1 }, () => this.#started()));
    for (const one of rest) if (one.status === 'fulfilled') this.#take(one.value[1]);
    const failed = rest.find((one) => one.status === 'rejected');
    if (!failed) return ready;
    await this.stop(0);
    throw failed.reason;
  }

  /** Exchanges the workers one by one: the old one leaves when the new one is ready. Stops at the first that cannot start. */
  roll(idleMs: number): Promise<Exchange> {
    this.#rolls += 1;
    this.#idleMs = idleMs;
    // What is asked for while an exchange is under way may be newer than the workers that exchange has started already.
    if (this.#rolling) this.#rollAgain = true;
    this.#rolling ??= this.#rollAll(idleMs).finally(() => {
      this.#rolling = undefined;
    });
    return this.#rolling;
  }

  /** Lets every worker finish what it does. */
  async stop(idleMs: number): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.processes.map((worker) => this.#end(worker, idleMs)));
  }

  /** Starts a worker and waits until it is ready; one that cannot is ended. */
  async #started(): Promise<[R, Worker<R>]> {
    const worker = this.#options.start();
    this.#others.add(worker);
    void worker.gone.then(() => this.#others.delete(worker));
    const late = new AbortController();
    try {
      const ready = await Promise.race([worker.ready, this.#lateFailure(late.signal)]);
      return [ready, worker];
    } catch (error) {
      worker.kill();
      await worker.gone;
      throw error;
    } finally {
      late.abort();
    }
  }

  async #lateFailure(signal: AbortSignal): Promise<never> {
    const { readyMs } = this.#options.patience;
    await sleep(readyMs, undefined, { signal });
    throw new WorkerFailure(`a worker was not ready after ${readyMs / 1000} seconds`, 'not-ready');
  }

  #take(worker: Worker<R>, slot: Slot<R> = this.#newSlot()): void {
    this.#others.delete(worker);
    slot.worker = worker;
    const since = performance.now();
    const pulse = this.#feelPulse(worker);
    void worker.gone.then((how) => {
      clearInterval(pulse);
      // It was exchanged, or the service stops.
      if (slot.worker !== worker) return;
      slot.worker = undefined;
      if (performance.now() - since >= this.#options.backOff.livedMs) slot.failures = 0;
      void this.#restart(slot, worker.id, how);
    });
  }

  /**
   * A worker whose thread never comes back would keep its connections and answer none of them. Questions are counted and not the time: when
   * this process stood still, the answers to what it asked before lie unread.
   */
  #feelPulse(worker: Worker<R>): NodeJS.Timeout {
    const { everyMs, patienceMs } = this.#options.pulse;
    let unanswered = 0;
    const timer = setInterval(() => {
      if (unanswered * everyMs >= patienceMs) return worker.kill();
      unanswered += 1;
      worker.channel.ask('pulse').then(
        () => {
          unanswered = 0;
        },
        () => undefined,
      );
    }, everyMs);
    return timer.unref();
  }

  #newSlot(): Slot<R> {
    const slot = { worker: undefined, failures: 0 };
    this.#slots.push(slot);
    return slot;
  }

  async #restart(slot: Slot<R>, instead: number, how: string): Promise<void> {
    const { backOff, events, attempts } = this.#options;
    const { signal } = this.#stopping;
    let waitMs = 0;
    const pause = () => {
      slot.failures += 1;
      waitMs = Math.min(backOff.mostMs, backOff.firstMs * 2 ** (slot.failures - 1));
    };
    pause();
    if (!signal.aborted) events.died({ worker: instead, how, waitMs });
    while (!signal.aborted) {
      try {
        await sleep(waitMs, undefined, { signal });
        const rolls = this.#rolls;
        const [, worker] = await this.#started();
        // Stopped meanwhile: `stop` has seen it among the others.
        if (signal.aborted) return;
        this.#take(worker, slot);
        events.replaced({ worker: worker.id, instead });
        if (rolls !== this.#rolls) await this.#exchange(slot, worker, this.#idleMs);
        return;
      } catch (error) {
        if (signal.aborted) return;
        events.notReplaced({ instead, reason: (error as Error).message });
        if (slot.failures >= attempts && this.workers.length === 0) return this.#giveUp(error as Error);
        pause();
      }
    }
  }

  async #rollAll(idleMs: number): Promise<Exchange> {
    let outcome: Exchange;
    do {
      this.#rollAgain = false;
      outcome = await this.#rollOnce(idleMs);
    } while (this.#rollAgain);
    return outcome;
  }

  async #rollOnce(idleMs: number): Promise<Exchange> {
    const { signal } = this.#stopping;
    let exchanged = 0;
    for (const slot of [...this.#slots]) {
      const old = slot.worker;
      // One that is being restarted comes with the new settings, or is exchanged when it is there.
      if (!old || signal.aborted) continue;
      // A service that stops has no use for the rest.
      if (!(await this.#exchange(slot, old, idleMs))) return { exchanged, failed: !signal.aborted };
      exchanged += 1;
    }
    return { exchanged, failed: false };
  }

  async #exchange(slot: Slot<R>, old: Worker<R>, idleMs: number): Promise<boolean> {
    const { events } = this.#options;
    let fresh: Worker<R>;
    try {
      [, fresh] = await this.#started();
    } catch (error) {
      events.notReplaced({ instead: old.id, reason: (error as Error).message });
      return false;
    }
    if (this.#stopping.signal.aborted) return false;
    // Died meanwhile: then its place is being filled already.
    if (slot.worker !== old) {
      this.#others.add(fresh);
      await this.#end(fresh, 0);
      return true;
    }
    this.#take(fresh, slot);
    this.#others.add(old);
    events.replaced({ worker: fresh.id, instead: old.id });
    await this.#end(old, idleMs);
    return true;
  }

  /** Asks a worker to stop; ends it when it does not in time. */
  async #end(worker: Worker<R>, idleMs: number): Promise<void> {
    for (const slot of this.#slots) if (slot.worker === worker) slot.worker = undefined;
    this.#others.add(worker);
    worker.channel.ask('stop', { idleMs }).then(
      (report) => this.#options.events.left({ worker: worker.id, report }),
      () => undefined,
    );
    const timer = setTimeout(() => worker.kill(), idleMs + this.#options.patience.stopMs);
    await worker.gone;
    clearTimeout(timer);
    this.#others.delete(worker);
  }
}
