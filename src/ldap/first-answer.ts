// One question, several who can answer it.

/** What becomes of a rejection: it is the answer; nobody else need be asked; or the next one is. */
export type Meaning = 'answer' | 'vain' | 'next';

export interface Asking<C, T> {
  /** `hurry` may be called while no answer has come: the second candidate is then asked although the first may still answer. */
  readonly ask: (candidate: C, hurry: () => void) => Promise<T>;
  readonly meaning: (error: unknown) => Meaning;
}

/**
 * Asks one candidate after the other until somebody answers; undefined when nobody does. Rejects with a rejection that is an answer at once,
 * with a vain one when those who were asked before do not answer either. Who hurries has two asked at a time, so only what may be asked
 * twice is to be hurried.
 */
export function firstAnswer<C, T>(
  candidates: readonly C[],
  { ask, meaning }: Asking<C, T>,
): Promise<{ readonly value: T } | undefined> {
  return new Promise((resolve, reject) => {
    let next = 0;
    let running = 0;
    let settled = false;
    let vain: { readonly error: unknown } | undefined;
    const answered = (value: T) => {
      settled = true;
      resolve({ value });
    };
    const failed = (error: unknown) => {
      running -= 1;
      const means = meaning(error);
      if (means === 'vain') vain ??= { error };
      if (means === 'answer') {
        settled = true;
        reject(error);
      } else if (!vain) {
        if (!settled) askNext();
      } else if (running === 0) reject(vain.error);
    };
    const hurry = () => {
      if (!settled && !vain && next === 1 && candidates.length > 1) askNext();
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
