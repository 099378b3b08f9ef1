// Web addresses: the virtual directories of each Client Access server, and what answers at every published host.

import type { HttpOutcome } from '../../autodiscover/client/http-client.ts';
import { clientAccessServers } from '../../autodiscover/settings/rpc-endpoint.ts';
import { ownName } from '../../ldap/distinguished-name.ts';
import type { VirtualDirectoryKind } from '../../ldap/exchange-organization.ts';
import type { OrganizationIndex } from '../../ldap/organization-index.ts';
import { daysLeft } from '../probe/web-probe.ts';
import { type Finding, finding } from './finding.ts';

/** What Outlook needs of each server, and the command that sets its URL. */
const NEEDED = {
  ews: { name: 'EWS', set: 'Set-WebServicesVirtualDirectory', path: 'EWS/Exchange.asmx' },
  oab: { name: 'OAB', set: 'Set-OabVirtualDirectory', path: 'OAB' },
  owa: { name: 'OWA', set: 'Set-OwaVirtualDirectory', path: 'owa' },
  ecp: { name: 'ECP', set: 'Set-EcpVirtualDirectory', path: 'ecp' },
} as const satisfies Partial<Record<VirtualDirectoryKind, object>>;

/** Days before its end from which a certificate is a finding. */
const WARN_DAYS = 30;

/** Directories that are missing or have no URL inside. Pure. */
export function virtualDirectoryFindings(index: OrganizationIndex): readonly Finding[] {
  return clientAccessServers(index.organization.servers).flatMap((server) => {
    const directories = index.virtualDirectoriesOf(server);
    return Object.entries(NEEDED).flatMap(([kind, { name, set, path }]): Finding[] => {
      const own = directories.filter((vdir) => vdir.kind === kind);
      const url = `https://${server.fqdn ?? 'HOST'}/${path}`;
      if (own.length === 0) {
        return [
          finding('virtual-directory-missing', {
            object: server.distinguishedName,
            what: `${server.name} has no ${name} virtual directory`,
            why: `Autodiscover takes the ${name} URL of another server, or of another site`,
            remedy: `${set.replace('Set-', 'New-')} -Server ${server.name} -InternalUrl ${url} (Exchange Management Shell)`,
          }),
        ];
      }
      return own
        .filter((vdir) => vdir.internalUrl === undefined && vdir.externalUrl === undefined)
        .map((vdir) =>
          finding('virtual-directory-without-url', {
            object: vdir.distinguishedName,
            what: `the ${name} virtual directory of ${server.name} has no URL`,
            why: `clients are never told of it: ${name} is not highly available where the other servers have one`,
            remedy: `${set} '${server.name}\\${ownName(vdir.distinguishedName)}' -InternalUrl ${url} (Exchange Management Shell)`,
          }),
        );
    });
  });
}

/** A host to be asked, and the object that publishes it. */
export interface PublishedUrl {
  readonly url: URL;
  readonly object: string;
  /** True for Autodiscover: service connection points and this service's own URL. */
  readonly isService: boolean;
  /** Another URL before it has the same host: what belongs to the host, its name and certificate, was told there. */
  readonly isHostKnown: boolean;
}

/**
 * One URL for each published https host and for each URL of Autodiscover: the service's own (where `publicUrl` is known), which clients
 * also find by DNS alone, and those of the service connection points. By URL.
 */
export function publishedUrls(index: OrganizationIndex, publicUrl?: URL): readonly PublishedUrl[] {
  // In the order of their names, so that the same host is told on the same object whatever order a controller answers in.
  const serviceConnectionPoints = byDn(index.organization.serviceConnectionPoints);
  const virtualDirectories = byDn(index.organization.virtualDirectories);
  const own = publicUrl && new URL('/autodiscover/autodiscover.xml', publicUrl).href;
  const all: Omit<PublishedUrl, 'isHostKnown'>[] = [
    ...entry(own, publicUrl?.href ?? '', true),
    ...serviceConnectionPoints
      .filter(({ kind }) => kind === 'url')
      .flatMap((point) => entry(point.bindingInformation, point.distinguishedName, true)),
    ...virtualDirectories.flatMap((vdir) =>
      [vdir.internalUrl, vdir.externalUrl].flatMap((url) => entry(url, vdir.distinguishedName, false)),
    ),
  ];
  const hosts = new Set<string>();
  const paths = new Set<string>();
  const chosen = all.flatMap((published): PublishedUrl[] => {
    const { url, isService } = published;
    const isHostKnown = hosts.has(url.host);
    // IIS and this service take paths without case.
    const path = url.href.toLowerCase();
    if (isHostKnown && !(isService && !paths.has(path))) return [];
    hosts.add(url.host);
    paths.add(path);
    return [{ ...published, isHostKnown }];
  });
  return chosen.sort((a, b) => (a.url.href < b.url.href ? -1 : 1));
}

function byDn<T extends { readonly distinguishedName: string }>(items: readonly T[]): readonly T[] {
  return items.toSorted((a, b) => (a.distinguishedName < b.distinguishedName ? -1 : 1));
}

function entry(text: string | undefined, object: string, isService: boolean): Omit<PublishedUrl, 'isHostKnown'>[] {
  const url = URL.parse(text ?? '');
  return url?.protocol === 'https:' ? [{ url, object, isService }] : [];
}

/** What an anonymous request to a published URL says of name, certificate and service. Pure. */
export function publishedUrlFindings(
  { url, object, isService, isHostKnown }: PublishedUrl,
  outcome: HttpOutcome,
  now: Date,
): readonly Finding[] {
  const { host } = url;
  const certificate = `put a certificate with the name ${url.hostname}, from an authority that clients trust, on what answers there`;
  if (isHostKnown && (outcome.kind === 'failed' || outcome.status < 400)) return [];
  if (outcome.kind === 'failed') {
    switch (outcome.reason) {
      case 'certificate-name':
      case 'certificate-untrusted':
      case 'certificate-expired':
        return [
          finding(outcome.reason, {
            object,
            what: `the certificate of ${host} is not good: ${outcome.detail}`,
            why: 'Outlook warns at every start, other clients refuse to connect',
            remedy: certificate,
          }),
        ];
      case 'name-not-found':
        return [
          finding('name-unresolved', {
            object,
            what: `${url.hostname}, the host of ${url.href}, does not resolve`,
            why: 'clients are told a name that leads nowhere',
            remedy: `add ${url.hostname} to the DNS, or publish another URL`,
          }),
        ];
      default:
        return [
          finding('web-unreachable', {
            object,
            what: `${url.href} does not answer: ${outcome.reason} (${outcome.detail})`,
            why: isService
              ? 'clients that are sent there find no service'
              : 'clients are told a URL that does not work',
            remedy: `start what should answer on ${host}, or publish another URL`,
          }),
        ];
    }
  }
  const found: Finding[] = [];
  const left = isHostKnown ? undefined : outcome.tls && daysLeft(outcome.tls.validTo, now);
  if (left !== undefined && left < WARN_DAYS) {
    found.push(
      finding('certificate-ends-soon', {
        object,
        what: `the certificate of ${host} ends in ${left} days (${outcome.tls?.validTo})`,
        why: 'from then on Outlook warns at every start, and other clients refuse to connect',
        remedy: certificate,
      }),
    );
  }
  if (outcome.status >= 500 || outcome.status === 404) {
    found.push(
      finding('web-unreachable', {
        object,
        what: `${url.href} answers HTTP ${outcome.status}`,
        why: isService ? 'clients that are sent there find no service' : 'clients are told a URL that does not work',
        remedy: `mend the application on ${host}, or publish another URL`,
      }),
    );
  }
  return found;
}
