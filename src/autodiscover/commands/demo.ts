// The demo: the embedded directory over an organisation of demo/ on a loopback port, a lab certificate, and the same service as in
// production in front of them.

import { hostname } from 'node:os';
import { join } from 'node:path';
import type { EmbeddedDirectory } from '../../ldap/embedded/server.ts';
import { type LdifRecord, text, texts } from '../../ldap/ldif.ts';
import { splitHostPort } from '../server/listen.ts';
import { type DemoOrganization, demoSettings, startDemoDirectory } from './demo-directory.ts';
import type { ServiceSettings } from './service.ts';

export { DEMO_PASSWORD } from './demo-directory.ts';

export interface DemoOptions {
  /** `contoso` when not given. */
  readonly organization?: DemoOrganization;
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
  /** PEM files of the certificate that covers every web name of the organisation, and of its key. */
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Accounts that may log on: name, and what stands out about their mailbox. */
  readonly accounts: readonly { readonly name: string; readonly database: string | undefined }[];
}

/** Starts the embedded directory and makes the lab certificate. The caller closes the directory; when this fails it is closed. */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const { organization = 'contoso' } = options;
  const { server, entries } = await startDemoDirectory(organization);
  try {
    const files = await demoCertificate(options, organization, entries);
    const listen = { https: options.https, http: options.http };
    const settings = demoSettings(server, { listen, ...files }, organization);
    return { settings, directory: server, ...files, accounts: entries.flatMap(accountOf) };
  } catch (error) {
    await server.close();
    throw error;
  }
}

async function demoCertificate(options: DemoOptions, organization: DemoOrganization, entries: readonly LdifRecord[]) {
  const domain = `${organization}.test`;
  const names = [`autodiscover.${domain}`, `autodiscover.${organization}-sales.test`, domain, ...webHosts(entries)];
  // Each organisation has its own folder, so that neither makes the other's certificate anew.
  const folder = organization === 'contoso' ? options.certs : join(options.certs, organization);
  // With it comes node-forge, which a service without a demo mostly has no use for.
  const { labCertificate } = await import('../tls/lab-certificate.ts');
  const { caFile, certificateFile, keyFile } = await labCertificate(folder, [
    ...new Set([...names, 'localhost', '127.0.0.1', '::1', hostname(), ...listenHosts(options)]),
  ]);
  return { caFile, certificateFile, keyFile };
}

/** Where it can be asked beside this machine's own names. */
function listenHosts({ https, http }: DemoOptions): string[] {
  return [https, http].map((one) => splitHostPort(one).host).filter((host) => host !== '0.0.0.0' && host !== '::');
}

/** The hosts of every URL that the organisation publishes. */
function webHosts(entries: readonly LdifRecord[]): string[] {
  const attributes = ['msExchInternalHostName', 'msExchExternalHostName', 'serviceBindingInformation'];
  const urls = entries.flatMap((entry) => attributes.flatMap((name) => texts(entry, name)));
  return urls.flatMap((url) => URL.parse(url)?.hostname || []);
}

function accountOf(record: LdifRecord): { name: string; database: string | undefined }[] {
  const name = text(record, 'userPrincipalName');
  const mayLogOn = texts(record, 'userPassword').length > 0 && text(record, 'userAccountControl') === '512';
  if (!name || !mayLogOn || name.startsWith('svc-')) return [];
  return [{ name, database: /^CN=([^,]+)/i.exec(text(record, 'homeMDB') ?? '')?.[1] }];
}
