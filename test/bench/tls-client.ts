// A small HTTP/1.1 client over one TLS connection: node:https would need more of the load generator's core than the measured server
// needs of its own.

import { connect, type SecureContext, type TLSSocket } from 'node:tls';

export interface Answer {
  readonly status: number;
  /** Status line and header lines. */
  readonly head: string;
  readonly body: Buffer;
}

export interface Target {
  readonly port: number;
  readonly context: SecureContext;
  /** A session from an earlier connection, to resume. */
  readonly session?: Buffer;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const EMPTY = Buffer.alloc(0);
const CONNECT_MS = 60_000;

export class TlsClient {
  readonly socket: TLSSocket;
  #read: Buffer = EMPTY;
  #waiting: Waiting | undefined;
  #ended: Error | undefined;

  static connect({ port, context, session }: Target): Promise<TlsClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(
        { port, host: '127.0.0.1', servername: 'localhost', secureContext: context, ...(session ? { session } : {}) },
        () => {
          clearTimeout(timer);
          socket.off('error', reject);
          resolve(new TlsClient(socket));
        },
      );
      socket.setNoDelay(true);
      const timer = setTimeout(() => socket.destroy(new Error('no TLS connection within a minute')), CONNECT_MS);
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('the connection was closed in the handshake')));
    });
  }

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('the connection was closed')));
  }

  get open(): boolean {
    return this.#ended === undefined;
  }

  /** Sends one request and waits for its answer; one at a time. */
  ask(request: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      this.#waiting = { resolve, reject };
      this.socket.write(request);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  #take(bytes: Buffer): void {
    this.#read = this.#read.length === 0 ? bytes : Buffer.concat([this.#read, bytes]);
    const end = this.#read.indexOf(HEAD_END);
    if (end < 0) return;
    const head = this.#read.toString('latin1', 0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) return void this.socket.destroy(new Error(`an answer without Content-Length: ${head}`));
    const total = end + HEAD_END.length + Number(length);
    if (this.#read.length < total) return;
    const body = this.#read.subarray(end + HEAD_END.length, total);
    this.#read = this.#read.subarray(total);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve({ status: Number(head.slice(9, 12)), head, body });
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#waiting?.reject(this.#ended);
    this.#waiting = undefined;
  }
}
