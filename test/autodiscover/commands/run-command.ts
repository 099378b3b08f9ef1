// Runs a command as a user does, with streams in place of the terminal.
import { PassThrough } from 'node:stream';
import type { Command } from 'commander';
import type { CommandIo } from '../../../src/autodiscover/commands/command-io.ts';

export interface Run {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | undefined;
  /** Whether the terminal's echo was off at each question. */
  readonly quietWhenAsked: readonly boolean[];
  /** What the command threw: a usage error, or a commander error. */
  readonly error: (Error & { code?: string }) | undefined;
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  /** What a person types; its presence makes standard input a terminal. */
  readonly types?: readonly string[];
}

export async function runCommand(
  build: (io: CommandIo) => Command,
  args: readonly string[],
  surroundings: Surroundings = {},
): Promise<Run> {
  const stdout = collector();
  const stderr = collector();
  const lines = [...(surroundings.types ?? [])];
  const quietWhenAsked: boolean[] = [];
  let raw = false;
  const stdin = Object.assign(new PassThrough(), {
    isTTY: surroundings.types !== undefined,
    setRawMode: (mode: boolean) => {
      raw = mode;
      return stdin;
    },
  });
  // A person answers when asked: each question that is written to standard error gets the next line, at once.
  const write = stderr.stream.write.bind(stderr.stream) as (chunk: string) => boolean;
  stderr.stream.write = ((chunk: string) => {
    if (/(: |\] )$/.test(chunk) && lines.length > 0) {
      quietWhenAsked.push(raw);
      setImmediate(() => stdin.write(`${lines.shift()}\r`));
    }
    return write(chunk);
  }) as typeof stderr.stream.write;
  let exitCode: number | undefined;
  const io: CommandIo = {
    stdout: stdout.stream,
    stderr: stderr.stream,
    stdin: stdin as unknown as CommandIo['stdin'],
    env: surroundings.env ?? {},
    setExitCode: (code) => {
      exitCode = code;
    },
    stopRequested: () => new Promise(() => {}),
  };
  const command = build(io)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.stream.write(text),
      writeErr: (text) => void stderr.stream.write(text),
    });
  let error: Run['error'];
  try {
    await command.parseAsync(args, { from: 'user' });
  } catch (thrown) {
    error = thrown as Run['error'];
  }
  return { stdout: stdout.text(), stderr: stderr.text(), exitCode, quietWhenAsked, error };
}

function collector(): { readonly stream: PassThrough; text(): string } {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { stream, text: () => Buffer.concat(chunks).toString() };
}
