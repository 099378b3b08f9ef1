// What the directory says about itself: its naming contexts, its domains' names, its root DSE ([MS-ADTS] 3.1.1.3.2 rootDSE).
import { parseDn, tryParseDn } from '../distinguished-name.ts';
import type { Entry } from './entry.ts';
import type { Value } from './matching.ts';
import { generalizedTime, type Store } from './store.ts';

/** A domain as its crossRef object describes it; names in lower case, `domainDn` a `dnKey`. */
export type DomainNames = { readonly dns: string; readonly netbios: string | undefined; readonly headKey: string };

export type Contexts = {
  readonly heads: readonly Entry[];
  readonly domain: Entry | undefined;
  readonly configuration: Entry | undefined;
  readonly domains: readonly DomainNames[];
  readonly dnsHostName: string;
  readonly site: string | undefined;
};

/** Finds the naming contexts of a loaded store. `hostName` is the server's own short name. */
export function describeContexts(store: Store, hostName: string, site?: string): Contexts {
  const heads = [...store.entries()].filter(({ isContextHead }) => isContextHead);
  const domain = heads.find((head) => hasClass(head, 'domaindns'));
  const configuration = heads.find((head) => hasClass(head, 'configuration'));
  const firstSite = [...store.lookup('objectclass', 'site')][0];
  const dns = domain ? dnsNameOf(domain.dn) : 'localdomain';
  return {
    heads,
    domain,
    configuration,
    domains: readDomains(store, domain),
    dnsHostName: `${hostName.toLowerCase()}.${dns}`,
    site: site ?? firstSite?.rdn[0]?.value,
  };
}

function readDomains(store: Store, domain: Entry | undefined): DomainNames[] {
  const found: DomainNames[] = [];
  for (const crossRef of store.lookup('objectclass', 'crossref')) {
    const [head] = crossRef.get('ncname');
    const [dns] = crossRef.get('dnsroot');
    const headKey = typeof head === 'string' ? keyOf(store, head) : undefined;
    const netbios = crossRef.get('netbiosname')[0];
    if (headKey === undefined || typeof dns !== 'string' || typeof netbios !== 'string') continue;
    found.push({ dns: dns.toLowerCase(), netbios: netbios.toLowerCase(), headKey });
  }
  if (domain && !found.some(({ headKey }) => headKey === domain.key)) {
    found.push({ dns: dnsNameOf(domain.dn), netbios: undefined, headKey: domain.key });
  }
  return found;
}

function keyOf(store: Store, dn: string): string | undefined {
  const parsed = tryParseDn(dn);
  return parsed && store.find(parsed)?.key;
}

/** True when an entry's objectClass holds the class (lower case). */
export function hasClass(entry: Entry, name: string): boolean {
  return entry.get('objectclass').some((value) => String(value).toLowerCase() === name);
}

/** `DC=contoso,DC=test` -> `contoso.test`. */
export function dnsNameOf(dn: string): string {
  return parseDn(dn)
    .flat()
    .filter(({ type }) => type.toLowerCase() === 'dc')
    .map(({ value }) => value.toLowerCase())
    .join('.');
}

/** Object identifiers announced in the root DSE. */
export const OID = {
  pagedResults: '1.2.840.113556.1.4.319',
  startTls: '1.3.6.1.4.1.1466.20037',
  whoAmI: '1.3.6.1.4.1.4203.1.11.3',
  noticeOfDisconnection: '1.3.6.1.4.1.1466.20036',
  bitAnd: '1.2.840.113556.1.4.803',
  activeDirectory: '1.2.840.113556.1.4.800',
  activeDirectoryV51: '1.2.840.113556.1.4.1670',
} as const;

/** The attributes of the root DSE, in their own spelling. */
export function rootDse(
  store: Store,
  contexts: Contexts,
  options: { startTls: boolean; now: number },
): [string, readonly Value[]][] {
  const { domain, configuration, dnsHostName, site, heads } = contexts;
  const dns = domain ? dnsNameOf(domain.dn) : '';
  const server = dnsHostName.split('.')[0]?.toUpperCase() ?? '';
  const serverDn =
    configuration && site ? `CN=${server},CN=Servers,CN=${site},CN=Sites,${configuration.dn}` : undefined;
  const rows: [string, (string | undefined)[]][] = [
    ['currentTime', [generalizedTime(options.now)]],
    ['dsServiceName', [serverDn && `CN=NTDS Settings,${serverDn}`]],
    ['namingContexts', heads.map(({ dn }) => dn)],
    ['defaultNamingContext', [domain?.dn]],
    ['schemaNamingContext', [configuration && `CN=Schema,${configuration.dn}`]],
    ['configurationNamingContext', [configuration?.dn]],
    ['rootDomainNamingContext', [domain?.dn]],
    ['supportedControl', [OID.pagedResults]],
    ['supportedLDAPVersion', ['3']],
    ['supportedExtension', [...(options.startTls ? [OID.startTls] : []), OID.whoAmI]],
    ['supportedCapabilities', [OID.activeDirectory, OID.activeDirectoryV51]],
    ['highestCommittedUSN', [String(store.highestUsn)]],
    ['dnsHostName', [dnsHostName]],
    ['ldapServiceName', [dns && `${dns}:${server.toLowerCase()}$@${dns.toUpperCase()}`]],
    ['serverName', [serverDn]],
    ['isSynchronized', ['TRUE']],
    ['isGlobalCatalogReady', ['TRUE']],
    ['domainFunctionality', ['4']],
    ['forestFunctionality', ['4']],
    ['domainControllerFunctionality', ['4']],
  ];
  return rows
    .map(([name, values]): [string, string[]] => [name, values.filter((value): value is string => Boolean(value))])
    .filter(([, values]) => values.length > 0);
}
