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

interface Place {
  readonly at: number;
  readonly url: string;
  /** Undefined while the controller is thought to be well. */
  retryAfterMs: number | undefined;
  /** Why it was last given up. */
  failure: string;
  timer: NodeJS.Timeout | undefined;
  returnedAt: number;
}

export class ControllerOutages {
  readonly #parts: OutageParts;
  readonly #places: readonly Place[];
  #closed = false;

  constructor(parts: OutageParts) {
    this.#parts = parts;
    this.#places = parts.urls.map((url, at) => ({
      at,
      url,
      retryAfterMs: undefined,
      failure: '',
      timer: undefined,
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
    const { firstMs } = this.#parts.retry;
    place.failure = failureText(error);
    this.#tryLater(place, firstMs, place.failure);
    if (this.#isAnyUp()) return;
    // Nobody is left to answer: those given up for long are asked soon.
    for (const other of this.#places) {
      if (other === place || (other.retryAfterMs ?? 0) <= firstMs) continue;
      // Without a timer its try is running, and will see by itself that nobody is left.
      if (!other.timer) continue;
      clearTimeout(other.timer);
      this.#tryLater(other, firstMs, 'no other controller answers');
    }
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

  #tryLater(place: Place, delayMs: number, reason: string): void {
    place.retryAfterMs = delayMs;
    this.#parts.onEvent({ type: 'controller-down', url: place.url, reason, retryInMs: delayMs });
    place.timer = setTimeout(() => void this.#try(place, delayMs), delayMs).unref();
  }

  /** Tries a controller that was down; while every controller is down it is tried often, else at growing intervals. */
  async #try(place: Place, lastDelayMs: number): Promise<void> {
    const { retry, open, returned, opened, onEvent } = this.#parts;
    place.timer = undefined;
    try {
      const began = performance.now();
      const connection = await open(place.at);
      if (this.#closed) return connection.close();
      place.retryAfterMs = undefined;
      place.returnedAt = performance.now();
      returned(place.at, connection);
      onEvent({ type: 'controller-up', url: place.url });
      opened(place.at, place.returnedAt - began);
    } catch (error) {
      if (this.#closed) return;
      const delay = this.#isAnyUp() ? Math.min(lastDelayMs * 2, retry.longestMs) : retry.firstMs;
      place.failure = failureText(error);
      this.#tryLater(place, delay, place.failure);
    }
  }
}
