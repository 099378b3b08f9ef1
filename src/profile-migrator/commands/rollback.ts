// `rollback`: brings back the values an apply replaced, each one only where ours still stands. Works from the results in the same
// folder; on .reg files it writes the restoration down for an import.
import { Command } from 'commander';
import { requireInScope } from '../apply/edit-scope.ts';
import { loadProfiles, requireOutlookClosed } from '../apply/protocol.ts';
import { planRestore, type RestorePlan } from '../apply/restore.ts';
import { readIfThere } from '../apply/state-files.ts';
import { RegistryError, UsageError } from '../errors.ts';
import type { Outcome } from '../exit-codes.ts';
import type { RegistrySnapshot } from '../registry/registry.ts';
import { parseResultLine, type ResultLine, renderResultLine } from '../result-line.ts';
import { type ChangeOptions, changeStore, type StoreRun, withStore } from './change-store.ts';
import type { MigratorDeps } from './deps.ts';
import { findSources } from './find-sources.ts';
import {
  addChangeOptions,
  addOutputOptions,
  addSourceOptions,
  type OutputOptions,
  type SourceOptions,
} from './options.ts';
import { openOutput, resultsIn } from './output-folder.ts';
import { linesOfRestore, renderRestore } from './render-restore.ts';
import { unfinished } from './resume.ts';
import { type RunContext, runSources, type SourceResult } from './run-sources.ts';
import { type ChangeableAccess, isAbout, type Source } from './source.ts';
import { printable } from './style.ts';
import { renderPatches, writeResult } from './write-plan.ts';

export type RollbackOptions = SourceOptions & OutputOptions & ChangeOptions & { readonly asHkcu?: true };

export function rollbackCommand(deps: MigratorDeps, run: (work: () => Promise<Outcome[]>) => Promise<void>): Command {
  const command = new Command('rollback').description(
    'bring back what apply changed, value by value, where it still stands',
  );
  addChangeOptions(
    addOutputOptions(addSourceOptions(command), 'the folder the apply wrote to; needed with --reg'),
  ).action((options: RollbackOptions) => run(() => rollback(options, deps)));
  return command;
}

export async function rollback(options: RollbackOptions, deps: MigratorDeps): Promise<Outcome[]> {
  const sources = await unfinished(await findSources(options, deps), 'rollback', options, deps);
  return runSources(sources, 'rollback', options, deps, async (source, context) => {
    const { access } = source;
    if (access) return rollBackStore({ ...source, access }, context, options, deps);
    if (options.out === undefined)
      throw new UsageError('option', 'rollback --reg needs --out FOLDER, where the results of apply lie');
    return writeRestoration(source, context, options.out, options);
  });
}

async function rollBackStore(
  source: Source & { readonly access: ChangeableAccess },
  context: RunContext,
  options: RollbackOptions,
  deps: MigratorDeps,
): Promise<SourceResult> {
  return withStore(source, options, deps, async (run) => {
    const plan = await planStore(source, run, options);
    if (plan.patch.edits.length > 0 && (await requireOutlookClosed(run.protocol))) {
      return restoreStore(source, context, run, await planStore(source, run, options), options);
    }
    return restoreStore(source, context, run, plan, options);
  });
}

async function planStore(source: Source, run: StoreRun, options: ChangeOptions): Promise<RestorePlan> {
  const snapshot = await loadProfiles(run.protocol);
  run.protocol.step?.('loaded');
  return restoreFrom(source, [snapshot], await readHistory(run.folder, source, options))[0] as RestorePlan;
}

async function restoreStore(
  source: Source,
  context: RunContext,
  run: StoreRun,
  plan: RestorePlan,
  options: RollbackOptions,
): Promise<SourceResult> {
  const lines = linesOfRestore(source, plan, context.line, 'restored');
  const note = run.recovery ? `  note: ${printable(run.recovery.text)}\n` : '';
  if (plan.patch.edits.length > 0) {
    const files = [{ kind: 'restore.reg' as const, data: renderPatches([plan.patch], false) }];
    await changeStore(run, source, { kind: 'rollback', patch: plan.patch, lines, files });
  } else if (options.out !== undefined) {
    await writeResult(options.out, source.name, lines);
  }
  return { lines, text: `${note}${renderRestore(source, [plan], context.style, true)}`, outcomes: [] };
}

async function writeRestoration(
  source: Source,
  context: RunContext,
  folder: string,
  options: RollbackOptions,
): Promise<SourceResult> {
  const { asHkcu = false } = options;
  const { snapshots } = await source.read();
  const plans = restoreFrom(source, snapshots, await readHistory(folder, source, options));
  const lines = plans.flatMap((plan) => linesOfRestore(source, plan, context.line, 'deferred'));
  const patches = plans.map(({ patch }) => patch).filter(({ edits }) => edits.length > 0);
  const output = await openOutput(folder, source.name);
  if (asHkcu && patches.length > 1) throw new UsageError('option', `--as-hkcu: ${source.label} holds several users`);
  const result = { kind: 'result.jsonl' as const, data: lines.map(renderResultLine).join('') };
  let written = '';
  if (patches.length > 0) {
    const restore = { kind: 'restore.reg' as const, data: renderPatches(patches, asHkcu) };
    const [path = ''] = await output.writeAll([restore, result]);
    written = `  wrote ${printable(path)}: import it as that user, with Outlook closed\n`;
  } else {
    await output.writeAll([result]);
  }
  return { lines, text: `${renderRestore(source, plans, context.style, false)}${written}`, outcomes: [] };
}

/** @throws RegistryError `nothing-to-roll-back` when no earlier run wrote about any of these roots. */
function restoreFrom(
  source: Source,
  snapshots: readonly RegistrySnapshot[],
  history: readonly ResultLine[],
): RestorePlan[] {
  const plans = snapshots.map((snapshot) => planRestore(snapshot, history));
  if (!plans.some(({ known }) => known)) {
    throw new RegistryError(
      'nothing-to-roll-back',
      `no change of ${source.label} is on record here: nothing to roll back`,
    );
  }
  for (const { patch } of plans) requireInScope(patch, patch.rootPath, `the results of ${source.label}`);
  return plans;
}

/**
 * The result lines of every earlier run over the source, oldest first. @throws RegistryError `source-unreadable`, `journal-invalid`, or
 * `nothing-to-roll-back` when there are only those of another file of this name.
 */
async function readHistory(folder: string, source: Source, { moved }: ChangeOptions): Promise<ResultLine[]> {
  const lines: ResultLine[] = [];
  for (const path of await resultsIn(folder, source.name)) {
    const text = (await readIfThere(path)) ?? '';
    const rows = text.split('\n').filter((row) => row !== '');
    lines.push(...rows.map((row, i) => parseResultLine(row, `${path}, line ${i + 1}`)));
  }
  // A number that was removed is given away again: the times tell the order.
  lines.sort((one, other) => (one.time < other.time ? -1 : one.time > other.time ? 1 : 0));
  const named = lines.filter(({ source: { name, kind } }) => kind === source.kind && name === source.name);
  if (moved) return named;
  const own = lines.filter((line) => isAbout(line, source));
  const [other] = named;
  if (own.length > 0 || other === undefined) return own;
  throw new RegistryError(
    'nothing-to-roll-back',
    `no change of ${source.label} is on record here, the results are those of ${other.source.label}: nothing to roll back; ` +
      'where it is the same file, say --moved',
  );
}
