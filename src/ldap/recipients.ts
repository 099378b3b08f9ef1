// Recipients and accounts as the service asks for them: every question through a cache with an explicit age, so that a storm asks the
// directory once and an outage finds people already known still served.

import { domainToASCII } from 'node:url';
import { chooseAccount, type LogonNames, soughtValues } from './account.ts';
import { addressSpellings } from './address-spellings.ts';
import { type Aged, AgedCache, type CacheAges } from './aged-cache.ts';
import { BatchedLookups, divide, type SoughtValue } from './batched-lookups.ts';
import { CompactRecipients } from './compact-recipient.ts';
import type { EntryReader } from './entry.ts';
import type { ForestDomain } from './exchange-organization.ts';
import { entryKey, type OwnMailboxes, readOwnMailboxes } from './own-mailboxes.ts';
import { FORMS, type Memory, type RecallQuestion, type Remembered } from './recalled.ts';
import {
  type Account,
  findByAddress,
  findByLegacyDn,
  matchOf,
  type Recipient,
  type RecipientMatch,
  readByDn,
  recipientSearch,
} from './recipient.ts';
import { sameMatch, sameRecipient } from './same-recipient.ts';
import type { Search } from './search.ts';

export type RecipientAges = CacheAges;

export const DEFAULT_AGES: RecipientAges = { freshMs: 60_000, missingMs: 10_000, outageMs: 3_600_000 };

export type OutageEvent =
  | { readonly type: 'outage-began'; readonly ageMs: number }
  | { readonly type: 'outage-ended'; readonly answers: number };

export interface RecipientsStatus {
  readonly entries: number;
  readonly hits: number;
  readonly misses: number;
  /** The ages of the hits, added up: milliseconds. */
  readonly hitAgeMs: number;
  /** Answers given because the directory could not be asked. */
  readonly stale: number;
  /** Age in milliseconds of the oldest answer given in the present outage; 0 when there is none. */
  readonly oldestStaleMs: number;
}

export interface RecipientsParts {
  readonly search: Search;
  /** Where recipients are searched. */
  readonly base: () => string;
  /** A domain of the forest by DNS or NetBIOS name. */
  readonly domain: (name: string) => ForestDomain | undefined;
  readonly ages: RecipientAges;
  /** Searches under way from which on look-ups wait and go together. */
  readonly running: number;
  readonly now: () => number;
  readonly onEvent?: (event: OutageEvent) => void;
  readonly elsewhere?: AskElsewhere | undefined;
}

/** Asks other processes in an outage what they know, in the form of recalled.ts. Never rejects. */
export type AskElsewhere = (question: RecallQuestion) => Promise<Aged<unknown> | undefined>;

const MAX_MATCHES = 100_000;
const MAX_BY_NAME = 20_000;
const MAX_ACCOUNTS = 100_000;
const NO_SUCH_OBJECT = 32;
/** Attributes of a mailbox that name those to whom it is opened. */
const DELEGATES = ['msExchDelegateListLink', 'publicDelegates'] as const;
/** Look-ups of one search, and how long they may wait for others to end. */
const TOGETHER = 32;
const WAIT_MS = 20;

export class Recipients {
  readonly #parts: RecipientsParts;
  readonly #search: Search;
  readonly #lookups: BatchedLookups;
  readonly #matches: AgedCache<RecipientMatch>;
  readonly #byName: AgedCache<Recipient | undefined>;
  readonly #accounts: AgedCache<Account | undefined>;
  readonly #ownMailboxes: AgedCache<OwnMailboxes>;
  #oldestStaleMs = 0;
  #staleInOutage = 0;

  constructor(parts: RecipientsParts) {
    this.#parts = parts;
    const { ages, now } = parts;
    const onStale = (ageMs: number) => this.#gaveStale(ageMs);
    this.#search = async (request) => {
      const entries = await parts.search(request);
      this.directoryAnswered();
      return entries;
    };
    this.#lookups = new BatchedLookups({
      search: (base, filter) => this.#search(recipientSearch(base, 'sub', filter)),
      running: parts.running,
      together: TOGETHER,
      waitMs: WAIT_MS,
    });
    const recipients = new CompactRecipients();
    const elsewhere = <M extends Memory>(memory: M) => parts.elsewhere && askedIn(memory, parts.elsewhere);
    this.#matches = new AgedCache<RecipientMatch>({
      ages,
      now,
      onStale,
      maxEntries: MAX_MATCHES,
      isMissing: ({ status }) => status !== 'found',
      isSame: sameMatch,
      compact: (match) => recipients.compactMatch(match),
      elsewhere: elsewhere('matches'),
    });
    this.#byName = new AgedCache<Recipient | undefined>({
      ages,
      now,
      onStale,
      maxEntries: MAX_BY_NAME,
      isMissing: (recipient) => recipient === undefined,
      isSame: sameRecipient,
      compact: (recipient) => recipient && recipients.compact(recipient),
      elsewhere: elsewhere('byName'),
    });
    this.#accounts = new AgedCache<Account | undefined>({
      // Always asked while that is possible: a password must not be tried under a name its owner has no longer, and how long an answer
      // takes must not tell whether somebody has the name.
      ages: { freshMs: 0, missingMs: 0, outageMs: ages.outageMs },
      now,
      onStale,
      maxEntries: MAX_ACCOUNTS,
      isMissing: (account) => account === undefined,
      isSame: (known, read) => known?.distinguishedName === read?.distinguishedName,
      elsewhere: elsewhere('accounts'),
    });
    this.#ownMailboxes = new AgedCache<OwnMailboxes>({
      ages,
      now,
      onStale,
      maxEntries: MAX_BY_NAME,
      isMissing: (own) => own.size === 0,
      isSame: () => false,
      elsewhere: elsewhere('ownMailboxes'),
    });
  }

  findByAddress(address: string): Promise<RecipientMatch> {
    return this.#matches.get(addressKey(address), () => {
      const base = this.#parts.base();
      const values = addressSpellings(address).map((spelling) => byAddress(spelling));
      return findByAddress(this.#search, base, address, () => this.#lookups.find({ base, values }));
    });
  }

  findByLegacyDn(legacyDn: string): Promise<RecipientMatch> {
    return this.#matches.get(legacyDnKey(legacyDn), () => findByLegacyDn(this.#search, this.#parts.base(), legacyDn));
  }

  read(distinguishedName: string): Promise<Recipient | undefined> {
    return this.#byName.get(lower(distinguishedName), async () => {
      try {
        return await readByDn(this.#search, distinguishedName);
      } catch (error) {
        if ((error as { code?: unknown }).code === NO_SUCH_OBJECT) return undefined;
        throw error;
      }
    });
  }

  /** See Directory.readOwnMailboxes. */
  readOwnMailboxes(accountDn: string): Promise<OwnMailboxes> {
    return this.#ownMailboxes.get(lower(accountDn), () => readOwnMailboxes(this.#search, accountDn));
  }

  /** See Directory.findAccount. */
  async findAccount(logonName: string): Promise<Account | undefined> {
    const backslash = logonName.indexOf('\\');
    if (backslash >= 0) {
      const domain = this.#parts.domain(logonName.slice(0, backslash));
      return domain && this.#account(domain.namingContext, { sAMAccountName: logonName.slice(backslash + 1) });
    }
    const base = this.#parts.base();
    const at = logonName.lastIndexOf('@');
    if (at < 0) return this.#account(base, { sAMAccountName: logonName });
    const domain = this.#parts.domain(logonName.slice(at + 1));
    const names = { userPrincipalName: logonName, smtp: logonName };
    const sam = { sAMAccountName: logonName.slice(0, at) };
    // The same searches whether or not somebody has the name: the time must not tell.
    if (!domain) return this.#account(base, names);
    if (domain.namingContext.toLowerCase() === base.toLowerCase()) return this.#account(base, { ...names, ...sam });
    const [byName, bySam] = await Promise.all([this.#account(base, names), this.#account(domain.namingContext, sam)]);
    return byName ?? bySam;
  }

  /** See Directory.findWindowsAccount. */
  findWindowsAccount(logonName: string): Promise<Account | undefined> {
    return this.#accounts.get(`name:${lower(logonName)}`, () => this.findAccount(logonName));
  }

  /** See Directory.findPrincipal. */
  findPrincipal(principal: string): Promise<Account | undefined> {
    return this.#accounts.get(`principal:${lower(principal)}`, async () => {
      const at = principal.lastIndexOf('@');
      const domain = this.#parts.domain(principal.slice(at + 1));
      if (at <= 0 || !domain) return undefined;
      return this.#account(domain.namingContext, { sAMAccountName: principal.slice(0, at) });
    });
  }

  /** Whatever is known of these objects, or under a name of theirs, is asked again at its next use. */
  doubt(changed: readonly EntryReader[]): void {
    if (changed.length === 0) return;
    const dns = changed.flatMap((entry) => [entry.dn, ...DELEGATES.flatMap((attribute) => entry.many(attribute))]);
    const names = new Set(dns.map(lower));
    // Who has a changed mailbox auto-mapped is answered with it, though nothing changed about himself.
    const concerns = ({ distinguishedName, delegateMailboxDns }: Recipient) =>
      names.has(lower(distinguishedName)) || delegateMailboxDns.some((dn) => names.has(lower(dn)));
    this.#matches.doubt(changed.flatMap(keysOf));
    this.#matches.doubtWhere((match) => match.status === 'found' && concerns(match.recipient));
    this.#byName.doubt(names);
    this.#byName.doubtWhere((recipient) => recipient !== undefined && concerns(recipient));
    const keys = new Set(dns.map(entryKey));
    this.#ownMailboxes.doubt(names);
    this.#ownMailboxes.doubtWhere((own) => own.hasAnyOf(keys));
  }

  doubtAll(): void {
    this.#matches.doubtAll();
    this.#byName.doubtAll();
    this.#ownMailboxes.doubtAll();
  }

  /** What is remembered under a key, for another process; undefined when nothing is, or for too long. */
  recall<M extends Memory>({ memory, key }: RecallQuestion<M>): Aged<unknown> | undefined {
    const caches: { readonly [N in Memory]: AgedCache<Remembered[N]> } = {
      matches: this.#matches,
      byName: this.#byName,
      accounts: this.#accounts,
      ownMailboxes: this.#ownMailboxes,
    };
    const known = caches[memory].recall(key);
    return known && { value: FORMS[memory].write(known.value), ageMs: known.ageMs };
  }

  status(): RecipientsStatus {
    const caches = [this.#matches, this.#byName, this.#accounts, this.#ownMailboxes];
    const sum = (of: (cache: { size: number; stale: number }) => number) =>
      caches.reduce((total, cache) => total + of(cache), 0);
    return {
      entries: sum(({ size }) => size),
      // Accounts are always asked for: they would only blur how often recipients are answered from memory.
      hits: this.#matches.hits + this.#byName.hits + this.#ownMailboxes.hits,
      misses: this.#matches.misses + this.#byName.misses + this.#ownMailboxes.misses,
      hitAgeMs: this.#matches.hitAgeMs + this.#byName.hitAgeMs + this.#ownMailboxes.hitAgeMs,
      stale: sum(({ stale }) => stale),
      oldestStaleMs: this.#oldestStaleMs,
    };
  }

  async #account(base: string, names: LogonNames): Promise<Account | undefined> {
    const values = soughtValues(names);
    const askedAt = this.#parts.now();
    const entries = await this.#lookups.find({ base, values });
    if (names.smtp !== undefined) this.#learn(names.smtp, entries, askedAt);
    return chooseAccount(entries, values);
  }

  /** Who logs on with his address asks about it next: those who have it are among what was found for the name. */
  #learn(address: string, entries: readonly EntryReader[], askedAt: number): void {
    if (addressSpellings(address).length > 1) return;
    const base = this.#parts.base();
    const [owners] = divide(entries, [{ base, values: [byAddress(address)] }], 'for others too') ?? [];
    if (!owners || owners.length === 0) return;
    this.#matches.put(
      addressKey(address),
      matchOf(owners, () => 'address'),
      askedAt,
    );
  }

  #gaveStale(ageMs: number): void {
    this.#oldestStaleMs = Math.max(this.#oldestStaleMs, Math.round(ageMs));
    this.#staleInOutage += 1;
    if (this.#staleInOutage === 1) this.#parts.onEvent?.({ type: 'outage-began', ageMs: Math.round(ageMs) });
  }

  /** True from the first answer from memory until the directory answers again. */
  get inOutage(): boolean {
    return this.#staleInOutage > 0;
  }

  /** The directory has answered something: an outage is over, whether or not anybody asks for a recipient. */
  directoryAnswered(): void {
    if (!this.inOutage) return;
    this.#parts.onEvent?.({ type: 'outage-ended', answers: this.#staleInOutage });
    this.#staleInOutage = 0;
    this.#oldestStaleMs = 0;
  }
}

function askedIn<M extends Memory>(memory: M, ask: AskElsewhere) {
  return async (key: string): Promise<Aged<Remembered[M]> | undefined> => {
    const told = await ask({ memory, key });
    const read = told && FORMS[memory].read(told.value);
    return read && { value: read.value, ageMs: told.ageMs };
  };
}

const byAddress = (address: string): SoughtValue => ({ attribute: 'proxyAddresses', value: `smtp:${address}` });

/** The keys under which an object may be known, or known not to be. */
function keysOf(entry: EntryReader): string[] {
  const addresses = [entry.one('mail'), entry.one('userPrincipalName')].filter((address) => address !== undefined);
  const legacyDns = entry.many('legacyExchangeDN');
  for (const proxy of entry.many('proxyAddresses')) {
    const prefix = proxy.slice(0, 5).toLowerCase();
    if (prefix === 'smtp:') addresses.push(proxy.slice(5));
    if (prefix === 'x500:') legacyDns.push(proxy.slice(5));
  }
  return [...addresses.flatMap(askedAs).map(addressKey), ...legacyDns.map(legacyDnKey)];
}

/** A stored address as clients may ask for it: an international domain arrives as A-labels. */
function askedAs(address: string): string[] {
  const at = address.lastIndexOf('@') + 1;
  const ascii = domainToASCII(address.slice(at));
  return ascii === '' ? [address] : [address, `${address.slice(0, at)}${ascii}`];
}

function addressKey(address: string): string {
  return flat('smtp:', lower(address));
}

function legacyDnKey(legacyDn: string): string {
  return flat('x500:', lower(legacyDn));
}

/** One text of several: V8 keeps one that was added up together with its parts, and keys are kept by the tens of thousands. */
function flat(...parts: readonly string[]): string {
  return parts.join('');
}

/** ASCII letters only: what else compares alike is the directory's to say, and a key must never join two people. */
function lower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
