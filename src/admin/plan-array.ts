// The rules of New-, Set- and Remove-ClientAccessArray, and the changes they lead to. What the directory does not enforce (one array
// per site, unique names, no removal while databases name it) is enforced here.

import { clientAccessServers, rpcClientAccessServers } from '../autodiscover/settings/rpc-endpoint.ts';
import {
  type AdministrativeGroup,
  ARRAY_ATTRIBUTES,
  addArray,
  addContainer,
  arrayLegacyDn,
  arraysContainerDn,
  changeArray,
  groupOf,
  isRenamable,
} from '../ldap/array-changes.ts';
import { deleteEntry, renameEntry } from '../ldap/change.ts';
import type { ClientAccessArray, MailboxDatabase, RpcEndpoint, Site } from '../ldap/exchange-organization.ts';
import { legacyDnKey, rpcEndpointDn } from '../ldap/legacy-dn.ts';
import type { OrganizationIndex } from '../ldap/organization-index.ts';
import { fqdnFault, fqdnWarnings, type NameLookup, nameFault } from './array-names.ts';
import type { ControllerSession } from './controller-session.ts';
import { AdminError } from './errors.ts';
import { findArray, findSite } from './find-objects.ts';
import { makePlan, type Plan } from './plan.ts';

const rule = (message: string) => new AdminError('rule', message);

/** Client Access servers behind an array: those of its site with an RPC Client Access service. */
export function membersOf(index: OrganizationIndex, siteDn: string | undefined) {
  return siteDn === undefined ? [] : rpcClientAccessServers(index.serversIn(siteDn));
}

/** Databases whose RpcClientAccessServer is the endpoint with this legacyExchangeDN. */
export function databasesNaming(index: OrganizationIndex, legacyDn: string): MailboxDatabase[] {
  return index.organization.databases.filter((database) => {
    const named = database.legacyDn === undefined ? undefined : rpcEndpointDn(database.legacyDn);
    return named !== undefined && legacyDnKey(named) === legacyDnKey(legacyDn);
  });
}

export interface CreateArray {
  readonly fqdn: string;
  readonly site: string;
  /** The host part of the FQDN when not given, as Exchange does. */
  readonly name: string | undefined;
}

export async function planCreateArray(
  { writer, index }: ControllerSession,
  wish: CreateArray,
  lookup: NameLookup | undefined,
): Promise<Plan> {
  const fqdn = checkedFqdn(wish.fqdn);
  const name = checkedName(wish.name ?? fqdn.split('.')[0] ?? fqdn);
  const site = findSite(index, wish.site);
  refuseSecondArray(index, site, undefined);
  refuseTakenNames(index, { name, fqdn }, undefined);
  const group = groupFor(index, site);
  const legacyDn = arrayLegacyDn({ group, fqdn });
  const owner = index.endpoint(legacyDn);
  if (owner)
    throw rule(`creating CAS array ${fqdn}: ${owner.distinguishedName} already has the legacyExchangeDN ${legacyDn}`);
  const container = arraysContainerDn(group);
  const missing = (await writer.read(container, ['cn'])) === undefined;
  const members = membersOf(index, site.distinguishedName);
  return makePlan({
    title: `create CAS array ${fqdn} for site ${site.name}`,
    changes: [
      ...(missing ? [addContainer(container)] : []),
      addArray({ group, name, fqdn, siteDn: site.distinguishedName }),
    ],
    warnings: [...(members.length === 0 ? [emptySite(site)] : []), ...(await fqdnWarnings(fqdn, index, lookup))],
    notes: [
      `Members (Client Access servers of the site): ${members.map((server) => server.name).join(', ') || 'none'}.`,
      'The array balances nothing by itself: its name must lead to a load balancer (or to the one server).',
      `Databases do not name it yet: autodiscover database set --all --site "${site.name}" --rpc-client-access-server ${fqdn}`,
    ],
  });
}

export interface SetArray {
  readonly name?: string;
  readonly fqdn?: string;
  readonly site?: string;
}

export async function planSetArray(
  { writer, index }: ControllerSession,
  identity: string,
  wish: SetArray,
  lookup: NameLookup | undefined,
): Promise<Plan> {
  const array = findArray(index, identity);
  const current = await writer.read(array.distinguishedName, ARRAY_ATTRIBUTES);
  if (!current) throw new AdminError('not-found', `reading ${array.distinguishedName} on ${writer.url}: it is gone`);
  const fqdn = wish.fqdn === undefined ? undefined : checkedFqdn(wish.fqdn);
  const name = wish.name === undefined ? undefined : checkedName(wish.name);
  const site = wish.site === undefined ? undefined : findSite(index, wish.site);
  if (site) refuseSecondArray(index, site, array);
  refuseTakenNames(index, { name, fqdn }, array);
  const renames = name !== undefined && name !== array.name;
  if (renames && !isRenamable(current)) {
    throw rule(
      `renaming ${array.distinguishedName}: it was made without systemFlags 0x40000000, so no directory lets it be renamed. Its FQDN and site can change; for another name remove it and create a new one.`,
    );
  }
  const naming = array.legacyDn === undefined ? [] : databasesNaming(index, array.legacyDn);
  const fqdnChanges = fqdn !== undefined && fqdn.toLowerCase() !== array.fqdn?.toLowerCase();
  const members = site ? membersOf(index, site.distinguishedName) : [];
  return makePlan({
    title: `change CAS array ${array.name}`,
    changes: [
      changeArray(current, {
        ...(fqdn === undefined || fqdn === array.fqdn ? {} : { fqdn }),
        ...(site ? { siteDn: site.distinguishedName } : {}),
      }),
      ...(renames && name !== undefined ? [renameEntry(array.distinguishedName, name)] : []),
    ],
    warnings: [
      ...(site && members.length === 0 ? [emptySite(site)] : []),
      ...(fqdnChanges && fqdn !== undefined ? await fqdnWarnings(fqdn, index, lookup) : []),
    ],
    notes: fqdnChanges
      ? [
          'The legacyExchangeDN stays as it is: databases and profiles refer to it.',
          `Mailboxes of ${naming.map((database) => database.name).join(', ') || 'no database'} are answered the new name with the service's next read of the organisation. Existing Outlook profiles keep the old one until they are repaired or migrated.`,
        ]
      : [],
  });
}

export async function planRemoveArray({ writer, index }: ControllerSession, identity: string): Promise<Plan> {
  const array = findArray(index, identity);
  const warnings = refuseNamedArray(array, index);
  const found = await writer.readWritable(array.distinguishedName);
  if (!found) throw new AdminError('not-found', `reading ${array.distinguishedName} on ${writer.url}: it is gone`);
  return makePlan({
    title: `remove CAS array ${array.name}`,
    changes: [deleteEntry(array.distinguishedName, found)],
    warnings,
    notes: ['Undoing this creates the array anew: the same names and attributes, another objectGUID.'],
  });
}

/** Warnings about an array's removal. Throws AdminError `rule` when databases name it, and nothing else has the name. */
export function refuseNamedArray(array: ClientAccessArray, index: OrganizationIndex): readonly string[] {
  const naming = array.legacyDn === undefined ? [] : databasesNaming(index, array.legacyDn);
  if (naming.length === 0) return [];
  const names = naming.map((database) => database.name);
  const twin = twinOf(array, index);
  if (twin) {
    return [
      `databases name it (${names.join(', ')}); from now on they mean ${twin.distinguishedName}, of the same legacyExchangeDN`,
    ];
  }
  throw rule(
    `removing CAS array ${array.name}: databases name it (${names.join(', ')}); their users would be told a name that is no object any more. ` +
      `First: autodiscover database set ${names.map(quoted).join(' ')} --rpc-client-access-server <array or server>`,
  );
}

/** Another endpoint of the same legacyExchangeDN: two controllers that were told to create one array keep both (`CNF:` in a name). */
function twinOf(array: ClientAccessArray, { organization }: OrganizationIndex): RpcEndpoint | undefined {
  const { legacyDn } = array;
  if (legacyDn === undefined) return undefined;
  const others: readonly RpcEndpoint[] = [...organization.arrays, ...organization.servers];
  return others.find(
    (other) => other !== array && other.legacyDn !== undefined && legacyDnKey(other.legacyDn) === legacyDnKey(legacyDn),
  );
}

function quoted(name: string): string {
  return /^[\w.-]+$/.test(name) ? name : `"${name}"`;
}

function emptySite(site: Site): string {
  return `site ${site.name} has no Exchange 2010 Client Access server: the array has no members`;
}

function checkedFqdn(text: string): string {
  const fault = fqdnFault(text);
  if (fault) throw rule(`"${text}" cannot be an array's FQDN: ${fault}`);
  return text;
}

function checkedName(text: string): string {
  const fault = nameFault(text);
  if (fault) throw rule(`"${text}" cannot be an array's name: ${fault}`);
  return text;
}

function refuseSecondArray(index: OrganizationIndex, site: Site, own: ClientAccessArray | undefined): void {
  const other = index.arraysIn(site.distinguishedName).find((array) => array !== own);
  if (other) {
    throw rule(
      `site ${site.name} has the CAS array "${other.name}" (${other.fqdn ?? 'no FQDN'}) already, and a site has one at most: change that one, or remove it first`,
    );
  }
}

/** Names and FQDNs are unique among arrays and servers together: they share one class, and clients take one for the other. */
function refuseTakenNames(
  { organization }: OrganizationIndex,
  { name, fqdn }: { readonly name: string | undefined; readonly fqdn: string | undefined },
  own: ClientAccessArray | undefined,
): void {
  const others: readonly RpcEndpoint[] = [...organization.arrays, ...organization.servers].filter((one) => one !== own);
  for (const other of others) {
    const what = other.kind === 'array' ? 'CAS array' : 'server';
    if (name !== undefined && other.name.toLowerCase() === name.toLowerCase()) {
      throw rule(`the name "${name}" is taken by the ${what} ${other.distinguishedName}`);
    }
    if (fqdn !== undefined && other.fqdn?.toLowerCase() === fqdn.toLowerCase()) {
      throw rule(`the FQDN ${fqdn} is taken by the ${what} ${other.distinguishedName}`);
    }
  }
}

/** The administrative group of the site's servers, else of any: a site without servers has none of its own. */
function groupFor(index: OrganizationIndex, site: Site): AdministrativeGroup {
  const servers = [...membersOf(index, site.distinguishedName), ...clientAccessServers(index.organization.servers)];
  const group = servers.map(groupOf).find((found) => found !== undefined);
  if (!group)
    throw rule(
      'the organisation has no Exchange 2010 Client Access server, so there is nothing an array could stand for',
    );
  return group;
}
