// Child processes of the lab tests: started in a group of their own, ended by their own id, also when the test file dies.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';

const running = new Set<ChildProcess>();
const atExit = new Set<() => void>();
let watching = false;

/** Runs `action` (synchronous) when this process ends before `forget` was called, be it by a signal. */
export function whenProcessEnds(action: () => void): { forget(): void } {
  watch();
  atExit.add(action);
  return { forget: () => atExit.delete(action) };
}

function watch(): void {
  if (watching) return;
  watching = true;
  process.once('exit', () => {
    for (const child of running) signalGroup(child, 'SIGKILL');
    for (const action of atExit) action();
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(128 + { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }[signal]));
  }
}

/**
 * Starts a program as leader of its own process group with its output in a file. Its standard input is a pipe held by us:
 * Samba and the lab's own scripts end by themselves when that closes, even if we are killed.
 */
export function startProcess(command: readonly string[], logFile: string, options: SpawnOptions = {}): ChildProcess {
  watch();
  const [program = '', ...args] = command;
  const log = openSync(logFile, 'a');
  const child = spawn(program, args, { ...options, detached: true, stdio: ['pipe', log, log] });
  closeSync(log);
  running.add(child);
  child.once('exit', () => running.delete(child));
  // A program that does not exist must not end the test file: callers see that nothing answers and read the log.
  child.once('error', () => running.delete(child));
  return child;
}

/** Sends a signal to the process and everything it started. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Ends a process politely, then not; resolves when it is gone. */
export async function endProcess(child: ChildProcess, patience = 5000): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  const killer = setTimeout(() => signalGroup(child, 'SIGKILL'), patience);
  signalGroup(child, 'SIGTERM');
  // A stopped group takes the signal only once it continues.
  signalGroup(child, 'SIGCONT');
  await gone;
  clearTimeout(killer);
  // Children that outlived their leader.
  signalGroup(child, 'SIGKILL');
}
