// Who owns a service principal name. Kerberos needs exactly one owner: with two the controller issues no ticket, and clients fall back
// without a word.

import { EqualityFilter, OrFilter } from 'ldapts';
import type { Search } from './search.ts';

export interface PrincipalOwner {
  readonly distinguishedName: string;
  /** sAMAccountName. */
  readonly accountName: string;
  /** msDS-KeyVersionNumber: counts the changes of the account's password; undefined when it cannot be read. */
  readonly keyVersion: number | undefined;
}

/** Names in one filter: controllers limit its size. */
const NAMES_AT_ONCE = 50;

/** Owners by name in lower case, each list by account name. Only the accounts below `base` are seen. */
export async function findPrincipalOwners(
  search: Search,
  base: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, readonly PrincipalOwner[]>> {
  const wanted = [...new Set(names.map((name) => name.toLowerCase()))];
  const owners = new Map<string, PrincipalOwner[]>();
  for (let at = 0; at < wanted.length; at += NAMES_AT_ONCE) {
    const filters = wanted
      .slice(at, at + NAMES_AT_ONCE)
      .map((value) => new EqualityFilter({ attribute: 'servicePrincipalName', value }));
    const attributes = ['servicePrincipalName', 'sAMAccountName', 'msDS-KeyVersionNumber'];
    const found = await search({ base, scope: 'sub', filter: new OrFilter({ filters }), attributes, paged: true });
    for (const entry of found) {
      const owner = {
        distinguishedName: entry.dn,
        accountName: entry.one('sAMAccountName') ?? entry.dn,
        keyVersion: entry.integer('msDS-KeyVersionNumber'),
      };
      for (const name of new Set(entry.many('servicePrincipalName').map((value) => value.toLowerCase()))) {
        if (wanted.includes(name)) owners.set(name, [...(owners.get(name) ?? []), owner]);
      }
    }
  }
  for (const list of owners.values()) list.sort((a, b) => (a.accountName < b.accountName ? -1 : 1));
  return owners;
}
