// A second start for programs that Windows could not start: anti-virus holds the file, or memory for processes is short for a moment.
// Such a program has done nothing, so that starting it once more is safe even for an import. What has been started is never repeated.
import type { ProcessRunner } from './child-process.ts';

export interface StartAgainDeps {
  readonly pause: (milliseconds: number) => Promise<void>;
  /** Told what happened, in words for people. */
  readonly note: (text: string) => void;
}

const PAUSE_MS = 1000;

/** Reasons that are there a second later as well: no such program, no right to run it, a command line that cannot be. */
const LASTING: ReadonlySet<string> = new Set([
  'E2BIG',
  'EACCES',
  'EINVAL',
  'ELOOP',
  'ENAMETOOLONG',
  'ENOENT',
  'ENOEXEC',
  'ENOTDIR',
  'EPERM',
]);

/** The runner, but for a program that could not be started for a reason that may pass: that is started once more, and told. */
export function startingAgain(runner: ProcessRunner, { pause, note }: StartAgainDeps): ProcessRunner {
  return {
    async run(program, args, options) {
      const first = await runner.run(program, args, options);
      if (first.outcome !== 'missing' || first.reason === undefined || LASTING.has(first.reason)) return first;
      await pause(PAUSE_MS);
      const second = await runner.run(program, args, options);
      const name = program.slice(program.lastIndexOf('\\') + 1);
      const failed = `${name} could not be started (${first.reason})`;
      const later = `${PAUSE_MS / 1000} s later`;
      note(
        second.outcome === 'missing'
          ? `${failed}, nor ${later} (${second.reason ?? 'no reason given'})`
          : `${failed} and was started once more, ${later}`,
      );
      return second;
    },
  };
}
