// Files for people that a command writes: never in part, and over something that is there only where that is what was asked for.
import { realpath, rename, rm, stat, writeFile } from 'node:fs/promises';

export interface NewFile {
  readonly path: string;
  readonly content: string | Uint8Array;
}

/** Writes all of them, or leaves none behind. Rejects with an error that says why; nothing that exists is overwritten. */
export async function writeNewFiles(files: readonly NewFile[]): Promise<void> {
  const made: string[] = [];
  try {
    for (const { path, content } of files) {
      // What fails to open is not ours to remove.
      await writeFile(path, '', { flag: 'wx' });
      made.push(path);
      await writeFile(path, content);
    }
  } catch (error) {
    for (const path of made) await rm(path, { force: true }).catch(() => undefined);
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new Error('it exists, and is not overwritten; name another file', { cause: error });
  }
}

/** Writes the file anew: whoever reads it finds the old one or the new one. Rejects with the system's error, and leaves the old one. */
export async function replaceFile(path: string, content: string): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const before = await stat(target).catch(() => undefined);
  // Pipes and devices are written to.
  if (before && !before.isFile()) return writeFile(target, content);
  const beside = `${target}.new`;
  try {
    await writeFile(beside, content, before && { mode: before.mode });
    await rename(beside, target);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw error;
  }
}
