// Every client at once: each another user, each on a new TLS connection, each with a password to check, and nothing remembered of
// anybody. In turns with bare servers on the same core, so that what the machine does meanwhile happens to all.

import { setTimeout } from 'node:timers/promises';
import { withBench } from './bench.ts';
import { bareContent, POX } from './ground.ts';
import type { Load } from './load.ts';
import type { Memory } from './measured.ts';
import type { BenchOptions } from './options.ts';
import { printProfile } from './profile.ts';
import { measureTurn, profileRun, type Turn } from './rounds.ts';
import { percentile, ratios, type Spread, spread } from './statistics.ts';
import { type Column, mebibytes, micros, millis, printHeader, printLine, printRow, printTitle } from './table.ts';
import type { MeasuredServer } from './workshop.ts';

/** Requests of a turn: the service's, and each other server's. */
const FULL = { turns: 25, users: 2000, bare: 400 };
const QUICK = { turns: 3, users: 500, bare: 150 };
const UNDER_WAY = 200;
/** Further users for a profile, as cold as the others. */
const PROFILED = 1000;
/** Of nobody asking, until memory is looked at a second time. */
const IDLE_MS = 30_000;
const MEMORY_AIM = 150 * 1_048_576;
const COLUMNS: readonly Column[] = [
  { title: 'server', width: 46, align: 'left' },
  { title: 'requests', width: 9 },
  { title: 'CPU/req', width: 10 },
  { title: 'of service', width: 12 },
  { title: 'min-max', width: 13 },
  { title: 'req/s', width: 7 },
  { title: 'p50', width: 10 },
  { title: 'p99', width: 10 },
  { title: 'max', width: 10 },
  { title: 'errors', width: 8 },
];

export interface StormRow {
  readonly name: string;
  readonly requests: number;
  readonly cpuMicros: number;
  /** The service's CPU time per request over this server's. */
  readonly ratio: Spread;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly errors: number;
}

/** A server in the storm; the service last, so that it is compared with those before. */
interface Contestant {
  readonly name: string;
  readonly server: MeasuredServer;
  readonly load: Load;
  readonly requests: number;
}

export async function run(options: BenchOptions): Promise<unknown> {
  const plan = options.quick ? QUICK : FULL;
  const turnCount = options.rounds ?? plan.turns;
  const stormUsers = turnCount * plan.users;
  let result: unknown;
  await withBench(options, async ({ workshop }) => {
    const directory = await workshop.startDirectory(stormUsers + PROFILED);
    const directoryUrl = directory.ready.ldaps;
    const content = await bareContent(workshop, directoryUrl);
    const users = { distinct: stormUsers + PROFILED, stride: 1, population: stormUsers + PROFILED };
    const load: Load = { ...POX, concurrency: UNDER_WAY, connections: 'new', users };
    const resuming: Load = { ...load, connections: 'resumed' };
    const constant = await workshop.startBare({ kind: 'constant', content });
    const rebind = await workshop.startBare({ kind: 'search-rebind', content, directoryUrl });
    const connect = await workshop.startBare({ kind: 'search-connect', content, directoryUrl });
    const service = await workshop.startService(directoryUrl, 'default');
    const atStart = await service.ask<Memory>('memory');
    const anybody = { expect: ['<Type>EXCH</Type>'] };
    const [bare, all] = [plan.bare, plan.users];
    const contestants: Contestant[] = [
      { name: 'bare, constant answer', server: constant, load: { ...load, ...anybody }, requests: bare },
      {
        name: 'bare, constant answer, TLS session resumed',
        server: constant,
        load: { ...resuming, ...anybody },
        requests: bare,
      },
      { name: 'bare + search + bind, kept connections', server: rebind, load, requests: bare },
      { name: 'bare + search + bind, a new connection', server: connect, load, requests: bare },
      { name: 'service', server: service, load, requests: all },
    ];
    const { ecdsaFiles } = workshop;
    if (ecdsaFiles) {
      const server = await workshop.startBare({ kind: 'constant', content }, ecdsaFiles);
      const name = 'bare, constant answer, ECDSA certificate';
      contestants.splice(1, 0, { name, server, load: { ...load, ...anybody }, requests: bare });
      const secured = await workshop.startService(directoryUrl, 'default', { files: ecdsaFiles });
      contestants.splice(-1, 0, { name: 'service, ECDSA certificate', server: secured, load, requests: bare });
    }
    const turns: Turn[][] = contestants.map(() => []);
    for (let turn = 0; turn < turnCount; turn++) {
      for (const [at, { server, load, requests }] of contestants.entries()) {
        const from = turn * requests;
        turns[at]?.push(
          await measureTurn(workshop, server, { port: server.ready.port, load, from, until: { requests } }),
        );
      }
    }
    const memory = await service.ask<Memory>('memory');
    const idleMs = options.quick ? 1000 : IDLE_MS;
    await setTimeout(idleMs);
    const idle = await service.ask<Memory>('memory');
    printTitle(
      `Storm: ${stormUsers} users, ${UNDER_WAY} under way, cold, a new connection each, LDAPS, ${turnCount} turns`,
    );
    printHeader(COLUMNS);
    const rows = contestants.map(({ name }, at) => stormRow(name, turns[at] ?? [], turns.at(-1) ?? []));
    for (const row of rows) print(row);
    reportErrors(contestants, turns);
    const met = idle.resident < MEMORY_AIM ? 'met' : 'MISSED';
    printLine(
      `memory of the service: ${mebibytes(atStart.resident)} at its start, ${mebibytes(memory.resident)} at the end, ` +
        `${mebibytes(memory.residentPeak)} at most; after ${idleMs / 1000} s of idleness ${mebibytes(idle.resident)} ` +
        `(aim < ${mebibytes(MEMORY_AIM)}, ${met}), of which ${mebibytes(idle.unshared)} are its own alone; ` +
        `heap in use ${mebibytes(memory.heapUsed)}, then ${mebibytes(idle.heapUsed)}`,
    );
    if (options.profile) {
      const run = { port: service.ready.port, load, from: stormUsers, until: { requests: PROFILED } };
      printProfile('service', await profileRun(workshop, service, run));
    }
    result = { rows, memory: { atStart, afterwards: memory, idle } };
  });
  return result;
}

function stormRow(name: string, turns: readonly Turn[], service: readonly Turn[]): StormRow {
  const times = Float64Array.from(turns.flatMap(({ load }) => load.times ?? [])).sort();
  const cpu = (all: readonly Turn[]) => all.map(({ cpuMicros }) => cpuMicros);
  return {
    name,
    requests: turns.reduce((sum, { load }) => sum + load.requests, 0),
    cpuMicros: spread(cpu(turns)).median,
    ratio: ratios(cpu(service), cpu(turns)),
    perSecond: spread(turns.map(({ load }) => load.requests / load.seconds)).median,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    max: percentile(times, 1),
    errors: turns.reduce((sum, { load }) => sum + load.errors, 0),
  };
}

function print(row: StormRow): void {
  const { ratio } = row;
  printRow(COLUMNS, [
    row.name,
    String(row.requests),
    micros(row.cpuMicros),
    row.name === 'service' ? '1' : ratio.median.toFixed(2),
    row.name === 'service' ? '' : `${ratio.min.toFixed(2)}-${ratio.max.toFixed(2)}`,
    row.perSecond.toFixed(0),
    millis(row.p50),
    millis(row.p99),
    millis(row.max),
    String(row.errors),
  ]);
}

function reportErrors(contestants: readonly Contestant[], turns: readonly (readonly Turn[])[]): void {
  for (const [at, { name }] of contestants.entries()) {
    const [example] = (turns[at] ?? []).flatMap(({ load }) => load.examples);
    if (example === undefined) continue;
    process.exitCode = 1;
    printLine(`ERRORS in ${name}, as ${example}`);
  }
}
