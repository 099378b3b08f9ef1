// The questions this project asks Active Directory. One object stands for the directory: it searches as the service account, checks
// passwords by binding apart, and keeps the Exchange organisation as a snapshot that is replaced whole.

import { type AccountRights, readAccountRights } from './account-rights.ts';
import type { Aged } from './aged-cache.ts';
import { type Changes, ChangeWatcher, type WatchedBases } from './change-watcher.ts';
import { ControllerPool } from './connection.ts';
import { type ControllerOptions, failureText } from './controller.ts';
import type { ControllerCheck } from './controller-check.ts';
import { tryParseDn } from './distinguished-name.ts';
import { DirectoryError, isUnavailable } from './errors.ts';
import type { ExchangeOrganization } from './exchange-organization.ts';
import { type FoundLockoutPolicy, readLockoutPolicy } from './lockout-policy.ts';
import { OrganizationIndex } from './organization-index.ts';
import type { OwnMailboxes } from './own-mailboxes.ts';
import type { ControllerStatus, PasswordCheck, PoolEvent, PoolOperation, RetryIntervals } from './pool-options.ts';
import { readOrganization } from './read-organization.ts';
import type { RecallQuestion } from './recalled.ts';
import { type Account, addressSearch, findMailboxOf, type Recipient, type RecipientMatch } from './recipient.ts';
import { type RecipientFaults, scanRecipients } from './recipient-scan.ts';
import {
  type AskElsewhere,
  DEFAULT_AGES,
  type RecipientAges,
  Recipients,
  type RecipientsStatus,
} from './recipients.ts';
import { findPrincipalOwners, type PrincipalOwner } from './service-principals.ts';

export interface DirectoryOptions {
  readonly controllers: readonly ControllerOptions[];
  readonly bindName: string;
  readonly readPassword: () => Promise<string>;
  /** Connections to the controller in use. */
  readonly connections: number;
  /** Milliseconds between two reads of the Exchange organisation. */
  readonly refreshIntervalMs: number;
  /** Where recipients are searched; the domain of the controller when undefined. */
  readonly searchBase: string | undefined;
  /** For how long what was read of recipients is given without asking, and in an outage; DEFAULT_AGES when absent. */
  readonly ages?: RecipientAges;
  /** Milliseconds between two looks for changes; none when absent or 0. */
  readonly watchIntervalMs?: number;
  /** Asked in an outage for what is not known here; nobody when absent. */
  readonly elsewhere?: AskElsewhere | undefined;
  /** Asked at the start where no controller can be: for the Exchange organisation as another process has read it. Never rejects. */
  readonly inherit?: (() => Promise<Aged<ExchangeOrganization> | undefined>) | undefined;
  /** Intervals at which controllers that are down are tried. */
  readonly retry?: RetryIntervals;
  /** Milliseconds of a clock that never goes back, for ages; the process's own when absent. */
  readonly now?: () => number;
  readonly onEvent?: (event: DirectoryEvent) => void;
  readonly onOperation?: (operation: PoolOperation) => void;
}

export type DirectoryEvent =
  | PoolEvent
  | { readonly type: 'organization-read'; readonly durationMs: number }
  | { readonly type: 'organization-stale'; readonly reason: string; readonly ageMs: number }
  /** Something changed in the directory; `recipients` is how many people and groups, or that nobody counted. */
  | { readonly type: 'changes-seen'; readonly organization: boolean; readonly recipients: number | 'many' | 'all' }
  /** The directory keeps no update sequence numbers: changes are seen when ages run out. */
  | { readonly type: 'changes-unseen' }
  /** The first answer from memory because the directory could not be asked, and the first one from the directory after that. */
  | { readonly type: 'outage-began'; readonly ageMs: number }
  | { readonly type: 'outage-ended'; readonly answers: number };

export interface DirectoryStatus {
  readonly controllers: readonly ControllerStatus[];
  /** False while the service account is refused. */
  readonly accountAccepted: boolean;
  /** Milliseconds since the Exchange organisation was read. */
  readonly organizationAgeMs: number;
  readonly recipients: RecipientsStatus;
}

/** What the rest of the project may ask of a directory. */
export interface Directory {
  /**
   * The current snapshot; the same object until the next refresh. Throws DirectoryError `unreachable` when it is older than answers may
   * be in an outage.
   */
  organization(): OrganizationIndex;
  /** Reads the organisation now; callers that come meanwhile share the read. Rejects with DirectoryError. */
  refresh(): Promise<OrganizationIndex>;
  /** The same object again while the directory says the same, so that work done with it can be kept with it; so for the next two. */
  findRecipientByAddress(address: string): Promise<RecipientMatch>;
  findRecipientByLegacyDn(legacyDn: string): Promise<RecipientMatch>;
  readRecipient(distinguishedName: string): Promise<Recipient | undefined>;
  /** The mailboxes that are an account's own or opened to it. */
  readOwnMailboxes(accountDn: string): Promise<OwnMailboxes>;
  /** The primary address of some mailbox in a database, for checks that need a real one. */
  findMailboxOf(databaseDn: string): Promise<string | undefined>;
  /** Reads every recipient once and tells which of them no client can be served from; for checks, not for requests. */
  scanRecipients(): Promise<RecipientFaults>;
  /** What the service account may do beyond reading; for checks. Rejects with DirectoryError. */
  accountRights(): Promise<AccountRights>;
  /** The accounts that own service principal names, by these names in lower case; names that nobody has are absent. */
  servicePrincipalOwners(names: readonly string[]): Promise<ReadonlyMap<string, readonly PrincipalOwner[]>>;
  /** Has every configured controller look a mailbox up now, and takes the time; for checks. */
  checkControllers(): Promise<readonly ControllerCheck[]>;
  /**
   * The account a logon name means: `user@domain` (UPN, SMTP address, `sam@domain`), `DOMAIN\user`, or a bare name. Never from memory: in
   * an outage nobody can judge the password, and who has the name must not be told by how long that takes.
   */
  findAccount(logonName: string): Promise<Account | undefined>;
  /** The same for a logon that winbind judges by itself: in an outage from memory. */
  findWindowsAccount(logonName: string): Promise<Account | undefined>;
  /** The account of a Kerberos principal `sam@REALM`, in the domain of that realm; in an outage from memory. */
  findPrincipal(principal: string): Promise<Account | undefined>;
  /** Binds as the account, apart from the service's own connections. Throws DirectoryError `unreachable`. */
  checkPassword(account: Account | undefined, password: string): Promise<PasswordCheck>;
  /** When the domains of the forest lock accounts out. Rejects with DirectoryError. */
  lockoutPolicy(): Promise<FoundLockoutPolicy>;
  /** What another process asks by its DirectoryOptions.elsewhere: what is remembered here, if it may still be given in an outage. */
  recall(question: RecallQuestion): Aged<unknown> | undefined;
  status(): DirectoryStatus;
  close(): void;
}

/** A refresh that a request asked for is not repeated within this time. */
const ON_DEMAND_PAUSE_MS = 5_000;
/** More changes than can be looked at make every recipient asked again, no more often than this. */
const DOUBT_ALL_PAUSE_MS = 30_000;

/** Opens the directory and reads the Exchange organisation once, so that a service starts only with rights that suffice, or inherits it. */
export async function openDirectory(options: DirectoryOptions): Promise<Directory> {
  const directory = new ActiveDirectory(options);
  try {
    // Before anything is read, so that no change falls between.
    await directory.watch();
    await directory.refresh().catch((error: unknown) => directory.inherit(error));
  } catch (error) {
    directory.close();
    throw error;
  }
  directory.startTimers();
  return directory;
}

class ActiveDirectory implements Directory {
  readonly #options: DirectoryOptions;
  readonly #pool: ControllerPool;
  readonly #recipients: Recipients;
  readonly #now: () => number;
  #index: OrganizationIndex | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #readFailed = false;
  #reading: Promise<OrganizationIndex> | undefined;
  readonly #watcher = new ChangeWatcher();
  #watching = false;
  #doubtedAllAt = Number.NEGATIVE_INFINITY;
  #timers: NodeJS.Timeout[] = [];

  constructor(options: DirectoryOptions) {
    this.#options = options;
    this.#pool = new ControllerPool({
      controllers: options.controllers,
      bindName: options.bindName,
      readPassword: options.readPassword,
      connections: options.connections,
      ...(options.retry ? { retry: options.retry } : {}),
      onEvent: (event) => {
        options.onEvent?.(event);
        // The time until the next regular read would be an outage of our own.
        if (event.type === 'controller-up' && (this.#readFailed || this.#recipients.inOutage)) this.#readAgain();
      },
      ...(options.onOperation ? { onOperation: options.onOperation } : {}),
    });
    this.#now = options.now ?? (() => performance.now());
    this.#recipients = new Recipients({
      search: (request) => this.#pool.search(request),
      base: () => this.#searchBase(),
      domain: (name) => this.organization().domain(name),
      ages: options.ages ?? DEFAULT_AGES,
      running: options.connections,
      now: this.#now,
      elsewhere: options.elsewhere,
      ...(options.onEvent ? { onEvent: options.onEvent } : {}),
    });
  }

  organization(): OrganizationIndex {
    const ageMs = this.#now() - this.#readAt;
    if (this.#index && ageMs <= this.#maxSnapshotAgeMs()) return this.#index;
    if (this.#pool.status().some(({ up }) => up)) this.#readAgain();
    const seconds = Math.round(ageMs / 1000);
    throw new DirectoryError(
      'unreachable',
      `the Exchange organisation was last read ${seconds} s ago, which is too long`,
    );
  }

  /** As old as any answer in an outage; a snapshot that is merely due to be read again is never too old. */
  #maxSnapshotAgeMs(): number {
    return Math.max((this.#options.ages ?? DEFAULT_AGES).outageMs, 2 * this.#options.refreshIntervalMs);
  }

  refresh(): Promise<OrganizationIndex> {
    if (this.#index && this.#now() - this.#readAt < ON_DEMAND_PAUSE_MS) return Promise.resolve(this.#index);
    return this.#readShared();
  }

  async inherit(error: unknown): Promise<void> {
    const inherited = isUnavailable(error) ? await this.#options.inherit?.() : undefined;
    if (!inherited) throw error;
    this.#index = new OrganizationIndex(inherited.value);
    this.#readAt = this.#now() - inherited.ageMs;
    this.#tellStale(error);
  }

  startTimers(): void {
    const every = (ms: number, work: () => void) => this.#timers.push(setInterval(work, ms).unref());
    every(this.#options.refreshIntervalMs, () => this.#readAgain());
    const { watchIntervalMs = 0 } = this.#options;
    if (watchIntervalMs > 0) every(watchIntervalMs, () => void this.watch());
  }

  /** Looks for changes once. A look that fails is no matter: what it would have seen the next one sees. */
  async watch(): Promise<void> {
    if (this.#watching || (this.#options.watchIntervalMs ?? 0) === 0) return;
    this.#watching = true;
    try {
      const changes = await this.#pool.withOneController((search) => this.#watcher.look(search, this.#bases()));
      this.#recipients.directoryAnswered();
      if (this.#index) await this.#takeIn(changes);
      else if (changes.kind === 'unsupported') this.#options.onEvent?.({ type: 'changes-unseen' });
    } catch {
      // The pool has told of a controller that does not answer, the reader of the organisation of everything else.
    } finally {
      this.#watching = false;
    }
  }

  #bases(): WatchedBases | undefined {
    if (!this.#index) return undefined;
    const { distinguishedName, rootDse } = this.#index.organization;
    return { organization: distinguishedName, recipients: this.#options.searchBase ?? rootDse.defaultNamingContext };
  }

  async #takeIn(changes: Changes): Promise<void> {
    if (changes.kind === 'unsupported') return;
    const organization = changes.kind === 'unknown' || changes.organization;
    const recipients = changes.kind === 'unknown' ? 'all' : changes.recipients;
    if (recipients === 'all') this.#recipients.doubtAll();
    else if (recipients === 'many') this.#doubtAllNowAndThen();
    else this.#recipients.doubt(recipients);
    if (!organization && recipients.length === 0) return;
    const counted = typeof recipients === 'string' ? recipients : recipients.length;
    this.#options.onEvent?.({ type: 'changes-seen', organization, recipients: counted });
    if (!organization) return;
    // A read that is under way may have passed the change already.
    await this.#reading?.catch(() => undefined);
    this.#readAgain();
  }

  /** Logons change people: whoever causes very many must not be able to turn the cache off. */
  #doubtAllNowAndThen(): void {
    if (this.#now() - this.#doubtedAllAt < DOUBT_ALL_PAUSE_MS) return;
    this.#doubtedAllAt = this.#now();
    this.#recipients.doubtAll();
  }

  #readAgain(): void {
    this.#readShared().catch((error: unknown) => this.#tellStale(error));
  }

  #tellStale(error: unknown): void {
    this.#readFailed = true;
    const ageMs = Math.round(this.#now() - this.#readAt);
    this.#options.onEvent?.({ type: 'organization-stale', reason: failureText(error), ageMs });
  }

  #readShared(): Promise<OrganizationIndex> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<OrganizationIndex> {
    const started = this.#now();
    const organization = await this.#pool.withOneController((search) =>
      readOrganization(search, this.#options.bindName),
    );
    this.#index = new OrganizationIndex(organization);
    this.#readAt = started;
    this.#readFailed = false;
    this.#recipients.directoryAnswered();
    this.#options.onEvent?.({ type: 'organization-read', durationMs: Math.round(this.#now() - started) });
    return this.#index;
  }

  findRecipientByAddress(address: string): Promise<RecipientMatch> {
    return this.#recipients.findByAddress(address);
  }

  findRecipientByLegacyDn(legacyDn: string): Promise<RecipientMatch> {
    return this.#recipients.findByLegacyDn(legacyDn);
  }

  readRecipient(distinguishedName: string): Promise<Recipient | undefined> {
    return this.#recipients.read(distinguishedName);
  }

  readOwnMailboxes(accountDn: string): Promise<OwnMailboxes> {
    return this.#recipients.readOwnMailboxes(accountDn);
  }

  findMailboxOf(databaseDn: string): Promise<string | undefined> {
    return findMailboxOf((request) => this.#pool.search(request), this.#searchBase(), databaseDn);
  }

  scanRecipients(): Promise<RecipientFaults> {
    const databases = this.organization().organization.databases.map((database) => database.distinguishedName);
    return scanRecipients((request) => this.#pool.search(request), this.#searchBase(), databases);
  }

  async accountRights(): Promise<AccountRights> {
    const { rootDse, distinguishedName } = this.organization().organization;
    const { bindName } = this.#options;
    const found = tryParseDn(bindName) ? undefined : await this.findAccount(bindName);
    return readAccountRights((request) => this.#pool.search(request), {
      organization: distinguishedName,
      domain: rootDse.defaultNamingContext,
      account: found?.distinguishedName ?? bindName,
    });
  }

  servicePrincipalOwners(names: readonly string[]): Promise<ReadonlyMap<string, readonly PrincipalOwner[]>> {
    const base = this.organization().organization.rootDse.defaultNamingContext;
    return findPrincipalOwners((request) => this.#pool.search(request), base, names);
  }

  async checkControllers(): Promise<readonly ControllerCheck[]> {
    const [database] = this.organization().organization.databases;
    const mailbox = database && (await this.findMailboxOf(database.distinguishedName));
    return this.#pool.checkControllers(addressSearch(this.#searchBase(), mailbox ?? 'nobody@nowhere.invalid'));
  }

  findAccount(logonName: string): Promise<Account | undefined> {
    return this.#recipients.findAccount(logonName);
  }

  findWindowsAccount(logonName: string): Promise<Account | undefined> {
    return this.#recipients.findWindowsAccount(logonName);
  }

  findPrincipal(principal: string): Promise<Account | undefined> {
    return this.#recipients.findPrincipal(principal);
  }

  checkPassword(account: Account | undefined, password: string): Promise<PasswordCheck> {
    // A name nobody has costs a bind as well, so that its answer takes as long as a wrong password's.
    const name =
      account?.distinguishedName ?? `CN=nobody,${this.organization().organization.rootDse.defaultNamingContext}`;
    return this.#pool.checkPassword(name, password);
  }

  lockoutPolicy(): Promise<FoundLockoutPolicy> {
    const { domains, rootDse } = this.organization().organization;
    const heads = [rootDse.defaultNamingContext, ...domains.map((domain) => domain.namingContext)];
    return readLockoutPolicy((request) => this.#pool.search(request), [...new Set(heads)]);
  }

  recall(question: RecallQuestion): Aged<unknown> | undefined {
    return this.#recipients.recall(question);
  }

  status(): DirectoryStatus {
    return {
      controllers: this.#pool.status(),
      accountAccepted: this.#pool.accountAccepted,
      organizationAgeMs: this.#now() - this.#readAt,
      recipients: this.#recipients.status(),
    };
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#pool.close();
  }

  #searchBase(): string {
    return this.#options.searchBase ?? this.organization().organization.rootDse.defaultNamingContext;
  }
}
