// The demo's domain controller: the embedded directory over an organisation of demo/ on a loopback port, in memory only.

import { readFile } from 'node:fs/promises';
import { type EmbeddedDirectory, startEmbeddedDirectory } from '../../ldap/embedded/server.ts';
import { type LdifRecord, parseLdif } from '../../ldap/ldif.ts';
import { type Config, configSchema } from '../config-schema.ts';
import type { ServiceSettings } from './service.ts';

export const DEMO_PASSWORD = 'Demo-Passw0rd!';

/** The organisations of demo/: the first has every fault a newcomer should see, the second has none. */
export const DEMO_ORGANIZATIONS = ['contoso', 'fabrikam'] as const;
export type DemoOrganization = (typeof DEMO_ORGANIZATIONS)[number];

const account = (name: string, organization: DemoOrganization) =>
  `CN=${name},OU=Service Accounts,DC=${organization},DC=test`;
/** The account that administrators' commands write with. */
export const DEMO_WRITER_ACCOUNT = account('svc-exchadmin', 'contoso');

/** A file of demo/, as text. */
export function readDemoFile(organization: DemoOrganization, kind: 'ldif' | 'names'): Promise<string> {
  return readFile(new URL(`../../../demo/${organization}.${kind}`, import.meta.url), 'utf8');
}

export interface DemoDirectory {
  readonly server: EmbeddedDirectory;
  readonly entries: readonly LdifRecord[];
}

/** Starts the demo's directory; every start begins with the file's content. The caller closes the server. */
export async function startDemoDirectory(organization: DemoOrganization = 'contoso'): Promise<DemoDirectory> {
  const entries = parseLdif(await readDemoFile(organization, 'ldif'));
  const server = await startEmbeddedDirectory({
    entries,
    access: {
      readers: [account('svc-autodiscover', organization)],
      writers: [account('svc-exchadmin', organization)],
      // Pointers to other forests stand beside the Exchange organisation.
      writeBelow: `CN=Services,CN=Configuration,DC=${organization},DC=test`,
    },
  });
  return { server, entries };
}

/** The demo's configuration over a started directory. */
export function demoSettings(
  server: EmbeddedDirectory,
  service: { readonly listen: Partial<Config['listen']>; readonly certificateFile: string; readonly keyFile: string },
  organization: DemoOrganization = 'contoso',
): ServiceSettings {
  const { listen, certificateFile, keyFile } = service;
  const config = configSchema.parse({
    directory: {
      servers: [server.url],
      bindDn: account('svc-autodiscover', organization),
      passwordFile: 'none',
      allowPlainText: true,
      refreshSeconds: 5,
    },
    listen,
    publicUrl: `https://autodiscover.${organization}.test`,
    tls: { certificates: [{ certificateFile, keyFile }] },
    // Nobody is locked out of the demo, and it has no password settings objects to be read.
    authentication: { failures: { lockoutThreshold: 0 } },
    answers: { domains: [`${organization}.test`, `${organization}-sales.test`] },
  });
  return { config, ca: undefined, readPassword: async () => DEMO_PASSWORD };
}
