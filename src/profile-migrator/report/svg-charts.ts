// Charts as inline SVG: no script, no network, readable in print.
import { RESULT_OUTCOMES, type ResultOutcome } from '../result-line.ts';
import type { Breakdown, OutcomeCounts } from './totals.ts';

/** Told apart also without colours by their order and the legend. */
export const OUTCOME_COLOURS: Readonly<Record<ResultOutcome, string>> = {
  changed: '#2e7d32',
  deferred: '#7cb342',
  planned: '#1976d2',
  restored: '#6a4ca3',
  'nothing-to-do': '#9e9e9e',
  left: '#c9a227',
  refused: '#ef6c00',
  failed: '#c62828',
};

export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  // Control characters have no place in HTML, not even escaped.
  return text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign).replace(/[^\P{Cc}\t\n\r]/gu, '\ufffd');
}

/** A ring whose parts are the outcomes' shares. */
export function ringChart(counts: OutcomeCounts, title: string): string {
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  if (total === 0) return '';
  const circumference = 2 * Math.PI * 40;
  let offset = 0;
  const rings = RESULT_OUTCOMES.flatMap((outcome) => {
    const count = counts[outcome] ?? 0;
    if (count === 0) return [];
    const length = (count / total) * circumference;
    const ring =
      `<circle cx="60" cy="60" r="40" fill="none" stroke="${OUTCOME_COLOURS[outcome]}" stroke-width="22"` +
      ` stroke-dasharray="${length.toFixed(3)} ${(circumference - length).toFixed(3)}" stroke-dashoffset="${(-offset).toFixed(3)}">` +
      `<title>${outcome}: ${count}</title></circle>`;
    offset += length;
    return [ring];
  });
  return (
    `<svg role="img" aria-label="${escapeHtml(title)}" viewBox="0 0 120 120" width="220" height="220">` +
    `<g transform="rotate(-90 60 60)">${rings.join('')}</g>` +
    `<text x="60" y="64" text-anchor="middle" font-size="14">${total}</text></svg>`
  );
}

const BAR_HEIGHT = 22;
const BAR_WIDTH = 420;
const LABEL_WIDTH = 260;

/** One bar per row, divided by outcome, all on one scale. */
export function barChart(rows: readonly Breakdown[], title: string, nameOf: (name: string) => string): string {
  if (rows.length === 0) return '';
  const largest = Math.max(...rows.map(({ total }) => total));
  const bars = rows.map((row, i) => {
    const y = i * (BAR_HEIGHT + 8);
    let x = LABEL_WIDTH;
    const parts = RESULT_OUTCOMES.flatMap((outcome) => {
      const count = row.outcomes[outcome] ?? 0;
      if (count === 0) return [];
      const width = (count / largest) * BAR_WIDTH;
      const part =
        `<rect x="${x.toFixed(2)}" y="${y}" width="${width.toFixed(2)}" height="${BAR_HEIGHT}" fill="${OUTCOME_COLOURS[outcome]}">` +
        `<title>${outcome}: ${count}</title></rect>`;
      x += width;
      return [part];
    });
    const name = nameOf(row.name);
    const label = name.length > 38 ? `${name.slice(0, 37)}…` : name;
    return (
      `<text x="${LABEL_WIDTH - 8}" y="${y + 15}" text-anchor="end">${escapeHtml(label)}</text>${parts.join('')}` +
      `<text x="${(x + 6).toFixed(2)}" y="${y + 15}">${row.total}</text>`
    );
  });
  const height = rows.length * (BAR_HEIGHT + 8);
  return `<svg role="img" aria-label="${escapeHtml(title)}" viewBox="0 0 ${LABEL_WIDTH + BAR_WIDTH + 80} ${height}" width="100%" font-size="13">${bars.join('')}</svg>`;
}
