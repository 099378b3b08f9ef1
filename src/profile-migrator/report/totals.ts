// What a report counts: outcomes over all profiles, and broken down by array, Outlook version and reason of refusal.
import { RESULT_OUTCOMES, type ResultOutcome } from '../result-line.ts';
import type { Fleet, FleetEntry } from './fleet.ts';

export type OutcomeCounts = Readonly<Partial<Record<ResultOutcome, number>>>;

export interface Breakdown {
  readonly name: string;
  readonly total: number;
  readonly outcomes: OutcomeCounts;
}

export interface Totals {
  /** Profiles, and sources that hold none or could not be read. */
  readonly results: number;
  readonly profiles: number;
  readonly computers: number;
  /** Times of the oldest and the newest result counted, ISO 8601. */
  readonly from: string | undefined;
  readonly until: string | undefined;
  readonly outcomes: OutcomeCounts;
  readonly arrays: readonly Breakdown[];
  readonly outlooks: readonly Breakdown[];
  /** Refusal reasons and error codes, by frequency. */
  readonly reasons: readonly Breakdown[];
  readonly needsPerson: number;
}

/** Outcomes that are no reason to look, unless something asks for attention. */
export function needsPerson(entry: FleetEntry): boolean {
  if (entry.outcome === 'failed' || entry.outcome === 'refused') return true;
  return entry.attention.length > 0;
}

export function totalsOf({ entries }: Fleet): Totals {
  const outcomes: Partial<Record<ResultOutcome, number>> = {};
  const computers = new Set<string>();
  let from: string | undefined;
  let until: string | undefined;
  for (const { outcome, computer, time } of entries) {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    if (computer !== '') computers.add(computer);
    if (from === undefined || time < from) from = time;
    if (until === undefined || time > until) until = time;
  }
  return {
    results: entries.length,
    profiles: entries.filter(({ profile }) => profile !== '').length,
    computers: computers.size,
    from,
    until,
    outcomes: ordered(outcomes),
    arrays: breakDown(entries, ({ arrays }) => arrays),
    outlooks: breakDown(entries, ({ outlook }) => (outlook === '' ? [] : [outlook]), byVersion),
    // That there was nothing to roll back is no fault.
    reasons: breakDown(entries, ({ outcome, reasons }) => (outcome === 'nothing-to-do' ? [] : reasons)),
    needsPerson: entries.filter(needsPerson).length,
  };
}

function breakDown(
  entries: readonly FleetEntry[],
  namesOf: (entry: FleetEntry) => readonly string[],
  order: (a: Breakdown, b: Breakdown) => number = byTotal,
): Breakdown[] {
  const found = new Map<string, Partial<Record<ResultOutcome, number>>>();
  for (const entry of entries) {
    for (const name of new Set(namesOf(entry))) {
      const counts = found.get(name) ?? {};
      found.set(name, counts);
      counts[entry.outcome] = (counts[entry.outcome] ?? 0) + 1;
    }
  }
  return [...found].map(([name, counts]) => ({ name, total: sum(counts), outcomes: ordered(counts) })).sort(order);
}

function sum(counts: OutcomeCounts): number {
  return Object.values(counts).reduce((total, n) => total + n, 0);
}

function ordered(counts: OutcomeCounts): OutcomeCounts {
  return Object.fromEntries(
    RESULT_OUTCOMES.flatMap((outcome) => (counts[outcome] === undefined ? [] : [[outcome, counts[outcome]]])),
  );
}

function byTotal(a: Breakdown, b: Breakdown): number {
  return b.total - a.total || (a.name < b.name ? -1 : 1);
}

function byVersion(a: Breakdown, b: Breakdown): number {
  return Number.parseFloat(a.name) - Number.parseFloat(b.name);
}
