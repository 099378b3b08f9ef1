// One run at a time for each thing that is changed: a file names the process at work and its computer. The lock of a process that is
// gone is taken over.
import { link, open, readFile, rename, unlink } from 'node:fs/promises';
import { hostname, uptime } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from '../errors.ts';

/** A lock without its line is being written, and one moved aside removed, this very moment; after this time its run was killed in that moment. */
const UNFINISHED_MS = 2_000;
const LOOK_AGAIN_MS = 50;
const ATTEMPTS = 3;

/** `by` reads like "another run of this program, process 4711", with what to do about it. */
export type LockOutcome =
  | { readonly kind: 'taken'; readonly release: () => Promise<void> }
  | { readonly kind: 'held'; readonly by: string };

/** @throws the operating system's error when the lock cannot be written, read or moved. */
export async function takeLockFile(path: string): Promise<LockOutcome> {
  const mine = `${process.pid} ${(await startTicks(process.pid)) ?? '-'} ${new Date().toISOString()} ${hostname()}\n`;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await createLock(path, mine)) return { kind: 'taken', release: () => unlink(path).catch(() => {}) };
    const found = await readSettled(path, (text) => text.endsWith('\n'));
    if (found === undefined) continue;
    const by = await holderOf(found, path);
    if (by) return { kind: 'held', by };
    await removeDead(path, found);
  }
  return { kind: 'held', by: 'another run of this program' };
}

/** False when there is a lock. */
async function createLock(path: string, line: string): Promise<boolean> {
  if (!(await createFile(path, line))) return false;
  // A run that stood still between creating and writing was taken for a dead one meanwhile.
  return (await readIfThere(path)) === line;
}

/** False when there is such a file. */
async function createFile(path: string, text: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(text);
    } catch (cause) {
      await unlink(path).catch(() => {});
      throw cause;
    } finally {
      await file.close();
    }
    return true;
  } catch (cause) {
    if (errnoOf(cause) === 'EEXIST') return false;
    throw cause;
  }
}

/** What the file holds once it is `settled`, gone (undefined), or its run must have been killed. */
async function readSettled(path: string, settled: (text: string) => boolean): Promise<string | undefined> {
  const until = performance.now() + UNFINISHED_MS;
  for (;;) {
    const text = await readIfThere(path);
    if (text === undefined || settled(text) || performance.now() > until) return text;
    await sleep(LOOK_AGAIN_MS);
  }
}

/** Who is at work, or undefined where nobody is. */
async function holderOf(line: string, path: string): Promise<string | undefined> {
  if (!line.endsWith('\n')) return undefined;
  const [pid = '', ticks = '', since = '', host = hostname()] = line.trim().split(' ');
  // The file may lie on a share; of processes elsewhere nothing can be told from here.
  if (host !== hostname()) return `this program on ${host} (if nothing runs there, delete ${path})`;
  if (!(await isAlive(Number(pid), ticks, Date.parse(since)))) return undefined;
  return `another run of this program, process ${pid} (if it is not, delete ${path})`;
}

/** One run at a time takes a dead lock away: by then there may be a fresh one in its place, which must stay where it is. */
async function removeDead(path: string, found: string): Promise<void> {
  const aside = `${path}.old`;
  if (!(await createFile(aside, ''))) {
    // Another run is at it, which takes no time, or was killed at it.
    if ((await readSettled(aside, () => false)) !== undefined) await unlink(aside).catch(() => {});
    return;
  }
  try {
    if ((await readIfThere(path)) !== found) return;
    await rename(path, aside);
    // Its run stood still and has written its line at this very moment.
    if ((await readFile(aside, 'utf8')) !== found) await link(aside, path);
  } finally {
    await unlink(aside).catch(() => {});
  }
}

/** An id is used again after a restart of the computer, and sooner or later without one: the start time tells. */
async function isAlive(pid: number, ticks: string, since: number): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errnoOf(error) !== 'EPERM') return false;
  }
  const now = await startTicks(pid);
  if (now !== undefined) return now === ticks;
  return !(since < Date.now() - uptime() * 1000);
}

/** Linux: field 22 of /proc/<pid>/stat, behind the command, which may contain blanks and brackets; undefined elsewhere. */
async function startTicks(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return undefined;
    throw cause;
  }
}
