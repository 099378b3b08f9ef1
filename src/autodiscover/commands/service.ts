// Puts the service together from its settings: directory, authenticator, app, listeners, certificate watch. Used by serve, by serve
// --check, by the demo and by tests that want the whole thing.

import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { ControllerOptions } from '../../ldap/controller.ts';
import { type Directory, type DirectoryEvent, openDirectory } from '../../ldap/directory.ts';
import type { Config } from '../config-schema.ts';
import type { Logger } from '../log.ts';
import { createApp } from '../server/app.ts';
import type { Authenticator } from '../server/authentication/authenticator.ts';
import { networkList } from '../server/authentication/client-network.ts';
import { healthRoutes } from '../server/health-routes.ts';
import { type ListenOptions, listenHttp, listenHttps, type SecureListener } from '../server/listen.ts';
import { metricsListener, ServiceMetrics } from '../server/metrics.ts';
import { createRedirector } from '../server/redirector.ts';
import type { ResolveOptions } from '../settings/resolve.ts';
import { type CertificateInfo, filesState, readServerCertificates } from '../tls/server-certificate.ts';
import { openAuthentication } from './authentication.ts';

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
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 10_000;
const DAY_MS = 86_400_000;

/** Reads what the configuration refers to. The password is read again at each new connection, so it may change while the service runs. */
export function settingsOf(config: Config): ServiceSettings {
  const { caFile, passwordFile } = config.directory;
  return {
    config,
    ca: caFile === undefined ? undefined : [readFileSync(caFile, 'utf8')],
    readPassword: async () => (await readFile(passwordFile, 'utf8')).replace(/\r?\n$/, ''),
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
  metrics?: () => ServiceMetrics | undefined,
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

/** Starts everything; on any failure what was started is stopped again. Throws DirectoryError or AutodiscoverError. */
export async function startService(settings: ServiceSettings, log: Logger): Promise<RunningService> {
  const { config } = settings;
  const certificates = await readServerCertificates(config.tls.certificates);
  let metrics: ServiceMetrics | undefined;
  const directory = await openServiceDirectory(settings, log, () => metrics);
  const stops: (() => Promise<void>)[] = [async () => directory.close()];
  const stop = async () => {
    for (const step of stops.splice(0).reverse()) await step();
  };
  let metricsUrl: string | undefined;
  try {
    const limits = listenLimits(config);
    const { authenticator, guard, cache, close } = await openAuthentication(config, directory, log);
    stops.push(async () => close());
    let current = certificates.infos;
    if (config.listen.metrics !== undefined) {
      metrics = new ServiceMetrics({
        directory: () => directory.status(),
        credentials: () => cache,
        guard: () => guard.sizes,
        certificates: () => current,
      });
      const listener = await listenHttp(metricsListener(metrics), { hostPort: config.listen.metrics, ...limits });
      stops.push(() => listener.stop(0));
      metricsUrl = `${listener.url}/metrics`;
    }
    const app = appOf(settings, { directory, authenticator, metrics, log });
    const https = await listenHttps(app, certificates.options, { hostPort: config.listen.https, ...limits });
    stops.push(() => https.stop(STOP_GRACE_MS));
    const watch = watchCertificates(settings, https, certificates.infos, log, (infos) => {
      current = infos;
    });
    stops.push(async () => watch.stop());
    const http =
      config.listen.http === undefined
        ? undefined
        : await listenHttp(createRedirector(config.publicUrl, healthRoutes(directory, maxSnapshotAgeMs(config))), {
            hostPort: config.listen.http,
            ...limits,
          });
    if (http) stops.push(() => http.stop(STOP_GRACE_MS));
    return { httpsUrl: https.url, httpUrl: http?.url, metricsUrl, directory, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function listenLimits({ limits }: ServiceSettings['config']): Omit<ListenOptions, 'hostPort'> {
  return {
    requestSeconds: limits.requestSeconds,
    headerSeconds: limits.headerSeconds,
    maxHeaders: limits.headers,
    maxConnections: limits.connections,
    maxConnectionsPerAddress: limits.connectionsPerAddress,
    exempt: networkList(limits.exemptAddresses),
  };
}

function appOf(
  { config }: ServiceSettings,
  parts: {
    readonly directory: Directory;
    readonly authenticator: Authenticator;
    readonly metrics: ServiceMetrics | undefined;
    readonly log: Logger;
  },
) {
  return createApp({
    ...parts,
    logRequests: config.log.requests,
    resolveOptions: resolveOptionsOf(config),
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

/** Looks at the certificate files now and then; takes changed ones, keeps the old ones when the new ones cannot be used. */
function watchCertificates(
  { config }: ServiceSettings,
  listener: SecureListener,
  first: readonly CertificateInfo[],
  log: Logger,
  onChange: (infos: readonly CertificateInfo[]) => void,
): { stop(): void } {
  const sources = config.tls.certificates;
  let infos = first;
  let warnedAt = 0;
  let state = filesState(sources);
  const warn = () => {
    if (Date.now() - warnedAt < DAY_MS) return;
    warnedAt = Date.now();
    for (const info of infos) warnOfExpiry(info, config.tls.warnDays, log);
  };
  const look = async () => {
    warn();
    const now = await filesState(sources);
    if (now === (await state)) return;
    state = Promise.resolve(now);
    try {
      const fresh = await readServerCertificates(sources);
      listener.replaceCertificates(fresh.options);
      infos = fresh.infos;
      onChange(infos);
      warnedAt = 0;
      log.info({ certificates: infos.map(({ source, notAfter }) => ({ source, notAfter })) }, 'certificates reloaded');
    } catch (error) {
      log.error({ reason: (error as Error).message }, 'changed certificates cannot be used; the old ones stay');
    }
  };
  warn();
  const timer = setInterval(() => void look(), config.tls.reloadSeconds * 1000);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

function warnOfExpiry(info: CertificateInfo, warnDays: number, log: Logger): void {
  if (!info.notAfter) return;
  const days = Math.floor((info.notAfter.getTime() - Date.now()) / DAY_MS);
  if (days >= warnDays) return;
  log[days < 0 ? 'error' : 'warn'](
    { source: info.source, subject: info.subject, notAfter: info.notAfter.toISOString(), days },
    days < 0 ? 'the certificate has expired' : 'the certificate expires soon',
  );
}

function logDirectoryEvent(event: DirectoryEvent, log: Logger): void {
  const { type, ...fields } = event;
  const lines: Record<typeof type, ['debug' | 'info' | 'warn', string]> = {
    'controller-down': ['warn', 'domain controller does not answer'],
    'controller-up': ['info', 'domain controller answers again'],
    'organization-read': ['debug', 'Exchange organisation read'],
    'organization-stale': ['warn', 'Exchange organisation could not be read; the last one is used'],
    'outage-began': ['warn', 'no domain controller answers; what is known of recipients is given from memory'],
    'outage-ended': ['info', 'recipients are read from the directory again'],
  };
  const [level, text] = lines[type];
  log[level](fields, text);
}
