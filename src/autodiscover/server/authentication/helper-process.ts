// One `ntlm_auth` process of Samba's winbind and its line protocol: we write `YR <token>` or `KK <token>`, it answers one line. It
// does one handshake at a time.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

export interface HelperCommand {
  readonly path: string;
  readonly arguments: readonly string[];
  /** Milliseconds an answer may take. */
  readonly timeoutMs: number;
}

/** Longest line that is read; NTLM tokens are far below, Kerberos tickets with many groups reach 64 KiB. */
const MAX_LINE = 131_072;

/** The helper could not answer: it died, was too slow, or talked nonsense. The process is ended by then. */
export class HelperFailure extends Error {}

export class HelperProcess {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #timeoutMs: number;
  #received = '';
  #waiting: { resolve: (line: string) => void; reject: (error: Error) => void; timer: NodeJS.Timeout } | undefined;
  #ended = false;

  constructor(command: HelperCommand) {
    this.#timeoutMs = command.timeoutMs;
    this.#process = spawn(command.path, [...command.arguments], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#process.on('error', (error) => this.#fail(`${command.path} cannot be run: ${error.message}`));
    this.#process.on('exit', (code, signal) => this.#fail(`${command.path} ended (${signal ?? code})`));
    this.#process.stdin.on('error', () => undefined);
    this.#process.stdout.setEncoding('latin1').on('data', (chunk: string) => this.#take(chunk));
  }

  get usable(): boolean {
    return !this.#ended && this.#waiting === undefined;
  }

  /** Sends one line and resolves with the answer's. Rejects with HelperFailure, after which the process is not usable. */
  ask(line: string): Promise<string> {
    if (!this.usable) return Promise.reject(new HelperFailure('the helper process is gone or busy'));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(`no answer within ${this.#timeoutMs} ms`), this.#timeoutMs);
      this.#waiting = { resolve, reject, timer };
      this.#process.stdin.write(`${line}\n`);
    });
  }

  end(): void {
    this.#fail('the helper process was ended');
  }

  #take(chunk: string): void {
    this.#received += chunk;
    const end = this.#received.indexOf('\n');
    if (end < 0) {
      if (this.#received.length > MAX_LINE) this.#fail('the answer is too long');
      return;
    }
    const line = this.#received.slice(0, end).trimEnd();
    this.#received = this.#received.slice(end + 1);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (!waiting) {
      this.#fail('an answer nobody asked for');
      return;
    }
    clearTimeout(waiting.timer);
    waiting.resolve(line);
  }

  #fail(reason: string): void {
    if (!this.#ended) {
      this.#ended = true;
      this.#process.kill('SIGKILL');
    }
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (!waiting) return;
    clearTimeout(waiting.timer);
    waiting.reject(new HelperFailure(reason));
  }
}
