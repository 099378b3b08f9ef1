// How far a run over many sources has come, on a terminal.
import { SingleBar } from 'cli-progress';
import type { ResultLine } from '../result-line.ts';
import type { MigratorDeps } from './deps.ts';
import type { OutputOptions } from './options.ts';

interface Progress {
  count(result: { readonly lines: readonly ResultLine[] }): void;
  stop(): void;
}

/** Counts and rate on a terminal, unless the results come there too: they show the progress, and the bar would be drawn over them. */
export function progressOf(total: number, options: OutputOptions, deps: MigratorDeps): Progress | undefined {
  if (total < 2 || options.quiet || !deps.stderr.isTTY || deps.stdout.isTTY) return undefined;
  const stream = deps.stderr as unknown as NodeJS.WritableStream;
  const bar = new SingleBar({
    stream,
    clearOnComplete: true,
    // Left alone: what Ctrl+C could not set back. The bar is cut at the terminal's width.
    linewrap: true,
    format:
      '{bar} {value}/{total} sources, {rate}/s, {changing} changing, {failed} refused or failed, {eta_formatted} left',
  });
  const started = deps.now().getTime();
  let changing = 0;
  let failed = 0;
  let done = 0;
  bar.start(total, 0, { rate: '-', changing, failed });
  return {
    count({ lines }) {
      done++;
      if (lines.some(({ outcome }) => CHANGING.has(outcome))) changing++;
      if (lines.some((line) => line.outcome === 'failed' || line.refusals.length > 0)) failed++;
      const seconds = (deps.now().getTime() - started) / 1000;
      bar.increment(1, {
        rate: seconds > 0 ? (done / seconds).toFixed(done / seconds < 10 ? 1 : 0) : '-',
        changing,
        failed,
      });
    },
    stop: () => bar.stop(),
  };
}

const CHANGING: ReadonlySet<string> = new Set(['planned', 'deferred', 'changed', 'restored']);
