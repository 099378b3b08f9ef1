import assert from 'node:assert/strict';
import test from 'node:test';
import { userAt } from './load.ts';
import { readCommandLine, UsageError } from './options.ts';

test('parts and flags in any order', () => {
  const { parts, options, jsonFile } = readCommandLine([
    'storm',
    '--quick',
    '--json',
    'x.json',
    'soak',
    '--minutes=2.5',
  ]);
  assert.deepEqual([parts, jsonFile], [['storm', 'soak'], 'x.json']);
  assert.deepEqual(
    [options.quick, options.profile, options.rounds, options.minutes, options.only],
    [true, false, undefined, 2.5, undefined],
  );
});

const bad: readonly (readonly [readonly string[], RegExp])[] = [
  [['--slow'], /--slow/],
  [['--rounds'], /--rounds/],
  [['--rounds', 'many'], /--rounds must be a number above 0, not "many"/],
  [['--minutes', '0'], /--minutes/],
];
for (const [arguments_, message] of bad) {
  test(`refused: ${arguments_.join(' ')}`, () => {
    assert.throws(
      () => readCommandLine(arguments_),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

test('a load goes round its users', () => {
  const users = { distinct: 4, stride: 50, population: 200 };
  assert.deepEqual(
    [0, 1, 2, 3, 4, 9].map((n) => userAt({ users }, n)),
    [0, 50, 100, 150, 0, 50],
  );
  // A step that has no divisor in common with the population meets everybody before anybody again.
  const all = { distinct: 1000, stride: 7919, population: 1000 };
  assert.equal(new Set(Array.from({ length: 1000 }, (_, n) => userAt({ users: all }, n))).size, 1000);
});
