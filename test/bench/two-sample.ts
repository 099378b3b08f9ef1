// Whether two samples of times come from one distribution: the Mann-Whitney test, which asks whether one tends to be longer, and the
// Kolmogorov-Smirnov test, which sees any difference of shape. Both are free of assumptions about the shape of latencies.

export interface TwoSample {
  /** Mann-Whitney z: normal with deviation 1 when there is no difference. */
  readonly z: number;
  /** Kolmogorov-Smirnov D times sqrt(nm/(n+m)); above 1.95 has a chance of 1 in 1,000 when there is no difference. */
  readonly ks: number;
}

export function compare(a: readonly number[], b: readonly number[]): TwoSample {
  const all = [...a.map((value) => ({ value, first: true })), ...b.map((value) => ({ value, first: false }))];
  all.sort((x, y) => x.value - y.value);
  const [n, m] = [a.length, b.length];
  let rankSum = 0;
  let ties = 0;
  let [seenA, seenB, distance] = [0, 0, 0];
  for (let at = 0; at < all.length; ) {
    let end = at;
    while (end < all.length && all[end]?.value === all[at]?.value) end += 1;
    const size = end - at;
    const firsts = all.slice(at, end).filter((one) => one.first).length;
    // Equal values share the mean of their ranks, which begin with 1.
    rankSum += firsts * ((at + 1 + end) / 2);
    ties += size ** 3 - size;
    seenA += firsts;
    seenB += size - firsts;
    distance = Math.max(distance, Math.abs(seenA / n - seenB / m));
    at = end;
  }
  const u = rankSum - (n * (n + 1)) / 2;
  const total = n + m;
  const deviation = Math.sqrt(((n * m) / 12) * (total + 1 - ties / (total * (total - 1))));
  return { z: deviation === 0 ? 0 : (u - (n * m) / 2) / deviation, ks: distance * Math.sqrt((n * m) / total) };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((x, y) => x - y);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? (sorted[half] ?? 0) : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
}
