// Clients that behave as Outlook does towards an array: a connection that is held, and a new one as soon as it is lost.
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const RETRY_MS = 100;

export class HoldingClient {
  /** The member that greeted, in the order of connections. */
  readonly members: string[] = [];
  /** Connection attempts that came to nothing. */
  failedAttempts = 0;
  /** Milliseconds from each loss to the next greeting. */
  readonly gaps: number[] = [];
  readonly #source: string;
  readonly #target: { readonly host: string; readonly port: number };
  #socket: Socket | undefined;
  #closed = false;

  constructor(source: string, target: { readonly host: string; readonly port: number }) {
    this.#source = source;
    this.#target = target;
  }

  get member(): string | undefined {
    return this.members.at(-1);
  }

  get connected(): boolean {
    return this.#socket !== undefined && !this.#socket.destroyed;
  }

  /** Connects, trying again until it is greeted; then stays connected until `close`. Gives up after `tries`. */
  async open(tries = 200): Promise<void> {
    for (let at = 0; at < tries && !this.#closed; at++) {
      const greeted = await this.#attempt();
      if (greeted !== undefined) {
        this.members.push(greeted);
        return;
      }
      this.failedAttempts++;
      await sleep(RETRY_MS);
    }
    if (!this.#closed) throw new Error(`${this.#source} got no connection in ${tries} tries`);
  }

  /** Drops the connection as a client does that starts again; it comes back by itself. */
  restart(): void {
    this.#socket?.destroy();
  }

  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
  }

  #attempt(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const socket = connect({ ...this.#target, localAddress: this.#source });
      socket.once('data', (data) => {
        this.#socket = socket;
        resolve(data.toString().trim());
        socket.once('close', () => void this.#lost());
      });
      socket.once('error', () => resolve(undefined));
      socket.once('close', () => resolve(undefined));
    });
  }

  async #lost(): Promise<void> {
    this.#socket = undefined;
    if (this.#closed) return;
    const from = performance.now();
    await this.open();
    this.gaps.push(performance.now() - from);
  }
}
