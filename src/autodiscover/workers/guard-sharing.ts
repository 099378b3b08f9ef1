// One guard for all workers: its counts live in the primary, so that a threshold of five is five however many workers there are. A worker
// asks before a check goes to the directory. What it answers from memory costs no question, unless the name or the address is known to
// have failed too often; the primary tells all workers when that begins.

import { BoundedMap } from '../../ldap/bounded-map.ts';
import type { LockoutPolicy } from '../../ldap/lockout-policy.ts';
import { BoundedWork, type BoundedWorkOptions } from '../server/authentication/bounded-work.ts';
import { countedAddress } from '../server/authentication/client-network.ts';
import { countedName } from '../server/authentication/counted-name.ts';
import type { Guard } from '../server/authentication/guard.ts';
import type { Attempt, LogonGuard, NotNow } from '../server/authentication/logon-guard.ts';
import type { Channel } from './channel.ts';

interface Logon {
  readonly name: string;
  readonly address: string;
}

/** A name or an address, as it is counted, that may not be tried for some time. */
export interface Hold {
  readonly kind: 'name' | 'address';
  readonly key: string;
  readonly forMs: number;
}

type Outcome = Parameters<Attempt['settle']>[0];

const BUSY: NotNow = { refusal: 'busy', retryAfterSeconds: 5 };
const MAX_HOLDS = 100_000;

/**
 * Answers one worker's questions, in the primary. `tellAll` tells every worker of a hold. A check that was under way when the worker died
 * counts as failed: nobody knows how often the controller saw its password.
 */
export function serveGuard(channel: Channel, guard: LogonGuard, tellAll: (hold: Hold) => void): void {
  const running = new Map<number, { readonly attempt: Attempt; readonly logon: Logon }>();
  let lastId = 0;
  const settle = (id: number, outcome: Outcome) => {
    const begun = running.get(id);
    if (!begun) return;
    running.delete(id);
    begun.attempt.settle(outcome);
    if (outcome === 'failed') for (const hold of holdsOf(guard, begun.logon)) tellAll(hold);
  };
  const enter = (attempt: Attempt, logon: Logon) => {
    // The worker died while the attempt waited for others.
    if (channel.closed) {
      attempt.settle('unjudged');
      return {};
    }
    lastId += 1;
    running.set(lastId, { attempt, logon });
    return { attempt: lastId };
  };
  channel.on('refusal', ({ name, address }: Logon) => guard.refusal(name, address));
  channel.on('begin-name', async ({ name, address }: Logon) => {
    const begun = guard.refusal(name, address) ?? (await guard.beginName(name, address));
    return 'refusal' in begun ? begun : enter(begun, { name, address });
  });
  channel.on('begin-account', async ({ distinguishedName, name, address }: Logon & { distinguishedName: string }) => {
    const begun = await guard.beginAccount(distinguishedName, name, address);
    return begun ? enter(begun, { name, address }) : {};
  });
  channel.on('settle', ({ attempt, outcome }: { attempt: number; outcome: Outcome }) => settle(attempt, outcome));
  channel.on('lockout-policy', (policy: LockoutPolicy) => guard.useLockoutPolicy(policy));
  channel.onClose(() => {
    for (const id of [...running.keys()]) settle(id, 'failed');
  });
}

function holdsOf(guard: LogonGuard, { name, address }: Logon): Hold[] {
  const { nameMs, addressMs } = guard.waits(name, address);
  const holds: Hold[] = [
    { kind: 'name', key: countedName(name), forMs: nameMs },
    { kind: 'address', key: countedAddress(address), forMs: addressMs },
  ];
  return holds.filter(({ forMs }) => forMs > 0);
}

export interface SharedGuardOptions {
  /** How many checks this worker may run, and let wait. */
  readonly checks: BoundedWorkOptions;
  readonly now: () => number;
}

/** The guard of one worker. */
export class SharedGuard implements Guard {
  readonly #channel: Channel;
  readonly #work: BoundedWork;
  readonly #now: () => number;
  /** Until when, by this process's clock. */
  readonly #held = {
    name: new BoundedMap<string, number>(MAX_HOLDS),
    address: new BoundedMap<string, number>(MAX_HOLDS),
  };

  constructor(channel: Channel, { checks, now }: SharedGuardOptions) {
    this.#channel = channel;
    this.#work = new BoundedWork(checks);
    this.#now = now;
    channel.on('hold', (hold: Hold) => this.#hold(hold));
  }

  /** Asks only about names and addresses that are held: whether this client may go on all the same, the primary knows. */
  refusal(name: string, address: string): undefined | Promise<NotNow | undefined> {
    if (!this.#isHeld('name', countedName(name)) && !this.#isHeld('address', countedAddress(address))) return undefined;
    return this.#channel.ask<NotNow | undefined>('refusal', { name, address }).catch(() => BUSY);
  }

  async beginName(name: string, address: string): Promise<Attempt | NotNow> {
    let answer: NotNow | { readonly attempt: number };
    try {
      answer = await this.#channel.ask('begin-name', { name, address });
    } catch {
      return BUSY;
    }
    if (!('refusal' in answer)) return this.#attempt(answer.attempt);
    const forMs = answer.retryAfterSeconds * 1000;
    // A worker that is younger than the hold learns of it here.
    if (answer.refusal === 'name-budget') this.#hold({ kind: 'name', key: countedName(name), forMs });
    if (answer.refusal === 'address-budget') this.#hold({ kind: 'address', key: countedAddress(address), forMs });
    return answer;
  }

  /** Rejects when the primary is gone: the caller then knows nothing of the credentials. */
  async beginAccount(distinguishedName: string, name: string, address: string): Promise<Attempt | undefined> {
    const { attempt } = await this.#channel.ask<{ readonly attempt?: number }>('begin-account', {
      distinguishedName,
      name,
      address,
    });
    return attempt === undefined ? undefined : this.#attempt(attempt);
  }

  async run<T>(check: () => Promise<T>): Promise<T | NotNow> {
    const value = await this.#work.run(check);
    return value === 'busy' ? BUSY : value;
  }

  useLockoutPolicy(policy: LockoutPolicy): void {
    this.#channel.tell('lockout-policy', policy);
  }

  /** The counts of names, accounts and addresses are the primary's. */
  get sizes() {
    return {
      names: 0,
      accounts: 0,
      addresses: 0,
      known: 0,
      running: this.#work.running,
      waiting: this.#work.waiting,
    };
  }

  #attempt(attempt: number): Attempt {
    return { settle: (outcome) => this.#channel.tell('settle', { attempt, outcome }) };
  }

  #isHeld(kind: Hold['kind'], key: string): boolean {
    const until = this.#held[kind].get(key);
    if (until === undefined) return false;
    if (until > this.#now()) return true;
    this.#held[kind].delete(key);
    return false;
  }

  #hold({ kind, key, forMs }: Hold): void {
    this.#held[kind].set(key, this.#now() + forMs);
  }
}
