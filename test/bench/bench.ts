// What the parts that compare servers have in common: a workshop, and the figures they collect.

import { canPin } from './children.ts';
import { type ComparedRow, type Comparison, compareSubjects } from './comparison.ts';
import type { BenchOptions } from './options.ts';
import { printLine } from './table.ts';
import { Workshop } from './workshop.ts';

export interface Bench {
  readonly workshop: Workshop;
  readonly options: BenchOptions;
  /** Measures, prints and keeps the rows. */
  compare(comparison: Comparison): Promise<void>;
}

/** Runs the work and hands back the rows of its comparisons by their titles. */
export async function withBench(
  options: BenchOptions,
  work: (bench: Bench) => Promise<void>,
): Promise<Record<string, readonly ComparedRow[]>> {
  if (!canPin()) printLine('Processes are not pinned: that needs two cores and taskset. Take the figures with care.');
  const results: Record<string, readonly ComparedRow[]> = {};
  await Workshop.use(options, (workshop) =>
    work({
      workshop,
      options,
      compare: async (comparison) => {
        results[comparison.title] = await compareSubjects(workshop, comparison, options);
      },
    }),
  );
  return results;
}
