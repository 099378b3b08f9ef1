// `autodiscover verify`: real test queries, compared with the directory, and followed to where the answers lead.

import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import Table from 'cli-table3';
import { Command } from 'commander';
import { basicAuthenticator } from '../../autodiscover/client/authenticate.ts';
import { parseServerUrl } from '../../autodiscover/client/candidates.ts';
import { discover } from '../../autodiscover/client/discover.ts';
import type { Dialect, Discovery } from '../../autodiscover/client/discovery.ts';
import { createHttpClient } from '../../autodiscover/client/http-client.ts';
import { negotiateAuthenticator } from '../../autodiscover/client/negotiate.ts';
import { PASSWORD_VARIABLE, passwordSource } from '../../autodiscover/client/password-source.ts';
import { scpRecords } from '../../autodiscover/client/scp-records.ts';
import { resolveSrvRecords } from '../../autodiscover/client/srv-records.ts';
import { isWithinDomain } from '../../autodiscover/client/trust.ts';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import { replaceFile } from '../../autodiscover/commands/output-files.ts';
import { resolveOptionsOf } from '../../autodiscover/commands/service.ts';
import { type ClientCapabilities, NO_CAPABILITIES } from '../../autodiscover/settings/protocol-policy.ts';
import { resolve } from '../../autodiscover/settings/resolve.ts';
import { once } from '../probe/in-parallel.ts';
import { probeRpc } from '../probe/rpc-probe.ts';
import { acceptedTlsVersions } from '../probe/tls-probe.ts';
import { probeUrl } from '../probe/web-probe.ts';
import { compareChecks, parseBaseline, renderBaseline } from '../verify/baseline.ts';
import { type Check, summarize } from '../verify/check.ts';
import { poxAsker } from '../verify/further-answers.ts';
import { renderJunit } from '../verify/junit.ts';
import { changeLines, checkRows, summaryLine, wrapped } from '../verify/report-text.ts';
import { type VerifyDeps, verify } from '../verify/verify.ts';
import { type CheckWorld, openWorld, secondsOf, usage, type WorldFlags, worldOptions } from './check-world.ts';
import { findTargets, type TargetFlags } from './verify-targets.ts';

interface VerifyFlags extends WorldFlags, TargetFlags {
  readonly server?: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly trust?: readonly string[];
  readonly site?: string;
  readonly json?: boolean;
  readonly junit?: string;
  readonly everything?: boolean;
  readonly baseline?: readonly string[];
  readonly every?: string;
  readonly parallel: string;
}

const HELP = `
Each address is asked for in both dialects, in the discovery order of a client or at --server. With --config or --demo every setting
served is compared with the directory's; without, that comparison is skipped and said to be. The service that answered is then asked as a
phone asks it (ActiveSync) and, where the configuration offers MAPI over HTTP or EXHTTP, as a newer Outlook does. Then the answers are
followed: names, endpoint mapper and ports of the array and its members, EWS and OAB, TLS, the root domain.

One account may ask for many addresses: --user, with the password from --password-file, from ${PASSWORD_VARIABLE}, or asked for. A Kerberos
ticket is used where the server takes it.

Exit codes: 0 nothing failed; 1 something failed, or is worse than the baseline; 2 wrong usage or configuration.`;

export function verifyCommand(io: CommandIo): Command {
  const collect = (value: string, before: readonly string[] = []) => [...before, value];
  return worldOptions(
    new Command('verify')
      .description('test queries as a client makes them, compared with the directory and followed to the servers')
      .argument('[address...]', 'e-mail addresses to ask for'),
  )
    .option('--database <name>', 'ask for a mailbox of this database; repeatable', collect)
    .option('--all-databases', 'ask for a mailbox of every database')
    .option('--array <name>', 'ask for a mailbox of every database that names this array (name or FQDN)')
    .option('--server <url>', 'ask this server only, instead of searching')
    .option('--site <name>', 'the Active Directory site to look up service connection points as')
    .option('--user <name>', 'log on as this user; the first address when not given')
    .option('--password-file <file>', 'read the password from the first line of this file')
    .option(
      '--trust <name>',
      'a host or domain outside the mail domain that may be told the password; repeatable',
      collect,
    )
    .option('--parallel <number>', 'probes at a time', '8')
    .option('--everything', 'show what passed, too')
    .option('--json', 'print every check as JSON')
    .option('--junit <file>', 'write every check as JUnit XML; with --every again in each round')
    .option('--baseline <save|compare file...>', 'save FILE keeps this report; compare FILE tells what changed since')
    .option('--every <seconds>', 'verify again and again, and tell what changed, until stopped')
    .addHelpText('after', HELP)
    .action((addresses: string[], flags: VerifyFlags) => run(addresses, flags, io));
}

interface Baseline {
  readonly action: 'save' | 'compare';
  readonly file: string;
}

async function run(named: readonly string[], flags: VerifyFlags, io: CommandIo): Promise<void> {
  const { baseline, more } = baselineOf(flags.baseline);
  const before = baseline?.action === 'compare' ? readBaseline(baseline.file) : undefined;
  const everyMs = flags.every === undefined ? undefined : secondsOf('verify', '--every', flags.every, 86_400) * 1000;
  const world = await openWorld('verify', flags, io);
  try {
    const targets = await findTargets([...named, ...more], flags, world.directory);
    const ask = depsOf(targets.addresses[0] ?? '', flags, world, io);
    const once = async (): Promise<readonly Check[]> => [
      ...targets.checks,
      ...(await verify({ addresses: targets.addresses, index: world.directory?.organization() }, ask())),
    ];
    const checks = await once();
    await report(checks, flags, io, before);
    if (baseline?.action === 'save') await save(baseline.file, renderBaseline(checks));
    if (everyMs !== undefined) await watch(checks, everyMs, once, flags, io);
  } finally {
    await world.close();
  }
}

/** The option takes two words; what comes after them are addresses that the parser could not know to be none of the option's. */
function baselineOf(words: readonly string[] | undefined): { baseline?: Baseline; more: readonly string[] } {
  if (words === undefined) return { more: [] };
  const [action, file, ...more] = words;
  if ((action !== 'save' && action !== 'compare') || file === undefined)
    throw usage('verify', '--baseline must be "save FILE" or "compare FILE"');
  return { baseline: { action, file }, more };
}

function readBaseline(file: string): readonly Check[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw usage('verify', `reading the baseline ${file}: ${(error as Error).message}`);
  }
  const read = parseBaseline(text);
  if ('reason' in read) throw usage('verify', `the baseline ${file} cannot be used: ${read.reason}`);
  return read;
}

async function save(file: string, text: string): Promise<void> {
  try {
    await replaceFile(file, text);
  } catch (error) {
    throw usage('verify', `writing ${file}: ${(error as Error).message}`);
  }
}

async function report(
  checks: readonly Check[],
  flags: VerifyFlags,
  io: CommandIo,
  before: readonly Check[] | undefined,
): Promise<void> {
  const changes = before && compareChecks(before, checks);
  if (flags.json) {
    const value = { summary: summarize(checks), ...(changes && { changes }), checks };
    io.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
  } else {
    const rows = checkRows(checks, flags.everything === true);
    if (rows.length > 0) io.stdout.write(`${tableOf(rows, io.stdout.columns)}\n`);
    if (changes) io.stdout.write(`${changeLines(changes).join('\n') || 'nothing changed since the baseline'}\n`);
    io.stdout.write(`${summaryLine(checks)}\n`);
  }
  // Against a baseline the question is what became worse; faults that were known then are in it.
  const failed = changes ? changes.some(({ worse }) => worse) : checks.some(({ outcome }) => outcome === 'failed');
  io.setExitCode(failed ? 1 : 0);
  if (flags.junit !== undefined) await save(flags.junit, renderJunit('autodiscover verify', checks));
}

/** Widths of the columns with a blank on either side; the last one gives way to a narrower terminal. */
const WIDTHS = [10, 36, 22, 80] as const;
const FRAME = WIDTHS.length + 1;
const LEAST_DETAIL = 32;

function tableOf(rows: readonly (readonly string[])[], terminal: number | undefined): string {
  const [outcome, subject, check, most] = WIDTHS;
  const room = (terminal ?? Number.POSITIVE_INFINITY) - outcome - subject - check - FRAME;
  const widths = [outcome, subject, check, Math.max(LEAST_DETAIL, Math.min(most, room))];
  const table = new Table({
    head: ['Outcome', 'Subject', 'Check', 'Detail'],
    style: { head: [], border: [] },
    colWidths: widths,
  });
  for (const row of rows) table.push(row.map((text, at) => wrapped(text, (widths[at] ?? most) - 2)));
  return table.toString();
}

async function watch(
  first: readonly Check[],
  everyMs: number,
  once: () => Promise<readonly Check[]>,
  flags: VerifyFlags,
  io: CommandIo,
): Promise<void> {
  let stopped = false;
  let wake: () => void = () => undefined;
  const stop = () => {
    stopped = true;
    wake();
  };
  void io.stopRequested().then(stop);
  // Rounds that nobody reads are of use only where a report is written for others.
  if (flags.junit === undefined) io.stdout.once('error', stop);
  let before = first;
  while (!stopped) {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, everyMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    if (stopped) break;
    const checks = await once();
    const changes = compareChecks(before, checks);
    before = checks;
    if (flags.junit !== undefined) await save(flags.junit, renderJunit('autodiscover verify', checks));
    const time = new Date().toISOString();
    if (flags.json) io.stdout.write(`${JSON.stringify({ time, summary: summarize(checks), changes })}\n`);
    else for (const line of [`${time}  ${summaryLine(checks)}`, ...changeLines(changes)]) io.stdout.write(`${line}\n`);
    io.setExitCode(checks.some(({ outcome }) => outcome === 'failed') ? 1 : 0);
  }
}

/** Makes fresh probes for each round: an answer is asked for once in a round, and again in the next. */
function depsOf(firstAddress: string, flags: VerifyFlags, world: CheckWorld, io: CommandIo): () => VerifyDeps {
  const { network, directory, settings, account } = world;
  const resolveOptions = settings && resolveOptionsOf(settings.config);
  const user = flags.user ?? account?.user ?? firstAddress;
  const password =
    account && flags.user === undefined
      ? async () => account.password
      : passwordSource(io, 'verify', user, flags.passwordFile);
  const server = flags.server;
  if (server !== undefined && parseServerUrl(server, 'pox') === undefined)
    throw usage('verify', `--server must be an https URL without a user name, not ${JSON.stringify(server)}`);
  const concurrency = Number(flags.parallel);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 64)
    throw usage('verify', `--parallel must be a whole number from 1 to 64, not ${JSON.stringify(flags.parallel)}`);
  const authenticators = [...(account ? [] : [negotiateAuthenticator()]), basicAuthenticator(user, password)];
  const http = createHttpClient({
    timeoutMs: network.timeoutMs,
    connectTo: network.route,
    ...(network.ca !== undefined && { ca: network.ca }),
  });
  const ask = async (address: string, dialect: Dialect): Promise<Discovery> => {
    const url = server === undefined ? undefined : parseServerUrl(server, dialect);
    return discover(
      { address, dialect, ...(url && { server: url }) },
      {
        http,
        authenticators,
        resolveSrv: account ? noRecords : resolveSrvRecords,
        ...(directory && {
          lookupScp: async () => scpRecords(directory.organization().organization.serviceConnectionPoints, flags.site),
        }),
        readFile,
        askConsent: async ({ name }) => flags.trust?.some((trusted) => isWithinDomain(name, trusted)) ?? false,
        clock: () => performance.now(),
      },
    );
  };
  return () => ({
    discover: ask,
    ...(directory &&
      resolveOptions && {
        expected: (address: string, capabilities: ClientCapabilities = NO_CAPABILITIES) =>
          resolve(directory, { emailAddress: address, legacyDn: undefined, capabilities }, resolveOptions),
      }),
    askPox: poxAsker(http, authenticators),
    clock: () => new Date(),
    probeRpc: once((host) => probeRpc(network, host)),
    probeUrl: (url) => probeUrl(network, url),
    tlsVersions: (host, port) => acceptedTlsVersions(network, host, port),
    concurrency,
    ...(io.stderr.isTTY && { onAddress: (address: string) => void io.stderr.write(`asked for ${address}\n`) }),
  });
}

/** A demo organisation publishes no SRV records. */
async function noRecords(name: string): Promise<never> {
  throw Object.assign(new Error(`${name} does not exist`), { code: 'ENOTFOUND' });
}
