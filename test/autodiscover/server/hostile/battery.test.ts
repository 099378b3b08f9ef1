// Hostile input over real sockets: each case with its expected status and protocol error, in order, shuffled, and all at once. Whatever
// came, the service afterwards answers as before. HOSTILE_SEED sets another shuffle.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { seededRandom } from '../../../helpers/mutation.ts';
import { startTestService, type TestService } from '../../../helpers/running-service.ts';
import { GOOD, HTTP_CASES, POX } from './http-cases.ts';
import { MESSAGE_CASES } from './message-cases.ts';
import { exchange, type HostileCase, http, type Received, saying } from './raw.ts';
import { REFUSED_CLIENTS, refusalOf, TLS_CASES } from './tls-cases.ts';

const CASES: readonly HostileCase[] = [...HTTP_CASES, ...MESSAGE_CASES, ...TLS_CASES];
const SEED = Number(process.env.HOSTILE_SEED ?? 2010);
const TIMEOUT_MS = 30_000;
const TOGETHER = 40;

let server: TestService;
const faults: unknown[] = [];
const note = (fault: unknown) => void faults.push(fault);

before(async () => {
  process.on('uncaughtExceptionMonitor', note);
  server = await startTestService({
    authentication: { failures: { perName: 1000, perAddress: 0, total: 0 } },
    limits: { requestBytes: 65_536, requestSeconds: 2, headerSeconds: 1 },
  });
});
after(async () => {
  await server.stop();
  process.off('uncaughtExceptionMonitor', note);
});

/** What is wrong with an answer; undefined when nothing is. */
function judge(one: HostileCase, { status, bodies }: Received): string | undefined {
  if (status.join() !== one.status.join())
    return `${one.name}: status [${status}], expected [${one.status}]; ${saying(bodies)}`;
  const says = saying(bodies);
  return says === one.says ? undefined : `${one.name}: says ${says}, expected ${one.says}`;
}

async function run(cases: readonly HostileCase[], together: number): Promise<string[]> {
  const wrong: string[] = [];
  let next = 0;
  const worker = async () => {
    while (next < cases.length) {
      const one = cases[next++] as HostileCase;
      const received = await exchange(server.port, server.ca, one, TIMEOUT_MS).catch((error: Error) => error);
      const fault = received instanceof Error ? received.message : judge(one, received);
      if (fault !== undefined) wrong.push(fault);
    }
  };
  await Promise.all(Array.from({ length: together }, worker));
  return wrong;
}

function shuffled(cases: readonly HostileCase[], seed: number): HostileCase[] {
  const random = seededRandom(seed);
  return cases
    .map((one) => ({ one, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

test('there are at least 200 cases, each with its own name', () => {
  assert.ok(CASES.length >= 200, String(CASES.length));
  assert.equal(new Set(CASES.map(({ name }) => name)).size, CASES.length);
});

const ORDERS: readonly (readonly [string, readonly HostileCase[], number])[] = [
  ['in order, a few at a time', CASES, 6],
  [`shuffled by ${SEED}, eight at a time`, shuffled(CASES, SEED), 8],
  ['all at once', shuffled(CASES, SEED + 1), TOGETHER],
];

for (const [name, cases, together] of ORDERS) {
  test(`every case is answered as it should be: ${name}`, async () => {
    assert.deepEqual(await run(cases, together), []);
    const good = await exchange(
      server.port,
      server.ca,
      { name: 'afterwards', send: http(POX, GOOD), status: [] },
      TIMEOUT_MS,
    );
    assert.deepEqual([good.status, saying(good.bodies)], [[200], 'settings']);
  });
}

for (const client of REFUSED_CLIENTS) {
  test(`a client that wants ${client.name} is refused by an alert`, async () => {
    assert.match(await refusalOf(server.port, server.ca, client), client.error);
  });
}

test('no answer was a 500 of ours, nothing was thrown, and no input is in the log as it came', () => {
  assert.deepEqual(faults, []);
  const broken = server.log.filter((line) => line.status === 500 && line.dialect !== 'soap');
  assert.deepEqual(broken, []);
  assert.ok(server.lines.every((line) => !line.includes('Demo-Passw0rd!')));
});
