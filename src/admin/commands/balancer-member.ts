// `autodiscover balancer drain|enable MEMBER`: the maintenance switch of a running HAProxy.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import { sessionsOf, setMemberState } from '../balancer/maintenance.ts';
import { type Runtime, runtimeSocket } from '../balancer/runtime-socket.ts';
import { secondsOf } from './check-world.ts';

interface MemberFlags {
  readonly socket: string;
  readonly wait?: string;
  readonly now?: boolean;
}

const SOCKET = '/run/haproxy/admin.sock';
const LOOK_MS = 1000;

/** Adds both commands. */
export function balancerMember(balancer: Command, io: CommandIo): void {
  balancer
    .command('drain')
    .description('send new connections elsewhere; what is connected stays until it ends')
    .argument(
      '<member>',
      'the short name of the Client Access server; "service" for the service of this project after a cut-over',
    )
    .option('--socket <path>', 'runtime socket of HAProxy', SOCKET)
    .option('--wait <seconds>', 'wait until nothing is connected any more, at most so long')
    .option('--now', 'end what is connected, too: Outlook reconnects to another member')
    .addHelpText('after', '\nExit codes: 0 done; 1 connections were left when --wait ended; 2 wrong usage.')
    .action((member: string, flags: MemberFlags) => drain(member, flags, io));
  balancer
    .command('enable')
    .description('take a member back into service')
    .argument('<member>', 'the short name of the Client Access server')
    .option('--socket <path>', 'runtime socket of HAProxy', SOCKET)
    .action(async (member: string, flags: MemberFlags) => {
      const own = await setMemberState(runtimeSocket(flags.socket), member, 'ready');
      io.stdout.write(`${member} is in service again: ${own.map(({ backend }) => backend).join(', ')}\n`);
    });
}

async function drain(member: string, flags: MemberFlags, io: CommandIo): Promise<void> {
  const waitMs = flags.wait === undefined ? 0 : secondsOf('balancer', '--wait', flags.wait, 86_400) * 1000;
  const runtime = runtimeSocket(flags.socket);
  await setMemberState(runtime, member, flags.now ? 'maint' : 'drain');
  const left = await waitForNone(runtime, member, waitMs);
  const text = left.map(({ backend, sessions }) => `${backend} ${sessions}`).join(', ');
  io.stdout.write(`${member} gets no new connections; connected now: ${text}\n`);
  if (flags.wait !== undefined && left.some(({ sessions }) => sessions > 0)) io.setExitCode(1);
}

/** Looks every second until nothing is connected or the time is over, and gives the last look. */
async function waitForNone(runtime: Runtime, member: string, waitMs: number) {
  const end = performance.now() + waitMs;
  for (;;) {
    const left = await sessionsOf(runtime, member);
    if (left.every(({ sessions }) => sessions === 0) || performance.now() >= end) return left;
    await sleep(Math.min(LOOK_MS, Math.max(0, end - performance.now())));
  }
}
