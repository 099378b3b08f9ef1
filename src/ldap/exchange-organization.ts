// The Exchange organisation as one immutable value: arrays, servers, databases, virtual directories, Outlook providers, offline address
// books, service connection points, sites, and the domains' NetBIOS names. Read by read-organization.ts, swapped whole by directory.ts.

/** Role bits of msExchCurrentServerRoles. */
export const SERVER_ROLE = { MAILBOX: 2, CLIENT_ACCESS: 4, UNIFIED_MESSAGING: 16, HUB_TRANSPORT: 32 } as const;

/** Authentication bits of a virtual directory. */
export const AUTH_METHOD = {
  BASIC: 1,
  NTLM: 2,
  FORMS: 4,
  DIGEST: 8,
  WINDOWS_INTEGRATED: 16,
  NEGOTIATE: 8192,
} as const;

export interface Site {
  readonly distinguishedName: string;
  readonly name: string;
}

interface RpcEndpointObject {
  readonly distinguishedName: string;
  readonly name: string;
  readonly legacyDn: string | undefined;
  /** The `ncacn_ip_tcp:` value of networkAddress. */
  readonly fqdn: string | undefined;
  readonly siteDn: string | undefined;
  /** objectGUID as text. */
  readonly guid?: string | undefined;
  /** The object's most specific class. */
  readonly objectClass?: string | undefined;
}

/** One object of class msExchExchangeServer that is no array. */
export interface ExchangeServer extends RpcEndpointObject {
  readonly kind: 'server';
  readonly roles: number;
  /** versionNumber: `7<<28 | major<<22 | minor<<16 | 1<<15 | build`. */
  readonly versionNumber: number | undefined;
  /** The fourth part of the version (revision), out of serialNumber. */
  readonly revision: number | undefined;
  /**
   * Whether the server has the configuration of the RPC Client Access service (`CN=RpcClientAccess,CN=Protocols` below it). Undefined
   * when no server of the organisation shows one: then it cannot be told.
   */
  readonly hasRpcClientAccess?: boolean | undefined;
}

/** A CAS array: an object of class msExchClientAccessArray. It has no member list; members share its site. */
export interface ClientAccessArray extends RpcEndpointObject {
  readonly kind: 'array';
}

export type RpcEndpoint = ExchangeServer | ClientAccessArray;

export interface MailboxDatabase {
  readonly distinguishedName: string;
  readonly name: string;
  /** `<RPC endpoint's legacy DN>/cn=Microsoft Private MDB`, which is how RpcClientAccessServer is stored. */
  readonly legacyDn: string | undefined;
  readonly owningServerDn: string | undefined;
  readonly offlineAddressBookDn: string | undefined;
  readonly publicDatabaseDn: string | undefined;
  readonly isRecovery: boolean;
  /** objectGUID as text. */
  readonly guid?: string | undefined;
}

export interface PublicFolderDatabase {
  readonly distinguishedName: string;
  readonly owningServerDn: string | undefined;
}

export type VirtualDirectoryKind = 'ews' | 'ecp' | 'owa' | 'oab' | 'activesync' | 'rpc' | 'autodiscover' | 'powershell';

export interface VirtualDirectory {
  readonly distinguishedName: string;
  readonly kind: VirtualDirectoryKind;
  readonly serverDn: string;
  readonly internalUrl: string | undefined;
  readonly externalUrl: string | undefined;
  /** Bits of AUTH_METHOD. */
  readonly internalAuthentication: number;
  readonly externalAuthentication: number;
}

/** One of the Outlook providers EXCH, EXPR, WEB. */
export interface OutlookProvider {
  readonly name: string;
  readonly certPrincipalName: string | undefined;
  readonly server: string | undefined;
  readonly ttlHours: number | undefined;
}

export interface OfflineAddressBook {
  readonly distinguishedName: string;
  readonly guid: string;
  readonly isDefault: boolean;
}

/** An Autodiscover service connection point: `url` for this forest, `pointer` to another one. */
export interface ServiceConnectionPoint {
  readonly distinguishedName: string;
  readonly kind: 'url' | 'pointer';
  readonly keywords: readonly string[];
  /** The first value of serviceBindingInformation. */
  readonly bindingInformation: string | undefined;
  readonly whenCreated: string | undefined;
  /** The host it was made for: Exchange writes the server's short name. */
  readonly serviceDnsName?: string | undefined;
}

/** A domain of the forest. */
export interface ForestDomain {
  readonly netbiosName: string;
  readonly dnsName: string | undefined;
  readonly namingContext: string;
}

/** Naming contexts and identity of the controller that was asked. */
export interface RootDse {
  readonly defaultNamingContext: string;
  readonly configurationNamingContext: string;
  /** The controller's own FQDN, as it calls itself. */
  readonly dnsHostName: string | undefined;
}

export interface ExchangeOrganization {
  readonly name: string;
  readonly distinguishedName: string;
  readonly legacyDn: string | undefined;
  /** objectGUID of the organisation object: stable, and so the DeploymentId. */
  readonly guid: string;
  readonly rootDse: RootDse;
  /** When the snapshot was read, in milliseconds since 1970. */
  readonly readAt: number;
  readonly domains: readonly ForestDomain[];
  readonly sites: readonly Site[];
  readonly servers: readonly ExchangeServer[];
  readonly arrays: readonly ClientAccessArray[];
  readonly databases: readonly MailboxDatabase[];
  readonly publicDatabases: readonly PublicFolderDatabase[];
  readonly virtualDirectories: readonly VirtualDirectory[];
  readonly outlookProviders: readonly OutlookProvider[];
  readonly offlineAddressBooks: readonly OfflineAddressBook[];
  readonly serviceConnectionPoints: readonly ServiceConnectionPoint[];
}

/** Major part of a versionNumber: 8 is Exchange 2007, 14 is 2010, 15 is 2013 and later; undefined stays undefined. */
export function majorVersion(versionNumber: number | undefined): number | undefined {
  return versionNumber === undefined ? undefined : (versionNumber >>> 22) & 0x3f;
}
