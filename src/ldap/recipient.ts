// Finds recipients and accounts: by address, by legacyExchangeDN, by logon name. Every filter is built from objects that carry their
// value unparsed, so that no user input is ever read as filter syntax.

import { AndFilter, EqualityFilter, type Filter, OrFilter, PresenceFilter } from 'ldapts';
import { addressSpellings } from './address-spellings.ts';
import { type EntryReader, guidText } from './entry.ts';
import type { Search, SearchRequest } from './search.ts';

/** A user, contact or group as Autodiscover needs it. Absent attributes are undefined or empty. */
export interface Recipient {
  readonly distinguishedName: string;
  readonly isGroup: boolean;
  readonly displayName: string;
  /** legacyExchangeDN, verbatim. */
  readonly legacyDn: string | undefined;
  /** The `SMTP:` value of proxyAddresses, else mail. */
  readonly primaryAddress: string | undefined;
  readonly userPrincipalName: string | undefined;
  /** DN of the mailbox database; its presence means "has a local mailbox". */
  readonly homeMdb: string | undefined;
  readonly homeServerLegacyDn: string | undefined;
  /** targetAddress with its prefix (`SMTP:`...), as stored. */
  readonly targetAddress: string | undefined;
  /** msExchRecipientTypeDetails; below 2^53. */
  readonly recipientTypeDetails: number | undefined;
  readonly archive:
    | { readonly guid: string; readonly name: string | undefined; readonly databaseDn: string | undefined }
    | undefined;
  /** DNs of mailboxes that are auto-mapped for this user (msExchDelegateListBL). */
  readonly delegateMailboxDns: readonly string[];
  /** msExchMailboxGuid as text. */
  readonly mailboxGuid: string | undefined;
  /** msExchUserCulture, as `en-US`. */
  readonly culture: string | undefined;
}

/** What a look-up found. Several objects with one address are a fault of the directory: none of them is chosen. */
export type RecipientMatch =
  | {
      readonly status: 'found';
      readonly recipient: Recipient;
      readonly matchedBy: 'address' | 'mail-or-upn' | 'upn' | 'legacyDn';
    }
  | { readonly status: 'none' }
  | { readonly status: 'ambiguous'; readonly distinguishedNames: readonly string[] };

/** An account that may log on. */
export interface Account {
  readonly distinguishedName: string;
}

const RECIPIENT_ATTRIBUTES = [
  'objectClass',
  'cn',
  'displayName',
  'legacyExchangeDN',
  'proxyAddresses',
  'mail',
  'userPrincipalName',
  'sAMAccountName',
  'homeMDB',
  'msExchHomeServerName',
  'targetAddress',
  'msExchRecipientTypeDetails',
  'msExchArchiveGUID',
  'msExchArchiveName',
  'msExchArchiveDatabaseLink',
  'msExchDelegateListBL',
  'msExchMailboxGuid',
  'msExchUserCulture',
] as const;
const RECIPIENT_BINARY_ATTRIBUTES = ['msExchArchiveGUID', 'msExchMailboxGuid'];

const equals = (attribute: string, value: string): Filter => new EqualityFilter({ attribute, value });
const anyOf = (filters: Filter[]): Filter => (filters.length === 1 && filters[0]) || new OrFilter({ filters });

/** A search for recipients with everything that is read of them. */
export function recipientSearch(base: string, scope: 'base' | 'sub', filter: Filter): SearchRequest {
  return {
    base,
    scope,
    filter,
    attributes: RECIPIENT_ATTRIBUTES,
    binaryAttributes: RECIPIENT_BINARY_ATTRIBUTES,
  };
}

/** The filters that find an address's owner, in the order they are asked. */
export function addressFilters(address: string): readonly [byProxyAddress: Filter, byMailOrLogonName: Filter] {
  const spellings = addressSpellings(address);
  const proxies = spellings.map((spelling) => equals('proxyAddresses', `smtp:${spelling}`));
  const person = new AndFilter({
    filters: [
      equals('objectCategory', 'person'),
      new OrFilter({ filters: spellings.flatMap((s) => [equals('mail', s), equals('userPrincipalName', s)]) }),
    ],
  });
  return [anyOf(proxies), person];
}

/** The search that a request for an address begins with. */
export function addressSearch(base: string, address: string): SearchRequest {
  return recipientSearch(base, 'sub', addressFilters(address)[0]);
}

/**
 * Finds the owner of an SMTP address: any proxyAddresses form first (the prefix compares without case), and only when that finds
 * nothing, mail or userPrincipalName of a person. The class is judged by the caller: a group is found, and is no mailbox. `byProxy` is
 * how the first is searched, where that is not the ordinary search.
 */
export async function findByAddress(
  search: Search,
  base: string,
  address: string,
  byProxy: () => Promise<EntryReader[]> = () => search(addressSearch(base, address)),
): Promise<RecipientMatch> {
  const owners = await byProxy();
  if (owners.length > 0) return matchOf(owners, () => 'address');
  const found = await search(recipientSearch(base, 'sub', addressFilters(address)[1]));
  const wanted = addressSpellings(address).map((spelling) => spelling.toLowerCase());
  return matchOf(found, (entry) => (wanted.includes(entry.one('mail')?.toLowerCase() ?? '') ? 'mail-or-upn' : 'upn'));
}

/** The filter that finds a legacyExchangeDN's owner, also by an X500 address that keeps an older one. */
export function legacyDnFilter(legacyDn: string): Filter {
  return anyOf([equals('legacyExchangeDN', legacyDn), equals('proxyAddresses', `X500:${legacyDn}`)]);
}

/** Finds a recipient by legacyExchangeDN, or by an X500 address that keeps an older one. */
export async function findByLegacyDn(search: Search, base: string, legacyDn: string): Promise<RecipientMatch> {
  return matchOf(await search(recipientSearch(base, 'sub', legacyDnFilter(legacyDn))), () => 'legacyDn');
}

/** Reads one recipient by DN; undefined when it is gone or unreadable. */
export async function readByDn(search: Search, distinguishedName: string): Promise<Recipient | undefined> {
  const filter = new PresenceFilter({ attribute: 'objectClass' });
  const [entry] = await search(recipientSearch(distinguishedName, 'base', filter));
  return entry && recipientFrom(entry);
}

/** The primary address of some mailbox in a database: for checks that need a real one. */
export async function findMailboxOf(search: Search, base: string, databaseDn: string): Promise<string | undefined> {
  const mailbox = new AndFilter({
    filters: [
      equals('objectCategory', 'person'),
      equals('homeMDB', databaseDn),
      new PresenceFilter({ attribute: 'mail' }),
    ],
  });
  const found = await search({ ...recipientSearch(base, 'sub', mailbox), first: 1 });
  const [entry] = found;
  return entry && recipientFrom(entry).primaryAddress;
}

/** What a look-up that found these entries found. */
export function matchOf(
  entries: readonly EntryReader[],
  how: (entry: EntryReader) => 'address' | 'mail-or-upn' | 'upn' | 'legacyDn',
): RecipientMatch {
  const [entry] = entries;
  if (!entry) return { status: 'none' };
  if (entries.length > 1) return { status: 'ambiguous', distinguishedNames: entries.map((e) => e.dn) };
  return { status: 'found', recipient: recipientFrom(entry), matchedBy: how(entry) };
}

function recipientFrom(entry: EntryReader): Recipient {
  const primary = entry.many('proxyAddresses').find((value) => value.startsWith('SMTP:'));
  const archiveGuid = guidOf(entry, 'msExchArchiveGUID');
  return {
    distinguishedName: entry.dn,
    isGroup: entry.hasClass('group') || entry.hasClass('msExchDynamicDistributionList'),
    displayName: entry.one('displayName') ?? entry.one('cn') ?? '',
    legacyDn: entry.one('legacyExchangeDN'),
    primaryAddress: primary?.slice('SMTP:'.length) ?? entry.one('mail'),
    userPrincipalName: entry.one('userPrincipalName'),
    homeMdb: entry.one('homeMDB'),
    homeServerLegacyDn: entry.one('msExchHomeServerName'),
    targetAddress: entry.one('targetAddress'),
    recipientTypeDetails: entry.integer('msExchRecipientTypeDetails'),
    archive:
      archiveGuid === undefined
        ? undefined
        : {
            guid: archiveGuid,
            name: entry.one('msExchArchiveName'),
            databaseDn: entry.one('msExchArchiveDatabaseLink'),
          },
    delegateMailboxDns: entry.many('msExchDelegateListBL'),
    mailboxGuid: guidOf(entry, 'msExchMailboxGuid'),
    culture: entry.one('msExchUserCulture'),
  };
}

function guidOf(entry: EntryReader, name: string): string | undefined {
  const bytes = entry.bytes(name);
  return bytes?.length === 16 ? guidText(bytes) : undefined;
}
