// In front of a listener whose connections begin with a PROXY header: takes the header off, notes whose connection it is, and hands the
// connection on. Who is not a configured proxy, or sends no header in time, is not served.

import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { noteConnectionAddress } from './client-address.ts';
import { parseProxyHeader } from './proxy-header.ts';

export interface ProxiedConnectionsOptions {
  readonly trusted: (address: string) => boolean;
  readonly timeoutMs: number;
}

/**
 * Must be called when all listeners of the server's `connection` event are there: they hear of a connection only when its header was read.
 * What came behind the header stays in the socket's buffer, where node:tls and node:http begin to read.
 */
export function expectProxyHeaders(server: Server, { trusted, timeoutMs }: ProxiedConnectionsOptions): void {
  const takers = server.listeners('connection');
  server.removeAllListeners('connection');
  const clients = new Map<string, string>();
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => socket.destroy());
    if (!trusted(socket.remoteAddress ?? '')) return void socket.destroy();
    const handOn = (address: string | undefined) => {
      if (address !== undefined) {
        noteConnectionAddress(socket, address);
        const key = peerOf(socket);
        clients.set(key, address);
        socket.once('close', () => clients.delete(key));
      }
      for (const taker of takers) taker.call(server, socket);
    };
    readHeader(socket, timeoutMs, handOn);
  });
  // TLS makes a socket of its own over the connection's; both have the same other end.
  server.on('secureConnection', (socket: TLSSocket) => {
    const address = clients.get(peerOf(socket));
    if (address !== undefined) noteConnectionAddress(socket, address);
  });
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function readHeader(socket: Socket, timeoutMs: number, done: (address: string | undefined) => void): void {
  const end = () => socket.destroy();
  const timer = setTimeout(end, timeoutMs);
  let bytes = Buffer.alloc(0);
  const read = () => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    bytes = Buffer.concat([bytes, chunk]);
    const header = parseProxyHeader(bytes);
    if (header.state === 'incomplete') return;
    stop();
    if (header.state === 'broken') return void socket.destroy();
    if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length));
    done(header.address);
  };
  const stop = () => {
    clearTimeout(timer);
    socket.off('readable', read);
    socket.off('end', end);
  };
  socket.on('readable', read);
  socket.on('end', end);
  socket.once('close', () => clearTimeout(timer));
}
