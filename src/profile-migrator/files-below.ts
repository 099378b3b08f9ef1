// The files of a folder at any depth. A folder that cannot be opened stops nobody, but is told: it may hide what was looked for.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

export interface UnreadableFolder {
  readonly path: string;
  readonly reason: string;
}

/** Paths of the files whose names are `wanted`, sorted. Symbolic links to folders are not followed. Adds to `unreadable`. */
export async function filesBelow(folder: string, wanted: RegExp, unreadable: UnreadableFolder[]): Promise<string[]> {
  const files: string[] = [];
  const pending = [folder];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const at = next;
    const entries = await readdir(at, { withFileTypes: true }).catch((cause: Error) => {
      unreadable.push({ path: at, reason: cause.message });
      return [];
    });
    for (const entry of entries) {
      if (entry.isDirectory()) pending.push(join(at, entry.name));
      else if (wanted.test(entry.name)) files.push(join(at, entry.name));
    }
  }
  return files.sort();
}
