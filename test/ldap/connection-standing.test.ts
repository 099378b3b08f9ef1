// The pool while controllers go wrong by chance and one of them is well, not always the same: every look-up is answered, and no password judged twice.
// STANDING_ROUNDS and STANDING_SEED let it run for longer, and another way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ControllerPool } from '../../src/ldap/connection.ts';
import { DEFAULT_PACE } from '../../src/ldap/controller-pace.ts';
import type { Faults } from '../../src/ldap/embedded/server.ts';
import { seededRandom } from '../helpers/mutation.ts';
import { controllerAt, eventually, PASSWORD, READER, staffDn, startController } from './demo-organization.ts';
import { ALICE } from './pool-scene.ts';

const ROUNDS = Number(process.env.STANDING_ROUNDS ?? 8);
const SEED = Number(process.env.STANDING_SEED ?? 2010);
const FAULTS: readonly Faults[] = [
  {},
  { dead: 'refuse' },
  { dead: 'close' },
  { hang: true },
  { hang: true, operations: ['bind'] },
  { hang: true, operations: ['search'] },
  { delayMs: 30 },
  { delayMs: 120 },
  { resetMidAnswer: true },
  { delayMs: 60, resetMidAnswer: true },
  { result: 'busy' },
  { result: 'unavailable', operations: ['search'] },
  { result: 'referral' },
  { delayMs: 100, result: 'busy' },
];
const LONGEST_DELAY_MS = 120;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('one of three is well, now this and now that, whatever the others do', async () => {
  const random = seededRandom(SEED);
  /** Where each password arrived and was not declined. */
  const judged = new Map<string, number[]>();
  const controllers = await Promise.all(
    [0, 1, 2].map((at) =>
      startController({
        onBind: ({ password = '', declined }) => {
          if (password !== PASSWORD && !declined) judged.set(password, [...(judged.get(password) ?? []), at]);
        },
      }),
    ),
  );
  const pool = new ControllerPool({
    controllers: controllers.map(({ url }) => controllerAt(url)),
    bindName: READER,
    readPassword: async () => PASSWORD,
    connections: 2,
    retry: { firstMs: 20, longestMs: 100 },
    pace: { ...DEFAULT_PACE, lateMs: 50, patienceMs: 80, giveUpMs: 400 },
  });
  const failures: string[] = [];
  let going = true;
  const again = async (what: string, ask: () => Promise<unknown>) => {
    for (let n = 0; going; n++) {
      await ask().catch((error: unknown) => failures.push(`${what} ${n}: ${error}`));
      await pause(5);
    }
  };
  let passwords = 0;
  const check = async () => {
    const password = `wrong ${passwords++}`;
    try {
      const { outcome } = await pool.checkPassword(staffDn('Alice Adams'), password);
      assert.equal(outcome, 'rejected');
    } catch (error) {
      // It was on its way to one that broke or fell silent: nobody knows whether it was judged.
      assert.equal((error as { code?: unknown }).code, 'unreachable');
    }
  };
  const callers = [
    ...[1, 2, 3].map((n) => again(`look-up of ${n}`, async () => assert.equal((await pool.search(ALICE)).length, 1))),
    again('reading', () => pool.withOneController(async (search) => [await search(ALICE), await search(ALICE)])),
    again('check', check),
    again('check', check),
  ];
  let well = 2;
  for (let round = 0; round < ROUNDS; round++) {
    const at = (well + 1 + Math.floor(random() * 2)) % 3;
    // What has arrived is answered first, so that it is known whether it was declined.
    await controllers[at]?.setFaults({});
    await pause(LONGEST_DELAY_MS);
    // What it was silent about it will never answer.
    await controllers[at]?.setFaults({ dead: 'close' });
    await controllers[at]?.setFaults({});
    await pause(50);
    let bad = at;
    if (random() < 0.4) {
      await eventually('it is back', () => pool.status()[at]?.up === true);
      [well, bad] = [at, well];
    }
    await controllers[bad]?.setFaults(FAULTS[Math.floor(random() * FAULTS.length)] ?? {});
    await pause(random() * 250);
  }
  for (const controller of controllers) await controller.setFaults({});
  await eventually('all are back', () => pool.status().every(({ up }) => up));
  going = false;
  await Promise.all(callers);
  pool.close();
  await eventually('no connection is left', () => controllers.every(({ stats }) => stats.openConnections === 0));
  await Promise.all(controllers.map((controller) => controller.close()));
  assert.deepEqual(failures, []);
  assert.deepEqual(
    [...judged].filter(([, at]) => at.length > 1),
    [],
  );
  assert.ok(passwords > 0);
});
