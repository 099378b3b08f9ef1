// How many guesses at other workers' memories a name and an address get.
import assert from 'node:assert/strict';
import test from 'node:test';
import { RecallBudget } from '../../../src/autodiscover/workers/recall-budget.ts';

function scene(options: { perName?: number; perAddress?: number } = {}) {
  const clock = { now: 0 };
  const budget = new RecallBudget({
    perName: 2,
    perAddress: 4,
    windowMs: 1000,
    exempt: (address) => address === '198.51.100.1',
    now: () => clock.now,
    ...options,
  });
  /** Whether it may be asked; the answer is that nobody knows. */
  const guess = async (name: string, address: string, known = false) => {
    const leave = await budget.enter(name, address);
    leave?.(known);
    return leave !== undefined;
  };
  return { budget, guess, clock };
}

test('a name is asked about so often within the window, under all its spellings and from wherever', async () => {
  const { guess, clock } = scene();
  assert.deepEqual(
    [await guess('alice', 'a'), await guess('CONTOSO\\ALICE', 'b'), await guess('alice@contoso.test', 'c')],
    [true, true, false],
  );
  assert.equal(await guess('bob', 'a'), true);
  clock.now = 999;
  assert.equal(await guess('alice', 'd'), false);
  clock.now = 1000;
  assert.equal(await guess('alice', 'd'), true);
});

test('an address asks about so many names, a whole IPv6 network as one, and one that is exempt about all', async () => {
  const { guess } = scene();
  for (let n = 0; n < 10; n++) {
    assert.equal(await guess(`a${n}`, `2001:db8::${n}`), n < 4);
    assert.equal(await guess(`b${n}`, '198.51.100.1'), true);
  }
  const uncounted = scene({ perAddress: 0 });
  for (let n = 0; n < 10; n++) assert.equal(await uncounted.guess(`a${n}`, '192.0.2.1'), true);
});

test('what is known costs nothing', async () => {
  const { guess } = scene();
  for (let n = 0; n < 10; n++) assert.equal(await guess('alice', '192.0.2.1', true), true);
});

test('guesses sent together are no more than those sent one after the other', async () => {
  const { budget } = scene();
  const first = await Promise.all([budget.enter('alice', 'a'), budget.enter('alice', 'b')]);
  const third = budget.enter('alice', 'c');
  first[0]?.(false);
  first[1]?.(true);
  (await third)?.(false);
  assert.equal(await budget.enter('alice', 'd'), undefined);
});
