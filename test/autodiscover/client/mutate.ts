// Seeded damage for parser tests: the same seed gives the same damage, so a find can be replayed. FUZZ_RUNS raises the count.

/** Mulberry32: a small seeded generator of numbers in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Mutations per sample in this run. */
export function mutationRuns(usual: number): number {
  return Number(process.env.FUZZ_RUNS ?? usual);
}

/** One to four random edits: a byte changed, a bit flipped, a piece cut out, doubled or inserted, the end cut off. */
export function mutate(sample: Buffer, random: () => number): Buffer {
  let bytes = Buffer.from(sample);
  const pick = (limit: number): number => Math.floor(random() * limit);
  for (let edits = 1 + pick(4); edits > 0; edits--) {
    const at = pick(bytes.length + 1);
    const length = pick(12);
    const tail = bytes.subarray(at);
    const head = bytes.subarray(0, at);
    switch (pick(6)) {
      case 0:
        if (at < bytes.length) bytes.writeUInt8([0, 1, 0x7f, 0x80, 0xff, pick(256)][pick(6)] ?? 0, at);
        break;
      case 1:
        if (at < bytes.length) bytes.writeUInt8((bytes[at] ?? 0) ^ (1 << pick(8)), at);
        break;
      case 2:
        bytes = Buffer.concat([head, tail.subarray(length)]);
        break;
      case 3:
        bytes = Buffer.concat([head, tail.subarray(0, length), tail]);
        break;
      case 4:
        bytes = Buffer.concat([head, Buffer.from(Array.from({ length }, () => pick(256))), tail]);
        break;
      default:
        bytes = Buffer.from(head);
    }
  }
  return bytes;
}
