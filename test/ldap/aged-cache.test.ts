// Ages, identity, sharing and doubt of remembered answers.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
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

// What is said of a key has a version, and an answer is the one that held when its question was asked.
type Version = { readonly of: number; readonly number: number; readonly missing: boolean; readonly since: number };
const KEYS = [0, 1];
const key = fc.constantFrom(...KEYS);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('get' as const, 'put' as const), key, ms: fc.nat(40) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('change' as const, 'vanish' as const), key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('doubt' as const, 'doubtAll' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('fail' as const, 'recover' as const), key }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pass' as const), key, ms: fc.oneof(fc.nat(80), fc.nat(1500)) }),
  },
);

/** A directory that changes, and a cache before it. */
function world() {
  let now = 1;
  let down = false;
  let wasDown = false;
  const versions = KEYS.map((of): Version[] => [{ of, number: 0, missing: false, since: 0 }]);
  const doubtedAt = KEYS.map(() => 0);
  const versionAt = (of: number, time: number) => versions[of]?.findLast(({ since }) => since <= time) as Version;
  const answers: { readonly at: number; give(): void }[] = [];
  const later = (ms: number, give: () => void) => void answers.push({ at: now + ms, give });
  const cache = new AgedCache<Version>({
    ages: AGES,
    maxEntries: 100,
    isMissing: ({ missing }) => missing,
    isSame: (known, read) => known.number === read.number,
    now: () => now,
  });
  const pass = async (ms: number) => {
    const end = now + ms;
    for (;;) {
      const [next] = answers.sort((a, b) => a.at - b.at);
      if (!next || next.at > end) break;
      answers.shift();
      now = next.at;
      next.give();
      await new Promise((resolve) => setImmediate(resolve));
    }
    now = end;
  };
  const ask = (of: number, ms: number) => {
    const { promise, resolve, reject } = Promise.withResolvers<Version>();
    const [read, fails] = [versionAt(of, now), down];
    later(ms, () => (fails ? reject(DOWN) : resolve({ ...read })));
    return promise;
  };
  const look = async (of: number, ms: number) => {
    const [from, doubted] = [now, doubtedAt[of] ?? 0];
    const answer = await cache.get(String(of), () => ask(of, ms)).catch(() => undefined);
    if (!answer) return assert.ok(wasDown);
    // What is put in counts for a second.
    const oldest = Math.max(0, wasDown ? now - AGES.outageMs : Math.max(doubted, from - 1_000));
    assert.equal(answer.of, of);
    assert.ok(answer.number >= versionAt(of, oldest).number, `version ${answer.number} is too old at ${from}`);
  };
  const looks: Promise<void>[] = [];
  const change = (of: number, missing: boolean) =>
    void versions[of]?.push({ of, number: versionAt(of, now).number + 1, missing, since: now });
  const acts = {
    get: (of: number, ms: number) => {
      const looking = look(of, ms);
      looking.catch(() => undefined);
      looks.push(looking);
    },
    put: (of: number, ms: number) => {
      const [read, askedAt] = [versionAt(of, now), now];
      later(ms, () => void cache.put(String(of), { ...read }, askedAt));
    },
    change: (of: number) => change(of, false),
    vanish: (of: number) => change(of, true),
    doubt: (of: number) => {
      cache.doubt([String(of)]);
      doubtedAt[of] = now;
    },
    doubtAll: () => {
      cache.doubtAll();
      doubtedAt.fill(now);
    },
    fail: () => {
      down = wasDown = true;
    },
    recover: () => {
      down = false;
    },
    pass: (_of: number, ms: number) => pass(ms),
  };
  return { acts, pass, looks };
}

test('whatever happens, no answer is older than ages and doubts allow, nor somebody else’s', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
      const { acts, pass, looks } = world();
      for (const one of steps) {
        // Nothing happens at the very moment of anything else.
        await pass(1);
        await acts[one.do](one.key, 'ms' in one ? one.ms : 0);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await pass(100);
      await Promise.all(looks);
    }),
    { numRuns: 500 },
  );
});
