// Set-MailboxDatabase -RpcClientAccessServer for one, several or all databases.

import { associateDatabase } from '../ldap/array-changes.ts';
import { type MailboxDatabase, majorVersion } from '../ldap/exchange-organization.ts';
import { dnTextKey, type OrganizationIndex } from '../ldap/organization-index.ts';
import { AdminError } from './errors.ts';
import { findDatabase, findEndpoint, findSite } from './find-objects.ts';
import { makePlan, type Plan } from './plan.ts';

const EXCHANGE_2010 = 14;

export interface DatabaseChoice {
  readonly names: readonly string[];
  readonly all: boolean;
  /** Only databases whose owning server is in this site. */
  readonly site: string | undefined;
}

/** The chosen databases, by name. Recovery databases are no home of anybody and are left out unless they are named. */
export function chooseDatabases(index: OrganizationIndex, choice: DatabaseChoice): readonly MailboxDatabase[] {
  const { names, all, site } = choice;
  if (names.length > 0 && (all || site !== undefined)) {
    throw new AdminError('configuration', 'name databases, or choose them with --all or --site: not both');
  }
  if (names.length > 0) return [...new Set(names.map((name) => findDatabase(index, name)))];
  if (!all && site === undefined) {
    throw new AdminError('configuration', 'which databases? Name them, or give --all, or --site SITE');
  }
  const databases = index.organization.databases.filter((database) => !database.isRecovery);
  if (site === undefined) return databases;
  const wanted = dnTextKey(findSite(index, site).distinguishedName);
  const chosen = databases.filter((database) => dnTextKey(siteDnOf(database, index) ?? '') === wanted);
  if (chosen.length === 0)
    throw new AdminError('not-found', `no mailbox database's owning server is in site "${site}"`);
  return chosen;
}

/** The site of a database's owning server. */
export function siteDnOf(database: MailboxDatabase, index: OrganizationIndex): string | undefined {
  return index.server(database.owningServerDn)?.siteDn;
}

/** Only Exchange 2010 has the property; what stands in its place at databases of other versions leads to their own server. */
function isOfOtherVersion(database: MailboxDatabase, index: OrganizationIndex): boolean {
  const major = majorVersion(index.server(database.owningServerDn)?.versionNumber);
  return major !== undefined && major !== EXCHANGE_2010;
}

function ofOtherVersion(names: string): AdminError {
  return new AdminError(
    'rule',
    `${names}: owned by another version than Exchange 2010, which has no RpcClientAccessServer to set`,
  );
}

export function planSetDatabases(index: OrganizationIndex, choice: DatabaseChoice, endpointName: string): Plan {
  const endpoint = findEndpoint(index, endpointName);
  const chosen = chooseDatabases(index, choice);
  const others = chosen.filter((database) => isOfOtherVersion(database, index));
  const databases = chosen.filter((database) => !others.includes(database));
  const otherNames = others.map(({ name }) => name).join(', ');
  if (others.length > 0 && (choice.names.length > 0 || databases.length === 0)) throw ofOtherVersion(otherNames);
  if (endpoint.legacyDn === undefined || endpoint.fqdn === undefined) {
    const lacks = endpoint.legacyDn === undefined ? 'legacyExchangeDN' : 'ncacn_ip_tcp network address';
    throw new AdminError('rule', `${endpoint.distinguishedName} has no ${lacks}: Outlook could not be told its name`);
  }
  const { legacyDn, siteDn } = endpoint;
  const site = index.site(siteDn)?.name ?? 'unknown';
  const elsewhere = databases.filter(
    (database) => siteDn !== undefined && dnTextKey(siteDnOf(database, index) ?? '') !== dnTextKey(siteDn),
  );
  const changes = databases.map((database) => associateDatabase(database, legacyDn));
  return makePlan({
    title: `set RpcClientAccessServer of ${databases.map(({ name }) => name).join(', ')} to ${endpoint.fqdn}`,
    changes,
    warnings: [
      ...(others.length > 0 ? [`${ofOtherVersion(otherNames).message}; left as they are`] : []),
      ...(endpoint.kind === 'server'
        ? [
            `${endpoint.name} is a single server: its users lose their connection whenever it stops. A CAS array is made with: autodiscover array create`,
          ]
        : []),
      ...(elsewhere.length > 0
        ? [
            `${elsewhere.map(({ name }) => name).join(', ')}: the owning server is not in site ${site}, where ${endpoint.name} is; Outlook will cross sites`,
          ]
        : []),
    ],
    notes: [
      'New profiles and repairs get the new name with the next read of the organisation by the service.',
      'Profiles made before keep their server name until they are repaired; profile-migrator moves them (autodiscover policy writes its policy).',
    ],
  });
}
