// When the domain locks accounts out, read from the heads of the domains, so that the service stays below it.

import { PresenceFilter } from 'ldapts';
import type { EntryReader } from './entry.ts';
import type { SearchRequest } from './search.ts';

export interface LockoutPolicy {
  /** Failures that lock an account; 0 when the domain locks nobody. */
  readonly threshold: number;
  /** Milliseconds after the last failure at which the domain forgets the failures. */
  readonly observationMs: number;
}

export const NO_LOCKOUT: LockoutPolicy = { threshold: 0, observationMs: 0 };

/** 100 ns intervals in a millisecond. */
const TICKS_PER_MS = 10_000;

/**
 * The strictest policy of the domains whose heads can be read (lockoutThreshold, lockOutObservationWindow; the latter is a negative
 * interval of 100 ns). The first head must be readable; others may be on controllers this one only refers to.
 */
export async function readLockoutPolicy(
  search: (request: SearchRequest) => Promise<EntryReader[]>,
  heads: readonly string[],
): Promise<LockoutPolicy> {
  const policies: LockoutPolicy[] = [];
  for (const [at, base] of heads.entries()) {
    const read = search({
      base,
      scope: 'base',
      filter: new PresenceFilter({ attribute: 'objectClass' }),
      attributes: ['lockoutThreshold', 'lockOutObservationWindow'],
    });
    const [head] = at === 0 ? await read : await read.catch(() => []);
    if (head) policies.push(policyOf(head));
  }
  return strictest(policies);
}

function policyOf(head: EntryReader): LockoutPolicy {
  const threshold = head.integer('lockoutThreshold') ?? 0;
  if (threshold <= 0) return NO_LOCKOUT;
  // Interval and "never" values beyond 2^53 lose a few ticks here, which is far below a millisecond.
  const window = Number(head.one('lockOutObservationWindow') ?? 0);
  return { threshold, observationMs: Math.ceil(Math.abs(window) / TICKS_PER_MS) };
}

/** The lowest threshold with the longest window; domains that lock nobody do not count. */
export function strictest(policies: readonly LockoutPolicy[]): LockoutPolicy {
  const locking = policies.filter((policy) => policy.threshold > 0);
  if (locking.length === 0) return NO_LOCKOUT;
  return {
    threshold: Math.min(...locking.map((policy) => policy.threshold)),
    observationMs: Math.max(...locking.map((policy) => policy.observationMs)),
  };
}
