// The file protocol: a changed hive never overwrites the original. It is written beside it, proved, and renamed over it, with the
// original kept as a hard link. At every moment there is a whole hive under the hive's name, the old one or the new one.
import { constants } from 'node:fs';
import { copyFile, type FileHandle, link, lstat, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, RegistryError } from '../../errors.ts';
import type { RegistryPatch } from '../registry.ts';
import { BASE_BLOCK_SIZE, changeBaseBlock } from './base-block.ts';
import { requireOnlyPlanned } from './compare-hives.ts';
import { type AttributeCopier, createWithAttributesOf } from './copy-attributes.ts';
import { fileError } from './file-errors.ts';
import { requireNotLocked } from './file-in-use.ts';
import type { HiveImage } from './hive-image.ts';
import { type HiveFile, hasContent, isStill, requireUnchanged } from './read-hive-file.ts';
import type { HiveSurvey } from './survey.ts';

/** The steps of the protocol in order; each is announced when it is done. */
export const REPLACE_STEPS = [
  'copied',
  'begun',
  'filled',
  'sealed',
  'proved',
  'backed-up',
  'swapped',
  'settled',
  'logs-moved',
] as const;
export type ReplaceStep = (typeof REPLACE_STEPS)[number];

export interface ReplaceRequest {
  readonly path: string;
  /** What was read under `path`, and must still be there. */
  readonly original: HiveFile;
  /** The original after recovery, if it needed any. */
  readonly before: HiveImage;
  readonly after: HiveImage;
  /** Of `before`. */
  readonly survey: HiveSurvey;
  readonly patch: RegistryPatch;
  /** Log files that are part of `before` and of no use any more. */
  readonly recoveredLogs: readonly string[];
  /** Part of the names of backup and moved logs. */
  readonly stamp: string;
  /** Whether to wait for the disk. Without it a power failure may cost the change, and on some file systems the file. */
  readonly durable: boolean;
  readonly copier?: AttributeCopier | undefined;
  readonly onStep?: ((step: ReplaceStep) => void) | undefined;
}

export interface Replacement {
  readonly backupPath: string;
  /** Where the recovered logs are now. */
  readonly movedLogs: readonly string[];
  /** What did not work and does no harm. */
  readonly warnings: readonly string[];
}

const NEW_SUFFIX = '.profile-migrator-new';

/** The caller holds the hive's lock. @throws RegistryError; the original is then where it was. */
export async function replaceHive(request: ReplaceRequest): Promise<Replacement> {
  const { path } = request;
  const fresh = path + NEW_SUFFIX;
  const step = request.onStep ?? (() => undefined);
  await requireWritable(path);
  // A killed run's leftover: the lock says that nobody is at work on it.
  await unlink(fresh).catch(() => undefined);
  let backupPath: string | undefined;
  try {
    await (request.copier?.create(path, fresh) ?? createWithAttributesOf(path, fresh));
    step('copied');
    await writeInOrder(fresh, request, step);
    await prove(fresh, request);
    step('proved');
    await requireUnchanged(path, request.original);
    await requireNotLocked(path, request.original.identity);
    backupPath = await keepOriginal(path, request);
    step('backed-up');
    await rename(fresh, path).catch((cause: unknown) => {
      throw fileError(`cannot put the changed hive in the place of ${path}`, cause, 'write-failed');
    });
  } catch (cause) {
    await unlink(fresh).catch(() => undefined);
    if (backupPath !== undefined) await unlink(backupPath).catch(() => undefined);
    throw cause;
  }
  step('swapped');
  const warnings: string[] = [];
  // Nobody can lock the file out of a file server's hands: a write in the very last moment is at least told.
  if (!(await isStill(backupPath, request.original.identity))) {
    warnings.push(
      `${path} was written to while it was being replaced: compare it with ${backupPath}, which holds that write`,
    );
  }
  if (request.durable) await syncFolder(dirname(path)).catch((cause: Error) => warnings.push(cause.message));
  step('settled');
  const movedLogs = await moveLogs(request, warnings);
  step('logs-moved');
  return { backupPath, movedLogs, warnings };
}

/** A file without any write permission is left alone even by root: somebody meant it (mandatory profiles, archives). */
async function requireWritable(path: string): Promise<void> {
  const stats = await lstat(path).catch((cause: unknown) => {
    throw fileError(`cannot change ${path}`, cause, 'source-unreadable');
  });
  if ((stats.mode & 0o222) === 0) {
    throw new RegistryError('access-denied', `cannot change ${path}: the file is read-only; make it writable first`);
  }
}

/** First the base block with the first sequence number ahead, then the bins, then the base block with both numbers equal. */
async function writeInOrder(fresh: string, request: ReplaceRequest, step: (step: ReplaceStep) => void): Promise<void> {
  const { bytes, base } = request.after;
  const begun = Buffer.from(bytes.subarray(0, BASE_BLOCK_SIZE));
  changeBaseBlock(begun, { secondarySequence: request.before.base.secondarySequence });
  let handle: FileHandle | undefined;
  try {
    handle = await open(fresh, 'r+');
    if (process.platform === 'win32') await handle.truncate(bytes.length);
    await writeAt(handle, begun, 0);
    step('begun');
    await writeAt(handle, bytes.subarray(BASE_BLOCK_SIZE), BASE_BLOCK_SIZE);
    if (request.durable) await handle.datasync();
    step('filled');
    await writeAt(handle, bytes.subarray(0, BASE_BLOCK_SIZE), 0);
    if (request.durable) await handle.sync();
    step('sealed');
  } catch (cause) {
    throw fileError(`cannot write ${fresh} (sequence ${base.primarySequence})`, cause, 'write-failed');
  } finally {
    await handle?.close().catch(() => undefined);
  }
}

async function writeAt(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** What stands on the disk is what was meant to be written, and that is the original with the planned edits and nothing else. */
async function prove(fresh: string, request: ReplaceRequest): Promise<void> {
  if (!(await hasContent(fresh, request.after.bytes))) {
    throw new RegistryError(
      'verify-failed',
      `${fresh} does not read back as it was written: the disk or the share is at fault`,
    );
  }
  requireOnlyPlanned(request.before, request.after, request.patch, request.survey);
}

async function keepOriginal(path: string, request: ReplaceRequest): Promise<string> {
  for (let n = 1; n < 1000; n++) {
    const backup = `${path}.${request.stamp}${n === 1 ? '' : `.${n}`}.bak`;
    try {
      await link(path, backup);
      return backup;
    } catch (cause) {
      if (errnoOf(cause) === 'EEXIST') continue;
      if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL'].includes(errnoOf(cause) ?? '')) {
        throw fileError(`cannot keep ${path} as ${backup}`, cause, 'write-failed');
      }
    }
    // A file system without hard links.
    await copyFile(path, backup, constants.COPYFILE_EXCL).catch((cause: unknown) => {
      throw fileError(`cannot copy ${path} to ${backup}`, cause, 'write-failed');
    });
    const handle = await open(backup, 'r+');
    await handle.sync().finally(() => handle.close());
    return backup;
  }
  throw new RegistryError('already-exists', `cannot keep ${path}: there are a thousand backups of this time beside it`);
}

async function moveLogs(request: ReplaceRequest, warnings: string[]): Promise<string[]> {
  const moved: string[] = [];
  for (const log of request.recoveredLogs) {
    const target = `${log}.${request.stamp}.bak`;
    try {
      await link(log, target);
      await unlink(log);
      moved.push(target);
    } catch (cause) {
      // The hive is clean now, and logs of a clean hive are ignored: untidy, not harmful.
      warnings.push(`the log ${log} is part of the hive now and could not be moved away: ${(cause as Error).message}`);
    }
  }
  return moved;
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}
