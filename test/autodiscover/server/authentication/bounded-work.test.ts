import assert from 'node:assert/strict';
import test from 'node:test';
import { BoundedWork } from '../../../../src/autodiscover/server/authentication/bounded-work.ts';

test('so much runs, so much waits in order, the rest is turned away at once', async () => {
  const work = new BoundedWork({ running: 2, waiting: 2, waitMs: 60_000 });
  const order: number[] = [];
  const gates: (() => void)[] = [];
  const task = (n: number) => () =>
    new Promise<number>((resolve) => {
      order.push(n);
      gates.push(() => resolve(n));
    });
  const results = [1, 2, 3, 4, 5].map((n) => work.run(task(n)));
  assert.equal(await results[4], 'busy');
  assert.deepEqual([order, work.running, work.waiting], [[1, 2], 2, 2]);
  for (let turn = 0; turn < 4; turn++) {
    gates.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(await Promise.all(results), [1, 2, 3, 4, 'busy']);
  assert.deepEqual([order, work.running, work.waiting], [[1, 2, 3, 4], 0, 0]);
});

test('a task that throws gives its place back', async () => {
  const work = new BoundedWork({ running: 1, waiting: 1, waitMs: 60_000 });
  await assert.rejects(
    work.run(() => Promise.reject(new Error('broken'))),
    /broken/,
  );
  assert.equal(await work.run(async () => 'fine'), 'fine');
});

test('what waits too long is turned away and keeps no place', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const work = new BoundedWork({ running: 1, waiting: 5, waitMs: 1000 });
  let finish = () => {};
  const first = work.run(
    () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      }),
  );
  const second = work.run(async () => 'late');
  t.mock.timers.tick(1000);
  assert.equal(await second, 'busy');
  assert.equal(work.waiting, 0);
  finish();
  await first;
  assert.equal(work.running, 0);
});
