// One question, several who can answer it.

export interface Asking<C, T> {
  /** `hurry` may be called while no answer has come: the second candidate is then asked although the first may still answer. */
  readonly ask: (candidate: C, hurry: () => void) => Promise<T>;
  /** True for a rejection that everybody else would repeat. */
  readonly isFinal: (error: unknown) => boolean;
}

/**
 * Asks one candidate after the other until somebody answers; undefined when nobody does. After a final rejection nobody else is asked, and it
 * rejects with that unless who was asked before answers yet. Who hurries has two asked at a time, so only what may be asked twice is to be
 * hurried.
 */
export function firstAnswer<C, T>(
  candidates: readonly C[],
  { ask, isFinal }: Asking<C, T>,
): Promise<{ readonly value: T } | undefined> {
  return new Promise((resolve, reject) => {
    let next = 0;
    let running = 0;
    let settled = false;
    const answered = (value: T) => {
      settled = true;
      resolve({ value });
    };
    let final: { readonly error: unknown } | undefined;
    const failed = (error: unknown) => {
      running -= 1;
      if (isFinal(error)) final ??= { error };
      if (!final) {
        if (!settled) askNext();
      } else if (running === 0) reject(final.error);
    };
    const hurry = () => {
      if (!settled && !final && next === 1 && candidates.length > 1) askNext();
    };
    const askNext = () => {
      const candidate = candidates[next];
      if (candidate === undefined) {
        if (running === 0) resolve(undefined);
        return;
      }
      next += 1;
      running += 1;
      ask(candidate, hurry).then(answered, failed);
    };
    askNext();
  });
}
