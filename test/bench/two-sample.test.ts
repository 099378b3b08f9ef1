import assert from 'node:assert/strict';
import test from 'node:test';
import { seededRandom } from '../helpers/mutation.ts';
import { compare, median } from './two-sample.ts';

const sample = (seed: number, shift: number, stretch = 1): number[] => {
  const random = seededRandom(seed);
  return Array.from({ length: 2000 }, () => shift + stretch * -Math.log(1 - random()));
};

test('samples of one distribution are not told apart', () => {
  const { z, ks } = compare(sample(1, 0), sample(2, 0));
  assert.ok(Math.abs(z) < 3 && ks < 1.95, `${z} ${ks}`);
});

test('a shift of a tenth of the deviation is seen, with its direction', () => {
  const { z, ks } = compare(sample(1, 0.2), sample(2, 0));
  assert.ok(z > 4 && ks > 2, `${z} ${ks}`);
  assert.ok(compare(sample(2, 0), sample(1, 0.2)).z < -4);
});

test('a difference of shape alone is seen by the second statistic', () => {
  const wide = sample(1, -0.7, 2);
  assert.ok(compare(wide, sample(2, 0)).ks > 2.3);
});

test('the statistics of small samples, computed by hand', () => {
  // Ranks of a: 1, 2, 4 of 6; U = 7 - 6 = 1; variance 3*3*7/12.
  const { z, ks } = compare([1, 2, 4], [3, 5, 6]);
  assert.ok(Math.abs(z - (1 - 4.5) / Math.sqrt(5.25)) < 1e-12);
  assert.ok(Math.abs(ks - (2 / 3) * Math.sqrt(1.5)) < 1e-12);
  assert.deepEqual(compare([1, 1], [1, 1]), { z: 0, ks: 0 });
  assert.deepEqual([median([3, 1, 2]), median([4, 1, 2, 3])], [2, 2.5]);
});
