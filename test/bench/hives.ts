// Offline hives: plan and apply over thousands of generated user hives, beside `hivexregedit --export` and `--merge` of the same change
// on some of them, and beside a bare durable copy-and-swap, which is as fast as a safe change of a file can be. Each measurement runs
// in a process of its own, so that its peak memory is its own.
import { execFileSync, fork } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { userHive } from '../profile-migrator/registry/hive/user-hive.ts';
import { childrenCpuMs } from './cpu-time.ts';
import type { HiveJob, HiveMeasure } from './hives-worker.ts';
import type { BenchOptions } from './options.ts';

const KIB = 1024;
const CLASSES = [
  { name: '256 KiB', size: 256 * KIB, hives: 10_000, quick: 200, compared: 50 },
  { name: '1 MiB', size: 1024 * KIB, hives: 1000, quick: 50, compared: 50 },
  { name: '20 MiB', size: 20 * 1024 * KIB, hives: 10, quick: 4, compared: 10 },
] as const;
const OLD = 'cas01.contoso.test';
const PROFILES = '\\Software\\Microsoft\\Windows NT\\CurrentVersion\\Windows Messaging Subsystem\\Profiles';

export async function run({ quick, folder: base = tmpdir() }: BenchOptions): Promise<void> {
  for (const one of CLASSES) {
    const folder = mkdtempSync(join(base, 'hive-bench-'));
    try {
      const count = quick ? one.quick : one.hives;
      await measureClass(one.name, one.size, count, Math.min(count, quick ? 10 : one.compared), folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

async function measureClass(
  name: string,
  size: number,
  count: number,
  compared: number,
  folder: string,
): Promise<void> {
  const hives = join(folder, 'hives');
  const fileSize = generate(hives, size, count);
  process.stdout.write(`\n${count} hives of ${name} (${(fileSize / KIB).toFixed(0)} KiB each), times per hive\n`);
  const half = join(folder, 'half');
  mkdirSync(half);
  for (const user of readdirSync(hives).slice(0, Math.ceil(count / 2))) renameSync(join(hives, user), join(half, user));
  const halfPlan = await measure({ mode: 'plan', folder: half, from: OLD, to: 'array1.contoso.test' });
  for (const user of readdirSync(half)) renameSync(join(half, user), join(hives, user));

  const tool = compareWithHivexregedit(hives, compared, folder);
  const plan = await measure({ mode: 'plan', folder: hives, from: OLD, to: 'array1.contoso.test' });
  const fast = await measure({ mode: 'apply', folder: hives, from: OLD, to: 'array1.contoso.test' });
  const durable = await measure({
    mode: 'apply-durable',
    folder: hives,
    from: 'array1.contoso.test',
    to: 'array2.contoso.test',
  });
  const limit = copyAndSwap(hives, Math.min(count, 200));

  const row = (what: string, { ms, cpuMs }: Cost, ratio = '', memory = ''): void => {
    const cells = [
      `${ms.toFixed(2)} ms`.padStart(12),
      `${(1000 / ms).toFixed(0)}/s`.padStart(8),
      (cpuMs === undefined ? '' : `${cpuMs.toFixed(2)} ms CPU`).padStart(16),
      ratio.padStart(30),
      memory.padStart(10),
    ];
    process.stdout.write(`${what.padEnd(46)}${cells.join('')}\n`);
  };
  const memory = ({ peakMiB }: HiveMeasure): string => `${peakMiB.toFixed(0)} MiB`;
  const times = (what: string, theirs: Cost, ours: Cost): string => {
    const byCpu = theirs.cpuMs && ours.cpuMs ? `, ${(theirs.cpuMs / ours.cpuMs).toFixed(0)} x by CPU` : '';
    return `${what} ${(theirs.ms / ours.ms).toFixed(0)} x${byCpu}`;
  };
  row('plan', plan, '', memory(plan));
  if (tool) {
    row('  hivexregedit --export of the whole hive', tool.exportAll, times('plan', tool.exportAll, plan));
    row('  hivexregedit --export of the Profiles key', tool.exportProfiles, times('plan', tool.exportProfiles, plan));
  }
  row('apply (plan, change, prove) without fsync', fast, '', memory(fast));
  row(
    'apply (plan, change, prove), durable',
    durable,
    `${(durable.ms / limit).toFixed(1)} x the limit`,
    memory(durable),
  );
  if (tool) {
    const whole = sum(tool.exportAll, tool.merge);
    const part = sum(tool.exportProfiles, tool.merge);
    row('  hivexregedit --export + --merge', whole, times('apply', whole, fast));
    row('  hivexregedit --export of Profiles + --merge', part, times('apply', part, fast));
  }
  row('  limit: bare durable copy and swap', { ms: limit, cpuMs: undefined });
  const linear = plan.ms / halfPlan.ms;
  process.stdout.write(
    `plan of half as many hives: ${linear.toFixed(2)} x the time per hive, peak ${halfPlan.peakMiB.toFixed(0)} MiB against ${plan.peakMiB.toFixed(0)} MiB\n`,
  );
  if (!tool) process.stdout.write('hivexregedit is not installed (libwin-hivex-perl): no comparison\n');
}

/** One folder per user, each hive with that user's own name in it; the bytes of one file. */
function generate(folder: string, size: number, count: number): number {
  const template = userHive({ size, user: 'user00000' });
  const places: { at: number; encoding: 'latin1' | 'utf16le' }[] = [];
  for (const encoding of ['latin1', 'utf16le'] as const) {
    for (
      let at = template.indexOf('user00000', 0, encoding);
      at !== -1;
      at = template.indexOf('user00000', at + 20, encoding)
    ) {
      places.push({ at, encoding });
    }
  }
  for (let i = 0; i < count; i++) {
    const user = `user${String(i).padStart(5, '0')}`;
    for (const { at, encoding } of places) template.write(user, at, encoding);
    mkdirSync(join(folder, user), { recursive: true });
    writeFileSync(join(folder, user, 'NTUSER.DAT'), template);
  }
  return template.length;
}

function measure(job: HiveJob): Promise<HiveMeasure> {
  return new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, 'hives-worker.ts'), [JSON.stringify(job)]);
    let answer: HiveMeasure | undefined;
    child.once('message', (message) => {
      answer = message as HiveMeasure;
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0 && answer) resolve(answer);
      else reject(new Error(`the ${job.mode} measurement ended with ${code}`));
    });
  });
}

interface Cost {
  readonly ms: number;
  readonly cpuMs: number | undefined;
}

interface ToolCosts {
  readonly exportAll: Cost;
  readonly exportProfiles: Cost;
  readonly merge: Cost;
}

function sum(...costs: Cost[]): Cost {
  const known = costs.every(({ cpuMs }) => cpuMs !== undefined);
  return {
    ms: costs.reduce((total, { ms }) => total + ms, 0),
    cpuMs: known ? costs.reduce((total, { cpuMs }) => total + (cpuMs ?? 0), 0) : undefined,
  };
}

/** Costs per hive, or undefined where the tool is missing. Merges into copies. */
function compareWithHivexregedit(hives: string, count: number, folder: string): ToolCosts | undefined {
  let missing = false;
  const regedit = (costs: Cost[], ...args: string[]): Buffer => {
    const cpu = childrenCpuMs();
    const started = performance.now();
    let output = Buffer.alloc(0);
    try {
      output = execFileSync('hivexregedit', args, { stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 30 });
    } catch {
      missing = true;
    }
    const ms = performance.now() - started;
    costs.push({ ms, cpuMs: cpu === undefined ? undefined : (childrenCpuMs() ?? cpu) - cpu });
    return output;
  };
  const users = readdirSync(hives).slice(0, count);
  const change = join(folder, 'change.reg');
  const [all, profiles, merges]: Cost[][] = [[], [], []];
  const copy = join(folder, 'copy.dat');
  for (const user of users) {
    copyFileSync(join(hives, user, 'NTUSER.DAT'), copy);
    regedit(all ?? [], '--export', '--prefix', 'HKEY_CURRENT_USER', copy, '\\');
    if (missing) return undefined;
    const text = regedit(profiles ?? [], '--export', '--prefix', 'HKEY_CURRENT_USER', copy, PROFILES);
    writeFileSync(change, sameChange(text.toString('latin1')));
    regedit(merges ?? [], '--merge', '--prefix', 'HKEY_CURRENT_USER', copy, change);
  }
  const mean = (costs: Cost[] = []): Cost => {
    const { ms, cpuMs } = sum(...costs);
    return { ms: ms / costs.length, cpuMs: cpuMs === undefined ? undefined : cpuMs / costs.length };
  };
  return { exportAll: mean(all), exportProfiles: mean(profiles), merge: mean(merges) };
}

/** The exported keys that name the old server, with the array's name of the same length in its place. */
function sameChange(text: string): string {
  const asHex = (name: string): string =>
    [...Buffer.from(name, 'utf16le')].map((b) => b.toString(16).padStart(2, '0')).join(',');
  const asHex8 = (name: string): string => [...Buffer.from(name)].map((b) => b.toString(16).padStart(2, '0')).join(',');
  const swap = (part: string): string =>
    part.replaceAll(asHex(OLD), asHex('cas99.contoso.test')).replaceAll(asHex8(OLD), asHex8('cas99.contoso.test'));
  const [head = '', ...keys] = text.split(/\r?\n(?=\[)/);
  return [head, ...keys.filter((key) => swap(key) !== key).map(swap)].join('\n');
}

/** Milliseconds per file: copy, fsync, hard link, rename over, fsync of the folder. No reading, no thinking. */
function copyAndSwap(hives: string, count: number): number {
  const users = readdirSync(hives).slice(0, count);
  const started = performance.now();
  for (const user of users) {
    const path = join(hives, user, 'NTUSER.DAT');
    writeFileSync(`${path}.x`, readFileSync(path), { flush: true });
    linkSync(path, `${path}.y`);
    renameSync(`${path}.x`, path);
    const folder = openSync(join(hives, user), 'r');
    fsyncSync(folder);
    closeSync(folder);
  }
  const ms = (performance.now() - started) / users.length;
  for (const user of users) unlinkSync(join(hives, user, 'NTUSER.DAT.y'));
  return ms;
}
