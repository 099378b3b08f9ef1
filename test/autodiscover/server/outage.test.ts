// What callers are told while the directory cannot answer, and that the service recovers by itself: people known already are answered
// from memory up to a stated age, everything else is "not now".
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { DirectoryOptions } from '../../../src/ldap/directory.ts';
import type { EmbeddedDirectory, Faults } from '../../../src/ldap/embedded/server.ts';
import { controllerAt, eventually, PASSWORD } from '../../ldap/demo-organization.ts';
import { basic, elementText, listenPlain, openDemoBed, poxBody, send, XML_TYPE } from '../bed.ts';

async function scene(
  t: TestContext,
  options: (controller: EmbeddedDirectory) => Partial<DirectoryOptions> = () => ({}),
) {
  const bed = await openDemoBed({
    directory: { retry: { firstMs: 30, longestMs: 100 }, connections: 1 },
    directoryFrom: (controller) => ({
      controllers: [controllerAt(controller.url, { connectTimeoutMs: 300, operationTimeoutMs: 300 })],
      ...options(controller),
    }),
  });
  const server = await listenPlain(bed.app);
  t.after(async () => {
    await server.close();
    await bed.close();
  });
  const post = (name: string, password = PASSWORD, address = 'alice@contoso.test') =>
    send(server.port, {
      headers: { authorization: basic(name, password), 'content-type': XML_TYPE },
      body: poxBody({ address }),
    });
  const ready = async () => {
    const reply = await send(server.port, { method: 'GET', path: '/health/ready' });
    return { status: reply.status, ...(JSON.parse(reply.body) as { ready: boolean; reasons: string[] }) };
  };
  return { bed, post, ready, server, controller: bed.controller };
}

const OUTAGES: readonly (readonly [why: string, faults: Faults])[] = [
  ['is dead', { dead: 'refuse' }],
  ['cuts connections', { dead: 'close' }],
  ['hangs', { hang: true }],
  ['claims to be busy', { result: 'busy' }],
  ['claims to be unavailable', { result: 'unavailable' }],
];
for (const [why, faults] of OUTAGES) {
  test(`the directory ${why}: 503 for strangers, known mailboxes from memory, 603 for others, not ready, and well again by itself`, async (t) => {
    const { bed, post, ready, controller } = await scene(t);
    assert.equal(elementText((await post('alice@contoso.test')).body, 'Server'), 'outlook-sea.contoso.test');
    assert.equal((await ready()).status, 200);

    await controller.setFaults(faults);
    bed.passTime(61_000);
    const stranger = await post('bob@contoso.test');
    assert.equal(stranger.status, 503, 'never 401: clients would drop a good password');
    assert.equal(stranger.headers['retry-after'], '30');
    assert.equal(stranger.headers['www-authenticate'], undefined);
    assert.equal(stranger.body, '');
    const known = await post('alice@contoso.test');
    assert.equal(known.status, 200);
    assert.equal(elementText(known.body, 'Server'), 'outlook-sea.contoso.test');
    assert.equal(known.headers['retry-after'], undefined);
    const { stale, oldestStaleMs } = bed.directory.status().recipients;
    assert.ok(stale > 0 && oldestStaleMs >= 61_000, `${stale} answers from memory, the oldest ${oldestStaleMs} ms old`);
    const unknown = await post('alice@contoso.test', PASSWORD, 'taro@contoso.test');
    assert.equal(unknown.status, 200);
    assert.equal(elementText(unknown.body, 'ErrorCode'), '603');
    assert.equal(elementText(unknown.body, 'Message'), 'Server Error');
    assert.equal(unknown.headers['retry-after'], '30');
    assert.doesNotMatch(unknown.body, /127\.0\.0\.1|ldap|ECONN|timed out/i);
    const state = await ready();
    assert.equal(state.status, 503);
    assert.equal(state.ready, false);
    assert.deepEqual(state.reasons, ['no domain controller answers']);
    const lines = bed.log.filter(({ path }) => String(path).includes('autodiscover')).slice(-3);
    assert.match(String(lines[0]?.reason), /no domain controller answered/);
    assert.equal(lines[0]?.level, 'warn');
    assert.equal(lines[1]?.outcome, 'settings');
    assert.match(String(lines[2]?.reason), /no domain controller answered/);

    await controller.setFaults({});
    await eventually('the service is ready again', async () => (await ready()).ready);
    assert.equal(elementText((await post('bob@contoso.test')).body, 'Server'), 'outlook-sea.contoso.test');
    assert.equal(elementText((await post('alice@contoso.test')).body, 'Server'), 'outlook-sea.contoso.test');
    assert.equal(bed.directory.status().recipients.oldestStaleMs, 0, 'the outage is over');
  });
}

for (const [how, times] of [
  ['a look for changes', { watchIntervalMs: 30, refreshIntervalMs: 3_600_000 }],
  ['the organisation, which is read because a controller is back', { refreshIntervalMs: 3_600_000 }],
] as const) {
  test(`the outage is over when the directory answers anything: ${how}; nobody need ask for a recipient`, async (t) => {
    const events: string[] = [];
    const { bed, post, controller } = await scene(t, () => ({ ...times, onEvent: ({ type }) => events.push(type) }));
    assert.equal((await post('alice@contoso.test')).status, 200);
    await controller.setFaults({ dead: 'refuse' });
    bed.passTime(61_000);
    assert.equal((await post('alice@contoso.test')).status, 200);
    const { oldestStaleMs } = bed.directory.status().recipients;
    assert.ok(oldestStaleMs >= 61_000);
    await controller.setFaults({});
    await eventually('nothing is from memory', () => bed.directory.status().recipients.oldestStaleMs === 0);
    assert.deepEqual(
      events.filter((type) => type.startsWith('outage')),
      ['outage-began', 'outage-ended'],
    );
  });
}

test('what is known is given up to the age that is configured, and not longer', async (t) => {
  const { bed, post, controller } = await scene(t, () => ({
    ages: { freshMs: 60_000, missingMs: 10_000, outageMs: 100_000 },
    refreshIntervalMs: 30_000,
  }));
  const ask = async (address: string) => {
    const { body, status, headers } = await post('alice@contoso.test', PASSWORD, address);
    return [elementText(body, 'Server') ?? elementText(body, 'ErrorCode') ?? status, headers['retry-after']];
  };
  assert.deepEqual(await ask('alice@contoso.test'), ['outlook-sea.contoso.test', undefined]);
  assert.deepEqual(await ask('nobody@contoso.test'), ['500', undefined]);
  await controller.setFaults({ dead: 'refuse' });
  bed.passTime(99_000);
  assert.deepEqual(await ask('alice@contoso.test'), ['outlook-sea.contoso.test', undefined]);
  assert.deepEqual(await ask('nobody@contoso.test'), ['500', undefined]);
  bed.passTime(2_000);
  assert.deepEqual(await ask('alice@contoso.test'), ['603', '30']);
  assert.throws(() => bed.directory.organization(), { code: 'unreachable', message: /too long/ });
});

test('an organisation read too long ago: the paths that need nothing else of the directory say 503', async (t) => {
  const { bed, server, controller } = await scene(t, () => ({
    ages: { freshMs: 60_000, missingMs: 10_000, outageMs: 0 },
    refreshIntervalMs: 30_000,
  }));
  const get = () => send(server.port, { method: 'GET', path: '/autodiscover/autodiscover.json?Protocol=EWS' });
  const usual = (await get()).status;
  assert.notEqual(usual, 503);
  await controller.setFaults({ dead: 'refuse' });
  bed.passTime(61_000);
  const late = await get();
  assert.deepEqual([late.status, late.headers['retry-after'], late.body], [503, '30', '']);
  await controller.setFaults({});
  await eventually('it is read again', async () => (await get()).status === usual);
});

test('an outage is not remembered as a wrong password', async (t) => {
  const { post, ready, controller } = await scene(t);
  await controller.setFaults({ dead: 'refuse' });
  assert.equal((await post('bob@contoso.test')).status, 503);
  await controller.setFaults({});
  await eventually('the service is ready again', async () => (await ready()).ready);
  assert.equal((await post('bob@contoso.test')).status, 200);
});

test('while the directory is down, whoever was let in within the hour still is, and nobody with another password', async (t) => {
  const { bed, post, controller } = await scene(t);
  assert.equal((await post('alice@contoso.test')).status, 200);
  await controller.setFaults({ dead: 'refuse' });
  bed.passTime(3_599_000);
  assert.equal(elementText((await post('alice@contoso.test')).body, 'Server'), 'outlook-sea.contoso.test');
  assert.equal((await post('alice@contoso.test', 'wrong')).status, 503, 'nobody can judge it');
  bed.passTime(2_000);
  assert.equal((await post('alice@contoso.test')).status, 503);
});

test('a password that was refused since is not let in by an outage', async (t) => {
  const { bed, post, controller } = await scene(t);
  assert.equal((await post('alice@contoso.test')).status, 200);
  bed.passTime(121_000);
  await controller.setFaults({ result: 'invalidCredentials', operations: ['bind'] });
  assert.equal((await post('alice@contoso.test')).status, 401);
  await controller.setFaults({ dead: 'refuse' });
  bed.passTime(31_000);
  assert.equal((await post('alice@contoso.test')).status, 503);
});

test('a wrong password is 401 even for somebody who is remembered', async (t) => {
  const { post } = await scene(t);
  assert.equal((await post('alice@contoso.test')).status, 200);
  assert.equal((await post('alice@contoso.test', 'wrong')).status, 401);
  assert.equal((await post('alice@contoso.test')).status, 200);
});

test('good credentials cost one bind while they are remembered, the same wrong ones as well', async (t) => {
  const { bed, post, controller } = await scene(t);
  const binds = () => controller.stats.binds - controller.stats.failedBinds;
  const from = binds();
  for (let round = 0; round < 3; round++) assert.equal((await post('bob@contoso.test')).status, 200);
  assert.equal(binds(), from + 1);
  for (let round = 0; round < 3; round++) assert.equal((await post('bob@contoso.test', 'wrong')).status, 401);
  assert.equal(controller.stats.failedBinds, 1);
  bed.passTime(31_000);
  assert.equal((await post('bob@contoso.test', 'wrong')).status, 401);
  assert.equal(controller.stats.failedBinds, 2);
  bed.passTime(120_000);
  assert.equal((await post('bob@contoso.test')).status, 200);
  assert.equal(binds(), from + 2);
});

test('an unknown name costs a bind as a wrong password does', async (t) => {
  const { post, controller } = await scene(t);
  const seen = () => controller.stats.failedBinds;
  assert.equal((await post('nobody@contoso.test')).status, 401);
  assert.equal(seen(), 1);
  assert.equal((await post('EVIL\\alice')).status, 401);
  assert.equal(seen(), 2);
});

test('a burst of requests with the same credentials costs one bind', async (t) => {
  const { post, controller } = await scene(t);
  const from = controller.stats.binds;
  const replies = await Promise.all(Array.from({ length: 10 }, () => post('bob@contoso.test')));
  assert.ok(replies.every(({ status }) => status === 200));
  assert.equal(controller.stats.binds, from + 1);
});

test('a service account that is refused: 503, and not one refusal for each request', async (t) => {
  let password = PASSWORD;
  const { post, controller } = await scene(t, () => ({ readPassword: async () => password }));
  // Its connections end, and its password was changed in the directory alone: here, the file is wrong.
  password = 'wrong';
  await controller.setFaults({ dead: 'close' });
  await controller.setFaults({});
  for (let round = 0; round < 5; round++) {
    const reply = await post('alice@contoso.test');
    assert.equal(reply.status, 503);
    assert.equal(reply.headers['retry-after'], '30');
  }
  assert.equal(controller.stats.failedBinds, 1);
  password = PASSWORD;
  await eventually('the service answers again', async () => (await post('alice@contoso.test')).status === 200);
});

test('a database that was made a moment ago is found by reading the organisation again', async (t) => {
  const { bed, post } = await scene(t);
  assert.equal(
    elementText((await post('alice@contoso.test', PASSWORD, 'mallory@contoso.test')).body, 'ErrorCode'),
    '602',
  );
  const before = bed.directory.organization();
  assert.equal(
    elementText((await post('alice@contoso.test', PASSWORD, 'mallory@contoso.test')).body, 'ErrorCode'),
    '602',
  );
  assert.equal(bed.directory.organization(), before, 'not read again for every such request');
});
