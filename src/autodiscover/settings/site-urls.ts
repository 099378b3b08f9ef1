// Chooses web URLs: internal ones from Client Access servers of the mailbox's site, external ones from the same site if it has them,
// else from another site that does (the configured one first, then by name). Pure.

import {
  AUTH_METHOD,
  type Site,
  type VirtualDirectory,
  type VirtualDirectoryKind,
} from '../../ldap/exchange-organization.ts';
import type { OrganizationIndex } from '../../ldap/organization-index.ts';
import { clientAccessServers } from './rpc-endpoint.ts';
import type { Trace } from './trace.ts';

export type Side = 'internal' | 'external';

export interface ChosenDirectory {
  readonly url: string;
  readonly site: Site;
  readonly authentication: number;
}

export interface SiteChoice {
  /** The mailbox's own site. */
  readonly siteDn: string | undefined;
  /** Name of the site that serves external URLs for sites without any; undefined means the first by name. */
  readonly externalSite: string | undefined;
}

/** The site's own virtual directories of one kind that have a URL on the given side, by server name and DN: controllers name them in any order. */
function directoriesIn(
  index: OrganizationIndex,
  site: Site,
  kind: VirtualDirectoryKind,
  side: Side,
): readonly { readonly url: string; readonly vdir: VirtualDirectory }[] {
  return clientAccessServers(index.serversIn(site.distinguishedName))
    .flatMap((server) =>
      index
        .virtualDirectoriesOf(server)
        .filter((vdir) => vdir.kind === kind)
        .sort(byDn),
    )
    .flatMap((vdir) => {
      const url = (side === 'internal' ? vdir.internalUrl : vdir.externalUrl)?.trim();
      return url && isHttpUrl(url) ? [{ url, vdir }] : [];
    });
}

function byDn(a: VirtualDirectory, b: VirtualDirectory): number {
  return a.distinguishedName.localeCompare(b.distinguishedName, 'en');
}

/** Sites in the order they are asked: the mailbox's own, the configured external one, the others by name. */
function sitesInOrder(index: OrganizationIndex, choice: SiteChoice): Site[] {
  const own = index.site(choice.siteDn);
  const preferred = choice.externalSite === undefined ? undefined : index.siteNamed(choice.externalSite);
  const first = [own, preferred].filter((site) => site !== undefined);
  return [...new Set([...first, ...index.organization.sites])];
}

/** One URL of a kind and side. A URL of another site is noted in the trace. */
export function chooseUrl(
  index: OrganizationIndex,
  kind: VirtualDirectoryKind,
  side: Side,
  choice: SiteChoice,
  trace: Trace,
): ChosenDirectory | undefined {
  const own = index.site(choice.siteDn);
  for (const site of sitesInOrder(index, choice)) {
    const [found] = directoriesIn(index, site, kind, side);
    if (!found) continue;
    if (site !== own) {
      trace.info(`${side} ${kind} URL is taken from site ${site.name}: site ${own?.name ?? 'unknown'} has none`);
    }
    const { vdir } = found;
    const { distinguishedName } = vdir;
    trace.chose({ kind, side, url: found.url, distinguishedName, siteDn: site.distinguishedName });
    const authentication = side === 'internal' ? vdir.internalAuthentication : vdir.externalAuthentication;
    return { url: found.url, site, authentication };
  }
  return undefined;
}

/** Every distinct URL of a kind and side in one site, in server order. */
export function urlsOfSite(
  index: OrganizationIndex,
  kind: VirtualDirectoryKind,
  side: Side,
  site: Site,
): readonly ChosenDirectory[] {
  const byUrl = new Map<string, ChosenDirectory>();
  for (const { url, vdir } of directoriesIn(index, site, kind, side)) {
    const authentication = side === 'internal' ? vdir.internalAuthentication : vdir.externalAuthentication;
    if (!byUrl.has(url)) byUrl.set(url, { url, site, authentication });
  }
  return [...byUrl.values()];
}

function isHttpUrl(url: string): boolean {
  return /^https?:\/\/[^/\s]+/i.test(url) && URL.canParse(url);
}

export function withTrailingSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}

/** AuthPackage of Outlook Anywhere ([MS-OXDSCLI] 2.2.4.1.1.2.6.2 AuthPackage): one word, the strongest offered. */
export function authPackage(methods: number): string {
  if (methods & AUTH_METHOD.NEGOTIATE) return 'Negotiate';
  if (methods & AUTH_METHOD.NTLM) return 'Ntlm';
  return 'Basic';
}

/** The words of OWAUrl's AuthenticationMethod ([MS-OXDSCLI] 2.2.4.1.1.2.6 OWAUrl). */
export function owaMethods(methods: number): string[] {
  const words: [number, string][] = [
    [AUTH_METHOD.WINDOWS_INTEGRATED, 'WindowsIntegrated'],
    [AUTH_METHOD.BASIC, 'Basic'],
    [AUTH_METHOD.NTLM, 'Ntlm'],
    [AUTH_METHOD.DIGEST, 'Digest'],
    [AUTH_METHOD.FORMS, 'Fba'],
  ];
  return words.filter(([bit]) => methods & bit).map(([, word]) => word);
}
