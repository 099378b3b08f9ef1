// Workers ask each other what they remember: the youngest answer counts, and nobody waits long for one that does not answer.
import assert from 'node:assert/strict';
import test from 'node:test';
import { answerRecall, OtherMemories, RecallRelay } from '../../../src/autodiscover/workers/memory-sharing.ts';
import { RecallBudget } from '../../../src/autodiscover/workers/recall-budget.ts';
import type { Aged } from '../../../src/ldap/aged-cache.ts';
import type { ExchangeOrganization } from '../../../src/ldap/exchange-organization.ts';
import type { RecallQuestion } from '../../../src/ldap/recalled.ts';
import { channelPair, delivered } from './ports.ts';

const ALICE: RecallQuestion = { memory: 'matches', key: 'smtp:alice@contoso.test' };

/** How a worker answers every question; what a process that hangs answers is never told. */
type Recall = (question: RecallQuestion) => Aged<unknown> | undefined;
const hung = (() => new Promise(() => undefined)) as unknown as Recall;

const BUDGET = { perName: 3, perAddress: 100, windowMs: 600_000, exempt: () => false };
/** 32 bytes, as secretDigests gives them. */
const DIGEST = Array.from({ length: 32 }, (_, n) => String.fromCharCode(255 - n)).join('');
const ACCOUNT = { distinguishedName: 'CN=Alice Adams,OU=Staff,DC=contoso,DC=test' };
const logon = (digest: string, name = 'alice', address = '192.0.2.1') => ({ digest, name, address });

const ORGANIZATION = { name: 'Contoso' } as ExchangeOrganization;

/** A worker that asks, and others that answer so. */
async function workersOf(...others: readonly Recall[]) {
  const clock = { now: 0 };
  const relay = new RecallRelay(new RecallBudget({ ...BUDGET, now: () => clock.now }));
  const asking = channelPair();
  relay.serve(asking.primary);
  const pairs = others.map((recall, at) => {
    const recallOrganization = () => {
      if (at === 0) throw new Error('too old');
      return { value: ORGANIZATION, ageMs: 1000 - at };
    };
    const pair = channelPair();
    relay.serve(pair.primary);
    const recallCredential = (digest: string) =>
      recall({ memory: 'accounts', key: digest }) as Aged<undefined> | undefined;
    answerRecall(pair.worker, { recall, recallCredential, recallOrganization });
    return pair;
  });
  const asked: RecallQuestion[] = [];
  const recall = (question: RecallQuestion) => {
    asked.push(question);
    return undefined;
  };
  answerRecall(asking.worker, { recall, recallCredential: () => undefined, recallOrganization: hung as never });
  await delivered();
  return { relay, memories: new OtherMemories(asking.worker, () => clock.now), clock, asking, pairs, asked };
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
  assert.deepEqual(memories.outcomes, { known: 1, unknown: 0, late: 0, crowded: 0, spent: 0 });
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
  assert.deepEqual(memories.outcomes, { known: 1, unknown: 0, late: 0, crowded: 0, spent: 0 });
});

test('one that hangs is waited for once, and passed over until it answers; the others are asked', async () => {
  const waking = Promise.withResolvers<void>();
  let wakes = false;
  const sleeper = (() => (wakes ? undefined : waking.promise)) as unknown as Recall;
  const { memories, pairs } = await workersOf(sleeper, ({ key }) =>
    key === ALICE.key ? { value: 1, ageMs: 5 } : undefined,
  );
  assert.deepEqual(await memories.recall(ALICE), { value: 1, ageMs: 5 });
  for (let n = 0; n < 3; n++) assert.equal(await memories.recall({ memory: 'matches', key: `smtp:${n}` }), undefined);
  const sent = () => pairs.map((pair) => pair.sent.primary);
  assert.deepEqual(sent(), [1, 4]);
  assert.deepEqual(memories.outcomes, { known: 1, unknown: 0, late: 3, crowded: 0, spent: 0 });
  wakes = true;
  waking.resolve();
  await delivered();
  assert.equal(await memories.recall({ memory: 'matches', key: 'smtp:bob' }), undefined);
  assert.deepEqual(sent(), [2, 5]);
  assert.equal(memories.outcomes.unknown, 1);
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
  assert.deepEqual(memories.outcomes, { known: 257, unknown: 0, late: 0, crowded: 44, spent: 0 });
  assert.ok(await memories.recall(ALICE), 'there is room again');
});

test('a credential is asked about by its digest, of all workers but the one that asks', async () => {
  const keys: string[] = [];
  const { memories } = await workersOf(({ key }) => {
    keys.push(key);
    return { value: ACCOUNT, ageMs: 5 };
  });
  assert.deepEqual(await memories.recallCredential(logon(DIGEST)), { value: ACCOUNT, ageMs: 5 });
  assert.deepEqual(keys, [DIGEST]);
});

test('a credential that was refused after it was accepted elsewhere counts as refused', async () => {
  const { memories } = await workersOf(
    () => ({ value: ACCOUNT, ageMs: 900 }),
    () => ({ value: undefined, ageMs: 300 }),
  );
  assert.deepEqual(await memories.recallCredential(logon(DIGEST)), { value: undefined, ageMs: 300 });
});

test('what is no account is nobody’s', async () => {
  const { memories } = await workersOf(() => ({ value: 'CN=alice', ageMs: 5 }));
  assert.equal(await memories.recallCredential(logon(DIGEST)), undefined);
});

test('guesses at a name that nobody knows are asked about as often as it may fail, even all at once', async () => {
  let asked = 0;
  const { memories, clock } = await workersOf(({ key }) => {
    asked += 1;
    return key.startsWith('good') ? { value: ACCOUNT, ageMs: 5 } : undefined;
  });
  const spellings = ['alice', 'CONTOSO\\alice', 'alice@contoso.test'];
  const guess = (n: number) => memories.recallCredential(logon(`guess ${n}`, spellings[n % 3], `192.0.2.${n}`));
  await Promise.all(Array.from({ length: 30 }, (_, n) => guess(n)));
  assert.equal(asked, 3);
  assert.deepEqual([memories.outcomes.unknown, memories.outcomes.spent], [3, 27]);
  assert.equal(await memories.recallCredential(logon('good')), undefined, 'nor is the right one');
  assert.ok(await memories.recallCredential(logon('good', 'bob')));
  clock.now = BUDGET.windowMs;
  assert.ok(await memories.recallCredential(logon('good')));
});

test('what somebody knows costs no budget', async () => {
  const { memories } = await workersOf(() => ({ value: ACCOUNT, ageMs: 5 }));
  for (let n = 0; n < 20; n++) assert.ok(await memories.recallCredential(logon(`good ${n}`)));
});

test('the organisation is told by whoever read it last; by nobody where it is too old', async () => {
  const nothing = () => undefined;
  const { relay, asking } = await workersOf(nothing, nothing, nothing);
  asking.cut();
  const { value, ageMs } = (await relay.organization()) ?? {};
  assert.deepEqual([value, ageMs], [ORGANIZATION, 998]);
  const old = await workersOf(nothing);
  old.asking.cut();
  assert.equal(await old.relay.organization(), undefined);
});

test('a worker that starts is told it by the primary, as old as the question makes it, or is told nothing', async () => {
  const { asking, memories, clock } = await workersOf();
  assert.equal(await memories.organization(), undefined);
  asking.primary.on('inherit', () => {
    clock.now += 50;
    return { value: ORGANIZATION, ageMs: 7 };
  });
  assert.deepEqual(await memories.organization(), { value: ORGANIZATION, ageMs: 57 });
  asking.cut();
  assert.equal(await memories.organization(), undefined);
});
