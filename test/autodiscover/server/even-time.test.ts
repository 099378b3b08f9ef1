import assert from 'node:assert/strict';
import test from 'node:test';
import { untilBeat } from '../../../src/autodiscover/server/even-time.ts';

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
