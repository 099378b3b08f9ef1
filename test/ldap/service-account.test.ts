// The service account's password: who tries it, how often, and when again.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Faults } from '../../src/ldap/embedded/server.ts';
import { ServiceAccount } from '../../src/ldap/service-account.ts';
import { controllerAt, PASSWORD, READER, startController } from './demo-organization.ts';

async function controller(t: TestContext, faults: Faults = {}) {
  const { close, url, stats } = await startController({ faults });
  t.after(close);
  return { at: controllerAt(url), stats };
}

const outcomes = async (openings: readonly ReturnType<ServiceAccount['open']>[]) => {
  const settled = await Promise.allSettled(openings);
  for (const one of settled) if (one.status === 'fulfilled') one.value.close();
  return settled.map((one) => (one.status === 'fulfilled' ? 'open' : one.reason.code));
};

test('a first try that ends without a verdict leaves one next try, however many wait', async (t) => {
  const busy = await controller(t, { result: 'busy' });
  const well = await controller(t);
  const account = new ServiceAccount(READER, async () => 'wrong');
  const openings = [account.open(busy.at), ...Array.from({ length: 5 }, () => account.open(well.at))];
  assert.deepEqual((await outcomes(openings)).slice(1), new Array(5).fill('service-account-rejected'));
  assert.equal(well.stats.failedBinds, 1);
});

test('a controller that hangs on the first try keeps the others waiting for a moment only', async (t) => {
  const hung = await controller(t, { hang: true });
  const well = await controller(t);
  const account = new ServiceAccount(READER, async () => PASSWORD, 100);
  const first = outcomes([account.open({ ...hung.at, operationTimeoutMs: 1_000 })]);
  const ended: string[] = [];
  void first.then(() => ended.push('first'));
  assert.deepEqual(await outcomes([account.open(well.at), account.open(well.at)]), ['open', 'open']);
  assert.deepEqual(ended, []);
  await first;
  assert.deepEqual(await outcomes([account.open(well.at)]), ['open']);
});

test('a refused password is tried again after a minute, whatever becomes of the time of day', async (t) => {
  const { at, stats } = await controller(t);
  const account = new ServiceAccount(READER, async () => 'wrong');
  await outcomes([account.open(at)]);
  const time = performance.now();
  const day = Date.now();
  t.mock.method(Date, 'now', () => day + 3_600_000);
  await outcomes([account.open(at)]);
  assert.equal(stats.failedBinds, 1);
  t.mock.method(Date, 'now', () => day - 3_600_000);
  t.mock.method(performance, 'now', () => time + 61_000);
  await outcomes([account.open(at)]);
  assert.equal(stats.failedBinds, 2);
});
