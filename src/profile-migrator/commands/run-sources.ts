// Runs one command over all its sources: a bounded number at a time, output in order, one bad source never stops the rest.
import { RegistryError, UsageError } from '../errors.ts';
import type { Outcome } from '../exit-codes.ts';
import { type ResultLine, renderResultLine } from '../result-line.ts';
import type { MigratorDeps } from './deps.ts';
import { outcomeOfError } from './error-outcome.ts';
import type { OutputOptions } from './options.ts';
import { progressOf } from './progress-bar.ts';
import { failedLine, type LineContext, outcomesOfLine, sourceLine } from './result-lines.ts';
import { openLog } from './run-log.ts';
import type { Source } from './source.ts';
import { printable, printableLines, type Style, styleFor } from './style.ts';
import { writeResult } from './write-plan.ts';

export interface SourceResult {
  readonly lines: readonly ResultLine[];
  /** What is printed for people. */
  readonly text: string;
  /** Beyond what the lines say, such as `retry-later`. */
  readonly outcomes: readonly Outcome[];
}

export interface RunContext {
  readonly line: LineContext;
  readonly style: Style;
  log(text: string): Promise<void>;
}

/** Files are worked on side by side. */
const PARALLEL_FILES = 4;

export async function runSources(
  sources: readonly Source[],
  command: LineContext['command'],
  options: OutputOptions,
  deps: MigratorDeps,
  work: (source: Source, context: RunContext) => Promise<SourceResult>,
): Promise<Outcome[]> {
  const log = await openLog(options.log, deps.now, `${command} starts: ${sources.length} source(s)`);
  const line: LineContext = { command, program: deps.program, computer: deps.config.computer, now: deps.now() };
  const context: RunContext = { line, style: styleFor(deps.stdout, deps.config.colour), log: log.event };
  const progress = progressOf(sources.length, options, deps);
  const run = async (source: Source): Promise<SourceResult> => {
    const result = await withNotes(source, context, await attempt(source, context, options.out, work));
    progress?.count(result);
    return result;
  };
  const outcomes: Outcome[] = [];
  const totals = new Map<string, number>();
  let index = 0;
  // The users of a live registry go one by one: each starts programs of its own.
  const limit = sources.some(({ kind }) => kind === 'live') ? 1 : PARALLEL_FILES;
  try {
    for await (const result of inOrder(sources, limit, run)) {
      for (const text of summaries(result)) await log.event(text);
      outcomes.push(...result.lines.flatMap(outcomesOfLine), ...result.outcomes);
      for (const { outcome } of result.lines) totals.set(outcome, (totals.get(outcome) ?? 0) + 1);
      if (options.json) for (const item of result.lines) deps.stdout.write(renderResultLine(item));
      else if (!options.quiet) deps.stdout.write(index++ > 0 ? `\n${result.text}` : result.text);
      if (options.json || options.quiet) complain(result, deps);
    }
  } finally {
    // Its timer would keep the program running.
    progress?.stop();
  }
  if (sources.length > 1 && !options.json && !options.quiet) deps.stdout.write(`\n${renderTotals(totals)}\n`);
  const lost = log.lost();
  if (lost) {
    deps.stderr.write(`${printableLines(lost.message)}\n`);
    outcomes.push('failed');
  }
  return outcomes;
}

async function attempt(
  source: Source,
  context: RunContext,
  out: string | undefined,
  work: (source: Source, context: RunContext) => Promise<SourceResult>,
): Promise<SourceResult> {
  try {
    return await work(source, context);
  } catch (error) {
    if (error instanceof UsageError || !(error instanceof Error)) throw error;
    const base = sourceLine(source, null, context.line);
    const heading = context.style.heading(printable(source.label));
    if (error instanceof RegistryError && error.code === 'nothing-to-roll-back') {
      // Of many sources most may never have been changed.
      const { code, message } = error;
      const line = { ...base, error: { code, message } };
      await keepResult(out, source, [line]);
      return { lines: [line], text: `${heading}\n  ${printableLines(message)}\n`, outcomes: [] };
    }
    const line = failedLine(base, error);
    await keepResult(out, source, [line]);
    const text = `${heading}\n${context.style.warning(`  failed: ${printableLines(error.message)}`)}\n`;
    return { lines: [line], text, outcomes: [outcomeOfError(error)] };
  }
}

/** What happened on the way is told whatever came of it. */
async function withNotes(source: Source, { log }: RunContext, result: SourceResult): Promise<SourceResult> {
  const notes = source.takeNotes?.() ?? [];
  for (const note of notes) await log(`${source.label}: ${note}`);
  return { ...result, text: `${result.text}${notes.map((note) => `  note: ${printable(note)}\n`).join('')}` };
}

/** A failure is a result as well; that it cannot be kept must not hide it. */
export async function keepResult(out: string | undefined, source: Source, lines: readonly ResultLine[]): Promise<void> {
  if (out !== undefined) await writeResult(out, source.name, lines).catch(() => {});
}

/** With text switched off, what failed still reaches the person or the log collector on standard error. */
function complain({ lines }: SourceResult, deps: MigratorDeps): void {
  for (const { outcome, error, refusals, source, attention } of lines) {
    const say = (text: string) => deps.stderr.write(`${printable(source.label)}: ${printableLines(text)}\n`);
    if (outcome === 'failed') say(error?.message ?? 'failed');
    else if (refusals.length > 0) for (const text of attention) say(text);
  }
}

function summaries({ lines }: SourceResult): string[] {
  return lines.map(({ source, profile, outcome, error, refusals }) => {
    const why = error ? `: ${error.message}` : refusals.length > 0 ? `: ${refusals.join(', ')}` : '';
    return `${source.label}${profile ? ` profile "${profile.name}"` : ''}: ${outcome}${why}`;
  });
}

/** The last line for people: `12 results: 9 changed, 2 nothing to do, 1 failed`. */
function renderTotals(totals: ReadonlyMap<string, number>): string {
  const total = [...totals.values()].reduce((sum, n) => sum + n, 0);
  const parts = [...totals].map(([outcome, n]) => `${n} ${outcome.replaceAll('-', ' ')}`);
  return `${total} results: ${parts.join(', ')}`;
}

async function* inOrder<T, R>(items: readonly T[], limit: number, run: (item: T) => Promise<R>): AsyncGenerator<R> {
  const started: Promise<R>[] = [];
  let next = 0;
  for (let done = 0; done < items.length; done++) {
    while (next < items.length && next < done + limit) {
      const promise = run(items[next++] as T);
      promise.catch(() => {}); // observed below, in order
      started.push(promise);
    }
    yield await (started[done] as Promise<R>);
    delete started[done];
  }
}
