// Carrying out a change, so that at every moment either nothing has happened yet or the journal tells what to do: journal, check
// the old values, import, read again, compare; any difference is taken back.
import { RegistryError, type RegistryErrorCode } from '../errors.ts';
import { applyPatch, diffSnapshots, invertPatch, unmetEdits } from '../registry/patch.ts';
import type { RegistryPatch, RegistrySnapshot, ValueEdit } from '../registry/registry.ts';
import { sameValue } from '../registry/registry.ts';
import { renderResultLine } from '../result-line.ts';
import { isInProfile, requireInScope } from './edit-scope.ts';
import { type Journal, removeJournal, writeJournal } from './journal.ts';
import { currentValue, loadProfiles, loadSettled, type Protocol, requireOutlookClosed } from './protocol.ts';
import { removeDurably, writeDurably } from './state-files.ts';

export interface Change extends Omit<Journal, 'state' | 'child'> {
  /** Writes the patch and undo files for people; they are in the journal already. */
  writeFiles(): Promise<void>;
}

/** `undone`: the import did not do what was planned, and everything is as it was; `detail` says what was wrong. */
export type ChangeOutcome = { readonly kind: 'done' } | { readonly kind: 'undone'; readonly detail: string };

/**
 * @throws RegistryError when nothing was changed (`value-changed`, `outlook-open`, ...) or, `verify-failed` and `source-busy`, when
 * what was changed could not be proved or brought back; then the journal stays for the next run.
 */
export async function carryOut(protocol: Protocol, { writeFiles, ...wanted }: Change): Promise<ChangeOutcome> {
  const { journalPath, step } = protocol;
  requireInScope(wanted.patch, wanted.patch.rootPath, 'the plan');
  let journal: Journal = { ...wanted, state: 'prepared', child: undefined };
  await writeJournal(journalPath, journal);
  step?.('journal-prepared');
  await writeFiles();
  step?.('files-written');
  const before = await checkOldValues(protocol, journal);
  step?.('values-checked');
  journal = { ...journal, state: 'importing' };
  await writeJournal(journalPath, journal);
  step?.('journal-importing');
  const imported = await importEdits(protocol, journal, journal.patch);
  if (imported.failure && protocol.store.atomic) {
    await giveUp(protocol, journal);
    throw imported.failure;
  }
  return orUnsettled(async () => {
    const detail = await compareWithPlan(protocol, imported, before);
    if (detail !== undefined) return undo(protocol, imported.journal, detail, 'everything');
    step?.('verified');
    await finish(protocol, journal);
    return { kind: 'done' };
  });
}

/** Codes that say what has to be done already: try again later, or the state is unclear. */
const TOLD: ReadonlySet<RegistryErrorCode> = new Set<RegistryErrorCode>([
  'access-denied',
  'hive-changed',
  'hive-in-use',
  'import-failed',
  'journal-invalid',
  'outlook-open',
  'outlook-unknown',
  'source-busy',
  'verify-failed',
]);

/** Work after values may have been changed: whatever ends it leaves the journal, and must not read as if nothing had happened. */
export async function orUnsettled<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RegistryError) || TOLD.has(error.code)) throw error;
    const advice = 'values may have been changed: run again, which finishes the change or takes it back';
    throw new RegistryError('verify-failed', `${error.message}; ${advice}`, { cause: error });
  }
}

/** Everything is proved: the result first, then the journal goes. */
export async function finish({ journalPath, step }: Protocol, { lines, resultPath }: Journal): Promise<void> {
  await writeDurably(resultPath, lines.map(renderResultLine).join(''));
  step?.('result-written');
  await removeJournal(journalPath);
  step?.('journal-removed');
}

/** Nothing was changed: the files that say otherwise go, the journal last. */
export async function giveUp({ journalPath }: Protocol, { files }: Journal): Promise<void> {
  for (const file of files) await removeDurably(file);
  await removeJournal(journalPath);
}

/**
 * Takes the change back. `everything`: right after the import that failed, when the old values had just been seen, so that whatever
 * stands there now is that import's doing. `ours`: later, when what holds neither the old nor the new value was written by somebody
 * else and is left to them.
 * @throws RegistryError `verify-failed`, leaving the journal, when a value could not be brought back.
 */
export async function undo(
  protocol: Protocol,
  journal: Journal,
  detail: string,
  scope: 'everything' | 'ours',
): Promise<ChangeOutcome> {
  const undoing: Journal = { ...journal, state: 'undoing' };
  await writeJournal(protocol.journalPath, undoing);
  protocol.step?.('journal-undoing');
  const now = await loadSettled(protocol, journal.patch, journal.child);
  const held = scope === 'ours' ? editsHolding(now, journal.patch.edits, 'after') : journal.patch.edits;
  const wrong = held
    .map((edit) => ({ ...edit, after: currentValue(now, edit) }))
    .filter(({ before, after }) => !sameValue(before, after));
  if (wrong.length > 0) await importEdits(protocol, undoing, invertPatch({ ...journal.patch, edits: wrong }));
  const then = await loadSettled(protocol, journal.patch, undefined);
  const left = wrong.filter((edit) => !sameValue(currentValue(then, edit), edit.before));
  if (left.length > 0) {
    const names = left.map(({ keyPath, name }) => `${keyPath}\\${name}`).join(', ');
    const what = `cannot undo the change of ${protocol.store.describe()} (${detail})`;
    throw new RegistryError('verify-failed', `${what}: still changed: ${names}`);
  }
  protocol.step?.('undone');
  await giveUp(protocol, undoing);
  return { kind: 'undone', detail };
}

/** The edits whose value is on that side now. An edit without a difference is on both. */
export function editsHolding(
  snapshot: RegistrySnapshot,
  edits: readonly ValueEdit[],
  side: 'before' | 'after',
): ValueEdit[] {
  return edits.filter((edit) => sameValue(currentValue(snapshot, edit), edit[side]));
}

export interface Imported {
  /** With the child in it, if one was started. */
  readonly journal: Journal;
  /** What the store says went wrong. */
  readonly failure: RegistryError | undefined;
}

/** Has the store carry out the edits; the program it starts is in the journal while it runs. */
export async function importEdits(protocol: Protocol, journal: Journal, patch: RegistryPatch): Promise<Imported> {
  const { store, journalPath, step } = protocol;
  let current = journal;
  let failure: RegistryError | undefined;
  try {
    await store.commit(patch, {
      onChild: async (child) => {
        current = { ...journal, child };
        await writeJournal(journalPath, current);
        step?.('child-journalled');
      },
    });
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    failure = error;
  }
  step?.('imported');
  return { journal: current, failure };
}

/** The last look before anything is changed. Nothing has happened when this throws, so the journal goes again. */
async function checkOldValues(protocol: Protocol, journal: Journal): Promise<RegistrySnapshot> {
  try {
    const snapshot = await loadProfiles(protocol);
    const changed = unmetEdits(snapshot, journal.patch, 'before');
    if (changed[0]) {
      const { keyPath, name } = changed[0];
      const what = `value "${name}" of ${keyPath} no longer holds what was read`;
      throw new RegistryError('value-changed', `cannot change ${protocol.store.describe()}: ${what}; run again`);
    }
    await requireOutlookClosed(protocol);
    return snapshot;
  } catch (error) {
    await giveUp(protocol, journal);
    throw error;
  }
}

/** Undefined when the registry now is what the plan says, value by value, and nothing else in the profiles changed. */
async function compareWithPlan(
  protocol: Protocol,
  imported: Imported,
  before: RegistrySnapshot,
): Promise<string | undefined> {
  const { failure, journal } = imported;
  const after =
    failure === undefined ? await loadProfiles(protocol) : await loadSettled(protocol, journal.patch, journal.child);
  const { edits, addedKeys, removedKeys } = diffSnapshots(applyPatch(before, journal.patch), after);
  const wrong = [...edits.map(({ keyPath, name }) => `${keyPath}\\${name}`), ...addedKeys, ...removedKeys].filter(
    isInProfile,
  );
  if (wrong.length === 0) return undefined;
  const shown = `${wrong.slice(0, 3).join(', ')}${wrong.length > 3 ? ` and ${wrong.length - 3} more` : ''}`;
  return `${failure?.message ?? 'the import left something else than planned'}; different: ${shown}`;
}
