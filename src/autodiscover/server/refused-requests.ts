// What is refused before anything is made of it: it is no exchange, and has no line of one. Here it gets a line and is counted, for those
// who look for scanners and for clients that are cut off. Whoever sends garbage must not fill the disk with it: so many lines a second,
// and the rest as a sum.

import type { Logger } from '../log.ts';

/** Codes that log readers and alerts rely on: they are never renamed. */
export const REFUSED_REQUESTS = [
  /** More connections than limits.connections, or than limits.connectionsPerAddress of one address. */
  'connections',
  'address-connections',
  /** TLS that did not come about, or not in time, or broke. */
  'tls',
  /** What is no HTTP: 400. */
  'broken',
  /** In bytes or in number: 431. */
  'headers-too-large',
  /** 413. */
  'chunk-extensions-too-large',
  /** 400: HTTP/1.1 without Host, and any request with more than one. */
  'no-host',
  'two-hosts',
  /** 417. */
  'unknown-expectation',
  /** No answer. */
  'connect-method',
  /** The headers or the body did not come in time: 408. */
  'too-slow',
  /** More unanswered requests than limits.pipelined, or than the process holds: no answer. */
  'pipeline',
] as const;

export type RefusedRequest = (typeof REFUSED_REQUESTS)[number];

export interface RefusedRequestFacts {
  readonly refusal: RefusedRequest;
  /** The client's, as far as it is known. */
  readonly address: string;
  /** What it is answered; absent when its connection is closed without an answer. */
  readonly status?: number | undefined;
  /** Of the exchange that was under way on the connection: its `request-id`. */
  readonly id?: string | undefined;
}

export interface RefusedRequestsOptions {
  readonly log: Logger;
  readonly count: (refusal: RefusedRequest) => void;
  /** Lines in a second. */
  readonly lines?: number;
  /** Milliseconds of that second. */
  readonly windowMs?: number;
}

const LINES = 20;
const WINDOW_MS = 1000;

/** One for all listeners of a process. */
export class RefusedRequests {
  readonly #log: Logger;
  readonly #count: (refusal: RefusedRequest) => void;
  readonly #lines: number;
  readonly #windowMs: number;
  /** Since the window began. */
  #written = 0;
  #unwritten = new Map<RefusedRequest, number>();
  #window: NodeJS.Timeout | undefined;

  constructor({ log, count, lines = LINES, windowMs = WINDOW_MS }: RefusedRequestsOptions) {
    this.#log = log;
    this.#count = count;
    this.#lines = lines;
    this.#windowMs = windowMs;
  }

  /** `listener` is the key of the configuration: `https`, `http`, `metrics`. */
  note(listener: string, { refusal, address, status, id }: RefusedRequestFacts): void {
    this.#count(refusal);
    this.#window ??= setTimeout(() => this.#endWindow(), this.#windowMs).unref();
    if (this.#written < this.#lines) {
      this.#written += 1;
      // Nothing in it is the client's choice.
      this.#log.info({ event: 'request-refused', address, refusal, listener, status, id }, 'request refused');
    } else this.#unwritten.set(refusal, (this.#unwritten.get(refusal) ?? 0) + 1);
  }

  #endWindow(): void {
    this.#window = undefined;
    this.#written = 0;
    if (this.#unwritten.size === 0) return;
    const refusals = Object.fromEntries(this.#unwritten);
    this.#unwritten = new Map();
    this.#log.warn({ event: 'more-requests-refused', refusals }, 'more requests refused than are logged one by one');
  }
}
