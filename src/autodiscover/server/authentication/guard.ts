// What the schemes ask before they try a password. A single process answers itself (logon-guard.ts); workers ask the guard that all of
// them have in common (workers/guard-sharing.ts).

import type { LockoutPolicy } from '../../../ldap/lockout-policy.ts';
import type { Attempt, NotNow } from './logon-guard.ts';

export interface Guard {
  /** What is known without asking the directory; undefined when the credentials may be looked at. */
  refusal(name: string, address: string): NotNow | undefined | Promise<NotNow | undefined>;
  /** Begins an attempt at a typed name. */
  beginName(name: string, address: string): Promise<Attempt | NotNow>;
  /** Begins an attempt at an account; undefined when its password must not be tried. */
  beginAccount(distinguishedName: string, name: string, address: string): Promise<Attempt | undefined>;
  /** Runs a check when its turn comes. */
  run<T>(check: () => Promise<T>): Promise<T | NotNow>;
  useLockoutPolicy(policy: LockoutPolicy): void;
  /** Sizes of what is kept here, for metrics. */
  readonly sizes: Readonly<Record<'names' | 'accounts' | 'addresses' | 'known' | 'running' | 'waiting', number>>;
}
