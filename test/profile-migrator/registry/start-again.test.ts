import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChildResult, ProcessRunner } from '../../../src/profile-migrator/registry/child-process.ts';
import { startingAgain } from '../../../src/profile-migrator/registry/start-again.ts';

const REG = 'C:\\Windows\\System32\\reg.exe';
const failed = (reason: string | undefined): ChildResult => ({
  outcome: 'missing',
  exitCode: undefined,
  stdout: '',
  stderr: '',
  ...(reason === undefined ? {} : { reason }),
});
const ended = (exitCode: number): ChildResult => ({ outcome: 'exited', exitCode, stdout: 'out', stderr: '' });

/** Runs `reg import` over the given results of successive starts. */
async function importOver(...results: readonly ChildResult[]) {
  const starts: unknown[] = [];
  const pauses: number[] = [];
  const notes: string[] = [];
  const runner: ProcessRunner = {
    run: async (...call) => {
      starts.push(call);
      return results[starts.length - 1] ?? assert.fail('one start too many');
    },
  };
  const again = startingAgain(runner, {
    pause: async (milliseconds) => void pauses.push(milliseconds),
    note: (text) => notes.push(text),
  });
  const options = { timeoutMs: 1000, survives: true };
  const result = await again.run(REG, ['import', 'x.reg'], options);
  for (const call of starts) assert.deepEqual(call, [REG, ['import', 'x.reg'], options]);
  return { result, starts: starts.length, pauses: pauses.length, notes };
}

test('a program that could not be started for a passing reason is started once more, and that is told', async () => {
  for (const reason of ['UNKNOWN', 'EAGAIN', 'EBUSY', 'ENOMEM', 'ETXTBSY']) {
    const { result, starts, pauses, notes } = await importOver(failed(reason), ended(0));
    assert.deepEqual([result, starts, pauses], [ended(0), 2, 1], reason);
    assert.deepEqual(notes, [`reg.exe could not be started (${reason}) and was started once more, 1 s later`]);
  }
});

test('it is started twice at most', async () => {
  const { result, starts, notes } = await importOver(failed('UNKNOWN'), failed('EAGAIN'));
  assert.deepEqual([result, starts], [failed('EAGAIN'), 2]);
  assert.deepEqual(notes, ['reg.exe could not be started (UNKNOWN), nor 1 s later (EAGAIN)']);
});

test('what would fail again is not tried again, and what has run is never run again', async () => {
  const results: readonly ChildResult[] = [
    ...['ENOENT', 'EACCES', 'EPERM', 'E2BIG', undefined].map(failed),
    ended(0),
    ended(1),
    { ...ended(0), exitCode: undefined }, // killed
    { ...ended(0), outcome: 'timeout' },
    { ...ended(0), outcome: 'flooded' },
  ];
  for (const result of results) assert.deepEqual(await importOver(result), { result, starts: 1, pauses: 0, notes: [] });
});
