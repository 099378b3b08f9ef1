// Reading a hive file whole, and making sure that it was one unchanging regular file while it was read.
import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { errnoOf, RegistryError } from '../../errors.ts';
import { BASE_BLOCK_HEAD } from './base-block.ts';
import { fileError } from './file-errors.ts';
import type { TakeBuffer } from './hive-memory.ts';
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
}

// Absent on Windows, where lstat below does their work.
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
const NO_WAIT = constants.O_NONBLOCK ?? 0;

/**
 * @param take gives the memory the file is read into.
 * @throws RegistryError `not-a-file`, `hive-in-use`, `hive-changed`, `hive-limit`, `access-denied`, `source-unreadable`.
 */
export async function readHiveFile(
  path: string,
  limit: number = HIVE_LIMITS.fileBytes,
  take: TakeBuffer = Buffer.allocUnsafe,
): Promise<HiveFile> {
  const handle = await openRegularFile(path);
  try {
    const before = await handle.stat({ bigint: true });
    if (!before.isFile()) throw notAFile(path, 'a device or a folder');
    if (before.size > BigInt(limit)) {
      throw new RegistryError('hive-limit', `cannot read ${path}: ${before.size} bytes, at most ${limit} are read`);
    }
    const bytes = await readFully(handle, take(Number(before.size)).subarray(0, Number(before.size)), path);
    const after = await handle.stat({ bigint: true });
    if (!sameIdentity(identityOf(before), identityOf(after))) throw changed(path);
    return { bytes, identity: identityOf(before) };
  } catch (cause) {
    throw fileError(`cannot read ${path}`, cause, 'source-unreadable');
  } finally {
    await handle.close();
  }
}

async function readFully(handle: FileHandle, bytes: Buffer, path: string): Promise<Buffer> {
  for (let filled = 0; filled < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, filled);
    if (bytesRead === 0) throw changed(path);
    filled += bytesRead;
  }
  return bytes;
}

/** Throws unless `path` still is the file that was read, with the same base block. */
export async function requireUnchanged(path: string, file: HiveFile): Promise<void> {
  const handle = await openRegularFile(path);
  try {
    const now = identityOf(await handle.stat({ bigint: true }));
    const head = Buffer.alloc(Math.min(BASE_BLOCK_HEAD, file.bytes.length));
    await handle.read(head, 0, head.length, 0);
    if (!sameIdentity(now, file.identity) || !head.equals(file.bytes.subarray(0, head.length))) throw changed(path);
  } catch (cause) {
    throw fileError(`cannot check ${path} again`, cause, 'source-unreadable');
  } finally {
    await handle.close();
  }
}

/** Whether the file holds exactly these bytes; read piece by piece, so that a second copy of a large hive is not needed. */
export async function hasContent(path: string, bytes: Buffer): Promise<boolean> {
  const handle = await openRegularFile(path);
  try {
    if ((await handle.stat()).size !== bytes.length) return false;
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, bytes.length));
    for (let at = 0; at < bytes.length; ) {
      const { bytesRead } = await handle.read(piece, 0, Math.min(piece.length, bytes.length - at), at);
      if (bytesRead === 0 || bytes.compare(piece, 0, bytesRead, at, at + bytesRead) !== 0) return false;
      at += bytesRead;
    }
    return true;
  } catch (cause) {
    throw fileError(`cannot read ${path} back`, cause, 'source-unreadable');
  } finally {
    await handle.close();
  }
}

const PIECE_BYTES = 1024 * 1024;

/** Whether the file under `path` has the size and modification time of `identity`. Its name and place may be others. */
export async function isStill(path: string, identity: FileIdentity): Promise<boolean> {
  const now = await lstat(path, { bigint: true }).catch(() => undefined);
  return now !== undefined && now.size === identity.size && now.mtimeNs === identity.modifiedNs;
}

/** Bytes of the file under `path`, for an estimate; 0 where there is none. */
export async function sizeOf(path: string): Promise<number> {
  return lstat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Opens without following a link and without waiting for whoever is to write into a pipe. */
async function openRegularFile(path: string): Promise<FileHandle> {
  try {
    if (NO_FOLLOW === 0 && (await lstat(path)).isSymbolicLink()) throw notAFile(path, LINK);
    return await open(path, constants.O_RDONLY | NO_FOLLOW | NO_WAIT);
  } catch (cause) {
    const code = errnoOf(cause);
    if (code === 'ELOOP') throw notAFile(path, LINK);
    if (code === 'ENXIO') throw notAFile(path, 'a device or a folder');
    if (code !== 'ENOENT') throw fileError(`cannot read ${path}`, cause, 'source-unreadable');
    throw new RegistryError('source-unreadable', `cannot read ${path}: there is no such file (any more)`, { cause });
  }
}

const LINK = 'a symbolic link; give the file it points to';

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
