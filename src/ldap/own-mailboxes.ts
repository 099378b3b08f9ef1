// What mailboxes are somebody's own or opened to him, and under which names they can be asked for.

import { PresenceFilter } from 'ldapts';
import { addressSpellings } from './address-spellings.ts';
import { dnKey, foldText, tryParseDn } from './distinguished-name.ts';
import type { EntryReader } from './entry.ts';
import type { Search, SearchRequest } from './search.ts';

/** More mailboxes than these are not looked at; Exchange's own address book tools stop long before. */
const MAX_OPENED = 100;
const ATTRIBUTES = [
  'proxyAddresses',
  'mail',
  'userPrincipalName',
  'legacyExchangeDN',
  'msExchDelegateListBL',
  'publicDelegatesBL',
] as const;

/** The same as JSON: entries as entryKey gives them, names folded. */
export interface OwnMailboxesForm {
  readonly entries: readonly string[];
  readonly names: readonly string[];
}

/** The account's own mailbox, those auto-mapped for it (msExchDelegateListBL) and those it may send for (publicDelegatesBL). */
export class OwnMailboxes {
  readonly #entries: ReadonlySet<string>;
  readonly #names: ReadonlySet<string>;

  constructor({ entries, names }: OwnMailboxesForm) {
    this.#entries = new Set(entries);
    this.#names = new Set(names);
  }

  static of(entries: readonly EntryReader[]): OwnMailboxes {
    return new OwnMailboxes({ entries: entries.map(({ dn }) => entryKey(dn)), names: entries.flatMap(namesOf) });
  }

  get form(): OwnMailboxesForm {
    return { entries: [...this.#entries], names: [...this.#names] };
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Whether an SMTP address or a legacyExchangeDN, also an older one kept as X500 address, is of one of the mailboxes. */
  has(name: string): boolean {
    return addressSpellings(name).some((spelling) => this.#names.has(foldText(spelling)));
  }

  hasEntry(distinguishedName: string): boolean {
    return this.#entries.has(entryKey(distinguishedName));
  }

  /** Whether one of these, as entryKey gives them, is among the mailboxes. */
  hasAnyOf(keys: ReadonlySet<string>): boolean {
    for (const key of this.#entries) if (keys.has(key)) return true;
    return false;
  }
}

/** A DN in the form in which it is compared; a text that is none only equals itself. */
export function entryKey(distinguishedName: string): string {
  const parsed = tryParseDn(distinguishedName);
  return parsed === undefined ? distinguishedName : dnKey(parsed);
}

function namesOf(entry: EntryReader): string[] {
  const proxies = entry.many('proxyAddresses').flatMap((value) => {
    const [, name] = /^(?:smtp|x500):(.*)$/is.exec(value) ?? [];
    return name === undefined ? [] : [name];
  });
  const others = ['mail', 'userPrincipalName', 'legacyExchangeDN'].flatMap((name) => entry.many(name));
  return [...proxies, ...others].map(foldText);
}

/** Reads them: one search for the account, and one for each mailbox that is opened to it. An account that is gone has none. */
export async function readOwnMailboxes(search: Search, accountDn: string): Promise<OwnMailboxes> {
  const [account] = await readEntry(search, accountDn);
  if (account === undefined) return OwnMailboxes.of([]);
  const opened = new Set([...account.many('msExchDelegateListBL'), ...account.many('publicDelegatesBL')]);
  const read = await Promise.all([...opened].slice(0, MAX_OPENED).map((dn) => readEntry(search, dn)));
  return OwnMailboxes.of([account, ...read.flat()]);
}

async function readEntry(search: Search, base: string): Promise<EntryReader[]> {
  const filter = new PresenceFilter({ attribute: 'objectClass' });
  const request: SearchRequest = { base, scope: 'base', filter, attributes: ATTRIBUTES };
  try {
    return await search(request);
  } catch (error) {
    if ((error as { code?: unknown }).code === NO_SUCH_OBJECT) return [];
    throw error;
  }
}

const NO_SUCH_OBJECT = 32;
