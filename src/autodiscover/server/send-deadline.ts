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
  /** Bytes of completed writes at the last look. */
  completed: number;
  /** Bytes that the kernel had not taken then. */
  queued: number;
  /** Looks without progress since. */
  looks: number;
}

/**
 * What node:net has beside the documented: bytes that the kernel has not yet taken. Over TLS those of the connection underneath count.
 * Without them a write would count as a whole, when it is completed.
 */
interface Handle {
  readonly writeQueueSize?: number;
  readonly _parent?: Handle;
}

type Connection = Socket & { readonly _handle?: Handle | null };

/**
 * Destroys connections on which bytes wait and none has left for `seconds`. Counted in looks, not by the clock: a process that stood still
 * for a while has cut nobody.
 */
export function limitSending(server: Server, { seconds, event, everyMs = 1000 }: SendDeadlineOptions): void {
  const open = new Map<Connection, Sending>();
  const most = Math.ceil((seconds * 1000) / everyMs);
  server.on(event, (socket: Connection) => {
    open.set(socket, { completed: 0, queued: 0, looks: 0 });
    socket.once('close', () => open.delete(socket));
  });
  const timer = setInterval(() => {
    for (const [socket, sending] of open) if (looksWithoutProgress(socket, sending) > most) socket.destroy();
  }, everyMs).unref();
  server.once('close', () => clearInterval(timer));
}

function looksWithoutProgress(socket: Connection, sending: Sending): number {
  // A connection that was ended is there until its last bytes have left, though they are counted no more.
  if (socket.writableLength === 0 && !socket.writableEnded) {
    sending.looks = 0;
    return 0;
  }
  const completed = socket.bytesWritten - socket.writableLength;
  const queued = (socket._handle?._parent ?? socket._handle)?.writeQueueSize ?? 0;
  const hasMoved = completed > sending.completed || queued < sending.queued;
  Object.assign(sending, { completed, queued, looks: hasMoved ? 0 : sending.looks + 1 });
  return sending.looks;
}
