// `autodiscover array`: Get-, New-, Set- and Remove-ClientAccessArray.

import { Command } from 'commander';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import type { OrganizationIndex } from '../../ldap/organization-index.ts';
import { AdminError } from '../errors.ts';
import { systemLookup } from '../name-lookup.ts';
import {
  databasesNaming,
  membersOf,
  planCreateArray,
  planRemoveArray,
  planSetArray,
  type SetArray,
} from '../plan-array.ts';
import { type DirectoryFlags, printJson, withDirectory, withListFlags } from './directory-flags.ts';
import { makeChange } from './make-change.ts';
import { renderTable } from './table.ts';
import { type WriterFlags, withWriterFlags } from './writer-flags.ts';

interface LookupFlags {
  readonly dns: boolean;
  readonly outsideResolver?: string;
}

interface CreateFlags extends WriterFlags, LookupFlags {
  readonly site: string;
  readonly name?: string;
}

interface SetFlags extends WriterFlags, LookupFlags, SetArray {}

export function arrayCommand(io: CommandIo): Command {
  const array = new Command('array').description('list, create, change and remove CAS arrays');
  withListFlags(array.command('list'))
    .description('list CAS arrays with their members and databases')
    .action((flags: DirectoryFlags) => list(flags, io));
  withLookupFlags(withWriterFlags(array.command('create')))
    .description('create the CAS array of an AD site (New-ClientAccessArray)')
    .argument('<fqdn>', 'the name Outlook will connect to, in full')
    .requiredOption('--site <site>', 'the AD site; its Client Access servers are the members')
    .option('--name <name>', "the object's name; the host part of the FQDN when not given")
    .action((fqdn: string, flags: CreateFlags) =>
      makeChange(flags, io, (session, isDemo) =>
        planCreateArray(session, { fqdn, site: flags.site, name: flags.name }, lookupOf(flags, isDemo)),
      ),
    );
  withLookupFlags(withWriterFlags(array.command('set')))
    .description("change a CAS array's name, FQDN or site (Set-ClientAccessArray)")
    .argument('<array>', 'name, FQDN, DN, legacyExchangeDN or GUID')
    .option('--name <name>', 'rename the object')
    .option('--fqdn <fqdn>', 'the name Outlook will connect to; the legacyExchangeDN stays')
    .option('--site <site>', 'move it to another AD site')
    .action((identity: string, flags: SetFlags) => {
      if (flags.name === undefined && flags.fqdn === undefined && flags.site === undefined) {
        throw new AdminError('configuration', 'array set: what is to change? Give --name, --fqdn or --site');
      }
      return makeChange(flags, io, (session, isDemo) =>
        planSetArray(session, identity, flags, lookupOf(flags, isDemo)),
      );
    });
  withWriterFlags(array.command('remove'))
    .description('remove a CAS array that no database names (Remove-ClientAccessArray)')
    .argument('<array>', 'name, FQDN, DN, legacyExchangeDN or GUID')
    .action((identity: string, flags: WriterFlags) =>
      makeChange(flags, io, (session) => planRemoveArray(session, identity)),
    );
  return array;
}

function withLookupFlags(command: Command): Command {
  return command
    .option('--no-dns', 'do not look the FQDN up')
    .option(
      '--outside-resolver <address>',
      'a DNS resolver outside the company, to see whether the FQDN resolves there',
    );
}

/** The demo's names are in no DNS. */
function lookupOf({ dns, outsideResolver }: LookupFlags, isDemo: boolean) {
  return dns && !isDemo ? systemLookup(outsideResolver) : undefined;
}

function list(flags: DirectoryFlags, io: CommandIo): Promise<void> {
  return withDirectory(flags, io, async (directory) => {
    const arrays = describeArrays(directory.organization());
    if (flags.json) return printJson(io, { arrays });
    const rows = arrays.map(({ name, fqdn, site, members, databases }) => [
      name,
      fqdn ?? '-',
      site ?? '-',
      members.map((member) => member.name).join(', ') || 'none',
      databases.join(', ') || 'none',
    ]);
    io.stdout.write(renderTable(['Name', 'FQDN', 'Site', 'Members', 'Databases'], rows, 'There is no CAS array.'));
  });
}

function describeArrays(index: OrganizationIndex) {
  return index.organization.arrays.map((array) => ({
    name: array.name,
    fqdn: array.fqdn ?? null,
    site: index.site(array.siteDn)?.name ?? null,
    distinguishedName: array.distinguishedName,
    legacyDn: array.legacyDn ?? null,
    guid: array.guid ?? null,
    members: membersOf(index, array.siteDn).map(({ name, fqdn }) => ({ name, fqdn: fqdn ?? null })),
    databases: array.legacyDn === undefined ? [] : databasesNaming(index, array.legacyDn).map(({ name }) => name),
  }));
}
