// The CAS array objects, judged by what the directory alone says. Pure.

import { clientAccessServers, rpcClientAccessServers } from '../../autodiscover/settings/rpc-endpoint.ts';
import type { ClientAccessArray } from '../../ldap/exchange-organization.ts';
import type { OrganizationIndex } from '../../ldap/organization-index.ts';
import { command, type Finding, finding, identityOf } from './finding.ts';

export function arrayFindings(index: OrganizationIndex, flags: readonly string[]): readonly Finding[] {
  const { arrays } = index.organization;
  return [
    ...arrays.flatMap((array) => oneArray(array, index, flags)),
    ...severalInOneSite(index, flags),
    ...withoutRpcService(index),
  ];
}

/** Client Access servers that are no members of their site's array, because they lack the service's configuration. */
function withoutRpcService(index: OrganizationIndex): readonly Finding[] {
  const all = clientAccessServers(index.organization.servers);
  const serving = new Set(rpcClientAccessServers(all));
  return all
    .filter((server) => !serving.has(server))
    .map(({ name, distinguishedName }) =>
      finding('server-without-rpc-service', {
        object: distinguishedName,
        what: `the Client Access server ${name} has no RPC Client Access service (no CN=RpcClientAccess,CN=Protocols below it)`,
        why: "it serves no Outlook by RPC and so is no member of its site's array: when the others stop, the array stops",
        remedy: `New-RpcClientAccess -Server ${name}, then start MSExchangeRPC there (Exchange Management Shell)`,
      }),
    );
}

function oneArray(array: ClientAccessArray, index: OrganizationIndex, flags: readonly string[]): readonly Finding[] {
  const object = array.distinguishedName;
  const found: Finding[] = [];
  if (array.fqdn === undefined) {
    found.push(
      finding('array-without-name', {
        object,
        what: `array "${array.name}" has no ncacn_ip_tcp network address`,
        why: 'its databases have no name that Outlook could connect to',
        remedy: command('array', 'set', identityOf(array), '--fqdn', 'FQDN', ...flags),
      }),
    );
  } else found.push(...nameFindings(array, array.fqdn, index, flags));
  if (index.site(array.siteDn) === undefined) {
    found.push(
      finding('array-without-site', {
        object,
        what:
          array.siteDn === undefined
            ? `array "${array.name}" has no site`
            : `array "${array.name}" is in the site ${array.siteDn}, which does not exist`,
        why: "an array's members are the Client Access servers of its site: this one has none",
        remedy: command('array', 'set', identityOf(array), '--site', 'SITE', ...flags),
      }),
    );
  } else if (rpcClientAccessServers(index.serversIn(array.siteDn)).length === 0) {
    found.push(
      finding('array-without-members', {
        object,
        what: `array "${array.name}" has no members: site ${index.site(array.siteDn)?.name} has no Exchange 2010 Client Access server with an RPC service`,
        why: 'nobody answers for its name',
        remedy: `${command('array', 'set', identityOf(array), '--site', 'SITE', ...flags)}, or associate its databases elsewhere and ${command('array', 'remove', identityOf(array), ...flags)}`,
      }),
    );
  }
  return found;
}

function nameFindings(
  array: ClientAccessArray,
  fqdn: string,
  index: OrganizationIndex,
  flags: readonly string[],
): readonly Finding[] {
  const { arrays, servers, virtualDirectories, serviceConnectionPoints } = index.organization;
  const same = (other: string | undefined) => other?.toLowerCase() === fqdn.toLowerCase();
  const remedy = command('array', 'set', identityOf(array), '--fqdn', 'FQDN', ...flags);
  const object = array.distinguishedName;
  const found: Finding[] = [];
  const others = [...arrays, ...servers].filter((other) => other !== array && same(other.fqdn));
  if (others.length > 0) {
    found.push(
      finding('array-name-taken', {
        object,
        what: `array "${array.name}" has the name ${fqdn} of ${others.map((other) => other.distinguishedName).join(' and ')}`,
        why: 'one name stands for two things: which of them Outlook reaches is chance',
        remedy,
      }),
    );
  }
  const urls = [
    ...virtualDirectories.flatMap(({ internalUrl, externalUrl }) => [internalUrl, externalUrl]),
    ...serviceConnectionPoints.map(({ bindingInformation }) => bindingInformation),
  ];
  const web = urls.find((url) => url !== undefined && same(URL.parse(url)?.hostname));
  if (web !== undefined) {
    found.push(
      finding('array-name-is-web-name', {
        object,
        what: `array "${array.name}" has the host name of ${web}`,
        why: 'a web name resolves outside too: Outlook there waits for RPC over TCP before it tries HTTPS',
        remedy,
      }),
    );
  }
  return found;
}

function severalInOneSite(index: OrganizationIndex, flags: readonly string[]): readonly Finding[] {
  return index.organization.sites.flatMap((site) => {
    const [first, ...others] = index.arraysIn(site.distinguishedName);
    if (first === undefined) return [];
    return others.map((array) =>
      finding('site-with-several-arrays', {
        object: array.distinguishedName,
        what: `site ${site.name} has the array "${array.name}" beside "${first.name}"`,
        why: 'Exchange allows one array in a site; new databases are associated with either of them by chance',
        remedy: `associate its databases with ${first.fqdn ?? first.name}, then ${command('array', 'remove', identityOf(array), ...flags)}`,
      }),
    );
  });
}
