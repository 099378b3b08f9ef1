#!/usr/bin/env node
// The autodiscover program: a table of commands, and the one place where its errors become exit codes.

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { arrayCommand } from '../admin/commands/array.ts';
import { balancerCommand } from '../admin/commands/balancer.ts';
import { databaseCommand } from '../admin/commands/database.ts';
import { doctorCommand } from '../admin/commands/doctor.ts';
import { explainCommand } from '../admin/commands/explain.ts';
import { policyCommand } from '../admin/commands/policy.ts';
import { replayCommand } from '../admin/commands/replay.ts';
import { scpCommand } from '../admin/commands/scp.ts';
import { printableLines } from '../admin/commands/table.ts';
import { undoCommand } from '../admin/commands/undo.ts';
import { verifyCommand } from '../admin/commands/verify.ts';
import { clientFilesCommand } from '../autodiscover/commands/client-files.ts';
import type { CommandIo } from '../autodiscover/commands/command-io.ts';
import { configCommand } from '../autodiscover/commands/config.ts';
import { queryCommand } from '../autodiscover/commands/query.ts';
import { serveCommand } from '../autodiscover/commands/serve.ts';
import { environment } from '../autodiscover/config.ts';
import { outliveLostOutput } from './lost-output.ts';

const COMMANDS = [
  serveCommand,
  configCommand,
  queryCommand,
  clientFilesCommand,
  verifyCommand,
  doctorCommand,
  balancerCommand,
  replayCommand,
  arrayCommand,
  databaseCommand,
  scpCommand,
  undoCommand,
  explainCommand,
  policyCommand,
];

/** Codes of errors that the user mends by calling differently or by changing the configuration. */
const USAGE_CODES = new Set(['configuration']);

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

// Standard error is the service's log: it goes on without one, and on with it when it can be written again.
outliveLostOutput({ program: 'autodiscover', kept: [process.stdout], mayLose: [process.stderr] });

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
for (const command of program.commands) inherit(command);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Sub-commands end with exceptions too, instead of ending the process themselves. */
function inherit(command: Command): void {
  command.copyInheritedSettings(command.parent ?? program);
  for (const child of command.commands) inherit(child);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const { code, message, stack } = error as Error & { code?: string };
  // Errors of ours carry a code and a message made for people; anything else is a bug and shows where.
  process.stderr.write(`autodiscover: ${code === undefined ? (stack ?? String(error)) : printableLines(message)}\n`);
  return code !== undefined && USAGE_CODES.has(code) ? 2 : 1;
}
