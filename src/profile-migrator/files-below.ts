// The files below a folder, of which one part that cannot be read hides nothing but itself.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

export interface UnreadableFolder {
  readonly path: string;
  readonly reason: string;
}

/**
 * Files of the wanted names at any depth, in order of path, and the folders that could not be looked into. Links are not followed into
 * folders. Rejects when `top` itself cannot be read: a recursive listing of the system would do so for every folder below it.
 */
export async function filesBelow(
  top: string,
  wanted: (name: string) => boolean,
): Promise<{ readonly files: string[]; readonly unreadable: UnreadableFolder[] }> {
  const files: string[] = [];
  const unreadable: UnreadableFolder[] = [];
  const folders = [top];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      for (const entry of await readdir(folder, { withFileTypes: true })) {
        if (entry.isDirectory()) folders.push(join(folder, entry.name));
        else if (wanted(entry.name)) files.push(join(folder, entry.name));
      }
    } catch (cause) {
      if (folder === top) throw cause;
      unreadable.push({ path: folder, reason: (cause as Error).message });
    }
  }
  return { files: files.sort(), unreadable };
}
