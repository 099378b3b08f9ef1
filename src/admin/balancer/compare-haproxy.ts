// An HAProxy configuration, ours or somebody's own, against the array: whom it leads to, on which ports, and whether it suits MAPI.
// Pure: the members' ports and every address come in.

import type { PortWish } from './compare-ports.ts';
import { type BalancerMember, SILENCE_SECONDS } from './haproxy-config.ts';
import type { BalancerConfiguration, ProxySection, ProxyServer } from './haproxy-proxies.ts';

/** The kinds of difference. */
export type DifferenceKind =
  | 'port-missing'
  | 'bind-address'
  | 'backend-missing'
  | 'member-missing'
  | 'server-superfluous'
  | 'server-unresolved'
  | 'server-port'
  | 'server-disabled'
  | 'health-check-missing'
  | 'track-broken'
  | 'init-addr-missing'
  | 'resolvers-missing'
  | 'timeout-too-short'
  | 'persistence-missing'
  | 'runtime-socket-missing';

/** `line` is absent where nothing stands that could be pointed at. */
export interface Difference {
  readonly line: number | undefined;
  readonly kind: DifferenceKind;
  readonly detail: string;
}

/** The array as it should be served. `ports` is absent when the members could not be asked and none were given. */
export interface BalancedArray {
  readonly array: string;
  readonly members: readonly BalancerMember[];
  readonly ports: PortWish | undefined;
}

/** What clients reach on one port of the array. HTTPS may be balanced elsewhere; the others may not. */
interface Service {
  readonly name: string;
  readonly port: number;
  readonly silenceSeconds: number;
  readonly silenceOf: string;
  readonly required: boolean;
}

const RPC_SILENCE = {
  silenceSeconds: SILENCE_SECONDS.rpc,
  silenceOf: "Outlook's silent RPC connections",
  required: true,
};

function servicesOf({ ports }: BalancedArray): readonly Service[] {
  const mapper = { name: 'the endpoint mapper', port: 135, silenceSeconds: 0, silenceOf: '', required: true };
  const web = { name: 'HTTPS', port: 443, silenceOf: 'waiting ActiveSync clients', required: false };
  return [
    mapper,
    ...(ports === undefined
      ? []
      : [
          { ...RPC_SILENCE, name: 'EMSMDB', port: ports.rpcPort },
          { ...RPC_SILENCE, name: 'the address book (NSPI, RFR)', port: ports.addressBookPort },
        ]),
    { ...web, silenceSeconds: SILENCE_SECONDS.web },
  ];
}

/** Everything that differs, by line; what has no line comes last. `addressesOf` gives the addresses of a name or address. */
export function compareHaproxy(
  config: BalancerConfiguration,
  wanted: BalancedArray,
  addressesOf: (host: string) => readonly string[],
): readonly Difference[] {
  const found = servicesOf(wanted).flatMap((service) => serviceDifferences(config, wanted, service, addressesOf));
  if (!config.adminSocket)
    found.push({
      line: undefined,
      kind: 'runtime-socket-missing',
      detail: 'no "stats socket PATH level admin" in global: members cannot be drained',
    });
  const unique = new Map(found.map((one) => [JSON.stringify(one), one]));
  return [...unique.values()].sort((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity));
}

function serviceDifferences(
  config: BalancerConfiguration,
  wanted: BalancedArray,
  service: Service,
  addressesOf: (host: string) => readonly string[],
): readonly Difference[] {
  const { port, name } = service;
  const own = new Set(addressesOf(wanted.array));
  const binds = config.proxies.flatMap((proxy) =>
    proxy.binds.filter(({ first, last }) => first <= port && port <= last).map((bind) => ({ proxy, bind })),
  );
  const leads = ({ host }: { readonly host: string }) =>
    host === '' || own.size === 0 || addressesOf(host).some((address) => own.has(address));
  const onArray = binds.filter(({ bind }) => leads(bind));
  if (onArray.length > 0) {
    const entries = [...new Set(onArray.map(({ proxy }) => proxy))];
    return entries.flatMap((entry) => entryDifferences(config, wanted, service, entry, addressesOf));
  }
  if (!service.required) return [];
  if (binds.length > 0)
    return binds.map(({ bind }) => ({
      line: bind.line,
      kind: 'bind-address' as const,
      detail: `port ${port} (${name}) is bound on ${bind.host}, and ${wanted.array} is ${[...own].join(', ')}`,
    }));
  return [{ line: undefined, kind: 'port-missing', detail: `nothing listens on port ${port} (${name})` }];
}

/** One frontend or listener of a service, and the backends behind it. */
function entryDifferences(
  config: BalancerConfiguration,
  wanted: BalancedArray,
  service: Service,
  entry: ProxySection,
  addressesOf: (host: string) => readonly string[],
): readonly Difference[] {
  const found: Difference[] = [];
  const report = (line: number | undefined, kind: DifferenceKind, detail: string) =>
    void found.push({ line, kind, detail });
  const backends = entry.servers.length > 0 ? [entry] : [];
  for (const { name, line } of entry.backends) {
    const backend = config.proxies.find((proxy) => proxy.kind !== 'frontend' && proxy.name === name);
    if (backend) backends.push(backend);
    else report(line, 'backend-missing', `there is no backend ${name} that could be looked at`);
  }
  if (backends.length === 0 && entry.backends.length === 0)
    report(entry.line, 'backend-missing', `${entry.kind} ${entry.name} leads to no server`);
  const matched = backends.map((backend) => matchServers(backend, wanted.members, addressesOf));
  // Behind HTTPS some backends serve paths of their own; each member must be behind one of them.
  const groups = service.required ? matched.map((one) => [one]) : matched.length > 0 ? [matched] : [];
  for (const group of groups) {
    const here = new Set(group.flatMap(({ servers }) => servers.flatMap(({ members }) => members)));
    for (const member of wanted.members.filter((one) => !here.has(one))) {
      const [{ backend } = { backend: entry }] = group;
      const where = `${backend.kind} ${backend.name} (${service.name}, port ${service.port})`;
      report(backend.line, 'member-missing', `${where} has no server for the member ${member.fqdn}`);
    }
  }
  for (const { backend, servers } of matched) {
    const strict = service.required || !backend.isHttp;
    for (const one of servers) serverDifferences(config, service, { ...one, strict, backend }, report);
  }
  if (service.silenceSeconds > 0) for (const group of groups) suitsMapi(service, entry, group, report);
  return found;
}

/** Of several backends behind HTTPS, by path, one that suits the clients which wait is enough. */
function suitsMapi(service: Service, entry: ProxySection, group: readonly MatchedBackend[], report: Report): void {
  const active = group.filter(({ servers }) =>
    servers.some(({ server, members }) => members.length > 0 && !server.backup),
  );
  const several = active.filter(({ servers }) => servers.filter(({ server }) => !server.backup).length > 1);
  if (several.every(({ backend }) => !backend.persistent))
    for (const { backend } of several)
      report(
        backend.line,
        'persistence-missing',
        `${backend.kind} ${backend.name} has neither "stick on src" nor "balance source": the connections of one client end at different members`,
      );
  const short = active.map(({ backend }) => tooShort(service, entry, backend));
  if (short.every((timeouts) => timeouts.length > 0))
    for (const { line, text } of short.flat()) report(line, 'timeout-too-short', text);
}

type Report = (line: number | undefined, kind: DifferenceKind, detail: string) => void;

interface MatchedServer {
  readonly server: ProxyServer;
  /** The members that it leads to: one, or several for a template. */
  readonly members: readonly BalancerMember[];
  readonly resolves: boolean;
}

interface MatchedBackend {
  readonly backend: ProxySection;
  readonly servers: readonly MatchedServer[];
}

/** A server is a member when it has the member's name, or one of its addresses. */
function matchServers(
  backend: ProxySection,
  members: readonly BalancerMember[],
  addressesOf: (host: string) => readonly string[],
): MatchedBackend {
  const servers = backend.servers.map((server) => {
    const addresses = server.host === '' ? [] : addressesOf(server.host);
    const same = ({ fqdn }: BalancerMember) =>
      fqdn.toLowerCase() === server.host.toLowerCase() ||
      addressesOf(fqdn).some((address) => addresses.includes(address));
    const found = members.filter(same);
    return { server, members: server.numbers ? found : found.slice(0, 1), resolves: addresses.length > 0 };
  });
  return { backend, servers };
}

function serverDifferences(
  config: BalancerConfiguration,
  service: Service,
  {
    server,
    members,
    resolves,
    strict,
    backend,
  }: MatchedServer & { readonly strict: boolean; readonly backend: ProxySection },
  report: Report,
): void {
  const { line, name, host, port } = server;
  const what = `server ${name} of ${backend.kind} ${backend.name}`;
  if (members.length === 0) {
    if (!strict) return;
    if (!resolves)
      report(
        line,
        'server-unresolved',
        `${what}: ${JSON.stringify(host)} has no address, so that it cannot be told which member it is`,
      );
    else report(line, 'server-superfluous', `${what}: ${host} is no member of the array`);
  }
  const asked = port.fixed ?? service.port + port.offset;
  if (strict && asked !== service.port)
    report(line, 'server-port', `${what} is asked on port ${asked}, and ${service.name} is on ${service.port}`);
  if (server.disabled) report(line, 'server-disabled', `${what} is out of service whenever HAProxy starts`);
  if (server.track !== undefined) trackDifferences(config, server, what, report);
  else if (!server.checked)
    report(
      line,
      'health-check-missing',
      `${what} has neither "check" nor "track": clients are sent to it while it is down`,
    );
  if (!/[a-z]/i.test(host) || host.includes(':')) return; // an address needs no DNS
  if (!server.initAddr?.split(',').includes('none'))
    report(
      line,
      'init-addr-missing',
      `${what} has no "init-addr last,libc,none": HAProxy does not start while DNS is away`,
    );
  if (server.resolvers === undefined)
    report(line, 'resolvers-missing', `${what} has no "resolvers": its address is looked up once, when HAProxy starts`);
  else if (!config.resolvers.has(server.resolvers))
    report(line, 'resolvers-missing', `${what}: there is no section "resolvers ${server.resolvers}"`);
}

/** What is tracked must be there, and be checked itself, at the end of at most a few steps. */
function trackDifferences(config: BalancerConfiguration, server: ProxyServer, what: string, report: Report): void {
  let current = server;
  for (let step = 0; step < 8 && current.track !== undefined; step++) {
    const [first = '', second] = current.track.split('/');
    const proxy = config.proxies.find((one) =>
      second === undefined ? one.servers.includes(current) : one.kind !== 'frontend' && one.name === first,
    );
    const next = proxy?.servers.find((one) => isCalled(one, second ?? first));
    if (next === undefined) {
      report(server.line, 'track-broken', `${what} tracks ${current.track}, which is not there`);
      return;
    }
    current = next;
  }
  if (!current.checked) report(server.line, 'track-broken', `${what} tracks ${server.track}, which has no "check"`);
}

function isCalled({ name, numbers }: ProxyServer, wanted: string): boolean {
  if (numbers === undefined || !wanted.startsWith(name)) return name === wanted;
  const number = /^[1-9]\d*$/.test(wanted.slice(name.length)) ? Number(wanted.slice(name.length)) : 0;
  return number >= numbers.first && number <= numbers.last;
}

/** In TCP a tunnel's timeout counts for both sides once the connection stands. Without a timeout nothing is ended. */
function tooShort(
  service: Service,
  entry: ProxySection,
  backend: ProxySection,
): readonly { readonly line: number; readonly text: string }[] {
  const tunnel = backend.isHttp ? undefined : backend.timeouts.get('tunnel');
  const both = [['client', entry.timeouts.get('client')] as const, ['server', backend.timeouts.get('server')] as const];
  return (tunnel ? [['tunnel', tunnel] as const] : both).flatMap(([name, timeout]) => {
    if (timeout === undefined || timeout.ms >= service.silenceSeconds * 1000) return [];
    const least = `${Math.ceil(service.silenceSeconds / 60)}m at least`;
    const text = `"timeout ${name}" is ${timeout.ms / 1000} s: ${service.silenceOf} are ended; ${least}`;
    return [{ line: timeout.line, text }];
  });
}
