// `autodiscover database`: which RPC endpoint each mailbox database names, and Set-MailboxDatabase -RpcClientAccessServer.

import { Command } from 'commander';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import { rpcEndpoint } from '../../autodiscover/settings/rpc-endpoint.ts';
import type { OrganizationIndex } from '../../ldap/organization-index.ts';
import { chooseDatabases, planSetDatabases, siteDnOf } from '../plan-database.ts';
import { type DirectoryFlags, printJson, withDirectory, withListFlags } from './directory-flags.ts';
import { makeChange } from './make-change.ts';
import { renderTable } from './table.ts';
import { type WriterFlags, withWriterFlags } from './writer-flags.ts';

interface SetFlags extends WriterFlags {
  readonly rpcClientAccessServer: string;
  readonly all?: boolean;
  readonly site?: string;
}

export function databaseCommand(io: CommandIo): Command {
  const database = new Command('database').description('list mailbox databases and set their RpcClientAccessServer');
  withListFlags(database.command('list'))
    .description('list mailbox databases with the RPC endpoint each one names')
    .option('--site <site>', 'only databases whose owning server is in this AD site')
    .action((flags: DirectoryFlags & { readonly site?: string }) => list(flags, io));
  withWriterFlags(database.command('set'))
    .description('associate databases with a CAS array (Set-MailboxDatabase -RpcClientAccessServer)')
    .argument('[database...]', 'names, DNs or GUIDs')
    .requiredOption(
      '--rpc-client-access-server <array>',
      'a CAS array, or a Client Access server, by FQDN or any identity',
    )
    .option('--all', 'every database but recovery databases')
    .option('--site <site>', 'every database whose owning server is in this AD site')
    .action((names: string[], flags: SetFlags) =>
      makeChange(flags, io, async ({ index }) =>
        planSetDatabases(index, { names, all: flags.all === true, site: flags.site }, flags.rpcClientAccessServer),
      ),
    );
  return database;
}

/** What an endpoint's source means for an administrator. */
const KINDS = {
  array: 'CAS array',
  server: 'single server',
  'legacy-server': 'own server (Exchange 2007 or older)',
  'unknown-name': 'unknown name',
  'site-array': "fall-back: the site's CAS array",
  'site-server': 'fall-back: a server of the site',
} as const;

function list(flags: DirectoryFlags & { readonly site?: string }, io: CommandIo): Promise<void> {
  return withDirectory(flags, io, async (directory) => {
    const index = directory.organization();
    const chosen =
      flags.site === undefined
        ? index.organization.databases
        : chooseDatabases(index, { names: [], all: false, site: flags.site });
    const databases = chosen.map((database) => describeDatabase(database.distinguishedName, index));
    if (flags.json) return printJson(io, { databases });
    const rows = databases.map(({ name, site, rpcClientAccessServer, kind, owner }) => [
      name,
      owner ?? '-',
      site ?? '-',
      rpcClientAccessServer ?? '-',
      kind,
    ]);
    const head = ['Database', 'Owning server', 'Site', 'Outlook is told', 'Which is'];
    io.stdout.write(renderTable(head, rows, 'There is no mailbox database.'));
    for (const { warning } of databases) if (warning !== null) io.stdout.write(`warning: ${warning}\n`);
  });
}

function describeDatabase(dn: string, index: OrganizationIndex) {
  const database = index.database(dn);
  if (!database) throw new Error(`a listed database is not in its own snapshot: ${dn}`);
  const decision = rpcEndpoint(database, index);
  const endpoint = decision.status === 'endpoint' ? decision : undefined;
  return {
    name: database.name,
    distinguishedName: dn,
    guid: database.guid ?? null,
    owner: index.server(database.owningServerDn)?.name ?? null,
    site: index.site(siteDnOf(database, index))?.name ?? null,
    legacyDn: database.legacyDn ?? null,
    rpcClientAccessServer: endpoint?.fqdn ?? null,
    kind: endpoint ? KINDS[endpoint.source] : decision.status === 'newer-version' ? 'a newer Exchange' : 'none',
    isRecovery: database.isRecovery,
    reason: decision.reason,
    warning: endpoint ? (endpoint.warning ?? null) : decision.status === 'none' ? decision.reason : null,
  };
}
