// Refusals leave at ticks, whenever they were ready, in the order in which their requests came.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Departures, TICK_MS, tickAt } from '../../../src/autodiscover/server/departures.ts';

test('the tick of a time', () => {
  assert.deepEqual([0, 0.1, TICK_MS - 0.001, TICK_MS, TICK_MS + 0.001].map(tickAt), [
    0,
    TICK_MS,
    TICK_MS,
    TICK_MS,
    2 * TICK_MS,
  ]);
});

test('nobody leaves before his tick, and all of one tick leave together, in the order in which they came', async () => {
  const departures = new Departures();
  const now = performance.now();
  const due = tickAt(now + 2 * TICK_MS) - 5;
  const left: { readonly name: string; readonly at: number }[] = [];
  const wait = async (name: string, began: number, until: number) => {
    await departures.wait(began, until);
    left.push({ name, at: performance.now() });
  };
  const first = wait('second', now + 0.2, due);
  await sleep(3);
  const others = [wait('first', now + 0.1, due + 3), wait('third', now + 0.3, due + 5), wait('later', now, due + 5.1)];
  await Promise.all([first, ...others]);
  assert.deepEqual(
    left.map(({ name }) => name),
    ['first', 'second', 'third', 'later'],
  );
  for (const { name, at } of left) assert.ok(at >= tickAt(due) + (name === 'later' ? TICK_MS : 0), name);
});

test('a time that has passed keeps nobody', async () => {
  const now = performance.now();
  await new Departures().wait(now - 100, now - 50);
});
