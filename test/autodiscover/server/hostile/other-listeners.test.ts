// The HTTP cases of the battery at the listeners without authentication, the redirector and the metrics, and at the service behind a proxy
// that sends PROXY headers. What no HTTP server takes is refused everywhere alike; what the first two take is redirected, or nothing to them,
// without its body being looked at.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PASSWORD, startTestService, type TestService } from '../../../helpers/running-service.ts';
import { HTTP_CASES } from './http-cases.ts';
import { MESSAGE_CASES } from './message-cases.ts';
import type { HostileCase } from './raw.ts';
import { run } from './run-cases.ts';
import { TLS_CASES } from './tls-cases.ts';

const LIMITS = { requestBytes: 65_536, requestSeconds: 2, headerSeconds: 1 };
const TOGETHER = 20;

/** Faults of bodies that the service answers 400 or 408. */
const IN_THE_BODY = new Set([
  'a body byte every 100 ms',
  'a chunk every 100 ms, for ever',
  'body shorter than its length, then silence',
  'body shorter than its length, then the end',
  'chunk size is no number',
  'chunk size of 20 digits',
  'chunk size with 0x',
  'chunk without its end',
  'negative chunk',
  'gzip cut off',
  'gzip that is none',
  'gzip with damage',
  'unknown transfer coding',
]);
/** Targets that HTTP's parser refuses; all others reach the listener. */
const NO_TARGETS_TO_THE_PARSER = new Set(['target autodiscover/autodiscover.xml', 'target evil.test:443']);
/** Answers of whole heads, whatever their bodies are. */
const HEAD_FAULTS = [400, 404, 408, 417, 431];

/** The case at a listener that answers `taken` to what the service takes at an Autodiscover path. */
function at(taken: number, one: HostileCase): HostileCase {
  const isTaken = (status: number) => !HEAD_FAULTS.includes(status) || IN_THE_BODY.has(one.name);
  const { says: _, ...rest } = one;
  const status = one.status.filter((code) => code !== 100).map((code) => (isTaken(code) ? taken : code));
  return { ...rest, status };
}

const ANYWHERE = HTTP_CASES.filter(
  // Floods: pipelines.test.ts. A sender that resets may or may not see an answer that waits for no body.
  ({ name, plain }) => !plain && !/^one more in|^ten thousand|sender resets/.test(name),
);

let server: TestService;
before(async () => {
  server = await startTestService({
    limits: LIMITS,
    listen: { http: '127.0.0.1:0', metrics: '127.0.0.1:0' },
    requests: true,
  });
});
after(() => server.stop());

test('the redirector', async () => {
  const cases = ANYWHERE.map((one) =>
    one.name.endsWith('/autodiscover.xml/extra') ? { ...one, status: [302] } : at(302, one),
  );
  const port = Number(new URL(server.service.httpUrl ?? '').port);
  assert.deepEqual(await run({ port }, cases, TOGETHER), []);
  const lines = server.log.filter(({ msg }) => msg === 'exchange');
  assert.ok(lines.length > 100);
  assert.deepEqual(
    lines.filter(({ status }) => typeof status !== 'number' || status >= 500),
    [],
  );
  assert.ok(server.lines.every((line) => !line.includes(PASSWORD)));
});

test('the metrics', async () => {
  const cases = ANYWHERE.map((one) =>
    one.name.startsWith('target ') && !NO_TARGETS_TO_THE_PARSER.has(one.name)
      ? at(404, { ...one, status: [404] })
      : at(404, one),
  );
  const port = Number(new URL(server.service.metricsUrl ?? '').port);
  assert.deepEqual(await run({ port }, cases, TOGETHER), []);
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  assert.match(
    await answer.text(),
    /autodiscover_requests_total\{dialect="redirect",.*outcome="redirectUrl",status="302"\}/,
  );
});

test('the service behind a proxy that sends PROXY headers', async (t) => {
  const behind = await startTestService({
    authentication: { failures: { perName: 1000, perAddress: 0, total: 0 } },
    limits: LIMITS,
    listen: { trustedProxies: ['127.0.0.1'], proxyProtocol: true },
  });
  t.after(() => behind.stop());
  // The slow ones are as slow with a header in front.
  const cases = [...HTTP_CASES, ...MESSAGE_CASES, ...TLS_CASES].filter(({ status }) => !status.includes(408));
  const way = { port: behind.port, ca: behind.ca, preface: 'PROXY TCP4 192.0.2.7 192.0.2.1 50000 443\r\n' };
  assert.deepEqual(await run(way, cases, 2 * TOGETHER), []);
  const addresses = behind.log.filter(({ msg }) => msg === 'exchange').map(({ address }) => address);
  assert.deepEqual(new Set(addresses), new Set(['192.0.2.7']));
});
