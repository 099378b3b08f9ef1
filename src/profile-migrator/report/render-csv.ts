// The report as CSV (RFC 4180), one row per profile, for a spreadsheet.
import type { Fleet, FleetEntry } from './fleet.ts';
import { needsPerson } from './totals.ts';

const COLUMNS: readonly [string, (entry: FleetEntry) => string][] = [
  ['computer', ({ computer }) => computer],
  ['source', ({ source }) => source],
  ['user', ({ user }) => user],
  ['profile', ({ profile }) => profile],
  ['outlook', ({ outlook }) => outlook],
  ['outcome', ({ outcome }) => outcome],
  ['arrays', ({ arrays }) => arrays.join(' ')],
  ['reasons', ({ reasons }) => reasons.join(' ')],
  ['needs a person', (entry) => (needsPerson(entry) ? 'yes' : 'no')],
  ['attention', ({ attention }) => attention.join('; ')],
  ['command', ({ command }) => command],
  ['time', ({ time }) => time],
];

/** Line by line, with a byte order mark so that spreadsheets take it for UTF-8. */
export function* renderCsv({ entries }: Fleet): Generator<string> {
  yield `\ufeff${COLUMNS.map(([name]) => field(name)).join(',')}\r\n`;
  for (const entry of entries) yield `${COLUMNS.map(([, of]) => field(of(entry))).join(',')}\r\n`;
}

/** Profile and folder names are other people's text: a spreadsheet must not take them for formulas, also in full-width signs (OWASP, CSV Injection). */
function field(text: string): string {
  const safe = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
