// One run at a time for each source: a file names the process at work and its computer. The lock of a process that is gone is taken over.
import { link, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { hostname, uptime } from 'node:os';
import { dirname } from 'node:path';
import { RegistryError } from '../errors.ts';
import { makeFolder } from './state-files.ts';

/** A lock without its line is being written this very moment; after this time its run was killed in that moment. */
const UNFINISHED_MS = 10_000;

/** Takes the lock; the answer gives it back. @throws RegistryError `source-busy` while another run holds it. */
export async function takeLock(path: string): Promise<() => Promise<void>> {
  await makeFolder(dirname(path));
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const file = await open(path, 'wx', 0o600);
      try {
        const started = (await startTicks(process.pid)) ?? '-';
        await file.writeFile(`${process.pid} ${started} ${new Date().toISOString()} ${hostname()}\n`);
      } catch (cause) {
        await unlink(path).catch(() => {});
        throw cause;
      } finally {
        await file.close();
      }
      return async () => {
        await unlink(path).catch(() => {});
      };
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new RegistryError('write-failed', `cannot lock ${path}: ${(cause as Error).message}`, { cause });
      }
    }
    await removeStale(path);
  }
  throw new RegistryError('source-busy', `another run of this program is at work (${path})`);
}

async function removeStale(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const whole = text.endsWith('\n');
  if (!whole && (await isFresh(path))) {
    throw new RegistryError('source-busy', `another run of this program has just begun (${path})`);
  }
  const [pid = '', ticks = '', since = '', host = hostname()] = text.trim().split(' ');
  // The folder may lie on a share; of processes elsewhere nothing can be told from here.
  if (whole && host !== hostname()) {
    throw new RegistryError(
      'source-busy',
      `this program is at work on ${host} (if nothing runs there, delete ${path})`,
    );
  }
  if (whole && (await isAlive(Number(pid), ticks, Date.parse(since)))) {
    throw new RegistryError(
      'source-busy',
      `another run of this program is at work, process ${pid} (if it is not, delete ${path})`,
    );
  }
  // Renamed first: of two runs that find the same dead lock one moves it, and a fresh one taken meanwhile is put back.
  const aside = `${path}.${process.pid}`;
  try {
    await rename(path, aside);
    if ((await readFile(aside, 'utf8')) !== text) await link(aside, path);
    await unlink(aside);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EEXIST') {
      throw new RegistryError('write-failed', `cannot take over ${path}: ${(cause as Error).message}`, { cause });
    }
  }
}

async function isFresh(path: string): Promise<boolean> {
  const modified = await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );
  return modified !== undefined && Math.abs(Date.now() - modified) < UNFINISHED_MS;
}

/** An id is used again after a restart of the computer, and sooner or later without one: the start time tells. */
async function isAlive(pid: number, ticks: string, since: number): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const now = await startTicks(pid);
  if (now !== undefined) return now === ticks;
  return !(since < Date.now() - uptime() * 1000);
}

/** Linux: field 22 of /proc/<pid>/stat; undefined elsewhere. */
async function startTicks(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}
