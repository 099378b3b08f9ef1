// Which addresses a verification asks for: those named, and one mailbox of each database that was chosen.

import { normalizeAddress } from '../../autodiscover/wire/address.ts';
import type { Directory } from '../../ldap/directory.ts';
import type { MailboxDatabase } from '../../ldap/exchange-organization.ts';
import { rpcEndpointDn } from '../../ldap/legacy-dn.ts';
import type { OrganizationIndex } from '../../ldap/organization-index.ts';
import { about, type Check } from '../verify/check.ts';
import { usage } from './check-world.ts';

export interface TargetFlags {
  readonly database?: readonly string[];
  readonly allDatabases?: boolean;
  readonly array?: string;
}

/** `checks` tells of databases without any mailbox to ask for. */
export interface Targets {
  readonly addresses: readonly string[];
  readonly checks: readonly Check[];
}

/** The addresses in the order given, then the databases' by name, each once. Throws AutodiscoverError `configuration`. */
export async function findTargets(
  named: readonly string[],
  flags: TargetFlags,
  directory: Directory | undefined,
): Promise<Targets> {
  const addresses = named.map((text) => {
    const normal = normalizeAddress(text);
    if ('reason' in normal) throw usage('verify', `${JSON.stringify(text)}: ${normal.reason}`);
    return normal.address;
  });
  const byDatabase = flags.allDatabases || flags.array !== undefined || (flags.database ?? []).length > 0;
  if (byDatabase && directory === undefined)
    throw usage('verify', '--database, --all-databases and --array need --config or --demo');
  const checks: Check[] = [];
  for (const database of directory && byDatabase ? chosenDatabases(directory.organization(), flags) : []) {
    const address = await directory?.findMailboxOf(database.distinguishedName);
    if (address !== undefined) addresses.push(address);
    else checks.push(about(database.name).skipped('mailbox', 'the database has no mailbox with an address to ask for'));
  }
  if (addresses.length + checks.length === 0)
    throw usage('verify', 'give an address, --database, --all-databases or --array');
  return { addresses: [...new Set(addresses)], checks };
}

function chosenDatabases(index: OrganizationIndex, flags: TargetFlags): readonly MailboxDatabase[] {
  const all = index.organization.databases.filter(({ isRecovery }) => !isRecovery);
  if (flags.allDatabases) return all;
  const byName = (flags.database ?? []).map((name) => {
    const found = all.find((database) => database.name.toLowerCase() === name.toLowerCase());
    if (found) return found;
    throw usage('verify', `there is no database ${name}; there are ${all.map((database) => database.name).join(', ')}`);
  });
  return flags.array === undefined ? byName : [...byName, ...databasesOfArray(index, all, flags.array)];
}

function databasesOfArray(
  index: OrganizationIndex,
  databases: readonly MailboxDatabase[],
  wanted: string,
): readonly MailboxDatabase[] {
  const { arrays } = index.organization;
  const same = (text: string | undefined) => text?.toLowerCase() === wanted.toLowerCase();
  const array = arrays.find(({ name, fqdn }) => same(name) || same(fqdn));
  if (!array)
    throw usage('verify', `there is no array ${wanted}; there are ${arrays.map(({ fqdn }) => fqdn).join(', ')}`);
  return databases.filter(({ legacyDn }) => {
    const serverDn = legacyDn === undefined ? undefined : rpcEndpointDn(legacyDn);
    return serverDn !== undefined && index.endpoint(serverDn) === array;
  });
}
