import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { EvenTime, Slowest, untilBeat } from '../../../src/autodiscover/server/even-time.ts';

const ROWS: readonly (readonly [number, number])[] = [
  [0, 50],
  [0.4, 50],
  [3.7, 47],
  [49.2, 1],
  [50, 50],
  [120.5, 30],
];
for (const [elapsed, wait] of ROWS) {
  test(`after ${elapsed} ms the beat of 50 ms is ${wait} ms away`, () => assert.equal(untilBeat(elapsed, 50), wait));
}

test('before anything was judged refusals leave on the next beat', () => {
  const time = new EvenTime();
  assert.deepEqual([time.wait(3), time.wait(60)], [47, 40]);
});

test('a name nobody has leaves with the slowest wrong password, and so does what was refused without asking', () => {
  const time = new EvenTime();
  time.note('wrong-password', 90);
  for (const elapsed of [2, 49, 90, 112]) assert.equal(elapsed + time.wait(elapsed), 150);
  assert.equal(time.wait(151), 49);
});

test('a flood of names nobody has, or of budgets that are spent, does not make it forgotten', () => {
  const time = new EvenTime();
  time.note('wrong-password', 90);
  for (let n = 0; n < 5000; n++) time.note(n % 2 ? 'no-account' : 'account-budget', 2);
  assert.equal(time.wait(2), 148);
  for (let n = 0; n < 1000; n++) time.note(n % 2 ? 'wrong-password' : 'locked-out', 3);
  assert.equal(time.wait(2), 48);
});

test('nobody waits for more than a second because something took longer', () => {
  const time = new EvenTime();
  time.note('wrong-password', 8000);
  assert.deepEqual([time.wait(2), time.wait(1000)], [998, 50]);
});

test('refusals of any two durations that were seen before leave at the same time', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 780, noNaN: true }), { minLength: 1, maxLength: 50 }),
      (durations) => {
        const time = new EvenTime();
        for (const [n, ms] of durations.entries()) time.note(n % 2 ? 'no-account' : 'disabled', ms);
        // Timers count whole milliseconds.
        const leaves = new Set(durations.map((ms) => Math.floor(ms + time.wait(ms) - 0.001)));
        const all = [...leaves];
        assert.ok(Math.max(...all) - Math.min(...all) <= 1, String(all));
      },
    ),
  );
});

test('the slowest of the last ones is kept', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 40 }), (numbers) => {
      const slowest = new Slowest(5);
      for (const [at, number] of numbers.entries()) {
        slowest.add(number);
        assert.equal(slowest.value, Math.max(...numbers.slice(Math.max(0, at - 4), at + 1)));
      }
    }),
  );
});
