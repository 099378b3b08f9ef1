// When the domain locks accounts out, read from the heads of the domains and from their fine-grained password policies (password settings
// objects), so that the service stays below it.

import { PresenceFilter } from 'ldapts';
import type { EntryReader } from './entry.ts';
import type { Search } from './search.ts';

export interface LockoutPolicy {
  /** Failures that lock an account; 0 when the domain locks nobody. */
  readonly threshold: number;
  /** Milliseconds after the last failure at which the domain forgets the failures. */
  readonly observationMs: number;
}

/** The strictest policy that was found, whomever it is for. */
export interface FoundLockoutPolicy extends LockoutPolicy {
  /** DNs of password settings containers that the account may not read: there may be stricter policies in them. */
  readonly unreadable: readonly string[];
}

export const NO_LOCKOUT: LockoutPolicy = { threshold: 0, observationMs: 0 };

/** 100 ns intervals in a millisecond. */
const TICKS_PER_MS = 10_000;

const ANYTHING = new PresenceFilter({ attribute: 'objectClass' });

/**
 * The strictest policy of the domains whose heads can be read (lockoutThreshold, lockOutObservationWindow; the latter is a negative
 * interval of 100 ns) and of their password settings objects (the same attributes with msDS- before them). Whom a password settings
 * object is for is not asked: what holds for one account is kept to for all. The first head must be readable; others may be on
 * controllers this one only refers to.
 */
export async function readLockoutPolicy(search: Search, heads: readonly string[]): Promise<FoundLockoutPolicy> {
  const policies: LockoutPolicy[] = [];
  const unreadable: string[] = [];
  for (const [at, base] of heads.entries()) {
    const attributes = ['lockoutThreshold', 'lockOutObservationWindow'];
    const read = search({ base, scope: 'base', filter: ANYTHING, attributes });
    const [head] = at === 0 ? await read : await read.catch(() => []);
    if (!head) continue;
    policies.push(policyOf(head, ''));
    const container = `CN=Password Settings Container,CN=System,${base}`;
    const settings = await readPasswordSettings(search, container);
    if (settings === undefined) unreadable.push(container);
    else policies.push(...settings);
  }
  return { ...strictest(policies), unreadable };
}

/**
 * The policies in a password settings container; undefined when it cannot be read. To those without the right it shows its name and
 * nothing more, and no objects that would say that some are there.
 */
async function readPasswordSettings(search: Search, base: string): Promise<LockoutPolicy[] | undefined> {
  const attributes = ['objectClass', 'msDS-LockoutThreshold', 'msDS-LockoutObservationWindow'];
  try {
    const [container] = await search({ base, scope: 'base', filter: ANYTHING, attributes });
    if (container?.one('objectClass') === undefined) return undefined;
    const objects = await search({ base, scope: 'one', filter: ANYTHING, attributes, paged: true });
    // An object whose threshold is hidden may be the strictest: the attribute is mandatory.
    if (objects.some((object) => object.integer('msDS-LockoutThreshold') === undefined)) return undefined;
    return objects.map((object) => policyOf(object, 'msDS-'));
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === NO_SUCH_OBJECT || code === INSUFFICIENT_RIGHTS) return undefined;
    throw error;
  }
}

const NO_SUCH_OBJECT = 32;
const INSUFFICIENT_RIGHTS = 50;

function policyOf(entry: EntryReader, prefix: '' | 'msDS-'): LockoutPolicy {
  const threshold = entry.integer(`${prefix}lockoutThreshold`) ?? 0;
  if (threshold <= 0) return NO_LOCKOUT;
  // Interval and "never" values beyond 2^53 lose a few ticks here, which is far below a millisecond.
  const window = Number(entry.one(`${prefix}lockOutObservationWindow`) ?? 0);
  return { threshold, observationMs: Math.ceil(Math.abs(window) / TICKS_PER_MS) };
}

/** The lowest threshold with the longest window; domains that lock nobody do not count. */
function strictest(policies: readonly LockoutPolicy[]): LockoutPolicy {
  const locking = policies.filter((policy) => policy.threshold > 0);
  if (locking.length === 0) return NO_LOCKOUT;
  return {
    threshold: Math.min(...locking.map((policy) => policy.threshold)),
    observationMs: Math.max(...locking.map((policy) => policy.observationMs)),
  };
}
