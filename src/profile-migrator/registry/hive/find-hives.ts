// `--hive FILE|FOLDER|GLOB...`: which hive files are meant. In folders, NTUSER.DAT and NTUSER.MAN at any depth, whatever their case.
// No named import of glob: a Node.js without it would fail before it can be told to be too old.
import files, { lstat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { filesBelow, type UnreadableFolder } from '../../files-below.ts';

export interface FoundHive {
  readonly path: string;
  /** What tells it apart from the others below what was given: a relative path. */
  readonly relativePath: string;
}

export interface FoundHives {
  /** In order of what was given, then by path; no path twice. */
  readonly hives: readonly FoundHive[];
  /** Folders below those given that could not be looked into. */
  readonly unreadable: readonly UnreadableFolder[];
  /** What was given and names nothing. */
  readonly missing: readonly string[];
}

const USER_HIVE = /^ntuser\.(?:dat|man)$/i;
const GLOB_SIGN = /[*?[{]/;

/** Symbolic links are followed nowhere: a profile folder may link to its own parent. */
export async function findHives(given: readonly string[]): Promise<FoundHives> {
  const hives = new Map<string, FoundHive>();
  const unreadable: UnreadableFolder[] = [];
  const missing: string[] = [];
  const add = (path: string, relativePath: string): void => {
    if (!hives.has(path)) hives.set(path, { path, relativePath });
  };
  for (const text of given) {
    const matches = await matchesOf(text);
    if (matches.length === 0) missing.push(text);
    for (const { path, base } of matches) {
      const kind = await lstat(path).catch(() => undefined);
      if (kind?.isDirectory()) {
        for (const file of await filesBelow(path, USER_HIVE, unreadable))
          add(file, toldApart(relative(base ?? path, file), file));
      } else {
        add(path, toldApart(base === undefined ? '' : relative(base, path), path));
      }
    }
  }
  return { hives: [...hives.values()], unreadable, missing };
}

/** A hive by itself is told apart by its folder: all of them are called NTUSER.DAT. */
function toldApart(relativePath: string, path: string): string {
  return basename(relativePath) === relativePath ? join(basename(dirname(path)), basename(path)) : relativePath;
}

interface Match {
  readonly path: string;
  /** The folder that a pattern starts from; undefined for a path given as it is. */
  readonly base: string | undefined;
}

/** What exists is taken as it is, whatever signs its name holds; what does not may be a pattern. */
async function matchesOf(text: string): Promise<Match[]> {
  const exists = await lstat(text).then(
    () => true,
    () => false,
  );
  if (exists || !GLOB_SIGN.test(text)) return exists ? [{ path: text, base: undefined }] : [];
  const fixed = text.slice(0, text.search(GLOB_SIGN));
  const base = /[\\/]$/.test(fixed) ? fixed : dirname(fixed);
  const matches: Match[] = [];
  for await (const path of files.glob(text)) matches.push({ path, base });
  return matches.sort((a, b) => (a.path < b.path ? -1 : 1));
}
