// One writer per hive: a small file beside it names the process at work. A lock whose process is gone is taken over.
import { link, open, readFile, rename, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { RegistryError } from '../../errors.ts';
import { errnoOf, fileError } from './file-errors.ts';

export const LOCK_SUFFIX = '.profile-migrator-lock';

/** Takes the lock and returns what gives it back. @throws RegistryError `hive-in-use` while another run holds it. */
export async function lockHive(hivePath: string): Promise<() => Promise<void>> {
  const path = hivePath + LOCK_SUFFIX;
  const mine = `${hostname()} ${process.pid} ${(await startTime(process.pid)) ?? '-'}\n`;
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const handle = await open(path, 'wx', 0o600);
      await handle.writeFile(mine);
      await handle.close();
      return () => unlink(path).catch(() => undefined);
    } catch (cause) {
      if (errnoOf(cause) !== 'EEXIST') throw fileError(`cannot lock ${hivePath}`, cause, 'write-failed');
    }
    await takeOver(hivePath, path);
  }
  throw new RegistryError('hive-in-use', `${hivePath} is being changed by another run of this program`);
}

/** Removes a lock that nobody holds any more; throws when somebody does. */
async function takeOver(hivePath: string, path: string): Promise<void> {
  const found = await readFile(path, 'utf8').catch(() => undefined);
  if (found === undefined) return;
  const [host, pid, started] = found.trim().split(' ');
  if (host !== hostname()) {
    throw new RegistryError(
      'hive-in-use',
      `${hivePath} is being changed by this program on ${host || 'another computer'}; if nothing runs there, remove ${path}`,
    );
  }
  const running = await startTime(Number(pid));
  if (running !== undefined && (started === '-' || running === started)) {
    throw new RegistryError(
      'hive-in-use',
      `${hivePath} is being changed by another run of this program, process ${pid}`,
    );
  }
  // Renamed first: of two runs that find the same dead lock only one moves it, and nobody removes a fresh one unseen.
  const aside = `${path}.${process.pid}`;
  try {
    await rename(path, aside);
    if ((await readFile(aside, 'utf8')) !== found) await link(aside, path);
    await unlink(aside);
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT' && errnoOf(cause) !== 'EEXIST')
      throw fileError(`cannot take over ${path}`, cause, 'write-failed');
  }
}

/** When a process was started (opaque), or undefined when it does not run. */
async function startTime(pid: number): Promise<string | undefined> {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    // Field 22, counted behind the command, which may contain blanks and brackets.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch (cause) {
    if (process.platform === 'linux' && errnoOf(cause) === 'ENOENT') return undefined;
  }
  try {
    process.kill(pid, 0);
    return '-';
  } catch (cause) {
    return errnoOf(cause) === 'EPERM' ? '-' : undefined;
  }
}
