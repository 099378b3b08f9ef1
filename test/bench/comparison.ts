// A comparison of subjects with the first of them: measured in turns, printed as a table, kept as figures.

import type { BenchOptions } from './options.ts';
import { printProfile } from './profile.ts';
import { type Measured, measureInTurns, type Subject, type Turn } from './rounds.ts';
import { ratios, type Spread, spread } from './statistics.ts';
import { type Column, micros, millis, printHeader, printLine, printRow, printTitle } from './table.ts';
import type { Workshop } from './workshop.ts';

export interface Comparison {
  readonly title: string;
  /** The first is what the others are compared with. */
  readonly subjects: readonly Subject[];
  /** Largest wanted ratio, by the subject's name. */
  readonly aims?: Readonly<Record<string, number>>;
}

export interface ComparedRow {
  readonly name: string;
  /** CPU time for each user asked for, in microseconds. */
  readonly cpuMicros: number;
  readonly ratio: Spread;
  /** The ratio of the best rounds: disturbance only ever adds time. */
  readonly best: number;
  readonly aim: number | undefined;
  /** Milliseconds, the middle of the rounds. */
  readonly p50: number;
  /** The ratio of the p50, round by round. */
  readonly latency: Spread;
  readonly p99: number;
  readonly perSecond: number;
  readonly errors: number;
}

const COLUMNS: readonly Column[] = [
  { title: 'subject', width: 40, align: 'left' },
  { title: 'CPU/user', width: 10 },
  { title: 'ratio', width: 8 },
  { title: 'min-max', width: 13 },
  { title: 'best', width: 7 },
  { title: 'aim', width: 7 },
  { title: '', width: 8 },
  { title: 'p50', width: 10 },
  { title: 'ratio', width: 7 },
  { title: 'p99', width: 10 },
  { title: 'req/s', width: 8 },
];
const FULL = { rounds: 9, milliseconds: 250, warmUpRequests: 4000, warmUpMs: 3000 };
const QUICK = { rounds: 3, milliseconds: 120, warmUpRequests: 1000, warmUpMs: 500 };

/** Measures and prints. Errors in answers make the exit code 1. */
export async function compareSubjects(
  workshop: Workshop,
  { title, subjects, aims = {} }: Comparison,
  options: BenchOptions,
): Promise<ComparedRow[]> {
  const plan = options.quick ? QUICK : FULL;
  const rounds = options.rounds ?? plan.rounds;
  const measured = await measureInTurns(workshop, subjects, { ...plan, rounds }, options.profile);
  printTitle(title);
  printHeader(COLUMNS);
  const [limit] = measured;
  const rows = limit ? measured.map((one) => compared(one, limit, aims[one.subject.name])) : [];
  for (const row of rows) print(row, row === rows[0]);
  for (const { rounds: all, subject } of measured) {
    const failed = all.filter(({ load }) => load.errors > 0);
    if (failed.length === 0) continue;
    process.exitCode = 1;
    const [example] = failed.flatMap(({ load }) => load.examples);
    printLine(`ERRORS in ${subject.name}: ${failed.reduce((sum, { load }) => sum + load.errors, 0)}, as ${example}`);
  }
  for (const { profile, subject } of measured) {
    if (!profile) continue;
    printProfile(subject.name, profile);
  }
  return rows;
}

function compared({ subject, rounds }: Measured, limit: Measured, aim: number | undefined): ComparedRow {
  const each = (all: readonly Turn[], of: (turn: Turn) => number) => all.map(of);
  const middle = (of: (turn: Turn) => number) => spread(each(rounds, of)).median;
  const beside = (of: (turn: Turn) => number) => ratios(each(rounds, of), each(limit.rounds, of));
  const cpu = ({ cpuMicros }: Turn) => cpuMicros;
  const p50 = ({ load }: Turn) => load.p50;
  return {
    name: subject.name,
    cpuMicros: middle(cpu),
    ratio: beside(cpu),
    best: Math.min(...each(rounds, cpu)) / Math.min(...each(limit.rounds, cpu)),
    aim,
    p50: middle(p50),
    latency: beside(p50),
    p99: middle(({ load }) => load.p99),
    perSecond: middle(({ load }) => load.requests / load.seconds),
    errors: rounds.reduce((sum, { load }) => sum + load.errors, 0),
  };
}

function print(
  { name, cpuMicros, ratio, best, aim, p50, latency, p99, perSecond }: ComparedRow,
  isLimit: boolean,
): void {
  const beside = isLimit
    ? ['1', '', '', '', '']
    : [
        ratio.median.toFixed(2),
        `${ratio.min.toFixed(2)}-${ratio.max.toFixed(2)}`,
        best.toFixed(2),
        aim === undefined ? '' : `<= ${aim}`,
        aim === undefined ? '' : ratio.median <= aim ? 'met' : 'MISSED',
      ];
  const slower = isLimit ? '' : latency.median.toFixed(2);
  printRow(COLUMNS, [name, micros(cpuMicros), ...beside, millis(p50), slower, millis(p99), perSecond.toFixed(0)]);
}
