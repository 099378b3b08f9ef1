// The directory changes that publish, scope and withdraw Autodiscover service connection points ([MS-OXDISCO] 3.1.5.1 serviceConnectionPoint).

import { addEntry, type GuardedChange, replaceValues } from './change.ts';
import { childDn, formatDn, parseDn } from './distinguished-name.ts';
import type { EntryReader } from './entry.ts';
import { SCP_POINTER_KEYWORD, SCP_URL_KEYWORD } from './read-organization.ts';

const SERVICE_CLASS = 'ms-Exchange-AutoDiscover-Service';
const SITE = 'Site=';

/** Attributes that the changes need of a service connection point as it stands. */
export const SCP_ATTRIBUTES = ['objectClass', 'keywords', 'serviceBindingInformation'] as const;

/** DN of a child entry named by CN. */
export function childOf(parent: string, name: string): string {
  return formatDn(childDn('CN', name, parseDn(parent)));
}

/** The container of a server's own service connection point, and the point. */
export function serverScpDn(
  serverDn: string,
  serverName: string,
): { readonly container: string; readonly point: string } {
  const container = childOf(childOf(serverDn, 'Protocols'), 'Autodiscover');
  return { container, point: childOf(container, serverName) };
}

/** The container for services that stand on no Exchange server. */
export function organizationScpContainer(organizationDn: string): string {
  return childOf(childOf(organizationDn, 'Client Access'), 'AutoDiscover');
}

/** The container for pointers to other forests. */
export function pointerContainer(configurationNamingContext: string): string {
  return childOf(childOf(configurationNamingContext, 'Services'), 'Microsoft Exchange Autodiscover');
}

export interface NewScp {
  readonly dn: string;
  /** Name of the host that the point stands for. */
  readonly host: string;
  readonly url: string;
  /** Names of the AD sites it serves; none means the whole forest. */
  readonly sites: readonly string[];
}

export function addScp({ dn, host, url, sites }: NewScp): GuardedChange {
  return addEntry(dn, {
    objectClass: ['serviceConnectionPoint'],
    keywords: [SCP_URL_KEYWORD, ...sites.map((site) => SITE + site)],
    serviceBindingInformation: [url],
    serviceClassName: [SERVICE_CLASS],
    serviceDNSName: [host],
  });
}

/** Adds a pointer: for these mail domains clients ask the directory that the LDAP URL names. */
export function addPointer(dn: string, ldapUrl: string, domains: readonly string[]): GuardedChange {
  return addEntry(dn, {
    objectClass: ['serviceConnectionPoint'],
    keywords: [SCP_POINTER_KEYWORD, ...domains.map((domain) => `Domain=${domain}`)],
    serviceBindingInformation: [ldapUrl],
    serviceClassName: [SERVICE_CLASS],
  });
}

/**
 * Changes a point's URL or its scope; keywords other than `Site=` ones stay, and those that differ by case only. With a URL the point gets
 * the keyword that clients search for, should it have lost it.
 */
export function changeScp(
  point: EntryReader,
  to: { readonly url?: string; readonly sites?: readonly string[] },
): GuardedChange {
  const keywords = point.many('keywords');
  const binding = point.many('serviceBindingInformation');
  const kept = keywords.filter((keyword) => !isSite(keyword));
  const isMarked = keywords.some((keyword) => keyword.toLowerCase() === SCP_URL_KEYWORD.toLowerCase());
  const mark = to.url === undefined || isMarked ? [] : [SCP_URL_KEYWORD];
  const wanted =
    to.sites?.map((site) => keywords.find((k) => k.toLowerCase() === (SITE + site).toLowerCase()) ?? SITE + site) ??
    keywords.filter(isSite);
  return replaceValues(point.dn, [
    { attribute: 'keywords', before: keywords, after: [...mark, ...kept, ...wanted] },
    { attribute: 'serviceBindingInformation', before: binding, after: to.url === undefined ? binding : [to.url] },
  ]);
}

/** Changes a pointer's target and domains. */
export function changePointer(point: EntryReader, ldapUrl: string, domains: readonly string[]): GuardedChange {
  const keywords = point.many('keywords');
  const kept = keywords.filter((keyword) => !/^Domain=/i.test(keyword));
  const wanted = domains.map(
    (d) => keywords.find((k) => k.toLowerCase() === `domain=${d.toLowerCase()}`) ?? `Domain=${d}`,
  );
  return replaceValues(point.dn, [
    { attribute: 'keywords', before: keywords, after: [...kept, ...wanted] },
    { attribute: 'serviceBindingInformation', before: point.many('serviceBindingInformation'), after: [ldapUrl] },
  ]);
}

function isSite(keyword: string): boolean {
  return keyword.toLowerCase().startsWith(SITE.toLowerCase());
}

/** The names after `Site=` or `Domain=` in a point's keywords. */
export function keywordValues(keywords: readonly string[], prefix: 'Site' | 'Domain'): string[] {
  const start = `${prefix}=`.toLowerCase();
  return keywords.filter((k) => k.toLowerCase().startsWith(start)).map((keyword) => keyword.slice(start.length));
}
