// What the balancer commands are about: an array of the directory with its members, and the ports that they are given.

import { rpcClientAccessServers } from '../../autodiscover/settings/rpc-endpoint.ts';
import type { OrganizationIndex } from '../../ldap/organization-index.ts';
import type { PortWish } from '../balancer/compare-ports.ts';
import type { BalancerMember } from '../balancer/haproxy-config.ts';
import { usage } from './check-world.ts';

export interface PortFlags {
  readonly rpcPort?: string;
  readonly addressBookPort?: string;
}

/** The ports of --rpc-port and --address-book-port; undefined when neither was given. Throws AutodiscoverError `configuration`. */
export function givenPorts({ rpcPort, addressBookPort }: PortFlags): PortWish | undefined {
  if (rpcPort === undefined && addressBookPort === undefined) return undefined;
  if (rpcPort === undefined || addressBookPort === undefined)
    throw usage('balancer', 'give both --rpc-port and --address-book-port, or neither');
  const [rpc, book] = [rpcPort, addressBookPort].map(Number) as [number, number];
  if (![rpc, book].every((port) => Number.isInteger(port) && port > 1024 && port < 65_536) || rpc === book)
    throw usage('balancer', `two different ports from 1025 to 65535 are needed, not ${rpcPort} and ${addressBookPort}`);
  return { rpcPort: rpc, addressBookPort: book };
}

/** An array by name or FQDN, with its members' names in lower case. Throws AutodiscoverError `configuration`. */
export function findArray(
  index: OrganizationIndex,
  wanted: string,
): { readonly array: string; readonly members: readonly BalancerMember[] } {
  const { arrays } = index.organization;
  const same = (text: string | undefined) => text?.toLowerCase() === wanted.toLowerCase();
  const array = arrays.find(({ name, fqdn }) => same(name) || same(fqdn));
  if (array?.fqdn === undefined)
    throw usage('balancer', `there is no array ${wanted}; there are ${arrays.map(({ fqdn }) => fqdn).join(', ')}`);
  const members = rpcClientAccessServers(index.serversIn(array.siteDn)).flatMap(({ name, fqdn }) =>
    fqdn === undefined ? [] : [{ name: name.toLowerCase(), fqdn: fqdn.toLowerCase() }],
  );
  if (members.length === 0)
    throw usage('balancer', `the array ${array.fqdn} has no members: its site has no Client Access server`);
  const odd = [array.fqdn, ...members.flatMap(({ name, fqdn }) => [name, fqdn])].find(
    (name) => !/^[a-z0-9.-]+$/i.test(name),
  );
  if (odd !== undefined) throw usage('balancer', `${JSON.stringify(odd)} cannot be a name in HAProxy's configuration`);
  return { array: array.fqdn.toLowerCase(), members };
}
