// The vocabulary of a discovery: its steps, what each exchange came to, and the answer with its trace. Types and one table; the
// walk itself is in discover.ts. Printed by `query`, compared by verification, followed by the migrator.
import type { AutodiscoverFault, UserSettings } from '../settings/user-settings.ts';
import type { PoxAnswer } from '../wire/pox-response.ts';
import type { HttpFailure, TlsFacts } from './http-client.ts';

/** The discovery steps in the order they are tried. [MS-OXDISCO] 3.1.5 Sequencing, and the Exchange client documentation for the local file. */
export const DISCOVERY_STEPS = [
  'scp',
  'root-domain',
  'autodiscover-host',
  'http-redirect',
  'srv',
  'local-file',
] as const;
export type DiscoveryStep = (typeof DISCOVERY_STEPS)[number];

/** Which step an exchange belongs to; `server` when one server was named and nothing was searched. */
export type StepName = DiscoveryStep | 'server';

/** Which service is asked: plain old XML (`autodiscover.xml`) or SOAP (`autodiscover.svc`). */
export type Dialect = 'pox' | 'soap';

/**
 * What one exchange, or one step without an exchange, came to.
 * Answers: `settings`, `redirect-address`, `redirect-url` (in the body), `http-redirect`, `service-error`.
 * Not an answer: `not-autodiscover`, `unavailable` (503), `malformed`, `unauthorized`, `no-common-scheme`, and every `HttpFailure`.
 * Decisions of this client: `skipped`, `already-asked`, `redirect-refused`, `redirect-loop`, `too-many-redirects`, `no-record`,
 * `lookup-failed`, `unreadable`.
 */
export type OutcomeName =
  | 'settings'
  | 'redirect-address'
  | 'redirect-url'
  | 'http-redirect'
  | 'service-error'
  | 'not-autodiscover'
  | 'unavailable'
  | 'malformed'
  | 'unauthorized'
  | 'no-common-scheme'
  | 'skipped'
  | 'already-asked'
  | 'redirect-refused'
  | 'redirect-loop'
  | 'too-many-redirects'
  | 'record'
  | 'no-record'
  | 'lookup-failed'
  | 'unreadable'
  | HttpFailure;

/** One line of the trace, in the order things happened. */
export interface TraceEntry {
  readonly step: StepName;
  /** What was done and on what: `POST https://...`, `SRV _autodiscover._tcp...`, `LDAP`, `file ...`. */
  readonly action: string;
  readonly outcome: OutcomeName;
  /** The outcome in words; never holds a secret. */
  readonly detail: string;
  /** Duration in milliseconds, fractional. */
  readonly elapsedMs: number;
  /** HTTP status, when there was an HTTP answer. */
  readonly status?: number;
  /** The request was sent once more, because the server had closed the connection it was sent on, without a byte of an answer. */
  readonly repeated?: true;
  /** The authentication scheme under which the answer was given; absent when it was anonymous. */
  readonly scheme?: string;
  /** The peer's address, when a connection was made. */
  readonly remoteAddress?: string;
  readonly tls?: TlsFacts;
}

/** Where an answer came from. */
export interface AnswerSource {
  readonly step: StepName;
  /** The URL, or the file's path, that gave it. */
  readonly location: string;
  readonly dialect: Dialect;
  /** The answer's document as received. */
  readonly body: Uint8Array;
  readonly scheme: string | undefined;
}

/** Why nothing was found although no service gave a verdict. */
export type NotFoundReason =
  | 'invalid-address'
  | 'no-service'
  | 'unauthorized'
  | 'unavailable'
  | 'consent-refused'
  | 'redirect-loop'
  | 'too-many-redirects';

/**
 * What discovery ends with. `pox` is what only that dialect carries. `service-error` is a service's own verdict; `code` is its number
 * (POX) or name (SOAP). `redirect-address` ends a search only when one server was named; otherwise it is followed.
 */
export type DiscoveryResult =
  | {
      readonly outcome: 'found';
      readonly settings: UserSettings;
      readonly pox: PoxAnswer | undefined;
      readonly source: AnswerSource;
    }
  | { readonly outcome: 'redirect-address'; readonly address: string; readonly source: AnswerSource }
  | {
      readonly outcome: 'service-error';
      readonly code: string;
      readonly message: string;
      readonly fault: AutodiscoverFault | undefined;
      readonly source: AnswerSource;
    }
  | { readonly outcome: 'not-found'; readonly reason: NotFoundReason; readonly detail: string };

/** A whole discovery: the address asked, the address it ended at after redirections, the result and every step on the way. */
export interface Discovery {
  readonly address: string;
  readonly finalAddress: string;
  readonly result: DiscoveryResult;
  readonly trace: readonly TraceEntry[];
}
