// The network as the checks see it: names to addresses, and where a connection really goes. The system's own, or a demo organisation's
// table with stand-ins behind it; nothing else in the checks knows which.

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface Network {
  /** Every address of a name, sorted; empty when the name does not exist or cannot be resolved. An address is its own. */
  addressesOf(name: string): Promise<readonly string[]>;
  /** Where a connection to this name or address really goes. */
  route(host: string, port: number): Endpoint;
  /** PEM certificates to trust in place of the public ones. */
  readonly ca: string | undefined;
  /** For one probe, everything together, in milliseconds. */
  readonly timeoutMs: number;
}

/** The machine's own name resolution, hosts file included, because that is what a client on it would use. */
export function systemNetwork(options: { readonly ca: string | undefined; readonly timeoutMs: number }): Network {
  return {
    ...options,
    async addressesOf(name) {
      if (isIP(name) !== 0) return [name];
      try {
        return (await lookup(name, { all: true })).map(({ address }) => address).sort();
      } catch {
        return [];
      }
    },
    route: (host, port) => ({ host, port }),
  };
}
