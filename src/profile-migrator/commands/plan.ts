// `plan`: what apply would do and why. Changes nothing; with --out it writes the change and its inverse as .reg files.
import { Command } from 'commander';
import type { Outcome } from '../exit-codes.ts';
import type { MigratorDeps } from './deps.ts';
import { findSources } from './find-sources.ts';
import {
  addOutputOptions,
  addSourceOptions,
  addTargetOptions,
  type OutputOptions,
  type SelectionOptions,
  type SourceOptions,
  selectionOf,
  type TargetOptions,
} from './options.ts';
import { planSource, type SourcePlan } from './plan-source.ts';
import { PLAN_INTRODUCTION, PRECONDITIONS, renderSourcePlan } from './render-plan.ts';
import { linesOfPlan, refuseStale, sourceLine } from './result-lines.ts';
import { unfinished } from './resume.ts';
import { type RunContext, runSources, type SourceResult } from './run-sources.ts';
import { printable } from './style.ts';
import { resolveTargets } from './targeting.ts';
import { writePlan } from './write-plan.ts';

export type PlanCommandOptions = SourceOptions &
  SelectionOptions &
  TargetOptions &
  OutputOptions & { readonly exitCode?: true; readonly asHkcu?: true };

export function planCommand(deps: MigratorDeps, run: (work: () => Promise<Outcome[]>) => Promise<void>): Command {
  const command = new Command('plan').description('show what apply would change, value by value, and why');
  addOutputOptions(
    addTargetOptions(addSourceOptions(command)),
    'write <name>.patch.reg, .undo.reg and .result.jsonl there',
  )
    .option('--as-hkcu', 'write patch and undo for HKEY_CURRENT_USER instead of the root of the source')
    .option('--exit-code', 'end with 3 when values would change')
    .action((options: PlanCommandOptions) => run(() => plan(options, deps)));
  return command;
}

export async function plan(options: PlanCommandOptions, deps: MigratorDeps): Promise<Outcome[]> {
  const { targeting } = await resolveTargets(options, deps);
  const sources = await unfinished(await findSources(options, deps), 'plan', options, deps);
  if (!options.json && !options.quiet) deps.stdout.write(`${PLAN_INTRODUCTION}\n`);
  let pendingAny = false;
  const outcomes = await runSources(sources, 'plan', options, deps, async (source, context) => {
    const planned = await planSource(source, selectionOf(options), targeting);
    const result = await settlePlan(planned, context, options, 'planned');
    const pending = planned.roots.some(({ plan: { patch } }) => patch.edits.length > 0);
    pendingAny ||= pending;
    return { ...result, outcomes: options.exitCode && pending ? ['changes-pending'] : [] };
  });
  if (!options.json && !options.quiet && pendingAny) deps.stdout.write(`\n${PRECONDITIONS}`);
  return outcomes;
}

/** Result lines and text of a planned source, written to --out when given. */
export async function settlePlan(
  planned: SourcePlan,
  context: RunContext,
  options: OutputOptions & { readonly asHkcu?: true },
  done: 'planned' | 'deferred',
): Promise<SourceResult> {
  const { source, roots } = planned;
  const planLines = roots.flatMap(({ snapshot, plan: found }) =>
    linesOfPlan(source, snapshot.rootPath, found, context.line, done),
  );
  const lines =
    planned.stale === undefined ? planLines : planLines.map((line) => refuseStale(line, planned.stale ?? ''));
  if (lines.length === 0) lines.push(sourceLine(source, null, context.line));
  const written =
    options.out === undefined ? [] : await writePlan(planned, lines, options.out, options.asHkcu ?? false);
  const files = written.map((path) => `  wrote ${printable(path)}\n`).join('');
  return { lines, text: `${renderSourcePlan(planned, context.style)}${files}`, outcomes: [] };
}
