// The generated configuration under a real HAProxy: it is clean, the endpoint mapper answers through it, and members come and go
// without a client failing. The figures of the maintenance scenario are printed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CHECK_SECONDS } from '../../src/admin/balancer/haproxy-config.ts';
import { sessionsOf, setMemberState } from '../../src/admin/balancer/maintenance.ts';
import { systemNetwork } from '../../src/admin/probe/network.ts';
import { interfaceFault, probeRpc } from '../../src/admin/probe/rpc-probe.ts';
import { type HaproxyBed, RPC_PORT, startHaproxyBed, VIRTUAL_ADDRESS } from './haproxy-bed.ts';
import { HoldingClient } from './outlook-like-client.ts';
import { labSuite } from './requirements.ts';

const CLIENTS = 40;
const TARGET = { host: VIRTUAL_ADDRESS, port: RPC_PORT };

labSuite('HAProxy in front of an array', ['haproxy'], () => {
  let bed: HaproxyBed;
  const clients: HoldingClient[] = [];

  before(async () => {
    bed = await startHaproxyBed();
  });
  after(async () => {
    for (const client of clients) client.close();
    await bed?.stop();
  });

  const open = async (network: number, count: number) => {
    const made = Array.from({ length: count }, (_, at) => new HoldingClient(`127.0.${network}.${at + 1}`, TARGET));
    clients.push(...made);
    // One after the other, as people come to work: the balancer sees each before the next.
    for (const client of made) await client.open();
    return made;
  };
  const on = (list: readonly HoldingClient[], member: string) => list.filter((client) => client.member === member);

  test('haproxy -c has nothing to say about the configuration', () => {
    assert.equal(bed.complaints, '');
  });

  test('the endpoint mapper and the ports answer through the balancer', async () => {
    const probe = await probeRpc(systemNetwork({ ca: undefined, timeoutMs: 5000 }), VIRTUAL_ADDRESS);
    assert.deepEqual(probe.interfaces.map(interfaceFault), [undefined, undefined, undefined]);
  });

  test('a drained and stopped member costs no client a connection', async (t) => {
    const held = await open(62, CLIENTS);
    const [first, second] = [on(held, 'sea-cas1'), on(held, 'sea-cas2')];
    assert.ok(first.length > 0 && second.length > 0, 'both members are used');

    await setMemberState(bed.runtime, 'sea-cas1', 'drain');
    const late = await open(63, CLIENTS);
    assert.equal(on(late, 'sea-cas1').length, 0, 'no new client goes to the drained member');
    assert.ok(
      first.every((client) => client.connected && client.members.length === 1),
      'held connections stay',
    );
    // Somebody known to the drained member who restarts Outlook must not be led back there by persistence.
    const [restarted] = first;
    restarted?.restart();
    await until(() => restarted?.members.length === 2);
    assert.equal(restarted?.member, 'sea-cas2');

    await bed.killMember('sea-cas1');
    await until(() => held.every((client) => client.connected && client.member === 'sea-cas2'));
    const failed = held.concat(late).reduce((sum, client) => sum + client.failedAttempts, 0);
    const moved = held.filter((client) => client.members.length > 1).length;
    assert.equal(failed, 0, 'no attempt failed');
    assert.equal(moved, first.length);
    const longest = Math.max(...held.flatMap((client) => client.gaps));
    t.diagnostic(
      `drain and stop: ${held.length} held (${first.length} on the drained member), ${late.length} came meanwhile, ` +
        `${moved} moved, ${failed} attempts failed, longest gap ${longest.toFixed(0)} ms`,
    );
    const left = await sessionsOf(bed.runtime, 'sea-cas1');
    assert.equal(
      left.reduce((sum, { sessions }) => sum + sessions, 0),
      0,
    );
  });

  test('a member taken back gets clients again', async () => {
    await bed.startMember('sea-cas1');
    await setMemberState(bed.runtime, 'sea-cas1', 'ready');
    await bed.seen('sea-cas1', true);
    const fresh = await open(64, 10);
    assert.ok(on(fresh, 'sea-cas1').length > 0, fresh.map((client) => client.member).join());
  });

  test('a member killed without draining: clients are back within the health-check interval', async (t) => {
    const before = clients.filter((client) => client.member === 'sea-cas2');
    const attempts = () => clients.reduce((sum, client) => sum + client.failedAttempts, 0);
    const failedBefore = attempts();
    for (const client of before) client.gaps.length = 0;
    assert.ok(before.length > 0);
    await bed.killMember('sea-cas2');
    await until(() => before.every((client) => client.connected && client.member === 'sea-cas1'));
    const gaps = before.flatMap((client) => client.gaps);
    const bound = CHECK_SECONDS.falls * (CHECK_SECONDS.interval + CHECK_SECONDS.connect) * 1000;
    assert.ok(Math.max(...gaps) <= bound, `longest gap ${Math.max(...gaps)} ms, bound ${bound} ms`);
    t.diagnostic(
      `kill: ${before.length} held, ${gaps.length} moved, ${attempts() - failedBefore} attempts failed, ` +
        `longest gap ${Math.max(...gaps).toFixed(0)} ms (bound ${bound} ms)`,
    );
  });
});

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (holds()) return;
    await sleep(50);
  }
  throw new Error('it did not come to be within 15 s');
}
