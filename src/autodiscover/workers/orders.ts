// What primary and workers say to each other, beside the questions about passwords (guard-sharing.ts).

import type { MetricValues } from '../server/metrics-sum.ts';

/** The worker's first question, `order`: what it is to serve. `S` is the configuration, as JSON. */
export interface Order<S> {
  readonly settings: S;
  /** How many workers there are. */
  readonly workers: number;
  /** Base64. */
  readonly ticketKey: string;
  /** Under which the workers digest credentials. */
  readonly credentialSecret: string;
  /** Whether the service is about to stop: then this one is as little ready as the others. */
  readonly draining: boolean;
}

/** `ready`, the worker's news when it serves: the same of all workers. */
export interface Ready {
  readonly httpsUrl: string;
  readonly httpUrl?: string | undefined;
  readonly organization: string;
  readonly arrays: readonly (string | undefined)[];
  readonly databases: number;
}

/** `stop`, the primary's question: idle connections are closed after these milliseconds. */
export interface StopOrder {
  readonly idleMs: number;
}

/** Answered when everything is stopped. */
export interface StopReport {
  readonly metrics?: MetricValues | undefined;
}
