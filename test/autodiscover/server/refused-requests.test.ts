// What is refused before it is a request has a line and a count: each way of it, at each listener, and never more lines than are allowed.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createLogger } from '../../../src/autodiscover/log.ts';
import { REFUSED_REQUESTS, RefusedRequests } from '../../../src/autodiscover/server/refused-requests.ts';
import { startTestService, type TestService } from '../../helpers/running-service.ts';
import { eventually } from '../../ldap/demo-organization.ts';
import { GOOD, POX } from './hostile/http-cases.ts';
import { exchange, type HostileCase, http, type Way } from './hostile/raw.ts';

describe('lines', () => {
  const refusing = (lines: number) => {
    const written: Record<string, unknown>[] = [];
    const counted: string[] = [];
    const refused = new RefusedRequests({
      log: createLogger('info', { write: (line) => void written.push(JSON.parse(line)) }),
      count: (refusal) => void counted.push(refusal),
      lines,
      windowMs: 50,
    });
    return { written, counted, refused };
  };
  const one = { refusal: 'broken', address: '192.0.2.1', status: 400 } as const;

  test('so many in a window, then a sum; afterwards they begin anew', async () => {
    const { written, counted, refused } = refusing(2);
    for (let n = 0; n < 100; n++) refused.note('https', n % 10 === 0 ? { ...one, refusal: 'pipeline' } : one);
    assert.equal(counted.length, 100);
    assert.equal(written.length, 2);
    await eventually('the sum', () => written.length === 3);
    assert.deepEqual([written[2]?.event, written[2]?.refusals], ['more-requests-refused', { broken: 89, pipeline: 9 }]);
    refused.note('https', one);
    assert.deepEqual([written.length, written[3]?.event], [4, 'request-refused']);
  });

  test('what no window held back has no sum', async () => {
    const { written, refused } = refusing(2);
    refused.note('http', { ...one, id: 'x' });
    await new Promise((resolve) => setTimeout(resolve, 120));
    const [{ time: _, ...line } = {}, ...more] = written;
    assert.deepEqual(more, []);
    assert.deepEqual(line, {
      level: 'info',
      event: 'request-refused',
      address: '192.0.2.1',
      refusal: 'broken',
      listener: 'http',
      status: 400,
      id: 'x',
      msg: 'request refused',
    });
  });
});

const head = (...lines: readonly string[]): string => `GET / HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
const headers = (count: number) => Array.from({ length: count }, (_, n) => `X-${n}: 1`);
const TINY = head('Host: a');
/** A refusal, and what leads to it. */
const WAYS: readonly (readonly [
  refusal: (typeof REFUSED_REQUESTS)[number],
  send: string,
  status: number | undefined,
])[] = [
  ['broken', 'nonsense\r\n\r\n', 400],
  ['headers-too-large', head('Host: a', `X: ${'x'.repeat(200_000)}`), 431],
  ['headers-too-large', head('Host: a', ...headers(100)), 431],
  ['headers-too-large', head('Host: a', ...headers(1000)), 431],
  ['no-host', head('X: a'), 400],
  ['two-hosts', head('Host: a', 'Host: b'), 400],
  ['unknown-expectation', head('Host: a', 'Expect: wonders'), 417],
  ['connect-method', 'CONNECT a.test:443 HTTP/1.1\r\nHost: a\r\n\r\n', undefined],
  ['too-slow', 'GET / HT', 408],
  ['pipeline', TINY.repeat(33), undefined],
];
const CHUNKED = `POST ${POX} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n`;

describe('at the listeners of a service', () => {
  let server: TestService;
  before(async () => {
    server = await startTestService({
      limits: { requestSeconds: 2, headerSeconds: 1 },
      listen: { http: '127.0.0.1:0', metrics: '127.0.0.1:0' },
    });
  });
  after(() => server.stop());

  const wayTo = (listener: string): Way => {
    const { httpUrl = '', metricsUrl = '' } = server.service;
    if (listener === 'https') return server;
    return { port: Number(new URL(listener === 'http' ? httpUrl : metricsUrl).port) };
  };
  /** Lines in one second are bounded, and these tests are not about that. */
  const pause = () => new Promise((resolve) => setTimeout(resolve, 200));
  /** The lines that came of it; they are written by the time the connection is closed. */
  const linesOf = async (way: Way, one: Omit<HostileCase, 'name' | 'status'>) => {
    const before = server.log.length;
    const received = await exchange(way, { name: 'x', status: [], ...one }, 30_000);
    await pause();
    const lines = server.log.slice(before);
    return { received, lines: lines.filter(({ msg }) => msg === 'request refused'), all: lines };
  };

  for (const [refusal, send, status] of WAYS) {
    test(`${refusal}, ${send.length} bytes`, async () => {
      const before = server.log.length;
      const listeners = ['https', 'http', 'metrics'];
      const received = await Promise.all(
        listeners.map((listener) => exchange(wayTo(listener), { name: refusal, send, status: [] }, 30_000)),
      );
      for (const { status: codes } of received)
        assert.deepEqual(
          codes.filter((code) => code !== 404),
          status === undefined ? [] : [status],
        );
      await pause();
      const lines = server.log.slice(before).filter(({ msg }) => msg === 'request refused');
      assert.deepEqual(lines.map(({ listener }) => listener).sort(), listeners.sort());
      for (const { event, refusal: code, address, status: answered } of lines)
        assert.deepEqual([event, code, address, answered], ['request-refused', refusal, '127.0.0.1', status]);
    });
  }

  test('a handshake that fails, and one that never comes', async () => {
    for (const send of [Buffer.alloc(300, 0x5a), '']) {
      const { lines } = await linesOf(server, { send, plain: true });
      assert.deepEqual(
        lines.map(({ refusal, address, status }) => [refusal, address, status]),
        [['tls', '127.0.0.1', undefined]],
      );
    }
  });

  test('behind a proxy that sends PROXY headers the address is the client’s, with TLS and before it', async (t) => {
    const behind = await startTestService({
      limits: { requestSeconds: 2, headerSeconds: 1 },
      listen: { trustedProxies: ['127.0.0.1'], proxyProtocol: true },
    });
    t.after(() => behind.stop());
    const way = { port: behind.port, ca: behind.ca, preface: 'PROXY TCP4 192.0.2.7 192.0.2.1 50000 443\r\n' };
    for (const one of [{ send: 'nonsense\r\n\r\n' }, { send: TINY.repeat(40) }, { send: 'x'.repeat(300), plain: true }])
      await exchange(way, { name: 'x', status: [], ...one }, 30_000);
    const lines = behind.log.filter(({ msg }) => msg === 'request refused');
    assert.deepEqual(
      lines.map(({ refusal, address }) => [refusal, address]),
      ['broken', 'pipeline', 'tls'].map((refusal) => [refusal, '192.0.2.7']),
    );
  });

  test('a fault in a body has the id of its request', async () => {
    for (const [refusal, send, status] of [
      ['too-slow', http(POX, GOOD, { length: GOOD.length + 1 }), 408],
      ['broken', http(POX, 'zz\r\n', { headers: ['Transfer-Encoding: chunked'], length: false }), 400],
      ['chunk-extensions-too-large', `${CHUNKED}\r\n5;${'a'.repeat(100_000)}\r\n`, undefined],
    ] as const) {
      const { received, lines, all } = await linesOf(server, { send });
      assert.deepEqual(received.status, [status ?? 401]);
      await eventually('the exchange is over', () =>
        server.log.slice(-all.length).some(({ msg }) => msg === 'exchange'),
      );
      assert.deepEqual(
        lines.map((line) => [line.refusal, line.status]),
        [[refusal, status]],
      );
      assert.match(String(lines[0]?.id), /^[0-9a-f-]{36}$/);
    }
  });

  test('clients that come and go in silence, and those that reset, have none', async () => {
    const reset: HostileCase['send'] = (socket) =>
      void socket.write('POST /auto', () => (socket as Socket).resetAndDestroy());
    for (const way of [server, wayTo('http')])
      assert.deepEqual((await linesOf(way, { send: '', halfClose: true })).lines, []);
    assert.deepEqual((await linesOf(wayTo('http'), { send: reset })).lines, []);
  });

  test('each is counted, under nothing but the listed codes', async () => {
    const text = await (await fetch(server.service.metricsUrl ?? '')).text();
    const found = [...text.matchAll(/^autodiscover_refused_requests_total\{refusal="([^"]+)"\} ([1-9]\d*)$/gm)];
    // Of connections: listen-limits.test.ts.
    const here = REFUSED_REQUESTS.filter((refusal) => !refusal.endsWith('connections'));
    assert.deepEqual(new Set(found.map(([, refusal]) => refusal)), new Set(here));
    const lines = server.log.filter(({ msg }) => msg === 'request refused').length;
    assert.equal(
      found.reduce((sum, [, , count]) => sum + Number(count), 0),
      lines,
    );
  });
});
