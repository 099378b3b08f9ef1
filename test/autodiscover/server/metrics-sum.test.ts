// Metrics of several workers as one: sums, the worst of what cannot be added, and counters that never fall.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { refusedRequestsCounter } from '../../../src/autodiscover/server/metrics.ts';
import { MetricsSum } from '../../../src/autodiscover/server/metrics-sum.ts';

function worker(id: number) {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({ name: 'requests_total', help: 'r', labelNames: ['status'], registers });
  const seconds = new Histogram({ name: 'seconds', help: 's', buckets: [1], registers });
  const waiting = new Gauge({ name: 'waiting', help: 'w', registers });
  const up = new Gauge({ name: 'up', help: 'u', aggregator: 'min', registers });
  return { id, requests, seconds, waiting, up, read: () => registry.getMetricsAsJSON() };
}

function sumOf(workers: { id: number; read: () => ReturnType<Registry['getMetricsAsJSON']> }[]) {
  const sum = new MetricsSum({
    configured: 3,
    workers: () => workers,
    guard: () => ({ names: 3, accounts: 2, addresses: 1, known: 0 }),
  });
  const read = async () => {
    const lines = (await sum.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.replace(/ \S+$/, ''), Number(line.split(' ').at(-1))]));
  };
  return { sum, read };
}

test('counters, histograms and gauges are added up; of the others the worst counts', async () => {
  const [one, two] = [worker(1), worker(2)];
  const { read } = sumOf([one, two]);
  one.requests.inc({ status: '200' }, 3);
  two.requests.inc({ status: '200' }, 4);
  two.requests.inc({ status: '503' });
  one.seconds.observe(0.5);
  two.seconds.observe(2);
  one.waiting.set(5);
  two.waiting.set(6);
  one.up.set(1);
  two.up.set(0);
  const text = await read();
  assert.deepEqual(
    ['requests_total{status="200"}', 'requests_total{status="503"}', 'waiting', 'up'].map((name) => text.get(name)),
    [7, 1, 11, 0],
  );
  assert.deepEqual(
    [text.get('seconds_count'), text.get('seconds_bucket{le="1"}'), text.get('seconds_sum')],
    [2, 1, 2.5],
  );
  assert.equal(text.get('autodiscover_workers'), 2);
  assert.equal(text.get('autodiscover_workers_configured'), 3);
  assert.equal(text.get('autodiscover_failure_counts{kind="accounts"}'), 2);
  assert.ok((text.get('process_resident_memory_bytes') ?? 0) > 1_000_000);
});

test('what was refused at the listener of the metrics counts with what the workers refused', async () => {
  const registry = new Registry();
  refusedRequestsCounter([registry]).inc({ refusal: 'broken' }, 2);
  const { sum, read } = sumOf([{ id: 1, read: () => registry.getMetricsAsJSON() }]);
  sum.refusedRequest('broken');
  assert.equal((await read()).get('autodiscover_refused_requests_total{refusal="broken"}'), 3);
});

test('what an ended worker counted stays, what it measured goes', async () => {
  const workers = [worker(1), worker(2)];
  const [one, two] = workers as [ReturnType<typeof worker>, ReturnType<typeof worker>];
  const { sum, read } = sumOf(workers);
  for (const each of workers) {
    each.requests.inc({ status: '200' }, 10);
    each.seconds.observe(0.5);
    each.waiting.set(5);
    each.up.set(1);
  }
  assert.equal((await read()).get('requests_total{status="200"}'), 20);
  // The first dies: what was last read of it counts. The second leaves with its last words.
  workers.splice(0, 1);
  sum.ended(one.id);
  sum.restarted();
  two.requests.inc({ status: '200' }, 7);
  sum.keep(two.id, await two.read());
  workers.splice(0, 1);
  sum.ended(two.id);
  const fresh = worker(3);
  workers.push(fresh);
  fresh.up.set(1);
  for (let times = 0; times < 3; times++) {
    const text = await read();
    assert.equal(text.get('requests_total{status="200"}'), 27);
    assert.equal(text.get('seconds_count'), 2);
    assert.equal(text.get('waiting'), 0);
    assert.equal(text.get('up'), 1);
    assert.equal(text.get('autodiscover_worker_restarts_total'), 1);
  }
});

test('a worker that cannot be read counts with what it said last', async () => {
  const one = worker(1);
  let broken = false;
  const { read } = sumOf([{ id: 1, read: () => (broken ? Promise.reject(new Error('gone')) : one.read()) }]);
  one.requests.inc({ status: '200' }, 2);
  await read();
  broken = true;
  assert.equal((await read()).get('requests_total{status="200"}'), 2);
});
