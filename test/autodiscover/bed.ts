// The service without its listeners, for tests: createApp over a directory, with a fixed clock and a log that can be read.
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type RequestListener,
  type Server,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { logonGuard, type SharedAuthentication } from '../../src/autodiscover/commands/authentication.ts';
import { mailboxAccessOf, resolveOptionsOf } from '../../src/autodiscover/commands/service.ts';
import { configSchema } from '../../src/autodiscover/config-schema.ts';
import { createLogger } from '../../src/autodiscover/log.ts';
import { createApp } from '../../src/autodiscover/server/app.ts';
import { Authenticator } from '../../src/autodiscover/server/authentication/authenticator.ts';
import { basicScheme, type Judgement, recallCredential } from '../../src/autodiscover/server/authentication/basic.ts';
import { CredentialCache } from '../../src/autodiscover/server/authentication/credential-cache.ts';
import type { OwnMemory } from '../../src/autodiscover/workers/memory-sharing.ts';
import { type Directory, type DirectoryOptions, openDirectory } from '../../src/ldap/directory.ts';
import type { EmbeddedDirectory } from '../../src/ldap/embedded/server.ts';
import { type ControllerSettings, directoryOptions, PASSWORD, startController } from '../ldap/demo-organization.ts';

/** The clock of every answer. */
export const NOW = new Date('2026-03-04T05:06:07.089Z');
export const SERVER_ID = 1234567890;

/** Sections of the configuration file that a test changes. */
export interface ConfigOverrides {
  readonly answers?: {
    readonly externalSite?: string;
    readonly otherVersions?: Readonly<Record<string, string>>;
    readonly othersMailboxes?: 'allow' | 'deny';
    readonly mayAskForOthers?: readonly string[];
  };
  readonly authentication?: {
    readonly realm?: string;
    readonly cacheSeconds?: number;
    readonly rejectedCacheSeconds?: number;
    readonly failures?: { readonly perAddress?: number; readonly total?: number };
  };
  readonly limits?: { readonly requestBytes?: number };
}

/** One line of the log, as the service wrote it. */
export type LogLine = Readonly<Record<string, unknown>> & {
  readonly trace?: readonly { readonly level: string; readonly text: string }[];
};

export interface Bed {
  readonly app: RequestListener;
  readonly directory: Directory;
  readonly log: readonly LogLine[];
  /** Moves the clock of the credential cache and, on a bed with a controller, of what the directory remembers. */
  passTime(ms: number): void;
  /** For other workers. */
  readonly memory: OwnMemory;
}

/** What an app has in common with others, as workers have. */
export type BedParts = Partial<Pick<SharedAuthentication, 'credentialSecret' | 'elsewhere'>>;

/** An app over an open directory. */
export function bedOver(directory: Directory, overrides: ConfigOverrides = {}, parts: BedParts = {}): Bed {
  const config = configSchema.parse({
    directory: { servers: ['ldaps://unused.test'], bindDn: 'unused', passwordFile: 'unused' },
    publicUrl: 'https://autodiscover.contoso.test',
    tls: { certificates: [{ pfxFile: 'unused' }] },
    ...overrides,
  });
  const log: LogLine[] = [];
  let now = 0;
  const cache = new CredentialCache<Judgement>({
    acceptedMs: config.authentication.cacheSeconds * 1000,
    rejectedMs: config.authentication.rejectedCacheSeconds * 1000,
    outageMs: config.authentication.outageSeconds * 1000,
    maxEntries: 1000,
    now: () => now,
    secret: parts.credentialSecret,
  });
  const guard = logonGuard(config.authentication, config.limits, () => now);
  const app = createApp({
    directory,
    authenticator: new Authenticator([
      basicScheme({ directory, cache, guard, realm: config.authentication.realm, elsewhere: parts.elsewhere }),
    ]),
    resolveOptions: resolveOptionsOf(config),
    mailboxAccess: mailboxAccessOf(config, directory),
    publicUrl: config.publicUrl,
    domains: config.answers.domains,
    log: createLogger('debug', { write: (line) => void log.push(JSON.parse(line) as LogLine) }),
    clock: () => NOW,
    serverId: SERVER_ID,
    maxBodyBytes: config.limits.requestBytes,
    maxSnapshotAgeMs: 600_000,
  });
  return {
    app,
    directory,
    log,
    passTime: (ms) => {
      now += ms;
    },
    memory: {
      recall: (question) => directory.recall(question),
      recallCredential: (digest) => recallCredential(cache, digest),
      recallOrganization: () => ({ value: directory.organization().organization, ageMs: 0 }),
    },
  };
}

export interface DemoBed extends Bed {
  readonly controller: EmbeddedDirectory;
  close(): Promise<void>;
}

export type DemoBedSettings = ControllerSettings & {
  readonly config?: ConfigOverrides;
  readonly directory?: Partial<DirectoryOptions>;
  /** Options that need the controller's address. */
  readonly directoryFrom?: (controller: EmbeddedDirectory) => Partial<DirectoryOptions>;
};

/** An app over an embedded controller of its own. */
export async function openDemoBed(settings: DemoBedSettings = {}): Promise<DemoBed> {
  const { config, directory: options, directoryFrom, ...rest } = settings;
  const controller = await startController(rest);
  try {
    let passed = 0;
    const directory = await openDirectory(
      directoryOptions([controller], {
        now: () => performance.now() + passed,
        ...options,
        ...directoryFrom?.(controller),
      }),
    );
    const close = async () => {
      directory.close();
      await controller.close();
    };
    const bed = bedOver(directory, config);
    const passTime = (ms: number) => {
      passed += ms;
      bed.passTime(ms);
    };
    return { ...bed, passTime, controller, close };
  } catch (error) {
    await controller.close();
    throw error;
  }
}

const REQUEST_NAMESPACE = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006';
const RESPONSE_SCHEMAS = {
  outlook: 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a',
  mobilesync: 'http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006',
} as const;

const escapeXml = (text: string) => text.replace(/[<&>]/g, (c) => `&#${c.charCodeAt(0)};`);

/** A request body as Outlook (or a phone) writes it. */
export function poxBody(
  names: { readonly address?: string; readonly legacyDn?: string },
  schema: keyof typeof RESPONSE_SCHEMAS = 'outlook',
): string {
  const address = names.address === undefined ? '' : `<EMailAddress>${escapeXml(names.address)}</EMailAddress>`;
  const legacyDn = names.legacyDn === undefined ? '' : `<LegacyDN>${escapeXml(names.legacyDn)}</LegacyDN>`;
  return (
    `<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="${REQUEST_NAMESPACE}"><Request>${address}${legacyDn}` +
    `<AcceptableResponseSchema>${RESPONSE_SCHEMAS[schema]}</AcceptableResponseSchema></Request></Autodiscover>`
  );
}

/** The value of an Authorization header. */
export function basic(name: string, password: string = PASSWORD, encoding: BufferEncoding = 'utf8'): string {
  return `Basic ${Buffer.from(`${name}:${password}`, encoding).toString('base64')}`;
}

export const POX_PATH = '/autodiscover/autodiscover.xml';
export const XML_TYPE = 'text/xml; charset=utf-8';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A plain HTTP listener on a free loopback port, for requests that must be sent byte by byte as they are. */
export async function listenPlain(app: RequestListener): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server: Server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export interface Sending {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** Sends one request and reads the whole reply; nothing is added, followed or decoded. */
export function send(port: number, { method = 'POST', path = POX_PATH, headers = {}, body }: Sending): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: '127.0.0.1',
      port,
      method,
      path,
      headers: { connection: 'close', ...headers },
    });
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** The text of the first element of this name, as it stands in the document; undefined when there is none. */
export function elementText(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}(?: [^>]*)?>([^<]*)</${name}>`).exec(xml)?.[1];
}
