// A load as the measuring process describes it and the load generator carries it out.

import type { Dialect } from './requests.ts';

export interface Load {
  readonly dialect: Dialect;
  /** Requests under way at once. */
  readonly concurrency: number;
  /** A connection kept per request under way; or a new one for each request, without or with the session of the one before. */
  readonly connections: 'kept' | 'new' | 'resumed';
  /** The n-th user asked for is `(n % distinct) * stride % population`. */
  readonly users: { readonly distinct: number; readonly stride: number; readonly population: number };
  /** Whose credentials: those of the user asked for, or always those of user 0. */
  readonly caller: 'own' | 'first';
  /** Instead of what the dialect's answers must hold. */
  readonly expect?: readonly string[];
}

export interface Run {
  readonly port: number;
  readonly load: Load;
  /** The number of the first request, so that a later run goes on where another stopped. */
  readonly from: number;
  /** What ends it, whichever comes first: no request is begun after this time, nor more than this many. */
  readonly until: { readonly milliseconds?: number; readonly requests?: number };
}

/** What a run came to; times in milliseconds. */
export interface LoadResult {
  readonly requests: number;
  readonly errors: number;
  /** Some of the errors, in words. */
  readonly examples: readonly string[];
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Each request's, where they do not come on kept connections. */
  readonly times?: readonly number[];
}

/** The user that the n-th request asks for first. */
export function userAt({ users }: Pick<Load, 'users'>, n: number): number {
  return ((n % users.distinct) * users.stride) % users.population;
}
