// Takes a member out of service and back in, through the runtime socket. Draining lets connections end by themselves and sends new ones
// elsewhere; the persistence table must forget the member, because HAProxy honours persistence to a draining server.

import { BalancerError } from './errors.ts';
import type { Runtime } from './runtime-socket.ts';

/** One member in one backend. `adminState` bits are HAProxy's (Management Guide, "show servers state"). */
export interface ServerState {
  readonly backend: string;
  readonly server: string;
  readonly serverId: number;
  /** 0 stopped, 1 starting, 2 running, 3 soft-stopped. */
  readonly operationalState: number;
  readonly adminState: number;
}

/** The operational state of a server that gets clients. */
export const RUNNING = 2;

/** Sessions of a member in one backend, now. */
export interface SessionCount {
  readonly backend: string;
  readonly sessions: number;
}

/** Reads "show servers state": a version line, a comment with the columns, a line per server. */
export async function serverStates(runtime: Runtime): Promise<readonly ServerState[]> {
  const lines = (await runtime('show servers state')).split('\n');
  const columns = (lines.find((line) => line.startsWith('#')) ?? '').replace(/^#\s*/, '').split(' ');
  const at = (name: string) => {
    const index = columns.indexOf(name);
    if (index >= 0) return index;
    throw new BalancerError(
      'runtime-socket',
      `"show servers state" has no column ${name}: is this HAProxy 2.4 or later?`,
    );
  };
  const [backend, server, id, op, admin] = ['be_name', 'srv_name', 'srv_id', 'srv_op_state', 'srv_admin_state'].map(
    at,
  ) as [number, number, number, number, number];
  return lines
    .filter((line) => /^\d+ /.test(line))
    .map((line) => line.split(' '))
    .map((words) => ({
      backend: words[backend] ?? '',
      server: words[server] ?? '',
      serverId: Number(words[id]),
      operationalState: Number(words[op]),
      adminState: Number(words[admin]),
    }));
}

/** The backends of a member. Throws BalancerError `configuration` when HAProxy has no such member. */
export async function findMember(runtime: Runtime, member: string): Promise<readonly ServerState[]> {
  const states = await serverStates(runtime);
  const own = states.filter(({ server }) => server.toLowerCase() === member.toLowerCase());
  if (own.length > 0) return own;
  const known = [...new Set(states.map(({ server }) => server))].join(', ');
  throw new BalancerError('configuration', `HAProxy has no member ${member}; it has ${known || 'none'}`);
}

/** `drain` keeps what is connected, `maint` ends it, `ready` takes the member back. */
export type MemberState = 'drain' | 'maint' | 'ready';

/** Sets a member's state in every backend that has it, and makes persistence forget it unless it is taken back. */
export async function setMemberState(
  runtime: Runtime,
  member: string,
  state: MemberState,
): Promise<readonly ServerState[]> {
  const own = await findMember(runtime, member);
  for (const { backend, server } of own) await say(runtime, `set server ${backend}/${server} state ${state}`);
  if (state !== 'ready') await forget(runtime, own);
  if (state === 'maint')
    for (const { backend, server } of own) await say(runtime, `shutdown sessions server ${backend}/${server}`);
  return own;
}

/** HAProxy answers a good command with nothing, and a bad one with a sentence. */
async function say(runtime: Runtime, command: string): Promise<void> {
  const answer = await runtime(command);
  if (answer !== '') throw new BalancerError('runtime-socket', `HAProxy refuses "${command}": ${answer}`);
}

async function forget(runtime: Runtime, own: readonly ServerState[]): Promise<void> {
  const tables = [...(await runtime('show table')).matchAll(/^# table: ([^,\s]+),/gm)].map((match) => match[1] ?? '');
  const ids = [...new Set(own.map(({ serverId }) => serverId))];
  const byName = tables.filter((name) => belongs(name, own));
  // In a configuration that is not ours any table may be the one. Another array's clients lose their persistence at worst.
  for (const table of byName.length > 0 ? byName : tables) {
    for (const id of ids) await runtime(`clear table ${table} data.server_id eq ${id}`);
  }
}

/** Tables are named after the array, as its backends are: `outlook-sea_clients` beside `outlook-sea_rpc`. */
function belongs(table: string, own: readonly ServerState[]): boolean {
  const array = (name: string) => name.split('_')[0];
  return own.some(({ backend }) => array(backend) === array(table));
}

/** What is connected to a member now, by backend. "show stat" is CSV; none of the columns used holds a comma or a quote. */
export async function sessionsOf(runtime: Runtime, member: string): Promise<readonly SessionCount[]> {
  const [head = '', ...lines] = (await runtime('show stat')).split('\n');
  const columns = head.replace(/^#\s*/, '').split(',');
  const [proxy, server, current] = ['pxname', 'svname', 'scur'].map((name) => columns.indexOf(name)) as [
    number,
    number,
    number,
  ];
  return lines
    .map((line) => line.split(','))
    .filter((words) => words[server]?.toLowerCase() === member.toLowerCase())
    .map((words) => ({ backend: words[proxy] ?? '', sessions: Number(words[current]) }));
}
