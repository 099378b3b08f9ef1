// Running reg.exe and tasklist.exe: always a full path, no shell, nothing on standard input, a time limit and an output limit. The
// runner is handed in, so that tests put a program of their own behind it.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { Readable } from 'node:stream';
import type { ChildIdentity } from './store.ts';

export interface RunOptions {
  readonly timeoutMs: number;
  /** A program that prints more is ended: without a console some versions of reg.exe repeat a question for ever. */
  readonly maxOutputBytes?: number;
  /**
   * The child goes on when this program dies. Node on Windows keeps its children in a job that ends with it, and half an import is
   * worse than a whole one.
   */
  readonly survives?: boolean;
  /** Awaited as soon as the child runs. */
  readonly onStart?: (child: ChildIdentity) => Promise<void>;
}

export interface ChildResult {
  /** `missing`: the program could not be started, so that nothing of it has run. After `timeout` and `flooded` it was ended. */
  readonly outcome: 'exited' | 'timeout' | 'flooded' | 'missing';
  /** With `missing`: Node's code of the system's error, such as ENOENT; UNKNOWN is any that Node has no name for. */
  readonly reason?: string;
  readonly exitCode: number | undefined;
  /** In whatever code page the program prints: only its ASCII part is good for decisions. */
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessRunner {
  /** Rejects only with what `onStart` rejects with. */
  run(program: string, args: readonly string[], options: RunOptions): Promise<ChildResult>;
}

const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

/** The runner that starts real programs, `prefix` (a program and its first arguments) in front when given. */
export function createProcessRunner(prefix: readonly string[] = []): ProcessRunner {
  return {
    async run(program, args, options) {
      let child: PipedChild;
      try {
        child = start([...prefix, program, ...args], options.survives ?? false);
      } catch (error) {
        return notStarted(error);
      }
      const limit = options.maxOutputBytes ?? MAX_OUTPUT_BYTES;
      let outcome: ChildResult['outcome'] = 'exited';
      let startError: unknown;
      const end = (reason: ChildResult['outcome']) => {
        if (outcome === 'exited') outcome = reason;
        child.kill('SIGKILL');
      };
      const timer = setTimeout(() => end('timeout'), options.timeoutMs);
      const closed = new Promise<number | undefined>((resolve) => {
        child.once('error', (error) => {
          if (child.pid === undefined) startError = error;
          resolve(undefined);
        });
        // A grandchild may keep the pipes open after a kill: the exit counts then, not the end of the streams.
        child.once('exit', (code) =>
          setTimeout(() => resolve(code ?? undefined), outcome === 'exited' ? 2000 : 0).unref(),
        );
        child.once('close', (code) => resolve(code ?? undefined));
      });
      const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
      let bytes = 0;
      for (const name of ['stdout', 'stderr'] as const) {
        child[name]?.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > limit) end('flooded');
          else output[name].push(chunk);
        });
      }
      try {
        // The child is not abandoned when it cannot be noted: its end is waited for, then the caller learns of it.
        const noted = child.pid === undefined ? undefined : options.onStart?.(identityOf(child.pid));
        const [exitCode, start] = await Promise.all([closed, Promise.allSettled([noted])]);
        if (start[0].status === 'rejected') throw start[0].reason;
        if (startError !== undefined) return notStarted(startError);
        return { outcome, exitCode, stdout: text(output.stdout), stderr: text(output.stderr) };
      } finally {
        clearTimeout(timer);
        child.stdout?.destroy();
        child.stderr?.destroy();
      }
    },
  };
}

/** Without pipes when there was no handle left for them; the error comes by event. */
type PipedChild = Omit<ChildProcessByStdio<null, Readable, Readable>, 'stdout' | 'stderr'> &
  Partial<Pick<ChildProcessByStdio<null, Readable, Readable>, 'stdout' | 'stderr'>>;

/** Node throws some of the errors that keep a program from being started, and tells others by an event. */
function start([file = '', ...args]: readonly string[], detached: boolean): PipedChild {
  return spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true, shell: false, detached });
}

function notStarted(error: unknown): ChildResult {
  const { code } = error as NodeJS.ErrnoException;
  const reason = code === undefined ? {} : { reason: code };
  return { outcome: 'missing', exitCode: undefined, stdout: '', stderr: '', ...reason };
}

function text(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString('latin1');
}

/** Linux tells a process's start time exactly; elsewhere it is the moment we started the process. */
export function identityOf(pid: number): ChildIdentity {
  return { pid, startTime: linuxStartTime(pid) ?? new Date().toISOString() };
}

/**
 * Whether the process still runs. `false` is certain. `undefined`: a process of that id runs, and whether it is the same one only
 * its name can tell.
 */
export function isSameProcess(child: ChildIdentity): boolean | undefined {
  try {
    process.kill(child.pid, 0);
  } catch (error) {
    // Without the right to signal it, it is there all the same.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const startTime = linuxStartTime(child.pid);
  if (startTime !== undefined) return startTime === child.startTime;
  const started = Date.parse(child.startTime);
  const booted = Date.now() - uptime() * 1000;
  return Number.isFinite(started) && started < booted - CLOCK_TOLERANCE_MS ? false : undefined;
}

const CLOCK_TOLERANCE_MS = 60_000;

/** Field 22 of /proc/<pid>/stat, in clock ticks since boot; a process that ended but was not waited for counts as ended. */
function linuxStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in parentheses, may hold anything; the fields after it do not.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : `ticks ${fields[19]}`;
  } catch {
    return undefined;
  }
}
