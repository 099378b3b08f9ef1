// Which programs run, asked of tasklist.exe: whether Outlook holds a user's profiles open, and whether the child of a killed run
// still imports. tasklist prints a localised sentence when a filter matches nothing and, on some systems, nothing at all; so the
// whole list is asked for, without a filter, and a list that is empty or does not even show tasklist itself counts as no answer.
import { type ChildResult, isSameProcess, type ProcessRunner } from './child-process.ts';
import { createRegExe } from './reg-exe.ts';
import type { ChildIdentity, OutlookState, Processes } from './store.ts';

/** Programs that keep MAPI profile sections in memory and write them back: a change beside them would be lost or mixed. */
const MAPI_PROGRAMS: ReadonlySet<string> = new Set([
  'OUTLOOK.EXE',
  'LYNC.EXE', // Lync, Skype for Business
  'UCMAPI.EXE', // their MAPI helper
  'COMMUNICATOR.EXE', // Office Communicator
  'FIXMAPI.EXE',
]);

/** One line of `tasklist /FO CSV /NH`: image name, process id, session name, session number, memory. */
export interface RunningProgram {
  readonly image: string;
  readonly pid: number;
  readonly session: number;
}

export interface OutlookProcessesOptions {
  readonly runner: ProcessRunner;
  readonly systemRoot: string;
  /** Whose Outlook is looked for; the current user's when absent. */
  readonly sid?: string;
  readonly timeoutMs?: number;
}

export interface OutlookProcesses extends Processes {
  /** Image names of the programs that make `outlook()` answer `open`. */
  blockingPrograms(): Promise<readonly string[]>;
}

export function createOutlookProcesses(options: OutlookProcessesOptions): OutlookProcesses {
  const reg = createRegExe(options);

  /** undefined: no usable answer. */
  async function running(): Promise<readonly RunningProgram[] | undefined> {
    const program = `${options.systemRoot}\\System32\\tasklist.exe`;
    const result = await options.runner.run(program, ['/FO', 'CSV', '/NH'], { timeoutMs: options.timeoutMs ?? 30_000 });
    return parseTaskList(result);
  }

  /** Logon sessions of the user, by number; undefined where Windows does not tell: then every session counts. */
  async function sessions(): Promise<ReadonlySet<number> | undefined> {
    const root = options.sid === undefined ? 'HKEY_CURRENT_USER' : `HKEY_USERS\\${options.sid}`;
    // One subkey per session of that user, named by its number.
    const names = (await reg.subkeys(`${root}\\Volatile Environment`)) ?? [];
    const numbers = names.filter((name) => /^\d{1,6}$/.test(name)).map(Number);
    return numbers.length > 0 ? new Set(numbers) : undefined;
  }

  async function blocking(): Promise<readonly RunningProgram[] | undefined> {
    const list = await running();
    const found = list?.filter(({ image }) => MAPI_PROGRAMS.has(image.toUpperCase()));
    if (!found || found.length === 0) return found;
    const own = await sessions();
    return own ? found.filter(({ session }) => own.has(session)) : found;
  }

  return {
    async outlook(): Promise<OutlookState> {
      const found = await blocking();
      if (!found) return 'unknown';
      return found.length > 0 ? 'open' : 'closed';
    },

    async blockingPrograms() {
      return [...new Set((await blocking())?.map(({ image }) => image) ?? [])];
    },

    async isRunning(child: ChildIdentity) {
      const same = isSameProcess(child);
      if (same !== undefined) return same;
      const list = await running();
      // Without a list the id counts: waiting for a stranger is the smaller mistake.
      if (!list) return true;
      return list.some(({ pid, image }) => pid === child.pid && image.toUpperCase() === 'REG.EXE');
    },

    async anyImport() {
      return (await running())?.some(({ image }) => image.toUpperCase() === 'REG.EXE') ?? false;
    },
  };
}

/** The running programs, or undefined when the output is none that tasklist gives on a working system. */
export function parseTaskList(result: ChildResult): readonly RunningProgram[] | undefined {
  if (result.outcome !== 'exited' || result.exitCode !== 0) return undefined;
  const programs = result.stdout.split(/\r?\n/).flatMap((line): RunningProgram[] => {
    const [, image, pid, session] = /^"([^"]+)","(\d+)","[^"]*","(\d+)"/.exec(line) ?? [];
    return image === undefined ? [] : [{ image, pid: Number(pid), session: Number(session) }];
  });
  return programs.some(({ image }) => image.toUpperCase() === 'TASKLIST.EXE') ? programs : undefined;
}
