// Ages, identity, sharing and doubt of remembered answers.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AgedCache } from '../../src/ldap/aged-cache.ts';
import { DirectoryError } from '../../src/ldap/errors.ts';

const AGES = { freshMs: 60, missingMs: 10, outageMs: 1000 };
const DOWN = new DirectoryError('unreachable', 'nobody answers');

type Person = { readonly name: string } | undefined;

function scene(maxEntries = 100) {
  let now = 0;
  let asked = 0;
  const staleAges: number[] = [];
  const cache = new AgedCache<Person>({
    ages: AGES,
    maxEntries,
    isMissing: (value) => value === undefined,
    isSame: (known, read) => known?.name === read?.name,
    now: () => now,
    onStale: (age) => void staleAges.push(age),
  });
  const get = (key: string, answer: Person | Error | 'nobody' = { name: key }) =>
    cache.get(key, async () => {
      asked += 1;
      if (answer instanceof Error) throw answer;
      return answer === 'nobody' ? undefined : answer;
    });
  return {
    cache,
    get,
    staleAges,
    pass: (ms: number) => {
      now += ms;
    },
    asked: () => asked,
  };
}

test('a young answer is given again, the same object; an old one is asked for', async () => {
  const { get, pass, asked, cache } = scene();
  const first = await get('alice');
  pass(59);
  assert.equal(await get('alice', { name: 'another' }), first);
  pass(1);
  assert.deepEqual(await get('alice', { name: 'another' }), { name: 'another' });
  assert.equal(asked(), 2);
  assert.deepEqual([cache.hits, cache.misses, cache.stale], [1, 2, 0]);
});

test('the ages of what was given from memory are added up', async () => {
  const { get, pass, cache } = scene();
  await get('alice');
  pass(20);
  await get('alice');
  await get('nobody', 'nobody');
  pass(5);
  await get('alice');
  await get('nobody', 'nobody');
  pass(100);
  await get('alice');
  assert.deepEqual([cache.hits, cache.hitAgeMs], [3, 20 + 25 + 5]);
});

test('an answer that says the same again is the same object, and young again', async () => {
  const { get, pass, asked } = scene();
  const first = await get('alice');
  pass(100);
  assert.equal(await get('alice', { name: 'alice' }), first);
  pass(59);
  assert.equal(await get('alice'), first);
  assert.equal(asked(), 2);
});

test('"nothing there" is remembered for a shorter time', async () => {
  const { get, pass, asked } = scene();
  assert.equal(await get('nobody', 'nobody'), undefined);
  pass(9);
  assert.equal(await get('nobody', 'nobody'), undefined);
  assert.equal(asked(), 1);
  pass(1);
  assert.deepEqual(await get('nobody', { name: 'new' }), { name: 'new' });
  pass(59);
  assert.deepEqual(await get('nobody', 'nobody'), { name: 'new' });
});

test('in an outage what is known is given up to its age; errors of other kinds are not hidden', async () => {
  const { get, pass, staleAges, cache } = scene();
  const first = await get('alice');
  await get('nobody', 'nobody');
  pass(999);
  assert.equal(await get('alice', DOWN), first);
  assert.equal(await get('nobody', DOWN), undefined);
  await assert.rejects(get('bob', DOWN), { code: 'unreachable' });
  await assert.rejects(get('alice', new Error('a fault')), /a fault/);
  pass(1);
  await assert.rejects(get('alice', DOWN), { code: 'unreachable' });
  assert.deepEqual(staleAges, [999, 999]);
  assert.equal(cache.stale, 2);
  assert.deepEqual(await get('alice'), first);
});

test('those who ask at one time share one question, and its failure', async () => {
  const { get, asked } = scene();
  const answers = await Promise.all([get('alice'), get('alice'), get('alice')]);
  assert.ok(answers.every((answer) => answer === answers[0]));
  assert.equal(asked(), 1);
  const failures = await Promise.allSettled([get('bob', DOWN), get('bob', DOWN)]);
  assert.ok(failures.every(({ status }) => status === 'rejected'));
  assert.equal(asked(), 2);
});

test('what is doubted is asked again, and still serves in an outage', async () => {
  const { cache, get, asked } = scene();
  const alice = await get('alice');
  const bob = await get('bob');
  cache.doubt(['alice', 'never heard of']);
  assert.equal(await get('alice', DOWN), alice);
  assert.equal(await get('alice'), alice);
  assert.equal(await get('bob'), bob);
  assert.equal(asked(), 4);
  cache.doubtWhere((person) => person?.name === 'bob');
  assert.deepEqual(await get('bob', { name: 'changed' }), { name: 'changed' });
  assert.equal(await get('alice', { name: 'not asked' }), alice);
  cache.doubtAll();
  assert.deepEqual(await get('alice', { name: 'asked' }), { name: 'asked' });
});

for (const doubt of ['doubt', 'doubtWhere', 'doubtAll'] as const) {
  test(`${doubt}: an answer on its way is doubted too, and later callers do not wait for it`, async () => {
    const { cache, asked, get, pass } = scene();
    let answer: (person: Person) => void = () => undefined;
    const early = cache.get('alice', () => new Promise<Person>((resolve) => (answer = resolve)));
    if (doubt === 'doubt') cache.doubt(['alice']);
    else if (doubt === 'doubtWhere') cache.doubtWhere(() => false);
    else cache.doubtAll();
    pass(1);
    assert.deepEqual(await get('alice', { name: 'new' }), { name: 'new' });
    answer({ name: 'old' });
    assert.deepEqual(await early, { name: 'old' });
    assert.deepEqual(await get('alice', { name: 'newest' }), { name: 'new' }, 'the late answer is not believed');
    assert.equal(asked(), 1);
  });
}

test('guessed names push nobody out', async () => {
  const { cache, get, asked } = scene(20);
  for (let n = 0; n < 20; n++) await get(`user${n}`);
  for (let n = 0; n < 1000; n++) await get(`guess${n}`, 'nobody');
  const before = asked();
  for (let n = 0; n < 20; n++) await get(`user${n}`);
  assert.equal(asked(), before);
  assert.equal(cache.size, 22);
});

describe('what another process knows', () => {
  /** Three processes whose clocks began at different times; each asks the next, and the last nobody. */
  function processes() {
    let passed = 0;
    let questions = 0;
    const caches: AgedCache<Person>[] = [1_000_000, 5, 70_000].map(
      (began, at) =>
        new AgedCache<Person>({
          ages: AGES,
          maxEntries: 10,
          isMissing: (value) => value === undefined,
          isSame: (known, read) => known?.name === read?.name,
          now: () => began + passed,
          elsewhere: async (key) => {
            questions += 1;
            return caches[at - 1]?.recall(key);
          },
        }),
    );
    const [a, b, c] = caches;
    const asked = (cache: AgedCache<Person> | undefined, answer: Person | Error) =>
      cache?.get('alice', async () => {
        if (answer instanceof Error) throw answer;
        return answer;
      });
    return { a, b, c, asked, pass: (ms: number) => (passed += ms), questions: () => questions };
  }

  test('is given in an outage, and grows no younger on its way', async () => {
    const { a, b, c, asked, pass } = processes();
    const alice = { name: 'alice' };
    await asked(a, alice);
    pass(600);
    assert.deepEqual(await asked(b, DOWN), alice);
    assert.deepEqual(b?.recall('alice'), { value: alice, ageMs: 600 });
    pass(300);
    assert.deepEqual(await asked(c, DOWN), alice);
    assert.deepEqual(c?.recall('alice'), { value: alice, ageMs: 900 });
    pass(99);
    for (const cache of [a, b, c]) assert.deepEqual(await asked(cache, DOWN), alice);
    pass(1);
    for (const cache of [a, b, c]) await assert.rejects(asked(cache, DOWN) ?? Promise.resolve(), DOWN);
  });

  test('is asked for neither while a directory answers, nor for what is known here', async () => {
    const { a, b, asked, pass, questions } = processes();
    await asked(a, { name: 'alice' });
    await asked(b, { name: 'alice' });
    pass(100);
    await asked(b, { name: 'alice' });
    pass(100);
    await asked(b, DOWN);
    await assert.rejects(asked(b, new Error('a fault')) ?? Promise.resolve(), /a fault/);
    assert.equal(questions(), 0);
  });

  test('is asked of the directory again as soon as there is one', async () => {
    const { a, b, asked } = processes();
    await asked(a, { name: 'alice' });
    await asked(b, DOWN);
    assert.deepEqual(await asked(b, { name: 'changed' }), { name: 'changed' });
  });

  test('"nobody" is told as well; a key that nobody knows is the failure that it was', async () => {
    const { a, b, asked } = processes();
    await asked(a, undefined);
    assert.equal(await asked(b, DOWN), undefined);
    await assert.rejects(b?.get('bob', () => Promise.reject(DOWN)) ?? Promise.resolve(), DOWN);
  });
});
