// A demo organisation with everything around it that the checks ask: its name table, web and endpoint-mapper stand-ins on loopback
// ports, and the real service in front of the embedded directory. Nothing leaves the machine.

import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { PassThrough } from 'node:stream';
import { EXCHANGE_INTERFACES } from '../../autodiscover/client/endpoint-mapper.ts';
import { startDemo } from '../../autodiscover/commands/demo.ts';
import { DEMO_PASSWORD, type DemoOrganization, readDemoFile } from '../../autodiscover/commands/demo-directory.ts';
import { type ServiceSettings, startService } from '../../autodiscover/commands/service.ts';
import { createLogger } from '../../autodiscover/log.ts';
import { rpcClientAccessServers } from '../../autodiscover/settings/rpc-endpoint.ts';
import type { Directory } from '../../ldap/directory.ts';
import type { ExchangeOrganization } from '../../ldap/exchange-organization.ts';
import { startEndpointMapper, startSilentService } from '../demo/endpoint-mapper-stand-in.ts';
import { parseNameTable } from '../demo/name-table.ts';
import { startWebStandIn } from '../demo/web-stand-in.ts';
import type { Endpoint, Network } from '../probe/network.ts';

export interface DemoWorld {
  readonly settings: ServiceSettings;
  readonly directory: Directory;
  readonly network: Network;
  readonly user: string;
  readonly password: string;
  close(): Promise<void>;
}

/** Static ports as an administrator would set them: RPC Client Access, and the address book with its referral service. */
const RPC_PORT = 59531;
const ADDRESS_BOOK_PORT = 59532;
/** Nothing listens there: the connection is refused, as by a host without the service. */
const NOWHERE: Endpoint = { host: '127.0.0.1', port: 1 };

/** Starts everything; on a failure what was started is stopped again. */
export async function startDemoWorld(
  organization: DemoOrganization,
  options: { readonly certs: string; readonly timeoutMs: number },
): Promise<DemoWorld> {
  const closes: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const end of closes.splice(0).reverse()) await end();
  };
  const opened = <T extends { close(): Promise<void> }>(thing: T): T => {
    closes.push(() => thing.close());
    return thing;
  };
  try {
    const table = parseNameTable(await readDemoFile(organization, 'names'));
    const demo = await startDemo({ organization, https: '127.0.0.1:0', http: '127.0.0.1:0', certs: options.certs });
    opened(demo.directory);
    const service = await startService(demo.settings, createLogger('silent', new PassThrough()));
    closes.push(() => service.stop());
    const { EMSMDB, RFR, NSPI } = EXCHANGE_INTERFACES;
    const [ca, certificate, key] = await Promise.all(
      [demo.caFile, demo.certificateFile, demo.keyFile].map((file) => readFile(file, 'utf8')),
    );
    const web = opened(await startWebStandIn(certificate ?? '', key ?? ''));
    const mapper = opened(
      await startEndpointMapper([
        { ...EMSMDB, port: RPC_PORT },
        { ...RFR, port: ADDRESS_BOOK_PORT },
        { ...NSPI, port: ADDRESS_BOOK_PORT },
      ]),
    );
    const emptyMapper = opened(await startEndpointMapper([]));
    const rpc = opened(await startSilentService());
    const local = (port: number): Endpoint => ({ host: '127.0.0.1', port });
    const { organization: known } = service.directory.organization();
    const endpoints = rpcEndpointNames(known);
    const mailboxServers = known.servers.flatMap(({ fqdn }) => fqdn?.toLowerCase() ?? []);
    const onPort = (names: readonly string[], port: number): Endpoint => {
      const is = (list: readonly string[]) => names.some((each) => list.includes(each));
      switch (port) {
        case 135:
          if (is(endpoints)) return local(mapper.port);
          return is(mailboxServers) ? local(emptyMapper.port) : NOWHERE;
        case RPC_PORT:
        case ADDRESS_BOOK_PORT:
          return is(endpoints) ? local(rpc.port) : NOWHERE;
        case 443:
          return local(names.some(isAutodiscover) ? portOf(service.httpsUrl) : web.httpsPort);
        case 80:
          return local(names.some(isAutodiscover) ? portOf(service.httpUrl) : web.httpPort);
        default:
          return NOWHERE;
      }
    };
    const route = (host: string, port: number): Endpoint => {
      const name = host.toLowerCase();
      const names = table.addressesOf(name).length > 0 ? [name] : table.namesOf(name);
      return names.length === 0 ? NOWHERE : onPort(names, port);
    };
    const network: Network = {
      addressesOf: async (name) => (isIP(name) === 0 ? table.addressesOf(name) : [name]),
      route,
      ca,
      timeoutMs: options.timeoutMs,
    };
    const user = demo.accounts[0]?.name ?? '';
    return { settings: demo.settings, directory: service.directory, network, user, password: DEMO_PASSWORD, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function isAutodiscover(name: string): boolean {
  return name.startsWith('autodiscover');
}

function portOf(url: string | undefined): number {
  return Number(URL.parse(url ?? '')?.port || 1);
}

/** Who answers for RPC in a demo: the arrays and the Client Access servers. */
function rpcEndpointNames({ arrays, servers }: ExchangeOrganization): readonly string[] {
  return [...arrays, ...rpcClientAccessServers(servers)].flatMap(({ fqdn }) => fqdn?.toLowerCase() ?? []);
}
