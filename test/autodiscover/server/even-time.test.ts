import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { EvenTime, nextBeat, Slowest } from '../../../src/autodiscover/server/even-time.ts';

const ROWS: readonly (readonly [number, number])[] = [
  [0, 50],
  [0.4, 50],
  [3.7, 50],
  [49.2, 50],
  [50, 100],
  [120.5, 150],
];
for (const [elapsed, beat] of ROWS) {
  test(`the beat of 50 ms after ${elapsed} ms is at ${beat}`, () => assert.equal(nextBeat(elapsed, 50), beat));
}

test('before anything was judged refusals leave on the next beat', () => {
  const time = new EvenTime();
  assert.deepEqual([time.due(3), time.due(60)], [50, 100]);
});

test('a name nobody has leaves with the slowest wrong password, and so does what was refused without asking', () => {
  const time = new EvenTime();
  time.note('wrong-password', 90);
  for (const elapsed of [2, 49, 90, 112]) assert.equal(time.due(elapsed), 150);
  assert.equal(time.due(151), 200);
});

test('a flood of names nobody has, or of budgets that are spent, does not make it forgotten', () => {
  const time = new EvenTime();
  time.note('wrong-password', 90);
  for (let n = 0; n < 5000; n++) time.note(n % 2 ? 'no-account' : 'account-budget', 2);
  assert.equal(time.due(2), 150);
  for (let n = 0; n < 1000; n++) time.note(n % 2 ? 'wrong-password' : 'locked-out', 3);
  assert.equal(time.due(2), 50);
});

test('nobody waits for more than a second because something took longer', () => {
  const time = new EvenTime();
  time.note('wrong-password', 8000);
  assert.deepEqual([time.due(2), time.due(1000)], [1000, 1050]);
});

test('refusals of any two durations that were seen before leave at the same time', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 780, noNaN: true }), { minLength: 1, maxLength: 50 }),
      (durations) => {
        const time = new EvenTime();
        for (const [n, ms] of durations.entries()) time.note(n % 2 ? 'no-account' : 'disabled', ms);
        assert.equal(new Set(durations.map((ms) => time.due(ms))).size, 1);
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
