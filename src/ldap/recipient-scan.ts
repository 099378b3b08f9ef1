// Looks through all recipients for those that no client can be served from: a mailbox without its database, a mailbox that lost it, an
// address that several objects have, a forwarding that leads back to itself. The first two are asked of the server by filter; the
// others need every address once.

import { AndFilter, EqualityFilter, type Filter, NotFilter, OrFilter, PresenceFilter } from 'ldapts';
import type { EntryReader } from './entry.ts';
import type { Search } from './search.ts';

export interface RecipientFaults {
  /** homeMDB names something that is no mailbox database of the organisation. Public folders have one as well, and are left out. */
  readonly unknownDatabase: readonly { readonly distinguishedName: string; readonly homeMdb: string }[];
  /** msExchHomeServerName is there, homeMDB is not. DNs. */
  readonly lostDatabase: readonly string[];
  /** An SMTP or X500 address of several objects, in lower case, with their DNs. */
  readonly duplicateAddresses: readonly { readonly address: string; readonly distinguishedNames: readonly string[] }[];
  /** targetAddress is the only SMTP address of the object. DNs. Beside another one it is an alias's target: Exchange makes contacts so. */
  readonly selfForwarding: readonly string[];
}

const present = (attribute: string): Filter => new PresenceFilter({ attribute });
const not = (filter: Filter): Filter => new NotFilter({ filter });
const all = (...filters: Filter[]): Filter => new AndFilter({ filters });

/** msExchRecipientTypeDetails of mail-enabled public folders. */
const publicFolder = new EqualityFilter({ attribute: 'msExchRecipientTypeDetails', value: '4096' });

/** `databases` are the DNs of every mailbox database. Lists are in the order of their DNs or addresses. */
export async function scanRecipients(
  search: Search,
  base: string,
  databases: readonly string[],
): Promise<RecipientFaults> {
  const find = (filter: Filter, attributes: readonly string[]) =>
    search({ base, scope: 'sub', filter, attributes, paged: true });
  const known = databases.map((value) => new EqualityFilter({ attribute: 'homeMDB', value }));
  const elsewhere = known.length > 0 ? [not(new OrFilter({ filters: known }))] : [];
  const [unknown, lost, addressed] = await Promise.all([
    find(all(present('homeMDB'), ...elsewhere, not(publicFolder)), ['homeMDB']),
    find(all(present('msExchHomeServerName'), not(present('homeMDB'))), ['cn']),
    find(present('proxyAddresses'), ['proxyAddresses', 'targetAddress']),
  ]);
  return {
    unknownDatabase: unknown
      .map((entry) => ({ distinguishedName: entry.dn, homeMdb: entry.one('homeMDB') ?? '' }))
      .sort((a, b) => compare(a.distinguishedName, b.distinguishedName)),
    lostDatabase: lost.map(({ dn }) => dn).sort(compare),
    duplicateAddresses: duplicates(addressed),
    selfForwarding: addressed
      .filter(forwardsToItself)
      .map(({ dn }) => dn)
      .sort(compare),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function addressesOf(entry: EntryReader): readonly string[] {
  return [...new Set(entry.many('proxyAddresses').map((value) => value.toLowerCase()))].filter((value) =>
    /^(?:smtp|x500):/.test(value),
  );
}

function duplicates(entries: readonly EntryReader[]): RecipientFaults['duplicateAddresses'] {
  const owners = new Map<string, string | string[]>();
  for (const entry of entries) {
    for (const address of addressesOf(entry)) {
      const before = owners.get(address);
      // Nearly every address has one owner: an array for each would cost more than the addresses.
      owners.set(address, before === undefined ? entry.dn : [before, entry.dn].flat());
    }
  }
  return [...owners]
    .flatMap(([address, dns]) => (typeof dns === 'string' ? [] : [{ address, distinguishedNames: dns.sort(compare) }]))
    .sort((a, b) => compare(a.address, b.address));
}

function forwardsToItself(entry: EntryReader): boolean {
  const target = entry.one('targetAddress')?.toLowerCase();
  if (target === undefined) return false;
  const smtp = addressesOf(entry).filter((address) => address.startsWith('smtp:'));
  return smtp.length === 1 && smtp[0] === (target.includes(':') ? target : `smtp:${target}`);
}
