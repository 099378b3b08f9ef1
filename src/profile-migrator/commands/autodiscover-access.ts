// The project's Autodiscover client as the migrator uses it: an account's own answer, a saved answer, and the question whether an
// array answers at all.
import { readFile } from 'node:fs/promises';
import { basicAuthenticator } from '../../autodiscover/client/authenticate.ts';
import { parseServerUrl } from '../../autodiscover/client/candidates.ts';
import { type DiscoveryDeps, discover } from '../../autodiscover/client/discover.ts';
import { EMSMDB, type EndpointMapAnswer, mapEndpoint } from '../../autodiscover/client/endpoint-mapper.ts';
import { createHttpClient } from '../../autodiscover/client/http-client.ts';
import { negotiateAuthenticator } from '../../autodiscover/client/negotiate.ts';
import { PASSWORD_VARIABLE, passwordSource } from '../../autodiscover/client/password-source.ts';
import { readSavedResponse } from '../../autodiscover/client/saved-response.ts';
import { resolveSrvRecords } from '../../autodiscover/client/srv-records.ts';
import { isWithinDomain } from '../../autodiscover/client/trust.ts';
import type { UserSettings } from '../../autodiscover/settings/user-settings.ts';
import type { Config } from '../config.ts';
import { UsageError } from '../errors.ts';
import type { AutodiscoverOptions, Discover, DiscoverAnswer, DiscoveredServer, EndpointAnswer } from './deps.ts';

const REQUEST_TIMEOUT_MS = 20_000;
const ENDPOINT_TIMEOUT_MS = 3_000;

/** What a test may put in place of the network. */
export type NetworkDeps = Partial<Pick<DiscoveryDeps, 'http' | 'resolveSrv'>>;

/** Streams on which a password may be asked for. */
export interface Asking {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream;
}

/** @throws UsageError `option` for options that cannot be used. */
export async function openAutodiscover(
  options: AutodiscoverOptions,
  config: Pick<Config, 'autodiscoverPassword'>,
  asking: Asking,
  network: NetworkDeps = {},
): Promise<Discover> {
  const server = options.server === undefined ? undefined : parseServerUrl(options.server, 'pox');
  if (options.server !== undefined && !server) {
    throw new UsageError('option', `--autodiscover-server ${options.server} is no https URL`);
  }
  const ca = options.ca === undefined ? undefined : await readFile(options.ca, 'utf8').catch(cannotRead(options.ca));
  // node:tls passes over what is no PEM, and would trust nobody: certutil and the certificate snap-in export the binary form.
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new UsageError('option', `--ca ${options.ca} holds no PEM certificate (export it as Base-64)`);
  const deps: DiscoveryDeps = {
    http: createHttpClient({ timeoutMs: REQUEST_TIMEOUT_MS, ...(ca === undefined ? {} : { ca }) }),
    authenticators: [authenticatorOf(options, config, asking)],
    resolveSrv: resolveSrvRecords,
    readFile,
    askConsent: async ({ name }) => options.trust.some((trusted) => isWithinDomain(name, trusted)),
    clock: () => performance.now(),
    ...network,
  };
  return async (address): Promise<DiscoverAnswer> => {
    const { result } = await discover({ address, dialect: 'pox', ...(server ? { server } : {}) }, deps);
    switch (result.outcome) {
      case 'found': {
        const found = serverOf(result.settings);
        return found ? { kind: 'server', ...found } : { kind: 'none', detail: 'the answer names no RPC server' };
      }
      case 'redirect-address':
        return { kind: 'none', detail: `the server leads to the address ${result.address}` };
      case 'service-error':
        return { kind: 'none', detail: `error ${result.code}: ${result.message}` };
      case 'not-found':
        return { kind: 'none', detail: `${result.reason}: ${result.detail}` };
      default:
        return result satisfies never;
    }
  };
}

/** A saved answer, as `autodiscover query --xml` prints it. @throws UsageError `settings-file`. */
export async function readSettings(path: string): Promise<DiscoveredServer> {
  const fail = (problem: string, options?: ErrorOptions): never => {
    throw new UsageError('settings-file', `cannot use the saved Autodiscover answer ${path}: ${problem}`, options);
  };
  const body = await readFile(path).catch((cause: Error) => fail(cause.message, { cause }));
  const answer = readSavedResponse(body);
  if (answer.action === 'malformed') return fail(answer.detail);
  if (answer.action === 'error') return fail(`it is an error, ${answer.code}: ${answer.message}`);
  if (answer.action !== 'settings') return fail('it is a redirection, not an answer');
  return serverOf(answer.settings) ?? fail('it names no RPC server (Server of the EXCH block)');
}

/** Whether the RPC endpoint mapper of the host knows the mailbox store's interface. */
export async function checkEndpoint(host: string): Promise<EndpointAnswer> {
  const answer = await mapEndpoint({ host, ...EMSMDB, timeoutMs: ENDPOINT_TIMEOUT_MS });
  return { answers: answer.outcome === 'registered', detail: describeEndpoint(answer) };
}

function serverOf({ InternalRpcClientServer, InternalMailboxServerDN }: UserSettings): DiscoveredServer | undefined {
  if (!InternalRpcClientServer) return undefined;
  return { server: InternalRpcClientServer, serverDn: InternalMailboxServerDN || undefined };
}

/** By password when a user is named, else by the Kerberos ticket of whoever runs this. */
function authenticatorOf(
  { user, passwordFile }: AutodiscoverOptions,
  config: Pick<Config, 'autodiscoverPassword'>,
  asking: Asking,
) {
  if (user === undefined) return negotiateAuthenticator();
  const env = { [PASSWORD_VARIABLE]: config.autodiscoverPassword };
  try {
    return basicAuthenticator(user, passwordSource({ ...asking, env }, 'profile-migrator', user, passwordFile));
  } catch (cause) {
    throw new UsageError('option', (cause as Error).message, { cause });
  }
}

function cannotRead(path: string) {
  return (cause: Error): never => {
    throw new UsageError('option', `cannot read ${path}: ${cause.message}`, { cause });
  };
}

function describeEndpoint(answer: EndpointMapAnswer): string {
  switch (answer.outcome) {
    case 'registered':
      return `registered on ${answer.endpoints.length} endpoint(s)`;
    case 'not-registered':
      return "its endpoint mapper does not know Exchange's mailbox store";
    case 'rejected':
    case 'garbage':
      return answer.detail;
    case 'unreachable':
      return `${answer.reason}: ${answer.detail}`;
    case 'timeout':
      return `no answer within ${ENDPOINT_TIMEOUT_MS / 1000} s (${answer.phase})`;
    default:
      return answer satisfies never;
  }
}
