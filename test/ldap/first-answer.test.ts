// One question, several who may answer: who is asked, when, and whose answer counts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstAnswer } from '../../src/ldap/first-answer.ts';

class Refusal extends Error {}
class Vain extends Error {}

/** Candidates that answer when told to. */
function panel(count: number) {
  const asked: number[] = [];
  const ends = Array.from({ length: count }, () => Promise.withResolvers<string>());
  let hurryUp = () => {};
  const answer = firstAnswer(
    ends.map((_, at) => at),
    {
      ask: (at, hurry) => {
        asked.push(at);
        hurryUp = hurry;
        return (ends[at] as (typeof ends)[number]).promise;
      },
      meaning: (error) => (error instanceof Refusal ? 'answer' : error instanceof Vain ? 'vain' : 'next'),
    },
  );
  answer.catch(() => undefined);
  return {
    asked,
    answer,
    hurry: () => hurryUp(),
    tell: (at: number, value: string) => ends[at]?.resolve(value),
    fail: async (at: number, error: Error = new Error('no answer')) => {
      ends[at]?.reject(error);
      await settled();
    },
  };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('the first one answers: nobody else is asked', async () => {
  const { asked, answer, tell, hurry } = panel(2);
  tell(0, 'a');
  assert.deepEqual(await answer, { value: 'a' });
  hurry();
  assert.deepEqual(asked, [0]);
});

test('one after the other fails: the next is asked, and nobody twice', async () => {
  const { asked, answer, fail, tell } = panel(3);
  await fail(0);
  await fail(1);
  tell(2, 'c');
  assert.deepEqual(await answer, { value: 'c' });
  assert.deepEqual(asked, [0, 1, 2]);
});

test('all fail, or there is nobody: no answer', async () => {
  const { answer, fail } = panel(2);
  await fail(0);
  await fail(1);
  assert.equal(await answer, undefined);
  assert.equal(await panel(0).answer, undefined);
});

for (const error of [new Refusal(), new Vain()]) {
  test(`${error.constructor.name}: it is passed on, and nobody else is asked`, async () => {
    const { asked, answer, fail } = panel(2);
    await fail(0, error);
    await assert.rejects(answer, error);
    assert.deepEqual(asked, [0]);
  });
}

test('in a hurry one more is asked, and whoever answers first counts', async () => {
  for (const first of [0, 1]) {
    const { asked, answer, tell, fail, hurry } = panel(3);
    hurry();
    hurry();
    assert.deepEqual(asked, [0, 1]);
    tell(first, `from ${first}`);
    assert.deepEqual(await answer, { value: `from ${first}` });
    await fail(1 - first);
    assert.deepEqual(asked, [0, 1], 'nobody is asked for an answer that is there');
  }
});

test('while two are asked a failure asks the third, and only the last failure is none', async () => {
  const { asked, answer, tell, fail, hurry } = panel(3);
  hurry();
  await fail(1);
  assert.deepEqual(asked, [0, 1, 2]);
  await fail(2);
  tell(0, 'late');
  assert.deepEqual(await answer, { value: 'late' });
});

test('a refusal while another is asked is the answer, at once', async () => {
  for (const first of [0, 1]) {
    const { asked, answer, fail, hurry } = panel(3);
    hurry();
    await fail(first, new Refusal());
    await assert.rejects(answer, Refusal);
    await fail(1 - first);
    assert.deepEqual(asked, [0, 1]);
  }
});

test('a vain attempt while another is asked: he may answer, and nobody else is asked', async () => {
  for (const [vain, other] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const { asked, answer, tell, fail, hurry } = panel(3);
    hurry();
    await fail(vain, new Vain());
    hurry();
    tell(other, 'late');
    assert.deepEqual(await answer, { value: 'late' });
    assert.deepEqual(asked, [0, 1]);
  }
  const { asked, answer, fail, hurry } = panel(3);
  hurry();
  await fail(1, new Vain());
  await fail(0);
  await assert.rejects(answer, Vain);
  assert.deepEqual(asked, [0, 1]);
});

test('a hurry where nobody else is left', async () => {
  const { asked, answer, tell, hurry } = panel(1);
  hurry();
  assert.deepEqual(asked, [0]);
  tell(0, 'a');
  assert.deepEqual(await answer, { value: 'a' });
});
