// `autodiscover serve` with several workers on one port. The primary reads the configuration, keeps the workers alive, and holds what they
// have in common: budgets of failed passwords, the key of session tickets, the sum of the metrics. In an outage they ask each other through it.
// It asks no directory and serves nobody.

import type { Config } from '../config-schema.ts';
import { AutodiscoverError } from '../errors.ts';
import { createLogger, type Logger } from '../log.ts';
import { networkList } from '../server/authentication/client-network.ts';
import { newSecret } from '../server/authentication/dated-digests.ts';
import type { LogonGuard } from '../server/authentication/logon-guard.ts';
import { type Listener, listenHttp } from '../server/listen.ts';
import { metricsListener } from '../server/metrics.ts';
import { MetricsSum, type MetricValues } from '../server/metrics-sum.ts';
import { RefusedRequests } from '../server/refused-requests.ts';
import { type KeptSession, TlsSessions } from '../server/tls-sessions.ts';
import { KEY_LIFE_MS, newTicketKey } from '../tls/ticket-keys.ts';
import type { Channel } from '../workers/channel.ts';
import { primaryChannel, startWorker } from '../workers/cluster-processes.ts';
import { SharedGuard, serveGuard } from '../workers/guard-sharing.ts';
import { answerRecall, OtherMemories, RecallRelay } from '../workers/memory-sharing.ts';
import type { Order, Ready, StopOrder, StopReport } from '../workers/orders.ts';
import { RecallBudget } from '../workers/recall-budget.ts';
import { type Exchange, Supervisor, type Worker } from '../workers/supervisor.ts';
import { checkLimits, logonGuard } from './authentication.ts';
import type { CommandIo } from './command-io.ts';
import { DEMO_PASSWORD } from './demo-directory.ts';
import {
  listenLimits,
  type RunningService,
  type ServiceSettings,
  STOP_GRACE_MS,
  settingsOf,
  shareOut,
  startService,
} from './service.ts';

/** What a worker is told of the configuration: the file's content, or the demo's, which has no file for its password. */
export interface OrderedSettings {
  readonly config: ServiceSettings['config'];
  readonly demo: boolean;
}

export interface Workers {
  readonly count: number;
  readonly ready: Ready & { readonly metricsUrl: string | undefined };
  /** Resolves with the last failure when no worker can be kept running. */
  readonly givenUp: Promise<Error>;
  /** The newest with which a worker could start: what all are given from then on. */
  readonly settings: OrderedSettings;
  /** Exchanges the workers one by one for ones with these settings, without refusing a connection. */
  roll(settings: OrderedSettings): Promise<Exchange>;
  drain(): void;
  stop(): Promise<void>;
}

const READY_MS = 120_000;
const PULSE = { everyMs: 5000, patienceMs: 30_000 } as const;
const BACK_OFF = { firstMs: 200, mostMs: 30_000, livedMs: 60_000 } as const;
const ATTEMPTS = 5;
/** Without listen.drainSeconds: milliseconds in which the clients of an exchanged worker are told with an answer that they leave it. */
const LEAVE_MS = 5000;

/** Starts the workers. Throws the first failure of a worker that cannot start. */
export async function startWorkers(first: OrderedSettings, count: number, log: Logger): Promise<Workers> {
  const versions = new SettingsVersions(first);
  let draining = false;
  let ticketKey = newTicketKey();
  const credentialSecret = newSecret();
  const { config } = first;
  const guard = logonGuard(config.authentication, config.limits, () => performance.now());
  const tellAll = (name: string, body?: unknown) => {
    for (const { channel } of supervisor.processes) channel.tell(name, body);
  };
  const relay = new RecallRelay(recallBudget(config));
  const start = (): Worker<Ready> => {
    const worker = startWorker<Ready>();
    relay.serve(worker.channel);
    // Workers that can go on are not exchanged in an outage: what they remember would be lost.
    worker.channel.on('inherit', () => (supervisor.exchanging ? undefined : relay.organization()));
    const given = Promise.withResolvers<Version>();
    const order = (): Order<OrderedSettings> => {
      const version = supervisor.exchanging ? versions.newest : versions.proven;
      given.resolve(version);
      const { settings } = version;
      return { settings, workers: count, ticketKey: ticketKey.toString('base64'), credentialSecret, draining };
    };
    attend(worker, guard, { order, tellAll });
    worker.ready.then(async () => versions.prove(await given.promise)).catch(() => undefined);
    void worker.gone.then(() => sum.ended(worker.id));
    return worker;
  };
  const supervisor = new Supervisor<Ready>({
    count,
    start,
    patience: { readyMs: READY_MS, stopMs: STOP_GRACE_MS + LEAVE_MS },
    pulse: PULSE,
    backOff: BACK_OFF,
    attempts: ATTEMPTS,
    events: {
      died(event) {
        sum.restarted();
        log.error(event, 'a worker died; another takes its place');
      },
      left: ({ worker, report }) => sum.keep(worker, (report as StopReport).metrics ?? []),
      replaced: (event) => log.info(event, 'worker replaced'),
      notReplaced: (event) => log.error(event, 'a worker could not be replaced'),
    },
  });
  const sum = new MetricsSum({
    configured: count,
    guard: () => guard.sizes,
    workers: () =>
      supervisor.workers.map(({ id, channel }) => ({ id, read: () => channel.ask<MetricValues>('metrics') })),
  });
  const metrics = await openMetrics(config, sum, log);
  try {
    const ready = await supervisor.open();
    const rotation = setInterval(() => {
      ticketKey = newTicketKey();
      tellAll('ticket-key', ticketKey.toString('base64'));
    }, KEY_LIFE_MS);
    return {
      count,
      ready: { ...ready, metricsUrl: metrics && `${metrics.url}/metrics` },
      givenUp: supervisor.givenUp,
      get settings() {
        return versions.proven.settings;
      },
      roll(fresh) {
        versions.add(fresh);
        const { drainSeconds } = fresh.config.listen;
        return supervisor.roll(drainSeconds > 0 ? drainSeconds * 1000 : LEAVE_MS);
      },
      drain: () => {
        draining = true;
        tellAll('drain');
      },
      async stop() {
        clearInterval(rotation);
        await supervisor.stop(0);
        await metrics?.stop(0);
      },
    };
  } catch (error) {
    await metrics?.stop(0);
    const { code, message } = error as Error & { code: string };
    // The worker's words, once; a fault of the configuration stays one.
    if (code === 'configuration') throw new AutodiscoverError('configuration', message, { cause: error });
    throw error;
  }
}

interface Version {
  readonly number: number;
  readonly settings: OrderedSettings;
}

/** Changed settings are on trial until a worker has started with them: one in the place of a dead worker is given what is known to do. */
class SettingsVersions {
  newest: Version;
  proven: Version;

  constructor(first: OrderedSettings) {
    this.newest = { number: 1, settings: first };
    this.proven = this.newest;
  }

  add(settings: OrderedSettings): void {
    this.newest = { number: this.newest.number + 1, settings };
  }

  /** A worker has started with it. */
  prove(version: Version): void {
    if (version.number > this.proven.number) this.proven = version;
  }
}

function recallBudget({ authentication, limits }: OrderedSettings['config']): RecallBudget {
  const { perName, perAddress, windowSeconds } = authentication.failures;
  return new RecallBudget({
    perName,
    perAddress,
    windowMs: windowSeconds * 1000,
    exempt: networkList(limits.exemptAddresses),
    now: () => performance.now(),
  });
}

/** Answers what a worker asks. */
function attend(
  { channel }: Worker<Ready>,
  guard: LogonGuard,
  primary: { readonly order: () => Order<OrderedSettings>; readonly tellAll: (name: string, body: unknown) => void },
): void {
  channel.on('order', () => primary.order());
  channel.on('tls-session', (session: KeptSession) => primary.tellAll('tls-session', session));
  serveGuard(channel, guard, (hold) => primary.tellAll('hold', hold));
}

async function openMetrics(
  config: OrderedSettings['config'],
  sum: MetricsSum,
  log: Logger,
): Promise<Listener | undefined> {
  const { metrics } = config.listen;
  if (metrics === undefined) return undefined;
  const refused = new RefusedRequests({ log, count: (refusal) => sum.refusedRequest(refusal) });
  return listenHttp(metricsListener(sum), {
    ...listenLimits(config),
    hostPort: metrics,
    onRefused: (one) => refused.note('metrics', one),
    proxies: undefined,
  });
}

/** The whole life of a worker: what its primary orders, until it is told to stop. */
export async function serveAsWorker(io: CommandIo): Promise<void> {
  const { id, channel, leave } = primaryChannel();
  const stopOrder = Promise.withResolvers<StopOrder>();
  const stopped = Promise.withResolvers<StopReport>();
  channel.on('pulse', () => true);
  channel.on('stop', (order: StopOrder) => {
    stopOrder.resolve(order);
    return stopped.promise;
  });
  try {
    const order = await channel.ask<Order<OrderedSettings>>('order');
    const service = await startOrdered(order, channel, io, id);
    const { idleMs } = await stopOrder.promise;
    service.drain();
    await service.stop(idleMs);
    stopped.resolve({ metrics: await service.metrics?.registry.getMetricsAsJSON() });
  } catch (error) {
    const { message, code = 'failed' } = error as Error & { code?: string };
    channel.tell('failed', { message, code });
    io.setExitCode(1);
  }
  // What was said last is under way; the channel is closed behind it.
  setImmediate(leave);
}

async function startOrdered(
  { settings, workers, ticketKey, credentialSecret, draining }: Order<OrderedSettings>,
  channel: Channel,
  io: CommandIo,
  id: number,
): Promise<RunningService> {
  const config = shareOut(settings.config, workers);
  const log = createLogger(config.log.level, io.stderr).child({ worker: id });
  const guard = new SharedGuard(channel, { checks: checkLimits(config.limits), now: () => performance.now() });
  const sessions = new TlsSessions((session) => channel.tell('tls-session', session));
  channel.on('tls-session', (session: KeptSession) => sessions.add(session));
  // What is said while it starts is heeded when it has.
  const starting = Promise.withResolvers<RunningService>();
  channel.on('ticket-key', async (key: string) =>
    (await starting.promise).tls.useTicketKey(Buffer.from(key, 'base64')),
  );
  channel.on('drain', async () => (await starting.promise).drain());
  const service = await startService(inWorker(config, settings.demo), log, {
    guard,
    ticketKey: Buffer.from(ticketKey, 'base64'),
    sessions,
    credentialSecret,
    others: new OtherMemories(channel, () => performance.now()),
  });
  if (draining) service.drain();
  starting.resolve(service);
  answerRecall(channel, service.memory);
  channel.on('metrics', () => service.metrics?.registry.getMetricsAsJSON() ?? []);
  const { organization } = service.directory.organization();
  const ready: Ready = {
    httpsUrl: service.httpsUrl,
    httpUrl: service.httpUrl,
    organization: organization.name,
    arrays: organization.arrays.map((array) => array.fqdn),
    databases: organization.databases.length,
  };
  channel.tell('ready', ready);
  return service;
}

/** The configuration came through a channel as JSON; the files it names are read here. */
function inWorker(config: OrderedSettings['config'], demo: boolean): ServiceSettings {
  if (demo) return { config, ca: undefined, readPassword: async () => DEMO_PASSWORD };
  return settingsOf(config as Config);
}
