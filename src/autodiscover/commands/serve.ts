// `autodiscover serve`: the service itself, its demo, and the check to run before a restart.

import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { Command } from 'commander';
import { readConfig } from '../config.ts';
import { type Config, listenerFaults } from '../config-schema.ts';
import { hostPort, workersSetting } from '../config-values.ts';
import { AutodiscoverError } from '../errors.ts';
import { createLogger, LOG_LEVELS, type Logger, type LogLevel } from '../log.ts';
import { normalizeAddress } from '../wire/address.ts';
import { isWorker } from '../workers/cluster-processes.ts';
import type { CommandIo } from './command-io.ts';
import { type Demo, startDemo } from './demo.ts';
import { DEMO_PASSWORD } from './demo-directory.ts';
import { checkService } from './serve-check.ts';
import { serveAsWorker, startWorkers, type Workers } from './serve-workers.ts';
import { type RunningService, type ServiceSettings, settingsOf, startService } from './service.ts';

interface ServeFlags {
  readonly config?: string;
  readonly demo?: boolean;
  readonly check?: boolean;
  readonly address?: string;
  readonly https?: string;
  readonly http?: string;
  readonly certs: string;
  readonly workers?: string;
  readonly logLevel?: LogLevel;
  readonly logRequests?: boolean;
}

export function serveCommand(io: CommandIo): Command {
  return new Command('serve')
    .description('answer Autodiscover requests')
    .option('--config <file>', 'configuration file (YAML); see: autodiscover config print-example')
    .option('--demo', 'serve the embedded demo organisation with a lab certificate')
    .option('--check', 'bind, read the organisation, open the schemes, resolve one address, and exit')
    .option('--address <address>', 'the address that --check resolves; some mailbox when not given')
    .option('--https <host:port>', 'listen here instead of listen.https')
    .option('--http <host:port>', 'listen here instead of listen.http')
    .option('--certs <folder>', 'folder of the lab certificate of --demo', 'certs')
    .option('--workers <number>', 'processes instead of listen.workers: a number, or cores')
    .option('--log-requests', 'as log.requests: headers and an outline of each request, without credentials')
    .option('--log-level <level>', `instead of log.level: ${LOG_LEVELS.join(', ')}`)
    .addHelpText(
      'after',
      '\nSIGTERM and SIGINT stop the service when running requests are answered. SIGHUP reads the configuration again and exchanges' +
        '\nthe workers one by one; with one worker it looks at certificates and ticket key.' +
        '\n\nExit codes: 0 stopped, or the check passed; 1 failed; 2 wrong usage or configuration.',
    )
    .action((flags: ServeFlags) => (isWorker() ? serveAsWorker(io) : serve(flags, io)));
}

async function serve(flags: ServeFlags, io: CommandIo): Promise<void> {
  if ((flags.config === undefined) === (flags.demo !== true)) {
    throw new AutodiscoverError('configuration', 'serve: give either --config FILE or --demo');
  }
  if (flags.address !== undefined && !flags.check)
    throw new AutodiscoverError('configuration', 'serve: --address is for --check, and changes nothing without it');
  if (flags.logLevel !== undefined && !LOG_LEVELS.includes(flags.logLevel)) {
    throw new AutodiscoverError('configuration', `serve: --log-level must be one of ${LOG_LEVELS.join(', ')}`);
  }
  for (const name of ['https', 'http'] as const) {
    const fault = flags[name] === undefined ? undefined : hostPort.safeParse(flags[name]).error?.issues[0];
    if (fault) throw new AutodiscoverError('configuration', `serve: --${name} ${flags[name]}: ${fault.message}`);
  }
  const workers = flags.workers === undefined ? undefined : workersFlag(flags.workers);
  const address = flags.address === undefined ? undefined : addressFlag(flags.address);
  const demo = flags.demo ? await startDemo({ ...demoListeners(flags), certs: flags.certs }) : undefined;
  try {
    const read = () => withFlags(demo?.settings ?? settingsOf(readConfig(flags.config ?? '')), flags, workers);
    const settings = read();
    if (flags.check) return await checkService(settings, address, io);
    const count = numberOf(settings.config.listen.workers);
    await (count === 1 ? run(settings, demo, io) : runWorkers(read, count, demo, io));
  } finally {
    await demo?.directory.close();
  }
}

type WorkersSetting = Config['listen']['workers'];

function workersFlag(text: string): WorkersSetting {
  const parsed = workersSetting.safeParse(/^\d+$/.test(text) ? Number(text) : text);
  if (parsed.success) return parsed.data;
  throw new AutodiscoverError('configuration', `serve: --workers ${text}: must be a number from 1 to 64, or cores`);
}

/** Read as in a request. */
function addressFlag(text: string): string {
  const normal = normalizeAddress(text);
  if ('address' in normal) return normal.address;
  throw new AutodiscoverError('configuration', `serve: --address ${JSON.stringify(text)}: ${normal.reason}`);
}

function numberOf(workers: WorkersSetting): number {
  return workers === 'cores' ? Math.min(64, availableParallelism()) : workers;
}

function withFlags(settings: ServiceSettings, flags: ServeFlags, workers: WorkersSetting | undefined): ServiceSettings {
  const { config } = settings;
  const listen = {
    ...config.listen,
    https: flags.https ?? config.listen.https,
    ...((flags.http ?? config.listen.http) ? { http: flags.http ?? config.listen.http } : {}),
    workers: workers ?? config.listen.workers,
  };
  refuseOnePort(listen);
  const level = flags.logLevel ?? config.log.level;
  const requests = flags.logRequests ?? config.log.requests;
  return { ...settings, config: { ...config, listen, log: { level, requests } } };
}

function demoListeners({ https = '127.0.0.1:8443', http = '127.0.0.1:8080' }: ServeFlags) {
  refuseOnePort({ https, http });
  return { https, http };
}

/** Flags may bring together what the configuration keeps apart. */
function refuseOnePort(listen: Parameters<typeof listenerFaults>[0]): void {
  const [first] = listenerFaults(listen);
  if (first)
    throw new AutodiscoverError('configuration', `serve: listen.${first.key} ${listen[first.key]} ${first.fault}`);
}

/** One process that does everything. */
async function run(settings: ServiceSettings, demo: Demo | undefined, io: CommandIo): Promise<void> {
  const log = createLogger(settings.config.log.level, io.stderr);
  // Before anything is started: a signal that nobody listens to ends the process.
  const reloads = new Reloads();
  if (!demo) io.onReload?.(() => reloads.ask());
  const service = await startService(settings, log);
  const { organization } = service.directory.organization();
  const arrays = organization.arrays.map((array) => array.fqdn);
  const { httpsUrl: https, httpUrl: http, metricsUrl: metrics } = service;
  const databases = organization.databases.length;
  log.info({ https, http, metrics, organization: organization.name, arrays, databases }, 'ready');
  if (demo) io.stdout.write(demoBanner(demo, service));
  reloads.heed(() => {
    log.info('looking at certificates and ticket key; other changes need a restart');
    void service.tls.look();
  });
  await io.stopRequested();
  log.info('stopping');
  await drained(settings, () => service.drain(), io);
  await service.stop();
  log.info('stopped');
}

/** Orders to take changed settings. One that comes before it can be carried out is carried out as soon as it can. */
class Reloads {
  #action: (() => void) | undefined;
  #asked = false;

  ask(): void {
    if (this.#action) this.#action();
    else this.#asked = true;
  }

  /** What an order does from now on. */
  heed(action: () => void): void {
    this.#action = action;
    if (this.#asked) action();
    this.#asked = false;
  }
}

/** The primary of several workers. */
async function runWorkers(
  read: () => ServiceSettings,
  count: number,
  demo: Demo | undefined,
  io: CommandIo,
): Promise<void> {
  const first = read();
  const log = createLogger(first.config.log.level, io.stderr);
  const reloads = new Reloads();
  if (!demo) io.onReload?.(() => reloads.ask());
  const service = await startWorkers({ config: first.config, demo: demo !== undefined }, count, log);
  const { httpsUrl: https, httpUrl: http, metricsUrl: metrics, organization, arrays, databases } = service.ready;
  log.info({ https, http, metrics, organization, arrays, databases, workers: count }, 'ready');
  if (demo) io.stdout.write(demoBanner(demo, { httpsUrl: https, httpUrl: http }));
  reloads.heed(() => void exchangeWorkers(read, first, service, log));
  const failure = await Promise.race([io.stopRequested(), service.givenUp]);
  if (failure) {
    log.error({ reason: failure.message }, 'no worker can be kept running; giving up');
    await service.stop();
    throw new AutodiscoverError('workers', `no worker can be kept running: ${failure.message}`, { cause: failure });
  }
  reloads.heed(() => log.info('stopping: changes are taken at the next start'));
  log.info('stopping');
  await drained(service.settings, () => service.drain(), io);
  await service.stop();
  log.info('stopped');
}

/** Keys that the primary uses itself: they stay as they were until a restart. */
const OF_THE_PRIMARY = (config: ServiceSettings['config']) => ({
  'listen.workers': config.listen.workers,
  'listen.metrics': config.listen.metrics,
  'authentication.failures': config.authentication.failures,
  'limits.exemptAddresses': config.limits.exemptAddresses,
});

async function exchangeWorkers(
  read: () => ServiceSettings,
  first: ServiceSettings,
  service: Workers,
  log: Logger,
): Promise<void> {
  try {
    const { config } = read();
    const [before, now] = [OF_THE_PRIMARY(first.config), OF_THE_PRIMARY(config)];
    const keys = (Object.keys(now) as (keyof typeof now)[]).filter((key) => !isDeepStrictEqual(before[key], now[key]));
    if (keys.length > 0) log.warn({ keys }, 'these changes need a restart');
    log.info('exchanging the workers');
    const { exchanged, failed } = await service.roll({ config, demo: false });
    log[failed ? 'error' : 'info']({ exchanged, workers: service.count }, 'exchange of workers ended');
  } catch (error) {
    log.error({ reason: (error as Error).message }, 'the changed configuration cannot be used; the old one stays');
  }
}

/** Keeps accepting for as long as balancers need to notice; a second order to stop ends that. */
async function drained({ config }: Pick<ServiceSettings, 'config'>, drain: () => void, io: CommandIo): Promise<void> {
  const { drainSeconds } = config.listen;
  if (drainSeconds === 0) return;
  drain();
  const waiting = new AbortController();
  await Promise.race([sleep(drainSeconds * 1000, undefined, { signal: waiting.signal }), io.stopRequested()]);
  waiting.abort();
}

/** A URL by which this machine is reached: no client can ask all addresses. */
function fromHere(url: string | undefined): string | undefined {
  return url?.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
}

/** Everything a newcomer needs to get his first answer. */
function demoBanner(demo: Demo, service: Pick<RunningService, 'httpsUrl' | 'httpUrl'>): string {
  const accounts = demo.accounts.map(({ name, database }) => `  ${name.padEnd(30)}${database ?? '-'}`);
  const first = demo.accounts[0]?.name ?? '';
  const [https, http] = [service.httpsUrl, service.httpUrl].map(fromHere);
  const { host } = new URL(https ?? '');
  const domain = first.slice(first.indexOf('@') + 1);
  // The names a client makes from the mail domain, led to the demo: discovery needs no DNS and the certificate is checked.
  const elsewhere = [domain, `autodiscover.${domain}`].map((name) => `--connect-to ${name}:443:${host}`).join(' ');
  const body =
    '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>' +
    `<EMailAddress>${first}</EMailAddress>` +
    '<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>' +
    '</Request></Autodiscover>';
  return `
Autodiscover is ready.

  service      ${https}/autodiscover/autodiscover.xml
  redirector   ${http}/autodiscover/autodiscover.xml
  directory    ${demo.directory.url} (embedded, demo organisation contoso.test)
  lab CA       ${demo.caFile}

Accounts (password ${DEMO_PASSWORD}) and their databases:
${accounts.join('\n')}

Ask what Outlook asks:

curl --cacert ${demo.caFile} -u '${first}:${DEMO_PASSWORD}' -H 'Content-Type: text/xml' \\
  -d '${body}' \\
  ${https}/autodiscover/autodiscover.xml

Search as a client does, and see each step:

AUTODISCOVER_PASSWORD='${DEMO_PASSWORD}' npx autodiscover query ${first} --ca ${demo.caFile} \\
  ${elsewhere}

Press Ctrl+C to stop.
`;
}
