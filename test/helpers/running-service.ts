// The whole service over the demo organisation, as a test wants it: configuration overridden, records of the directory changed, log
// lines kept. Real sockets, TLS and LDAP on the loopback.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningService, startService } from '../../src/autodiscover/commands/service.ts';
import { configSchema } from '../../src/autodiscover/config-schema.ts';
import { createLogger } from '../../src/autodiscover/log.ts';
import { labCertificate } from '../../src/autodiscover/tls/lab-certificate.ts';
import { type EmbeddedDirectory, startEmbeddedDirectory } from '../../src/ldap/embedded/server.ts';
import { type LdifRecord, parseLdif } from '../../src/ldap/ldif.ts';

export const PASSWORD = 'Demo-Passw0rd!';
const LDIF = readFileSync(new URL('../../demo/contoso.ldif', import.meta.url), 'utf8');
const READER = 'CN=svc-autodiscover,OU=Service Accounts,DC=contoso,DC=test';

export interface TestService {
  readonly service: RunningService;
  readonly directory: EmbeddedDirectory;
  readonly port: number;
  /** PEM of the CA that signed the service's certificate for 127.0.0.1 and localhost. */
  readonly ca: string;
  /** Each log line as an object, in order. */
  readonly log: Record<string, unknown>[];
  /** The same lines as they are written. */
  readonly lines: string[];
  stop(): Promise<void>;
}

export interface TestServiceOptions {
  readonly authentication?: object;
  readonly limits?: object;
  readonly listen?: object;
  readonly requests?: boolean;
  /** Attributes set on entries, by DN: `{ 'DC=contoso,DC=test': { lockoutThreshold: '5' } }`. */
  readonly entries?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export async function startTestService(options: TestServiceOptions = {}): Promise<TestService> {
  const folder = mkdtempSync(join(tmpdir(), 'autodiscover-service-'));
  const { caFile, certificateFile, keyFile } = await labCertificate(folder, ['127.0.0.1', 'localhost']);
  const directory = await startEmbeddedDirectory({
    entries: parseLdif(LDIF).map((record) => changed(record, options.entries?.[record.dn] ?? {})),
    access: { readers: [READER] },
  });
  const config = configSchema.parse({
    directory: { servers: [directory.url], bindDn: READER, passwordFile: 'unused', allowPlainText: true },
    listen: { https: '127.0.0.1:0', ...options.listen },
    publicUrl: 'https://autodiscover.contoso.test',
    tls: { certificates: [{ certificateFile, keyFile }] },
    authentication: options.authentication ?? {},
    limits: options.limits ?? {},
    log: { level: 'debug', requests: options.requests ?? false },
  });
  const lines: string[] = [];
  const log: Record<string, unknown>[] = [];
  const write = (line: string) => {
    lines.push(line);
    log.push(JSON.parse(line));
  };
  const settings = { config, ca: undefined, readPassword: async () => PASSWORD };
  const service = await startService(settings, createLogger('debug', { write }));
  return {
    service,
    directory,
    port: Number(new URL(service.httpsUrl).port),
    ca: readFileSync(caFile, 'utf8'),
    log,
    lines,
    stop: async () => {
      await service.stop();
      await directory.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function changed(record: LdifRecord, values: Readonly<Record<string, string>>): LdifRecord {
  const names = Object.keys(values).map((name) => name.toLowerCase());
  const kept = record.attributes.filter(({ name }) => !names.includes(name.toLowerCase()));
  const added = Object.entries(values).map(([name, value]) => ({ name, values: [Buffer.from(value)] }));
  return { ...record, attributes: [...kept, ...added] };
}

export const basic = (name: string, password: string): string =>
  `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;

/** A POX request for an address, in Outlook's schema. */
export const poxBody = (address: string): string =>
  '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>' +
  `<EMailAddress>${address}</EMailAddress><AcceptableResponseSchema>` +
  'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>';
