// `npm run fuzz -- [--runs N] [--seed S] [--only NAME,...] [--keep] [--tests]`: damages the committed inputs of every parser, keeps what runs code that
// nothing ran before, and damages that further. A parser may answer with a value or with the error it promises; anything else, and
// anything that takes longer than a second, is a find: it is written to the corpus as find-*, and the exit code is 1.
// --keep writes to the corpus what the run found worth keeping: few small inputs that together run all code that the committed ones do not.
// --tests runs the mutation tests of the test suite as well, with the same counts and seed.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mutate, seededRandom } from '../helpers/mutation.ts';
import { Coverage } from './coverage.ts';
import { corpusOf, type FuzzTarget, TARGETS } from './targets.ts';

const USAGE = 'npm run fuzz -- [--runs N] [--seed S] [--only NAME,...] [--keep] [--tests]';

function commandLine() {
  try {
    return parseArgs({
      options: {
        runs: { type: 'string', default: '100000' },
        seed: { type: 'string', default: '2010' },
        only: { type: 'string' },
        keep: { type: 'boolean', default: false },
        tests: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    process.stderr.write(`fuzz: ${(error as Error).message}\n${USAGE}\n`);
    process.exit(2);
  }
}

const { values } = commandLine();
const RUNS = Number(values.runs);
const SEED = Number(values.seed);
const BATCH = 200;
const MAX_BYTES = 16_384;
const MAX_KEPT = 2_000;
const KEPT_OF_BATCH = 8;
/** Larger inputs are not worth a place in the corpus. */
const MAX_COMMITTED_BYTES = 2_048;
const SLOW_MS = 1000;
const MAX_FINDS = 10;

interface Find {
  readonly data: Buffer;
  readonly what: string;
}

/** What is wrong with the way a parser took an input; undefined when nothing is. */
function judge(target: FuzzTarget, data: Buffer): string | undefined {
  const began = performance.now();
  try {
    target.run(data);
  } catch (error) {
    if (!target.permits?.(error)) return String((error as Error).stack ?? error);
  }
  const ms = performance.now() - began;
  return ms > SLOW_MS ? `took ${ms.toFixed(0)} ms` : undefined;
}

async function fuzz(target: FuzzTarget, coverage: Coverage): Promise<Find[]> {
  const random = seededRandom(SEED);
  const given = [...corpusOf(target).values()];
  const kept = [...given];
  const finds: Find[] = [];
  const attempt = (data: Buffer) => {
    const what = judge(target, data);
    // One input for each fault is enough to mend it.
    if (what !== undefined && !finds.some((find) => fault(find.what) === fault(what))) finds.push({ data, what });
  };
  await coverage.forget();
  for (const data of given) attempt(data);
  await coverage.fresh();
  const before = coverage.size;
  const began = performance.now();
  for (let done = 0; done < RUNS && finds.length < MAX_FINDS; ) {
    const batch: Buffer[] = [];
    for (; batch.length < BATCH && done < RUNS; done++) {
      // Half of the time something found lately, which is where there is more to find.
      const from = random() < 0.5 ? random() : 1 - random() ** 4;
      const seed = kept[Math.min(kept.length - 1, Math.floor(from * kept.length))] as Buffer;
      batch.push(mutate(splice(seed, kept, random), random).subarray(0, MAX_BYTES));
    }
    for (const data of batch) attempt(data);
    const fresh = await coverage.fresh();
    if (fresh.size === 0 || kept.length >= MAX_KEPT) continue;
    kept.push(...(await coverage.culprits(batch, fresh, (data) => judge(target, data), KEPT_OF_BATCH)));
  }
  const perSecond = (RUNS / (performance.now() - began)) * 1000;
  const after = coverage.size;
  const chosen = values.keep ? await worthKeeping(target, coverage, given, kept.slice(given.length)) : [];
  for (const data of chosen) write(target, 'kept', data);
  process.stdout.write(
    `${target.name.padEnd(24)}${String(RUNS).padStart(9)} runs${perSecond.toFixed(0).padStart(8)}/s  ` +
      `${given.length} seeds run ${before} characters of code, ${kept.length - given.length} kept ones ${after - before} more` +
      `${values.keep ? ` (${chosen.length} written)` : ''}, ${finds.length} finds\n`,
  );
  return finds;
}

/** Where it broke, without the values in the message. */
function fault(what: string): string {
  return /\n\s+at .*/.exec(what)?.[0] ?? what.replace(/\d+/g, '');
}

/** The small ones that run what neither the committed inputs nor smaller ones run. */
async function worthKeeping(
  target: FuzzTarget,
  coverage: Coverage,
  given: readonly Buffer[],
  kept: readonly Buffer[],
): Promise<Buffer[]> {
  await coverage.forget();
  for (const data of given) judge(target, data);
  await coverage.fresh();
  const chosen: Buffer[] = [];
  for (const data of kept.toSorted((a, b) => a.length - b.length)) {
    if (data.length > MAX_COMMITTED_BYTES) break;
    judge(target, data);
    if ((await coverage.fresh()).size > 0) chosen.push(data);
  }
  return chosen;
}

/** Now and then the head of one input with the tail of another, or with a piece of another inside. */
function splice(seed: Buffer, kept: readonly Buffer[], random: () => number): Buffer {
  const way = random();
  if (way > 0.2) return seed;
  const other = kept[Math.floor(random() * kept.length)] as Buffer;
  const at = Math.floor(random() * seed.length);
  const from = Math.floor(random() * other.length);
  if (way < 0.1) return Buffer.concat([seed.subarray(0, at), other.subarray(from)]);
  const piece = other.subarray(from, from + 1 + Math.floor(random() * 64));
  return Buffer.concat([seed.subarray(0, at), piece, seed.subarray(at)]);
}

function write(target: FuzzTarget, kind: 'find' | 'kept', data: Buffer): string {
  const name = `${kind}-${createHash('sha256').update(data).digest('hex').slice(0, 12)}.bin`;
  const file = join(import.meta.dirname, '..', 'corpus', target.corpus, name);
  writeFileSync(file, data);
  return file;
}

function record(target: FuzzTarget, { data, what }: Find): void {
  const file = write(target, 'find', data);
  process.stdout.write(
    `\nFIND in ${target.name}, written to ${file}:\n${what}\n${JSON.stringify(data.toString('latin1').slice(0, 400))}\n`,
  );
}

if (!Number.isSafeInteger(RUNS) || RUNS < 1 || !Number.isSafeInteger(SEED)) {
  process.stderr.write('fuzz: --runs and --seed take whole numbers\n');
  process.exit(2);
}
const only = values.only?.split(',');
const targets = TARGETS.filter(({ name }) => !only || only.includes(name));
if (targets.length === 0) {
  process.stderr.write(`fuzz: no such parser; there are: ${TARGETS.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}
const coverage = new Coverage();
await coverage.start();
for (const target of targets) {
  for (const find of await fuzz(target, coverage)) {
    record(target, find);
    process.exitCode = 1;
  }
}
coverage.stop();
if (values.tests) {
  const env = {
    ...process.env,
    FUZZ_RUNS: String(RUNS),
    FUZZ_ROUNDS: String(RUNS),
    FUZZ_SEED: String(SEED),
    HIVE_MUTATIONS: String(RUNS),
  };
  const pattern = '/mutat|damage|hangs up/';
  const { status } = spawnSync(process.execPath, ['--test', '--test-name-pattern', pattern, 'test/**/*.test.ts'], {
    env,
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}
