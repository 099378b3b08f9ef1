// Files that must survive a power cut whole: written beside their place, flushed, and put there in one step.
import { mkdir, open, readFile, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RegistryError } from '../errors.ts';

/** Replaces the file; readable by this user alone. @throws RegistryError `write-failed`. */
export async function writeDurably(path: string, data: string | Buffer): Promise<void> {
  const beside = besideOf(path);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(beside, 'w', 0o600);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    throw new RegistryError('write-failed', `cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Makes a folder that this user alone can look into, unless it is there. @throws RegistryError `write-failed`. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch((cause: Error) => {
    throw new RegistryError('write-failed', `cannot make folder ${path}: ${cause.message}`, { cause });
  });
}

/** Where a file lies until it is complete. */
export function besideOf(path: string): string {
  return `${path}.new`;
}

/** Removes the file if it is there. */
export async function removeDurably(path: string): Promise<void> {
  try {
    await unlink(path);
    await syncFolder(dirname(path));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new RegistryError('write-failed', `cannot remove ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Undefined where there is no such file. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new RegistryError('source-unreadable', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Windows has no such thing; there the rename itself is journalled by the file system. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
