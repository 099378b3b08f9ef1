// Questions to the person at the terminal. Where there is none, nobody is asked and nothing is assumed.

import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';

export function hasTerminal(io: CommandIo): boolean {
  return io.stdin.isTTY === true;
}

/** Reads one line; undefined when the input ends or Ctrl+C is pressed. Hidden input echoes nothing. */
export function ask(
  io: CommandIo,
  question: string,
  options: { readonly hidden?: boolean } = {},
): Promise<string | undefined> {
  const hidden = options.hidden === true;
  io.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: io.stdin, output: silent, terminal: hidden });
  return new Promise((resolve) => {
    const answer = (line: string | undefined) => {
      lines.removeAllListeners();
      lines.close();
      if (hidden) io.stderr.write('\n');
      resolve(line);
    };
    lines.once('line', answer);
    lines.once('close', () => answer(undefined));
    lines.once('SIGINT', () => answer(undefined));
  });
}

/** True only for a spoken yes. */
export async function confirm(io: CommandIo, question: string): Promise<boolean> {
  const answer = await ask(io, `${question} [y/N] `);
  return /^y(es)?$/i.test(answer?.trim() ?? '');
}
