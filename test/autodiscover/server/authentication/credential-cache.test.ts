// What is remembered of credential checks, for how long, and that one check serves all who wait for it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import { CredentialCache, type Keeping } from '../../../../src/autodiscover/server/authentication/credential-cache.ts';

const KEEPING: Readonly<Record<string, Keeping>> = { yes: 'accepted', no: 'rejected', outage: 'outage' };

function scene(options: { acceptedMs?: number; rejectedMs?: number; outageMs?: number; maxEntries?: number } = {}) {
  let now = 0;
  let checks = 0;
  const cache = new CredentialCache<string>({
    acceptedMs: 100,
    rejectedMs: 10,
    maxEntries: 3,
    now: () => now,
    ...options,
  });
  const check = (name: string, password: string, outcome = 'yes') =>
    cache.check(
      name,
      password,
      async () => {
        checks += 1;
        return outcome;
      },
      (value) => KEEPING[value] ?? 'no',
    );
  return { cache, check, count: () => checks, pass: (ms: number) => (now += ms) };
}

test('an accepted credential is remembered for its time', async () => {
  const { check, count, pass } = scene();
  await check('a', 'p');
  pass(99);
  assert.equal(await check('a', 'p'), 'yes');
  assert.equal(count(), 1);
  pass(1);
  await check('a', 'p');
  assert.equal(count(), 2);
});

test('a refused one for its own time', async () => {
  const { check, count, pass } = scene();
  await check('a', 'p', 'no');
  pass(9);
  assert.equal(await check('a', 'p', 'yes'), 'no');
  pass(1);
  assert.equal(await check('a', 'p', 'yes'), 'yes');
  assert.equal(count(), 2);
});

test('ages of what was given from memory are added up, and who is let in for want of a directory is counted', async () => {
  const { cache, check, pass } = scene({ outageMs: 1000 });
  await check('a', 'p');
  await check('b', 'p', 'no');
  pass(5);
  await check('a', 'p');
  await check('b', 'p');
  pass(40);
  await check('a', 'p');
  assert.deepEqual([cache.hits, cache.hitAgeMs, cache.stale], [3, 5 + 5 + 45, 0]);
  pass(100);
  assert.equal(await check('a', 'p', 'outage'), 'yes');
  assert.equal(await check('c', 'p', 'outage'), 'outage');
  assert.deepEqual([cache.hits, cache.stale], [3, 1]);
});

test('what could not be judged is not remembered', async () => {
  const { check, count } = scene();
  await check('a', 'p', 'unavailable');
  assert.equal(await check('a', 'p'), 'yes');
  assert.equal(count(), 2);
});

test('time 0 remembers nothing', async () => {
  const { check, count } = scene({ acceptedMs: 0 });
  await check('a', 'p');
  await check('a', 'p');
  assert.equal(count(), 2);
});

test('another password, another name, and another split of both are other credentials', async () => {
  const { check, count } = scene({ maxEntries: 10 });
  for (const [name, password] of [
    ['a', 'p'],
    ['a', 'q'],
    ['b', 'p'],
    ['ap', ''],
    ['', 'ap'],
    ['A', 'p'],
  ] as const) {
    await check(name, password);
  }
  assert.equal(count(), 6);
});

test('those who come while a check runs wait for it', async () => {
  const { check, count } = scene();
  assert.deepEqual(await Promise.all([check('a', 'p'), check('a', 'p'), check('a', 'p')]), ['yes', 'yes', 'yes']);
  assert.equal(count(), 1);
});

test('a check that fails fails for all who wait, and is not remembered', async () => {
  const cache = new CredentialCache<string>({ acceptedMs: 9, rejectedMs: 9, maxEntries: 9, now: () => 0 });
  const failing = () =>
    cache.check(
      'a',
      'p',
      async () => assert.fail('broken'),
      () => 'accepted',
    );
  for (const outcome of await Promise.allSettled([failing(), failing()])) assert.equal(outcome.status, 'rejected');
  assert.equal(
    await cache.check(
      'a',
      'p',
      async () => 'yes',
      () => 'accepted',
    ),
    'yes',
  );
});

test('guesses push no good password out', async () => {
  const { cache, check, count } = scene({ maxEntries: 20 });
  await check('a', 'p');
  for (let guess = 0; guess < 100; guess++) await check('a', `guess ${guess}`, 'no');
  assert.equal(cache.size, 1 + 2);
  assert.equal(await check('a', 'p'), 'yes');
  assert.equal(count(), 101);
});

test('a password that was good and is refused is forgotten, and the other way round', async () => {
  const { check, pass } = scene({ acceptedMs: 5, rejectedMs: 50 });
  await check('a', 'p', 'yes');
  pass(5);
  assert.equal(await check('a', 'p', 'no'), 'no');
  assert.equal(await check('a', 'p', 'yes'), 'no');
  pass(50);
  assert.equal(await check('a', 'p', 'yes'), 'yes');
  assert.equal(await check('a', 'p', 'no'), 'yes');
});

test('never more entries than allowed: the oldest goes', async () => {
  const { cache, check, count } = scene();
  for (const name of ['a', 'b', 'c', 'd']) await check(name, 'p');
  assert.equal(cache.size, 3);
  await check('d', 'p');
  await check('b', 'p');
  assert.equal(count(), 4);
  await check('a', 'p');
  assert.equal(count(), 5);
});

test('no password is to be found in it', async () => {
  const { cache, check } = scene();
  await check('alice', 'a-very-secret-word');
  assert.doesNotMatch(inspect(cache, { showHidden: true, depth: 9 }), /a-very-secret-word/);
});

describe('what another process knows of a credential', () => {
  /** Two caches under one secret, whose clocks began at different times; refusals are told as undefined. */
  function pair(options: { outageMs?: number; secret?: string } = {}) {
    let passed = 0;
    const open = (began: number, secret: string) =>
      new CredentialCache<string>({
        acceptedMs: 100,
        rejectedMs: 10,
        outageMs: 1000,
        maxEntries: 10,
        now: () => began + passed,
        ...options,
        secret,
      });
    const [here, there] = [open(7, 'secret'), open(1_000_000, options.secret ?? 'secret')];
    const judge = (cache: CredentialCache<string>, password: string, outcome: string) =>
      cache.check(
        'a',
        password,
        async () => outcome,
        (value) => KEEPING[value] ?? 'no',
      );
    const learn = (password: string) =>
      here.learn('a', password, async (digest) => {
        const known = there.recall(digest);
        return known && { value: known.value === 'no' ? undefined : known.value, ageMs: known.ageMs };
      });
    return { here, there, judge, learn, pass: (ms: number) => (passed += ms) };
  }

  test('counts where exactly this one was accepted, and is remembered at the age that it has', async () => {
    const { here, there, judge, learn, pass } = pair();
    await judge(there, 'p', 'yes');
    pass(600);
    assert.equal(await learn('q'), undefined);
    assert.equal(await learn('p'), 'yes');
    assert.equal(here.stale, 1);
    pass(399);
    assert.equal(await judge(here, 'p', 'outage'), 'yes');
    pass(1);
    assert.equal(await judge(here, 'p', 'outage'), 'outage');
    assert.equal(await learn('p'), undefined);
    assert.deepEqual([here.size, there.size], [0, 1]);
  });

  test('says nothing under another secret', async () => {
    const { there, judge, learn } = pair({ secret: 'another' });
    await judge(there, 'p', 'yes');
    assert.equal(await learn('p'), undefined);
  });

  test('does not outweigh that it was refused later, there or here', async () => {
    const { here, there, judge, learn, pass } = pair();
    await judge(there, 'p', 'yes');
    pass(500);
    await judge(here, 'p', 'no');
    pass(400);
    assert.equal(await judge(here, 'p', 'outage'), 'outage');
    assert.equal(await learn('p'), undefined);
    await judge(there, 'p', 'no');
    pass(90);
    await judge(there, 'p', 'outage');
    assert.equal(await learn('p'), undefined);
    await judge(there, 'p', 'yes');
    assert.equal(await learn('p'), 'yes', 'the newest counts');
  });

  test('is not asked for where nothing is remembered for an outage, and does not make what is known here older', async () => {
    const { here, there, judge, learn, pass } = pair();
    await judge(there, 'p', 'yes');
    pass(50);
    await judge(here, 'p', 'yes');
    assert.equal(await learn('p'), 'yes');
    pass(960);
    assert.equal(await judge(here, 'p', 'outage'), 'yes');
    const forgetful = new CredentialCache<string>({ acceptedMs: 0, rejectedMs: 0, maxEntries: 1, now: () => 0 });
    await forgetful.learn('a', 'p', () => assert.fail('asked'));
  });
});
