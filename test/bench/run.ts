// `npm run bench -- [part...]`: runs the named parts, or all but the soak. Figures are ratios measured within one run on one machine;
// absolute numbers are printed beside them for orientation only. Exit code 1: a wrong answer, an error, or growth; 2: wrong usage.

import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { type BenchCommand, type BenchOptions, readCommandLine, UsageError } from './options.ts';

/** What a part hands back goes into the file of --json. */
interface Part {
  run(options: BenchOptions): Promise<unknown>;
}

const PARTS: Readonly<Record<string, () => Promise<Part>>> = {
  service: () => import('./service.ts'),
  size: () => import('./size.ts'),
  storm: () => import('./storm.ts'),
  tickets: () => import('./tickets.ts'),
  soak: () => import('./soak.ts'),
  hives: () => import('./hives.ts'),
  oracle: () => import('./oracle.ts'),
  spray: () => import('./spray.ts'),
};
/** Parts that run only when named. */
const LONG = new Set(['soak']);

try {
  await runParts(commandLine());
} catch (error) {
  process.stderr.write(`bench: ${error instanceof UsageError ? error.message : (error as Error).stack}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

function commandLine(): BenchCommand {
  const command = readCommandLine(process.argv.slice(2));
  const unknown = command.parts.filter((name) => !(name in PARTS));
  if (unknown.length === 0) return command;
  throw new UsageError(`unknown part ${unknown.join(', ')}; there are: ${Object.keys(PARTS).join(', ')}`);
}

async function runParts({ parts, options, jsonFile }: BenchCommand): Promise<void> {
  const results: Record<string, unknown> = {};
  for (const name of parts.length > 0 ? parts : Object.keys(PARTS).filter((part) => !LONG.has(part))) {
    const part = await PARTS[name]?.();
    results[name] = await part?.run(options);
  }
  if (jsonFile === undefined) return;
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length };
  writeFileSync(jsonFile, `${JSON.stringify({ at: new Date().toISOString(), machine, results }, null, 2)}\n`);
}
