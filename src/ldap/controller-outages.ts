// Which domain controllers are down: they are told of, and tried until they are back.

import { type ControllerConnection, failureText } from './controller.ts';
import type { PoolEvent, RetryIntervals } from './pool-options.ts';

export interface OutageParts {
  /** URLs in the configured order; controllers are named by their place here. */
  readonly urls: readonly string[];
  readonly retry: RetryIntervals;
  /** Opens a connection to a controller that was down. */
  readonly open: (at: number) => Promise<ControllerConnection>;
  /** Told before anybody else: a controller is down, or is back with this open connection. */
  readonly left: (at: number) => void;
  readonly returned: (at: number, connection: ControllerConnection) => void;
  /** Told after everybody else how many milliseconds its opening took. */
  readonly opened: (at: number, openingMs: number) => void;
  readonly onEvent: (event: PoolEvent) => void;
}

/** For how long requests wait for controllers that are tried because no other is left. */
const RESCUE_MS = 1_000;

interface Place {
  readonly at: number;
  readonly url: string;
  /** Undefined while the controller is thought to be well. */
  retryAfterMs: number | undefined;
  /** Why it was last given up. */
  failure: string;
  timer: NodeJS.Timeout | undefined;
  /** Whether it is back, while it is being tried. */
  trying: Promise<boolean> | undefined;
  /** When it was last given up, or tried in vain. */
  failedAt: number;
  returnedAt: number;
}

export class ControllerOutages {
  readonly #parts: OutageParts;
  readonly #places: readonly Place[];
  #rescue: Promise<boolean> = Promise.resolve(false);
  #closed = false;

  constructor(parts: OutageParts) {
    this.#parts = parts;
    this.#places = parts.urls.map((url, at) => ({
      at,
      url,
      retryAfterMs: undefined,
      failure: '',
      timer: undefined,
      trying: undefined,
      failedAt: Number.NEGATIVE_INFINITY,
      returnedAt: Number.NEGATIVE_INFINITY,
    }));
  }

  isUp(at: number): boolean {
    return this.#place(at).retryAfterMs === undefined;
  }

  /** When it last came back, by performance.now(): what was asked of it before tells nothing of it any more. */
  returnedAt(at: number): number {
    return this.#place(at).returnedAt;
  }

  /** The controllers that are down, and why. */
  failures(): (readonly [url: string, failure: string])[] {
    return this.#places.flatMap((place) =>
      place.retryAfterMs === undefined ? [] : [[place.url, place.failure] as const],
    );
  }

  /** A controller has failed. */
  begin(at: number, error: unknown): void {
    const place = this.#place(at);
    if (this.#closed || place.retryAfterMs !== undefined) return;
    this.#parts.left(at);
    this.#failed(place, this.#parts.retry.firstMs, error);
    if (!this.#isAnyUp()) this.#rescue = this.#tryAll();
  }

  /**
   * Where the last controller was given up a moment ago, waits for those that are tried now because nobody else is left, for a second at most.
   * True when one of them is back.
   */
  rescue(): Promise<boolean> {
    return this.#rescue;
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#places) clearTimeout(timer);
  }

  #place(at: number): Place {
    return this.#places[at] as Place;
  }

  #isAnyUp(): boolean {
    return this.#places.some(({ retryAfterMs }) => retryAfterMs === undefined);
  }

  #failed(place: Place, delayMs: number, error: unknown): void {
    place.failure = failureText(error);
    place.failedAt = performance.now();
    this.#tryLater(place, delayMs, place.failure);
  }

  #tryLater(place: Place, delayMs: number, reason: string): void {
    place.retryAfterMs = delayMs;
    this.#parts.onEvent({ type: 'controller-down', url: place.url, reason, retryInMs: delayMs });
    place.timer = setTimeout(() => this.#tryNow(place, delayMs), delayMs).unref();
  }

  #tryNow(place: Place, lastDelayMs: number): Promise<boolean> {
    clearTimeout(place.timer);
    place.timer = undefined;
    place.trying = this.#try(place, lastDelayMs).finally(() => {
      place.trying = undefined;
    });
    return place.trying;
  }

  /** Tries a controller that was down; while every controller is down it is tried often, else at growing intervals. */
  async #try(place: Place, lastDelayMs: number): Promise<boolean> {
    const { retry, open, returned, opened, onEvent } = this.#parts;
    try {
      const began = performance.now();
      const connection = await open(place.at);
      if (this.#closed) {
        connection.close();
        return false;
      }
      place.retryAfterMs = undefined;
      place.returnedAt = performance.now();
      returned(place.at, connection);
      onEvent({ type: 'controller-up', url: place.url });
      opened(place.at, place.returnedAt - began);
      return true;
    } catch (error) {
      const delay = this.#isAnyUp() ? Math.min(lastDelayMs * 2, retry.longestMs) : retry.firstMs;
      if (!this.#closed) this.#failed(place, delay, error);
      return false;
    }
  }

  /** Nobody is left to answer: those that were given up before may have come back unnoticed. True as soon as one has. */
  #tryAll(): Promise<boolean> {
    const { firstMs } = this.#parts.retry;
    const tries: Promise<boolean>[] = [];
    for (const place of this.#places) {
      if (place.trying) tries.push(place.trying);
      else if (performance.now() - place.failedAt >= firstMs) tries.push(this.#tryNow(place, firstMs));
      else if ((place.retryAfterMs ?? 0) > firstMs) {
        clearTimeout(place.timer);
        this.#tryLater(place, firstMs, 'no other controller answers');
      }
    }
    return new Promise<boolean>((resolve) => {
      for (const tried of tries) tried.then((back) => back && resolve(true));
      void Promise.all(tries).then((all) => resolve(all.includes(true)));
      setTimeout(resolve, RESCUE_MS, false).unref();
    });
  }
}
