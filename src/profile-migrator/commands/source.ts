// Where profiles come from, as the commands see it: a named thing that can be read, and for some kinds changed.
import type { RegistrySnapshot } from '../registry/registry.ts';
import type { Processes, RegistryStore } from '../registry/store.ts';

export interface SourceContent {
  /** One for each user's root the source holds. */
  readonly snapshots: readonly RegistrySnapshot[];
  /** What the reader should know of how it was read, such as a code page. */
  readonly notes: readonly string[];
  /** Why no change of this content may be written down, if so: it is known to be out of date. */
  readonly stale?: string;
}

/** A place whose registry can be changed by this program itself. */
export interface ChangeableAccess {
  readonly store: RegistryStore;
  readonly processes: Processes;
  /** What the last load or commit found that people should know. */
  readonly condition?: () => StoreCondition;
}

export interface StoreCondition {
  readonly notes: readonly string[];
  /** Why nothing may be changed: what was read is known to be out of date. */
  readonly stale?: string;
  /** Where the original is kept, after a commit. */
  readonly kept?: string;
}

export interface Source {
  readonly kind: 'reg' | 'live' | 'hive';
  /** The stem of its output files; unique in a run. */
  readonly name: string;
  /** How output calls it: the path as given, or whose registry it is. */
  readonly label: string;
  read(): Promise<SourceContent>;
  /** What happened on the way that people should know, since it was last asked. */
  readonly takeNotes?: () => readonly string[];
  /** Absent for .reg files, whose changes are written down instead. */
  readonly access?: ChangeableAccess;
}

/** The SID in a root path, where there is one. */
export function userOf(rootPath: string): string | null {
  return /(?:^|\\)(S-1-[0-9-]+)/i.exec(rootPath)?.[1] ?? null;
}
