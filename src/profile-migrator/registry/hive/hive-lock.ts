// One writer per hive: a lock beside it names the process at work. A lock whose process is gone is taken over. It is a symbolic link
// to a text, because that comes into being with its content; where there are no links it is a small file.
import { link, open, readFile, readlink, rename, stat, symlink, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { RegistryError } from '../../errors.ts';
import { errnoOf, fileError } from './file-errors.ts';

export const LOCK_SUFFIX = '.profile-migrator-lock';
const EMPTY_LOCK_MS = 10_000;
/** Asked once: a process has one start. */
let ownStart: Promise<string | undefined> | undefined;

/** Takes the lock and returns what gives it back. @throws RegistryError `hive-in-use` while another run holds it. */
export async function lockHive(hivePath: string): Promise<() => Promise<void>> {
  const path = hivePath + LOCK_SUFFIX;
  ownStart ??= startTime(process.pid);
  const mine = `${hostname()} ${process.pid} ${(await ownStart) ?? '-'}`;
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      await createLock(path, mine);
      return () => unlink(path).catch(() => undefined);
    } catch (cause) {
      if (errnoOf(cause) !== 'EEXIST') throw fileError(`cannot lock ${hivePath}`, cause, 'write-failed');
    }
    await takeOver(hivePath, path);
  }
  throw new RegistryError('hive-in-use', `${hivePath} is being changed by another run of this program`);
}

async function createLock(path: string, content: string): Promise<void> {
  try {
    return await symlink(content, path);
  } catch (cause) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'UNKNOWN'].includes(errnoOf(cause) ?? '')) throw cause;
  }
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(content);
  } catch (cause) {
    await unlink(path).catch(() => undefined);
    throw cause;
  } finally {
    await handle.close();
  }
}

async function readLock(path: string): Promise<string> {
  return readlink(path).catch(() => readFile(path, 'utf8'));
}

/** Removes a lock that nobody holds any more; throws when somebody does. */
async function takeOver(hivePath: string, path: string): Promise<void> {
  const found = await readLock(path).catch(() => undefined);
  if (found === undefined) return;
  if (found === '') {
    if (await isOld(path)) return unlink(path);
    throw new RegistryError('hive-in-use', `${hivePath} is being changed by a run of this program that has just begun`);
  }
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
    if ((await readLock(aside)) !== found) await link(aside, path);
    await unlink(aside);
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT' && errnoOf(cause) !== 'EEXIST')
      throw fileError(`cannot take over ${path}`, cause, 'write-failed');
  }
}

/** An empty lock is being written this very moment, unless its run was killed between creating and filling it. */
async function isOld(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats !== undefined && Date.now() - stats.mtimeMs > EMPTY_LOCK_MS;
}

/** When a process was started (opaque), or undefined when it does not run. */
async function startTime(pid: number): Promise<string | undefined> {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  try {
    const line = await readFile(`/proc/${pid}/stat`, 'latin1');
    // Field 22, counted behind the command, which may contain blanks and brackets.
    return line.slice(line.lastIndexOf(')') + 2).split(' ')[19];
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
