// Connections to one controller on which nothing but passwords is checked. A bind replaces whoever was bound before (RFC 4511 4.2.1), so
// one connection serves one check after the other, and a check costs no handshake.

import { ControllerConnection, type ControllerOptions } from './controller.ts';

interface Idle {
  readonly connection: ControllerConnection;
  readonly since: number;
}

/** Connections kept without work, as many as checks run at once by default, and for how long. */
const MAX_IDLE = 64;
const IDLE_MS = 30_000;
/** What the controller ended while a connection lay idle this long may not have been noticed yet. */
const LOOK_TWICE_MS = 5;

export class PasswordConnections {
  readonly #options: ControllerOptions;
  readonly #idleMs: number;
  readonly #idle: Idle[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ControllerOptions, idleMs: number = IDLE_MS) {
    this.#options = options;
    this.#idleMs = idleMs;
  }

  /** An idle connection that still stands, else a new one, which connects with its first bind. */
  async take(): Promise<ControllerConnection> {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      // A turn of the event loop reads what came in meanwhile: the end of a connection must be seen before a password is sent on it.
      if (performance.now() - idle.since > LOOK_TWICE_MS) await new Promise((resolve) => setImmediate(resolve));
      if (idle.connection.isOpen) return idle.connection;
      idle.connection.close();
    }
    return new ControllerConnection(this.#options);
  }

  /** Takes back a connection whose last bind was answered. */
  giveBack(connection: ControllerConnection): void {
    if (this.#closed || this.#idle.length >= MAX_IDLE || !connection.isOpen) {
      connection.close();
      return;
    }
    this.#idle.push({ connection, since: performance.now() });
    this.#timer ??= setTimeout(() => this.#tidy(), this.#idleMs).unref();
  }

  /** Ends what is idle: after an outage nothing of the time before is to be trusted. */
  drop(): void {
    for (const { connection } of this.#idle.splice(0)) connection.close();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.drop();
  }

  /** The last one given back is taken first, so those that are not needed grow old at the front. */
  #tidy(): void {
    this.#timer = undefined;
    const now = performance.now();
    while (this.#idle[0] && now - this.#idle[0].since >= this.#idleMs) this.#idle.shift()?.connection.close();
    const [oldest] = this.#idle;
    if (oldest) this.#timer = setTimeout(() => this.#tidy(), this.#idleMs - (now - oldest.since)).unref();
  }
}
