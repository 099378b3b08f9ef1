// The bench's arithmetic: what a row of rounds says, and whether a series grows.

import { median } from './two-sample.ts';

/** The middle one of the rounds' figures with the extremes. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error('a spread of nothing');
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** Round by round the figure of one over that of the other: what slows the machine for a while slows both alike. */
export function ratios(subject: readonly number[], limit: readonly number[]): Spread {
  if (subject.length !== limit.length) throw new Error(`${subject.length} rounds against ${limit.length}`);
  return spread(subject.map((value, round) => value / (limit[round] ?? Number.NaN)));
}

/** The value that the share `p` of all is not above (nearest rank); `sorted` is ascending. */
export function percentile(sorted: ArrayLike<number>, p: number): number {
  const at = Math.min(sorted.length, Math.max(1, Math.ceil(p * sorted.length)));
  return sorted[at - 1] ?? Number.NaN;
}

/** The straight line through points by least squares: its slope, and the slope's standard error. */
export function slope(points: readonly { readonly x: number; readonly y: number }[]): { slope: number; error: number } {
  const n = points.length;
  if (n < 3) throw new Error(`a slope needs three points, not ${n}`);
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / n;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / n;
  const squares = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const rise = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / squares;
  const rest = points.reduce((sum, { x, y }) => sum + (y - meanY - rise * (x - meanX)) ** 2, 0);
  return { slope: rise, error: Math.sqrt(rest / (n - 2) / squares) };
}
