// Hostile input over real sockets: each case with its expected status and protocol error, in order, shuffled, and all at once. Whatever
// came, the service afterwards answers as before. HOSTILE_SEED sets another shuffle.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { seededRandom } from '../../../helpers/mutation.ts';
import { PASSWORD, startTestService, type TestService } from '../../../helpers/running-service.ts';
import { GOOD, HTTP_CASES, POX } from './http-cases.ts';
import { MESSAGE_CASES } from './message-cases.ts';
import { type HostileCase, http } from './raw.ts';
import { run } from './run-cases.ts';
import { REFUSED_CLIENTS, refusalOf, TLS_CASES } from './tls-cases.ts';

const CASES: readonly HostileCase[] = [...HTTP_CASES, ...MESSAGE_CASES, ...TLS_CASES];
const SEED = Number(process.env.HOSTILE_SEED ?? 2010);
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
    assert.deepEqual(await run(server, cases, together), []);
    const good: HostileCase = { name: 'afterwards', send: http(POX, GOOD), status: [200], says: 'settings' };
    assert.deepEqual(await run(server, [good], 1), []);
  });
}

for (const client of REFUSED_CLIENTS) {
  test(`a client that wants ${client.name} is refused by an alert`, async () => {
    assert.match(await refusalOf(server.port, server.ca, client), client.error);
  });
}

test('no answer was a 500 of ours, and nothing was thrown', () => {
  assert.deepEqual(faults, []);
  const broken = server.log.filter((line) => line.status === 500 && line.dialect !== 'soap');
  assert.deepEqual(broken, []);
});

test('the log holds no credentials, no control characters, and of what clients wrote never much', () => {
  const sent = CASES.map(({ send }) => (typeof send === 'function' ? '' : send.toString('latin1')));
  const secrets = sent.flatMap((text) =>
    [...text.matchAll(/^authorization:[ \t]*\S+[ \t]+(\S{8,})/gim)].map(([, secret = '']) => secret),
  );
  assert.ok(secrets.length > 100);
  for (const secret of new Set([PASSWORD, ...secrets]))
    assert.ok(!server.lines.some((line) => line.includes(secret)), secret);
  for (const line of server.lines)
    assert.ok(![...line.trimEnd()].some((letter) => letter < ' ' || letter === '\x7f'), line);
  // The reasons behind the answers for a hundred users are ours, and many.
  for (const { trace: _, ...line } of server.log) assert.ok(JSON.stringify(line).length < 4096, JSON.stringify(line));
});
