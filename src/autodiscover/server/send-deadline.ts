// Clients that do not read their answers. What the kernel takes of an answer is out of our hands and ends with the idle time of the
// connection; what it does not take would wait in this process for as long as the client likes.

import type { Server, Socket } from 'node:net';

export interface SendDeadlineOptions {
  /** Seconds for which nothing of what waits may leave. */
  readonly seconds: number;
  /** `secureConnection` for a server of TLS. */
  readonly event: 'connection' | 'secureConnection';
  /** Milliseconds between two looks. */
  readonly everyMs?: number;
}

interface Sending {
  /** Bytes that had left at the last look. */
  left: number;
  /** Looks since then. */
  looks: number;
}

/**
 * Destroys connections on which bytes wait and no write was completed. Counted in looks, not by the clock: a process that stood still
 * for a while has cut nobody.
 */
export function limitSending(server: Server, { seconds, event, everyMs = 1000 }: SendDeadlineOptions): void {
  const open = new Map<Socket, Sending>();
  const most = Math.ceil((seconds * 1000) / everyMs);
  server.on(event, (socket: Socket) => {
    open.set(socket, { left: 0, looks: 0 });
    socket.once('close', () => open.delete(socket));
  });
  const timer = setInterval(() => {
    for (const [socket, sending] of open) if (isStuck(socket, sending) && sending.looks >= most) socket.destroy();
  }, everyMs).unref();
  server.once('close', () => clearInterval(timer));
}

function isStuck(socket: Socket, sending: Sending): boolean {
  // An ended connection waits for its last bytes, though none may be counted any more.
  if (socket.writableLength === 0 && !socket.writableEnded) {
    sending.looks = 0;
    return false;
  }
  const left = socket.bytesWritten - socket.writableLength;
  sending.looks = left === sending.left ? sending.looks + 1 : 0;
  sending.left = left;
  return true;
}
