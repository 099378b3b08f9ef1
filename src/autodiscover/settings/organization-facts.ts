// What is answered for the organisation as a whole, without any mailbox: its web URLs, its version, the domains it serves. Pure.

import { domainToASCII } from 'node:url';
import type { OrganizationIndex } from '../../ldap/organization-index.ts';
import { clientAccessServers, highestVersion } from './rpc-endpoint.ts';
import { chooseUrl } from './site-urls.ts';
import { Trace } from './trace.ts';

export interface OrganizationUrls {
  readonly ews: string | undefined;
  readonly activeSync: string | undefined;
}

/** What was worked out of a snapshot once; snapshots are immutable. */
function oncePerSnapshot<T>(workOut: (index: OrganizationIndex) => T): (index: OrganizationIndex) => T {
  const known = new WeakMap<OrganizationIndex, { readonly value: T }>();
  return (index) => {
    const entry = known.get(index) ?? { value: workOut(index) };
    known.set(index, entry);
    return entry.value;
  };
}

const urlsByExternalSite = oncePerSnapshot(() => new Map<string | undefined, OrganizationUrls>());

/** The external URLs of the site that serves sites without any: the configured one, else the first by name. */
export function organizationUrls(index: OrganizationIndex, externalSite: string | undefined): OrganizationUrls {
  const known = urlsByExternalSite(index);
  const urls = known.get(externalSite) ?? workOutUrls(index, externalSite);
  known.set(externalSite, urls);
  return urls;
}

function workOutUrls(index: OrganizationIndex, externalSite: string | undefined): OrganizationUrls {
  const choice = { siteDn: undefined, externalSite };
  return {
    ews: chooseUrl(index, 'ews', 'external', choice, new Trace())?.url,
    activeSync: chooseUrl(index, 'activesync', 'external', choice, new Trace())?.url,
  };
}

export interface OrganizationVersion {
  readonly versionNumber: number;
  readonly revision: number;
}

/** 14.3.123.4: Exchange 2010 SP3, announced when no Client Access server tells its version. */
const EXCHANGE_2010_SP3: OrganizationVersion = { versionNumber: 0x7383807b, revision: 4 };

/** The highest version among the organisation's Client Access servers. */
export const organizationVersion = oncePerSnapshot((index): OrganizationVersion => {
  const highest = highestVersion(clientAccessServers(index.organization.servers));
  if (highest?.versionNumber === undefined) return EXCHANGE_2010_SP3;
  return { versionNumber: highest.versionNumber, revision: highest.revision ?? 0 };
});

/** Whether a mail domain, in A-labels, is served here: a configured one in either spelling, else a DNS domain of the forest. */
export function servesDomain(index: OrganizationIndex, domain: string, configured: readonly string[]): boolean {
  const wanted = domain.toLowerCase();
  const domains =
    configured.length > 0 ? configured : index.organization.domains.flatMap(({ dnsName }) => dnsName ?? []);
  return domains.some((served) => served.toLowerCase() === wanted || domainToASCII(served) === wanted);
}
