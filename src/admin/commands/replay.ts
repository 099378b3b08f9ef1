// `autodiscover replay`: the requests of the clients in use, sent to a server and judged; or to two, and compared. To be run before and
// after an Exchange server's Autodiscover is replaced.

import { Command } from 'commander';
import { basicAuthenticator } from '../../autodiscover/client/authenticate.ts';
import { parseServerUrl } from '../../autodiscover/client/candidates.ts';
import { createHttpClient } from '../../autodiscover/client/http-client.ts';
import { negotiateAuthenticator } from '../../autodiscover/client/negotiate.ts';
import { passwordSource } from '../../autodiscover/client/password-source.ts';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import { printable } from '../../autodiscover/printable.ts';
import { normalizeAddress } from '../../autodiscover/wire/address.ts';
import { RULES } from '../replay/judge.ts';
import { comparePlaybacks, type Difference, type Playback, replay } from '../replay/replay.ts';
import { openWorld, usage, type WorldFlags, worldOptions } from './check-world.ts';

interface ReplayFlags extends WorldFlags {
  readonly server?: string;
  readonly against?: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly rules?: boolean;
  readonly json?: boolean;
}

const HELP = `
The recordings are the requests of Outlook 2007 to 2016, ActiveSync and EWS clients. An answer is judged by the rules that these clients
impose; --rules lists them. With --against both servers get the same requests, and what they say differently is told.

Exit codes: 0 no rule broken and nothing differs; 1 otherwise; 2 wrong usage.`;

export function replayCommand(io: CommandIo): Command {
  return worldOptions(
    new Command('replay')
      .description('send recorded client requests to a server, judge the answers, compare two servers')
      .argument('[address]', 'the mailbox to ask for'),
  )
    .option('--server <url>', 'the server to judge')
    .option('--against <url>', 'a second server to compare it with')
    .option('--user <name>', 'log on as this user; the address when not given')
    .option('--password-file <file>', 'read the password from the first line of this file')
    .option('--rules', 'list the rules and stop')
    .option('--json', 'print everything as JSON')
    .addHelpText('after', HELP)
    .action((address: string | undefined, flags: ReplayFlags) => run(address, flags, io));
}

async function run(address: string | undefined, flags: ReplayFlags, io: CommandIo): Promise<void> {
  if (flags.rules) {
    const rules = Object.entries(RULES).map(([rule, why]) => ({ rule, why }));
    if (flags.json) io.stdout.write(`${JSON.stringify({ rules }, undefined, 2)}\n`);
    else for (const { rule, why } of rules) io.stdout.write(`${rule.padEnd(22)} ${why}\n`);
    return;
  }
  const world = await openWorld('replay', flags, io);
  try {
    const { network, account } = world;
    const asked = address ?? account?.user;
    if (asked === undefined) throw usage('replay', 'give the address of a mailbox to ask for');
    const normal = normalizeAddress(asked);
    if ('reason' in normal) throw usage('replay', `${JSON.stringify(asked)}: ${normal.reason}`);
    const demoServer = account && `https://autodiscover.${account.user.split('@')[1]}`;
    const server = originOf('--server', flags.server ?? demoServer);
    const against = flags.against === undefined ? undefined : originOf('--against', flags.against);
    const user = flags.user ?? account?.user ?? normal.address;
    const password = account ? async () => account.password : passwordSource(io, 'replay', user, flags.passwordFile);
    const deps = {
      http: createHttpClient({
        timeoutMs: network.timeoutMs,
        connectTo: network.route,
        ...(network.ca !== undefined && { ca: network.ca }),
      }),
      authenticators: [...(account ? [] : [negotiateAuthenticator()]), basicAuthenticator(user, password)],
    };
    const played = await replay(server, normal.address, deps);
    const other = against && (await replay(against, normal.address, deps));
    report(played, other, other && comparePlaybacks(played, other), flags, io);
  } finally {
    await world.close();
  }
}

function originOf(flag: string, text: string | undefined): URL {
  if (text === undefined) throw usage('replay', `give ${flag} URL`);
  const url = parseServerUrl(text, 'pox');
  if (url === undefined)
    throw usage('replay', `${flag} must be an https URL without a user name, not ${JSON.stringify(text)}`);
  return url;
}

function report(
  played: readonly Playback[],
  other: readonly Playback[] | undefined,
  differences: readonly Difference[] | undefined,
  flags: ReplayFlags,
  io: CommandIo,
): void {
  const broken = played.filter(({ violations }) => violations.length > 0).length;
  io.setExitCode(broken > 0 || (differences ?? []).length > 0 ? 1 : 0);
  if (flags.json) {
    const value = { server: played, ...(other && { against: other, differences }) };
    io.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
    return;
  }
  const say = (line: string) => io.stdout.write(`${printable(line)}\n`);
  lines(played).forEach(say);
  if (other && differences) {
    say('against:');
    lines(other).forEach(say);
    for (const { recording, name, server, against } of differences)
      say(`differs  ${recording}  ${name}: ${server ?? '-'}, against ${against ?? '-'}`);
  }
  say(
    `${played.length} recordings, ${broken} with broken rules${differences ? `, ${differences.length} differences` : ''}`,
  );
}

function lines(played: readonly Playback[]): readonly string[] {
  return played.flatMap(({ recording, status, violations }) => [
    `${violations.length === 0 ? 'good   ' : 'broken '}  ${recording}: ${status === undefined ? 'no answer' : `HTTP ${status}`}`,
    ...violations.map(({ rule, detail }) => `         ${rule}: ${detail} (${RULES[rule]})`),
  ]);
}
