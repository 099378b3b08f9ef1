// The questions this project asks Active Directory. One object stands for the directory: it searches as the service account, checks
// passwords by binding apart, and keeps the Exchange organisation as a snapshot that is replaced whole.

import {
  ControllerPool,
  type PasswordCheck,
  type PoolEvent,
  type PoolOperation,
  type RetryIntervals,
} from './connection.ts';
import { type ControllerOptions, failureText } from './controller.ts';
import type { DirectoryError } from './errors.ts';
import { type LockoutPolicy, readLockoutPolicy } from './lockout-policy.ts';
import { OrganizationIndex } from './organization-index.ts';
import { readOrganization } from './read-organization.ts';
import {
  type Account,
  findAccountBy,
  findByAddress,
  findByLegacyDn,
  findMailboxOf,
  type Recipient,
  type RecipientMatch,
  readByDn,
  type Search,
} from './recipient.ts';
import { type RecipientFaults, scanRecipients } from './recipient-scan.ts';

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
  /** Intervals at which controllers that are down are tried. */
  readonly retry?: RetryIntervals;
  readonly onEvent?: (event: DirectoryEvent) => void;
  readonly onOperation?: (operation: PoolOperation) => void;
}

export type DirectoryEvent =
  | PoolEvent
  | { readonly type: 'organization-read'; readonly durationMs: number }
  | { readonly type: 'organization-stale'; readonly reason: string; readonly ageMs: number };

export interface DirectoryStatus {
  readonly controllers: readonly { readonly url: string; readonly up: boolean }[];
  /** False while the service account is refused. */
  readonly accountAccepted: boolean;
  /** Milliseconds since the Exchange organisation was read. */
  readonly organizationAgeMs: number;
}

/** What the rest of the project may ask of a directory. */
export interface Directory {
  /** The current snapshot; the same object until the next refresh. */
  organization(): OrganizationIndex;
  /** Reads the organisation now; callers that come meanwhile share the read. Rejects with DirectoryError. */
  refresh(): Promise<OrganizationIndex>;
  findRecipientByAddress(address: string): Promise<RecipientMatch>;
  findRecipientByLegacyDn(legacyDn: string): Promise<RecipientMatch>;
  readRecipient(distinguishedName: string): Promise<Recipient | undefined>;
  /** The primary address of some mailbox in a database, for checks that need a real one. */
  findMailboxOf(databaseDn: string): Promise<string | undefined>;
  /** Reads every recipient once and tells which of them no client can be served from; for checks, not for requests. */
  scanRecipients(): Promise<RecipientFaults>;
  /** The account a logon name means: `user@domain` (UPN, SMTP address, `sam@domain`), `DOMAIN\user`, or a bare name. */
  findAccount(logonName: string): Promise<Account | undefined>;
  /** The account of a Kerberos principal `sam@REALM`, in the domain of that realm. */
  findPrincipal(principal: string): Promise<Account | undefined>;
  /** Binds as the account, apart from the service's own connections. Throws DirectoryError `unreachable`. */
  checkPassword(account: Account | undefined, password: string): Promise<PasswordCheck>;
  /** When the domains of the forest lock accounts out. Rejects with DirectoryError. */
  lockoutPolicy(): Promise<LockoutPolicy>;
  status(): DirectoryStatus;
  close(): void;
}

/** A refresh that a request asked for is not repeated within this time. */
const ON_DEMAND_PAUSE_MS = 5_000;

/** Opens the directory and reads the Exchange organisation once, so that a service starts only with rights that suffice. */
export async function openDirectory(options: DirectoryOptions): Promise<Directory> {
  const directory = new ActiveDirectory(options);
  try {
    await directory.refresh();
  } catch (error) {
    directory.close();
    throw error;
  }
  directory.startRefreshing();
  return directory;
}

class ActiveDirectory implements Directory {
  readonly #options: DirectoryOptions;
  readonly #pool: ControllerPool;
  #index: OrganizationIndex | undefined;
  #reading: Promise<OrganizationIndex> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DirectoryOptions) {
    this.#options = options;
    this.#pool = new ControllerPool({
      controllers: options.controllers,
      bindName: options.bindName,
      readPassword: options.readPassword,
      connections: options.connections,
      ...(options.retry ? { retry: options.retry } : {}),
      ...(options.onEvent ? { onEvent: options.onEvent } : {}),
      ...(options.onOperation ? { onOperation: options.onOperation } : {}),
    });
  }

  organization(): OrganizationIndex {
    if (!this.#index) throw new Error('the organisation is read before the directory is handed out');
    return this.#index;
  }

  refresh(): Promise<OrganizationIndex> {
    const age = this.#index ? Date.now() - this.#index.organization.readAt : Number.POSITIVE_INFINITY;
    if (this.#index && age < ON_DEMAND_PAUSE_MS) return Promise.resolve(this.#index);
    return this.#readShared();
  }

  startRefreshing(): void {
    this.#timer = setInterval(() => {
      this.#readShared().catch((error: unknown) => {
        const ageMs = Date.now() - this.organization().organization.readAt;
        this.#options.onEvent?.({ type: 'organization-stale', reason: failureText(error), ageMs });
      });
    }, this.#options.refreshIntervalMs);
    this.#timer.unref();
  }

  #readShared(): Promise<OrganizationIndex> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<OrganizationIndex> {
    const started = Date.now();
    const organization = await this.#pool.withOneController((search) =>
      readOrganization(search, this.#options.bindName),
    );
    this.#index = new OrganizationIndex(organization);
    this.#options.onEvent?.({ type: 'organization-read', durationMs: Date.now() - started });
    return this.#index;
  }

  findRecipientByAddress(address: string): Promise<RecipientMatch> {
    return findByAddress((request) => this.#pool.search(request), this.#searchBase(), address);
  }

  findRecipientByLegacyDn(legacyDn: string): Promise<RecipientMatch> {
    return findByLegacyDn((request) => this.#pool.search(request), this.#searchBase(), legacyDn);
  }

  async readRecipient(distinguishedName: string): Promise<Recipient | undefined> {
    try {
      return await readByDn((request) => this.#pool.search(request), distinguishedName);
    } catch (error) {
      if ((error as { code?: unknown }).code === NO_SUCH_OBJECT) return undefined;
      throw error;
    }
  }

  findMailboxOf(databaseDn: string): Promise<string | undefined> {
    return findMailboxOf((request) => this.#pool.search(request), this.#searchBase(), databaseDn);
  }

  scanRecipients(): Promise<RecipientFaults> {
    const databases = this.organization().organization.databases.map((database) => database.distinguishedName);
    return scanRecipients((request) => this.#pool.search(request), this.#searchBase(), databases);
  }

  async findAccount(logonName: string): Promise<Account | undefined> {
    const search: Search = (request) => this.#pool.search(request);
    const backslash = logonName.indexOf('\\');
    if (backslash >= 0) {
      const domain = this.organization().domain(logonName.slice(0, backslash));
      const sam = logonName.slice(backslash + 1);
      return domain && findAccountBy(search, domain.namingContext, { sAMAccountName: sam });
    }
    const base = this.#searchBase();
    const at = logonName.lastIndexOf('@');
    if (at < 0) return findAccountBy(search, base, { sAMAccountName: logonName });
    const domain = this.organization().domain(logonName.slice(at + 1));
    const names = { userPrincipalName: logonName, smtp: logonName };
    const sam = { sAMAccountName: logonName.slice(0, at) };
    // The same searches whether or not somebody has the name: the time must not tell.
    if (!domain) return findAccountBy(search, base, names);
    if (domain.namingContext.toLowerCase() === base.toLowerCase())
      return findAccountBy(search, base, { ...names, ...sam });
    const [byName, bySam] = await Promise.all([
      findAccountBy(search, base, names),
      findAccountBy(search, domain.namingContext, sam),
    ]);
    return byName ?? bySam;
  }

  async findPrincipal(principal: string): Promise<Account | undefined> {
    const at = principal.lastIndexOf('@');
    const domain = this.organization().domain(principal.slice(at + 1));
    if (at <= 0 || !domain) return undefined;
    return findAccountBy((request) => this.#pool.search(request), domain.namingContext, {
      sAMAccountName: principal.slice(0, at),
    });
  }

  checkPassword(account: Account | undefined, password: string): Promise<PasswordCheck> {
    // A name nobody has costs a bind as well, so that its answer takes as long as a wrong password's.
    const name =
      account?.distinguishedName ?? `CN=nobody,${this.organization().organization.rootDse.defaultNamingContext}`;
    return this.#pool.checkPassword(name, password);
  }

  lockoutPolicy(): Promise<LockoutPolicy> {
    const { domains, rootDse } = this.organization().organization;
    const heads = [rootDse.defaultNamingContext, ...domains.map((domain) => domain.namingContext)];
    return readLockoutPolicy((request) => this.#pool.search(request), [...new Set(heads)]);
  }

  status(): DirectoryStatus {
    const readAt = this.#index?.organization.readAt;
    return {
      controllers: this.#pool.status(),
      accountAccepted: this.#pool.accountAccepted,
      organizationAgeMs: readAt === undefined ? Number.POSITIVE_INFINITY : Date.now() - readAt,
    };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#pool.close();
  }

  #searchBase(): string {
    return this.#options.searchBase ?? this.organization().organization.rootDse.defaultNamingContext;
  }
}

const NO_SUCH_OBJECT = 32;

/** True for the failures after which a caller's credentials cannot be judged, and the service is to answer "not now". */
export function isUnavailable(error: unknown): error is DirectoryError {
  const code = (error as { code?: unknown }).code;
  return code === 'unreachable' || code === 'service-account-rejected';
}
