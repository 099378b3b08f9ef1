// Refusals leave on the beat of a clock that starts with their request. A directory is a little faster when it finds nothing than when it
// finds an account whose password is wrong; behind the beat the difference is not to be seen, unless an answer takes longer than one.

/** Milliseconds of a beat: more than a look-up and a bind take on a healthy network, and less than a person notices. */
export const REFUSAL_BEAT_MS = 50;

/** Milliseconds from `elapsed` to the next beat: whole ones, as timers are, and never fewer than one. */
export function untilBeat(elapsed: number, beatMs: number): number {
  return Math.max(1, Math.ceil((Math.floor(elapsed / beatMs) + 1) * beatMs - elapsed));
}

/** Resolves on the next beat after `began`, a time of performance.now(). */
export function nextBeat(began: number, beatMs = REFUSAL_BEAT_MS): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, untilBeat(performance.now() - began, beatMs));
  });
}
