// The directory changes behind Exchange's New-, Set- and Remove-ClientAccessArray and Set-MailboxDatabase -RpcClientAccessServer.

import { addEntry, type GuardedChange, replaceValues } from './change.ts';
import { childDn, formatDn, parentDn, parseDn } from './distinguished-name.ts';
import type { EntryReader } from './entry.ts';
import type { ExchangeServer, MailboxDatabase } from './exchange-organization.ts';
import { legacyDnKey, privateMdbDn } from './legacy-dn.ts';

/** msExchVersion of arrays and servers: object version 0.1 (8.0.535.0). */
const ARRAY_VERSION = '4535486012416';
/** FLAG_CONFIG_ALLOW_RENAME ([MS-ADTS] 2.2.10 systemFlags): entries of the configuration cannot be renamed later without it. */
const ALLOW_RENAME = '1073741824';
const TCP = 'ncacn_ip_tcp:';

/** An administrative group: arrays and servers stand below it and carry its legacyExchangeDN in front of theirs. */
export interface AdministrativeGroup {
  readonly distinguishedName: string;
  readonly legacyDn: string;
}

/** The administrative group of a server, out of the server's own names; undefined when they are not of the usual form. */
export function groupOf(server: ExchangeServer): AdministrativeGroup | undefined {
  const group = parentDn(parentDn(parseDn(server.distinguishedName)) ?? []);
  const legacyDn = /^(.+)\/cn=Configuration\/cn=Servers\/cn=[^/]+$/i.exec(server.legacyDn ?? '')?.[1];
  return group && group.length > 0 && legacyDn ? { distinguishedName: formatDn(group), legacyDn } : undefined;
}

/** DN of the container that holds a group's arrays. */
export function arraysContainerDn(group: AdministrativeGroup): string {
  return formatDn(childDn('CN', 'Arrays', parseDn(group.distinguishedName)));
}

export function addContainer(dn: string): GuardedChange {
  return addEntry(dn, { objectClass: ['container'] });
}

export interface NewArray {
  readonly group: AdministrativeGroup;
  readonly name: string;
  readonly fqdn: string;
  readonly siteDn: string;
}

/** The legacyExchangeDN of a new array: it ends in the FQDN, not in the name. */
export function arrayLegacyDn({ group, fqdn }: Pick<NewArray, 'group' | 'fqdn'>): string {
  return `${group.legacyDn}/cn=Configuration/cn=Servers/cn=${fqdn}`;
}

/** Adds an array. Only the last class is named: the directory adds the chain above it. */
export function addArray(array: NewArray): GuardedChange {
  const dn = formatDn(childDn('CN', array.name, parseDn(arraysContainerDn(array.group))));
  return addEntry(dn, {
    objectClass: ['msExchClientAccessArray'],
    networkAddress: [`${TCP}${array.fqdn}`],
    msExchServerSite: [array.siteDn],
    legacyExchangeDN: [arrayLegacyDn(array)],
    msExchVersion: [ARRAY_VERSION],
    systemFlags: [ALLOW_RENAME],
  });
}

/** Attributes that `changeArray` needs of the array as it stands. */
export const ARRAY_ATTRIBUTES = ['networkAddress', 'msExchServerSite', 'legacyExchangeDN', 'systemFlags'] as const;

/**
 * Changes an array's FQDN or site. Its legacyExchangeDN stays: it is an identifier that databases and profiles refer to. Other
 * protocols' addresses stay too.
 */
export function changeArray(
  array: EntryReader,
  to: { readonly fqdn?: string; readonly siteDn?: string },
): GuardedChange {
  const addresses = array.many('networkAddress');
  const site = array.many('msExchServerSite');
  const others = addresses.filter((value) => !value.toLowerCase().startsWith(TCP));
  return replaceValues(array.dn, [
    {
      attribute: 'networkAddress',
      before: addresses,
      after: to.fqdn === undefined ? addresses : [...others, `${TCP}${to.fqdn}`],
    },
    { attribute: 'msExchServerSite', before: site, after: to.siteDn === undefined ? site : [to.siteDn] },
  ]);
}

/** Whether the directory lets an entry of the configuration be renamed. */
export function isRenamable(entry: EntryReader): boolean {
  return ((entry.integer('systemFlags') ?? 0) & Number(ALLOW_RENAME)) !== 0;
}

/** Sets a database's RpcClientAccessServer to an endpoint, given by its legacyExchangeDN. */
export function associateDatabase(database: MailboxDatabase, endpointLegacyDn: string): GuardedChange {
  const before = database.legacyDn === undefined ? [] : [database.legacyDn];
  const wanted = privateMdbDn(endpointLegacyDn);
  const same = before.some((value) => legacyDnKey(value) === legacyDnKey(wanted));
  return replaceValues(database.distinguishedName, [
    { attribute: 'legacyExchangeDN', before, after: same ? before : [wanted] },
  ]);
}
