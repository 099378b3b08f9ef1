// A .reg file as a store: read as often as wanted, never changed. Its commit writes the change down as another .reg file for an
// import by hand, by logon script or by policy.
import { readFile, writeFile } from 'node:fs/promises';
import { RegistryError } from '../errors.ts';
import { entriesOfPatch, type RegFile, snapshotsOf } from './reg-file.ts';
import { readRegFile } from './reg-file-reader.ts';
import { renderRegFile } from './reg-file-writer.ts';
import { foldName, type RegistrySnapshot } from './registry.ts';
import type { RegistryStore } from './store.ts';

export interface RegFileStoreOptions {
  readonly path: string;
  /** Code page of a REGEDIT4 file; windows-1252 unless given. */
  readonly codePage?: number;
  /** Which user's root of the file this store stands for, as `snapshotsOf` spells it. */
  readonly rootPath: string;
  /** Where a commit writes the change; it must not exist yet. */
  readonly patchPath: string;
}

/** The file at `path`, parsed. @throws RegistryError `source-unreadable` and the reader's codes. */
export async function loadRegFile(path: string, codePage?: number): Promise<RegFile> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new RegistryError('source-unreadable', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  return readRegFile(bytes, path, codePage);
}

export function createRegFileStore(options: RegFileStoreOptions): RegistryStore {
  return {
    describe: () => options.path,
    async load(): Promise<RegistrySnapshot> {
      const snapshots = snapshotsOf(await loadRegFile(options.path, options.codePage));
      const found = snapshots.find(({ rootPath }) => foldName(rootPath) === foldName(options.rootPath));
      return found ?? { rootPath: options.rootPath, root: { name: '', values: new Map(), subkeys: new Map() } };
    },
    async commit(patch) {
      await writeFile(options.patchPath, renderRegFile(entriesOfPatch(patch)), { flag: 'wx', flush: true });
      return 'deferred';
    },
  };
}
