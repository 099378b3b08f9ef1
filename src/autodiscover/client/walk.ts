// The state of one discovery while it walks, and the recording of its trace.
import type { Authenticator } from './authenticate.ts';
import type { Dialect, OutcomeName, StepName, TraceEntry } from './discovery.ts';
import type { HttpAnswer, HttpClient } from './http-client.ts';
import type { ScpLookup } from './scp-lookup.ts';
import type { AskConsent, TrustedHosts } from './trust.ts';

/** A DNS SRV record, as `node:dns` gives it. */
export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** Everything discovery needs from outside. */
export interface DiscoveryDeps {
  readonly http: HttpClient;
  /** In order of preference; empty for an anonymous search. */
  readonly authenticators: readonly Authenticator[];
  /** Rejects with the code ENOTFOUND or ENODATA when there is no record. */
  readonly resolveSrv: (name: string) => Promise<readonly SrvRecord[]>;
  /** Absent when there is no directory to search. */
  readonly lookupScp?: ScpLookup;
  readonly readFile: (path: string) => Promise<Uint8Array>;
  /** Asked before a host outside the rules is contacted. */
  readonly askConsent: AskConsent;
  /** Milliseconds from any origin. */
  readonly clock: () => number;
  /** Called with each trace entry as it is made, for progress. */
  readonly onStep?: (entry: TraceEntry) => void;
}

/** The walk: what has been asked, what went wrong, and how far redirections have led. */
export interface Walk {
  readonly deps: DiscoveryDeps;
  readonly dialect: Dialect;
  readonly trust: TrustedHosts;
  readonly trace: TraceEntry[];
  /** Address and URL pairs already asked, so that nothing is asked twice and no password is tried twice at one place. */
  readonly asked: Set<string>;
  /** Servers that turned our credentials down. */
  rejections: number;
}

/** How an HTTP exchange is shown in its trace entry. */
export interface HttpFacts {
  readonly answer: HttpAnswer | undefined;
  readonly scheme: string | undefined;
  readonly repeated?: boolean | undefined;
}

/** What is being done, for the trace: begun by `begin`, ended by `record`. */
export interface Doing {
  readonly step: StepName;
  readonly action: string;
  /** The clock's reading when it began. */
  readonly started: number;
}

export function begin(walk: Walk, step: StepName, action: string): Doing {
  return { step, action, started: walk.deps.clock() };
}

/** Appends what came of it to the trace, and tells whoever watches. */
export function record(walk: Walk, doing: Doing, outcome: OutcomeName, detail: string, http?: HttpFacts): void {
  const { step, action, started } = doing;
  const entry: TraceEntry = {
    step,
    action,
    outcome,
    detail,
    elapsedMs: walk.deps.clock() - started,
    ...(http?.answer && { status: http.answer.status }),
    ...(http?.repeated && { repeated: true }),
    ...(http?.scheme !== undefined && { scheme: http.scheme }),
    ...(http?.answer?.remoteAddress !== undefined && { remoteAddress: http.answer.remoteAddress }),
    ...(http?.answer?.tls && { tls: http.answer.tls }),
  };
  walk.trace.push(entry);
  walk.deps.onStep?.(entry);
}
