// One of two domain controllers goes wrong under load, in every way a controller can: nobody whose logon is known notices, no password is
// sent twice, and when it is well again it is used again.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openDirectory } from '../../../src/ldap/directory.ts';
import type { EmbeddedDirectory, Faults } from '../../../src/ldap/embedded/server.ts';
import { selfSigned } from '../../helpers/certificates.ts';
import { controllerAt, directoryOptions, eventually, startController } from '../../ldap/demo-organization.ts';
import { bedOver, elementText, listenPlain } from '../bed.ts';
import { asker, load, NO_BUDGETS, PEOPLE, unserved } from '../standing-load.ts';

const GOOD = selfSigned('dc.contoso.test');
const EXPIRED = selfSigned('dc.contoso.test', { notAfter: new Date(Date.now() - 3_600_000) });

async function scene(t: TestContext) {
  const start = (at: number, tls = GOOD, port = 0) => startController({ hostName: `DC${at}`, tls, port });
  const controllers = await Promise.all([start(1), start(2)]);
  const timings = { connectTimeoutMs: 250, operationTimeoutMs: 250, ca: [GOOD.cert, EXPIRED.cert] };
  const directory = await openDirectory(
    directoryOptions(
      controllers.map(({ url }) => controllerAt(url, timings)),
      // Hardly anything is answered from memory: the controllers are to feel the load.
      {
        ages: { freshMs: 5, missingMs: 5, outageMs: 60_000 },
        retry: { firstMs: 20, longestMs: 60 },
        watchIntervalMs: 50,
      },
    ),
  );
  const server = await listenPlain(bedOver(directory, NO_BUDGETS).app);
  t.after(async () => {
    await server.close();
    directory.close();
    await Promise.all(controllers.map((controller) => controller.close()));
  });
  const ask = asker(server.port);
  /** Another controller in the place of the first. */
  const replaceFirst = async (tls: typeof GOOD) => {
    const [first] = controllers;
    await first?.close();
    // A connection of the load may have been given the port meanwhile; it ends soon.
    await eventually('the port is free', () =>
      start(1, tls, first?.port).then(
        (controller) => {
          controllers[0] = controller;
          return true;
        },
        () => false,
      ),
    );
  };
  return { controllers, directory, ask, replaceFirst };
}

type Strike = (bed: Awaited<ReturnType<typeof scene>>) => Promise<void>;
const faulty =
  (faults: Faults): Strike =>
  async ({ controllers }) =>
    controllers[0]?.setFaults(faults);

const WAYS: readonly (readonly [why: string, strike: Strike, mend: Strike])[] = [
  ['is killed', faulty({ dead: 'refuse' }), faulty({})],
  ['accepts connections and cuts them', faulty({ dead: 'close' }), faulty({})],
  ['hangs', faulty({ hang: true }), faulty({})],
  ['is too slow', faulty({ delayMs: 600 }), faulty({})],
  ['resets in the middle of answers', faulty({ resetMidAnswer: true }), faulty({})],
  ['refers to others', faulty({ result: 'referral' }), faulty({})],
  ['claims to be busy', faulty({ result: 'busy' }), faulty({})],
  ['has an expired certificate', ({ replaceFirst }) => replaceFirst(EXPIRED), ({ replaceFirst }) => replaceFirst(GOOD)],
];
for (const [why, strike, mend] of WAYS) {
  test(`under load the first controller ${why}: nobody who is known notices, and it is used again when it is well`, async (t) => {
    const bed = await scene(t);
    const { controllers, directory, ask } = bed;
    for (const [name, expected] of PEOPLE) assert.equal(elementText((await ask(name)).body, 'Server'), expected);
    const isUp = () => directory.status().controllers[0]?.up;
    const refusedBinds = () => controllers.reduce((sum, { stats }) => sum + stats.failedBinds, 0);
    const before = refusedBinds();
    // The replaced controller counts anew.
    let counted = 0;

    const traffic = load(t, ask);
    const some = async (more: number) => {
      const target = traffic.known.length + more;
      await eventually(`${more} more answers`, () => traffic.known.length >= target);
    };
    await some(10);
    const first = controllers[0] as EmbeddedDirectory;
    await strike(bed);
    if (controllers[0] !== first) counted += first.stats.failedBinds;
    await eventually('it is left out', () => isUp() === false);
    await some(20);
    const struck = controllers[0] as EmbeddedDirectory;
    await mend(bed);
    if (controllers[0] !== struck) counted += struck.stats.failedBinds;
    await eventually('it is used again', () => isUp() === true);
    const searches = controllers[0]?.stats.searches ?? 0;
    await some(20);
    await traffic.stop();

    assert.deepEqual(unserved(traffic.known), []);
    assert.ok((controllers[0]?.stats.searches ?? 0) > searches, 'it is asked again');
    const { stale } = directory.status().recipients;
    assert.equal(stale, 0, 'nothing was answered from memory while a controller worked');
    // A stranger is refused, or not judged when his password was on its way to the controller that failed.
    const told = Map.groupBy(traffic.strangers, ({ status }) => status);
    assert.deepEqual(
      [...told.keys()].filter((status) => status !== 401 && status !== 503),
      [],
    );
    for (const { headers } of told.get(503) ?? []) assert.ok(Number(headers['retry-after']) > 0);
    assert.ok((told.get(401)?.length ?? 0) > 0);
    const tried = counted + refusedBinds() - before;
    assert.ok(
      tried <= traffic.strangers.length,
      `${tried} passwords were refused for ${traffic.strangers.length} requests: one was sent twice`,
    );
    assert.ok(tried >= (told.get(401)?.length ?? 0), 'every refusal was judged by a controller');
  });
}

test('both go, and come back: what is known is answered all the time, and the rest is "not now"', async (t) => {
  const { controllers, directory, ask } = await scene(t);
  for (const [name] of PEOPLE) await ask(name);
  const traffic = load(t, ask);
  await eventually('some answers', () => traffic.known.length > 20);
  for (const controller of controllers) await controller.setFaults({ dead: 'refuse' });
  await eventually('answers from memory', () => directory.status().recipients.stale > 20);
  assert.equal(elementText((await ask('alice')).body, 'Server'), 'outlook-sea.contoso.test');
  for (const controller of controllers) await controller.setFaults({});
  await eventually('both are used again', () => directory.status().controllers.every(({ up }) => up));
  await eventually('nothing is from memory', () => directory.status().recipients.oldestStaleMs === 0);
  await traffic.stop();
  assert.deepEqual(unserved(traffic.known), []);
  assert.deepEqual(
    [...new Set(traffic.strangers.map(({ status }) => status))].filter((status) => status !== 401 && status !== 503),
    [],
  );
});
