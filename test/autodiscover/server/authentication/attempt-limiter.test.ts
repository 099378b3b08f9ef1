import assert from 'node:assert/strict';
import test from 'node:test';
import { AttemptLimiter, type Leave } from '../../../../src/autodiscover/server/authentication/attempt-limiter.ts';
import { FailureBudget } from '../../../../src/autodiscover/server/authentication/failure-budget.ts';

function limiter(failures: number, { maxWaiting = 100, clears = true } = {}) {
  const budget = new FailureBudget({ failures, windowMs: 1000, windowFrom: 'last', maxEntries: 100, now: () => 0 });
  return { budget, attempts: new AttemptLimiter(budget, { maxWaiting, clears }) };
}

test('a hundred wrong guesses sent together fail no more often than the budget allows', async () => {
  const { attempts } = limiter(3);
  let failed = 0;
  const guess = async () => {
    const entered = await attempts.enter('alice');
    if (typeof entered === 'string') return entered;
    await new Promise((resolve) => setImmediate(resolve));
    failed += 1;
    entered('failed');
    return 'failed';
  };
  const outcomes = await Promise.all(Array.from({ length: 100 }, guess));
  assert.equal(failed, 3);
  assert.equal(outcomes.filter((outcome) => outcome === 'spent').length, 97);
  assert.equal(attempts.size, 0);
});

test('a hundred right passwords sent together all come through, a few at a time', async () => {
  const { attempts } = limiter(3);
  let [running, most, done] = [0, 0, 0];
  const logOn = async () => {
    const entered = await attempts.enter('alice');
    assert.ok(typeof entered !== 'string');
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    done += 1;
    entered('succeeded');
  };
  await Promise.all(Array.from({ length: 100 }, logOn));
  assert.deepEqual([most, done], [3, 100]);
});

test('an attempt nobody judged costs nothing', async () => {
  const { budget, attempts } = limiter(1);
  for (let i = 0; i < 5; i++) ((await attempts.enter('alice')) as Leave)('unjudged');
  assert.equal(budget.remaining('alice'), 1);
});

test('only so many wait for one key', async () => {
  const { attempts } = limiter(1, { maxWaiting: 2 });
  const leave = (await attempts.enter('alice')) as Leave;
  const waiting = [attempts.enter('alice'), attempts.enter('alice')];
  assert.equal(await attempts.enter('alice'), 'crowded');
  assert.equal(typeof (await attempts.enter('bob')), 'function');
  leave('failed');
  assert.deepEqual(await Promise.all(waiting), ['spent', 'spent']);
});

test('a success clears the key only where it is told to', async () => {
  for (const clears of [true, false]) {
    const { budget, attempts } = limiter(3, { clears });
    ((await attempts.enter('alice')) as Leave)('failed');
    ((await attempts.enter('alice')) as Leave)('succeeded');
    assert.equal(budget.remaining('alice'), clears ? 3 : 2);
  }
});

test('an own allowance is asked only where the budget leaves no room, and then lets in so many more', async () => {
  const { attempts } = limiter(2);
  let asked = 0;
  const allowance = () => {
    asked += 1;
    return 3;
  };
  for (const expected of [0, 0, 1]) {
    const entered = await attempts.enter('alice', allowance);
    assert.ok(typeof entered !== 'string');
    entered('failed');
    assert.equal(asked, expected);
  }
  assert.equal(await attempts.enter('alice', allowance), 'spent');
  assert.equal(await attempts.enter('alice'), 'spent');
});
