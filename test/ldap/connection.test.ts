// The pool over several controllers, with embedded ones made faulty: look-ups go on at the next one and return to the first.
import assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ControllerPool } from '../../src/ldap/connection.ts';
import type { Faults } from '../../src/ldap/embedded/server.ts';
import { DOMAIN, eventually, PASSWORD, READER, staffDn, startController } from './demo-organization.ts';
import { ALICE, patientPool, scene } from './pool-scene.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A firewall before a controller that can forget its connections: what is sent on one of these is answered with a reset. */
async function firewall(t: TestContext, port: number) {
  const forgotten = new Set<Socket>();
  const known = new Set<Socket>();
  const server = createServer((inner) => {
    const outer = connect(port, '127.0.0.1');
    known.add(inner);
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      from.on('error', () => undefined);
      from.on('close', () => to.destroy());
      from.on('data', (data) => (forgotten.has(inner) ? inner.resetAndDestroy() : to.write(data)));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of known) socket.destroy();
    server.close();
  });
  return {
    url: `ldap://127.0.0.1:${(server.address() as AddressInfo).port}`,
    forget: () => {
      for (const socket of known) forgotten.add(socket);
    },
  };
}

const FAULTS: readonly (readonly [why: string, faults: Faults])[] = [
  ['refuses connections', { dead: 'refuse' }],
  ['cuts connections', { dead: 'close' }],
  ['hangs', { hang: true }],
  ['hangs on searches', { hang: true, operations: ['search'] }],
  ['is too slow', { delayMs: 1_000 }],
  ['resets in mid-answer', { resetMidAnswer: true }],
  ['claims to be busy', { result: 'busy' }],
  ['claims to be unavailable', { result: 'unavailable' }],
  ['refers elsewhere', { result: 'referral' }],
];
for (const [why, faults] of FAULTS) {
  test(`the first controller ${why}: reads go to the second, and back when it is well`, async (t) => {
    const { pool, controllers, events, served } = await scene(t, 2);
    const [first] = controllers;
    assert.ok(first);
    assert.equal(await served(), 0);
    await first.setFaults(faults);
    assert.equal(await served(), 1);
    // The second may have been asked before the first one's time was up.
    await eventually('the first is left out', () => pool.status()[0]?.up === false);
    assert.equal(pool.status()[1]?.up, true);
    assert.equal(events[0]?.type, 'controller-down');
    assert.equal(await served(), 1);
    await first.setFaults({});
    await eventually('the first controller is back', () => pool.status()[0]?.up === true);
    assert.equal(events.at(-1)?.type, 'controller-up');
    assert.equal(await served(), 0);
  });

  test(`the first controller ${why} from the start`, async (t) => {
    const { controllers, served } = await scene(t, 2);
    await controllers[0]?.setFaults(faults);
    assert.equal(await served(), 1);
  });

  test(`every controller ${why}: unreachable, naming each, and well again by itself`, async (t) => {
    const { pool, controllers, served } = await scene(t, 2);
    assert.equal(await served(), 0);
    for (const controller of controllers) await controller.setFaults(faults);
    await assert.rejects(pool.search(ALICE), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'unreachable');
      for (const { url } of controllers) assert.ok(error.message.includes(url), error.message);
      return true;
    });
    // Whoever comes while none is tried is told a reason too.
    await assert.rejects(pool.search(ALICE), /no domain controller answered: ldap\S+: \w/);
    for (const controller of controllers) await controller.setFaults({});
    await eventually('a controller is back', () => pool.status().some(({ up }) => up));
    await served();
    await eventually('all are back', () => pool.status().every(({ up }) => up));
    assert.equal(await served(), 0);
  });
}

test('slow is not dead: an answer within the time-out is taken', async (t) => {
  const { controllers, served } = await scene(t, 2);
  await controllers[0]?.setFaults({ delayMs: 50 });
  assert.equal(await served(), 0);
});

test('what every controller refers elsewhere blames none of them', async (t) => {
  const { pool, controllers } = await scene(t, 2);
  for (const controller of controllers) await controller.setFaults({ result: 'referral', operations: ['search'] });
  await assert.rejects(pool.search(ALICE), { code: 'unreachable', message: /ldap:\S+: .*ldap:\S+: / });
  for (const controller of controllers) await controller.setFaults({ result: 'referral', operations: ['bind'] });
  await assert.rejects(pool.checkPassword(staffDn('Alice Adams'), PASSWORD), { code: 'unreachable' });
  for (const controller of controllers) await controller.setFaults({});
  assert.ok(pool.status().every(({ up }) => up));
});

test('what one look-up is referred elsewhere for harms no other on its connection', async (t) => {
  const { pool, controllers } = await scene(t, 1, { connections: 1 });
  const [only] = controllers;
  assert.ok(only);
  await pool.search(ALICE);
  await only.setFaults({ result: 'referral', delayMs: 60, operations: ['search'] });
  const referred = assert.rejects(pool.search(ALICE), { code: 'unreachable' });
  const other = pool.search(ALICE);
  await pause(80);
  await only.setFaults({});
  await referred;
  assert.equal((await other).length, 1);
  assert.equal(only.stats.connections, 1);
});

test('what the directory refuses is not asked of another controller', async (t) => {
  const { pool, controllers } = await scene(t, 2);
  await assert.rejects(pool.search({ ...ALICE, base: `OU=Nowhere,${DOMAIN}` }), { code: 32 });
  assert.equal(controllers[1]?.stats.connections, 0);
  assert.deepEqual(
    pool.status().map(({ up }) => up),
    [true, true],
  );
});

test('several searches of one task run on one controller', async (t) => {
  const { pool, controllers } = await scene(t, 2);
  await pool.withOneController(async (search) => Promise.all(Array.from({ length: 10 }, () => search(ALICE))));
  assert.equal(controllers[0]?.stats.searches, 10);
  assert.equal(controllers[1]?.stats.connections, 0);
});

test('no more connections than configured, one bind each, however many requests', async (t) => {
  const { pool, controllers } = await scene(t, 1);
  await Promise.all(Array.from({ length: 50 }, () => pool.search(ALICE)));
  assert.equal(controllers[0]?.stats.connections, 2);
  assert.equal(controllers[0]?.stats.binds, 2);
});

test('no connection is left over after an outage', async (t) => {
  const { pool, controllers, served } = await scene(t, 1);
  const [only] = controllers;
  assert.ok(only);
  // Three searches on two connections: the next one, which fails, is on the second, while the first stays good.
  await Promise.all([pool.search(ALICE), pool.search(ALICE), pool.search(ALICE)]);
  for (let round = 0; round < 4; round++) {
    await only.setFaults({ result: 'busy', operations: ['search'] });
    await assert.rejects(pool.search(ALICE), { code: 'unreachable' });
    await only.setFaults({});
    await eventually('it is back', () => pool.status()[0]?.up === true);
    await served();
  }
  await Promise.all([pool.search(ALICE), pool.search(ALICE)]);
  await eventually('two connections stand', () => only.stats.openConnections <= 2);
});

test('connections that a firewall forgot while they lay idle fail no look-up, and blame nobody', async (t) => {
  const controller = await startController();
  t.after(() => controller.close());
  const wall = await firewall(t, controller.port);
  const { pool, events } = patientPool(t, [wall], { connections: 3 });
  for (let n = 0; n < 3; n++) await pool.search(ALICE);
  wall.forget();
  for (let n = 0; n < 3; n++) assert.equal((await pool.search(ALICE)).length, 1);
  assert.equal((await pool.withOneController((search) => search(ALICE))).length, 1);
  assert.deepEqual(events, []);
});

test('a connection that breaks in mid-answer, once: the look-up is answered on another', async (t) => {
  const { pool, controllers, events } = await scene(t, 1);
  const [only] = controllers;
  assert.ok(only);
  await pool.search(ALICE);
  await only.setFaults({ delayMs: 100, resetMidAnswer: true, operations: ['search'] });
  const found = pool.search(ALICE);
  await pause(50);
  await only.setFaults({});
  assert.equal((await found).length, 1);
  assert.deepEqual(events, []);
});

test('what was asked before a controller came back is asked again, and blames it no more', async (t) => {
  const { controllers } = await scene(t, 1);
  const [only] = controllers;
  assert.ok(only);
  const { pool, events } = patientPool(t, controllers);
  await pool.search(ALICE);
  await only.setFaults({ hang: true, operations: ['bind'] });
  const opening = pool.search(ALICE);
  const check = pool.checkPassword(staffDn('Alice Adams'), PASSWORD);
  const checked = assert.rejects(check, { code: 'unreachable' });
  await pause(50);
  await only.setFaults({ result: 'busy', operations: ['search'] });
  await assert.rejects(pool.search(ALICE), { code: 'unreachable' });
  await only.setFaults({});
  await eventually('it is back', () => pool.status()[0]?.up === true);
  assert.equal((await opening).length, 1, 'it waited for a connection that never came about');
  await only.setFaults({ dead: 'close' });
  await only.setFaults({});
  await checked;
  assert.deepEqual(
    events.map(({ type }) => type),
    ['controller-down', 'controller-up'],
  );
});

for (const [what, ask] of [
  ['a look-up', (pool: ControllerPool) => pool.search(ALICE).then((found) => found.length)],
  ['a password check', (pool: ControllerPool) => pool.checkPassword(staffDn('Bob Baker'), PASSWORD)],
] as const) {
  test(`${what} is answered by a controller that came back while the only other one was asked`, async (t) => {
    const { controllers } = await scene(t, 2);
    const [first, second] = controllers;
    assert.ok(first && second);
    const { pool } = patientPool(t, controllers);
    await first.setFaults({ dead: 'refuse' });
    await pool.search(ALICE);
    await second.setFaults({ delayMs: 400, result: 'busy' });
    const answer = ask(pool);
    await pause(50);
    await first.setFaults({});
    await answer;
    assert.equal(first.stats.searches + first.stats.binds > 1, true);
  });
}

for (const [what, ask] of [
  ['a look-up', (pool: ControllerPool) => pool.search(ALICE)],
  ['a password', (pool: ControllerPool) => pool.checkPassword(staffDn('Alice Adams'), PASSWORD)],
] as const) {
  test(`${what}, when the last controller goes down, is answered by one that was given up long ago and is back unnoticed`, async (t) => {
    const { pool, controllers } = await lastOfTwo(t);
    const [first, second] = controllers;
    await first.setFaults({});
    await second.setFaults({ dead: 'refuse' });
    const asked = await Promise.allSettled(Array.from({ length: 8 }, () => ask(pool)));
    assert.deepEqual(
      asked.map(({ status }) => status),
      Array(8).fill('fulfilled'),
    );
  });
}

test('when the last controller goes down, nobody waits long for one that is silent', async (t) => {
  const { pool, controllers } = await lastOfTwo(t);
  const [first, second] = controllers;
  await first.setFaults({ delayMs: 60_000 });
  await second.setFaults({ dead: 'refuse' });
  const from = performance.now();
  await assert.rejects(pool.search(ALICE), { code: 'unreachable' });
  await assert.rejects(pool.search(ALICE), { code: 'unreachable' });
  const waited = performance.now() - from;
  assert.ok(waited < 10_000, `${waited} ms, where an operation may take a minute`);
});

test('when the last controller goes down, those given up for long are tried soon, and none of them all the time', async (t) => {
  const { pool, controllers, events } = await lastOfTwo(t);
  const [first, second] = controllers;
  await second.setFaults({ dead: 'refuse' });
  const from = events.length;
  await assert.rejects(pool.search(ALICE), { code: 'unreachable' });
  await first.setFaults({});
  await eventually('the first is back', () => pool.status()[0]?.up === true);
  const triesOfSecond = events
    .slice(from)
    .filter((event) => event.type === 'controller-down' && event.url === second.url);
  assert.ok(triesOfSecond.length < 20, `the second was tried ${triesOfSecond.length} times meanwhile`);
});

/** Two controllers, the first of which was given up long ago. */
async function lastOfTwo(t: TestContext) {
  const { controllers } = await scene(t, 2);
  const [first, second] = controllers;
  assert.ok(first && second);
  const { pool, events } = patientPool(t, controllers, { retry: { firstMs: 10, longestMs: 60_000 } });
  await first.setFaults({ dead: 'refuse' });
  await pool.search(ALICE);
  const longestMs = () => Math.max(0, ...events.map((event) => ('retryInMs' in event ? event.retryInMs : 0)));
  await eventually('the first is asked rarely', () => longestMs() >= 1_000);
  // What failed within `firstMs` is not tried again at once.
  await pause(20);
  return { pool, controllers: [first, second] as const, events };
}

test('a closed pool answers no more and leaves nothing running', async (t) => {
  const { pool, controllers } = await scene(t, 1);
  await pool.search(ALICE);
  pool.close();
  await assert.rejects(pool.search(ALICE), { code: 'unreachable' });
  await eventually('its connections are gone', () => controllers[0]?.stats.openConnections === 0);
});

test('a pool needs a controller', () => {
  const options = { controllers: [], bindName: READER, readPassword: async () => PASSWORD, connections: 1 };
  assert.throws(() => new ControllerPool(options), { code: 'configuration', message: /directory\.servers/ });
});
