// What the apply protocol works with, and the waiting it does.
import { RegistryError } from '../errors.ts';
import { PROFILE_SUBTREES } from '../mapi/profile-trees.ts';
import {
  findKey,
  findValue,
  type RegistryPatch,
  type RegistrySnapshot,
  sameValue,
  type ValueEdit,
} from '../registry/registry.ts';
import type { ChildIdentity, Processes, RegistryStore } from '../registry/store.ts';

/** The moments between which a run may be killed; tests do so. */
export type ProtocolStep =
  | 'loaded'
  | 'files-written'
  | 'journal-prepared'
  | 'values-checked'
  | 'journal-importing'
  | 'child-journalled'
  | 'imported'
  | 'verified'
  | 'result-written'
  | 'journal-removed'
  | 'journal-undoing'
  | 'undone';

export interface Protocol {
  readonly store: RegistryStore;
  readonly processes: Processes;
  readonly journalPath: string;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly now: () => Date;
  /** Seconds to wait for Outlook to be closed; 0 refuses at once. */
  readonly waitSeconds: number;
  /** The operator vouches for what the process list cannot tell. */
  readonly assumeClosed: boolean;
  readonly step?: (step: ProtocolStep) => void;
}

const POLL_MS = 1000;
const CHILD_WAIT_MS = 120_000;
/** Whatever imports our few values is done by then, or hangs. */
const STRAY_WAIT_MS = 60_000;
const SETTLE_MS = 1000;
/** An import that was started but never got into the journal may still be under way. */
const SETTLE_WITHOUT_CHILD_MS = 3000;
const SETTLE_ATTEMPTS = 10;

export function loadProfiles({ store }: Protocol): Promise<RegistrySnapshot> {
  return store.load(PROFILE_SUBTREES);
}

/**
 * Answers whether it had to be waited for. Nobody's Outlook is ever ended.
 * @throws RegistryError `outlook-open` or `outlook-unknown`.
 */
export async function requireOutlookClosed(protocol: Protocol): Promise<boolean> {
  const { processes, sleep, store } = protocol;
  const deadline = protocol.waitSeconds * 1000;
  for (let waited = 0; ; waited += POLL_MS) {
    const state = await processes.outlook();
    if (state === 'closed' || (state === 'unknown' && protocol.assumeClosed)) return waited > 0;
    if (waited >= deadline) {
      if (state === 'open') {
        throw new RegistryError(
          'outlook-open',
          `cannot change ${store.describe()}: Outlook is running; close it, or give --wait SECONDS`,
        );
      }
      const advice = 'see for yourself and give --assume-outlook-closed';
      throw new RegistryError(
        'outlook-unknown',
        `cannot change ${store.describe()}: whether Outlook is running cannot be told; ${advice}`,
      );
    }
    await sleep(Math.min(POLL_MS, deadline - waited));
  }
}

/**
 * The registry once nothing of an earlier import is still under way: the import's own process is gone, and two exports in a row show
 * the same values. @throws RegistryError `source-busy` when it does not come to rest.
 */
export async function loadSettled(
  protocol: Protocol,
  patch: RegistryPatch,
  child: ChildIdentity | undefined,
): Promise<RegistrySnapshot> {
  if (protocol.store.atomic) return loadProfiles(protocol);
  for (let waited = 0; child && (await protocol.processes.isRunning(child)); waited += POLL_MS) {
    if (waited >= CHILD_WAIT_MS) {
      throw new RegistryError(
        'source-busy',
        `an import that an earlier run started (process ${child.pid}) is still running`,
      );
    }
    await protocol.sleep(POLL_MS);
  }
  if (!child) await waitForStrayImports(protocol);
  let before = await loadProfiles(protocol);
  for (let attempt = 0; attempt < SETTLE_ATTEMPTS; attempt++) {
    await protocol.sleep(child ? SETTLE_MS : SETTLE_WITHOUT_CHILD_MS);
    const after = await loadProfiles(protocol);
    if (patch.edits.every((edit) => sameValue(currentValue(before, edit), currentValue(after, edit)))) return after;
    before = after;
  }
  throw new RegistryError(
    'source-busy',
    `the values of ${protocol.store.describe()} keep changing while nobody should change them`,
  );
}

/** An import nobody noted: every program that could be one has its time to end. One that stays on is somebody else's. */
async function waitForStrayImports({ processes, sleep }: Protocol): Promise<void> {
  for (let waited = 0; waited < STRAY_WAIT_MS && (await processes.anyImport?.()); waited += POLL_MS)
    await sleep(POLL_MS);
}

export function currentValue(snapshot: RegistrySnapshot, { keyPath, name }: ValueEdit) {
  return findValue(findKey(snapshot.root, keyPath), name);
}
