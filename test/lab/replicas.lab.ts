// Two instances behind HAProxy, as docs/deployment.md configures them: what clients notice when one is drained, stopped, exchanged, killed.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setMemberState } from '../../src/admin/balancer/maintenance.ts';
import { ask, BALANCER, type Counts, HOST, keepAsking, openReplicasBed, type ReplicasBed } from './replicas-bed.ts';
import { labSuite } from './requirements.ts';

const CLIENTS = 8;

const told = ({ done, failed, returned, resumed, faults }: Counts) =>
  `${done} answered, ${failed} failed (${[...new Set(faults)].join(', ') || 'none'}), ` +
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
        .filter(({ path }) => path !== '/health/ready')
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

  test('killed under load: what was connected to it is lost once, nothing else', async (t) => {
    const load = keepAsking(bed.ca, CLIENTS);
    await sleep(500);
    bed.instance('ad2').child.kill('SIGKILL');
    await sleep(1500);
    const counts = await load.stop();
    t.diagnostic(`SIGKILL, TLS passed through: ${told(counts)}`);
    assert.ok(counts.failed <= CLIENTS, 'at most one request of each client');
    assertResumed(counts);
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
        .filter(({ path }) => path !== '/health/ready')
        .map(({ address }) => address);
      assert.deepEqual([...new Set(addresses)], ['127.0.71.77'], name);
    }
  });

  test('one stopped, started again, the other killed under load: no request fails', async (t) => {
    const load = keepAsking(bed.ca, CLIENTS);
    await sleep(500);
    assert.equal(await bed.instance('ad1').stop(), 0);
    await bed.start('ad1');
    const before = load.counts.done;
    bed.instance('ad2').child.kill('SIGKILL');
    await sleep(1500);
    const counts = await load.stop();
    t.diagnostic(`SIGTERM, start, SIGKILL, TLS ended: ${told(counts)}`);
    assert.ok(counts.done > before);
    assert.equal(counts.failed, 0, told(counts));
  });
});
