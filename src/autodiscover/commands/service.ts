// Puts the service together from its settings: directory, authenticator, app, listeners, certificate watch. Used by serve, by serve
// --check, by the demo and by tests that want the whole thing.

import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { ControllerOptions } from '../../ldap/controller.ts';
import { type Directory, type DirectoryEvent, type DirectoryOptions, openDirectory } from '../../ldap/directory.ts';
import { tryParseDn } from '../../ldap/distinguished-name.ts';
import type { Config } from '../config-schema.ts';
import { AutodiscoverError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { secretText } from '../secret-text.ts';
import { createApp } from '../server/app.ts';
import type { Authenticator } from '../server/authentication/authenticator.ts';
import { recallCredential } from '../server/authentication/basic.ts';
import { networkList } from '../server/authentication/client-network.ts';
import type { Guard } from '../server/authentication/guard.ts';
import { healthRoutes, readiness } from '../server/health-routes.ts';
import { HeldConnections } from '../server/held-connections.ts';
import { type Listener, type ListenOptions, listenHttp, listenHttps } from '../server/listen.ts';
import { MailboxAccess } from '../server/mailbox-access.ts';
import { metricsListener, ServiceMetrics } from '../server/metrics.ts';
import { PipelineLimit } from '../server/pipeline-limit.ts';
import { createRedirector } from '../server/redirector.ts';
import { RefusedRequests } from '../server/refused-requests.ts';
import { TlsSessions } from '../server/tls-sessions.ts';
import type { ResolveOptions } from '../settings/resolve.ts';
import { firstEnd } from '../tls/validity.ts';
import type { OtherMemories, OwnMemory } from '../workers/memory-sharing.ts';
import { openAuthentication } from './authentication.ts';
import { keepQuietMemorySmall } from './quiet-memory.ts';
import { ServiceTls } from './service-tls.ts';

/** A configuration whose secrets are already at hand. */
export interface ServiceSettings {
  readonly config: Omit<Config, 'directory'> & {
    readonly directory: Omit<Config['directory'], 'caFile' | 'passwordFile'>;
  };
  readonly ca: readonly string[] | undefined;
  readonly readPassword: () => Promise<string>;
}

export interface RunningService {
  readonly httpsUrl: string;
  readonly httpUrl: string | undefined;
  readonly metricsUrl: string | undefined;
  readonly directory: Directory;
  /** For other workers. */
  readonly memory: OwnMemory;
  /** Undefined when listen.metrics is not configured. */
  readonly metrics: ServiceMetrics | undefined;
  readonly tls: ServiceTls;
  /** From now on the service is not ready, and each answer ends its connection; new ones are still accepted. */
  drain(): void;
  /** Lets running exchanges finish. Idle connections are closed after `idleMs`. */
  stop(idleMs?: number): Promise<void>;
}

/** What the workers of one service have in common. */
export interface WorkerParts {
  readonly guard: Guard;
  readonly ticketKey: Buffer;
  readonly sessions: TlsSessions;
  /** Under which credentials are digested. */
  readonly credentialSecret: string;
  /** What the others remember, for outages. */
  readonly others: OtherMemories;
}

/** Milliseconds that running exchanges get to finish. */
export const STOP_GRACE_MS = 10_000;

/** Reads what the configuration refers to. The password is read again at each new connection, so it may change while the service runs. */
export function settingsOf(config: Config): ServiceSettings {
  const { caFile, passwordFile } = config.directory;
  return {
    config,
    ca: caFile === undefined ? undefined : [readFileSync(caFile, 'utf8')],
    readPassword: async () => secretText(await readFile(passwordFile)),
  };
}

/** How a domain controller is reached: one of the configured ones, or another one under the same rules. */
export function controllerAt(url: string, { config: { directory }, ca }: ServiceSettings): ControllerOptions {
  return {
    url,
    startTls: directory.startTls && url.toLowerCase().startsWith('ldap:'),
    ca,
    tlsServerName: directory.serverName,
    connectTimeoutMs: directory.connectTimeoutSeconds * 1000,
    operationTimeoutMs: directory.operationTimeoutSeconds * 1000,
  };
}

export function openServiceDirectory(
  settings: ServiceSettings,
  log: Logger,
  {
    metrics,
    ...others
  }: { readonly metrics?: () => ServiceMetrics | undefined } & Pick<DirectoryOptions, 'elsewhere' | 'inherit'> = {},
): Promise<Directory> {
  const { config, readPassword } = settings;
  const { directory } = config;
  return openDirectory({
    controllers: directory.servers.map((url) => controllerAt(url, settings)),
    bindName: directory.bindDn,
    readPassword,
    connections: directory.connections,
    refreshIntervalMs: directory.refreshSeconds * 1000,
    searchBase: directory.searchBase,
    ages: {
      freshMs: directory.recipientSeconds * 1000,
      missingMs: directory.unknownRecipientSeconds * 1000,
      outageMs: directory.outageSeconds * 1000,
    },
    watchIntervalMs: directory.watchSeconds * 1000,
    ...others,
    onEvent: (event) => {
      metrics?.()?.directoryEvent(event);
      logDirectoryEvent(event, log);
    },
    onOperation: (operation) => {
      metrics?.()?.directoryOperation(operation);
      log.debug(operation, 'directory operation');
    },
  });
}

export function resolveOptionsOf(config: Pick<Config, 'answers'>): ResolveOptions {
  const { externalSite, otherVersions, mapiHttp, exHttp } = config.answers;
  return { externalSite, otherVersionUrls: otherVersions, newerProtocols: { mapiHttp, exHttp } };
}

/** What holds callers to their own mailboxes; undefined where the configuration does not. Throws AutodiscoverError `configuration`. */
export function mailboxAccessOf({ answers }: Pick<Config, 'answers'>, directory: Directory): MailboxAccess | undefined {
  if (answers.othersMailboxes === 'allow') return undefined;
  const wrong = answers.mayAskForOthers.find((name) => tryParseDn(name) === undefined);
  if (wrong !== undefined)
    throw new AutodiscoverError('configuration', `answers.mayAskForOthers: ${wrong} is no distinguished name`);
  return new MailboxAccess(directory, answers.mayAskForOthers);
}

/** What the configuration says and nothing comes of, in this organisation: to be told, not to be refused. */
export function withoutEffect(
  { answers, authentication }: Pick<Config, 'answers' | 'authentication'>,
  directory: Directory,
): string[] {
  const told: string[] = [];
  const index = directory.organization();
  if (answers.externalSite !== undefined && !index.siteNamed(answers.externalSite)) {
    const names = index.organization.sites.map(({ name }) => name).join(', ');
    told.push(`answers.externalSite: no site is called ${answers.externalSite}, the first by name is used of ${names}`);
  }
  if (answers.othersMailboxes === 'allow' && answers.mayAskForOthers.length > 0)
    told.push('answers.mayAskForOthers: everybody may ask for every mailbox unless answers.othersMailboxes is deny');
  if (authentication.keytabFile !== undefined && !authentication.schemes.includes('negotiate'))
    told.push('authentication.keytabFile: is for negotiate, which authentication.schemes does not name');
  return told;
}

/**
 * Starts everything; on any failure what was started is stopped again. A worker is given what it has in common with the others, and leaves
 * the listener of the metrics to its primary. Throws DirectoryError or AutodiscoverError.
 */
export async function startService(
  settings: ServiceSettings,
  log: Logger,
  parts?: WorkerParts,
): Promise<RunningService> {
  const { config } = settings;
  const { hostname: host } = new URL(config.publicUrl);
  const tls = await ServiceTls.open({ ...config.tls, host }, log, parts?.ticketKey);
  let metrics: ServiceMetrics | undefined;
  const others = parts?.others;
  let hasInherited = false;
  const inherit = async () => {
    const told = await others?.organization();
    hasInherited = told !== undefined;
    return told;
  };
  const directory = await openServiceDirectory(settings, log, {
    metrics: () => metrics,
    elsewhere: others && ((question) => others.recall(question)),
    inherit,
  });
  const stops: ((idleMs: number) => Promise<void> | void)[] = [() => directory.close()];
  const stop = async (idleMs = 0) => {
    for (const step of stops.splice(0).reverse()) await step(idleMs);
  };
  let metricsUrl: string | undefined;
  let stopping = false;
  try {
    for (const setting of withoutEffect(config, directory)) log.warn({ setting }, 'a setting has no effect');
    const limits = listenLimits(config);
    const { authenticator, guard, cache, close } = await openAuthentication(
      config,
      directory,
      log,
      parts && {
        ...parts,
        elsewhere: (question) => parts.others.recallCredential(question),
        hasPolicy: hasInherited,
      },
    );
    stops.push(close);
    if (config.listen.metrics !== undefined) {
      metrics = new ServiceMetrics({
        directory: () => directory.status(),
        credentials: () => cache,
        guard: () => guard.sizes,
        certificates: () => tls.infos.map((info) => ({ source: info.source, notAfter: firstEnd(info) })),
        otherMemories: others && (() => others.outcomes),
        ready: () => !stopping && readiness(directory, maxSnapshotAgeMs(config)).ready,
      });
    }
    const refused = new RefusedRequests({ log, count: (refusal) => metrics?.refusedRequest(refusal) });
    if (metrics && config.listen.metrics !== undefined && !parts) {
      const listener = await listenHttp(metricsListener(metrics.registry), {
        hostPort: config.listen.metrics,
        // Counted apart: metrics are read when everything else is full.
        ...listenLimits(config),
        onRefused: (one) => refused.note('metrics', one),
        proxies: undefined,
      });
      stops.push(() => listener.stop(0));
      metricsUrl = `${listener.url}/metrics`;
    }
    const app = appOf(settings, { directory, authenticator, metrics, log, stopping: () => stopping });
    const sessions = parts?.sessions ?? new TlsSessions();
    const https = await listenHttps(app, tls.options, {
      ...limits,
      hostPort: config.listen.https,
      sessions,
      onRefused: (one) => refused.note('https', one),
    });
    const listeners: Listener[] = [https];
    stops.push(async (idleMs) => {
      await Promise.all(listeners.map((listener) => listener.stop(idleMs + STOP_GRACE_MS, idleMs)));
    });
    tls.watch(https);
    stops.push(() => tls.stop());
    const health = healthRoutes(directory, maxSnapshotAgeMs(config), () => stopping);
    const http =
      config.listen.http === undefined
        ? undefined
        : await listenHttp(
            createRedirector(config.publicUrl, health, { log, metrics, logRequests: config.log.requests }),
            { ...limits, hostPort: config.listen.http, onRefused: (one) => refused.note('http', one) },
          );
    if (http) listeners.push(http);
    stops.push(keepQuietMemorySmall(log));
    const drain = () => {
      stopping = true;
      for (const listener of listeners) listener.drain();
    };
    const memory: OwnMemory = {
      recall: (question) => directory.recall(question),
      recallCredential: (digest) => recallCredential(cache, digest),
      recallOrganization: () => ({
        value: directory.organization().organization,
        ageMs: directory.status().organizationAgeMs,
      }),
    };
    return { httpsUrl: https.url, httpUrl: http?.url, metricsUrl, directory, memory, metrics, tls, drain, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What one of several workers may use of what all together may. Budgets of failed passwords are not shared out: they are kept in one place. */
export function shareOut(config: ServiceSettings['config'], workers: number): ServiceSettings['config'] {
  const share = (all: number) => Math.ceil(all / workers);
  const { limits, authentication } = config;
  return {
    ...config,
    limits: {
      ...limits,
      connections: share(limits.connections),
      connectionsPerAddress: share(limits.connectionsPerAddress),
      passwordChecks: share(limits.passwordChecks),
      waitingChecks: share(limits.waitingChecks),
    },
    authentication: {
      ...authentication,
      ntlmHelper: { ...authentication.ntlmHelper, processes: share(authentication.ntlmHelper.processes) },
    },
  };
}

/** What listeners hold to that are given the same result they count together. */
export function listenLimits({
  limits,
  listen,
}: ServiceSettings['config']): Omit<ListenOptions, 'hostPort' | 'onRefused'> {
  const { trustedProxies, forwardedHeader, proxyProtocol } = listen;
  return {
    requestSeconds: limits.requestSeconds,
    headerSeconds: limits.headerSeconds,
    maxHeaders: limits.headers,
    held: new HeldConnections({
      maxConnections: limits.connections,
      maxConnectionsPerAddress: limits.connectionsPerAddress,
      exempt: networkList(limits.exemptAddresses),
    }),
    pipelines: new PipelineLimit({ perConnection: limits.pipelined }),
    proxies:
      trustedProxies.length === 0
        ? undefined
        : { trusted: networkList(trustedProxies), header: forwardedHeader, proxyProtocol },
  };
}

function appOf(
  { config }: ServiceSettings,
  parts: {
    readonly directory: Directory;
    readonly authenticator: Authenticator;
    readonly metrics: ServiceMetrics | undefined;
    readonly log: Logger;
    readonly stopping: () => boolean;
  },
) {
  return createApp({
    ...parts,
    logRequests: config.log.requests,
    resolveOptions: resolveOptionsOf(config),
    mailboxAccess: mailboxAccessOf(config, parts.directory),
    publicUrl: config.publicUrl,
    domains: config.answers.domains,
    clock: () => new Date(),
    serverId: serverId(hostname()),
    maxBodyBytes: config.limits.requestBytes,
    maxSnapshotAgeMs: maxSnapshotAgeMs(config),
  });
}

/** Ten missed refreshes, and never less than ten minutes. */
function maxSnapshotAgeMs({ directory }: { readonly directory: { readonly refreshSeconds: number } }): number {
  return Math.max(10 * directory.refreshSeconds, 600) * 1000;
}

/** The Id of error answers ([MS-OXDSCLI] 2.2.4.1.1.3 Error): an unsigned 32-bit hash of the server's name (FNV-1a). */
export function serverId(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name.toLowerCase(), 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

function logDirectoryEvent(event: DirectoryEvent, log: Logger): void {
  const { type, ...fields } = event;
  const lines: Record<typeof type, ['debug' | 'info' | 'warn', string]> = {
    'controller-down': ['warn', 'domain controller does not answer'],
    'controller-up': ['info', 'domain controller answers again'],
    'controller-slow': ['warn', 'domain controller is slow; another is asked first'],
    'controller-fast': ['info', 'domain controller is fast again'],
    'organization-read': ['debug', 'Exchange organisation read'],
    'organization-stale': ['warn', 'Exchange organisation could not be read; the last one is used'],
    'changes-seen': ['debug', 'changes in the directory'],
    'changes-unseen': ['info', 'the directory has no update sequence numbers; changes are seen when ages run out'],
    'outage-began': ['warn', 'no domain controller answers; what is known of recipients is given from memory'],
    'outage-ended': ['info', 'recipients are read from the directory again'],
  };
  const [level, text] = lines[type];
  log[level](fields, text);
}
