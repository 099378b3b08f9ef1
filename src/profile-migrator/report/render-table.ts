// The report for a terminal.
import Table from 'cli-table3';
import { RESULT_OUTCOMES } from '../result-line.ts';
import { type Fleet, placeOf } from './fleet.ts';
import { type Breakdown, needsPerson, type Totals } from './totals.ts';

/** Rows of the list of what needs a person; the rest is in the CSV. */
const LISTED = 50;

export interface Wording {
  outlook(version: string): string;
  /** Makes other people's text safe for a terminal. */
  printable(text: string): string;
}

export function renderTable(fleet: Fleet, totals: Totals, { outlook, printable }: Wording): string {
  const parts = [printable(headline(fleet, totals))];
  parts.push(
    plainTable(
      ['outcome', 'results'],
      Object.entries(totals.outcomes).map(([name, n]) => [name, String(n)]),
    ),
  );
  parts.push(breakdownTable('array', totals.arrays, printable));
  parts.push(breakdownTable('Outlook', totals.outlooks, (version) => `${outlook(version)} (${printable(version)})`));
  parts.push(breakdownTable('refused or failed because', totals.reasons, printable));
  if (totals.needsPerson > 0) parts.push(personTable(fleet, totals, printable));
  for (const found of fleet.problems)
    parts.push(`not counted: ${printable(placeOf(found))}: ${printable(found.problem)}`);
  if (fleet.unreadable > fleet.problems.length)
    parts.push(`not counted: ${fleet.unreadable - fleet.problems.length} more`);
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

export function headline({ files, lines, inspections }: Fleet, totals: Totals): string {
  const when = totals.from === undefined ? '' : `, ${totals.from} to ${totals.until}`;
  const ignored = inspections > 0 ? ` (${inspections} of inspect, not counted)` : '';
  return (
    `${count(totals.results, 'result')} (${count(totals.profiles, 'profile')}) on ${count(totals.computers, 'computer')}` +
    ` from ${count(lines, 'line')}${ignored} of ${count(files, 'file')}${when}`
  );
}

function breakdownTable(title: string, rows: readonly Breakdown[], nameOf: (name: string) => string): string {
  if (rows.length === 0) return '';
  const columns = RESULT_OUTCOMES.filter((outcome) => rows.some(({ outcomes }) => outcomes[outcome] !== undefined));
  return plainTable(
    [title, ...columns, 'total'],
    rows.map(({ name, outcomes, total }) => [
      nameOf(name),
      ...columns.map((c) => String(outcomes[c] ?? '')),
      String(total),
    ]),
  );
}

function personTable({ entries }: Fleet, totals: Totals, printable: (text: string) => string): string {
  const rows = entries.filter(needsPerson).slice(0, LISTED);
  const table = plainTable(
    ['needs a person', 'profile', 'outcome', 'why'],
    rows.map(({ computer, source, profile, outcome, attention, reasons }) => [
      printable(`${computer} ${source}`.trim()),
      printable(profile),
      outcome,
      printable(attention.join('\n') || reasons.join(' ')),
    ]),
    [40, 16, 14, 60],
  );
  const more = totals.needsPerson - rows.length;
  return more > 0 ? `${table}\nand ${more} more: see --csv or --html` : table;
}

function plainTable(head: readonly string[], rows: readonly string[][], widths?: number[]): string {
  const table = new Table({
    head: [...head],
    style: { head: [], border: [], compact: widths === undefined },
    colAligns: head.map((_, i) => (widths === undefined && i > 0 ? 'right' : 'left')),
    ...(widths === undefined ? {} : { colWidths: widths, wordWrap: true, wrapOnWordBoundary: true }),
  });
  table.push(...rows);
  return table.toString();
}

function count(n: number, one: string): string {
  return `${n} ${one}${n === 1 ? '' : 's'}`;
}
