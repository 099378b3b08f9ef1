// The demo: the embedded directory over demo/contoso.ldif on a loopback port, a lab certificate, and the same service as in production
// in front of them.

import { hostname } from 'node:os';
import type { EmbeddedDirectory } from '../../ldap/embedded/server.ts';
import { type LdifRecord, text, texts } from '../../ldap/ldif.ts';
import { labCertificate } from '../tls/lab-certificate.ts';
import { demoSettings, startDemoDirectory } from './demo-directory.ts';
import type { ServiceSettings } from './service.ts';

export { DEMO_PASSWORD } from './demo-directory.ts';

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
  const { server, entries } = await startDemoDirectory();
  const listen = { https: options.https, http: options.http };
  const settings = demoSettings(server, { listen, certificateFile, keyFile });
  return { settings, directory: server, caFile, accounts: entries.flatMap(accountOf) };
}

function accountOf(record: LdifRecord): { name: string; database: string | undefined }[] {
  const name = text(record, 'userPrincipalName');
  const mayLogOn = texts(record, 'userPassword').length > 0 && text(record, 'userAccountControl') === '512';
  if (!name || !mayLogOn || name.startsWith('svc-')) return [];
  return [{ name, database: /^CN=([^,]+)/i.exec(text(record, 'homeMDB') ?? '')?.[1] }];
}
