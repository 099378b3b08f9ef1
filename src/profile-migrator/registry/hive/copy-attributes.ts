// A new file beside a hive that carries the hive's owner, mode, times, extended attributes and access control lists. Node has no
// call for the last two, so this is cp's work on Unix and the system's own file copy on Windows.
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { copyFile, lstat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { RegistryError } from '../../errors.ts';
import { fileError } from './file-errors.ts';

const run = promisify(execFile);
const COPY_TIMEOUT_MS = 60_000;

/** Creates `to`, which must not exist; its content is the caller's to write. */
export async function createWithAttributesOf(from: string, to: string): Promise<void> {
  if (process.platform === 'win32') {
    await copyFile(from, to, constants.COPYFILE_EXCL).catch((cause: unknown) => {
      throw fileError(`cannot copy ${from} to ${to}`, cause, 'write-failed');
    });
    return;
  }
  try {
    await run('cp', ['--attributes-only', '--preserve=all', '--no-clobber', '--', from, to], {
      timeout: COPY_TIMEOUT_MS,
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
    });
  } catch (cause) {
    const text = String((cause as { stderr?: unknown }).stderr ?? (cause as Error).message).trim();
    const code = /No space left|quota/i.test(text)
      ? 'disk-full'
      : /Permission denied|not permitted|Read-only/i.test(text)
        ? 'access-denied'
        : 'write-failed';
    throw new RegistryError(code, `cannot create ${to} with the attributes of ${from}: ${text}`, { cause });
  }
  const [old, made] = [await lstat(from), await lstat(to)];
  if (old.uid !== made.uid || old.gid !== made.gid || old.mode !== made.mode) {
    throw new RegistryError(
      'access-denied',
      `cannot give ${to} the owner and mode of ${from} (${old.uid}:${old.gid} ${(old.mode & 0o7777).toString(8)}): run as root or as the owner`,
    );
  }
}
