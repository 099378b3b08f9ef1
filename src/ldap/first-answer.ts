// One question, several who can answer it.

export interface Asking<C, T> {
  readonly ask: (candidate: C) => Promise<T>;
  /** True for a rejection that everybody else would repeat. */
  readonly isFinal: (error: unknown) => boolean;
  /** When the second candidate is asked although the first may still answer: after so many milliseconds, and if this holds then. */
  readonly patience?: { readonly ms: number; readonly isOver: () => boolean };
}

/**
 * Asks one candidate after the other until somebody answers. Rejects with a final rejection; undefined when nobody answers. With
 * `patience` two may be asked at a time, so only what may be asked twice is to be asked so.
 */
export function firstAnswer<C, T>(
  candidates: readonly C[],
  { ask, isFinal, patience }: Asking<C, T>,
): Promise<{ readonly value: T } | undefined> {
  return new Promise((resolve, reject) => {
    let next = 0;
    let running = 0;
    let timer: NodeJS.Timeout | undefined;
    let settled = false;
    const settle = (how: () => void) => {
      settled = true;
      clearTimeout(timer);
      how();
    };
    const askNext = () => {
      if (settled) return;
      if (next === candidates.length) {
        if (running === 0) settle(() => resolve(undefined));
        return;
      }
      running += 1;
      ask(candidates[next++] as C).then(
        (value) => settle(() => resolve({ value })),
        (error: unknown) => {
          running -= 1;
          if (isFinal(error)) settle(() => reject(error));
          else askNext();
        },
      );
    };
    askNext();
    if (patience && candidates.length > 1)
      timer = setTimeout(() => next === 1 && patience.isOver() && askNext(), patience.ms);
  });
}
