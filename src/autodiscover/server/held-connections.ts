// Connections that the listeners of a process hold together: in all, and of one client address.

import type { Server, Socket } from 'node:net';
import { countedAddress } from './authentication/client-network.ts';
import { connectionAddress } from './client-address.ts';

export interface HeldConnectionsOptions {
  readonly maxConnections: number;
  /** Connections one client address may hold; 0 is no limit. */
  readonly maxConnectionsPerAddress: number;
  /** Addresses without that limit. */
  readonly exempt: (address: string) => boolean;
}

export class HeldConnections {
  readonly #options: HeldConnectionsOptions;
  /** Connections of each listener. */
  readonly #servers = new Map<Server, number>();
  readonly #addresses = new Map<string, number>();

  constructor(options: HeldConnectionsOptions) {
    this.#options = options;
  }

  /** Counts every connection that the server accepts; it refuses those beyond the limit itself, before anything is made of them. */
  countAll(server: Server): void {
    this.#servers.set(server, 0);
    // A worker that is full would hand the connection to the next one, which is full as well.
    Object.assign(server, { dropMaxConnection: true });
    this.#shareOut();
    server.on('connection', (socket: Socket) => {
      this.#change(server, 1);
      socket.once('close', () => this.#change(server, -1));
    });
    server.once('close', () => this.#servers.delete(server));
  }

  /** Closes the connections of an address that holds too many, and says so. What a trusted proxy says of a connection must be known by now. */
  countAddresses(server: Server, isProxy: (address: string) => boolean, onClosed: (address: string) => void): void {
    const { maxConnectionsPerAddress, exempt } = this.#options;
    server.on('connection', (socket: Socket) => {
      const address = connectionAddress(socket);
      // A proxy holds the connections of all its clients.
      if (maxConnectionsPerAddress === 0 || exempt(address) || isProxy(address)) return;
      const key = countedAddress(address);
      const count = this.#addresses.get(key) ?? 0;
      if (count >= maxConnectionsPerAddress) {
        socket.destroy();
        onClosed(address);
        return;
      }
      this.#addresses.set(key, count + 1);
      socket.once('close', () => {
        const left = (this.#addresses.get(key) ?? 1) - 1;
        if (left === 0) this.#addresses.delete(key);
        else this.#addresses.set(key, left);
      });
    });
  }

  #change(server: Server, by: number): void {
    const count = this.#servers.get(server);
    if (count === undefined) return;
    this.#servers.set(server, count + by);
    this.#shareOut();
  }

  /** Each server may hold what the others leave. */
  #shareOut(): void {
    let all = 0;
    for (const count of this.#servers.values()) all += count;
    for (const [server, count] of this.#servers)
      server.maxConnections = Math.max(this.#options.maxConnections - (all - count), 0);
  }
}
