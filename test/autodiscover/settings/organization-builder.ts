// Small organisations for pure tests: one site with an array, two servers and a database, each replaceable.
import type {
  ClientAccessArray,
  ExchangeOrganization,
  ExchangeServer,
  MailboxDatabase,
  VirtualDirectory,
} from '../../../src/ldap/exchange-organization.ts';
import { OrganizationIndex } from '../../../src/ldap/organization-index.ts';

export const NORTH = 'CN=North,CN=Sites,CN=Configuration,DC=x';
export const SOUTH = 'CN=South,CN=Sites,CN=Configuration,DC=x';
export const LEGACY = '/o=X/ou=First/cn=Configuration/cn=Servers/cn=';

/** `7<<28 | major<<22 | minor<<16 | 1<<15 | build`. */
export const version = (major: number, minor = 3, build = 123): number =>
  ((7 << 28) | (major << 22) | (minor << 16) | (1 << 15) | build) >>> 0;

export function server(name: string, changes: Partial<ExchangeServer> = {}): ExchangeServer {
  return {
    kind: 'server',
    distinguishedName: `CN=${name},CN=Servers,DC=x`,
    name,
    legacyDn: LEGACY + name,
    fqdn: `${name.toLowerCase()}.x.test`,
    siteDn: NORTH,
    roles: 4,
    versionNumber: version(14),
    revision: 4,
    ...changes,
  };
}

export function array(fqdn: string, changes: Partial<ClientAccessArray> = {}): ClientAccessArray {
  return {
    kind: 'array',
    distinguishedName: `CN=${fqdn},CN=Arrays,DC=x`,
    name: fqdn,
    legacyDn: LEGACY + fqdn,
    fqdn,
    siteDn: NORTH,
    ...changes,
  };
}

export function database(changes: Partial<MailboxDatabase> = {}): MailboxDatabase {
  return {
    distinguishedName: 'CN=DB1,CN=Databases,DC=x',
    name: 'DB1',
    legacyDn: `${LEGACY}array.x.test/cn=Microsoft Private MDB`,
    owningServerDn: server('MBX1').distinguishedName,
    offlineAddressBookDn: undefined,
    publicDatabaseDn: undefined,
    isRecovery: false,
    ...changes,
  };
}

export function virtualDirectory(
  serverName: string,
  kind: VirtualDirectory['kind'],
  changes: Partial<VirtualDirectory> = {},
): VirtualDirectory {
  return {
    distinguishedName: `CN=${kind},CN=HTTP,CN=Protocols,${server(serverName).distinguishedName}`,
    kind,
    serverDn: server(serverName).distinguishedName,
    internalUrl: undefined,
    externalUrl: undefined,
    internalAuthentication: 0,
    externalAuthentication: 0,
    ...changes,
  };
}

/** CAS1 and the mailbox server MBX1 in the site North with an array; the site South is empty. */
export function organization(changes: Partial<ExchangeOrganization> = {}): OrganizationIndex {
  return new OrganizationIndex({
    name: 'X',
    distinguishedName: 'CN=X,DC=x',
    legacyDn: '/o=X',
    guid: '00000000-0000-0000-0000-000000000001',
    rootDse: {
      defaultNamingContext: 'DC=x',
      configurationNamingContext: 'CN=Configuration,DC=x',
      dnsHostName: 'dc.x.test',
    },
    readAt: 0,
    domains: [{ netbiosName: 'X', dnsName: 'x.test', namingContext: 'DC=x' }],
    sites: [
      { distinguishedName: NORTH, name: 'North' },
      { distinguishedName: SOUTH, name: 'South' },
    ],
    servers: [server('CAS1'), server('MBX1', { roles: 2 })],
    arrays: [array('array.x.test')],
    databases: [],
    publicDatabases: [],
    virtualDirectories: [],
    outlookProviders: [],
    offlineAddressBooks: [],
    serviceConnectionPoints: [],
    ...changes,
  });
}
