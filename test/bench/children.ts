// Child processes of the bench, each pinned to a core, asked over IPC. They end with this process, however it ends, and hold none of its
// streams.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The measured process has a core of its own; everything that only serves the measurement shares another one. */
export const CORES = { measured: 0, around: 1 } as const;

export interface ChildStart {
  /** The program, whose `process.argv[2]` is `options` as JSON. */
  readonly program: URL;
  readonly options: unknown;
  readonly core: number;
  readonly nodeArguments?: readonly string[];
  /** Beside this process' own. */
  readonly environment?: Readonly<Record<string, string>>;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

let pinning: boolean | undefined;

/** Whether processes can be pinned here: two cores and taskset (util-linux). */
export function canPin(): boolean {
  if (pinning !== undefined) return pinning;
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    pinning = availableParallelism() > 1;
  } catch {
    pinning = false;
  }
  return pinning;
}

/** The first word and the rest of a command line that runs pinned to a core. */
export function pinned(core: number, command: readonly string[]): [string, string[]] {
  const [program = '', ...rest] = canPin() ? ['taskset', '-c', String(core), ...command] : command;
  return [program, rest];
}

export class Child<Ready = unknown> {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;
  #next = 1;
  #value: Ready | undefined;

  /** Resolves when the program says that it is ready; rejects when it ends before that. */
  static async start<Ready>(how: ChildStart): Promise<Child<Ready>> {
    const { program, options, core, nodeArguments = [], environment = {} } = how;
    const own = [process.execPath, ...nodeArguments, fileURLToPath(program), JSON.stringify(options)];
    const env = { ...process.env, ...environment };
    const child = spawn(...pinned(core, own), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], env });
    return new Child<Ready>(child, fileURLToPath(program)).#start();
  }

  private constructor(child: ChildProcess, name: string) {
    this.#process = child;
    child.stderr?.on('data', (bytes: Buffer) => process.stderr.write(bytes));
    child.on('message', (message) => this.#settle(message as Reply));
    this.#ended = new Promise((resolve) => {
      const end = (how: string) => {
        for (const { reject } of this.#waiting.values()) reject(new Error(`${name} ${how}`));
        this.#waiting.clear();
        resolve();
      };
      child.once('error', (error) => end(`could not be started: ${error.message}`));
      child.once('exit', (code, signal) => end(`ended with ${signal ?? code}`));
    });
  }

  /** What the program said when it was ready. */
  get ready(): Ready {
    if (this.#value === undefined) throw new Error('the child is not ready');
    return this.#value;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  ask<T>(question: string, argument?: unknown): Promise<T> {
    const id = this.#next++;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#process.send({ id, question, argument }, (error) => {
        if (error && this.#waiting.delete(id)) reject(error);
      });
    });
  }

  /** Cuts the wire, at which the program ends by itself; one that does not is killed. */
  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    const kill = setTimeout(() => this.#process.kill('SIGKILL'), 3000);
    await this.#ended;
    clearTimeout(kill);
  }

  async #start(): Promise<this> {
    this.#value = await new Promise<Ready>((resolve, reject) => {
      this.#waiting.set(0, { resolve: resolve as (value: unknown) => void, reject });
    });
    return this;
  }

  #settle({ id, value, error }: Reply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(error));
  }
}

interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}
