// `autodiscover balancer`: an HAProxy configuration for an array, its maintenance switch, and whether members and configuration agree.

import { isIP } from 'node:net';
import { Command } from 'commander';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import { writeNewFiles } from '../../autodiscover/commands/output-files.ts';
import { agreedPorts, type PortWish } from '../balancer/compare-ports.ts';
import { type BalancerMember, portCommands, renderHaproxy, type WebPlan } from '../balancer/haproxy-config.ts';
import { DEFAULT_SOCKET } from '../balancer/runtime-socket.ts';
import { inParallel } from '../probe/in-parallel.ts';
import type { Network } from '../probe/network.ts';
import { probeRpc, type RpcProbe } from '../probe/rpc-probe.ts';
import { findArray, givenPorts, type PortFlags } from './balancer-array.ts';
import { balancerCheck } from './balancer-check.ts';
import { balancerMember } from './balancer-member.ts';
import { openWorld, usage, type WorldFlags, worldOptions } from './check-world.ts';

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
  readonly json?: boolean;
}

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
    .option('--out <file>', 'write it to a new file')
    .option('--json', 'print array, members, ports and the configuration as JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 done; 2 wrong usage or configuration, or ports that the members do not agree on.',
    )
    .action((flags: HaproxyFlags) => haproxy(flags, io));
  balancerCheck(ports(worldOptions(balancer.command('check'))), io);
  balancer
    .command('ports')
    .description('print what sets the static RPC ports on a member')
    .option('--rpc-port <port>', 'port of MSExchangeRPC', String(DEFAULT_PORTS.rpcPort))
    .option('--address-book-port <port>', 'port of MSExchangeAB', String(DEFAULT_PORTS.addressBookPort))
    .option('--json', 'print JSON')
    .action((flags: PortFlags & { readonly json?: boolean }) => {
      const { rpcPort, addressBookPort } = givenPorts(flags) ?? DEFAULT_PORTS;
      const commands = portCommands(rpcPort, addressBookPort);
      if (flags.json) io.stdout.write(`${JSON.stringify({ rpcPort, addressBookPort, commands }, undefined, 2)}\n`);
      else for (const line of commands) io.stdout.write(`${line}\n`);
    })
    .addHelpText('after', '\nExit codes: 0 done; 2 wrong usage.');
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
  const badResolver = flags.resolver?.find((text) => !isResolver(text));
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
    if (flags.out !== undefined) await writeText(flags.out, text);
    if (flags.json) {
      const { out: file, socket } = flags;
      const value = { array, members, rpcPort, addressBookPort, socket, ...(file !== undefined && { file }) };
      io.stdout.write(`${JSON.stringify({ ...value, configuration: text }, undefined, 2)}\n`);
    } else if (flags.out === undefined) io.stdout.write(text);
  } finally {
    await world.close();
  }
}

/** An address and a port, as in `10.1.0.53:53` and `[fd00::53]:53`. */
function isResolver(text: string): boolean {
  const [, six, four, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const isAddress = six === undefined ? isIP(four ?? '') === 4 : isIP(six) === 6;
  return isAddress && Number(port) >= 1 && Number(port) <= 65_535;
}

/** Never over a file that is there: it may be the configuration that somebody wrote by hand. */
async function writeText(file: string, text: string): Promise<void> {
  try {
    await writeNewFiles([{ path: file, content: text }]);
  } catch (error) {
    throw usage('balancer', `writing --out ${file}: ${(error as Error).message}`);
  }
}

function webPlanOf(flags: HaproxyFlags): WebPlan {
  if (flags.autodiscover === undefined) {
    if (flags.certificate ?? flags.webHost) throw usage('balancer', '--certificate and --web-host need --autodiscover');
    return { kind: 'pass-through' };
  }
  const service = URL.parse(flags.autodiscover);
  if (service?.protocol !== 'https:' || service.username !== '' || service.password !== '')
    throw usage('balancer', '--autodiscover must be an https URL without a user name');
  // Its verifyhost knows the DNS names of a certificate alone.
  if (isIP(service.hostname.replace(/^\[|\]$/g, '')) !== 0)
    throw usage('balancer', '--autodiscover must name a host: HAProxy checks certificates against names');
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

async function readPorts(members: readonly BalancerMember[], network: Network): Promise<PortWish> {
  const probes: readonly RpcProbe[] = await inParallel(members, 8, ({ fqdn }) => probeRpc(network, fqdn));
  const ports = agreedPorts(probes);
  if (!('reason' in ports)) return ports;
  throw usage(
    'balancer',
    `${ports.reason}. Give --rpc-port and --address-book-port, and set them: autodiscover balancer ports`,
  );
}
