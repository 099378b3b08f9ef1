// `autodiscover balancer`: an HAProxy configuration for an array, its maintenance switch, and whether members and configuration agree.

import { writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { Command } from 'commander';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import { clientAccessServers } from '../../autodiscover/settings/rpc-endpoint.ts';
import type { OrganizationIndex } from '../../ldap/organization-index.ts';
import { agreedPorts, comparePorts, type PortWish } from '../balancer/compare-ports.ts';
import { type BalancerMember, portCommands, renderHaproxy, type WebPlan } from '../balancer/haproxy-config.ts';
import { inParallel } from '../probe/in-parallel.ts';
import type { Network } from '../probe/network.ts';
import { probeRpc, type RpcProbe } from '../probe/rpc-probe.ts';
import { balancerMember } from './balancer-member.ts';
import { openWorld, usage, type WorldFlags, worldOptions } from './check-world.ts';

interface PortFlags {
  readonly rpcPort?: string;
  readonly addressBookPort?: string;
}

interface HaproxyFlags extends WorldFlags, PortFlags {
  readonly array: string;
  readonly bind: string;
  readonly socket: string;
  readonly resolver?: readonly string[];
  readonly maxConnections: string;
  readonly autodiscover?: string;
  readonly certificate?: string;
  readonly serverCa: string;
  readonly webHost?: string;
  readonly out?: string;
}

interface CheckFlags extends WorldFlags, PortFlags {
  readonly array: string;
  readonly json?: boolean;
}

export const DEFAULT_SOCKET = '/run/haproxy/admin.sock';
const DEFAULT_PORTS = { rpcPort: 59531, addressBookPort: 59532 } as const;

export function balancerCommand(io: CommandIo): Command {
  const balancer = new Command('balancer').description(
    'HAProxy in front of a CAS array: configuration, maintenance, check',
  );
  const ports = (command: Command) =>
    command
      .option('--rpc-port <port>', 'static port of MSExchangeRPC on every member; asked of the members when not given')
      .option('--address-book-port <port>', 'static port of MSExchangeAB on every member; asked likewise');
  ports(worldOptions(balancer.command('haproxy')))
    .description('print a complete HAProxy configuration for an array')
    .requiredOption('--array <name>', 'name or FQDN of the array')
    .option('--bind <address>', 'the address that the array name points to', '*')
    .option('--socket <path>', 'runtime socket', DEFAULT_SOCKET)
    .option('--resolver <address:port...>', 'DNS servers; those of /etc/resolv.conf when not given')
    .option('--max-connections <number>', 'client connections at a time, at two file descriptors each', '20000')
    .option(
      '--autodiscover <url>',
      'cut over: /autodiscover goes to the service at this URL, the other paths to Exchange',
    )
    .option('--certificate <file>', 'with --autodiscover: PEM with certificate, chain and key that clients see')
    .option('--web-host <name>', 'with --autodiscover: the name on the certificates of the Client Access servers')
    .option(
      '--server-ca <file>',
      'with --autodiscover: who signed the certificates of the servers',
      '/etc/ssl/certs/ca-certificates.crt',
    )
    .option('--out <file>', 'write it to this file')
    .action((flags: HaproxyFlags) => haproxy(flags, io));
  ports(worldOptions(balancer.command('check')))
    .description('compare the ports of the array and its members with those the balancer is told')
    .requiredOption('--array <name>', 'name or FQDN of the array')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExit codes: 0 they agree; 1 they do not; 2 wrong usage or configuration.')
    .action((flags: CheckFlags) => check(flags, io));
  balancer
    .command('ports')
    .description('print what sets the static RPC ports on a member')
    .option('--rpc-port <port>', 'port of MSExchangeRPC', String(DEFAULT_PORTS.rpcPort))
    .option('--address-book-port <port>', 'port of MSExchangeAB', String(DEFAULT_PORTS.addressBookPort))
    .action((flags: PortFlags) => {
      const { rpcPort, addressBookPort } = givenPorts(flags) ?? DEFAULT_PORTS;
      for (const line of portCommands(rpcPort, addressBookPort)) io.stdout.write(`${line}\n`);
    });
  balancerMember(balancer, io);
  return balancer;
}

async function haproxy(flags: HaproxyFlags, io: CommandIo): Promise<void> {
  const web = webPlanOf(flags);
  if (flags.bind !== '*' && isIP(flags.bind) === 0)
    throw usage('balancer', `--bind must be an address, not ${JSON.stringify(flags.bind)}`);
  if (!/^\/[\w./-]+$/.test(flags.socket))
    throw usage(
      'balancer',
      `--socket must be an absolute path of plain characters, not ${JSON.stringify(flags.socket)}`,
    );
  const badResolver = flags.resolver?.find((text) => !/^[\d.]+:\d{1,5}$|^\[[\da-f:]+\]:\d{1,5}$/i.test(text));
  if (badResolver !== undefined)
    throw usage('balancer', `--resolver must be ADDRESS:PORT, not ${JSON.stringify(badResolver)}`);
  const maxConnections = Number(flags.maxConnections);
  if (!Number.isInteger(maxConnections) || maxConnections < 10 || maxConnections > 1_000_000)
    throw usage('balancer', `--max-connections must be a whole number from 10 to 1000000, not ${flags.maxConnections}`);
  const world = await openWorld('balancer', flags, io);
  try {
    if (world.directory === undefined) throw usage('balancer', 'give --config FILE or --demo');
    const { array, members } = findArray(world.directory.organization(), flags.array);
    const given = givenPorts(flags);
    const { rpcPort, addressBookPort } = given ?? (await readPorts(members, world.network));
    if (given === undefined)
      io.stderr.write(
        `balancer: the members have RPC on ${rpcPort} and the address book on ${addressBookPort}; make sure that these ports are static\n`,
      );
    const text = renderHaproxy({
      array,
      members,
      rpcPort,
      addressBookPort,
      bind: flags.bind.includes(':') ? `[${flags.bind}]` : flags.bind,
      socket: flags.socket,
      resolvers: flags.resolver ?? [],
      maxConnections,
      web,
    });
    if (flags.out === undefined) io.stdout.write(text);
    else writeText(flags.out, text);
  } finally {
    await world.close();
  }
}

function writeText(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw usage('balancer', `writing ${file}: ${(error as Error).message}`);
  }
}

function webPlanOf(flags: HaproxyFlags): WebPlan {
  if (flags.autodiscover === undefined) {
    if (flags.certificate ?? flags.webHost) throw usage('balancer', '--certificate and --web-host need --autodiscover');
    return { kind: 'pass-through' };
  }
  const service = URL.parse(flags.autodiscover);
  if (service?.protocol !== 'https:')
    throw usage('balancer', `--autodiscover must be an https URL, not ${JSON.stringify(flags.autodiscover)}`);
  const { certificate: certificateFile, webHost, serverCa: caFile } = flags;
  if (certificateFile === undefined || webHost === undefined)
    throw usage('balancer', '--autodiscover needs --certificate FILE and --web-host NAME');
  for (const file of [certificateFile, caFile]) {
    if (/[\s"'#\\]/.test(file))
      throw usage('balancer', `${JSON.stringify(file)}: HAProxy takes no such characters in a path`);
  }
  if (!/^[a-z0-9.-]+$/i.test(webHost))
    throw usage('balancer', `--web-host must be a host name, not ${JSON.stringify(webHost)}`);
  return { kind: 'cut-over', service, certificateFile, caFile, webHost };
}

async function check(flags: CheckFlags, io: CommandIo): Promise<void> {
  const world = await openWorld('balancer', flags, io);
  try {
    if (world.directory === undefined) throw usage('balancer', 'give --config FILE or --demo');
    const { array, members } = findArray(world.directory.organization(), flags.array);
    const hosts = [array, ...members.map(({ fqdn }) => fqdn)];
    const probes = await inParallel(hosts, 8, (host) => probeRpc(world.network, host));
    const wanted = givenPorts(flags) ?? agreedPorts(probes.slice(1));
    const lines =
      'reason' in wanted ? [{ host: array, ok: false, detail: wanted.reason }] : comparePorts(probes, wanted);
    if (flags.json) io.stdout.write(`${JSON.stringify({ array, hosts: lines }, undefined, 2)}\n`);
    else
      for (const { host, ok, detail } of lines) io.stdout.write(`${ok ? 'ok     ' : 'differs'}  ${host}: ${detail}\n`);
    io.setExitCode(lines.every(({ ok }) => ok) ? 0 : 1);
  } finally {
    await world.close();
  }
}

function givenPorts({ rpcPort, addressBookPort }: PortFlags): PortWish | undefined {
  if (rpcPort === undefined && addressBookPort === undefined) return undefined;
  if (rpcPort === undefined || addressBookPort === undefined)
    throw usage('balancer', 'give both --rpc-port and --address-book-port, or neither');
  const [rpc, book] = [rpcPort, addressBookPort].map(Number) as [number, number];
  if (![rpc, book].every((port) => Number.isInteger(port) && port > 1024 && port < 65_536) || rpc === book)
    throw usage('balancer', `two different ports from 1025 to 65535 are needed, not ${rpcPort} and ${addressBookPort}`);
  return { rpcPort: rpc, addressBookPort: book };
}

async function readPorts(members: readonly BalancerMember[], network: Network): Promise<PortWish> {
  const probes: readonly RpcProbe[] = await inParallel(members, 8, ({ fqdn }) => probeRpc(network, fqdn));
  const ports = agreedPorts(probes);
  if (!('reason' in ports)) return ports;
  throw usage(
    'balancer',
    `${ports.reason}. Give --rpc-port and --address-book-port, and set them: autodiscover balancer ports`,
  );
}

function findArray(
  index: OrganizationIndex,
  wanted: string,
): { readonly array: string; readonly members: readonly BalancerMember[] } {
  const { arrays } = index.organization;
  const same = (text: string | undefined) => text?.toLowerCase() === wanted.toLowerCase();
  const array = arrays.find(({ name, fqdn }) => same(name) || same(fqdn));
  if (array?.fqdn === undefined)
    throw usage('balancer', `there is no array ${wanted}; there are ${arrays.map(({ fqdn }) => fqdn).join(', ')}`);
  const members = clientAccessServers(index.serversIn(array.siteDn)).flatMap(({ name, fqdn }) =>
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
