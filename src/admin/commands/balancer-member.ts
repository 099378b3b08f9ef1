// `autodiscover balancer drain|enable MEMBER`: the maintenance switch of a running HAProxy.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import {
  findMember,
  type MemberState,
  RUNNING,
  type SessionCount,
  sessionsOf,
  setMemberState,
} from '../balancer/maintenance.ts';
import { DEFAULT_SOCKET, type Runtime, runtimeSocket } from '../balancer/runtime-socket.ts';
import { secondsOf } from './check-world.ts';

interface MemberFlags {
  readonly socket: string;
  readonly wait?: string;
  readonly now?: boolean;
  readonly json?: boolean;
}

const LOOK_MS = 1000;

/** Adds both commands. */
export function balancerMember(balancer: Command, io: CommandIo): void {
  const member = (name: string) =>
    balancer
      .command(name)
      .argument(
        '<member>',
        'the short name of the Client Access server; "service" for the service of this project after a cut-over',
      )
      .option('--socket <path>', 'runtime socket of HAProxy', DEFAULT_SOCKET)
      .option('--json', 'print JSON');
  member('drain')
    .description('send new connections elsewhere; what is connected stays until it ends')
    .option('--wait <seconds>', 'wait until nothing is connected any more, at most so long')
    .option('--now', 'end what is connected, too: Outlook reconnects to another member')
    .addHelpText(
      'after',
      '\nExit codes: 0 done; 1 HAProxy cannot be reached or refuses, or connections were left when --wait ended; 2 wrong usage.',
    )
    .action((member: string, flags: MemberFlags) => drain(member, flags, io));
  member('enable')
    .description('take a member back into service')
    .addHelpText('after', '\nExit codes: 0 done; 1 HAProxy cannot be reached or refuses; 2 wrong usage.')
    .action((member: string, flags: MemberFlags) => enable(member, flags, io));
}

/** Taken back is not yet in use: HAProxy waits for the member's health check. */
async function enable(member: string, flags: MemberFlags, io: CommandIo): Promise<void> {
  const runtime = runtimeSocket(flags.socket);
  await setMemberState(runtime, member, 'ready');
  const own = await findMember(runtime, member);
  const down = own.filter(({ operationalState }) => operationalState !== RUNNING).map(({ backend }) => backend);
  tell(member, 'ready', await sessionsOf(runtime, member), flags, io, () => {
    const text = `${member} is in service again: ${own.map(({ backend }) => backend).join(', ')}`;
    return down.length === 0 ? text : `${text}; it gets clients once its health check passes: ${down.join(', ')}`;
  });
}

async function drain(member: string, flags: MemberFlags, io: CommandIo): Promise<void> {
  const waitMs = flags.wait === undefined ? 0 : secondsOf('balancer', '--wait', flags.wait, 86_400) * 1000;
  const runtime = runtimeSocket(flags.socket);
  const state = flags.now ? 'maint' : 'drain';
  await setMemberState(runtime, member, state);
  const left = await waitForNone(runtime, member, waitMs);
  tell(member, state, left, flags, io, () => {
    const text = left.map(({ backend, sessions }) => `${backend} ${sessions}`).join(', ');
    return `${member} gets no new connections; connected now: ${text}`;
  });
  if (flags.wait !== undefined && left.some(({ sessions }) => sessions > 0)) io.setExitCode(1);
}

function tell(
  member: string,
  state: MemberState,
  backends: readonly SessionCount[],
  flags: MemberFlags,
  io: CommandIo,
  text: () => string,
): void {
  io.stdout.write(flags.json ? `${JSON.stringify({ member, state, backends }, undefined, 2)}\n` : `${text()}\n`);
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
