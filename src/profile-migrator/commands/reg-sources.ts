// `--reg FILE|DIR...`: the .reg files meant, and the name each gives to its output.
import { stat } from 'node:fs/promises';
import { basename, relative, sep } from 'node:path';
import { RegistryError, UsageError } from '../errors.ts';
import { PROFILE_TREES, profileKeysOf } from '../mapi/profile-trees.ts';
import { filesBelow, type UnreadableFolder } from '../registry/files-below.ts';
import { snapshotsOf } from '../registry/reg-file.ts';
import { loadRegFile } from '../registry/reg-file-store.ts';
import type { RegistrySnapshot } from '../registry/registry.ts';
import type { Source, SourceContent } from './source.ts';

/** Files this program writes itself; a folder given as source may be the folder they were written to. */
const OWN_FILES = /\.(?:patch|undo|restore)\.reg$/i;

/**
 * A folder below those given that cannot be opened is a source that cannot be read: it may hide files.
 * @throws UsageError `option` when something given does not exist.
 */
export async function findRegSources(paths: readonly string[], codePage: number | undefined): Promise<Source[]> {
  const files: { path: string; stem: string }[] = [];
  const unreadable: UnreadableFolder[] = [];
  for (const path of paths) {
    if (await isFolder(path)) {
      const found = await filesBelow(path, /\.reg$/i, unreadable);
      const wanted = found.filter((each) => !OWN_FILES.test(each));
      files.push(...wanted.map((each) => ({ path: each, stem: stemOf(relative(path, each)) })));
    } else {
      files.push({ path, stem: stemOf(basename(path)) });
    }
  }
  const names = uniqueNames([...files.map(({ stem }) => stem), ...unreadable.map(({ path }) => stemOf(path))]);
  return [
    ...files.map(({ path }, i) => regSource(path, names[i] ?? path, codePage)),
    ...unreadable.map((folder, i) => unreadableFolder(folder, names[files.length + i] ?? folder.path)),
  ];
}

function unreadableFolder({ path, reason }: UnreadableFolder, name: string): Source {
  return {
    kind: 'reg',
    name,
    label: path,
    async read(): Promise<never> {
      throw new RegistryError('access-denied', `cannot look for .reg files in ${path}: ${reason}`);
    },
  };
}

/** The path below the given folder with separators as `_`, without `.reg`. */
export function stemOf(path: string): string {
  return path
    .split(sep)
    .join('_')
    .replaceAll('/', '_')
    .replace(/\.reg$/i, '');
}

/** Names that occur twice, compared as Windows compares file names, get a number. */
export function uniqueNames(stems: readonly string[]): string[] {
  const taken = new Set<string>();
  return stems.map((stem) => {
    let name = stem;
    for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${stem}.${n}`;
    taken.add(name.toLowerCase());
    return name;
  });
}

function regSource(path: string, name: string, codePage: number | undefined): Source {
  return {
    kind: 'reg',
    name,
    label: path,
    async read(): Promise<SourceContent> {
      const file = await loadRegFile(path, codePage);
      const notes = file.codePage === undefined ? [] : [`read in code page ${file.codePage}; another one: --code-page`];
      return { snapshots: usersIn(snapshotsOf(file)), notes };
    },
  };
}

/** An export from further up brings roots without profiles (services, class registrations), which say nothing of any user. */
function usersIn(snapshots: readonly RegistrySnapshot[]): readonly RegistrySnapshot[] {
  const withProfiles = snapshots.filter((snapshot) => {
    return PROFILE_TREES.some((tree) => profileKeysOf(snapshot, tree).length > 0);
  });
  return withProfiles.length > 0 ? withProfiles : snapshots.slice(0, 1);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw new UsageError('option', `there is no ${path}`);
    throw new RegistryError('source-unreadable', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}
