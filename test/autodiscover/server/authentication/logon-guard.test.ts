import assert from 'node:assert/strict';
import test from 'node:test';
import {
  accountFailures,
  LogonGuard,
  type LogonGuardOptions,
} from '../../../../src/autodiscover/server/authentication/logon-guard.ts';

const HERE = '192.0.2.1';
const THERE = '192.0.2.2';
const MINUTE = 60_000;

function guardAt(options: Partial<LogonGuardOptions> = {}) {
  const clock = { now: 0 };
  const guard = new LogonGuard({
    perName: 5,
    perAddress: 100,
    total: 1000,
    windowMs: 10 * MINUTE,
    sharedBy: 1,
    exempt: () => false,
    checks: { running: 10, waiting: 10, waitMs: 1000 },
    now: () => clock.now,
    ...options,
  });
  const attempt = async (name: string, address: string, outcome: 'failed' | 'succeeded') => {
    const refused = guard.refusal(name, address);
    const begun = refused ?? (await guard.beginName(name, address));
    if ('refusal' in begun) return begun.refusal;
    begun.settle(outcome);
    return outcome;
  };
  return { guard, clock, attempt };
}

test('a name is held after its failures, however it is spelled and whoever asks', async () => {
  const { attempt, clock, guard } = guardAt();
  for (const name of ['alice', 'CONTOSO\\alice', 'alice@contoso.test', 'ＡLICE', 'álice'])
    assert.equal(await attempt(name, HERE, 'failed'), 'failed');
  assert.equal(await attempt('Alice@fabrikam.test', THERE, 'succeeded'), 'name-budget');
  assert.deepEqual(guard.refusal('alice', THERE), { refusal: 'name-budget', retryAfterSeconds: 600 });
  assert.equal(await attempt('bob', HERE, 'failed'), 'failed');
  clock.now = 10 * MINUTE;
  assert.equal(await attempt('alice', HERE, 'failed'), 'failed');
});

test('a success elsewhere does not free a name: that would tell that somebody has it', async () => {
  const { attempt } = guardAt();
  for (let i = 0; i < 4; i++) await attempt('alice', THERE, 'failed');
  assert.equal(await attempt('alice', HERE, 'succeeded'), 'succeeded');
  assert.equal(await attempt('alice', THERE, 'failed'), 'failed');
  assert.equal(await attempt('alice', THERE, 'failed'), 'name-budget');
});

test('an address where somebody logged on may go on when strangers have spent his name, with one failure of its own', async () => {
  const { attempt, guard } = guardAt();
  await attempt('alice', HERE, 'succeeded');
  for (let i = 0; i < 5; i++) await attempt('alice', THERE, 'failed');
  assert.equal(await attempt('alice', THERE, 'failed'), 'name-budget');
  assert.equal(guard.refusal('alice', HERE), undefined);
  assert.equal(await attempt('alice', HERE, 'succeeded'), 'succeeded');
  assert.equal(await attempt('alice', HERE, 'failed'), 'failed');
  assert.equal(await attempt('alice', HERE, 'succeeded'), 'name-budget');
});

test('guessing at remembered credentials from a known address is counted against the address', async () => {
  const { attempt } = guardAt({ perAddress: 10 });
  await attempt('alice', HERE, 'succeeded');
  for (let i = 0; i < 5; i++) await attempt('alice', THERE, 'failed');
  const outcomes: string[] = [];
  for (let i = 0; i < 12; i++) outcomes.push(await attempt('alice', HERE, 'failed'));
  assert.deepEqual(outcomes, ['failed', ...Array(9).fill('name-budget'), 'address-budget', 'address-budget']);
});

test('an address that fails with many names is held; its whole /64 when it is IPv6', async () => {
  const { attempt } = guardAt({ perAddress: 3 });
  for (let i = 0; i < 3; i++) assert.equal(await attempt(`name${i}`, `2001:db8::${i + 1}`, 'failed'), 'failed');
  assert.equal(await attempt('name9', '2001:db8::9', 'failed'), 'address-budget');
  assert.equal(await attempt('name9', '2001:db8:0:1::9', 'failed'), 'failed');
});

test('exempt addresses and a limit of nothing are not counted', async () => {
  for (const options of [{ perAddress: 3, exempt: () => true }, { perAddress: 0 }]) {
    const { attempt, guard } = guardAt(options);
    for (let i = 0; i < 50; i++) assert.equal(await attempt(`name${i}`, HERE, 'failed'), 'failed');
    assert.equal(guard.sizes.addresses, 0);
  }
});

test('under a spray from everywhere each address is held to a tenth, and clean ones notice nothing', async () => {
  const { attempt } = guardAt({ perAddress: 30, total: 100 });
  for (let i = 0; i < 100; i++) await attempt(`name${i}`, `198.51.100.${i}`, 'failed');
  for (let i = 0; i < 3; i++) assert.equal(await attempt(`other${i}`, HERE, 'failed'), 'failed');
  assert.equal(await attempt('other9', HERE, 'failed'), 'address-budget');
  assert.equal(await attempt('carol', THERE, 'succeeded'), 'succeeded');
});

const POLICIES: readonly (readonly [number, number, number, number])[] = [
  // threshold, sharedBy, failures, extra
  [10, 1, 8, 1],
  [5, 1, 3, 1],
  [3, 1, 1, 1],
  [2, 1, 1, 0],
  [10, 3, 3, 0],
  [50, 8, 6, 0],
];
for (const [threshold, sharedBy, failures, extra] of POLICIES) {
  test(`threshold ${threshold} shared by ${sharedBy}: ${failures} failures and ${extra} more`, () => {
    assert.deepEqual(accountFailures({ threshold, observationMs: MINUTE }, sharedBy, 5), { failures, extra });
    assert.ok((failures + extra) * sharedBy < threshold);
  });
}

test('where nobody is locked out an account may fail as often as a name, under all its names together, and again from known addresses', async () => {
  const { guard, clock } = guardAt();
  assert.deepEqual(accountFailures({ threshold: 0, observationMs: 0 }, 3, 5), { failures: 5, extra: 5 });
  const known = await guard.beginName('alias0', HERE);
  if ('settle' in known) known.settle('succeeded');
  const fail = async (name: string, address: string) => {
    const attempt = await guard.beginAccount('CN=Alice', name, address);
    attempt?.settle('failed');
    return attempt !== undefined;
  };
  const judged: boolean[] = [];
  for (let i = 1; i <= 8; i++) judged.push(await fail(`alias${i}`, THERE));
  assert.deepEqual(judged, [...Array(5).fill(true), ...Array(3).fill(false)]);
  assert.equal(await guard.beginAccount('CN=Alice', 'alias0', THERE), undefined, 'another address of the same name');
  assert.ok(await fail('alias0', HERE));
  assert.ok(await guard.beginAccount('cn=bob', 'bob', THERE), 'another account');
  clock.now = 10 * MINUTE;
  assert.ok(await fail('alias9', THERE));
});

test('where nobody is locked out a success does not give those who guess at the account their number again', async () => {
  const { guard } = guardAt();
  const attempt = async (name: string, address: string, outcome: 'failed' | 'succeeded') => {
    const begun = await guard.beginAccount('CN=Alice', name, address);
    begun?.settle(outcome);
    return begun !== undefined;
  };
  for (let i = 0; i < 4; i++) assert.ok(await attempt(`alias${i}`, THERE, 'failed'));
  assert.ok(await attempt('alice', HERE, 'succeeded'));
  assert.ok(await attempt('alias4', THERE, 'failed'));
  assert.equal(await attempt('alias5', THERE, 'failed'), false);
});

test('guesses at one account sent together are no more than those sent one by one', async () => {
  const { guard } = guardAt();
  let tried = 0;
  const guess = async (n: number) => {
    const attempt = await guard.beginAccount('CN=Alice', `alias${n}`, `198.51.100.${n}`);
    if (!attempt) return;
    tried += 1;
    await new Promise((resolve) => setImmediate(resolve));
    attempt.settle('failed');
  };
  await Promise.all(Array.from({ length: 60 }, (_, n) => guess(n)));
  assert.equal(tried, 5);
});

test('an account reached by many names stays below the threshold of the domain, for as long as the domain counts', async () => {
  const { guard, clock } = guardAt();
  guard.useLockoutPolicy({ threshold: 5, observationMs: 30 * MINUTE });
  let failures = 0;
  for (let i = 0; i < 20; i++) {
    clock.now = i * MINUTE;
    const attempt = await guard.beginAccount(i % 2 ? 'CN=Alice' : 'cn=alice', `alias${i}`, HERE);
    if (attempt) failures += 1;
    attempt?.settle('failed');
  }
  assert.equal(failures, 3);
  clock.now = 2 * MINUTE + 30 * MINUTE;
  assert.equal(await guard.beginAccount('CN=Alice', 'alias', HERE), undefined, 'the domain may still count');
  clock.now += 1000;
  assert.ok(await guard.beginAccount('CN=Alice', 'alias', HERE));
});

test('a name is never allowed more than its account, nor for a shorter time', async () => {
  const { attempt, guard, clock } = guardAt();
  guard.useLockoutPolicy({ threshold: 3, observationMs: 30 * MINUTE });
  assert.equal(await attempt('alice', HERE, 'failed'), 'failed');
  assert.equal(await attempt('alice', HERE, 'succeeded'), 'name-budget');
  clock.now = 30 * MINUTE;
  assert.equal(await attempt('alice', HERE, 'succeeded'), 'name-budget');
  clock.now += 1000;
  assert.equal(await attempt('alice', HERE, 'succeeded'), 'succeeded');
});

test('a hundred thousand and more distinct names and addresses take bounded space', async () => {
  const { guard } = guardAt();
  guard.useLockoutPolicy({ threshold: 10, observationMs: MINUTE });
  for (let n = 0; n < 120_000; n++) {
    const address = `2001:db8:${(n >> 16).toString(16)}:${(n & 0xffff).toString(16)}::1`;
    const attempt = await guard.beginName(`name${n}`, address);
    if ('settle' in attempt) attempt.settle(n % 2 ? 'failed' : 'succeeded');
  }
  const { names, addresses, known, running, waiting } = guard.sizes;
  assert.deepEqual({ running, waiting }, { running: 0, waiting: 0 });
  for (const size of [names, addresses, known]) assert.ok(size >= 50_000 && size <= 100_000, String(size));
});
