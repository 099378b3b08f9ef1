// What Outlook needs of an RPC endpoint, asked of one host: its name resolves, its endpoint mapper names a port for EMSMDB, RFR and
// NSPI, and each of these ports accepts connections.

import {
  ENDPOINT_MAPPER_PORT,
  type EndpointMapAnswer,
  EXCHANGE_INTERFACES,
  mapEndpoint,
} from '../../autodiscover/client/endpoint-mapper.ts';
import type { Network } from './network.ts';
import { probePort, type TcpProbe } from './tcp-probe.ts';

export type ExchangeInterface = keyof typeof EXCHANGE_INTERFACES;
const EXCHANGE_INTERFACE_NAMES = Object.keys(EXCHANGE_INTERFACES) as readonly ExchangeInterface[];

/** One interface on one host. `ports` are those the mapper names, ascending; `connects` is the try of the first of them. */
export interface InterfaceProbe {
  readonly name: ExchangeInterface;
  readonly answer: EndpointMapAnswer;
  readonly ports: readonly number[];
  readonly connects: TcpProbe | undefined;
}

export interface RpcProbe {
  readonly host: string;
  readonly addresses: readonly string[];
  /** Empty when the name does not resolve. */
  readonly interfaces: readonly InterfaceProbe[];
}

/** Asks the endpoint mapper for the three interfaces at once. Never rejects. */
export async function probeRpc(network: Network, host: string): Promise<RpcProbe> {
  const addresses = await network.addressesOf(host);
  if (addresses.length === 0) return { host, addresses, interfaces: [] };
  const interfaces = await Promise.all(EXCHANGE_INTERFACE_NAMES.map((name) => probeInterface(network, host, name)));
  return { host, addresses, interfaces };
}

async function probeInterface(network: Network, host: string, name: ExchangeInterface): Promise<InterfaceProbe> {
  const answer = await mapEndpoint({
    ...EXCHANGE_INTERFACES[name],
    ...network.route(host, ENDPOINT_MAPPER_PORT),
    timeoutMs: network.timeoutMs,
  });
  const ports = answer.outcome === 'registered' ? answer.endpoints.map(({ port }) => port).sort((a, b) => a - b) : [];
  const [first] = ports;
  // The towers' own addresses are not used: a load balancer's clients connect to the name they were given.
  const connects = first === undefined ? undefined : await probePort(network, host, first);
  return { name, answer, ports, connects };
}

/** Why an interface cannot be used, in words; undefined when it can. */
export function interfaceFault({ name, answer, ports, connects }: InterfaceProbe): string | undefined {
  switch (answer.outcome) {
    case 'registered':
      if (connects?.outcome === 'connected') return undefined;
      return `${name} is registered on port ${ports[0]}, but ${connects?.detail ?? 'it was not tried'}`;
    case 'not-registered':
      return `the endpoint mapper answers, but knows no ${name}`;
    case 'timeout':
      return `the endpoint mapper on port ${ENDPOINT_MAPPER_PORT} did not answer in time (${answer.phase})`;
    case 'unreachable':
      return `the endpoint mapper on port ${ENDPOINT_MAPPER_PORT} cannot be reached: ${answer.reason}`;
    case 'rejected':
    case 'garbage':
      return `port ${ENDPOINT_MAPPER_PORT} answers, but not as an endpoint mapper should: ${answer.detail}`;
  }
}
