// Finds what an administrator names: arrays and databases by any identity Exchange's own commands take, sites, servers, endpoints.
// A name that means nothing is answered with the names there are.

import { rpcClientAccessServers } from '../autodiscover/settings/rpc-endpoint.ts';
import { ownName } from '../ldap/distinguished-name.ts';
import type {
  ClientAccessArray,
  ExchangeServer,
  MailboxDatabase,
  RpcEndpoint,
  ServiceConnectionPoint,
  Site,
} from '../ldap/exchange-organization.ts';
import { legacyDnKey } from '../ldap/legacy-dn.ts';
import { dnTextKey, type OrganizationIndex } from '../ldap/organization-index.ts';
import { AdminError } from './errors.ts';

interface Named {
  readonly distinguishedName: string;
  readonly name: string;
  readonly guid?: string | undefined;
  readonly fqdn?: string | undefined;
  readonly legacyDn?: string | undefined;
}

/** The one object with this name, FQDN, DN, legacyExchangeDN or GUID. Throws AdminError `not-found`, also when there are several. */
function findOne<T extends Named>(objects: readonly T[], identity: string, kind: string): T {
  const wanted = identity.trim().toLowerCase();
  const guid = wanted.replace(/^\{(.*)\}$/, '$1');
  const found = objects.filter(
    (object) =>
      object.name.toLowerCase() === wanted ||
      object.fqdn?.toLowerCase() === wanted ||
      (identity.includes('=') && dnTextKey(object.distinguishedName) === dnTextKey(identity)) ||
      (object.legacyDn !== undefined && legacyDnKey(object.legacyDn) === wanted) ||
      object.guid === guid,
  );
  const [only] = found;
  if (found.length === 1 && only) return only;
  const why =
    found.length > 1
      ? `several are called so: ${found.map(({ distinguishedName }) => distinguishedName).join(' | ')}`
      : `there is none; there are: ${objects.map(({ name }) => name).join(', ') || 'none at all'}`;
  throw new AdminError('not-found', `looking for ${kind} "${identity}": ${why}`);
}

export function findArray({ organization }: OrganizationIndex, identity: string): ClientAccessArray {
  return findOne(organization.arrays, identity, 'the CAS array');
}

/** A database by name, DN or GUID; its legacyExchangeDN is no identity, because databases share it. */
export function findDatabase({ organization }: OrganizationIndex, identity: string): MailboxDatabase {
  const objects = organization.databases.map((database) => ({ ...database, legacyDn: undefined, database }));
  return findOne(objects, identity, 'the mailbox database').database;
}

export function findSite({ organization }: OrganizationIndex, identity: string): Site {
  return findOne(organization.sites, identity, 'the AD site');
}

export function findServer({ organization }: OrganizationIndex, identity: string): ExchangeServer {
  return findOne(organization.servers, identity, 'the Exchange server');
}

/** What a database may name: an array, or a Client Access server. */
export function findEndpoint({ organization }: OrganizationIndex, identity: string): RpcEndpoint {
  const objects: readonly RpcEndpoint[] = [...organization.arrays, ...rpcClientAccessServers(organization.servers)];
  return findOne(objects, identity, 'the CAS array or Exchange 2010 Client Access server');
}

/** A service connection point by the name of its object or its DN. */
export function findScp({ organization }: OrganizationIndex, identity: string): ServiceConnectionPoint {
  const objects = organization.serviceConnectionPoints.map((point) => ({
    ...point,
    name: ownName(point.distinguishedName),
    point,
  }));
  return findOne(objects, identity, 'the service connection point').point;
}
