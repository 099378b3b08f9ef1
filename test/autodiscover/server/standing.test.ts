// One of two domain controllers goes wrong under load, in every way a controller can: nobody whose logon is known notices, a good password
// that is checked anew is "not now" only if it was on its way to that very controller, none is ever given to two controllers that may both
// have judged it, and when the controller is well again it is used again.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openDirectory } from '../../../src/ldap/directory.ts';
import type { ArrivedBind, Faults } from '../../../src/ldap/embedded/server.ts';
import type { ControllerStatus } from '../../../src/ldap/pool-options.ts';
import { selfSigned } from '../../helpers/certificates.ts';
import { controllerAt, directoryOptions, eventually, READER, startController } from '../../ldap/demo-organization.ts';
import { bedOver, elementText, listenPlain, type Reply } from '../bed.ts';
import { AT_A_TIME, asker, load, NO_BUDGETS, newcomersLdif, PEOPLE, unserved } from '../standing-load.ts';

const GOOD = selfSigned('dc.contoso.test');
const EXPIRED = selfSigned('dc.contoso.test', { notAfter: new Date(Date.now() - 3_600_000) });

/** Where a password was sent, by its owner and itself; each is used for one logon. */
interface Attempt {
  /** The controllers that may have judged it. */
  readonly taken: number[];
  /** The controllers that said they did not. */
  readonly declined: number[];
}

async function scene(t: TestContext) {
  const attempts = new Map<string, Attempt>();
  const record = (at: number, { name, password, declined }: ArrivedBind) => {
    if (name === READER) return;
    const key = `${name} ${password}`;
    const attempt = attempts.get(key) ?? { taken: [], declined: [] };
    attempts.set(key, attempt);
    (declined ? attempt.declined : attempt.taken).push(at);
  };
  const changes = newcomersLdif();
  const start = (at: number, tls = GOOD, port = 0) =>
    startController({ hostName: `DC${at}`, tls, port, changes, onBind: (bind) => record(at, bind) });
  const controllers = await Promise.all([start(1), start(2)]);
  const timings = { connectTimeoutMs: 1_000, operationTimeoutMs: 1_000, ca: [GOOD.cert, EXPIRED.cert] };
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
  return { controllers, directory, ask, replaceFirst, attempts };
}

type Strike = (bed: Awaited<ReturnType<typeof scene>>) => Promise<void>;
const faulty =
  (faults: Faults): Strike =>
  async ({ controllers }) =>
    controllers[0]?.setFaults(faults);

/** At most one password of each caller is on its way at a time, and after that the controller gets none. */
const ON_THEIR_WAY = 2 * AT_A_TIME;

/** The way in which it still answers, and is passed over all the same. */
const SLOW = 'is slow';

/** The passwords that may be "not now": those that the controller may have judged. */
const WAYS: readonly (readonly [why: string, unjudged: number, strike: Strike, mend: Strike])[] = [
  ['is killed', ON_THEIR_WAY, faulty({ dead: 'refuse' }), faulty({})],
  ['accepts connections and cuts them', ON_THEIR_WAY, faulty({ dead: 'close' }), faulty({})],
  ['hangs', ON_THEIR_WAY, faulty({ hang: true }), faulty({})],
  ['answers too late', ON_THEIR_WAY, faulty({ delayMs: 2_500 }), faulty({})],
  [SLOW, 0, faulty({ delayMs: 350 }), faulty({})],
  ['resets in the middle of answers', ON_THEIR_WAY, faulty({ resetMidAnswer: true }), faulty({})],
  [
    'resets in the middle of answers to binds',
    ON_THEIR_WAY,
    faulty({ resetMidAnswer: true, operations: ['bind'] }),
    faulty({}),
  ],
  ['refers to others', 0, faulty({ result: 'referral' }), faulty({})],
  ['claims to be busy', 0, faulty({ result: 'busy' }), faulty({})],
  ['claims to be unavailable', 0, faulty({ result: 'unavailable' }), faulty({})],
  [
    'has an expired certificate',
    ON_THEIR_WAY,
    ({ replaceFirst }) => replaceFirst(EXPIRED),
    ({ replaceFirst }) => replaceFirst(GOOD),
  ],
];
const isWell = ({ up, slow }: ControllerStatus) => up && !slow;

for (const [why, unjudged, strike, mend] of WAYS) {
  test(`under load the first controller ${why}: nobody who is known notices, ${unjudged === 0 ? 'every password' : 'every other password'} is judged, none twice`, async (t) => {
    const bed = await scene(t);
    const { controllers, directory, ask, attempts } = bed;
    for (const [name, expected] of PEOPLE) assert.equal(elementText((await ask(name)).body, 'Server'), expected);
    const first = () => directory.status().controllers[0] as ControllerStatus;

    const traffic = load(t, ask, true);
    const some = async (more: number) => {
      const target = [traffic.known, traffic.newcomers, traffic.strangers].map(
        (told) => [told, told.length + more] as const,
      );
      await eventually(`${more} more answers`, () => target.every(([told, enough]) => told.length >= enough));
    };
    await some(5);
    assert.ok(isWell(first()));
    await strike(bed);
    await eventually('it is left out', () => (why === SLOW ? first().slow : !first().up));
    await some(10);
    await mend(bed);
    await eventually('it is used again', () => isWell(first()));
    const searches = controllers[0]?.stats.searches ?? 0;
    await some(10);
    await traffic.stop();

    assert.deepEqual(unserved(traffic.known), []);
    assert.ok((controllers[0]?.stats.searches ?? 0) > searches, 'it is asked again');
    const { stale } = directory.status().recipients;
    assert.equal(stale, 0, 'nothing was answered from memory while a controller worked');

    const notNow = ({ status }: Reply) => status === 503;
    const putOff = [...traffic.newcomers.map(({ reply }) => reply), ...traffic.strangers].filter(notNow);
    assert.ok(putOff.length <= unjudged, `${putOff.length} passwords were not judged`);
    for (const { headers } of putOff) assert.ok(Number(headers['retry-after']) > 0);
    const judged = traffic.newcomers.filter(({ reply }) => !notNow(reply));
    assert.deepEqual(unserved(judged), []);
    assert.ok(traffic.strangers.every((reply) => notNow(reply) || reply.status === 401));

    // Each password is one logon's, so that what was sent twice cannot hide behind what was not sent.
    const several = [...attempts].filter(
      ([, { taken, declined }]) => taken.length > 1 || new Set(declined).size < declined.length,
    );
    assert.deepEqual(several, [], 'no password went to two controllers that may both have judged it');
    const seen = [...attempts.values()].filter(({ taken }) => taken.length === 1).length;
    const answered = PEOPLE.length + judged.length + traffic.strangers.length - traffic.strangers.filter(notNow).length;
    assert.ok(seen >= answered, 'every answer was judged by a controller');
    assert.ok(seen <= answered + putOff.length);
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
