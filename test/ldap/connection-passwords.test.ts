// Passwords checked by the pool: on connections of their own, and by one controller only; the service account's likewise.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ControllerPool } from '../../src/ldap/connection.ts';
import { selfSigned } from '../helpers/certificates.ts';
import { controllerAt, eventually, PASSWORD, READER, staffDn, startController } from './demo-organization.ts';
import { ALICE, scene } from './pool-scene.ts';

test('a wrong password is tried once in total', async (t) => {
  const { pool, controllers } = await scene(t, 3);
  const checked = await pool.checkPassword(staffDn('Alice Adams'), 'wrong');
  assert.deepEqual(checked, { outcome: 'rejected', reason: '52e' });
  assert.deepEqual(
    controllers.map(({ stats }) => stats.failedBinds),
    [1, 0, 0],
  );
});

test('a right password costs one bind, on a connection that serves the next check and is not kept for long', async (t) => {
  const { pool, controllers } = await scene(t, 2, { passwordIdleMs: 50 });
  const stats = controllers.map((controller) => controller.stats);
  const rounds = [
    [PASSWORD, { outcome: 'accepted' }],
    ['wrong', { outcome: 'rejected', reason: '52e' }],
    [PASSWORD, { outcome: 'accepted' }],
  ] as const;
  for (const [password, outcome] of rounds) {
    assert.deepEqual(await pool.checkPassword(staffDn('Alice Adams'), password), outcome);
  }
  assert.deepEqual(
    stats.map(({ binds, failedBinds, connections }) => [binds, failedBinds, connections]),
    [
      [3, 1, 1],
      [0, 0, 0],
    ],
  );
  await eventually('the connection is closed', () => stats[0]?.openConnections === 0);
});

for (const mode of ['ldaps', 'start-tls'] as const) {
  test(`checks one after the other over ${mode} cost one handshake`, async (t) => {
    const tls = selfSigned('dc1.contoso.test');
    const controller = await startController({ tls: { ...tls, mode } });
    const reached = controllerAt(controller.url, { ca: [tls.cert], startTls: mode === 'start-tls' });
    const pool = new ControllerPool({
      controllers: [reached],
      bindName: READER,
      readPassword: async () => PASSWORD,
      connections: 1,
    });
    t.after(async () => {
      pool.close();
      await controller.close();
    });
    for (const password of [PASSWORD, 'wrong', PASSWORD]) {
      const { outcome } = await pool.checkPassword(staffDn('Alice Adams'), password);
      assert.equal(outcome, password === PASSWORD ? 'accepted' : 'rejected');
    }
    assert.deepEqual([controller.stats.connections, controller.stats.binds, controller.stats.failedBinds], [1, 3, 1]);
    // Connections that end while they lie idle are noticed, and blame nobody.
    for (let round = 0; round < 3; round++) {
      assert.equal((await pool.search(ALICE)).length, 1);
      assert.equal((await pool.checkPassword(staffDn('Bob Baker'), PASSWORD)).outcome, 'accepted');
      await controller.setFaults({ dead: 'close' });
      await controller.setFaults({});
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(pool.status()[0]?.up, true);
  });
}

test('checks at one time have a connection each, of which some are kept', async (t) => {
  const { pool, controllers } = await scene(t, 1);
  const [stats] = controllers.map((controller) => controller.stats);
  assert.ok(stats);
  const people = ['Alice Adams', 'Bob Baker'];
  const check = (n: number) => pool.checkPassword(staffDn(people[n % 2] ?? ''), n % 3 === 0 ? 'wrong' : PASSWORD);
  const checked = await Promise.all(Array.from({ length: 80 }, (_, n) => check(n)));
  assert.deepEqual(
    checked.map(({ outcome }) => outcome),
    Array.from({ length: 80 }, (_, n) => (n % 3 === 0 ? 'rejected' : 'accepted')),
  );
  assert.equal(stats.connections, 80);
  await eventually('as many are kept as usually run at once', () => stats.openConnections === 64);
  await Promise.all(Array.from({ length: 64 }, (_, n) => check(n)));
  assert.equal(stats.connections, 80);
});

test('a connection that the controller closed while it lay idle fails no check', async (t) => {
  const { pool, controllers } = await scene(t, 1);
  const [controller] = controllers;
  assert.ok(controller);
  for (let round = 0; round < 20; round++) {
    assert.deepEqual(await pool.checkPassword(staffDn('Alice Adams'), PASSWORD), { outcome: 'accepted' });
    // Cuts every connection, and takes new ones at once.
    await controller.setFaults({ dead: 'close' });
    await controller.setFaults({});
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(pool.status()[0]?.up, true);
});

test('a used connection that breaks with the password on it: unjudged, and no other controller sees the password', async (t) => {
  const { pool, controllers } = await scene(t, 2);
  const [first, second] = controllers;
  assert.ok(first && second);
  await pool.checkPassword(staffDn('Alice Adams'), PASSWORD);
  await first.setFaults({ resetMidAnswer: true, operations: ['bind'] });
  await assert.rejects(pool.checkPassword(staffDn('Alice Adams'), PASSWORD), { code: 'unreachable' });
  assert.equal(second.stats.binds, 0);
  assert.deepEqual(await pool.checkPassword(staffDn('Bob Baker'), PASSWORD), { outcome: 'accepted' });
  assert.equal(second.stats.binds, 1);
});

for (const [why, faults, judged] of [
  ['refuses connections', { dead: 'refuse' }, false],
  ['hangs', { hang: true }, true],
  ['resets in mid-answer', { resetMidAnswer: true }, true],
  ['answers that it failed', { result: 'other' }, true],
  ['is unwilling', { result: 'unwillingToPerform' }, true],
  ['claims to be busy', { result: 'busy' }, false],
  ['claims to be unavailable', { result: 'unavailable' }, false],
  ['refers elsewhere', { result: 'referral' }, false],
] as const) {
  test(`a password check when the first controller ${why}: ${judged ? 'may have been judged, so is not repeated' : 'asks the second'}`, async (t) => {
    const { pool, controllers } = await scene(t, 2);
    await controllers[0]?.setFaults(faults);
    const check = pool.checkPassword(staffDn('Alice Adams'), PASSWORD);
    if (judged) await assert.rejects(check, { code: 'unreachable' });
    else assert.deepEqual(await check, { outcome: 'accepted' });
    assert.equal(controllers[1]?.stats.binds, judged ? 0 : 1);
    if ('result' in faults && judged) return;
    // The next caller is served by the other one.
    assert.deepEqual(await pool.checkPassword(staffDn('Bob Baker'), PASSWORD), { outcome: 'accepted' });
    assert.equal(pool.status()[0]?.up, false);
  });
}

test('a password that one controller declines is refused by the next, and tried there once', async (t) => {
  const { pool, controllers } = await scene(t, 3);
  await controllers[0]?.setFaults({ result: 'busy' });
  await controllers[1]?.setFaults({ result: 'referral' });
  const checked = await pool.checkPassword(staffDn('Alice Adams'), 'wrong');
  assert.deepEqual(checked, { outcome: 'rejected', reason: '52e' });
  assert.deepEqual(
    controllers.map(({ stats }) => stats.failedBinds),
    [0, 0, 1],
  );
});

test('an empty password is refused without asking, and blames no controller', async (t) => {
  const { pool, controllers } = await scene(t, 1);
  await assert.rejects(pool.checkPassword(staffDn('Alice Adams'), ''), { code: 'configuration' });
  assert.equal(controllers[0]?.stats.connections, 0);
  assert.equal(pool.status()[0]?.up, true);
});

test('a refused service account is not tried again, on any controller, before its password changes', async (t) => {
  let password = 'old';
  const { pool, controllers, served } = await scene(t, 2, { readPassword: async () => password });
  for (let round = 0; round < 5; round++) {
    await assert.rejects(pool.search(ALICE), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'service-account-rejected');
      assert.match(error.message, /52e: wrong name or password.*directory\.bindDn and directory\.passwordFile/);
      return true;
    });
  }
  assert.deepEqual(
    controllers.map(({ stats }) => stats.failedBinds),
    [1, 0],
  );
  password = PASSWORD;
  assert.equal(await served(), 0);
});

test('a refused service account is tried once even when many requests come at a time', async (t) => {
  const { pool, controllers } = await scene(t, 1, { readPassword: async () => 'wrong' });
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => pool.search(ALICE)));
  assert.ok(outcomes.every(({ status }) => status === 'rejected'));
  assert.equal(controllers[0]?.stats.failedBinds, 1);
});

test('a password that cannot be read is a fault of the configuration, not of a controller', async (t) => {
  let fails = true;
  const readPassword = async () => {
    if (fails) throw new Error('ENOENT: no such file');
    return PASSWORD;
  };
  const { pool, served } = await scene(t, 1, { readPassword });
  await assert.rejects(pool.search(ALICE), { code: 'configuration', message: /service account's password.*ENOENT/ });
  assert.equal(pool.status()[0]?.up, true);
  fails = false;
  assert.equal(await served(), 0);
});

test('an empty password file is told as such', async (t) => {
  const { pool, controllers } = await scene(t, 1, { readPassword: async () => '' });
  await assert.rejects(pool.search(ALICE), { code: 'configuration', message: /directory\.passwordFile is empty/ });
  assert.equal(controllers[0]?.stats.connections, 0);
});
