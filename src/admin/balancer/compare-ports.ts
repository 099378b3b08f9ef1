// Whether the members' RPC ports are what a load balancer is told. Pure.

import { interfaceFault, type RpcProbe } from '../probe/rpc-probe.ts';

export interface PortWish {
  readonly rpcPort: number;
  readonly addressBookPort: number;
}

/** Ports the members agree on, or why there are none. A port may be dynamic: that it is static cannot be seen from outside. */
export type AgreedPorts = PortWish | { readonly reason: string };

export function agreedPorts(members: readonly RpcProbe[]): AgreedPorts {
  const wishes = members.map((member) => ({ host: member.host, ports: portsOf(member) }));
  const silent = wishes.filter(({ ports }) => 'reason' in ports);
  if (members.length === 0) return { reason: 'the array has no members' };
  if (silent.length > 0)
    return { reason: silent.map(({ host, ports }) => `${host}: ${(ports as { reason: string }).reason}`).join('; ') };
  const known = wishes as { host: string; ports: PortWish }[];
  const spelled = known.map(
    ({ host, ports }) => `${host}: RPC ${ports.rpcPort}, address book ${ports.addressBookPort}`,
  );
  const [first] = known;
  const same = known.every(
    ({ ports }) => ports.rpcPort === first?.ports.rpcPort && ports.addressBookPort === first.ports.addressBookPort,
  );
  if (same && first) return first.ports;
  return { reason: `the members have different ports: ${spelled.join('; ')}` };
}

function portsOf(member: RpcProbe): AgreedPorts {
  if (member.addresses.length === 0) return { reason: 'the name does not resolve' };
  const faults = member.interfaces.flatMap((found) => interfaceFault(found) ?? []);
  if (faults.length > 0) return { reason: faults.join(', ') };
  const port = (name: string) => member.interfaces.find((found) => found.name === name)?.ports[0] ?? 0;
  if (port('NSPI') !== port('RFR'))
    return { reason: `NSPI on ${port('NSPI')}, RFR on ${port('RFR')}: they share one service and port` };
  return { rpcPort: port('EMSMDB'), addressBookPort: port('NSPI') };
}

/** One line per host: whether its ports are the wanted ones. */
export interface PortComparison {
  readonly host: string;
  readonly ok: boolean;
  readonly detail: string;
}

export function comparePorts(hosts: readonly RpcProbe[], wanted: PortWish): readonly PortComparison[] {
  return hosts.map((host) => {
    const ports = portsOf(host);
    if ('reason' in ports) return { host: host.host, ok: false, detail: ports.reason };
    const ok = ports.rpcPort === wanted.rpcPort && ports.addressBookPort === wanted.addressBookPort;
    const found = `RPC ${ports.rpcPort}, address book ${ports.addressBookPort}`;
    return {
      host: host.host,
      ok,
      detail: ok ? found : `${found}; wanted RPC ${wanted.rpcPort}, address book ${wanted.addressBookPort}`,
    };
  });
}
