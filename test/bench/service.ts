// The service beside bare servers: the lines of the speed table that are ratios of CPU time per request, with 1000 users.

import { type Bench, withBench } from './bench.ts';
import { compareCached } from './case-cached.ts';
import { compareDialects } from './case-dialects.ts';
import { compareLookUps } from './case-look-ups.ts';
import type { ComparedRow } from './comparison.ts';
import { bareContent, type Ground, USERS } from './ground.ts';
import { type BenchOptions, UsageError } from './options.ts';

const GROUPS: Readonly<Record<string, (bench: Bench, ground: Ground) => Promise<void>>> = {
  cached: compareCached,
  'look-ups': compareLookUps,
  dialects: compareDialects,
};

export async function run(options: BenchOptions): Promise<Record<string, readonly ComparedRow[]>> {
  const wanted = Object.entries(GROUPS).filter(([name]) => options.only === undefined || options.only === name);
  if (wanted.length === 0) throw new UsageError(`--only must be one of ${Object.keys(GROUPS).join(', ')}`);
  return withBench(options, async (bench) => {
    const directory = await bench.workshop.startDirectory(USERS, true);
    const content = await bareContent(bench.workshop, directory.ready.ldaps);
    for (const [, group] of wanted) await group(bench, { directory: directory.ready, content });
  });
}
