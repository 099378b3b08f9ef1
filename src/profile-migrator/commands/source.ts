// Where profiles come from, as the commands see it: a named thing that can be read, and for some kinds changed.
import { resolve } from 'node:path';
import type { RegistrySnapshot } from '../registry/registry.ts';
import type { Processes, RegistryStore } from '../registry/store.ts';
import type { ResultLine } from '../result-line.ts';

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

/**
 * Whether a result or journal is about this very source. Files are told apart by path, not by name: another folder may have a file of the
 * same name, whose values are none of this one's, and in a run over both of them the second has a number in its name.
 */
export function isAbout({ source }: Pick<ResultLine, 'source'>, { kind, name, label }: Source): boolean {
  if (source.kind !== kind) return false;
  return kind === 'live' ? source.name === name : pathOf(source.label) === pathOf(label);
}

function pathOf(label: string): string {
  return process.platform === 'win32' ? resolve(label).toUpperCase() : resolve(label);
}

/** The SID in a root path, where there is one. */
export function userOf(rootPath: string): string | null {
  return /(?:^|\\)(S-1-[0-9-]+)/i.exec(rootPath)?.[1] ?? null;
}
