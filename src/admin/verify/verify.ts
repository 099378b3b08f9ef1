// A whole verification: every address, then everything the answers lead to, each thing once, probes side by side. Pure but for the
// functions handed in.

import type { HttpOutcome } from '../../autodiscover/client/http-client.ts';
import { rpcClientAccessServers } from '../../autodiscover/settings/rpc-endpoint.ts';
import type { OrganizationIndex } from '../../ldap/organization-index.ts';
import { inParallel } from '../probe/in-parallel.ts';
import type { RpcProbe } from '../probe/rpc-probe.ts';
import type { TlsVersion } from '../probe/tls-probe.ts';
import { about, type Check } from './check.ts';
import { rootDomainChecks, rpcChecks, samePortsCheck, tlsChecks, webServiceChecks } from './follow-answer.ts';
import { type AddressDeps, verifyAddress } from './verify-address.ts';

export interface VerifyDeps extends AddressDeps {
  readonly probeRpc: (host: string) => Promise<RpcProbe>;
  readonly probeUrl: (url: URL) => Promise<HttpOutcome>;
  readonly tlsVersions: (host: string, port: number) => Promise<readonly TlsVersion[] | undefined>;
  /** Probes at a time. */
  readonly concurrency: number;
  /** Called as addresses are done, for progress. */
  readonly onAddress?: (address: string) => void;
}

/** `index` names the members of arrays; without it an array's members are not known and only its own name is asked. */
export interface VerifyRequest {
  readonly addresses: readonly string[];
  readonly index: OrganizationIndex | undefined;
}

/** Verifies. The checks come in a fixed order: addresses as given, then servers, web services, services and mail domains by name. */
export async function verify(request: VerifyRequest, deps: VerifyDeps): Promise<readonly Check[]> {
  const { concurrency } = deps;
  const domains = [...new Set(request.addresses.map((address) => address.slice(address.lastIndexOf('@') + 1)))].sort();
  const rootDomains = inParallel(domains, concurrency, async (domain) => {
    const outcome = await deps.probeUrl(new URL(`https://${domain}/autodiscover/autodiscover.xml`));
    return rootDomainChecks(domain, outcome);
  });
  const reports = await inParallel(request.addresses, concurrency, async (address) => {
    const report = await verifyAddress(address, deps);
    deps.onAddress?.(address);
    return report;
  });
  const [servers, urls, services] = (['servers', 'urls', 'services'] as const).map((kind) =>
    [...new Set(reports.flatMap((report) => report[kind]))].sort(),
  ) as [string[], string[], string[]];
  const followed = await Promise.all([
    inParallel(servers, concurrency, (server) => serverChecks(server, request.index, deps)),
    inParallel(urls, concurrency, async (url) => urlChecks(url, deps)),
    inParallel(services, concurrency, async (origin) => {
      const { hostname, port } = new URL(origin);
      const host = hostname.replace(/^\[|\]$/g, ''); // a URL's brackets are no part of an IPv6 address
      return tlsChecks(origin, await deps.tlsVersions(host, Number(port || 443)));
    }),
    rootDomains,
  ]);
  return [...reports.flatMap(({ checks }) => checks), ...followed.flat(2)];
}

async function urlChecks(text: string, { probeUrl }: VerifyDeps): Promise<readonly Check[]> {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    return [about(text).failed('answers', 'is no http or https URL')];
  return webServiceChecks(text, await probeUrl(url));
}

/** The endpoint itself, then each member behind it when it is an array. */
async function serverChecks(
  fqdn: string,
  index: OrganizationIndex | undefined,
  { probeRpc }: VerifyDeps,
): Promise<readonly Check[]> {
  const members = index === undefined ? [] : memberNames(fqdn, index);
  const [own, ...behind] = await Promise.all([fqdn, ...members].map(probeRpc));
  return [
    ...rpcChecks(fqdn, own as RpcProbe),
    ...behind.flatMap((probe) => rpcChecks(`${fqdn} member ${probe.host}`, probe)),
    ...samePortsCheck(fqdn, behind),
  ];
}

/** FQDNs of the members of the array of this name; empty when it is no array. */
function memberNames(fqdn: string, index: OrganizationIndex): readonly string[] {
  const array = index.organization.arrays.find((known) => known.fqdn?.toLowerCase() === fqdn.toLowerCase());
  if (array === undefined) return [];
  return rpcClientAccessServers(index.serversIn(array.siteDn)).flatMap((member) => member.fqdn?.toLowerCase() ?? []);
}
