// A directory over given records and a network in which everything is well, to be spoilt by each test.
import type { ExamineDeps } from '../../../src/admin/doctor/examine.ts';
import type { RpcProbe } from '../../../src/admin/probe/rpc-probe.ts';
import type { HttpOutcome } from '../../../src/autodiscover/client/http-client.ts';
import { DEMO_PASSWORD } from '../../../src/autodiscover/commands/demo.ts';
import { type Directory, openDirectory } from '../../../src/ldap/directory.ts';
import { startEmbeddedDirectory } from '../../../src/ldap/embedded/server.ts';
import type { LdifRecord } from '../../../src/ldap/ldif.ts';

export const NOW = new Date('2026-06-01T00:00:00Z');
const SERVICE_ACCOUNT = 'CN=svc-autodiscover,OU=Service Accounts,DC=contoso,DC=test';

/** Opens a directory over the records, runs the task, and closes both. `further` are controllers behind it. */
export async function withDirectory<T>(
  records: readonly LdifRecord[],
  task: (directory: Directory) => Promise<T>,
  further: readonly string[] = [],
): Promise<T> {
  const embedded = await startEmbeddedDirectory({ entries: records, access: { readers: [SERVICE_ACCOUNT] } });
  try {
    const directory = await openDirectory({
      controllers: [embedded.url, ...further].map((url) => ({
        url,
        startTls: false,
        ca: undefined,
        tlsServerName: undefined,
        connectTimeoutMs: 2000,
        operationTimeoutMs: 5000,
      })),
      bindName: SERVICE_ACCOUNT,
      readPassword: async () => DEMO_PASSWORD,
      connections: 1,
      refreshIntervalMs: 60_000,
      searchBase: undefined,
    });
    try {
      return await task(directory);
    } finally {
      directory.close();
    }
  } finally {
    await embedded.close();
  }
}

/** A host whose interfaces answer on these ports. */
export function answering(
  host: string,
  rpc = 59531,
  book = 59532,
  addresses: readonly string[] = [addressOf(host)],
): RpcProbe {
  const on = (name: 'EMSMDB' | 'RFR' | 'NSPI', port: number) => ({
    name,
    answer: { outcome: 'registered', endpoints: [{ port, address: undefined }] } as const,
    ports: [port],
    connects: { outcome: 'connected' } as const,
  });
  return { host, addresses, interfaces: [on('EMSMDB', rpc), on('RFR', book), on('NSPI', book)] };
}

/** Some address of its own for each name. */
function addressOf(host: string): string {
  const sum = [...host].reduce((total, character) => (total * 31 + character.charCodeAt(0)) % 65_536, 7);
  return `10.9.${sum >> 8}.${sum & 255}`;
}

export function webAnswer(status = 401, validTo = 'Jun  1 00:00:00 2027 GMT'): HttpOutcome {
  const tls = { protocol: 'TLSv1.3', subject: 'x', names: 'DNS:x', issuer: 'ca', validTo };
  return { kind: 'answer', status, headers: {}, body: Buffer.alloc(0), remoteAddress: undefined, tls };
}

export const HEALTHY: ExamineDeps = {
  probeRpc: async (host) => answering(host),
  probeUrl: async () => webAnswer(),
  clock: () => NOW,
  concurrency: 4,
};

export const OPTIONS = {
  flags: ['--config', 'F'],
  skipRecipients: false,
  skipNetwork: false,
  account: SERVICE_ACCOUNT,
  service: { publicUrl: new URL('https://autodiscover.contoso.test'), negotiate: false, keytab: undefined },
} as const;
