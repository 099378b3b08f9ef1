// `autodiscover query ADDRESS`: what a client would get, by which step, and what every other step came to.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { Command } from 'commander';
import { askConfirmation, canAsk } from '../client/ask.ts';
import { type Authenticator, basicAuthenticator } from '../client/authenticate.ts';
import { parseServerUrl } from '../client/candidates.ts';
import { type DiscoveryDeps, type DiscoveryRequest, discover } from '../client/discover.ts';
import { DISCOVERY_STEPS, type Dialect, type Discovery, type DiscoveryStep } from '../client/discovery.ts';
import { discoveryJson, resultText, stepLine } from '../client/discovery-report.ts';
import { createHttpClient, type HttpClientOptions } from '../client/http-client.ts';
import { negotiateAuthenticator } from '../client/negotiate.ts';
import { PASSWORD_VARIABLE, passwordSource } from '../client/password-source.ts';
import { resolveSrvRecords } from '../client/srv-records.ts';
import { isWithinDomain } from '../client/trust.ts';
import { readConfig } from '../config.ts';
import { AutodiscoverError } from '../errors.ts';
import { createLogger } from '../log.ts';
import { printable } from '../printable.ts';
import { normalizeAddress } from '../wire/address.ts';
import type { CommandIo } from './command-io.ts';
import { directoryScpLookup } from './directory-scps.ts';
import { settingsOf } from './service.ts';
import { settingsTable } from './settings-table.ts';

/** What a caller may put in place of the network and the directory. */
export interface QueryDeps {
  readonly http?: Partial<HttpClientOptions>;
  readonly resolveSrv?: DiscoveryDeps['resolveSrv'];
  readonly lookupScp?: NonNullable<DiscoveryDeps['lookupScp']>;
  readonly negotiate?: () => Authenticator;
}

interface QueryFlags {
  readonly server?: string;
  readonly ca?: string;
  readonly protocol: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly kerberos?: boolean;
  readonly trust?: readonly string[];
  readonly exclude?: readonly string[];
  readonly config?: string;
  readonly site?: string;
  readonly localFile?: string;
  readonly preferLocalFile?: boolean;
  readonly connectTo?: readonly string[];
  readonly timeout: string;
  readonly json?: boolean;
  readonly xml?: boolean;
}

const HELP = `
Steps, in order: ${DISCOVERY_STEPS.join(', ')}.
The password comes from --password-file, from ${PASSWORD_VARIABLE}, or is asked for when a server wants it. It is sent over verified
TLS only, and only to hosts of the mail domain, to the server you named, and to what you consent to (asked, or --trust).

Exit codes: 0 found; 1 not found or failed; 2 wrong usage.`;

export function queryCommand(io: CommandIo, deps: QueryDeps = {}): Command {
  return new Command('query')
    .description('ask as a client does, and show what it would get and by which step')
    .argument('<address>', 'the e-mail address to find the settings of')
    .option('--server <url>', 'ask this server only, instead of searching')
    .option('--ca <file>', 'trust the certificates in this PEM file instead of the public ones')
    .option('--protocol <name>', 'pox (autodiscover.xml) or soap (autodiscover.svc)', 'pox')
    .option('--user <name>', 'log on as this user; the address when not given')
    .option('--password-file <file>', 'read the password from the first line of this file')
    .option('--kerberos', 'log on by Negotiate with your own Kerberos ticket')
    .option(
      '--trust <name>',
      'a host or domain outside the mail domain that may be told the password; repeatable',
      collect,
    )
    .option('--exclude <step>', 'leave out this step; repeatable', collect)
    .option('--config <file>', 'look up published SCPs in the directory of this configuration')
    .option('--site <name>', 'with --config: the Active Directory site to search as')
    .option('--local-file <file>', 'a stored answer or redirection, as Outlook takes from its local XML')
    .option('--prefer-local-file', 'try the local file first')
    .option(
      '--connect-to <host:port:target:port>',
      'connect elsewhere for a host, as curl does, to test before DNS is changed; repeatable',
      collect,
    )
    .option('--timeout <seconds>', 'for each request', '20')
    .option('--json', 'print result and steps as JSON')
    .option('--xml', 'print the raw answer; steps go to standard error')
    .addHelpText('after', HELP)
    .action((address: string, flags: QueryFlags) => query(address, flags, io, deps));
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

async function query(address: string, flags: QueryFlags, io: CommandIo, deps: QueryDeps): Promise<void> {
  const request = requestOf(address, flags);
  // Machines read standard output, so people are told on standard error then.
  const talk = flags.json || flags.xml ? io.stderr : io.stdout;
  const discovery = await discover(request, depsOf(request, flags, io, deps, talk));
  print(discovery, flags, io, talk);
  io.setExitCode(discovery.result.outcome === 'found' ? 0 : 1);
}

function print(discovery: Discovery, flags: QueryFlags, io: CommandIo, talk: CommandIo['stdout']): void {
  const { result } = discovery;
  if (flags.json) {
    io.stdout.write(`${JSON.stringify(discoveryJson(discovery), undefined, 2)}\n`);
    return;
  }
  if (flags.xml && result.outcome !== 'not-found') io.stdout.write(Buffer.from(result.source.body));
  talk.write(`\n${resultText(discovery)}\n`);
  if (!flags.xml && result.outcome === 'found') talk.write(`${settingsTable(result)}\n`);
}

function usage(message: string): AutodiscoverError {
  return new AutodiscoverError('configuration', `query: ${message}`);
}

function requestOf(address: string, flags: QueryFlags): DiscoveryRequest {
  const normal = normalizeAddress(address);
  if ('reason' in normal) throw usage(`${JSON.stringify(address)}: ${normal.reason}`);
  if (flags.json && flags.xml) throw usage('give either --json or --xml');
  const contradiction = contradictionIn(flags);
  if (contradiction !== undefined) throw usage(contradiction);
  const dialect = flags.protocol as Dialect;
  if (dialect !== 'pox' && dialect !== 'soap')
    throw usage(`--protocol must be pox or soap, not ${JSON.stringify(flags.protocol)}`);
  const exclude = flags.exclude ?? [];
  const unknown = exclude.find((step) => !DISCOVERY_STEPS.includes(step as DiscoveryStep));
  if (unknown !== undefined)
    throw usage(`--exclude: ${JSON.stringify(unknown)} is none of ${DISCOVERY_STEPS.join(', ')}`);
  const server = flags.server === undefined ? undefined : parseServerUrl(flags.server, dialect);
  if (flags.server !== undefined && server === undefined) {
    throw usage(`--server must be an https URL without a user name, not ${JSON.stringify(flags.server)}`);
  }
  return {
    address: normal.address,
    dialect,
    exclude: exclude as readonly DiscoveryStep[],
    ...(server && { server }),
    ...(flags.localFile !== undefined && { localFile: flags.localFile }),
    ...(flags.preferLocalFile && { preferLocalFile: true }),
  };
}

/** Flags of which one would have no effect beside the other. */
function contradictionIn(flags: QueryFlags): string | undefined {
  if (flags.user === '') return '--user is empty';
  if (flags.preferLocalFile && flags.localFile === undefined) return '--prefer-local-file needs --local-file';
  const ofSearch = (['exclude', 'localFile', 'config'] as const).filter((name) => flags[name] !== undefined);
  if (flags.server !== undefined && ofSearch.length > 0) {
    const names = ofSearch.map((name) => `--${name.replace(/[A-Z]/, (letter) => `-${letter.toLowerCase()}`)}`);
    return `--server asks one server and searches nothing: leave out ${names.join(' and ')}`;
  }
  return undefined;
}

function depsOf(
  request: DiscoveryRequest,
  flags: QueryFlags,
  io: CommandIo,
  deps: QueryDeps,
  talk: CommandIo['stdout'],
): DiscoveryDeps {
  const user = flags.user ?? request.address;
  // The clock stands still while a person is asked: the times shown are those of the network.
  let waited = 0;
  const waiting = async <T>(answer: Promise<T>): Promise<T> => {
    const from = performance.now();
    return answer.finally(() => {
      waited += performance.now() - from;
    });
  };
  const password = passwordSource(io, 'query', user, flags.passwordFile);
  const authenticators = flags.kerberos
    ? [(deps.negotiate ?? negotiateAuthenticator)()]
    : [basicAuthenticator(user, (url) => waiting(password(url)))];
  const connectTo = connectToOf(flags.connectTo ?? []);
  const trusted = (flags.trust ?? []).map(trustedName);
  const lookupScp = deps.lookupScp ?? configuredScps(flags, io);
  return {
    http: createHttpClient({
      timeoutMs: timeoutOf(flags.timeout),
      ...(flags.ca !== undefined && { ca: readCa(flags.ca) }),
      ...(connectTo && { connectTo }),
      ...deps.http,
    }),
    authenticators,
    resolveSrv: deps.resolveSrv ?? resolveSrvRecords,
    ...(lookupScp && { lookupScp }),
    readFile,
    askConsent: async ({ name, kind, from }) => {
      if (trusted.some((domain) => isWithinDomain(name, domain))) return true;
      const what = kind === 'domain' ? `the mail domain ${name}` : `the host ${name}`;
      if (!canAsk(io)) {
        io.stderr.write(
          `${printable(`${from} leads to ${what}, outside the mail domain; to follow it, give --trust ${name}`)}\n`,
        );
        return false;
      }
      return waiting(
        askConfirmation(
          io,
          printable(`${from} leads to ${what}, outside the mail domain. Go there, with your credentials?`),
        ),
      );
    },
    clock: () => performance.now() - waited,
    onStep: (entry) => void talk.write(`${stepLine(entry)}\n`),
  };
}

function configuredScps({ config, site }: QueryFlags, io: CommandIo): DiscoveryDeps['lookupScp'] {
  if (config !== undefined)
    return directoryScpLookup(settingsOf(readConfig(config)), site, createLogger('warn', io.stderr));
  if (site !== undefined) throw usage('--site needs --config');
  return undefined;
}

function timeoutOf(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 600))
    throw usage(`--timeout must be a number of seconds up to 600, not ${JSON.stringify(text)}`);
  return seconds * 1000;
}

function readCa(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new AutodiscoverError('configuration', `query: reading --ca ${file}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----')) {
    throw new AutodiscoverError('configuration', `query: --ca ${file} holds no PEM certificate`);
  }
  return text;
}

/** As hosts stand in URLs: in A-labels and small letters, IPv6 addresses in brackets and shortened. Undefined for what is none. */
function hostOf(text: string): string | undefined {
  const url = URL.parse(`https://${isIP(text) === 6 ? `[${text}]` : text}/`);
  return url?.href === `https://${url?.hostname}/` && !/[/?#\\]/.test(text)
    ? url.hostname.replace(/\.$/, '')
    : undefined;
}

function trustedName(text: string): string {
  const host = hostOf(text);
  if (host === undefined) throw usage(`--trust ${JSON.stringify(text)} is no host or domain`);
  return host;
}

/** `host:port:target:port`, host and target in brackets when they are IPv6 addresses. */
const CONNECT_TO = /^(?<host>\[[^\]]+\]|[^:]+):(?<port>\d{1,5}):(?<target>\[[^\]]+\]|[^:]+):(?<targetPort>\d{1,5})$/;

function connectToOf(rules: readonly string[]): HttpClientOptions['connectTo'] {
  const table = new Map<string, { host: string; port: number }>();
  for (const rule of rules) {
    const parts = CONNECT_TO.exec(rule)?.groups;
    if (parts === undefined) throw usage(`--connect-to must be HOST:PORT:TARGET:PORT, not ${JSON.stringify(rule)}`);
    const [from, to] = [Number(parts.port), Number(parts.targetPort)];
    if (from > 65_535 || to > 65_535) throw usage(`--connect-to ${rule}: the port is above 65535`);
    const host = hostOf(parts.host ?? '');
    if (host === undefined) throw usage(`--connect-to ${rule}: ${JSON.stringify(parts.host)} is no host`);
    table.set(`${bare(host)}:${from}`, { host: bare(parts.target), port: to });
  }
  return table.size === 0 ? undefined : (host, port) => table.get(`${host.toLowerCase()}:${port}`) ?? { host, port };
}

/** Without the brackets of an IPv6 address. */
function bare(host = ''): string {
  return host.replace(/^\[|\]$/g, '');
}
