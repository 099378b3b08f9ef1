// What is printed is not what is done: a reader who goes away (`| head`, a log collector that restarts) or a full disk ends no program.

import type { EventEmitter } from 'node:events';

export interface OutputOf {
  /** As it is called: its name stands before the message. */
  readonly program: string;
  /** Those of which nothing may be missing, and those that may lose some. */
  readonly kept: readonly EventEmitter[];
  readonly mayLose?: readonly EventEmitter[];
}

/**
 * From now on the process outlives output that cannot be written. What is lost of the streams in `kept` makes the exit code 1 in the end,
 * unless it has one, and is told on standard error; a reader who has seen enough (EPIPE) is no loss.
 */
export function outliveLostOutput({ program, kept, mayLose = [] }: OutputOf): void {
  let lost: NodeJS.ErrnoException | undefined;
  for (const stream of kept)
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') lost ??= error;
    });
  for (const stream of mayLose) stream.on('error', () => undefined);
  process.once('exit', () => {
    if (!lost) return;
    process.stderr.write(`${program}: cannot write the output: ${lost.message}\n`);
    process.exitCode ||= 1;
  });
}
