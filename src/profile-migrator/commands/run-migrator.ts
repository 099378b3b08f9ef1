// The command line as a function: arguments and dependencies in, exit code out. Every error ends here as text and a code.
import { Command, CommanderError } from 'commander';
import { RegistryError, UsageError } from '../errors.ts';
import { exitCodeHelp, exitCodeOf, type Outcome } from '../exit-codes.ts';
import { POLICY_EXAMPLE } from '../plan/policy-file.ts';
import { applyCommand } from './apply.ts';
import type { MigratorDeps } from './deps.ts';
import { outcomeOfError } from './error-outcome.ts';
import { inspectCommand } from './inspect.ts';
import { planCommand } from './plan.ts';
import { reportCommand } from './report.ts';
import { rollbackCommand } from './rollback.ts';
import { printableLines } from './style.ts';

export async function runMigrator(args: readonly string[], deps: MigratorDeps): Promise<number> {
  const { convention } = deps.config;
  let outcomes: readonly Outcome[] = [];
  const run = async (work: () => Promise<Outcome[]>): Promise<void> => {
    outcomes = await work();
  };
  try {
    await createProgram(deps, run).parseAsync(args.map(fromWindowsHabit(deps)), { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return exitCodeOf([error.exitCode === 0 ? 'done' : 'usage'], convention);
    const known = error instanceof UsageError || error instanceof RegistryError;
    deps.stderr.write(
      `profile-migrator: ${known ? printableLines(error.message) : ((error as Error).stack ?? String(error))}\n`,
    );
    return exitCodeOf([outcomeOfError(error)], convention);
  }
  return exitCodeOf(outcomes, convention);
}

function createProgram(deps: MigratorDeps, run: (work: () => Promise<Outcome[]>) => Promise<void>): Command {
  const program = new Command('profile-migrator')
    .description('Moves existing Outlook profiles to a CAS array of Exchange 2010: shows it, proves it, undoes it.')
    .version(deps.program)
    .addHelpText(
      'after',
      `\n${exitCodeHelp(deps.config.convention)}\n\nA policy file (--policy):\n${POLICY_EXAMPLE}\n`,
    );
  for (const command of [inspectCommand, planCommand, applyCommand, rollbackCommand, reportCommand])
    program.addCommand(command(deps, run));
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => deps.stdout.write(text),
      writeErr: (text) => deps.stderr.write(text),
      getOutHelpWidth: () => deps.stdout.columns ?? 120,
    });
    if (command !== program) command.addHelpText('after', `\n${exitCodeHelp(deps.config.convention)}\n`);
  }
  return program;
}

/** Deployment tools are used to /quiet and /q. */
function fromWindowsHabit(deps: MigratorDeps): (argument: string) => string {
  return (argument) =>
    deps.config.convention === 'windows' && /^\/q(?:uiet)?$/i.test(argument) ? '--quiet' : argument;
}
