// The demo's domain controller: the embedded directory over demo/contoso.ldif on a loopback port, in memory only.

import { readFile } from 'node:fs/promises';
import { type EmbeddedDirectory, startEmbeddedDirectory } from '../../ldap/embedded/server.ts';
import { type LdifRecord, parseLdif } from '../../ldap/ldif.ts';
import { type Config, configSchema } from '../config-schema.ts';
import type { ServiceSettings } from './service.ts';

export const DEMO_PASSWORD = 'Demo-Passw0rd!';
export const DEMO_SERVICE_ACCOUNT = 'CN=svc-autodiscover,OU=Service Accounts,DC=contoso,DC=test';
/** The account that administrators' commands write with. */
export const DEMO_WRITER_ACCOUNT = 'CN=svc-exchadmin,OU=Service Accounts,DC=contoso,DC=test';
const DEMO_LDIF = new URL('../../../demo/contoso.ldif', import.meta.url);

export interface DemoDirectory {
  readonly server: EmbeddedDirectory;
  readonly entries: readonly LdifRecord[];
}

/** Starts the demo's directory; every start begins with the file's content. The caller closes the server. */
export async function startDemoDirectory(): Promise<DemoDirectory> {
  const entries = parseLdif(await readFile(DEMO_LDIF, 'utf8'));
  const server = await startEmbeddedDirectory({
    entries,
    access: {
      readers: [DEMO_SERVICE_ACCOUNT],
      writers: [DEMO_WRITER_ACCOUNT],
      // Pointers to other forests stand beside the Exchange organisation.
      writeBelow: 'CN=Services,CN=Configuration,DC=contoso,DC=test',
    },
  });
  return { server, entries };
}

/** The demo's configuration over a started directory. */
export function demoSettings(
  server: EmbeddedDirectory,
  service: { readonly listen: Config['listen']; readonly certificateFile: string; readonly keyFile: string },
): ServiceSettings {
  const { listen, certificateFile, keyFile } = service;
  const config = configSchema.parse({
    directory: {
      servers: [server.url],
      bindDn: DEMO_SERVICE_ACCOUNT,
      passwordFile: 'none',
      allowPlainText: true,
      refreshSeconds: 5,
    },
    listen,
    publicUrl: 'https://autodiscover.contoso.test',
    tls: { certificates: [{ certificateFile, keyFile }] },
    answers: { domains: ['contoso.test', 'contoso-sales.test'] },
  });
  return { config, ca: undefined, readPassword: async () => DEMO_PASSWORD };
}
