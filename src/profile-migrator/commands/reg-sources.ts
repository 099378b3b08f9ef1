// `--reg FILE|DIR...`: the .reg files meant, and the name each gives to its output.
import { stat } from 'node:fs/promises';
import { basename, relative, resolve } from 'node:path';
import { RegistryError, UsageError } from '../errors.ts';
import { filesBelow, type UnreadableFolder } from '../files-below.ts';
import { PROFILE_TREES, profileKeysOf } from '../mapi/profile-trees.ts';
import { snapshotsOf } from '../registry/reg-file.ts';
import { loadRegFile } from '../registry/reg-file-store.ts';
import type { RegistrySnapshot } from '../registry/registry.ts';
import type { Source, SourceContent } from './source.ts';
import { stemOf, uniqueNames } from './source-names.ts';

/** Files this program writes itself; a folder given as source may be the folder they were written to. */
const OWN_FILES = /\.(?:patch|undo|restore)\.reg$/i;

/**
 * Each file once. A folder that cannot be looked into may hide files: it counts as a source that failed.
 * @throws UsageError `option` when something given does not exist, RegistryError `source-unreadable`.
 */
export async function findRegSources(paths: readonly string[], codePage: number | undefined): Promise<Source[]> {
  const files = new Map<string, { readonly path: string; readonly stem: string }>();
  const unreadable: UnreadableFolder[] = [];
  for (const path of paths) {
    const isGivenFolder = await isFolder(path);
    const found = isGivenFolder ? await filesBelow(path, /\.reg$/i, unreadable) : [path];
    for (const file of found) {
      if (isGivenFolder && OWN_FILES.test(file)) continue;
      const stem = stemOf(isGivenFolder ? relative(path, file) : basename(file));
      if (!files.has(resolve(file))) files.set(resolve(file), { path: file, stem });
    }
  }
  const names = uniqueNames([
    ...[...files.values()].map(({ stem }) => stem),
    ...unreadable.map(({ path }) => stemOf(path)),
  ]);
  return [
    ...[...files.values()].map(({ path }, i) => regSource(path, names[i] ?? path, codePage)),
    ...unreadable.map((folder, i) => unreadableSource(folder, names[files.size + i] ?? folder.path)),
  ];
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

function unreadableSource({ path, reason }: UnreadableFolder, name: string): Source {
  const read = async (): Promise<never> => {
    throw new RegistryError('access-denied', `cannot look for .reg files in ${path}: ${reason}`);
  };
  return { kind: 'reg', name, label: path, read };
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw new UsageError('option', `there is no ${path}`);
    throw new RegistryError('source-unreadable', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}
