// Autodiscover service connection points, judged by what the directory says. Pure.

import { ownName } from '../../ldap/distinguished-name.ts';
import type { ServiceConnectionPoint } from '../../ldap/exchange-organization.ts';
import type { OrganizationIndex } from '../../ldap/organization-index.ts';
import { command, type Finding, finding } from './finding.ts';

export function scpFindings(index: OrganizationIndex, flags: readonly string[]): readonly Finding[] {
  return index.organization.serviceConnectionPoints
    .filter(({ kind }) => kind === 'url')
    .sort((a, b) => (a.distinguishedName < b.distinguishedName ? -1 : 1))
    .flatMap((point) => onePoint(point, index, flags));
}

function onePoint(
  point: ServiceConnectionPoint,
  index: OrganizationIndex,
  flags: readonly string[],
): readonly Finding[] {
  const object = point.distinguishedName;
  const found: Finding[] = [];
  const serverDn = /,CN=Autodiscover,CN=Protocols,(CN=.+)$/i.exec(object)?.[1];
  const server = index.server(serverDn);
  const whose = server === undefined ? ['--name', ownName(object)] : ['--server', server.name];
  const url = URL.parse(point.bindingInformation ?? '');
  if (url?.protocol !== 'https:') {
    found.push(
      finding('scp-unusable', {
        object,
        what: `names ${point.bindingInformation ?? 'no URL'}, which is no https URL`,
        why: 'clients that choose it go on to guessing by DNS, or ask without encryption',
        remedy: command('scp', 'publish', 'https://HOST/Autodiscover/Autodiscover.xml', ...whose, ...flags),
      }),
    );
  }
  const stale = staleness(point, serverDn, index);
  if (stale !== undefined) {
    found.push(
      finding('scp-stale', {
        object,
        what: stale,
        why: 'clients keep asking what it names, and wait when nothing answers there',
        remedy: command('scp', 'remove', object, ...flags),
      }),
    );
  }
  const sites = sitesOf(point);
  const unknown = sites.filter((name) => index.siteNamed(name) === undefined);
  if (unknown.length > 0) {
    found.push(
      finding('scp-unknown-site', {
        object,
        what: `is for the site ${unknown.join(', ')}, which does not exist`,
        why: 'no client is in that site: the record is used only when nothing better is found',
        remedy: scope(object, index.site(server?.siteDn)?.name, flags),
      }),
    );
  }
  const own = index.site(server?.siteDn);
  const elsewhere = sites.length > 0 && unknown.length < sites.length;
  if (own !== undefined && elsewhere && !sites.some((name) => sameText(name, own.name))) {
    found.push(
      finding('scp-wrong-site', {
        object,
        what: `is for ${sites.join(', ')}, but its server ${server?.name} is in site ${own.name}`,
        why: 'clients of the named sites ask across the wide-area network, and those of its own site ask elsewhere',
        remedy: scope(object, own.name, flags),
      }),
    );
  }
  return found;
}

/** Whom the point stood for and who is gone, as a sentence without its subject; undefined when nothing tells of that. */
function staleness(
  { serviceDnsName }: ServiceConnectionPoint,
  serverDn: string | undefined,
  index: OrganizationIndex,
): string | undefined {
  if (serverDn !== undefined && index.server(serverDn) === undefined)
    return `belongs to ${serverDn}, which is no Exchange server any more`;
  // Exchange writes the short name of its server. A name with dots that is no server's is somebody else's host, which may well live.
  if (serviceDnsName === undefined || serviceDnsName.includes('.')) return undefined;
  if (index.organization.servers.some(({ name }) => sameText(name, serviceDnsName))) return undefined;
  return `was made for ${serviceDnsName} (serviceDNSName), which is no Exchange server any more`;
}

function scope(dn: string, site: string | undefined, flags: readonly string[]): string {
  return command('scp', 'scope', dn, '--site', site ?? 'SITE', ...flags);
}

function sitesOf({ keywords }: ServiceConnectionPoint): readonly string[] {
  return keywords.flatMap((keyword) => /^site=(.+)$/i.exec(keyword)?.[1]?.trim() ?? []);
}

function sameText(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
