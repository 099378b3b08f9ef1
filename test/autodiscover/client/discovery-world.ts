import { type Authenticator, basicAuthenticator } from '../../../src/autodiscover/client/authenticate.ts';
import {
  type DiscoveryDeps,
  type DiscoveryRequest,
  discover,
  type SrvRecord,
} from '../../../src/autodiscover/client/discover.ts';
import type { Discovery } from '../../../src/autodiscover/client/discovery.ts';
import type { HttpClientOptions } from '../../../src/autodiscover/client/http-client.ts';
import type { ScpLookup } from '../../../src/autodiscover/client/scp-lookup.ts';
import { FakeNetwork, type Handler, type HostOptions, type SeenRequest } from './fake-network.ts';
import { PASSWORD, poxSettings, service } from './fake-service.ts';

export interface World {
  /** `https://name` or `http://name` to what answers there. */
  readonly hosts?: Readonly<Record<string, Handler>>;
  readonly certificates?: Readonly<Record<string, HostOptions>>;
  readonly srv?: Readonly<Record<string, readonly Partial<SrvRecord>[]>>;
  readonly scp?: ScpLookup;
  readonly files?: Readonly<Record<string, string>>;
  /** Names consented to when asked; what was asked is in `asked`. */
  readonly consent?: readonly string[];
  readonly request?: Partial<DiscoveryRequest>;
  readonly http?: Partial<HttpClientOptions>;
  readonly password?: string;
  readonly authenticators?: readonly Authenticator[];
}

/** A discovery, what the servers saw of it, and what consent was asked for. */
export type Outcome = Discovery & { readonly seen: readonly SeenRequest[]; readonly asked: readonly string[] };

/** Builds the network, runs a discovery in it, and takes the network down again. */
export async function run(world: World): Promise<Outcome> {
  const network = new FakeNetwork();
  const asked: string[] = [];
  try {
    for (const [origin, handler] of Object.entries(world.hosts ?? {})) {
      const { protocol, hostname } = new URL(origin);
      if (protocol === 'http:') await network.http(hostname, handler);
      else await network.https(hostname, handler, world.certificates?.[hostname]);
    }
    const deps: DiscoveryDeps = {
      http: network.client(world.http),
      authenticators: world.authenticators ?? [
        basicAuthenticator('alice@contoso.test', async () => world.password ?? PASSWORD),
      ],
      resolveSrv: async (name) => {
        const records = world.srv?.[name];
        if (records === undefined) throw Object.assign(new Error('no record'), { code: 'ENOTFOUND' });
        return records.map((srv) => ({ name: '', port: 443, priority: 0, weight: 0, ...srv }));
      },
      ...(world.scp && { lookupScp: world.scp }),
      readFile: async (path) => {
        const text = world.files?.[path];
        if (text === undefined) throw new Error(`ENOENT: ${path}`);
        return Buffer.from(text);
      },
      askConsent: async ({ name }) => {
        asked.push(name);
        return world.consent?.includes(name) ?? false;
      },
      clock: () => performance.now(),
    };
    const found = await discover({ address: 'alice@contoso.test', dialect: 'pox', ...world.request }, deps);
    return { ...found, seen: network.seen, asked };
  } finally {
    await network.close();
  }
}

export function steps(outcome: Outcome): string[] {
  return outcome.trace.map((entry) => `${entry.step}: ${entry.outcome}`);
}

/** Hosts that were sent credentials. */
export function told(outcome: Outcome): string[] {
  return [...new Set(outcome.seen.filter((r) => r.authorization !== undefined).map((r) => r.host))].sort();
}

export const PATH = '/autodiscover/autodiscover.xml';
export const OK = service(poxSettings());
export const SCP =
  (url: string): ScpLookup =>
  async () => ({
    urls: [{ url, sites: [], distinguishedName: 'CN=cas1,CN=Autodiscover' }],
    pointers: [],
    site: undefined,
  });
