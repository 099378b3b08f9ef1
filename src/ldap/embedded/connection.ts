// One connection: bytes in, requests answered in order, bytes out. The only place that knows sockets and applies the faults
// that concern them.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type SecureContext, TLSSocket } from 'node:tls';
import { findAccount } from './bind.ts';
import { OID } from './contexts.ts';
import { strikes } from './faults.ts';
import { FrameSplitter } from './frame.ts';
import { ProtocolFault } from './protocol-fault.ts';
import { decodeMessage, type Message } from './request.ts';
import { encodeDisconnection, encodeOutcome } from './response.ts';
import { RESULT, SUCCESS } from './result.ts';
import type { Service } from './service.ts';
import { Session } from './session.ts';

/** Answers are gathered up to this many bytes before they are written. */
const WRITE_BATCH = 64 * 1024;

export class Connection {
  private socket: Socket;
  private readonly service: Service;
  private readonly session: Session;
  private readonly secureContext: SecureContext | undefined;
  private frames: FrameSplitter;
  private busy = false;
  private closed = false;
  private readonly stopped = new AbortController();

  /** `secureContext` is given when StartTLS is offered on this connection. */
  constructor(socket: Socket, service: Service, secureContext: SecureContext | undefined, onClose: () => void) {
    this.socket = socket;
    this.service = service;
    this.secureContext = secureContext;
    this.session = new Session(service, socket instanceof TLSSocket);
    this.frames = new FrameSplitter(service.limits.maxMessageBytes);
    socket.once('close', () => {
      this.closed = true;
      this.stopped.abort();
      onClose();
    });
    this.attach(socket);
  }

  destroy(): void {
    this.socket.destroy();
  }

  private attach(socket: Socket): void {
    if (this.service.limits.idleMs > 0) socket.setTimeout(this.service.limits.idleMs, () => socket.destroy());
    // A client that vanishes is its own business; 'close' follows.
    socket.on('error', () => {
      if (socket !== this.socket) return;
      this.socket.destroy();
    });
    socket.on('data', (chunk: Buffer) => {
      this.frames.push(chunk);
      // While a request takes its time the following ones wait in the client's socket, not in memory. Reading a little on
      // is what notices that the client has gone.
      if (this.busy && this.frames.size > this.service.limits.maxMessageBytes) socket.pause();
      this.pump();
    });
  }

  /** Answers waiting requests until none is whole or one takes time. */
  private pump(): void {
    while (!this.busy && !this.closed) {
      let pending: Promise<void> | undefined;
      try {
        const frame = this.frames.next();
        if (!frame) return;
        pending = this.handle(decodeMessage(frame));
      } catch (error) {
        this.disconnect(error);
        return;
      }
      if (pending) {
        this.busy = true;
        pending.then(
          () => {
            this.busy = false;
            this.socket.resume();
            this.pump();
          },
          (error: unknown) => this.disconnect(error),
        );
      }
    }
  }

  /** Answers one request; a promise when it takes time. */
  private handle(message: Message): Promise<void> | undefined {
    const { request } = message;
    if (request instanceof ProtocolFault) return this.write(this.session.answer(message));
    if (request.op === 'unbind') {
      this.closed = true;
      this.socket.end();
      return undefined;
    }
    if (request.op === 'abandon') {
      // Requests are answered in order: what is abandoned here was answered already (RFC 4511 4.11 allows that).
      return undefined;
    }
    const { faults, onBind } = this.service;
    if (onBind && request.op === 'bind') {
      const declined = faults.result !== undefined && strikes(faults, 'bind');
      onBind({ name: request.name, password: request.password?.toString('utf8'), declined });
    }
    if (faults.refusedPasswordMs && request.op === 'bind') return this.bindSlowly(message, faults.refusedPasswordMs);
    if (faults.delayMs === undefined && !faults.hang && !faults.resetMidAnswer) return this.perform(message);
    return strikes(faults, request.op) ? this.suffer(message) : this.perform(message);
  }

  private perform(message: Message): Promise<void> | undefined {
    const { request } = message;
    if (
      !(request instanceof ProtocolFault) &&
      request.op === 'extended' &&
      request.oid === OID.startTls &&
      this.secureContext
    ) {
      return this.startTls(message, this.secureContext);
    }
    return this.write(this.session.answer(message));
  }

  private async bindSlowly(message: Message, [least, most]: readonly [number, number]): Promise<void> {
    const answers = [...this.session.answer(message)];
    const { request } = message;
    const isKnown = 'name' in request && findAccount(this.service, request.name) !== undefined;
    if (isKnown && !this.session.isBound) {
      const ms = least + Math.random() * (most - least);
      await sleep(ms, undefined, { signal: this.stopped.signal }).catch(() => undefined);
    }
    await this.write(answers.values());
  }

  private async suffer(message: Message): Promise<void> {
    const { delayMs, hang, resetMidAnswer } = this.service.faults;
    const { signal } = this.stopped;
    if (hang) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      return;
    }
    if (delayMs) await sleep(delayMs, undefined, { signal }).catch(() => undefined);
    if (this.closed) return;
    if (!resetMidAnswer) {
      await this.perform(message);
      return;
    }
    const whole = Buffer.concat([...this.session.answer(message)]);
    await new Promise<void>((resolve) =>
      this.socket.write(whole.subarray(0, Math.ceil(whole.length / 2)), () => resolve()),
    );
    // A reset only exists on TCP; under TLS the cut itself is the fault.
    if (this.socket instanceof TLSSocket) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  /** Writes answers in batches; a promise when the client reads more slowly than they come. */
  private write(answers: Iterator<Buffer>): Promise<void> | undefined {
    for (;;) {
      const batch: Buffer[] = [];
      let size = 0;
      let next = answers.next();
      for (; !next.done; next = answers.next()) {
        batch.push(next.value);
        size += next.value.length;
        if (size >= WRITE_BATCH) break;
      }
      if (this.closed || this.socket.destroyed) return undefined;
      const flowing =
        batch.length === 0 || this.socket.write(batch.length === 1 ? (batch[0] as Buffer) : Buffer.concat(batch, size));
      if (next.done) return flowing ? undefined : this.drained();
      if (!flowing) return this.drained().then(() => this.write(answers));
    }
  }

  private async drained(): Promise<void> {
    // A closed connection ends the wait too; `write` looks before it goes on.
    await once(this.socket, 'drain', { signal: this.stopped.signal }).catch(() => undefined);
  }

  /** RFC 4511 4.14. Requests sent in the clear behind the StartTLS request would gain the trust of the tunnel: refused. */
  private startTls(message: Message, secureContext: SecureContext): Promise<void> | undefined {
    if (this.session.secure) throw new ProtocolFault('TLS is already on');
    if (this.frames.takeRest().length > 0) throw new ProtocolFault('requests behind StartTLS before TLS is on');
    const plain = this.socket;
    plain.removeAllListeners('data');
    plain.removeAllListeners('timeout');
    plain.setTimeout(0);
    const answer = encodeOutcome(message.id, message.tag, SUCCESS, { extendedName: OID.startTls });
    plain.write(answer as Buffer);
    const secure = new TLSSocket(plain, { isServer: true, secureContext });
    secure.on('error', () => {
      this.service.stats.protocolErrors += 1;
    });
    secure.once('close', () => plain.destroy());
    this.socket = secure;
    this.session.secure = true;
    this.frames = new FrameSplitter(this.service.limits.maxMessageBytes);
    this.attach(secure);
    return undefined;
  }

  /** Tells the client that it is not understood, and hangs up. */
  private disconnect(error: unknown): void {
    if (this.closed) return;
    this.closed = true;
    if (error instanceof ProtocolFault) {
      this.service.stats.protocolErrors += 1;
      this.socket.end(encodeDisconnection(error.message, RESULT.protocolError));
    } else {
      this.socket.end(encodeDisconnection('internal error', RESULT.other));
      this.service.onError(error);
    }
    this.socket.resume();
    // A client that does not close its side is not waited for.
    sleep(1000, undefined, { ref: false }).then(() => this.socket.destroy());
  }
}
