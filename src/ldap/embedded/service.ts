// What all connections of one embedded directory share, and its settings with their defaults.
import type { AccessRules } from './access.ts';
import type { Contexts } from './contexts.ts';
import type { Faults } from './faults.ts';
import type { SearchOptions } from './search.ts';
import type { Store } from './store.ts';

/** Bounds and policies, after the defaults of a Windows domain controller where it has them ([MS-ADTS] 3.1.1.3.4.6 Policies). */
export type DirectoryLimits = {
  /** Most entries of one answer or page (MaxPageSize); 0 = no limit. Default 1000. */
  readonly maxPageSize: number;
  /** Most values of one attribute in an answer (MaxValRange); 0 = no limit. Default 1500. */
  readonly maxValRange: number;
  /** Bytes of one request. Default 1 MiB. */
  readonly maxMessageBytes: number;
  /** Open connections; further ones are cut. Default 1000. */
  readonly maxConnections: number;
  /** Milliseconds without traffic after which a connection is closed; 0 = never. Default 900000, as MaxConnIdleTime. */
  readonly idleMs: number;
  /** Paged searches a connection may have open; the oldest is forgotten. Default 10. */
  readonly maxPagedSearches: number;
};

export const DEFAULT_LIMITS: DirectoryLimits = {
  maxPageSize: 1000,
  maxValRange: 1500,
  maxMessageBytes: 1024 * 1024,
  maxConnections: 1000,
  idleMs: 900_000,
  maxPagedSearches: 10,
};

/** A bind as it came in. `declined`: a fault answers it with a result that says nothing of the password. */
export type ArrivedBind = {
  readonly name: string;
  /** Undefined for other than simple binds. */
  readonly password: string | undefined;
  readonly declined: boolean;
};

/** Counters since start. */
export type DirectoryStats = {
  connections: number;
  openConnections: number;
  binds: number;
  failedBinds: number;
  searches: number;
  writes: number;
  /** Requests that were no LDAP, and TLS handshakes that failed. */
  protocolErrors: number;
};

export type Service = {
  readonly store: Store;
  readonly contexts: Contexts;
  readonly rules: AccessRules;
  readonly limits: DirectoryLimits;
  readonly search: SearchOptions;
  readonly stats: DirectoryStats;
  readonly now: () => number;
  /** Whether binding needs TLS, and whether StartTLS is offered. */
  readonly requireTls: boolean;
  readonly startTls: boolean;
  faults: Faults;
  /** Told of each bind as it comes in, whatever becomes of it. */
  readonly onBind: ((bind: ArrivedBind) => void) | undefined;
  /** Told of errors that are no client's fault. */
  readonly onError: (error: unknown) => void;
};
