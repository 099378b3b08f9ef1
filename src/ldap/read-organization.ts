// Reads the Exchange organisation out of the configuration partition. An ordinary account sees no databases and no virtual directories
// and gets no error for it, so emptiness is judged here and told as the right that is missing.

import { AndFilter, EqualityFilter, type Filter, OrFilter, PresenceFilter } from 'ldapts';
import { dnKey, parseDn, tryParseDn } from './distinguished-name.ts';
import { type EntryReader, guidText } from './entry.ts';
import { DirectoryError } from './errors.ts';
import {
  type ClientAccessArray,
  type ExchangeOrganization,
  type ExchangeServer,
  type ForestDomain,
  type MailboxDatabase,
  type OfflineAddressBook,
  type OutlookProvider,
  type RootDse,
  SERVER_ROLE,
  type ServiceConnectionPoint,
  type VirtualDirectory,
  type VirtualDirectoryKind,
} from './exchange-organization.ts';
import type { Search } from './search.ts';

/** Keywords that mark Autodiscover SCPs: the first names a URL, the second a pointer to another forest. */
export const SCP_URL_KEYWORD = '77378F46-2C66-4aa9-A6A6-3E7A48B19596';
export const SCP_POINTER_KEYWORD = '67661d7F-8FC4-4fa7-BFAC-E1D7794C1F68';

const VIRTUAL_DIRECTORY_CLASSES: Record<string, VirtualDirectoryKind> = {
  msexchwebservicesvirtualdirectory: 'ews',
  msexchecpvirtualdirectory: 'ecp',
  msexchowavirtualdirectory: 'owa',
  msexchoabvirtualdirectory: 'oab',
  msexchmobilevirtualdirectory: 'activesync',
  msexchrpchttpvirtualdirectory: 'rpc',
  msexchautodiscovervirtualdirectory: 'autodiscover',
  msexchpowershellvirtualdirectory: 'powershell',
};

const SERVER_ATTRIBUTES = [
  'objectClass',
  'cn',
  'objectGUID',
  'legacyExchangeDN',
  'networkAddress',
  'msExchServerSite',
  'msExchCurrentServerRoles',
  'versionNumber',
  'serialNumber',
] as const;
const DATABASE_ATTRIBUTES = [
  'objectClass',
  'cn',
  'objectGUID',
  'legacyExchangeDN',
  'msExchOwningServer',
  'msExchUseOAB',
  'msExchHomePublicMDB',
  'msExchRestore',
] as const;

const anyObject: Filter = new PresenceFilter({ attribute: 'objectClass' });
const ofClass = (name: string): Filter => new EqualityFilter({ attribute: 'objectClass', value: name });
const anyOf = (...filters: Filter[]): Filter => new OrFilter({ filters });

/** Reads naming contexts from the controller itself; they are never derived from a domain name. */
async function readRootDse(search: Search): Promise<RootDse> {
  const [entry] = await search({
    base: '',
    scope: 'base',
    filter: anyObject,
    attributes: ['defaultNamingContext', 'configurationNamingContext', 'dnsHostName'],
  });
  const defaultNamingContext = entry?.one('defaultNamingContext');
  const configurationNamingContext = entry?.one('configurationNamingContext');
  if (!defaultNamingContext || !configurationNamingContext) {
    throw new DirectoryError(
      'unexpected-answer',
      'reading the rootDSE: defaultNamingContext or configurationNamingContext is missing: is this an Active Directory domain controller?',
    );
  }
  return { defaultNamingContext, configurationNamingContext, dnsHostName: entry?.one('dnsHostName') };
}

/**
 * Reads the whole organisation with one search per kind of object. Errors: `no-exchange-organization`, `missing-right` (naming the
 * right), and whatever the search itself throws.
 */
export async function readOrganization(search: Search, bindName: string): Promise<ExchangeOrganization> {
  const rootDse = await readRootDse(search);
  const configuration = rootDse.configurationNamingContext;
  const organization = await findOrganization(search, configuration);
  const below = (filter: Filter, attributes: readonly string[], binary: readonly string[] = []) =>
    search({
      base: organization.dn,
      scope: 'sub',
      filter,
      attributes,
      binaryAttributes: binary,
      paged: true,
    });
  const under = (base: string, filter: Filter, attributes: readonly string[]) =>
    search({ base, scope: 'sub', filter, attributes, paged: true }).catch(ifAbsent);

  const [endpoints, rpcServices, databases, directories, providers, books, points, sites, domains] = await Promise.all([
    below(ofClass('msExchExchangeServer'), SERVER_ATTRIBUTES, ['objectGUID']),
    below(new EqualityFilter({ attribute: 'cn', value: 'RpcClientAccess' }), ['cn']),
    below(anyOf(ofClass('msExchPrivateMDB'), ofClass('msExchPublicMDB')), DATABASE_ATTRIBUTES, ['objectGUID']),
    below(ofClass('msExchVirtualDirectory'), [
      'objectClass',
      'msExchInternalHostName',
      'msExchExternalHostName',
      'msExchInternalAuthenticationMethods',
      'msExchExternalAuthenticationMethods',
    ]),
    below(ofClass('msExchAutoDiscoverConfig'), [
      'cn',
      'msExchAutoDiscoverCertPrincipalName',
      'msExchAutoDiscoverServer',
      'msExchAutoDiscoverTTL',
    ]),
    below(ofClass('msExchOAB'), ['objectGUID', 'msExchOABDefault'], ['objectGUID']),
    under(configuration, scpFilter(), ['keywords', 'serviceBindingInformation', 'whenCreated', 'serviceDNSName']),
    under(`CN=Sites,${configuration}`, ofClass('site'), ['cn']),
    under(`CN=Partitions,${configuration}`, ofClass('crossRef'), ['nETBIOSName', 'dnsRoot', 'nCName']),
  ]);

  const rpcServers = serversWithRpcClientAccess(rpcServices);
  const read: ExchangeOrganization = {
    name: organization.one('cn') ?? '',
    distinguishedName: organization.dn,
    legacyDn: organization.one('legacyExchangeDN'),
    guid: guidText(organization.bytes('objectGUID') ?? Buffer.alloc(16)),
    rootDse,
    readAt: Date.now(),
    domains: domains.flatMap(domainFrom),
    sites: sites.map((entry) => ({ distinguishedName: entry.dn, name: entry.one('cn') ?? '' })).sort(byName),
    servers: endpoints
      .filter((entry) => !isArray(entry))
      .map((entry) => serverFrom(entry, rpcServers))
      .sort(byName),
    arrays: endpoints.filter(isArray).map(arrayFrom).sort(byName),
    databases: databases
      .filter((entry) => entry.hasClass('msExchPrivateMDB'))
      .map(databaseFrom)
      .sort(byName),
    publicDatabases: databases
      .filter((entry) => entry.hasClass('msExchPublicMDB'))
      .map((entry) => ({ distinguishedName: entry.dn, owningServerDn: entry.one('msExchOwningServer') })),
    virtualDirectories: directories.flatMap(virtualDirectoryFrom),
    outlookProviders: providers.map(providerFrom),
    offlineAddressBooks: books.flatMap(bookFrom),
    serviceConnectionPoints: points.flatMap(scpFrom),
  };
  requireReadable(read, bindName);
  return Object.freeze(read);
}

/** SCPs are found by keyword anywhere in the configuration partition, as clients do ([MS-OXDISCO] 3.1.5.1 serviceConnectionPoint). */
function scpFilter(): Filter {
  const keyword = (value: string) => new EqualityFilter({ attribute: 'keywords', value });
  return new AndFilter({
    filters: [ofClass('serviceConnectionPoint'), anyOf(keyword(SCP_URL_KEYWORD), keyword(SCP_POINTER_KEYWORD))],
  });
}

async function findOrganization(search: Search, configuration: string): Promise<EntryReader> {
  const found = await search({
    base: `CN=Microsoft Exchange,CN=Services,${configuration}`,
    scope: 'one',
    filter: ofClass('msExchOrganizationContainer'),
    attributes: ['cn', 'legacyExchangeDN', 'objectGUID'],
    binaryAttributes: ['objectGUID'],
  }).catch(ifAbsent);
  const [organization] = found;
  if (!organization || found.length > 1) {
    throw new DirectoryError(
      'no-exchange-organization',
      `looking for the Exchange organisation below CN=Microsoft Exchange,CN=Services,${configuration}: found ${found.length}, expected one. ` +
        'Is Exchange installed in this forest, and may the service account read the container?',
    );
  }
  return organization;
}

/** No such base object reads as "nothing there"; every other error stays an error. */
function ifAbsent(error: unknown): EntryReader[] {
  if ((error as { code?: unknown }).code === 32) return [];
  throw error;
}

function requireReadable(read: ExchangeOrganization, bindName: string): void {
  const clientAccess = read.servers.filter((server) => (server.roles & SERVER_ROLE.CLIENT_ACCESS) !== 0);
  const invisible = [
    ...(read.servers.length > 0 && read.databases.length === 0 ? ['mailbox databases'] : []),
    ...(clientAccess.length > 0 && read.virtualDirectories.length === 0 ? ['virtual directories'] : []),
  ];
  if (invisible.length === 0) return;
  throw new DirectoryError(
    'missing-right',
    `reading the Exchange organisation ${read.distinguishedName} as ${bindName}: ${read.servers.length} servers are visible but no ` +
      `${invisible.join(' and no ')}. This account lacks inheritable read on the organisation. Grant it with: ` +
      `dsacls "${read.distinguishedName}" /I:T /G "DOMAIN\\account:GR"`,
  );
}

const byName = (a: { name: string }, b: { name: string }): number => a.name.localeCompare(b.name, 'en');

function isArray(entry: EntryReader): boolean {
  return entry.hasClass('msExchClientAccessArray') || entry.hasClass('msExchClientAccessArrayLegacy');
}

function endpointFrom(entry: EntryReader) {
  const tcp = entry.many('networkAddress').find((value) => /^ncacn_ip_tcp:/i.test(value));
  return {
    distinguishedName: entry.dn,
    name: entry.one('cn') ?? '',
    legacyDn: entry.one('legacyExchangeDN'),
    fqdn: tcp?.slice(tcp.indexOf(':') + 1).trim() || undefined,
    siteDn: entry.one('msExchServerSite'),
    guid: guidOf(entry),
    objectClass: entry.many('objectClass').at(-1),
  };
}

function guidOf(entry: EntryReader): string | undefined {
  const guid = entry.bytes('objectGUID');
  return guid?.length === 16 ? guidText(guid) : undefined;
}

function arrayFrom(entry: EntryReader): ClientAccessArray {
  return { kind: 'array', ...endpointFrom(entry) };
}

/** Keys of the servers that have an RPC Client Access service; undefined when there is none at all. */
function serversWithRpcClientAccess(services: readonly EntryReader[]): ReadonlySet<string> | undefined {
  const keys = services.flatMap(({ dn }) => {
    const parsed = tryParseDn(dn);
    return parsed && /^CN=[^,]+,CN=Protocols,/i.test(dn) ? [dnKey(parsed.slice(2))] : [];
  });
  return keys.length === 0 ? undefined : new Set(keys);
}

function serverFrom(entry: EntryReader, rpcServers: ReadonlySet<string> | undefined): ExchangeServer {
  const revision = /\(Build \d+\.(\d+)\)/i.exec(entry.one('serialNumber') ?? '')?.[1];
  return {
    kind: 'server',
    ...endpointFrom(entry),
    roles: entry.integer('msExchCurrentServerRoles') ?? 0,
    versionNumber: entry.integer('versionNumber'),
    revision: revision === undefined ? undefined : Number(revision),
    hasRpcClientAccess: rpcServers?.has(dnKey(parseDn(entry.dn))),
  };
}

function databaseFrom(entry: EntryReader): MailboxDatabase {
  return {
    distinguishedName: entry.dn,
    name: entry.one('cn') ?? '',
    legacyDn: entry.one('legacyExchangeDN'),
    owningServerDn: entry.one('msExchOwningServer'),
    offlineAddressBookDn: entry.one('msExchUseOAB'),
    publicDatabaseDn: entry.one('msExchHomePublicMDB'),
    isRecovery: entry.boolean('msExchRestore'),
    guid: guidOf(entry),
  };
}

function virtualDirectoryFrom(entry: EntryReader): VirtualDirectory[] {
  const kind = entry
    .many('objectClass')
    .map((name) => VIRTUAL_DIRECTORY_CLASSES[name.toLowerCase()])
    .find((found) => found !== undefined);
  const serverDn = /,CN=Protocols,(.+)$/i.exec(entry.dn)?.[1];
  if (!kind || !serverDn) return [];
  return [
    {
      distinguishedName: entry.dn,
      kind,
      serverDn,
      internalUrl: entry.one('msExchInternalHostName'),
      externalUrl: entry.one('msExchExternalHostName'),
      internalAuthentication: entry.integer('msExchInternalAuthenticationMethods') ?? 0,
      externalAuthentication: entry.integer('msExchExternalAuthenticationMethods') ?? 0,
    },
  ];
}

function providerFrom(entry: EntryReader): OutlookProvider {
  return {
    name: entry.one('cn') ?? '',
    certPrincipalName: entry.one('msExchAutoDiscoverCertPrincipalName'),
    server: entry.one('msExchAutoDiscoverServer'),
    ttlHours: entry.integer('msExchAutoDiscoverTTL'),
  };
}

function bookFrom(entry: EntryReader): OfflineAddressBook[] {
  const guid = entry.bytes('objectGUID');
  if (guid?.length !== 16) return [];
  return [{ distinguishedName: entry.dn, guid: guidText(guid), isDefault: entry.boolean('msExchOABDefault') }];
}

function scpFrom(entry: EntryReader): ServiceConnectionPoint[] {
  const keywords = entry.many('keywords');
  const has = (wanted: string) => keywords.some((keyword) => keyword.toLowerCase() === wanted.toLowerCase());
  return [
    {
      distinguishedName: entry.dn,
      kind: has(SCP_URL_KEYWORD) ? 'url' : 'pointer',
      keywords,
      bindingInformation: entry.one('serviceBindingInformation'),
      whenCreated: entry.one('whenCreated'),
      serviceDnsName: entry.one('serviceDNSName'),
    },
  ];
}

function domainFrom(entry: EntryReader): ForestDomain[] {
  const netbiosName = entry.one('nETBIOSName');
  const namingContext = entry.one('nCName');
  if (!netbiosName || !namingContext) return [];
  return [{ netbiosName, dnsName: entry.one('dnsRoot'), namingContext }];
}
