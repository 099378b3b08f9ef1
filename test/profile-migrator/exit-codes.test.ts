import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodeHelp, exitCodeOf, type Outcome } from '../../src/profile-migrator/exit-codes.ts';

test('one source', () => {
  const table: readonly (readonly [Outcome, number, number])[] = [
    ['done', 0, 0],
    ['changes-pending', 3, 3],
    ['usage', 2, 87],
    ['retry-later', 1, 1618],
    ['access-denied', 1, 5],
    ['nothing-to-roll-back', 1, 1605],
    ['state-unclear', 1, 1603],
    ['failed', 1, 1],
  ];
  for (const [outcome, posix, windows] of table) {
    assert.equal(exitCodeOf([outcome], 'posix'), posix, outcome);
    assert.equal(exitCodeOf([outcome], 'windows'), windows, outcome);
  }
});

test('several sources: the worst counts', () => {
  const table: readonly (readonly [readonly Outcome[], number])[] = [
    [[], 0], // nothing found is nothing to do
    [['done', 'retry-later'], 1618],
    [['retry-later', 'failed'], 1], // trying again would not cure the failure
    [['failed', 'access-denied'], 5],
    [['access-denied', 'state-unclear', 'done'], 1603],
    [['done', 'nothing-to-roll-back'], 0], // one user had nothing to roll back, the other one has been rolled back
    [['nothing-to-roll-back', 'nothing-to-roll-back'], 1605],
  ];
  for (const [outcomes, expected] of table) assert.equal(exitCodeOf(outcomes, 'windows'), expected, outcomes.join());
});

test('help lists each code once', () => {
  const codes = (text: string) => [...text.matchAll(/^ {2}(\d+)/gm)].map((match) => Number(match[1]));
  assert.deepEqual(codes(exitCodeHelp('windows')), [0, 1, 3, 5, 87, 1603, 1605, 1618]);
  assert.deepEqual(codes(exitCodeHelp('posix')), [0, 1, 2, 3]);
});
