// `npm run fuzz -- [--runs N] [--seed S] [--only NAME,...] [--tests]`: damages the committed inputs of every parser, keeps what runs code that
// nothing ran before, and damages that further. A parser may answer with a value or with the error it promises; anything else, and
// anything that takes longer than a second, is a find: it is written to the corpus as find-*, and the exit code is 1.
// --tests runs the mutation tests of the test suite as well, with the same counts and seed.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mutate, seededRandom } from '../helpers/mutation.ts';
import { Coverage } from './coverage.ts';
import { corpusOf, type FuzzTarget, TARGETS } from './targets.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '2010' },
    only: { type: 'string' },
    tests: { type: 'boolean', default: false },
  },
});
const RUNS = Number(values.runs);
const SEED = Number(values.seed);
const BATCH = 200;
const MAX_BYTES = 16_384;
const MAX_KEPT = 2_000;
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
  const kept = [...corpusOf(target).values()];
  const given = kept.length;
  const finds: Find[] = [];
  const attempt = (data: Buffer) => {
    const what = judge(target, data);
    // One input for each fault is enough to mend it.
    if (what !== undefined && !finds.some((find) => find.what === what)) finds.push({ data, what });
  };
  for (const data of kept) attempt(data);
  await coverage.fresh();
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
    if ((await coverage.fresh()) === 0 || kept.length >= MAX_KEPT) continue;
    // Pieces are counted once, so the batch is told apart by what only its members add to how often they run: keep a sample of it.
    for (let n = 0; n < 8; n++) kept.push(batch[Math.floor(random() * batch.length)] as Buffer);
  }
  const perSecond = (RUNS / (performance.now() - began)) * 1000;
  process.stdout.write(
    `${target.name.padEnd(22)}${String(RUNS).padStart(9)} runs${perSecond.toFixed(0).padStart(9)}/s` +
      `${String(given).padStart(5)} seeds, ${kept.length - given} kept, ${coverage.pieces} pieces of code so far, ${finds.length} finds\n`,
  );
  return finds;
}

/** Now and then the head of one input with the tail of another. */
function splice(seed: Buffer, kept: readonly Buffer[], random: () => number): Buffer {
  if (random() > 0.1) return seed;
  const other = kept[Math.floor(random() * kept.length)] as Buffer;
  const head = seed.subarray(0, Math.floor(random() * seed.length));
  return Buffer.concat([head, other.subarray(Math.floor(random() * other.length))]);
}

function record(target: FuzzTarget, { data, what }: Find): void {
  const name = `find-${createHash('sha256').update(data).digest('hex').slice(0, 12)}.bin`;
  const file = join(import.meta.dirname, '..', 'corpus', target.corpus, name);
  writeFileSync(file, data);
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
  const env = { ...process.env, FUZZ_RUNS: String(RUNS), FUZZ_ROUNDS: String(RUNS), FUZZ_SEED: String(SEED) };
  const pattern = '/mutat|damage|hangs up/';
  const { status } = spawnSync(process.execPath, ['--test', '--test-name-pattern', pattern, 'test/**/*.test.ts'], {
    env,
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}
