import assert from 'node:assert/strict';
import test from 'node:test';
import { percentile, ratios, slope, spread } from './statistics.ts';

test('the ratio is taken within each round', () => {
  // The machine was four times as slow in the second round.
  assert.deepEqual(ratios([2, 8, 3], [1, 4, 2]), { median: 2, min: 1.5, max: 2 });
  assert.throws(() => ratios([1, 2], [1]), /2 rounds against 1/);
  assert.throws(() => spread([]), /nothing/);
});

test('percentiles by nearest rank', () => {
  const hundred = Float64Array.from({ length: 100 }, (_, n) => n + 1);
  assert.deepEqual(
    [0, 0.5, 0.99, 1].map((p) => percentile(hundred, p)),
    [1, 50, 99, 100],
  );
  assert.equal(percentile([7], 0.99), 7);
});

test('the slope of a line, and of points around one', () => {
  const line = [0, 1, 2, 3].map((x) => ({ x, y: 5 - 2 * x }));
  assert.deepEqual(slope(line), { slope: -2, error: 0 });
  // By hand: means 1 and 1; sum (x-1)(y-1) = 0.5 * 2; rest 1.5 over one degree of freedom and a square sum of 2.
  const { slope: rise, error } = slope([
    { x: 0, y: 0 },
    { x: 1, y: 2 },
    { x: 2, y: 1 },
  ]);
  assert.ok(Math.abs(rise - 0.5) < 1e-12);
  assert.ok(Math.abs(error - Math.sqrt(0.75)) < 1e-12);
  assert.throws(() => slope(line.slice(2)), /three points/);
});
