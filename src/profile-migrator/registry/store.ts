// What the migrator needs from a place where a user's registry lies: the live registry, a .reg file, an offline hive. A store knows
// nothing of profiles; the apply protocol (apply/) knows nothing of files and programs.
import type { RegistryPatch, RegistrySnapshot } from './registry.ts';

/** A process that may still be changing the registry after this program was killed. The start time guards against re-used ids. */
export interface ChildIdentity {
  readonly pid: number;
  /** Opaque to the protocol, equal for the same process for as long as it lives. */
  readonly startTime: string;
}

export interface CommitOptions {
  /** Called as soon as a program that carries out the change has been started, so that the journal can name it. */
  readonly onChild?: (child: ChildIdentity) => Promise<void>;
}

/** One user's registry. Errors are `RegistryError`. */
export interface RegistryStore {
  /**
   * Reads the given subtrees (paths below the store's root, which need not exist; a subtree that does not is simply absent from the
   * answer). Every call reads afresh.
   */
  load(subtrees: readonly string[]): Promise<RegistrySnapshot>;
  /**
   * Carries out the edits and no others. `committed`: the values are in the registry now (which the protocol proves by loading
   * again). `deferred`: the change was written down for somebody else to import. An import need not be atomic: after an error the
   * values may be partly new.
   */
  commit(patch: RegistryPatch, options?: CommitOptions): Promise<'committed' | 'deferred'>;
  /** A commit happens as a whole, in this process, or throws with nothing changed: there is nothing to wait for or to take back. */
  readonly atomic?: true;
  /** How the source is called in output: a file path, a SID, "the registry of the current user". */
  describe(): string;
}

/** `unknown` counts as open: an empty answer of the process list is no proof of absence. */
export type OutlookState = 'open' | 'closed' | 'unknown';

/** The questions about running programs that apply and recovery ask. */
export interface Processes {
  /** Whether Outlook, or another program that holds the user's MAPI profiles open, is running. */
  outlook(): Promise<OutlookState>;
  /** Whether the journalled child still runs; false as soon as the id belongs to another process. */
  isRunning(child: ChildIdentity): Promise<boolean>;
  /**
   * Whether any program that could be an import of an earlier run is running: asked when that run was killed before it could note
   * its child. Absent where imports are no programs.
   */
  anyImport?(): Promise<boolean>;
}
