// Prometheus metrics. Every label has a closed list of values: nothing a client chooses becomes one.

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type Aggregator, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { DirectoryEvent, DirectoryStatus } from '../../ldap/directory.ts';
import type { PoolOperation } from '../../ldap/pool-options.ts';
import type { RecipientsStatus } from '../../ldap/recipients.ts';
import type { Refusal } from './authentication/refusal.ts';
import { clientFamily } from './client-family.ts';
import type { RefusedRequest } from './refused-requests.ts';

/** What is asked when the metrics are read. */
export interface MetricSources {
  readonly directory: () => DirectoryStatus;
  readonly credentials: () => Readonly<Record<'size' | 'hits' | 'misses' | 'hitAgeMs' | 'stale', number>>;
  /** What /health/ready says. */
  readonly ready: () => boolean;
  readonly guard: () => Readonly<Record<'names' | 'accounts' | 'addresses' | 'known' | 'running' | 'waiting', number>>;
  /** Questions to other workers, by what came of them; absent where there are none. */
  readonly otherMemories?: (() => Readonly<Record<string, number>>) | undefined;
  readonly certificates: () => readonly { readonly source: string; readonly notAfter: Date | undefined }[];
}

export interface ObservedExchange {
  readonly dialect?: string | undefined;
  readonly outcome?: string | undefined;
  /** Undefined when the client left before an answer. */
  readonly status: number | undefined;
  readonly userAgent: string | undefined;
  readonly milliseconds: number;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const DAY_MS = 86_400_000;

export class ServiceMetrics {
  readonly registry = new Registry();
  readonly #sources: MetricSources;
  readonly #requests: Counter<'dialect' | 'client' | 'outcome' | 'status'>;
  readonly #seconds: Histogram<'dialect'>;
  readonly #refusals: Counter<'refusal'>;
  readonly #refusedRequests: Counter<'refusal'>;
  readonly #ldap: Histogram<'controller' | 'operation' | 'outcome'>;
  readonly #downs: Counter<'controller'>;

  constructor(sources: MetricSources) {
    this.#sources = sources;
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.#requests = new Counter({
      name: 'autodiscover_requests_total',
      help: 'Answered requests.',
      labelNames: ['dialect', 'client', 'outcome', 'status'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'autodiscover_request_duration_seconds',
      help: 'From the last header of a request to the end of its answer.',
      labelNames: ['dialect'],
      buckets: SECONDS,
      registers,
    });
    this.#refusals = new Counter({
      name: 'autodiscover_authentication_refusals_total',
      help: 'Credentials that were judged and not good, or not looked at because too many had failed.',
      labelNames: ['refusal'],
      registers,
    });
    this.#refusedRequests = refusedRequestsCounter(registers);
    this.#ldap = new Histogram({
      name: 'autodiscover_ldap_operation_duration_seconds',
      help: 'Searches and password checks, by domain controller.',
      labelNames: ['controller', 'operation', 'outcome'],
      buckets: SECONDS,
      registers,
    });
    this.#downs = new Counter({
      name: 'autodiscover_ldap_controller_down_total',
      help: 'Times a domain controller did not answer and was left out.',
      labelNames: ['controller'],
      registers,
    });
    this.#gauges(registers);
  }

  /** Counts one finished exchange. */
  exchange({ dialect = 'none', outcome, status, userAgent, milliseconds }: ObservedExchange): void {
    this.#requests.inc({
      dialect,
      client: clientFamily(userAgent),
      outcome: outcomeLabel(outcome),
      status: String(status ?? 'none'),
    });
    this.#seconds.observe({ dialect }, milliseconds / 1000);
  }

  refused(refusal: Refusal): void {
    this.#refusals.inc({ refusal });
  }

  refusedRequest(refusal: RefusedRequest): void {
    this.#refusedRequests.inc({ refusal });
  }

  directoryEvent(event: DirectoryEvent): void {
    if (event.type === 'controller-down') this.#downs.inc({ controller: event.url });
  }

  directoryOperation({ url, operation, outcome, ms }: PoolOperation): void {
    this.#ldap.observe({ controller: url, operation, outcome }, ms / 1000);
  }

  #gauges(registers: Registry[]): void {
    const sources = this.#sources;
    const gauge = (name: string, help: string, read: () => number, aggregator: Aggregator = 'sum') =>
      new Gauge({
        name,
        help,
        registers,
        aggregator,
        collect() {
          this.set(read());
        },
      });
    // Counted elsewhere since the start; a counter, so that the sum of several workers keeps what ended ones have counted.
    const counter = (name: string, help: string, read: () => number) =>
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset();
          this.inc(read());
        },
      });
    // 1 or 0 for each controller. Of several workers the worst counts.
    const controllers = (name: string, help: string, of: 'up' | 'slow', aggregator: Aggregator) =>
      new Gauge({
        name,
        help,
        labelNames: ['controller'],
        registers,
        aggregator,
        collect() {
          for (const status of sources.directory().controllers)
            this.set({ controller: status.url }, status[of] ? 1 : 0);
        },
      });
    controllers(
      'autodiscover_ldap_controller_up',
      '1 while a domain controller is used, 0 while it is left out.',
      'up',
      'min',
    );
    controllers(
      'autodiscover_ldap_controller_slow',
      '1 while a domain controller is asked last because another is much faster.',
      'slow',
      'max',
    );
    new Gauge({
      name: 'autodiscover_certificate_days_left',
      help: 'Days until a certificate of the service expires; negative when it has.',
      labelNames: ['source'],
      registers,
      aggregator: 'min',
      collect() {
        this.reset();
        for (const { source, notAfter } of sources.certificates())
          if (notAfter) this.set({ source }, (notAfter.getTime() - Date.now()) / DAY_MS);
      },
    });
    gauge(
      'autodiscover_ready',
      '1 while /health/ready says so, else 0.',
      () => (sources.ready() ? 1 : 0),
      // Of several workers the worst counts.
      'min',
    );
    gauge(
      'autodiscover_organization_age_seconds',
      'Seconds since the Exchange organisation was read.',
      () => sources.directory().organizationAgeMs / 1000,
      'max',
    );
    const recipients = (of: keyof RecipientsStatus) => () => sources.directory().recipients[of];
    gauge('autodiscover_recipient_cache_entries', 'Remembered recipients and accounts.', recipients('entries'));
    counter('autodiscover_recipient_cache_hits', 'Recipients from memory since the start.', recipients('hits'));
    counter(
      'autodiscover_recipient_cache_hit_age_seconds_total',
      'How long ago these were asked for, added up since the start.',
      () => sources.directory().recipients.hitAgeMs / 1000,
    );
    counter('autodiscover_recipient_cache_misses', 'Recipients asked for since the start.', recipients('misses'));
    counter(
      'autodiscover_recipient_cache_stale',
      'Answers from memory because no domain controller answered, since the start.',
      recipients('stale'),
    );
    gauge(
      'autodiscover_recipient_cache_oldest_stale_seconds',
      'Age of the oldest such answer in the present outage; 0 when there is none.',
      () => sources.directory().recipients.oldestStaleMs / 1000,
      'max',
    );
    gauge('autodiscover_credential_cache_entries', 'Remembered credentials.', () => sources.credentials().size);
    counter(
      'autodiscover_credential_cache_hits',
      'Checks answered from memory since the start.',
      () => sources.credentials().hits,
    );
    counter(
      'autodiscover_credential_cache_misses',
      'Checks not answered from memory since the start.',
      () => sources.credentials().misses,
    );
    counter(
      'autodiscover_credential_cache_hit_age_seconds_total',
      'How long ago these were checked, added up since the start.',
      () => sources.credentials().hitAgeMs / 1000,
    );
    counter(
      'autodiscover_credential_cache_stale',
      'Passwords that were good before and could not be checked again because no domain controller answered, since the start.',
      () => sources.credentials().stale,
    );
    gauge('autodiscover_password_checks_running', 'Password checks under way.', () => sources.guard().running);
    gauge(
      'autodiscover_password_checks_waiting',
      'Password checks waiting for their turn.',
      () => sources.guard().waiting,
    );
    failureCountsGauge(registers, sources.guard);
    new Counter({
      name: 'autodiscover_worker_questions_total',
      help: 'Questions of workers to each other because no domain controller answered, by what came of them.',
      labelNames: ['outcome'],
      registers,
      collect() {
        this.reset();
        for (const [outcome, count] of Object.entries(sources.otherMemories?.() ?? {})) this.inc({ outcome }, count);
      },
    });
  }
}

/** What is refused before it is an exchange: of a process, or of the primary, which has the listener of the metrics. */
export function refusedRequestsCounter(registers: Registry[]): Counter<'refusal'> {
  return new Counter({
    name: 'autodiscover_refused_requests_total',
    help: 'Connections on which something was refused before it was a request: no TLS, no HTTP, too much, too slow.',
    labelNames: ['refusal'],
    registers,
  });
}

/** The one gauge of what is counted of failures: of a process, or of the primary that counts for its workers. */
export function failureCountsGauge(
  registers: Registry[],
  guard: () => Readonly<Record<'names' | 'accounts' | 'addresses' | 'known', number>>,
): void {
  new Gauge({
    name: 'autodiscover_failure_counts',
    help: 'Names, accounts and addresses whose failures are counted, and addresses where somebody logged on.',
    labelNames: ['kind'],
    registers,
    collect() {
      const sizes = guard();
      for (const kind of ['names', 'accounts', 'addresses', 'known'] as const) this.set({ kind }, sizes[kind]);
    },
  });
}

const OUTCOMES = new Set([
  'settings',
  'redirectAddr',
  'redirectUrl',
  'unknown-address',
  'not-a-mailbox',
  'invalid-request',
  'no-provider',
  'misconfigured',
  'server-error',
  'invalid-domain',
  'not federated',
  'not authenticated',
  'cannot authenticate',
  'failed too often',
  'method not allowed',
  'no such path',
  'no target',
  'fault',
  'failed',
  'aborted',
]);

/** Values of the label `outcome`. */
export const OUTCOME_LABELS: ReadonlySet<string> = new Set([
  ...[...OUTCOMES].map((outcome) => outcome.replaceAll(' ', '-')),
  'several',
  'other',
  'none',
]);

/** The answer about several addresses counts as `several`, but as `server-error` when one of them had that; what is not listed as `other`. */
function outcomeLabel(outcome: string | undefined): string {
  if (outcome === undefined) return 'none';
  if (OUTCOMES.has(outcome)) return outcome.replaceAll(' ', '-');
  if (!/^\d+ /.test(outcome)) return 'other';
  return outcome.includes(' server-error') ? 'server-error' : 'several';
}

/** GET /metrics and nothing else. */
export function metricsListener(metrics: {
  readonly contentType: string;
  metrics(): Promise<string>;
}): RequestListener {
  return (request: IncomingMessage, response: ServerResponse) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404, { 'Content-Length': '0' }).end();
      return;
    }
    metrics.metrics().then(
      (text) => response.writeHead(200, { 'Content-Type': metrics.contentType }).end(text),
      () => response.writeHead(500, { 'Content-Length': '0' }).end(),
    );
  };
}
