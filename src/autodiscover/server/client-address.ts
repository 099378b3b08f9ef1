// Whose request it is, for logs and limits. What a trusted proxy said of a connection or of a request is noted here; everybody else is
// the other end of the connection.

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

const ofConnection = new WeakMap<Duplex, string>();
const ofRequest = new WeakMap<IncomingMessage, string>();

export function noteConnectionAddress(socket: Duplex, address: string): void {
  ofConnection.set(socket, address);
}

export function noteClientAddress(request: IncomingMessage, address: string): void {
  ofRequest.set(request, address);
}

/** The client's address as the connection tells it; empty when it is gone already. */
export function connectionAddress(socket: Socket): string {
  return ofConnection.get(socket) ?? socket.remoteAddress ?? '';
}

/** The address of the client, as far as proxies that are trusted told it. */
export function clientAddress(request: IncomingMessage): string {
  return ofRequest.get(request) ?? connectionAddress(request.socket);
}
