// `autodiscover balancer check`: whether members, ports and an HAProxy configuration agree with the directory and with each other.

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import { printable } from '../../autodiscover/printable.ts';
import { type BalancedArray, compareHaproxy, type Difference } from '../balancer/compare-haproxy.ts';
import { agreedPorts, comparePorts } from '../balancer/compare-ports.ts';
import { BalancerError } from '../balancer/errors.ts';
import { HAPROXY_LIMITS, parseHaproxy } from '../balancer/haproxy-lines.ts';
import { type BalancerConfiguration, readProxies } from '../balancer/haproxy-proxies.ts';
import { inParallel } from '../probe/in-parallel.ts';
import type { Network } from '../probe/network.ts';
import { probeRpc } from '../probe/rpc-probe.ts';
import { findArray, givenPorts, type PortFlags } from './balancer-array.ts';
import { openWorld, usage, type WorldFlags } from './check-world.ts';

interface CheckFlags extends WorldFlags, PortFlags {
  readonly array: string;
  readonly haproxy?: string;
  readonly json?: boolean;
}

const HELP = `
Asks the array and every member for its RPC ports by the endpoint mapper, and compares them with --rpc-port and --address-book-port, or with
each other. With --haproxy the file, made by "balancer haproxy" or by hand, is compared with the members of the directory and with those
ports: members missing or too many, wrong ports, no health check, no "init-addr", timeouts that end silent Outlooks, no persistence. Each
difference is told with its line.

Exit codes: 0 they agree; 1 they do not; 2 wrong usage or configuration.`;

/** Adds what the command takes, and what it does. */
export function balancerCheck(command: Command, io: CommandIo): void {
  command
    .description('compare the array, its members, their ports and an HAProxy configuration')
    .requiredOption('--array <name>', 'name or FQDN of the array')
    .option('--haproxy <file>', "HAProxy's configuration file, to be compared as well")
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action((flags: CheckFlags) => check(flags, io));
}

async function check(flags: CheckFlags, io: CommandIo): Promise<void> {
  const config = flags.haproxy === undefined ? undefined : readConfiguration(flags.haproxy);
  const given = givenPorts(flags);
  const world = await openWorld('balancer', flags, io);
  try {
    if (world.directory === undefined) throw usage('balancer', 'give --config FILE or --demo');
    const { array, members } = findArray(world.directory.organization(), flags.array);
    const hosts = [array, ...members.map(({ fqdn }) => fqdn)];
    const probes = await inParallel(hosts, 8, (host) => probeRpc(world.network, host));
    const wanted = given ?? agreedPorts(probes.slice(1));
    const lines =
      'reason' in wanted ? [{ host: array, ok: false, detail: wanted.reason }] : comparePorts(probes, wanted);
    const ports = 'reason' in wanted ? undefined : wanted;
    const differences = config && (await differencesOf(config, { array, members, ports }, world.network));
    if (flags.json) {
      const haproxy = differences && { file: flags.haproxy, differences: differences.map(asJson) };
      io.stdout.write(`${JSON.stringify({ array, hosts: lines, ...(haproxy && { haproxy }) }, undefined, 2)}\n`);
    } else {
      for (const { host, ok, detail } of lines)
        io.stdout.write(`${printable(`${ok ? 'ok     ' : 'differs'}  ${host}: ${detail}`)}\n`);
      for (const line of textOf(flags.haproxy, differences)) io.stdout.write(`${printable(line)}\n`);
    }
    io.setExitCode(lines.every(({ ok }) => ok) && (differences ?? []).length === 0 ? 0 : 1);
  } finally {
    await world.close();
  }
}

function readConfiguration(file: string): BalancerConfiguration {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw usage('balancer', `reading --haproxy ${file}: ${(error as Error).message}`);
  }
  if (bytes.length > HAPROXY_LIMITS.bytes)
    throw usage('balancer', `reading --haproxy ${file}: larger than ${HAPROXY_LIMITS.bytes} bytes`);
  try {
    return readProxies(parseHaproxy(bytes.toString('utf8')));
  } catch (error) {
    if (error instanceof BalancerError)
      throw new BalancerError(error.code, `reading --haproxy ${file}, ${error.message}`, { cause: error });
    throw error;
  }
}

/** Looks every name up once, and compares. */
async function differencesOf(
  config: BalancerConfiguration,
  wanted: BalancedArray,
  network: Network,
): Promise<readonly Difference[]> {
  const { array, members } = wanted;
  const written = config.proxies.flatMap(({ binds, servers }) => [...binds, ...servers].map(({ host }) => host));
  const hosts = [...new Set([array, ...members.map(({ fqdn }) => fqdn), ...written])].filter((host) => host !== '');
  const looked = await inParallel(hosts, 8, async (host) => [host, await network.addressesOf(host)] as const);
  const known = new Map(looked);
  return compareHaproxy(config, wanted, (host) => known.get(host) ?? []);
}

function asJson({ line, kind, detail }: Difference) {
  return { line: line ?? null, kind, detail };
}

function textOf(file: string | undefined, differences: readonly Difference[] | undefined): readonly string[] {
  if (differences === undefined) return [];
  if (differences.length === 0) return [`ok       ${file}: as it should be`];
  return differences.map(
    ({ line, kind, detail }) => `differs  ${file}${line === undefined ? '' : `:${line}`}: ${kind}: ${detail}`,
  );
}
