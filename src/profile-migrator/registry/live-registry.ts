// The registry of a logged-on user as a store: read through `reg export` files, changed through `reg import`. It works for the
// current user (HKEY_CURRENT_USER) and, with administrator rights, for everybody whose hive is loaded (HKEY_USERS\<SID>).
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RegistryError } from '../errors.ts';
import { createRegExe, type RegExe, type RegExeOptions } from './reg-exe.ts';
import { entriesOfPatch, joinRoot, type RegEntry, snapshotsOf } from './reg-file.ts';
import { readRegFile } from './reg-file-reader.ts';
import { renderRegFile } from './reg-file-writer.ts';
import { foldName } from './registry.ts';
import type { RegistryStore } from './store.ts';

export interface LiveRegistryOptions extends RegExeOptions {
  /**
   * Where exports and imports lie while they are needed. Exports hold secrets, so this must be a folder only this user can read:
   * a user's own %LOCALAPPDATA%, also for SYSTEM.
   */
  readonly workFolder: string;
  /** SID of a user whose hive is loaded; the current user when absent. */
  readonly sid?: string;
}

/** Users' SIDs, local, domain and Entra ID: not the services' accounts, not `_Classes`, not `.DEFAULT`. */
const USER_SID = /^S-1-(?:5-21|12-1)(?:-\d{1,10}){4}$/i;

export function isUserSid(text: string): boolean {
  return USER_SID.test(text);
}

/** SIDs of the users whose hives are loaded, as the registry lists them. @throws RegistryError `reg-exe-failed`. */
export async function loadedUsers(options: RegExeOptions): Promise<string[]> {
  const names = await createRegExe(options).subkeys('HKEY_USERS');
  if (!names) throw new RegistryError('reg-exe-failed', 'cannot list HKEY_USERS: reg query failed');
  return names.filter(isUserSid);
}

export function createLiveRegistry(options: LiveRegistryOptions): RegistryStore {
  const { sid, workFolder } = options;
  if (sid !== undefined && !isUserSid(sid)) throw new RegistryError('key-missing', `${sid} is not the SID of a user`);
  const rootPath = sid === undefined ? 'HKEY_CURRENT_USER' : `HKEY_USERS\\${sid}`;
  const reg = createRegExe(options);

  // Which trees there are is found out once per store: a run lasts seconds, and looking costs a dozen processes.
  const trees = new Map<string, boolean | undefined>();

  return {
    describe: () => (sid === undefined ? 'the registry of the current user' : `the registry of ${sid}`),

    async load(subtrees) {
      const folder = await privateFolder(workFolder);
      try {
        const keys = new KeyListing(reg);
        if (sid !== undefined && trees.size === 0 && (await keys.exists(rootPath)) !== true) {
          throw new RegistryError(
            'key-missing',
            `cannot read ${rootPath}: the user is not logged on, the hive is not loaded`,
          );
        }
        const read = async (subtree: string, index: number): Promise<readonly RegEntry[]> => {
          const key = joinRoot(rootPath, subtree);
          if (!trees.has(key)) trees.set(key, await keys.exists(key));
          return trees.get(key) === false ? [] : exportSubtree(reg, key, join(folder, `${index}.reg`));
        };
        // All have ended before the folder goes, whatever fails.
        const parts = await Promise.allSettled(subtrees.map(read));
        const entries = parts.flatMap((part) => {
          if (part.status === 'rejected') throw part.reason;
          return part.value;
        });
        const [snapshot, ...others] = snapshotsOf({ entries, codePage: undefined });
        if (!snapshot) return { rootPath, root: { name: '', values: new Map(), subkeys: new Map() } };
        if (others.length > 0 || foldName(snapshot.rootPath) !== foldName(rootPath)) {
          throw new RegistryError(
            'reg-exe-failed',
            `cannot read ${rootPath}: reg export wrote keys of ${snapshot.rootPath}`,
          );
        }
        return { rootPath, root: snapshot.root };
      } finally {
        await discard(folder);
      }
    },

    async commit(patch, commitOptions) {
      if (foldName(patch.rootPath) !== foldName(rootPath)) {
        throw new RegistryError('write-failed', `refusing to import a change of ${patch.rootPath} into ${rootPath}`);
      }
      const folder = await privateFolder(workFolder);
      const file = join(folder, IMPORT_FILE);
      try {
        await writeFile(file, renderRegFile(entriesOfPatch(patch)), { flag: 'wx', mode: 0o600, flush: true }).catch(
          (cause: Error) => {
            throw new RegistryError('write-failed', `cannot write ${file}: ${cause.message}`, { cause });
          },
        );
        await reg.importFile(file, commitOptions?.onChild);
      } finally {
        await discard(folder);
      }
      return 'committed';
    },
  };
}

/** Exports one key that is there and reads the file. */
async function exportSubtree(reg: RegExe, key: string, file: string): Promise<readonly RegEntry[]> {
  if ((await reg.exportKey(key, file)) === 'failed') {
    // Looked up afresh: the user may have logged off meanwhile.
    const exists = await new KeyListing(reg).exists(key);
    if (exists === false) throw new RegistryError('key-missing', `cannot export ${key}: it is no longer there`);
    const seen = exists ? 'the key exists' : 'its parent key cannot be listed either';
    throw new RegistryError(
      'access-denied',
      `cannot export ${key}: reg.exe failed, and ${seen}. Run as the user or as an administrator`,
    );
  }
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new RegistryError('reg-exe-failed', `reg export of ${key} reported success and wrote no file`, { cause });
  }
  // Every export ends in an empty line; one that does not was cut off (disk full, program ended).
  if (!bytes.subarray(-8).equals(EXPORT_END)) {
    throw new RegistryError('reg-exe-failed', `reg export of ${key} is cut off after ${bytes.length} bytes`);
  }
  const { entries } = readRegFile(bytes, `the export of ${key}`);
  const first = entries[0];
  if (first?.kind !== 'key' || foldName(first.path) !== foldName(key)) {
    throw new RegistryError('reg-exe-failed', `reg export of ${key} wrote another key`);
  }
  return entries;
}

const EXPORT_END = Buffer.from('\r\n\r\n', 'utf16le');

/**
 * Whether keys exist, found out by listing their parents: a failed export looks the same for a missing key and a forbidden one, and
 * reg.exe's explanation is in the language of the system. Each key is listed once.
 */
class KeyListing {
  readonly #reg: RegExe;
  readonly #listings = new Map<string, Promise<readonly string[] | undefined>>();

  constructor(reg: RegExe) {
    this.#reg = reg;
  }

  /** Found out from the root downwards, so that a missing tree costs nothing; undefined: cannot be told. */
  async exists(key: string): Promise<boolean | undefined> {
    const cut = key.lastIndexOf('\\');
    if (cut < 0) return true;
    const parent = await this.exists(key.slice(0, cut));
    if (!parent) return parent;
    const name = key.slice(cut + 1);
    const names = await this.#list(key.slice(0, cut));
    if (!names) return undefined;
    if (names.some((listed) => foldName(listed) === foldName(name))) return true;
    return /^[\x20-\x7e]+$/.test(name) ? false : undefined;
  }

  #list(key: string): Promise<readonly string[] | undefined> {
    const known = this.#listings.get(foldName(key));
    if (known) return known;
    const listing = this.#reg.subkeys(key);
    this.#listings.set(foldName(key), listing);
    return listing;
  }
}

const FOLDER_NAME = /^live-(\d+)-/;
const IMPORT_FILE = 'import.reg';
const SWEEP_ATTEMPTS = 20;
const SWEEP_PAUSE_MS = 250;

/** A new folder for one export or import; folders that ended programs left behind are removed on the way. */
async function privateFolder(workFolder: string): Promise<string> {
  try {
    await mkdir(workFolder, { recursive: true, mode: 0o700 });
    await sweep(workFolder);
    return await mkdtemp(join(workFolder, `live-${process.pid}-`));
  } catch (cause) {
    if (cause instanceof RegistryError) throw cause;
    throw new RegistryError(
      'write-failed',
      `cannot make a private folder in ${workFolder}: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** What cannot be removed now, because anti-virus holds it, the next run removes; what was read or imported stands all the same. */
async function discard(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
}

/**
 * Removes what killed runs left. An import file goes too: a reg.exe that such a run started, and that has not got round to opening
 * it, must not begin now. On Windows a file that is being read cannot be removed, which shows that the import is under way.
 */
async function sweep(workFolder: string): Promise<void> {
  for (const name of await readdir(workFolder)) {
    const pid = Number(FOLDER_NAME.exec(name)?.[1] ?? 0);
    if (pid === 0 || pid === process.pid || isAlive(pid)) continue;
    const folder = join(workFolder, name);
    await removeImport(join(folder, IMPORT_FILE));
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** @throws RegistryError `source-busy` while another program holds the file open. */
async function removeImport(file: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await rm(file, { force: true });
      return;
    } catch (cause) {
      if (attempt === SWEEP_ATTEMPTS) {
        throw new RegistryError('source-busy', `an import that an earlier run started is still reading ${file}`, {
          cause,
        });
      }
      await sleep(SWEEP_PAUSE_MS);
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
