// Questions to the person at the terminal: a secret without echo, and a yes or no. Both go to standard error, so that standard output
// stays what was asked for. Without a terminal nothing is asked.
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** The part of a command's surroundings that asking needs. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream;
}

/** True when somebody can be asked. */
export function canAsk(io: Terminal): boolean {
  return io.stdin.isTTY === true;
}

/** Asks for a secret. Undefined when there is no terminal, or the person gave up with Ctrl+C or Ctrl+D. */
export async function askSecret(io: Terminal, question: string): Promise<string | undefined> {
  if (!canAsk(io)) return undefined;
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const answer = await readLine(io, nowhere, question);
  io.stderr.write('\n');
  return answer;
}

/** Asks a question whose answer is no unless it is yes. */
export async function askConfirmation(io: Terminal, question: string): Promise<boolean> {
  if (!canAsk(io)) return false;
  return /^y(?:es)?$/i.test((await readLine(io, io.stderr, `${question} [y/N] `))?.trim() ?? '');
}

/** `output` is where the terminal's echo goes. The question comes after the echo is off: who types at once is not shown either. */
function readLine(io: Terminal, output: NodeJS.WritableStream, question: string): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const reader = createInterface({ input: io.stdin, output, terminal: true, historySize: 0 });
  reader.once('line', (line) => {
    resolve(line);
    reader.close();
  });
  reader.once('SIGINT', () => reader.close());
  reader.once('close', () => resolve(undefined));
  io.stderr.write(question);
  return promise;
}
