// `autodiscover policy`: the profile migrator's policy file, written from the directory.

import { Command } from 'commander';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import { writeNewFiles } from '../../autodiscover/commands/output-files.ts';
import { AdminError } from '../errors.ts';
import { findArray } from '../find-objects.ts';
import { policyOf } from '../policy.ts';
import { type DirectoryFlags, printJson, withDirectory, withDirectoryFlags } from './directory-flags.ts';

interface PolicyFlags extends DirectoryFlags {
  readonly array?: string[];
  readonly until?: string;
  readonly out?: string;
}

export function policyCommand(io: CommandIo): Command {
  return withDirectoryFlags(new Command('policy'))
    .description("print profile-migrator's policy file: which server names each CAS array replaces")
    .option('--array <array...>', 'only these CAS arrays')
    .option('--until <date>', 'last day (YYYY-MM-DD) on which the migrator acts')
    .option('--out <file>', 'write it to a new file')
    .addHelpText(
      'after',
      '\nThe file is JSON with and without --json. Exit codes: 0 done; 1 no such array, or none with members; 2 wrong usage or configuration.',
    )
    .action((flags: PolicyFlags) => policy(flags, io));
}

function policy(flags: PolicyFlags, io: CommandIo): Promise<void> {
  const { until } = flags;
  if (until !== undefined && !isDay(until)) {
    throw new AdminError('configuration', `--until ${until}: must be a day, as 2027-03-31`);
  }
  return withDirectory(flags, io, async (directory) => {
    const index = directory.organization();
    const arrays = flags.array ? flags.array.map((name) => findArray(index, name)) : index.organization.arrays;
    const { policy, leftOut } = policyOf(index, [...new Set(arrays)], until);
    for (const line of leftOut) io.stderr.write(`warning: ${line}\n`);
    if (policy.arrays.length === 0) {
      throw new AdminError(
        'rule',
        'there is no CAS array with a name and members, so there is nothing to migrate profiles to',
      );
    }
    const text = `${JSON.stringify(policy, null, 2)}\n`;
    if (flags.out === undefined) return void io.stdout.write(text);
    try {
      await writeNewFiles([{ path: flags.out, content: text }]);
    } catch (error) {
      throw new AdminError('configuration', `writing --out ${flags.out}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    if (flags.json) return printJson(io, { file: flags.out, policy });
    io.stdout.write(`${flags.out}: ${policy.arrays.length} CAS arrays\n`);
  });
}

function isDay(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`);
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}
