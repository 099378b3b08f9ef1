// Which FQDN Outlook is told as its RPC server, and why. Pure: one database and one snapshot in, one decision out. The main line is the
// CAS array that the database's legacyExchangeDN names; everything else is a fall-back with a warning, or no answer at all.

import {
  type ExchangeServer,
  type MailboxDatabase,
  majorVersion,
  type RpcEndpoint,
  SERVER_ROLE,
} from '../../ldap/exchange-organization.ts';
import { lastCommonName, privateMdbDn, rpcEndpointDn } from '../../ldap/legacy-dn.ts';
import type { OrganizationIndex } from '../../ldap/organization-index.ts';

/** How the endpoint was found. `array` is the product's main line; `server` means the database is not associated with an array. */
export type EndpointSource = 'array' | 'server' | 'legacy-server' | 'unknown-name' | 'site-array' | 'site-server';

export type RpcEndpointDecision =
  | {
      readonly status: 'endpoint';
      readonly source: EndpointSource;
      /** POX `Server`: the FQDN, without port. */
      readonly fqdn: string;
      /** POX `ServerDN`: legacyExchangeDN of the endpoint. */
      readonly serverDn: string;
      /** POX `MdbDN`. */
      readonly mdbDn: string;
      /** DN of the site whose URLs belong to this endpoint. */
      readonly siteDn: string | undefined;
      readonly reason: string;
      /** Set where an administrator has something to mend. */
      readonly warning: string | undefined;
    }
  /** The database lives on a newer Exchange, which answers for itself. */
  | { readonly status: 'newer-version'; readonly major: number; readonly reason: string }
  | { readonly status: 'none'; readonly reason: string };

const EXCHANGE_2007 = 8;
const EXCHANGE_2013 = 15;

/** Decides the RPC endpoint of a database. */
export function rpcEndpoint(database: MailboxDatabase, index: OrganizationIndex): RpcEndpointDecision {
  const owner = index.server(database.owningServerDn);
  const major = majorVersion(owner?.versionNumber);
  if (major !== undefined && major >= EXCHANGE_2013) {
    return {
      status: 'newer-version',
      major,
      reason: `database ${database.distinguishedName} is owned by Exchange ${major}`,
    };
  }
  if (owner && major !== undefined && major <= EXCHANGE_2007) return legacyServer(database, owner, major);

  const serverDn = database.legacyDn === undefined ? undefined : rpcEndpointDn(database.legacyDn);
  if (serverDn === undefined) {
    const what =
      database.legacyDn === undefined
        ? 'has no legacyExchangeDN'
        : `has a malformed legacyExchangeDN "${database.legacyDn}"`;
    return siteFallBack(database, owner, index, what);
  }
  const endpoint = index.endpoint(serverDn);
  if (!endpoint) return unknownName(database, owner, index, serverDn);
  if (!endpoint.fqdn) {
    return siteFallBack(
      database,
      owner,
      index,
      `names ${endpoint.distinguishedName}, which has no ncacn_ip_tcp network address`,
    );
  }
  if (endpoint.kind === 'server' && (endpoint.roles & SERVER_ROLE.CLIENT_ACCESS) === 0) {
    return siteFallBack(database, owner, index, `names ${endpoint.name}, a server without the Client Access role`);
  }
  const named = { status: 'endpoint', fqdn: endpoint.fqdn, serverDn, mdbDn: privateMdbDn(serverDn) } as const;
  if (endpoint.kind === 'array') {
    return {
      ...named,
      source: 'array',
      siteDn: endpoint.siteDn ?? owner?.siteDn,
      reason: `database ${database.name} names the CAS array "${endpoint.name}"`,
      warning: undefined,
    };
  }
  return {
    ...named,
    source: 'server',
    siteDn: endpoint.siteDn ?? owner?.siteDn,
    reason: `database ${database.name} names the single server ${endpoint.name}`,
    warning: `database ${database.distinguishedName} is not associated with a CAS array: it names the single server ${endpoint.fqdn}`,
  };
}

/** Exchange 2003 and 2007 databases are reached on their own mailbox server. */
function legacyServer(database: MailboxDatabase, owner: ExchangeServer, major: number): RpcEndpointDecision {
  if (!owner.fqdn || !owner.legacyDn) {
    return {
      status: 'none',
      reason: `owning server ${owner.distinguishedName} has no network address or legacyExchangeDN`,
    };
  }
  return {
    status: 'endpoint',
    source: 'legacy-server',
    fqdn: owner.fqdn,
    serverDn: owner.legacyDn,
    mdbDn: privateMdbDn(owner.legacyDn),
    siteDn: owner.siteDn,
    reason: `database ${database.name} is owned by ${owner.name} (Exchange ${major}), which is its own RPC endpoint`,
    warning: undefined,
  };
}

/** The name is nobody's: an array that was removed or renamed if it looks like an FQDN, else a server that is gone. */
function unknownName(
  database: MailboxDatabase,
  owner: ExchangeServer | undefined,
  index: OrganizationIndex,
  serverDn: string,
): RpcEndpointDecision {
  const name = lastCommonName(serverDn) ?? '';
  if (!name.includes('.'))
    return siteFallBack(database, owner, index, `names "${name}", which no server or array is called`);
  return {
    status: 'endpoint',
    source: 'unknown-name',
    fqdn: name,
    serverDn,
    mdbDn: privateMdbDn(serverDn),
    siteDn: owner?.siteDn,
    reason: `database ${database.name} names ${name}, which is in no array or server object; its name is answered as it stands`,
    warning: `database ${database.distinguishedName} names ${name}, but no array or server has that legacyExchangeDN: was the array removed or renamed?`,
  };
}

function siteFallBack(
  database: MailboxDatabase,
  owner: ExchangeServer | undefined,
  index: OrganizationIndex,
  fault: string,
): RpcEndpointDecision {
  const siteName = index.site(owner?.siteDn)?.name ?? 'unknown';
  const chosen =
    usable(index.arraysIn(owner?.siteDn)) ?? usable(rpcClientAccessServers(index.serversIn(owner?.siteDn)));
  const where = `database ${database.distinguishedName} ${fault}`;
  if (!chosen) {
    return {
      status: 'none',
      reason: `${where}, and the site of its owning server (${siteName}) has neither a CAS array nor a Client Access server`,
    };
  }
  const what =
    chosen.kind === 'array'
      ? `the site's CAS array "${chosen.name}"`
      : `the site's Client Access server ${chosen.name}`;
  return {
    status: 'endpoint',
    source: chosen.kind === 'array' ? 'site-array' : 'site-server',
    fqdn: chosen.fqdn,
    serverDn: chosen.legacyDn,
    mdbDn: privateMdbDn(chosen.legacyDn),
    siteDn: owner?.siteDn,
    reason: `${where}; fell back to ${what} of ${siteName}`,
    warning: `${where}; answered ${what} (${chosen.fqdn}) of its owning server's site ${siteName} instead`,
  };
}

function hasClientAccess(server: ExchangeServer): boolean {
  return (server.roles & SERVER_ROLE.CLIENT_ACCESS) !== 0 && majorVersion(server.versionNumber) === 14;
}

/** The first, by name, that has both an FQDN and a legacyExchangeDN. */
function usable<T extends RpcEndpoint>(endpoints: readonly T[]): (T & { fqdn: string; legacyDn: string }) | undefined {
  return endpoints.find((e): e is T & { fqdn: string; legacyDn: string } => Boolean(e.fqdn && e.legacyDn));
}

/**
 * The version to announce: that of the database's owning server, else of the highest Client Access server of the site.
 * Arrays carry no version of their own.
 */
export function announcedServer(
  database: MailboxDatabase,
  siteDn: string | undefined,
  index: OrganizationIndex,
): ExchangeServer | undefined {
  const owner = index.server(database.owningServerDn);
  if (owner?.versionNumber !== undefined) return owner;
  return highestClientAccessServer(siteDn, index);
}

/** The Exchange 2010 servers with the Client Access role. */
export function clientAccessServers(servers: readonly ExchangeServer[]): readonly ExchangeServer[] {
  return servers.filter(hasClientAccess);
}

/**
 * The Exchange 2010 Client Access servers that Outlook can connect to by RPC, which in its site are the members of the array. The role
 * alone does not do: the RPC Client Access service needs its configuration, which setup makes with the role and New-RpcClientAccess
 * makes again. Where no server shows that object the role decides. Mailbox servers have the object too, for public folders, and are no
 * members.
 */
export function rpcClientAccessServers(servers: readonly ExchangeServer[]): readonly ExchangeServer[] {
  return servers.filter((server) => hasClientAccess(server) && server.hasRpcClientAccess !== false);
}

/** The server with the highest version; undefined when none tells one. */
export function highestVersion(servers: readonly ExchangeServer[]): ExchangeServer | undefined {
  return servers.reduce<ExchangeServer | undefined>(
    (best, server) => ((server.versionNumber ?? 0) > (best?.versionNumber ?? 0) ? server : best),
    undefined,
  );
}

/** The Client Access server of a site with the highest version. */
export function highestClientAccessServer(
  siteDn: string | undefined,
  index: OrganizationIndex,
): ExchangeServer | undefined {
  return highestVersion(clientAccessServers(index.serversIn(siteDn)));
}
