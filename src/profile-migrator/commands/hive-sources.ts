// `--hive FILE|FOLDER|GLOB...`: offline hives as sources, each a user's whole registry.
import { basename, dirname } from 'node:path';
import { RegistryError, UsageError } from '../errors.ts';
import type { UnreadableFolder } from '../files-below.ts';
import { PROFILE_SUBTREES } from '../mapi/profile-trees.ts';
import { createAttributeCopier } from '../registry/hive/copy-attributes.ts';
import { findHives } from '../registry/hive/find-hives.ts';
import { createHiveStore, type HiveStore } from '../registry/hive/hive-store.ts';
import type { Processes, RegistryStore } from '../registry/store.ts';
import type { Source, SourceContent } from './source.ts';
import { stemOf, uniqueNames } from './source-names.ts';

/** Nobody's Outlook has an offline hive open: while its user is logged on, the system does not let anybody open the file. */
const NO_PROCESSES: Processes = { outlook: async () => 'closed', isRunning: async () => false };

/** @throws UsageError `option` when there is no hive at all. */
export async function findHiveSources(given: readonly string[]): Promise<Source[]> {
  const { hives, unreadable, missing } = await findHives(given);
  if (missing.length > 0) throw new UsageError('option', `there is no ${missing.join(', ')}`);
  if (hives.length === 0 && unreadable.length === 0) {
    throw new UsageError('option', `no NTUSER.DAT or NTUSER.MAN in ${given.join(', ')}`);
  }
  const copier = createAttributeCopier();
  const names = uniqueNames([
    ...hives.map(({ relativePath }) => stemOf(relativePath)),
    ...unreadable.map(({ path }) => stemOf(path)),
  ]);
  return [
    ...hives.map(({ path }, i) => hiveSource(path, names[i] ?? path, createHiveStore({ path, copier }))),
    ...unreadable.map((folder, i) => unreadableSource(folder, names[hives.length + i] ?? folder.path)),
  ];
}

function hiveSource(path: string, name: string, store: HiveStore): Source {
  return {
    kind: 'hive',
    name,
    label: path,
    access: {
      store,
      processes: NO_PROCESSES,
      condition: () => {
        const kept = store.replacement()?.backupPath;
        const notes = [...notesOf(path, store), ...(store.replacement()?.warnings ?? []), ...UNSEEN];
        return { notes, ...staleOf(store), ...(kept === undefined ? {} : { kept }) };
      },
    },
    async read(): Promise<SourceContent> {
      const snapshot = await store.load(PROFILE_SUBTREES);
      return { snapshots: [snapshot], notes: notesOf(path, store), ...staleOf(store) };
    },
  };
}

/** Windows refuses to open the hive of a user who is logged on. A roaming copy on another system tells nothing. */
const UNSEEN =
  process.platform === 'win32'
    ? []
    : ['whether its user is logged on elsewhere cannot be seen from here: see to it that nobody is'];

function staleOf(store: HiveStore): { stale?: string } {
  const condition = store.condition();
  return condition?.state === 'stale' ? { stale: condition.detail } : {};
}

function notesOf(path: string, store: HiveStore): string[] {
  const condition = store.condition();
  return [...(condition?.state === 'recovered' ? [condition.detail] : []), ...kindNotes(path)];
}

/** A folder that cannot be looked into may hide hives: it counts as a source that failed. */
function unreadableSource({ path, reason }: UnreadableFolder, name: string): Source {
  const fail = async (): Promise<never> => {
    throw new RegistryError('access-denied', `cannot look for hives in ${path}: ${reason}`);
  };
  const store: RegistryStore = { load: fail, commit: fail, describe: () => path };
  return {
    kind: 'hive',
    name,
    label: path,
    read: fail,
    access: { store, processes: NO_PROCESSES },
  };
}

function kindNotes(path: string): string[] {
  if (/\.man$/i.test(path)) return ['a mandatory profile: every user it is given to starts with it'];
  const user = basename(dirname(path));
  return /^default(?: user)?(?:\.v\d)?$/i.test(user) ? ['the profile that new users start with'] : [];
}
