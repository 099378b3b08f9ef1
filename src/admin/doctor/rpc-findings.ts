// Arrays and their members as the network shows them: names, addresses, endpoint mapper, ports. Pure; the probes are handed in.

import { rpcClientAccessServers } from '../../autodiscover/settings/rpc-endpoint.ts';
import type { ClientAccessArray, ExchangeServer } from '../../ldap/exchange-organization.ts';
import type { OrganizationIndex } from '../../ldap/organization-index.ts';
import { interfaceFault, type RpcProbe } from '../probe/rpc-probe.ts';
import { command, type Finding, finding } from './finding.ts';

/** Names to be probed: every array and every Exchange 2010 Client Access server. */
export function rpcHosts(index: OrganizationIndex): readonly string[] {
  const { arrays, servers } = index.organization;
  const names = [...arrays, ...rpcClientAccessServers(servers)].flatMap(({ fqdn }) => fqdn?.toLowerCase() ?? []);
  return [...new Set(names)];
}

/** `probes` by lower-case name. */
export function rpcFindings(index: OrganizationIndex, probes: ReadonlyMap<string, RpcProbe>): readonly Finding[] {
  const { arrays, servers } = index.organization;
  const probeOf = (fqdn: string | undefined) => (fqdn === undefined ? undefined : probes.get(fqdn.toLowerCase()));
  return [
    ...arrays.flatMap((array) => hostFindings(array, probeOf(array.fqdn))),
    ...rpcClientAccessServers(servers).flatMap((server) => hostFindings(server, probeOf(server.fqdn))),
    ...arrays.flatMap((array) => memberFindings(array, index, probeOf)),
    ...sharedAddresses(arrays, probeOf),
  ];
}

function hostFindings(host: ClientAccessArray | ExchangeServer, probe: RpcProbe | undefined): readonly Finding[] {
  if (probe === undefined) return [];
  const object = host.distinguishedName;
  if (probe.addresses.length === 0) {
    return [
      finding('name-unresolved', {
        object,
        what: `${probe.host} does not resolve`,
        why:
          host.kind === 'array'
            ? 'no Outlook of its databases can connect'
            : 'the load balancer and Exchange itself do not find the server',
        remedy: `add ${probe.host} to the DNS, inside only, with the address of ${host.kind === 'array' ? 'the load balancer' : 'the server'}`,
      }),
    ];
  }
  const faults = probe.interfaces.flatMap((found) => interfaceFault(found) ?? []);
  if (faults.length === 0) return [];
  return [
    finding('endpoint-mapper', {
      object,
      what: `${probe.host}: ${[...new Set(faults)].join('; ')}`,
      why: 'Outlook asks the endpoint mapper first and cannot connect without its answer',
      remedy:
        host.kind === 'array'
          ? `let the load balancer forward 135 and the RPC ports to the members: ${command('balancer', 'haproxy', '--array', probe.host)}`
          : `start MSExchangeRPC and MSExchangeAB on ${host.name}, and open 135 and their ports in the firewall`,
    }),
  ];
}

function memberFindings(
  array: ClientAccessArray,
  index: OrganizationIndex,
  probeOf: (fqdn: string | undefined) => RpcProbe | undefined,
): readonly Finding[] {
  const members = rpcClientAccessServers(index.serversIn(array.siteDn)).flatMap(({ fqdn }) => probeOf(fqdn) ?? []);
  const found: Finding[] = [];
  const spelled = members
    .filter(({ interfaces }) => interfaces.some(({ ports }) => ports.length > 0))
    .map(({ host, interfaces }) => ({
      host,
      ports: interfaces.map(({ name, ports }) => `${name} ${ports.join('+') || '-'}`).join(' '),
    }));
  if (new Set(spelled.map(({ ports }) => ports)).size > 1) {
    found.push(
      finding('ports-differ', {
        object: array.distinguishedName,
        what: `the members of ${array.fqdn} have their services on different ports: ${spelled.map(({ host, ports }) => `${host}: ${ports}`).join('; ')}`,
        why: 'a load balancer that forwards fixed ports reaches only the members that listen on them',
        remedy: `set the same static ports on every member: ${command('balancer', 'ports')}`,
      }),
    );
  }
  const own = probeOf(array.fqdn)?.addresses ?? [];
  const same = members.find(({ addresses }) => own.length === 1 && addresses.includes(own[0] ?? ''));
  if (members.length > 1 && same !== undefined) {
    found.push(
      finding('array-address-is-member', {
        object: array.distinguishedName,
        what: `${array.fqdn} has the address of its member ${same.host} (${own[0]})`,
        why: `all clients go to ${same.host}: when it stops, the array stops, whatever the other members do`,
        remedy: `point ${array.fqdn} to a load balancer in front of the members: ${command('balancer', 'haproxy', '--array', array.fqdn ?? '')}`,
      }),
    );
  }
  return found;
}

function sharedAddresses(
  arrays: readonly ClientAccessArray[],
  probeOf: (fqdn: string | undefined) => RpcProbe | undefined,
): readonly Finding[] {
  const owners = new Map<string, ClientAccessArray[]>();
  for (const array of arrays) {
    for (const address of probeOf(array.fqdn)?.addresses ?? [])
      owners.set(address, [...(owners.get(address) ?? []), array]);
  }
  return [...owners].flatMap(([address, [first, ...others]]) =>
    others.map((array) =>
      finding('array-address-shared', {
        object: array.distinguishedName,
        what: `${array.fqdn} and ${first?.fqdn} have the same address ${address}`,
        why: 'the clients of two sites arrive at one place, and it cannot tell whose members they want',
        remedy: `give ${array.fqdn} an address of its own in the DNS`,
      }),
    ),
  );
}
