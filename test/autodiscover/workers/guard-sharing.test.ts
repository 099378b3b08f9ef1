// The guard that several workers have in common: its counts hold for all of them together, and what is remembered costs no question.
import assert from 'node:assert/strict';
import test from 'node:test';
import { LogonGuard } from '../../../src/autodiscover/server/authentication/logon-guard.ts';
import { type Hold, SharedGuard, serveGuard } from '../../../src/autodiscover/workers/guard-sharing.ts';
import { channelPair, delivered } from './ports.ts';

const MINUTE = 60_000;
const HERE = '192.0.2.1';
const THERE = '192.0.2.2';
const CHECKS = { running: 10, waiting: 10, waitMs: 1000 };

function workersOf(count: number, options: { threshold?: number; perName?: number; perAddress?: number } = {}) {
  const clock = { now: 0 };
  const now = () => clock.now;
  const guard = new LogonGuard({
    perName: options.perName ?? 5,
    perAddress: options.perAddress ?? 100,
    total: 1000,
    windowMs: 10 * MINUTE,
    sharedBy: 1,
    exempt: () => false,
    checks: CHECKS,
    now,
  });
  const pairs = Array.from({ length: count }, channelPair);
  const tellAll = (hold: Hold) => {
    for (const { primary } of pairs) primary.tell('hold', hold);
  };
  for (const { primary } of pairs) serveGuard(primary, guard, tellAll);
  const guards = pairs.map(({ worker }) => new SharedGuard(worker, { checks: CHECKS, now }));
  const at = (n: number) => guards[n % count] as SharedGuard;
  if (options.threshold !== undefined)
    at(0).useLockoutPolicy({ threshold: options.threshold, observationMs: 30 * MINUTE });
  /** As the Basic scheme does it; `binds` counts what reaches the directory. */
  const binds: string[] = [];
  const logOn = async (n: number, name: string, address: string, good = false): Promise<string> => {
    const worker = at(n);
    const refused = (await worker.refusal(name, address)) ?? (await worker.beginName(name, address));
    if ('refusal' in refused) return refused.refusal;
    const account = await worker.beginAccount(`CN=${name},DC=test`, name, address);
    if (account) {
      await new Promise((resolve) => setImmediate(resolve));
      binds.push(name);
    }
    const outcome = good && account ? 'succeeded' : 'failed';
    account?.settle(outcome);
    refused.settle(outcome);
    return outcome;
  };
  return { guard, clock, pairs, guards, logOn, binds };
}

test('a spray over three workers, all at once, tries an account no more often than one process would', async () => {
  const { logOn, binds } = workersOf(3, { threshold: 5, perName: 50 });
  await delivered();
  const outcomes = await Promise.all(Array.from({ length: 60 }, (_, n) => logOn(n, 'alice', `198.51.100.${n}`)));
  // Threshold 5: three for strangers, one more for those who logged on before, one below the threshold.
  assert.equal(binds.length, 3);
  assert.equal(outcomes.filter((outcome) => outcome === 'failed').length, 3);
});

test('where nobody is locked out, an account under many names fails no more often at three workers than at one', async () => {
  const { guards, clock } = workersOf(3);
  await delivered();
  let tried = 0;
  for (let n = 0; n < 20; n++) {
    const attempt = await guards[n % 3]?.beginAccount('CN=alice,DC=test', `alias${n}`, `198.51.100.${n}`);
    if (attempt) tried += 1;
    attempt?.settle('failed');
    await delivered();
  }
  assert.equal(tried, 5);
  clock.now = 10 * MINUTE;
  assert.ok(await guards[0]?.beginAccount('CN=alice,DC=test', 'alias', HERE));
});

test('a name that is held is held under its other spellings at every worker', async () => {
  const { logOn, guards } = workersOf(2, { perName: 2 });
  await logOn(0, 'álice', THERE);
  await logOn(0, 'ＡＬＩＣＥ', THERE);
  await delivered();
  assert.equal((await guards[1]?.refusal('al\u200bice', HERE))?.refusal, 'name-budget');
});

test('one after the other as well, and an address that is known may try once more', async () => {
  const { logOn, binds } = workersOf(3, { threshold: 5, perName: 50 });
  await delivered();
  assert.equal(await logOn(0, 'alice', HERE, true), 'succeeded');
  await delivered();
  for (let n = 0; n < 9; n++) await logOn(n, 'alice', THERE);
  assert.equal(binds.length, 4);
  assert.equal(await logOn(1, 'alice', THERE, true), 'name-budget');
  assert.equal(await logOn(1, 'alice', HERE, true), 'succeeded', 'known at another worker');
});

test('what is not held costs no question; what is held is asked about at every worker, until it is over', async () => {
  const { logOn, guards, pairs, clock } = workersOf(3, { perName: 2 });
  for (const guard of guards) assert.equal(guard.refusal('alice', HERE), undefined);
  assert.deepEqual(
    pairs.map(({ sent }) => sent.worker),
    [0, 0, 0],
  );
  await logOn(0, 'alice', THERE);
  await logOn(1, 'CONTOSO\\alice', THERE);
  await delivered();
  for (const guard of guards)
    assert.deepEqual(await guard.refusal('alice@contoso.test', HERE), {
      refusal: 'name-budget',
      retryAfterSeconds: 600,
    });
  assert.equal(guards[2]?.refusal('bob', HERE), undefined);
  clock.now = 10 * MINUTE;
  for (const guard of guards) assert.equal(guard.refusal('alice', HERE), undefined);
});

test('a worker that came later learns of a hold by its first question', async () => {
  const { guard, logOn } = workersOf(1, { perName: 1 });
  await logOn(0, 'alice', THERE);
  const { primary, worker } = channelPair();
  serveGuard(primary, guard, () => undefined);
  const late = new SharedGuard(worker, { checks: CHECKS, now: () => 0 });
  assert.equal(late.refusal('alice', HERE), undefined);
  assert.ok('refusal' in (await late.beginName('alice', HERE)));
  assert.deepEqual(await late.refusal('alice', HERE), { refusal: 'name-budget', retryAfterSeconds: 600 });
});

test('an address that failed too often is held at every worker', async () => {
  const { logOn, guards } = workersOf(2, { perAddress: 2 });
  await logOn(0, 'a', HERE);
  await logOn(0, 'b', HERE);
  await delivered();
  assert.equal((await guards[1]?.refusal('c', HERE))?.refusal, 'address-budget');
});

test('checks under way at a worker that dies count as failed, and nobody waits for them', async () => {
  const { guard, guards, pairs, logOn, binds } = workersOf(2, { threshold: 4, perName: 50 });
  await delivered();
  const [dying] = guards;
  // Two of two that strangers may.
  for (let n = 0; n < 2; n++) {
    assert.ok('settle' in ((await dying?.beginName('alice', HERE)) ?? {}));
    assert.ok(await dying?.beginAccount('CN=alice,DC=test', 'alice', HERE));
  }
  const waiting = logOn(1, 'alice', THERE);
  await delivered();
  pairs[0]?.cut();
  assert.equal(await waiting, 'name-budget');
  assert.deepEqual(binds, []);
  assert.ok(guard.waits('alice', HERE).nameMs > 0);
});

test('without a primary nobody is tried, and nobody is told that his password is wrong', async () => {
  const { guards, pairs } = workersOf(1);
  pairs[0]?.cut();
  assert.deepEqual(await guards[0]?.beginName('alice', HERE), { refusal: 'busy', retryAfterSeconds: 5 });
  await assert.rejects(guards[0]?.beginAccount('CN=alice', 'alice', HERE) ?? Promise.resolve(), {
    code: 'channel-closed',
  });
});

test('checks are bounded in each worker', async () => {
  const { guards } = workersOf(1);
  const [worker] = guards;
  const { promise, resolve } = Promise.withResolvers<string>();
  const running = Array.from({ length: 20 }, () => worker?.run(() => promise));
  assert.deepEqual(await worker?.run(async () => 'never'), { refusal: 'busy', retryAfterSeconds: 5 });
  assert.deepEqual([worker?.sizes.running, worker?.sizes.waiting], [10, 10]);
  resolve('done');
  assert.equal((await Promise.all(running)).length, 20);
});
