// What the pool of controllers is given, and what it tells: options, events, and how its work ended.

import type { ControllerOptions } from './controller.ts';
import type { PaceEvent } from './controller-order.ts';
import type { PaceLimits } from './controller-pace.ts';

export const DEFAULT_RETRY: RetryIntervals = { firstMs: 1_000, longestMs: 60_000 };

export interface PoolOptions {
  readonly controllers: readonly ControllerOptions[];
  readonly bindName: string;
  /** Read at each new connection, so that a changed password file is honoured. */
  readonly readPassword: () => Promise<string>;
  /** Connections kept to the controller in use; requests are pipelined on them. */
  readonly connections: number;
  /** Milliseconds between two tries of a controller that is down: at first, and after many; DEFAULT_RETRY when absent. */
  readonly retry?: RetryIntervals;
  /** When a controller is too slow to be asked first; DEFAULT_PACE when absent. */
  readonly pace?: PaceLimits;
  /** Milliseconds for which a connection that checked a password is kept for the next one; 30 seconds when absent. */
  readonly passwordIdleMs?: number;
  readonly onEvent?: (event: PoolEvent) => void;
  readonly onOperation?: (operation: PoolOperation) => void;
}

export interface RetryIntervals {
  readonly firstMs: number;
  readonly longestMs: number;
}

export type PoolEvent =
  | { readonly type: 'controller-down'; readonly url: string; readonly reason: string; readonly retryInMs: number }
  | { readonly type: 'controller-up'; readonly url: string }
  | PaceEvent;

/** A search or password check that is over. */
export interface PoolOperation {
  readonly url: string;
  readonly operation: 'search' | 'password-check';
  /** `refused`: the controller answered no; `failed`: it did not answer. */
  readonly outcome: 'done' | 'refused' | 'failed';
  readonly ms: number;
  /** The request's id, when there is one. */
  readonly id: string | undefined;
}

/** The outcome of checking somebody's password. */
export type PasswordCheck =
  | { readonly outcome: 'accepted' }
  /** `reason` is the sub-code of the refusal, for the log only. */
  | { readonly outcome: 'rejected'; readonly reason: string };

/** A controller: `slow` while another is asked first because it is much faster. */
export interface ControllerStatus {
  readonly url: string;
  readonly up: boolean;
  readonly slow: boolean;
}
