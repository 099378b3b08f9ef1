// Between the credentials and the directory: how often a name, an account and an address may fail, and how many checks may run at once.
// Names are counted as they are typed, so that a name nobody has is treated as every other. An account is counted under all its names
// together, below the domain's own lock-out threshold: whoever sprays passwords at this service cannot lock anybody out with it, nor try
// more of them because somebody has many addresses.

import { type LockoutPolicy, NO_LOCKOUT } from '../../../ldap/lockout-policy.ts';
import { AttemptLimiter, type Leave } from './attempt-limiter.ts';
import type { AuthenticationOutcome } from './authenticator.ts';
import { BoundedWork } from './bounded-work.ts';
import { countedAddress } from './client-network.ts';
import { countedName } from './counted-name.ts';
import { DatedDigests, secretDigests } from './dated-digests.ts';
import { FailureBudget } from './failure-budget.ts';

export interface LogonGuardOptions {
  /** Failures of a typed name within the window; never more than the account's. */
  readonly perName: number;
  /** Failures of a client address within the window; 0 counts none. */
  readonly perAddress: number;
  /** Failures of all together within the window, beyond which an address is allowed a tenth of its own; 0 counts none. */
  readonly total: number;
  readonly windowMs: number;
  /** Processes that ask the same domain; each takes its share of what an account may fail. */
  readonly sharedBy: number;
  /** Addresses that are not counted. */
  readonly exempt: (address: string) => boolean;
  readonly checks: { readonly running: number; readonly waiting: number; readonly waitMs: number };
  readonly now: () => number;
}

/** Not now: the service answers 503 with these seconds in Retry-After. */
export interface NotNow {
  readonly refusal: 'name-budget' | 'address-budget' | 'busy';
  readonly retryAfterSeconds: number;
}

/** A permitted attempt; `settle` is called exactly once. */
export interface Attempt {
  settle(outcome: 'failed' | 'succeeded' | 'unjudged'): void;
}

const MAX_NAMES = 100_000;
const MAX_ADDRESSES = 100_000;
const MAX_ACCOUNTS = 200_000;
const MAX_KNOWN = 100_000;
/** Attempts that wait for others at the same name. */
const MAX_WAITING = 32;
/** How long an address at which somebody logged on is known as his. */
const KNOWN_MS = 7 * 86_400_000;
const BUSY_SECONDS = 5;
const LONGEST_WAIT_SECONDS = 3600;
/** A second beyond the domain's window: the controller's clock and ours run apart by the time of an answer. */
const WINDOW_MARGIN_MS = 1000;
const ALL = 'all';

/**
 * What an account may fail at one process before its password is no longer tried, and how often more from addresses where it logged on
 * before: together always below the threshold. A single process leaves one failure to the known addresses, so that a spray does not
 * keep people out of the places they work at. Where nobody is locked out the number is that of a name, and once more for known addresses.
 */
export function accountFailures(
  { threshold }: LockoutPolicy,
  sharedBy: number,
  perName: number,
): { readonly failures: number; readonly extra: number } {
  if (threshold === 0) return { failures: perName, extra: perName };
  if (sharedBy === 1 && threshold >= 3) return { failures: threshold - 2, extra: 1 };
  return { failures: Math.max(1, Math.floor((threshold - 1) / sharedBy)), extra: 0 };
}

export class LogonGuard {
  readonly #options: LogonGuardOptions;
  readonly #addresses: FailureBudget;
  readonly #all: FailureBudget;
  /** Where a name logged on: digests, since the names themselves would take several times the room. */
  readonly #known = new DatedDigests<true>(MAX_KNOWN);
  readonly #knownDigest = secretDigests();
  readonly #work: BoundedWork;
  #names: FailureBudget;
  #accounts: FailureBudget;
  #nameAttempts: AttemptLimiter;
  #accountAttempts: AttemptLimiter;
  #policy: LockoutPolicy = NO_LOCKOUT;
  #perAccount: ReturnType<typeof accountFailures>;

  constructor(options: LogonGuardOptions) {
    this.#options = options;
    this.#perAccount = accountFailures(NO_LOCKOUT, options.sharedBy, options.perName);
    const { windowMs, now } = options;
    const fixed = { windowMs, windowFrom: 'first', now } as const;
    this.#addresses = new FailureBudget({ ...fixed, failures: options.perAddress, maxEntries: MAX_ADDRESSES });
    this.#all = new FailureBudget({ ...fixed, failures: options.total, maxEntries: 2 });
    this.#work = new BoundedWork(options.checks);
    [this.#names, this.#accounts] = this.#budgets();
    [this.#nameAttempts, this.#accountAttempts] = this.#limiters();
  }

  /** Takes over the domain's policy; a changed one begins to count anew. */
  useLockoutPolicy(policy: LockoutPolicy): void {
    const { threshold, observationMs } = this.#policy;
    if (policy.threshold === threshold && policy.observationMs === observationMs) return;
    this.#policy = policy;
    this.#perAccount = accountFailures(policy, this.#options.sharedBy, this.#options.perName);
    [this.#names, this.#accounts] = this.#budgets();
    [this.#nameAttempts, this.#accountAttempts] = this.#limiters();
  }

  /** What is known without asking anybody; undefined when the credentials may be looked at. */
  refusal(name: string, address: string): NotNow | undefined {
    const atAddress = this.#addressWaitMs(address);
    if (atAddress > 0) return notNow('address-budget', atAddress);
    const atName = this.#names.waitMs(countedName(name));
    if (atName > 0 && !this.isKnown(name, address)) return notNow('name-budget', atName);
    return undefined;
  }

  /** Milliseconds for which a name and an address may not be tried, for anybody who is not known there; 0 when they may. */
  waits(name: string, address: string): { readonly nameMs: number; readonly addressMs: number } {
    return { nameMs: this.#names.waitMs(countedName(name)), addressMs: this.#addressWaitMs(address) };
  }

  /** Begins an attempt at a typed name; whoever logged on from this address before may try once more than others. */
  async beginName(name: string, address: string): Promise<Attempt | NotNow> {
    const key = countedName(name);
    let known: boolean | undefined;
    // Most enter without it.
    const isKnown = () => {
      known ??= this.isKnown(name, address);
      return known;
    };
    const entered = await this.#nameAttempts.enter(key, () => this.#perName() + (isKnown() ? this.#extra() : 0));
    if (entered === 'crowded') return { refusal: 'busy', retryAfterSeconds: BUSY_SECONDS };
    if (entered === 'spent') {
      // Whoever is let past a spent name, because his credentials may still be remembered, must not guess at those without end.
      if (isKnown()) this.#countAddress(address);
      return notNow('name-budget', this.#names.waitMs(key));
    }
    return { settle: (outcome) => this.#settleName(entered, outcome, name, address) };
  }

  /**
   * Begins an attempt at an account that a name was found to mean: undefined when its password must not be tried. Names that nobody
   * has are not counted here.
   */
  async beginAccount(distinguishedName: string, name: string, address: string): Promise<Attempt | undefined> {
    const { failures, extra } = this.#perAccount;
    const allowance = () => failures + (this.isKnown(name, address) ? extra : 0);
    const entered = await this.#accountAttempts.enter(distinguishedName.toLowerCase(), allowance);
    return typeof entered === 'string' ? undefined : { settle: entered };
  }

  /** Runs a check when its turn comes. */
  async run<T>(check: () => Promise<T>): Promise<T | NotNow> {
    const value = await this.#work.run(check);
    return value === 'busy' ? { refusal: 'busy', retryAfterSeconds: BUSY_SECONDS } : value;
  }

  /** True when somebody logged on with this name from this address not long ago; addresses of many people are nobody's. */
  isKnown(name: string, address: string): boolean {
    if (this.#options.exempt(address)) return false;
    const known = this.#known.get(this.#knownKey(name, address));
    return known !== undefined && this.#options.now() - known.since < KNOWN_MS;
  }

  /** Sizes of what is kept, for metrics and tests. */
  get sizes(): Readonly<Record<'names' | 'accounts' | 'addresses' | 'known' | 'running' | 'waiting', number>> {
    return {
      names: this.#names.size,
      accounts: this.#accounts.size,
      addresses: this.#addresses.size,
      known: this.#known.size,
      running: this.#work.running,
      waiting: this.#work.waiting,
    };
  }

  #settleName(leave: Leave, outcome: 'failed' | 'succeeded' | 'unjudged', name: string, address: string): void {
    leave(outcome);
    if (outcome === 'failed') this.#countAddress(address);
    if (outcome === 'succeeded') this.#remember(name, address);
  }

  #countAddress(address: string): void {
    if (this.#options.total > 0) this.#all.spend(ALL);
    if (this.#options.perAddress > 0 && !this.#options.exempt(address)) this.#addresses.spend(countedAddress(address));
  }

  #addressWaitMs(address: string): number {
    const { perAddress, total, exempt } = this.#options;
    if (perAddress === 0 || this.#addresses.size === 0 || exempt(address)) return 0;
    // Under a spray from many addresses each is held to a tenth; addresses without failures notice nothing.
    const strict = total > 0 && this.#all.waitMs(ALL) > 0;
    const allowance = strict ? Math.max(1, Math.floor(perAddress / 10)) : perAddress;
    return this.#addresses.waitMs(countedAddress(address), allowance);
  }

  #remember(name: string, address: string): void {
    this.#known.set(this.#knownKey(name, address), true, this.#options.now());
  }

  #knownKey(name: string, address: string): string {
    return this.#knownDigest(`${countedName(name)}\0${countedAddress(address)}`);
  }

  #perName(): number {
    return Math.min(this.#options.perName, this.#perAccount.failures);
  }

  /** For known addresses, beyond what a name may fail. */
  #extra(): number {
    return this.#policy.threshold === 0 ? 1 : this.#perAccount.extra;
  }

  /** A name is held as long as its account would be, so that nobody with a good password meets the account's budget first. */
  #budgets(): [FailureBudget, FailureBudget] {
    const { windowMs, now } = this.#options;
    const domainMs = this.#policy.threshold === 0 ? windowMs : this.#policy.observationMs + WINDOW_MARGIN_MS;
    const counted = { windowFrom: 'last', now } as const;
    return [
      new FailureBudget({
        ...counted,
        failures: this.#perName(),
        windowMs: Math.max(windowMs, domainMs),
        maxEntries: MAX_NAMES,
      }),
      new FailureBudget({
        ...counted,
        failures: this.#perAccount.failures,
        windowMs: domainMs,
        maxEntries: MAX_ACCOUNTS,
      }),
    ];
  }

  /**
   * A success does not clear the name: that the count went down would tell that somebody has it. A domain that locks accounts out forgets,
   * so the account does; where none does, a success would only give those who guess their number again.
   */
  #limiters(): [AttemptLimiter, AttemptLimiter] {
    return [
      new AttemptLimiter(this.#names, { maxWaiting: MAX_WAITING, clears: false }),
      new AttemptLimiter(this.#accounts, { maxWaiting: MAX_WAITING, clears: this.#policy.threshold > 0 }),
    ];
  }
}

function notNow(refusal: NotNow['refusal'], waitMs: number): NotNow {
  const seconds = Math.ceil(waitMs / 1000);
  return { refusal, retryAfterSeconds: Math.min(Math.max(1, seconds), LONGEST_WAIT_SECONDS) };
}

const NOT_NOW_REASON = {
  'name-budget': 'the name failed too often; the directory is not asked',
  'address-budget': 'the address failed too often; nothing is asked',
  busy: 'too many checks are under way',
} as const;

/** The outcome of credentials that are not looked at. */
export function unavailable(
  { refusal, retryAfterSeconds }: NotNow,
  name: string,
): Extract<AuthenticationOutcome, { outcome: 'unavailable' }> {
  return {
    outcome: 'unavailable',
    reason: NOT_NOW_REASON[refusal],
    name,
    retryAfterSeconds,
    ...(refusal === 'busy' ? {} : { refusal }),
  };
}
