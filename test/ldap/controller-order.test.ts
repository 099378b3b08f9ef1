// Who is asked first when controllers are not equally fast, on a clock of the test's own.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { ControllerOrder, type PaceEvent } from '../../src/ldap/controller-order.ts';
import { DEFAULT_PACE, type Work } from '../../src/ldap/controller-pace.ts';

const RETRY = { firstMs: 1_000, longestMs: 60_000 };

function scene(t: TestContext, count = 2, onGivenUp?: (at: number) => void) {
  t.mock.timers.reset();
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  /** Milliseconds a look-up takes there when it is tried; undefined: no answer. */
  const takes: (number | undefined)[] = new Array(count).fill(2);
  const events: PaceEvent[] = [];
  const tried: number[] = [];
  const givenUp: number[] = [];
  const order: ControllerOrder = new ControllerOrder({
    urls: takes.map((_, at) => `ldap://dc${at}`),
    limits: DEFAULT_PACE,
    retry: RETRY,
    trial: async (at) => {
      tried.push(at);
      const ms = takes[at];
      if (ms === undefined) throw new Error('no answer');
      return ms;
    },
    giveUp: (at) => {
      givenUp.push(at);
      onGivenUp?.(at);
      order.left(at);
    },
    onEvent: (event) => void events.push(event),
    now: () => now,
  });
  t.after(() => order.close());
  const turns = async () => {
    for (let n = 0; n < 8; n++) await new Promise((resolve) => setImmediate(resolve));
  };
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 50) {
      now += Math.min(50, left);
      t.mock.timers.tick(Math.min(50, left));
      await turns();
    }
  };
  /** As for a process that was busy: nothing is read meanwhile. */
  const passAtOnce = (ms: number) => {
    now += ms;
    t.mock.timers.tick(ms);
  };
  const begin = (at: number, work: Work = 'look-up', hurry?: () => void) => {
    const asked = order.began(at, work, now, hurry);
    return (answered = true) => order.ended(at, asked, answered, now);
  };
  /** Operations one after the other that take this long each. */
  const answers = async (at: number, times: readonly number[], work: Work = 'look-up') => {
    for (const ms of times) {
      const end = begin(at, work);
      await pass(ms);
      end();
    }
  };
  const ranked = async () => order.ranked();
  const first = async () => (await ranked())[0];
  return { order, takes, events, tried, givenUp, pass, passAtOnce, begin, answers, first, ranked };
}

const SLOW: readonly (readonly [why: string, times: readonly number[], other: number, passedOver: boolean])[] = [
  ['much slower than the other', [500, 500, 500, 500], 2, true],
  ['slow, and the other only half as slow', [500, 500, 500, 500], 250, false],
  ['a little more than three times as slow', [500, 500, 500, 500], 160, true],
  ['many times as slow, but fast', [150, 150, 150, 150], 1, false],
  ['slow now and then', [500, 2, 2, 500, 2, 2, 500, 2], 1, false],
];
for (const [why, times, other, passedOver] of SLOW) {
  test(`the first one is ${why}: ${passedOver ? 'passed over' : 'kept'}`, async (t) => {
    const { order, takes, events, answers, pass, begin, first } = scene(t);
    takes[0] = 500;
    takes[1] = other;
    await answers(0, times);
    begin(0)();
    await pass(300);
    assert.equal(await first(), passedOver ? 1 : 0);
    assert.equal(order.isSlow(0), passedOver);
    assert.deepEqual(
      events.map(({ type }) => type),
      passedOver ? ['controller-slow'] : [],
    );
  });
}

test('what several wait for counts before it is answered', async (t) => {
  const { events, begin, pass, first } = scene(t);
  for (let n = 0; n < 3; n++) begin(0, 'password-check');
  await pass(450);
  assert.equal(await first(), 1);
  assert.deepEqual(
    events.map((event) => event.type === 'controller-slow' && [event.url, event.otherUrl, event.otherMs]),
    [['ldap://dc0', 'ldap://dc1', 2]],
  );
});

test('it is tried at growing intervals, and first again when it is fast', async (t) => {
  const { takes, events, tried, answers, pass, first } = scene(t);
  takes[0] = 500;
  await answers(0, [300, 300, 300]);
  await pass(50);
  assert.equal(await first(), 1);
  tried.length = 0;
  // After 1, 3, 7 and 15 seconds.
  await pass(15_000);
  assert.deepEqual(tried, [0, 0, 0, 0]);
  takes[0] = 140;
  await pass(16_000);
  assert.equal(await first(), 0);
  assert.deepEqual(tried.slice(4), [0, 0, 0], 'more than one good answer is asked for');
  assert.deepEqual(
    events.map(({ type }) => type),
    ['controller-slow', 'controller-fast'],
  );
});

test('one that is fast in trials only is tried more and more rarely', async (t) => {
  const { events, answers, pass, first } = scene(t);
  const intervals: number[] = [];
  for (let round = 0; round < 8; round++) {
    await answers(0, [300, 300, 300], 'password-check');
    await pass(50);
    const event = events.at(-1);
    assert.ok(event?.type === 'controller-slow');
    intervals.push(event.retryInMs);
    await pass(event.retryInMs + 100);
    assert.equal(await first(), 0);
  }
  assert.deepEqual(intervals, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
});

test('passwords take long everywhere: it is noticed, and the configured order kept', async (t) => {
  const { events, answers, pass, first } = scene(t);
  await answers(0, [300, 300, 300, 300], 'password-check');
  await pass(300);
  assert.equal(await first(), 1);
  await answers(1, [300, 300, 300, 300], 'password-check');
  await pass(2_000);
  assert.equal(await first(), 0);
  for (let round = 0; round < 10; round++) await answers(0, [300], 'password-check');
  await pass(1_000);
  assert.equal(await first(), 0);
  assert.equal(events.length, 2);
});

test('both become slow: the order is as configured, but for what was found before', async (t) => {
  const { takes, events, answers, pass, first } = scene(t);
  takes[1] = 900;
  await answers(0, [800, 800, 800, 800]);
  await pass(300);
  assert.equal(await first(), 0);
  assert.deepEqual(events, []);
});

test('the others do not answer either: it is asked', async (t) => {
  const { order, ranked, takes, answers, pass } = scene(t);
  takes[0] = 500;
  await answers(0, [500, 500, 500, 500]);
  await pass(300);
  assert.deepEqual(await ranked(), [1, 0]);
  order.left(1);
  assert.deepEqual(await ranked(), [0]);
});

test('one that owes answers and is silent comes last, until it is heard of', async (t) => {
  const { ranked, begin, pass } = scene(t, 3);
  const end = begin(0);
  await pass(200);
  assert.deepEqual(await ranked(), [0, 1, 2]);
  await pass(100);
  assert.deepEqual(await ranked(), [1, 2, 0]);
  begin(1);
  await pass(300);
  assert.deepEqual(await ranked(), [2, 0, 1]);
  end();
  assert.deepEqual(await ranked(), [0, 2, 1]);
});

test('answers that are in but not read yet are no silence', async (t) => {
  const { ranked, begin, pass } = scene(t);
  const end = begin(0);
  begin(0);
  await pass(400);
  setImmediate(end);
  assert.deepEqual(await ranked(), [0, 1]);
});

test('what takes unusually long is hurried once, and what usually takes long is not', async (t) => {
  const { takes, begin, pass, answers } = scene(t);
  takes[1] = 300;
  const hurried: string[] = [];
  const hurry = (who: string) => () => void hurried.push(who);
  begin(0, 'look-up', hurry('first'))();
  begin(0, 'look-up', hurry('second'));
  begin(0, 'password-check');
  await pass(200);
  assert.deepEqual(hurried, []);
  await pass(200);
  assert.deepEqual(hurried, ['second']);
  await pass(2_000);
  assert.deepEqual(hurried, ['second']);
  await answers(0, [400, 400, 400, 400]);
  begin(0, 'look-up', hurry('usual'));
  await pass(2_000);
  assert.deepEqual(hurried, ['second']);
});

test('answers that are in but not read yet are no reason to hurry', async (t) => {
  const { begin, pass, passAtOnce } = scene(t);
  begin(0, 'look-up')();
  const hurried: string[] = [];
  const end = begin(0, 'look-up', () => void hurried.push('late'));
  setImmediate(end);
  passAtOnce(400);
  await pass(500);
  assert.deepEqual(hurried, []);
});

test('a look-up that comes while much is read is no silence of its own', async (t) => {
  const { ranked, begin, pass } = scene(t);
  begin(0, 'reading');
  await pass(900);
  begin(0);
  assert.deepEqual(await ranked(), [0, 1]);
  await pass(50);
  assert.deepEqual(await ranked(), [0, 1]);
  await pass(100);
  assert.deepEqual(await ranked(), [1, 0], 'the reading has had its second');
});

test('one that came back is not silent for what it owes since before', async (t) => {
  const { order, ranked, givenUp, begin, pass } = scene(t);
  begin(0, 'password-check');
  order.left(0);
  await pass(5_000);
  order.returned(0);
  assert.deepEqual(await ranked(), [0, 1]);
  await pass(200);
  assert.deepEqual(givenUp, []);
});

test('reading much is given a second', async (t) => {
  const { ranked, begin, pass } = scene(t);
  begin(0, 'reading');
  await pass(900);
  assert.deepEqual(await ranked(), [0, 1]);
  await pass(200);
  assert.deepEqual(await ranked(), [1, 0]);
});

test('silent for long: given up while another answers, and not when none does', async (t) => {
  const { givenUp, begin, pass, order } = scene(t);
  begin(0, 'password-check');
  order.left(1);
  await pass(5_000);
  assert.deepEqual(givenUp, []);
  order.returned(1);
  await pass(400);
  assert.deepEqual(givenUp, [0]);
  assert.equal(order.isSlow(0), false, 'it is judged anew when it is back');
});

test('whoever needs very long to come back is not asked first', async (t) => {
  const { order, first, pass } = scene(t);
  order.opened(0, 800);
  assert.equal(await first(), 0);
  order.opened(0, 2_500);
  assert.equal(await first(), 1);
  await pass(1_100);
  assert.equal(await first(), 0);
});

test('a single controller is neither watched nor tried', async (t) => {
  const { ranked, tried, answers, pass, begin } = scene(t, 1);
  await answers(0, [500, 500, 500, 500]);
  begin(0);
  await pass(10_000);
  assert.deepEqual(await ranked(), [0]);
  assert.deepEqual(tried, []);
});

const place = fc.constantFrom(0, 1, 2);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('look-up' as const, 'password-check', 'reading'), at: place }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('answer' as const, 'fail' as const), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('leave' as const, 'return' as const), at: place }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('takes' as const), at: place, ms: fc.option(fc.nat(800)) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pass' as const), at: place, ms: fc.oneof(fc.nat(400), fc.nat(4_000)) }),
  },
);

test('whatever happens, those that are up are asked, each once, and nobody is given up unless another answers', async (t) => {
  let [givenUp, hurried] = [0, 0];
  const run = (context: TestContext) => {
    const up = new Set([0, 1, 2]);
    const { order, takes, pass, begin, ranked } = scene(context, 3, (at) => {
      givenUp += 1;
      assert.ok(up.delete(at) && up.size > 0);
    });
    const owed: ((answered: boolean) => void)[] = [];
    const ask = (work: Work) => (at: number) => {
      let times = 0;
      const hurry = () => {
        hurried += 1;
        times += 1;
        assert.equal(times, 1);
      };
      owed.push(begin(at, work, hurry));
    };
    const end = (answered: boolean) => (nth: number) => owed.splice(nth % (owed.length || 1), 1)[0]?.(answered);
    const acts = {
      'look-up': ask('look-up'),
      'password-check': ask('password-check'),
      reading: ask('reading'),
      answer: end(true),
      fail: end(false),
      leave: (at: number) => up.delete(at) && order.left(at),
      return: (at: number) => !up.has(at) && up.add(at) && order.returned(at),
      takes: (at: number, ms: number | undefined) => {
        takes[at] = ms;
      },
      pass: (_at: number, ms: number | undefined) => pass(ms ?? 0),
    };
    return { acts, up, ranked, close: () => order.close() };
  };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
      const { acts, up, ranked, close } = run(t);
      for (const one of steps) {
        await acts[one.do](one.at, 'ms' in one ? (one.ms ?? undefined) : undefined);
        assert.deepEqual([...(await ranked())].sort(), [...up].sort());
      }
      close();
    }),
    { numRuns: 60 },
  );
  assert.ok(givenUp > 0 && hurried > 0, 'it came to neither');
});
