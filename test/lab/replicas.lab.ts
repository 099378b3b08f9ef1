// Two instances behind HAProxy, as docs/deployment.md configures them: what clients notice when one is drained, stopped, exchanged, killed.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setMemberState } from '../../src/admin/balancer/maintenance.ts';
import { POX_PATH } from '../autodiscover/bed.ts';
import {
  ask,
  BALANCER,
  type Counts,
  HOST,
  type InstanceName,
  keepAsking,
  openReplicasBed,
  type ReplicasBed,
} from './replicas-bed.ts';
import { labSuite } from './requirements.ts';

const CLIENTS = 8;

const told = ({ done, failed, repeated, returned, resumed, faults }: Counts) =>
  `${done} answered, ${failed} failed (${[...new Set(faults)].join(', ') || 'none'}), ${repeated} sent again, ` +
  `${resumed} of ${returned} returning connections resumed`;

/** Share of resumed handshakes that is promised. */
function assertResumed({ returned, resumed }: Counts): void {
  assert.ok(returned > 0);
  assert.ok(resumed >= 0.99 * returned, `${resumed} of ${returned}`);
}

const exchanges = (bed: ReplicasBed, name: 'ad1' | 'ad2', from = 0) =>
  bed
    .instance(name)
    .log.slice(from)
    .filter(({ msg }) => msg === 'exchange');

/** One connection of `openssl s_client`, which keeps its session in `file`: what it says of the handshake. */
function opensslVisit(caFile: string, version: string, file: string, again: boolean): string {
  const connection = ['-connect', `${BALANCER}:443`, '-servername', HOST, '-CAfile', caFile, '-verify_return_error'];
  const session = [...(again ? ['-sess_in', file] : []), '-sess_out', file];
  const printed = execFileSync('openssl', ['s_client', `-${version}`, '-ign_eof', ...connection, ...session], {
    input: `GET /health/live HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: 10_000,
  });
  assert.match(printed, /\{"live":true\}/);
  return /^(New|Reused), TLSv1/m.exec(printed)?.[1] ?? printed;
}

/** Users of whom each instance knows its own: the other one was drained when they asked. */
const KNOWN = { ad1: ['bob', 'carol', 'dave'], ad2: ['olga', 'ruth', 'zoe'] } as const;
const USERS = Object.values(KNOWN).flat();

/**
 * First one instance, then both lose their domain controller, and get it back, while clients keep asking. When none has one, those are
 * answered from memory whom one of `promising` has answered before.
 */
async function outage(bed: ReplicasBed, t: TestContext, promising: readonly InstanceName[]): Promise<Counts> {
  const load = keepAsking(bed.ca, CLIENTS);
  t.after(() => load.stop());
  const askOnce = async (user: string) => {
    const localAddress = `127.0.71.${150 + USERS.indexOf(user as (typeof USERS)[number])}`;
    return (await ask(bed.ca, { localAddress, user })).hasSettings;
  };
  await sleep(500);
  for (const [name, other] of [
    ['ad1', 'ad2'],
    ['ad2', 'ad1'],
  ] as const) {
    assert.equal(await bed.runtime(`set server autodiscover/${other} state drain`), '');
    for (const user of KNOWN[name]) assert.ok(await askOnce(user), user);
    assert.equal(await bed.runtime(`set server autodiscover/${other} state ready`), '');
    await bed.seen(other, true);
  }

  await bed.controllers.ad1.setFaults({ dead: 'refuse' });
  await bed.seen('ad1', false);
  for (const user of ['erin', 'trent', 'taro']) assert.ok(await askOnce(user), `${user}, whom nobody knows yet`);

  await bed.controllers.ad2.setFaults({ dead: 'refuse' });
  await bed.seen('ad2', false);
  const before = load.counts.done;
  for (let round = 0; round < 3; round++)
    for (const name of promising)
      for (const user of KNOWN[name]) assert.ok(await askOnce(user), `${user}, from memory`);
  const stranger = await ask(bed.ca, { localAddress: '127.0.71.160', user: 'maria' });
  assert.equal(stranger.status, 503, 'not now, and in the words of the protocol');
  assert.ok(load.counts.done > before + CLIENTS);

  await bed.controllers.ad2.setFaults({});
  await bed.seen('ad2', true);
  assert.ok((await ask(bed.ca, { localAddress: '127.0.71.160', user: 'maria' })).hasSettings);
  await bed.controllers.ad1.setFaults({});
  await bed.seen('ad1', true);
  await sleep(500);
  const counts = await load.stop();
  t.diagnostic(`no domain controller: ${told(counts)}`);
  return counts;
}

labSuite('two instances behind HAProxy, TLS passed through', ['haproxy'], () => {
  let bed: ReplicasBed;
  before(async () => {
    bed = await openReplicasBed('TLS passed through', { listen: { proxyProtocol: true }, workers: 2 });
  });
  after(() => bed?.close());

  test('the documented configuration is clean; both answer; the log names the client', async () => {
    assert.equal(bed.complaints, '');
    for (let n = 0; n < 6; n++) assert.equal((await ask(bed.ca, { localAddress: '127.0.71.77' })).status, 200);
    for (const name of ['ad1', 'ad2'] as const) {
      const addresses = exchanges(bed, name)
        .filter(({ path }) => !String(path).startsWith('/health/'))
        .map(({ address }) => address);
      assert.deepEqual([...new Set(addresses)], ['127.0.71.77'], name);
    }
  });

  for (const version of ['tls1_2', 'tls1_3']) {
    test(`openssl takes its ${version} session up again, whichever instance and worker answers`, (t) => {
      const file = join(tmpdir(), `session-${process.pid}-${version}`);
      t.after(() => rmSync(file, { force: true }));
      const handshakes = Array.from({ length: 7 }, (_, n) => opensslVisit(bed.caFile, version, file, n > 0));
      assert.deepEqual(handshakes, ['New', ...Array(6).fill('Reused')]);
    });
  }

  test('drained, exchanged and stopped under load: no request fails, and sessions are resumed', async (t) => {
    const load = keepAsking(bed.ca, CLIENTS);
    t.after(() => load.stop());
    await sleep(500);
    await setMemberState(bed.runtime, 'ad2', 'drain');
    await sleep(500);
    await setMemberState(bed.runtime, 'ad2', 'ready');

    const ad1 = bed.instance('ad1');
    const from = ad1.log.length;
    ad1.child.kill('SIGHUP');
    const stopped = bed.instance('ad2').stop();
    await ad1.line(({ msg }) => msg === 'exchange of workers ended', from);
    assert.equal(await stopped, 0);
    await sleep(200);
    const counts = await load.stop();
    t.diagnostic(`drain, exchange of workers, SIGTERM: ${told(counts)}`);
    assert.equal(counts.failed, 0, told(counts));
    assertResumed(counts);
    await bed.start('ad2');
  });

  test('domain controllers lost: the other instance is asked, then both from memory; nothing fails', async (t) => {
    // Of two workers only the one that was asked knows a user.
    const counts = await outage(bed, t, ['ad2']);
    assert.equal(counts.failed, 0, told(counts));
  });

  test('killed under load: the one request a client had under way on it is lost, none of a client that sends it once more', async (t) => {
    const loads = [false, true].map((repeating) => keepAsking(bed.ca, CLIENTS, { repeating }));
    t.after(() => Promise.all(loads.map((load) => load.stop())));
    await sleep(500);
    bed.instance('ad2').child.kill('SIGKILL');
    await sleep(1500);
    const [once, twice] = (await Promise.all(loads.map((load) => load.stop()))) as [Counts, Counts];
    t.diagnostic(`SIGKILL, TLS passed through: ${told(once)}; with one repetition: ${told(twice)}`);
    assert.ok(once.worst <= 1, `of one client: ${told(once)}`);
    assert.equal(twice.failed, 0, told(twice));
    for (const counts of [once, twice]) assertResumed(counts);
  });
});

labSuite('two instances behind HAProxy, TLS ended there', ['haproxy'], () => {
  let bed: ReplicasBed;
  before(async () => {
    bed = await openReplicasBed('TLS ended at HAProxy', { listen: {} });
  });
  after(() => bed?.close());

  test('the documented configuration is clean; the client is the one HAProxy names, whatever the client claims', async () => {
    assert.equal(bed.complaints, '');
    const headers = { 'X-Forwarded-For': '192.0.2.66', Forwarded: 'for=192.0.2.66' };
    for (let n = 0; n < 6; n++) assert.equal((await ask(bed.ca, { localAddress: '127.0.71.77', headers })).status, 200);
    for (const name of ['ad1', 'ad2'] as const) {
      const addresses = exchanges(bed, name)
        .filter(({ path }) => !String(path).startsWith('/health/'))
        .map(({ address }) => address);
      assert.deepEqual([...new Set(addresses)], ['127.0.71.77'], name);
    }
  });

  test('domain controllers lost: the other instance is asked, then both from memory; nothing fails', async (t) => {
    const counts = await outage(bed, t, ['ad1', 'ad2']);
    assert.equal(counts.failed, 0, told(counts));
  });

  test('one drained, stopped, started with workers, these exchanged, the other killed under load: no request fails', async (t) => {
    const load = keepAsking(bed.ca, CLIENTS);
    t.after(() => load.stop());
    await sleep(500);
    await setMemberState(bed.runtime, 'ad2', 'drain');
    await sleep(200);
    const from = bed.instance('ad2').log.length;
    await sleep(500);
    const later = exchanges(bed, 'ad2', from).filter(({ path }) => path === POX_PATH);
    assert.deepEqual(later, [], 'a drained instance is asked nothing');
    await setMemberState(bed.runtime, 'ad2', 'ready');
    await sleep(200);
    assert.equal(await bed.instance('ad1').stop(), 0);
    await bed.start('ad1', 2);
    bed.instance('ad1').child.kill('SIGHUP');
    await bed.instance('ad1').line(({ msg }) => msg === 'exchange of workers ended');
    const before = load.counts.done;
    bed.instance('ad2').child.kill('SIGKILL');
    await sleep(1500);
    const counts = await load.stop();
    t.diagnostic(`drain, SIGTERM, exchange of workers, SIGKILL, TLS ended: ${told(counts)}`);
    assert.ok(counts.done > before);
    assert.equal(counts.failed, 0, told(counts));
  });
});
