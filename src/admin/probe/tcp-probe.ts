// Whether something accepts connections on a port.

import { connect } from 'node:net';
import type { Network } from './network.ts';

/** `refused` is an answer of the host itself; `no-answer` is a firewall, a host that is down, or no route. */
export type TcpProbe =
  | { readonly outcome: 'connected' }
  | { readonly outcome: 'refused' | 'no-answer' | 'failed'; readonly detail: string };

/** Connects and hangs up. Never rejects. */
export function probePort(network: Network, host: string, port: number): Promise<TcpProbe> {
  return new Promise((resolve) => {
    const socket = connect(network.route(host, port));
    const end = (probe: TcpProbe) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(probe);
    };
    const timer = setTimeout(
      () => end({ outcome: 'no-answer', detail: `nothing answered within ${network.timeoutMs} ms` }),
      network.timeoutMs,
    );
    socket.once('connect', () => end({ outcome: 'connected' }));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') return end({ outcome: 'refused', detail: 'the host refuses the connection' });
      const silent = error.code === 'EHOSTUNREACH' || error.code === 'ENETUNREACH' || error.code === 'ETIMEDOUT';
      end({ outcome: silent ? 'no-answer' : 'failed', detail: error.message || String(error.code) });
    });
  });
}
