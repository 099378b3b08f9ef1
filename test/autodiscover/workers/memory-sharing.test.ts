// Workers ask each other what they remember: the youngest answer counts, and nobody waits long for one that does not answer.
import assert from 'node:assert/strict';
import test from 'node:test';
import { answerRecall, OtherMemories, RecallRelay } from '../../../src/autodiscover/workers/memory-sharing.ts';
import type { Aged } from '../../../src/ldap/aged-cache.ts';
import type { RecallQuestion } from '../../../src/ldap/recalled.ts';
import { channelPair, delivered } from './ports.ts';

const ALICE: RecallQuestion = { memory: 'matches', key: 'smtp:alice@contoso.test' };

type Recall = (question: RecallQuestion) => Aged<unknown> | undefined | Promise<never>;
const hung = () => new Promise<never>(() => undefined);

/** A worker that asks, and others that answer so. */
async function workersOf(...others: readonly Recall[]) {
  const clock = { now: 0 };
  const relay = new RecallRelay();
  const asking = channelPair();
  relay.serve(asking.primary);
  const pairs = others.map((recall) => {
    const pair = channelPair();
    relay.serve(pair.primary);
    answerRecall(pair.worker, recall as Parameters<typeof answerRecall>[1]);
    return pair;
  });
  const asked: RecallQuestion[] = [];
  answerRecall(asking.worker, (question) => {
    asked.push(question);
    return undefined;
  });
  await delivered();
  return { memories: new OtherMemories(asking.worker, () => clock.now), clock, asking, pairs, asked };
}

test('the youngest of several answers counts, and the one that asks is not asked', async () => {
  const { memories, asked } = await workersOf(
    () => ({ value: { status: 'none' }, ageMs: 900 }),
    () => ({ value: { status: 'ambiguous', distinguishedNames: [] }, ageMs: 300 }),
    () => undefined,
  );
  assert.deepEqual(await memories.recall(ALICE), {
    value: { status: 'ambiguous', distinguishedNames: [] },
    ageMs: 300,
  });
  assert.deepEqual(asked, []);
  assert.deepEqual(memories.outcomes, { known: 1, unknown: 0, late: 0, crowded: 0 });
});

test('what nobody knows is unknown; so is everything where there is no other', async () => {
  const { memories } = await workersOf(() => undefined);
  assert.equal(await memories.recall(ALICE), undefined);
  const alone = await workersOf();
  assert.equal(await alone.memories.recall(ALICE), undefined);
  assert.deepEqual([memories.outcomes.unknown, alone.memories.outcomes.unknown], [1, 1]);
});

test('one that fails, or dies while it is asked, knows nothing; the others do', async () => {
  const { memories, pairs } = await workersOf(
    () => {
      throw new Error('a fault');
    },
    hung,
    () => ({ value: undefined, ageMs: 5 }),
  );
  const told = memories.recall({ memory: 'accounts', key: 'name:x' });
  await delivered();
  pairs[1]?.cut();
  assert.deepEqual(await told, { value: undefined, ageMs: 5 });
  assert.deepEqual(memories.outcomes, { known: 1, unknown: 0, late: 0, crowded: 0 });
});

test('one that hangs is not waited for: what others know is told, and else nothing', async () => {
  const { memories } = await workersOf(hung, ({ key }) => (key === ALICE.key ? { value: 1, ageMs: 5 } : undefined));
  assert.deepEqual(await memories.recall(ALICE), { value: 1, ageMs: 5 });
  assert.equal(await memories.recall({ memory: 'matches', key: 'smtp:bob@contoso.test' }), undefined);
  assert.deepEqual(memories.outcomes, { known: 1, unknown: 0, late: 1, crowded: 0 });
});

test('one that hangs is passed over when it has not answered very many; then it costs nothing', async () => {
  const { memories, pairs } = await workersOf(hung, () => undefined);
  for (let round = 0; round < 4; round++)
    await Promise.all(
      Array.from({ length: 256 }, (_, n) => memories.recall({ memory: 'matches', key: `smtp:${round}.${n}` })),
    );
  const [first, second] = pairs.map(({ sent }) => sent.primary);
  await memories.recall(ALICE);
  assert.deepEqual(
    pairs.map(({ sent }) => sent.primary),
    [first, (second ?? 0) + 1],
  );
  assert.equal(memories.outcomes.late, 1025);
});

test('nor is the primary waited for, and nobody asks one that is gone', async () => {
  const { primary, worker, cut } = channelPair();
  primary.on('recall', hung);
  const memories = new OtherMemories(worker, () => 0);
  assert.equal(await memories.recall(ALICE), undefined);
  cut();
  assert.equal(await memories.recall(ALICE), undefined);
  assert.equal(memories.outcomes.late, 2);
});

test('an answer is as old as its question makes it', async () => {
  const { memories, clock } = await workersOf(() => {
    clock.now += 100;
    return { value: 1, ageMs: 700 };
  });
  assert.equal((await memories.recall(ALICE))?.ageMs, 800);
});

test('who asks the same at one time shares one question, and no more than so many are under way', async () => {
  const { memories, asking, asked } = await workersOf(() => ({ value: 1, ageMs: 5 }));
  assert.deepEqual(asked, []);
  const { worker: before } = asking.sent;
  const same = await Promise.all(Array.from({ length: 50 }, () => memories.recall(ALICE)));
  assert.equal(asking.sent.worker - before, 1);
  assert.ok(same.every((told) => told?.ageMs === 5));
  const many = Array.from({ length: 300 }, (_, n) => memories.recall({ memory: 'matches', key: `smtp:${n}` }));
  const told = await Promise.all(many);
  assert.equal(told.filter((one) => one !== undefined).length, 256);
  assert.deepEqual(memories.outcomes, { known: 257, unknown: 0, late: 0, crowded: 44 });
  assert.ok(await memories.recall(ALICE), 'there is room again');
});
