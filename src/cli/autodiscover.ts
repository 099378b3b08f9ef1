#!/usr/bin/env node
// The autodiscover program: what its commands are given, and the one place where its errors become exit codes.

import './node-version.ts';
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import type { CommandIo } from '../autodiscover/commands/command-io.ts';
import { environment } from '../autodiscover/config.ts';
import { printableLines } from '../autodiscover/printable.ts';
import { COMMANDS } from './autodiscover-commands.ts';
import { completionCommand } from './completion.ts';
import { outliveLostOutput } from './lost-output.ts';

/** Codes of errors that the user mends by calling differently or by changing the configuration. */
const USAGE_CODES = new Set(['configuration']);

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

// Standard error is the service's log: it goes on without one, and on with it when it can be written again.
outliveLostOutput({ program: 'autodiscover', kept: [process.stdout], mayLose: [process.stderr] });

/** Whether standard output has anything: an error of a --json command is a document only where there is none yet. */
let printed = false;
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = ((...given: Parameters<typeof write>) => {
  printed = true;
  return write(...given);
}) as typeof write;

const io: CommandIo = {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env: environment(),
  setExitCode: (code) => {
    process.exitCode = code;
  },
  stopRequested: () =>
    new Promise((resolve) => {
      process.once('SIGINT', () => resolve());
      process.once('SIGTERM', () => resolve());
    }),
  onReload: (action) => {
    // At a terminal it means that the terminal is gone, and the program with it.
    if (process.stdin.isTTY !== true) process.on('SIGHUP', action);
  },
};

const program = new Command('autodiscover')
  .description('Autodiscover for Exchange 2010 organisations with CAS arrays')
  .version(version)
  .exitOverride()
  .showHelpAfterError('Try: autodiscover --help');
for (const command of COMMANDS) program.addCommand(command(io));
program.addCommand(
  completionCommand(
    () => program,
    (text) => io.stdout.write(text),
  ),
);
for (const command of program.commands) inherit(command, program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Sub-commands end with exceptions too, instead of ending the process themselves, and lead to their own help. */
function inherit(command: Command, parent: Command, path = 'autodiscover'): void {
  const own = `${path} ${command.name()}`;
  command.copyInheritedSettings(parent).showHelpAfterError(`Try: ${own} --help`);
  for (const child of command.commands) inherit(child, command, own);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    if (error.code !== 'commander.help') asJson('usage', error.message.replace(/^error: /, ''));
    return 2;
  }
  const { code, message, stack } = error as Error & { code?: string };
  // Errors of ours carry a code and a message made for people; anything else is a bug and shows where.
  process.stderr.write(`autodiscover: ${printableLines(code === undefined ? (stack ?? String(error)) : message)}\n`);
  asJson(code ?? 'internal', message);
  return code !== undefined && USAGE_CODES.has(code) ? 2 : 1;
}

/** What stopped a command that was asked for JSON, for the program that waits for a document. */
function asJson(code: string, message: string): void {
  if (!printed && process.argv.includes('--json'))
    process.stdout.write(`${JSON.stringify({ error: { code, message } }, null, 2)}\n`);
}
