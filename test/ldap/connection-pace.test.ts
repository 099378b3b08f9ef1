// The pool over controllers that are not equally fast: who is asked, what is asked twice, and what is given up.
import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { DEFAULT_PACE } from '../../src/ldap/controller-pace.ts';
import { DOMAIN, eventually, PASSWORD, staffDn } from './demo-organization.ts';
import { ALICE, patientPool, scene } from './pool-scene.ts';

test('one that has fallen silent gets no further password, and is asked first again when it answers', async (t) => {
  const { controllers } = await scene(t, 2);
  const [first, second] = controllers;
  assert.ok(first && second);
  const { pool } = patientPool(t, controllers);
  await first.setFaults({ delayMs: 1_500 });
  const slow = pool.checkPassword(staffDn('Alice Adams'), PASSWORD);
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.deepEqual(await pool.checkPassword(staffDn('Bob Baker'), PASSWORD), { outcome: 'accepted' });
  assert.equal(second.stats.binds, 1, 'the password went to the second one alone');
  assert.deepEqual(await slow, { outcome: 'accepted' }, 'what it already had is answered');
  assert.ok(pool.status().every(({ up }) => up));
  const before = first.stats.binds;
  await first.setFaults({});
  await pool.checkPassword(staffDn('Bob Baker'), PASSWORD);
  assert.equal(first.stats.binds, before + 1);
});

test('a look-up that waits long is asked elsewhere too; a password is not', async (t) => {
  const { controllers } = await scene(t, 2);
  const [first, second] = controllers;
  assert.ok(first && second);
  const { pool } = patientPool(t, controllers, { pace: { ...DEFAULT_PACE, giveUpMs: 60_000 } });
  await pool.search(ALICE);
  await first.setFaults({ hang: true });
  const check = pool.checkPassword(staffDn('Alice Adams'), 'wrong');
  const checked = check.then(
    () => 'answered',
    () => 'failed',
  );
  const [entry] = await pool.search(ALICE);
  assert.equal(entry?.one('cn'), 'Alice Adams');
  assert.equal(second.stats.searches, 1);
  assert.ok(pool.status().every(({ up }) => up));
  assert.equal(second.stats.failedBinds, 0);
  pool.close();
  assert.equal(await Promise.race([checked, 'waiting']), 'waiting');
  await first.setFaults({ dead: 'close' });
  assert.equal(await checked, 'failed');
  assert.equal(second.stats.failedBinds, 0);
});

test('one that answers nothing at all is given up long before the time of an operation is up, with what it owes', async (t) => {
  const { controllers } = await scene(t, 2);
  const [first, second] = controllers;
  assert.ok(first && second);
  const { pool, events } = patientPool(t, controllers, { pace: { ...DEFAULT_PACE, lateMs: 50, giveUpMs: 400 } });
  await Promise.all([pool.search(ALICE), pool.checkPassword(staffDn('Bob Baker'), PASSWORD)]);
  await first.setFaults({ hang: true });
  await Promise.all([
    assert.rejects(pool.checkPassword(staffDn('Alice Adams'), PASSWORD), { code: 'unreachable' }),
    pool.withOneController((search) => search(ALICE)).then((entries) => assert.equal(entries.length, 1)),
  ]);
  assert.equal(pool.status()[0]?.up, false);
  assert.deepEqual(
    events.flatMap((event) => (event.type === 'controller-down' ? [event.reason] : [])),
    ['no answer to anything for 0.4 s'],
  );
  assert.equal(second.stats.binds, 1, 'the second has seen the service account alone');
  await first.setFaults({});
  await eventually('the first is back', () => pool.status()[0]?.up === true);
});

test('one that is given up while the connection for a password opens has not got it: the next one judges', async (t) => {
  const silent = createServer((socket) => void socket.on('error', () => undefined));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.after(() => silent.close());
  const { controllers } = await scene(t, 1);
  const url = `ldaps://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const { pool } = patientPool(t, [{ url }, ...controllers], { pace: { ...DEFAULT_PACE, lateMs: 50, giveUpMs: 400 } });
  assert.deepEqual(await pool.checkPassword(staffDn('Alice Adams'), PASSWORD), { outcome: 'accepted' });
  assert.equal(pool.status()[0]?.up, false);
});

test('a look-up that waits long is answered although elsewhere no connection can be opened', async (t) => {
  const { controllers } = await scene(t, 2);
  let readable = true;
  const readPassword = async () => {
    if (!readable) throw new Error('EACCES');
    return PASSWORD;
  };
  const { pool } = patientPool(t, controllers, { readPassword });
  await Promise.all([pool.search(ALICE), pool.search(ALICE)]);
  readable = false;
  await controllers[0]?.setFaults({ delayMs: 600 });
  assert.equal((await pool.search(ALICE)).length, 1);
});

test('a controller is as slow with refusals as with answers', async (t) => {
  const { controllers } = await scene(t, 2);
  const { pool } = patientPool(t, controllers);
  await controllers[0]?.setFaults({ delayMs: 300 });
  const nowhere = { ...ALICE, base: `OU=Nowhere,${DOMAIN}` };
  await eventually('it is known to be slow', async () => {
    await assert.rejects(pool.search(nowhere), { code: 32 });
    return pool.status()[0]?.slow === true;
  });
});

test('the only controller that is up is not given up for its silence', async (t) => {
  const { controllers } = await scene(t, 1);
  const { pool, events } = patientPool(t, controllers, { pace: { ...DEFAULT_PACE, lateMs: 20, giveUpMs: 100 } });
  await controllers[0]?.setFaults({ delayMs: 400 });
  assert.equal((await pool.search(ALICE)).length, 1);
  assert.deepEqual(events, []);
});

test('under load a slow controller is passed over, and asked first again by itself when it is fast', async (t) => {
  const { controllers } = await scene(t, 2);
  const [first, second] = controllers;
  assert.ok(first && second);
  const { pool, events } = patientPool(t, controllers);
  const CALLERS = 8;
  let going = true;
  let rounds = 0;
  const caller = async () => {
    while (going) {
      assert.equal((await pool.search(ALICE)).length, 1);
      assert.deepEqual(await pool.checkPassword(staffDn('Alice Adams'), PASSWORD), { outcome: 'accepted' });
      rounds += 1;
    }
  };
  const callers = Array.from({ length: CALLERS }, caller);
  t.after(() => {
    going = false;
  });
  const more = async (count: number) => {
    const target = rounds + count;
    await eventually(`${count} more rounds`, () => rounds >= target);
  };
  await more(50);
  assert.equal(second.stats.connections, 0);
  await first.setFaults({ delayMs: 600 });
  await eventually('it is known to be slow', () => pool.status()[0]?.slow === true);
  // What was on its way is answered within these.
  await more(3 * CALLERS);
  await eventually('nobody waits for it', async () => {
    const { binds } = first.stats;
    await new Promise((resolve) => setTimeout(resolve, 800));
    return first.stats.binds === binds;
  });
  const asked = { ...first.stats };
  const others = { ...second.stats };
  await more(500);
  // It is tried meanwhile, with look-ups.
  assert.equal(first.stats.binds, asked.binds);
  assert.ok(first.stats.searches - asked.searches < 50, `${first.stats.searches - asked.searches} look-ups`);
  assert.ok(second.stats.binds - others.binds >= 500 - CALLERS);
  assert.ok(pool.status().every(({ up }) => up));
  await first.setFaults({});
  await eventually('it is fast', () => pool.status()[0]?.slow === false);
  const before = second.stats.binds;
  const { binds } = first.stats;
  await more(50);
  assert.ok(first.stats.binds - binds >= 50 - CALLERS);
  assert.ok(second.stats.binds - before <= 2 * CALLERS);
  going = false;
  await Promise.all(callers);
  assert.deepEqual(
    events.map(({ type, url }) => [type, url]),
    [
      ['controller-slow', first.url],
      ['controller-fast', first.url],
    ],
  );
});
