// Files for people that a command writes: never over something that is there, and never in part.
import { rm, writeFile } from 'node:fs/promises';

export interface NewFile {
  readonly path: string;
  readonly content: string | Uint8Array;
}

/** Writes all of them, or leaves none behind. Rejects with the system's error, EEXIST where one of them exists. */
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
    throw error;
  }
}
