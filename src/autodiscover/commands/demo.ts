// The demo: the embedded directory over demo/contoso.ldif on a loopback port, a lab certificate, and the same service as in production
// in front of them.

import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedDirectory, startEmbeddedDirectory } from '../../ldap/embedded/server.ts';
import { type LdifRecord, parseLdif, text, texts } from '../../ldap/ldif.ts';
import { configSchema } from '../config-schema.ts';
import { labCertificate } from '../tls/lab-certificate.ts';
import type { ServiceSettings } from './service.ts';

export const DEMO_PASSWORD = 'Demo-Passw0rd!';
const DEMO_LDIF = new URL('../../../demo/contoso.ldif', import.meta.url);
const SERVICE_ACCOUNT = 'CN=svc-autodiscover,OU=Service Accounts,DC=contoso,DC=test';
const WRITER_ACCOUNT = 'CN=svc-exchadmin,OU=Service Accounts,DC=contoso,DC=test';
const DEMO_NAMES = [
  'autodiscover.contoso.test',
  'autodiscover.contoso-sales.test',
  'contoso.test',
  'mail.contoso.test',
  'localhost',
  '127.0.0.1',
  '::1',
];

export interface DemoOptions {
  readonly https: string;
  readonly http: string;
  /** Folder for the lab certificate, relative to the working directory. */
  readonly certs: string;
}

export interface Demo {
  readonly settings: ServiceSettings;
  readonly directory: EmbeddedDirectory;
  /** PEM file of the lab CA. */
  readonly caFile: string;
  /** Accounts that may log on: name, and what stands out about their mailbox. */
  readonly accounts: readonly { readonly name: string; readonly database: string | undefined }[];
}

/** Starts the embedded directory and makes the lab certificate. The caller closes the directory. */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const { caFile, certificateFile, keyFile } = await labCertificate(options.certs, [...DEMO_NAMES, hostname()]);
  const entries = parseLdif(await readFile(DEMO_LDIF, 'utf8'));
  const directory = await startEmbeddedDirectory({
    entries,
    access: { readers: [SERVICE_ACCOUNT], writers: [WRITER_ACCOUNT] },
  });
  const config = configSchema.parse({
    directory: {
      servers: [directory.url],
      bindDn: SERVICE_ACCOUNT,
      passwordFile: join(options.certs, 'none'),
      allowPlainText: true,
      refreshSeconds: 5,
    },
    listen: { https: options.https, http: options.http },
    publicUrl: 'https://autodiscover.contoso.test',
    tls: { certificates: [{ certificateFile, keyFile }] },
    answers: { domains: ['contoso.test', 'contoso-sales.test'] },
  });
  const settings = { config, ca: undefined, readPassword: async () => DEMO_PASSWORD };
  return { settings, directory, caFile, accounts: entries.flatMap(accountOf) };
}

function accountOf(record: LdifRecord): { name: string; database: string | undefined }[] {
  const name = text(record, 'userPrincipalName');
  const mayLogOn = texts(record, 'userPassword').length > 0 && text(record, 'userAccountControl') === '512';
  if (!name || !mayLogOn || name.startsWith('svc-')) return [];
  return [{ name, database: /^CN=([^,]+)/i.exec(text(record, 'homeMDB') ?? '')?.[1] }];
}
