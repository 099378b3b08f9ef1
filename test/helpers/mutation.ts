// Seeded damage to byte strings, for tests that a parser answers anything with a value or a coded error. The same seed gives
// the same damage, so a failing round can be repeated.

/** A small repeatable generator (mulberry32): numbers from 0 up to, not including, 1. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** Mutations per sample in this run; FUZZ_RUNS raises them. */
export function mutationRuns(usual: number): number {
  return Number(process.env.FUZZ_RUNS ?? usual);
}

/** A copy with one to four random damages: bytes changed, inserted, removed, repeated, swapped with extremes, or cut off. */
export function mutate(source: Buffer, random: () => number): Buffer {
  let data = Buffer.from(source);
  const below = (limit: number): number => Math.floor(random() * limit);
  for (let damage = 0; damage <= below(4); damage++) {
    const at = below(data.length + 1);
    const length = 1 + below(8);
    switch (below(6)) {
      case 0:
        if (at < data.length) data[at] = below(256);
        break;
      case 1:
        data = Buffer.concat([
          data.subarray(0, at),
          Buffer.from(Array.from({ length }, () => below(256))),
          data.subarray(at),
        ]);
        break;
      case 2:
        data = Buffer.concat([data.subarray(0, at), data.subarray(at + length)]);
        break;
      case 3:
        data = Buffer.concat([data.subarray(0, at), data.subarray(at, at + length * 4), data.subarray(at)]);
        break;
      case 4:
        if (at < data.length) data[at] = [0x00, 0x7f, 0x80, 0xff, 0x84, 0x0a][below(6)] ?? 0;
        break;
      default:
        if (random() < 0.3) data = data.subarray(0, at);
        else if (at < data.length) data[at] = (data[at] as number) ^ (1 << below(8));
    }
  }
  return data;
}
