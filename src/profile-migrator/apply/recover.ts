// What an interrupted run left behind: found by its journal, told to the operator, then finished or undone.
import { RegistryError } from '../errors.ts';
import type { ResultLine } from '../result-line.ts';
import { editsHolding, finish, giveUp, importEdits, orUnsettled, undo } from './carry-out.ts';
import { requireInScope } from './edit-scope.ts';
import { type Journal, readJournal, removeJournal } from './journal.ts';
import { loadProfiles, loadSettled, type Protocol, requireOutlookClosed } from './protocol.ts';

export interface Recovery {
  readonly kind: 'finished' | 'undone' | 'nothing-changed';
  /** For the operator: in what state the profiles were found and what was done. */
  readonly text: string;
  /** The results of a change that this run finished. */
  readonly lines: readonly ResultLine[];
}

/** Undefined when no earlier run was interrupted. @throws RegistryError, leaving the journal, when it cannot be settled now. */
export async function recover(protocol: Protocol): Promise<Recovery | undefined> {
  const journal = await readJournal(protocol.journalPath);
  if (!journal) {
    await removeJournal(protocol.journalPath);
    return undefined;
  }
  // Reading the registry takes a second or two on a live one: only where there is something to recover.
  const { rootPath } = await loadProfiles(protocol);
  requireInScope(journal.patch, rootPath, `journal ${protocol.journalPath}`);
  const run = journal.kind === 'apply' ? 'apply' : 'rollback';
  if (journal.state === 'prepared') {
    await giveUp(protocol, journal);
    return { kind: 'nothing-changed', text: `an interrupted ${run} had changed nothing yet`, lines: [] };
  }
  return orUnsettled(() => settle(protocol, journal, run));
}

async function settle(protocol: Protocol, journal: Journal, run: 'apply' | 'rollback'): Promise<Recovery> {
  const now = await loadSettled(protocol, journal.patch, journal.child);
  const { edits } = journal.patch;
  const done = editsHolding(now, edits, 'after').length;
  const open = editsHolding(now, edits, 'before');
  const found = `${done} of ${edits.length} values were changed`;
  if (open.length === edits.length) {
    await giveUp(protocol, journal);
    return { kind: 'nothing-changed', text: `an interrupted ${run} had changed nothing`, lines: [] };
  }
  if (journal.state === 'importing' && done === edits.length) {
    await finish(protocol, journal);
    return { kind: 'finished', text: `an interrupted ${run} was complete (${found})`, lines: journal.lines };
  }
  await requireClosedToRecover(protocol, `an interrupted ${run} left it half done, ${found}`);
  const foreign = edits.length - done - open.length;
  if (journal.state === 'importing' && foreign === 0)
    return goOn(protocol, journal, open, `an interrupted ${run}: ${found}`);
  const why = foreign > 0 ? `${foreign} values were changed by something else since` : 'it was being undone';
  const outcome = await undo(protocol, { ...journal, child: undefined }, `interrupted ${run}`, 'ours');
  return { kind: 'undone', text: `an interrupted ${run}: ${found}, ${why}; ${outcome.kind}`, lines: [] };
}

async function requireClosedToRecover(protocol: Protocol, state: string): Promise<void> {
  try {
    await requireOutlookClosed(protocol);
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    throw new RegistryError(error.code, `${state}; ${error.message}`, { cause: error });
  }
}

/** The rest of a change of which only a part arrived; if that fails too, all of it is taken back. */
async function goOn(
  protocol: Protocol,
  journal: Journal,
  open: Journal['patch']['edits'],
  text: string,
): Promise<Recovery> {
  const fresh = { ...journal, child: undefined };
  const { failure, journal: latest } = await importEdits(protocol, fresh, { ...journal.patch, edits: open });
  const after = await loadSettled(protocol, journal.patch, latest.child);
  if (editsHolding(after, journal.patch.edits, 'after').length === journal.patch.edits.length) {
    await finish(protocol, fresh);
    return { kind: 'finished', text: `${text}; the rest has been changed now`, lines: journal.lines };
  }
  await undo(protocol, latest, failure?.message ?? 'the rest could not be changed', 'everything');
  return {
    kind: 'undone',
    text: `${text}; the rest could not be changed (${failure?.message ?? 'no effect'}); undone`,
    lines: [],
  };
}
