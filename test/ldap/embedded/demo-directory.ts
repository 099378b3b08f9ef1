// The embedded directory over the demo organisation, and clients for it, closed when the test ends.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Client, type ClientOptions } from 'ldapts';
import {
  type EmbeddedDirectory,
  type EmbeddedDirectoryOptions,
  startEmbeddedDirectory,
} from '../../../src/ldap/embedded/server.ts';

export const DEMO_LDIF = readFileSync(join(import.meta.dirname, '../../../demo/contoso.ldif'), 'utf8');
export const PASSWORD = 'Demo-Passw0rd!';
export const DOMAIN = 'DC=contoso,DC=test';
export const CONFIGURATION = `CN=Configuration,${DOMAIN}`;
export const STAFF = `OU=Staff,${DOMAIN}`;
export const READER = `CN=svc-autodiscover,OU=Service Accounts,${DOMAIN}`;
export const WRITER = `CN=svc-exchadmin,OU=Service Accounts,${DOMAIN}`;
export const ADMIN_GROUP = `CN=Exchange Administrative Group (FYDIBOHF23SPDLT),CN=Administrative Groups,CN=Contoso,CN=Microsoft Exchange,CN=Services,${CONFIGURATION}`;
export const LEGACY_ADMIN_GROUP = '/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)';

export const RIGHTS = { readers: [READER], writers: [WRITER] };

/** A started directory; `t` closes it. */
export async function start(
  t: TestContext,
  options: Partial<EmbeddedDirectoryOptions> = {},
): Promise<EmbeddedDirectory> {
  const directory = await startEmbeddedDirectory({ entries: DEMO_LDIF, access: RIGHTS, ...options });
  t.after(() => directory.close());
  return directory;
}

/** A client, bound when a name is given; `t` unbinds it. */
export async function connect(
  t: TestContext,
  { url }: { url: string },
  name?: string,
  options: Partial<ClientOptions> = {},
): Promise<Client> {
  const client = new Client({ url, timeout: 10_000, connectTimeout: 10_000, ...options });
  t.after(() => client.unbind().catch(() => undefined));
  if (name !== undefined) await client.bind(name, PASSWORD);
  return client;
}

/** Directory and bound client in one. */
export async function bound(
  t: TestContext,
  name: string = READER,
  options: Partial<EmbeddedDirectoryOptions> = {},
): Promise<{ directory: EmbeddedDirectory; client: Client }> {
  const directory = await start(t, options);
  return { directory, client: await connect(t, directory, name) };
}

/** The result code an operation fails with; 0 when it succeeds. */
export async function codeOf(operation: Promise<unknown>): Promise<number> {
  try {
    await operation;
    return 0;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code === 'number') return code;
    throw error;
  }
}
