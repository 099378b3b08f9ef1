// Reading a hive file whole, and making sure that it was one unchanging regular file while it was read.
import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { RegistryError } from '../../errors.ts';
import { BASE_BLOCK_HEAD } from './base-block.ts';
import { errnoOf, fileError } from './file-errors.ts';
import { HIVE_LIMITS } from './limits.ts';

/** What tells whether the file under a path is still the one that was read. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  readonly size: bigint;
  readonly modifiedNs: bigint;
}

export interface HiveFile {
  readonly bytes: Buffer;
  readonly identity: FileIdentity;
}

interface BigStats {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  isFile(): boolean;
}

// Absent on Windows, where lstat below does their work.
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
const NO_WAIT = constants.O_NONBLOCK ?? 0;

/** @throws RegistryError `not-a-file`, `hive-in-use`, `hive-changed`, `hive-limit`, `access-denied`, `source-unreadable`. */
export async function readHiveFile(path: string, limit: number = HIVE_LIMITS.fileBytes): Promise<HiveFile> {
  await requireRegularFile(path);
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | NO_FOLLOW | NO_WAIT);
  } catch (cause) {
    throw fileError(`cannot read ${path}`, cause, 'source-unreadable');
  }
  try {
    const before = await handle.stat({ bigint: true });
    if (!before.isFile()) throw notAFile(path, 'a device or a folder');
    if (before.size > BigInt(limit)) {
      throw new RegistryError('hive-limit', `cannot read ${path}: ${before.size} bytes, at most ${limit} are read`);
    }
    const bytes = await readFully(handle, Number(before.size), path);
    const after = await handle.stat({ bigint: true });
    if (!sameIdentity(identityOf(before), identityOf(after))) throw changed(path);
    return { bytes, identity: identityOf(before) };
  } catch (cause) {
    throw fileError(`cannot read ${path}`, cause, 'source-unreadable');
  } finally {
    await handle.close();
  }
}

async function readFully(handle: FileHandle, size: number, path: string): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(size);
  for (let filled = 0; filled < size; ) {
    const { bytesRead } = await handle.read(bytes, filled, size - filled, filled);
    if (bytesRead === 0) throw changed(path);
    filled += bytesRead;
  }
  return bytes;
}

/** Throws unless `path` still is the file that was read, with the same base block. */
export async function requireUnchanged(path: string, file: HiveFile): Promise<void> {
  await requireRegularFile(path);
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, constants.O_RDONLY | NO_FOLLOW | NO_WAIT);
    const now = identityOf(await handle.stat({ bigint: true }));
    const head = Buffer.alloc(Math.min(BASE_BLOCK_HEAD, file.bytes.length));
    await handle.read(head, 0, head.length, 0);
    if (!sameIdentity(now, file.identity) || !head.equals(file.bytes.subarray(0, head.length))) throw changed(path);
  } catch (cause) {
    throw fileError(`cannot check ${path} again`, cause, 'source-unreadable');
  } finally {
    await handle?.close();
  }
}

/** Whether the file under `path` has the size and modification time of `identity`. Its name and place may be others. */
export async function isStill(path: string, identity: FileIdentity): Promise<boolean> {
  const now = await lstat(path, { bigint: true }).catch(() => undefined);
  return now !== undefined && now.size === identity.size && now.mtimeNs === identity.modifiedNs;
}

async function requireRegularFile(path: string): Promise<void> {
  let kind: BigStats & { isSymbolicLink(): boolean };
  try {
    kind = await lstat(path, { bigint: true });
  } catch (cause) {
    const gone = errnoOf(cause) === 'ENOENT';
    throw gone
      ? new RegistryError('source-unreadable', `cannot read ${path}: there is no such file (any more)`, { cause })
      : fileError(`cannot read ${path}`, cause, 'source-unreadable');
  }
  if (kind.isSymbolicLink()) throw notAFile(path, 'a symbolic link; give the file it points to');
  if (!kind.isFile()) throw notAFile(path, 'a device or a folder');
}

function identityOf(stats: BigStats): FileIdentity {
  return { device: stats.dev, inode: stats.ino, size: stats.size, modifiedNs: stats.mtimeNs };
}

function sameIdentity(a: FileIdentity, b: FileIdentity): boolean {
  return a.device === b.device && a.inode === b.inode && a.size === b.size && a.modifiedNs === b.modifiedNs;
}

function notAFile(path: string, what: string): RegistryError {
  return new RegistryError('not-a-file', `cannot read ${path}: it is ${what}`);
}

function changed(path: string): RegistryError {
  return new RegistryError(
    'hive-changed',
    `${path} changed while it was being read: somebody is writing to it; try again later`,
  );
}
