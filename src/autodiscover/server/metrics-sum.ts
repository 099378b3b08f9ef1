// The metrics of several workers as one: asked of each when they are read, added up by what each metric says of itself, together with what
// the primary knows. What ended workers have counted stays, so that no counter ever falls.

import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client';
import { failureCountsGauge, refusedRequestsCounter } from './metrics.ts';
import type { RefusedRequest } from './refused-requests.ts';
import { within } from './within.ts';

/** What a registry gives as JSON. */
export type MetricValues = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

export interface MetricsSumSources {
  /** `listen.workers` as a number. */
  readonly configured: number;
  readonly workers: () => readonly { readonly id: number; readonly read: () => Promise<MetricValues> }[];
  readonly guard: () => Readonly<Record<'names' | 'accounts' | 'addresses' | 'known', number>>;
}

/** Milliseconds a worker may take; then its last values are used. */
const PATIENCE_MS = 3000;
const COUNTS = new Set(['counter', 'histogram']);

export class MetricsSum {
  readonly #sources: MetricsSumSources;
  readonly #own = new Registry();
  readonly #restarts: Counter;
  readonly #refusedRequests: Counter<'refusal'>;
  readonly #last = new Map<number, MetricValues>();
  /** Counters of ended workers. */
  #ended: readonly MetricValues[] = [];

  constructor(sources: MetricsSumSources) {
    this.#sources = sources;
    const registers = [this.#own];
    this.#restarts = new Counter({
      name: 'autodiscover_worker_restarts_total',
      help: 'Workers that died and were replaced.',
      registers,
    });
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    gauge('autodiscover_workers', 'Workers that serve.', () => sources.workers().length);
    gauge('autodiscover_workers_configured', 'Workers that should serve.', () => sources.configured);
    // Added to that of the workers.
    gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', () => process.memoryUsage.rss());
    failureCountsGauge(registers, sources.guard);
    this.#refusedRequests = refusedRequestsCounter(registers);
  }

  get contentType(): string {
    return this.#own.contentType;
  }

  restarted(): void {
    this.#restarts.inc();
  }

  /** At the listener of the metrics. */
  refusedRequest(refusal: RefusedRequest): void {
    this.#refusedRequests.inc({ refusal });
  }

  /** The last words of a worker that leaves. */
  keep(id: number, values: MetricValues): void {
    this.#last.set(id, values);
  }

  /** A worker is gone: what it counted is kept, what it measured is not. */
  ended(id: number): void {
    const counted = (this.#last.get(id) ?? []).filter(({ type }) => COUNTS.has(String(type)));
    this.#last.delete(id);
    if (counted.length > 0) this.#ended = [...this.#ended, counted];
  }

  /** The sum as text. */
  async metrics(): Promise<string> {
    await Promise.all(this.#sources.workers().map((worker) => this.#read(worker)));
    this.#ended = [await AggregatorRegistry.aggregate([...this.#ended]).getMetricsAsJSON()];
    const own = await this.#own.getMetricsAsJSON();
    return AggregatorRegistry.aggregate([own, ...this.#ended, ...this.#last.values()]).metrics();
  }

  async #read({ id, read }: { readonly id: number; readonly read: () => Promise<MetricValues> }): Promise<void> {
    const values = await within(
      PATIENCE_MS,
      read().catch(() => undefined),
    );
    // It may have ended while it was asked.
    if (values && values !== 'late' && this.#sources.workers().some((worker) => worker.id === id))
      this.#last.set(id, values);
  }
}
