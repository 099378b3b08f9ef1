// Probes side by side, a bounded number at a time, and each question asked once however many checks want its answer.

/** Runs `task` over the items, at most `limit` at a time; the results are in the items' order. The first rejection rejects the whole. */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  task: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await task(items[at] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}

/** The same function, whose answer for a key is asked for once and then shared. */
export function once<R>(ask: (key: string) => Promise<R>): (key: string) => Promise<R> {
  const known = new Map<string, Promise<R>>();
  return (key) => {
    const before = known.get(key);
    if (before) return before;
    const asked = ask(key);
    known.set(key, asked);
    return asked;
  };
}
