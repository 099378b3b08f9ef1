// `autodiscover scp`: Autodiscover service connection points, which tell clients inside the domain where to ask, and pointers that send
// other mail domains to another forest.

import { Command } from 'commander';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import { keywordValues } from '../../ldap/connection-point-changes.ts';
import { ownName } from '../../ldap/distinguished-name.ts';
import type { ServiceConnectionPoint } from '../../ldap/exchange-organization.ts';
import { AdminError } from '../errors.ts';
import { planPointer, planPublishScp, planRemoveScp, planScopeScp } from '../plan-scp.ts';
import { type DirectoryFlags, printJson, withDirectory, withListFlags } from './directory-flags.ts';
import { makeChange } from './make-change.ts';
import { renderTable } from './table.ts';
import { type WriterFlags, withWriterFlags } from './writer-flags.ts';

interface PublishFlags extends WriterFlags {
  readonly server?: string[];
  readonly allServers?: boolean;
  readonly name?: string;
  readonly site?: string[];
}

export function scpCommand(io: CommandIo): Command {
  const scp = new Command('scp').description('list, publish, scope and remove service connection points (SCPs)');
  withListFlags(scp.command('list'))
    .description('list SCPs and pointers to other forests')
    .action((flags: DirectoryFlags) => list(flags, io));
  withWriterFlags(scp.command('publish'))
    .description('publish an Autodiscover URL (Set-ClientAccessServer -AutoDiscoverServiceInternalUri)')
    .argument('<url>', 'https://HOST/Autodiscover/Autodiscover.xml')
    .option('--server <server...>', 'in the SCPs of these Client Access servers; made where missing')
    .option('--all-servers', 'in every SCP that names a URL, and for every Client Access server')
    .option('--name <name>', 'in an SCP of this name that belongs to no server')
    .option('--site <site...>', 'for clients in these AD sites; existing SCPs keep their scope when not given')
    .action((url: string, flags: PublishFlags) => {
      const { server = [], allServers, name, site } = flags;
      const wish = { url, servers: server, all: allServers === true, name, sites: site };
      return makeChange(flags, io, (session) => planPublishScp(session, wish));
    });
  withWriterFlags(scp.command('scope'))
    .description('set the AD sites of SCPs (Set-ClientAccessServer -AutoDiscoverSiteScope)')
    .argument('<scp...>', 'names or DNs')
    .option('--site <site...>', 'the AD sites')
    .option('--whole-forest', 'no sites: for every client')
    .action((identities: string[], flags: WriterFlags & { site?: string[]; wholeForest?: boolean }) => {
      if ((flags.site === undefined) === (flags.wholeForest !== true)) {
        throw new AdminError('configuration', 'scp scope: give either --site SITE... or --whole-forest');
      }
      return makeChange(flags, io, (session) => planScopeScp(session, identities, flags.site ?? []));
    });
  withWriterFlags(scp.command('remove'))
    .description('remove an SCP or a pointer')
    .argument('<scp>', 'name or DN')
    .action((identity: string, flags: WriterFlags) =>
      makeChange(flags, io, (session) => planRemoveScp(session, identity)),
    );
  withWriterFlags(scp.command('point'))
    .description('send mail domains of another forest to its directory')
    .argument('<ldap-url>', 'LDAP://HOST of the other forest')
    .requiredOption('--domain <domain...>', 'mail domains')
    .option('--name <name>', "the pointer's name; the first domain when not given")
    .action((ldapUrl: string, flags: WriterFlags & { domain: string[]; name?: string }) =>
      makeChange(flags, io, (session) => planPointer(session, { ldapUrl, domains: flags.domain, name: flags.name })),
    );
  return scp;
}

function list(flags: DirectoryFlags, io: CommandIo): Promise<void> {
  return withDirectory(flags, io, async (directory) => {
    const points = directory.organization().organization.serviceConnectionPoints.map(describe);
    if (flags.json) return printJson(io, { serviceConnectionPoints: points });
    const rows = points.map(({ name, kind, target, sites, domains, created }) => [
      name,
      kind === 'url' ? 'URL' : 'pointer',
      target ?? '-',
      kind === 'url' ? sites.join(', ') || 'whole forest' : domains.join(', '),
      created ?? '-',
    ]);
    const head = ['Name', 'Kind', 'Leads to', 'For', 'Created'];
    io.stdout.write(renderTable(head, rows, 'There is no Autodiscover service connection point.'));
  });
}

function describe({ distinguishedName, kind, keywords, bindingInformation, whenCreated }: ServiceConnectionPoint) {
  return {
    name: ownName(distinguishedName),
    distinguishedName,
    kind,
    target: bindingInformation ?? null,
    sites: keywordValues(keywords, 'Site'),
    domains: keywordValues(keywords, 'Domain'),
    created: generalizedTime(whenCreated) ?? null,
  };
}

/** `20261122101500.0Z` as `2026-11-22T10:15:00Z` (RFC 4517 3.3.13). */
function generalizedTime(text: string | undefined): string | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(text ?? '');
  return parts ? `${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}:${parts[5]}:${parts[6]}Z` : text;
}
