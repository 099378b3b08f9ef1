// The report as one HTML page that needs nothing else: no script, no network, everything escaped.
import { RESULT_OUTCOMES } from '../result-line.ts';
import { type Fleet, placeOf } from './fleet.ts';
import { headline } from './render-table.ts';
import { barChart, escapeHtml, OUTCOME_COLOURS, ringChart } from './svg-charts.ts';
import { type Breakdown, needsPerson, type Totals } from './totals.ts';

/** More rows would make the page too heavy to open; the CSV has them all. */
const LISTED = 5000;
/** More bars than can be read. */
const CHARTED = 40;

const STYLE = `
body{font:15px/1.45 "Segoe UI",system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1b1b1b;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem;border-bottom:1px solid #ddd;padding-bottom:.2rem}
table{border-collapse:collapse;width:100%;margin:.6rem 0}th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #e4e4e4;vertical-align:top}
th{background:#f5f5f5;position:sticky;top:0}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}td{overflow-wrap:anywhere}
.overview{display:flex;gap:2rem;align-items:center;flex-wrap:wrap}.key{display:inline-block;width:.8em;height:.8em;margin-right:.45em}
p.note{color:#555}@media print{th{position:static}}`;

export function* renderHtml(
  fleet: Fleet,
  totals: Totals,
  title: string,
  outlookOf: (version: string) => string,
): Generator<string> {
  yield `<!doctype html>\n<html lang="en"><head><meta charset="utf-8">`;
  yield `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`;
  yield `<meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>\n`;
  yield `<h1>${escapeHtml(title)}</h1><p>${escapeHtml(headline(fleet, totals))}</p>\n`;
  yield `<div class="overview">${ringChart(totals.outcomes, 'Results by outcome')}${legend(totals)}</div>\n`;
  yield section('By array', totals.arrays, (name) => name);
  yield section('By Outlook version', totals.outlooks, (version) => `${outlookOf(version)} (${version})`);
  yield section('Why refused or failed', totals.reasons, (name) => name);
  yield* personList(fleet, totals);
  yield problemList(fleet);
  yield '</body></html>\n';
}

function legend({ outcomes, results }: Totals): string {
  const rows = RESULT_OUTCOMES.flatMap((outcome) => {
    const count = outcomes[outcome];
    if (count === undefined) return [];
    const share = `${((100 * count) / results).toFixed(1)} %`;
    const key = `<span class="key" style="background:${OUTCOME_COLOURS[outcome]}"></span>`;
    return [`<tr><td>${key}${outcome}</td><td class="n">${count}</td><td class="n">${share}</td></tr>`];
  });
  return `<table style="width:auto"><tbody>${rows.join('')}</tbody></table>`;
}

function section(title: string, rows: readonly Breakdown[], nameOf: (name: string) => string): string {
  if (rows.length === 0) return '';
  const columns = RESULT_OUTCOMES.filter((outcome) => rows.some(({ outcomes }) => outcomes[outcome] !== undefined));
  const head = columns.map((column) => `<th class="n">${column}</th>`).join('');
  const body = rows.map(({ name, outcomes, total }) => {
    const cells = columns.map((column) => `<td class="n">${outcomes[column] ?? ''}</td>`).join('');
    return `<tr><td>${escapeHtml(nameOf(name))}</td>${cells}<td class="n">${total}</td></tr>`;
  });
  return (
    `<h2>${title}</h2>${barChart(rows.slice(0, CHARTED), title, nameOf)}` +
    `<table><thead><tr><th></th>${head}<th class="n">total</th></tr></thead><tbody>${body.join('')}</tbody></table>\n`
  );
}

function* personList({ entries }: Fleet, totals: Totals): Generator<string> {
  if (totals.needsPerson === 0) {
    yield '<h2>What needs a person</h2><p>Nothing.</p>\n';
    return;
  }
  yield `<h2>What needs a person: ${totals.needsPerson}</h2><table><thead><tr><th>computer</th><th>source</th><th>profile</th><th>outcome</th><th>why</th></tr></thead><tbody>\n`;
  let listed = 0;
  for (const entry of entries) {
    if (!needsPerson(entry)) continue;
    if (++listed > LISTED) break;
    const why = entry.attention.length > 0 ? entry.attention : entry.reasons;
    const cells = [entry.computer, entry.source, entry.profile, entry.outcome].map(
      (text) => `<td>${escapeHtml(text)}</td>`,
    );
    yield `<tr>${cells.join('')}<td>${why.map(escapeHtml).join('<br>')}</td></tr>\n`;
  }
  yield '</tbody></table>\n';
  if (totals.needsPerson > LISTED) yield `<p class="note">and ${totals.needsPerson - LISTED} more: see the CSV.</p>\n`;
}

function problemList({ problems, unreadable }: Fleet): string {
  if (unreadable === 0) return '';
  const rows = problems.map((found) => `<li>${escapeHtml(`${placeOf(found)}: ${found.problem}`)}</li>`);
  const more = unreadable > problems.length ? `<li>and ${unreadable - problems.length} more</li>` : '';
  return `<h2>Not counted: ${unreadable}</h2><ul>${rows.join('')}${more}</ul>\n`;
}
