// `apply`: carries the plan out. On the live registry and on hives by the apply protocol; for .reg files it writes the change down
// and says who has to import it.
import { Command } from 'commander';
import { loadProfiles, requireOutlookClosed } from '../apply/protocol.ts';
import { UsageError } from '../errors.ts';
import type { Outcome } from '../exit-codes.ts';
import { invertPatch } from '../registry/patch.ts';
import type { RegistrySnapshot } from '../registry/registry.ts';
import { type ChangeOptions, changeStore, type StoreRun, withStore } from './change-store.ts';
import type { MigratorDeps } from './deps.ts';
import { outcomeOfError } from './error-outcome.ts';
import { findSources } from './find-sources.ts';
import {
  addChangeOptions,
  addOutputOptions,
  addSourceOptions,
  addTargetOptions,
  type OutputOptions,
  type SelectionOptions,
  type SourceOptions,
  selectionOf,
  type TargetOptions,
} from './options.ts';
import { settlePlan } from './plan.ts';
import { planSnapshot, planSource, type SourcePlan, type Targeting } from './plan-source.ts';
import { createPrecheck, decidesNothing, type Precheck } from './precheck.ts';
import { renderSourcePlan } from './render-plan.ts';
import { failedLine, linesOfPlan, refuseStale } from './result-lines.ts';
import { unfinished } from './resume.ts';
import { keepResult, type RunContext, runSources, type SourceResult } from './run-sources.ts';
import type { ChangeableAccess, Source } from './source.ts';
import { printable, printableLines } from './style.ts';
import { resolveTargets } from './targeting.ts';
import { count } from './wording.ts';
import { renderPatches, writeResult } from './write-plan.ts';

export type ApplyOptions = SourceOptions &
  SelectionOptions &
  TargetOptions &
  OutputOptions &
  ChangeOptions & { readonly asHkcu?: true; readonly precheck?: boolean };

export function applyCommand(deps: MigratorDeps, run: (work: () => Promise<Outcome[]>) => Promise<void>): Command {
  const command = new Command('apply').description(
    'carry the plan out, prove it by reading again, and keep what rollback needs',
  );
  const out = 'where undo files, journals and results lie; needed with --reg';
  addChangeOptions(addOutputOptions(addTargetOptions(addSourceOptions(command)), out))
    .option('--no-precheck', 'do not ask first whether the array answers')
    .action((options: ApplyOptions) => run(() => apply(options, deps)));
  return command;
}

export async function apply(options: ApplyOptions, deps: MigratorDeps): Promise<Outcome[]> {
  const { targeting, centrallyDecided, until } = await resolveTargets(options, deps);
  if (until !== undefined && deps.now() > until) {
    if (!options.quiet)
      deps.stderr.write(`the policy ended on ${until.toISOString().slice(0, 10)}: nothing is changed\n`);
    return ['done'];
  }
  const sources = await unfinished(await findSources(options, deps), 'apply', options, deps);
  const precheck = precheckOf(options, deps, sources, centrallyDecided);
  return runSources(sources, 'apply', options, deps, async (source, context) => {
    const { access } = source;
    if (access) return applyToStore({ ...source, access }, context, options, deps, targeting, precheck);
    if (options.out === undefined)
      throw new UsageError('option', 'apply --reg needs --out FOLDER, where the change is written');
    const planned = await planSource(source, selectionOf(options), targeting);
    const result = await settlePlan(planned, context, options, 'deferred');
    const pending = planned.roots.some(({ plan }) => !decidesNothing(plan));
    const advice = pending ? '  nothing is changed yet: import the .patch.reg as that user, with Outlook closed\n' : '';
    return { ...result, text: `${result.text}${advice}` };
  });
}

function precheckOf(
  options: ApplyOptions,
  deps: MigratorDeps,
  sources: readonly Source[],
  centrallyDecided: boolean,
): Precheck {
  if (options.precheck === false || !sources.some(({ access }) => access)) return async () => [];
  const { checkEndpoint } = deps;
  if (!checkEndpoint)
    throw new UsageError('option', 'this build cannot check whether the array answers: give --no-precheck');
  return createPrecheck(checkEndpoint, centrallyDecided);
}

async function applyToStore(
  source: Source & { readonly access: ChangeableAccess },
  context: RunContext,
  options: ApplyOptions,
  deps: MigratorDeps,
  targeting: Targeting,
  precheck: Precheck,
): Promise<SourceResult> {
  return withStore(source, options, deps, async (run) => {
    const notes = run.recovery ? [run.recovery.text] : [];
    for (const note of notes) await context.log(`${source.label}: ${note}`);
    let planned = await planStore(source, run, options, targeting, notes);
    const [root] = planned.roots;
    if (root && !decidesNothing(root.plan) && planned.stale === undefined) {
      const checked = await precheck(root.plan);
      const waited = await requireOutlookClosed(run.protocol);
      if (waited) planned = await planStore(source, run, options, targeting, notes);
      planned = { ...planned, notes: [...planned.notes, ...checked] };
    }
    return changeAsPlanned(source, planned, run, context, options);
  });
}

async function planStore(
  source: Source,
  { protocol }: StoreRun,
  options: ApplyOptions,
  targeting: Targeting,
  notes: readonly string[],
): Promise<SourcePlan> {
  const snapshot: RegistrySnapshot = await loadProfiles(protocol);
  protocol.step?.('loaded');
  const plan = await planSnapshot(snapshot, selectionOf(options), targeting);
  const { stale, notes: more = [] } = source.access?.condition?.() ?? {};
  return {
    source,
    roots: [{ snapshot, plan }],
    notes: [...notes, ...more],
    stale,
  };
}

async function changeAsPlanned(
  source: Source,
  planned: SourcePlan,
  run: StoreRun,
  context: RunContext,
  options: ApplyOptions,
): Promise<SourceResult> {
  const lines = planned.roots.flatMap(({ snapshot, plan }) => {
    const lines = linesOfPlan(source, snapshot.rootPath, plan, context.line, 'changed');
    return planned.stale === undefined ? lines : lines.map((line) => refuseStale(line, planned.stale ?? ''));
  });
  const text = renderSourcePlan(planned, context.style);
  const patches = planned.roots.map(({ plan }) => plan.patch).filter(({ edits }) => edits.length > 0);
  const [patch] = patches;
  if (!patch || planned.stale !== undefined) {
    if (options.out !== undefined) await writeResult(options.out, source.name, lines);
    return {
      lines,
      text: `${text}${planned.stale === undefined ? '  nothing to change' : '  not changed: the hive is out of date'}\n`,
      outcomes: [],
    };
  }
  try {
    await changeStore(run, source, {
      kind: 'apply',
      patch,
      lines,
      files: [
        { kind: 'undo.reg', data: renderPatches([invertPatch(patch)], false) },
        { kind: 'patch.reg', data: renderPatches([patch], false) },
      ],
    });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const failed = lines.map((line) => (line.outcome === 'changed' ? failedLine(line, error) : line));
    await keepResult(options.out, source, failed);
    return {
      lines: failed,
      text: `${text}${context.style.warning(`  failed: ${printableLines(error.message)}`)}\n`,
      outcomes: [outcomeOfError(error)],
    };
  }
  const done = `  ${count(patch.edits.length, 'value')} changed and read again; undo files and results in ${printable(run.folder)}\n`;
  const kept = source.access?.condition?.().kept;
  const original = kept === undefined ? '' : `  the original is kept as ${printable(kept)}\n`;
  return { lines, text: `${text}${done}${original}`, outcomes: [] };
}
