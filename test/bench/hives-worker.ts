// One measurement of the hive benchmark in a process of its own: plans, or plans and applies, every hive below a folder.
import { findHiveSources } from '../../src/profile-migrator/commands/hive-sources.ts';
import { planSource } from '../../src/profile-migrator/commands/plan-source.ts';
import { createAttributeCopier } from '../../src/profile-migrator/registry/hive/copy-attributes.ts';
import { createHiveStore } from '../../src/profile-migrator/registry/hive/hive-store.ts';
import { familyCpuMs } from './cpu-time.ts';

export interface HiveJob {
  readonly mode: 'plan' | 'apply' | 'apply-durable';
  readonly folder: string;
  readonly from: string;
  readonly to: string;
}

export interface HiveMeasure {
  /** Wall-clock milliseconds per hive, all workers together. */
  readonly ms: number;
  /** CPU milliseconds per hive, helpers included, start of the program not. */
  readonly cpuMs: number | undefined;
  readonly peakMiB: number;
  readonly hives: number;
}

const WORKERS = 4;

const job = JSON.parse(process.argv[2] ?? '{}') as HiveJob;
const targeting = async () => ({
  targets: { arrays: [{ fqdn: job.to, replaces: [job.from] }], proxies: new Map<string, string>() },
});
const cpuBefore = familyCpuMs();
const started = performance.now();
const sources = await findHiveSources([job.folder]);
const copier = createAttributeCopier();
let next = 0;
await Promise.all(
  Array.from({ length: WORKERS }, async () => {
    for (let source = sources[next++]; source; source = sources[next++]) {
      const { roots } = await planSource(source, { profiles: [], outlooks: [] }, targeting);
      const patch = roots[0]?.plan.patch;
      if (!patch || patch.edits.length < 9)
        throw new Error(`${source.label}: only ${patch?.edits.length} edits planned`);
      if (job.mode === 'plan') continue;
      await createHiveStore({ path: source.label, durable: job.mode === 'apply-durable', copier }).commit(patch);
    }
  }),
);
const ms = (performance.now() - started) / sources.length;
const cpuAfter = familyCpuMs();
const cpuMs = cpuBefore === undefined || cpuAfter === undefined ? undefined : (cpuAfter - cpuBefore) / sources.length;
const answer: HiveMeasure = { ms, cpuMs, peakMiB: process.resourceUsage().maxRSS / 1024, hives: sources.length };
process.send?.(answer, () => process.disconnect());
