// Bursts of pipelined requests: how many exchanges are made of them, what a pipeline within the limit is answered, and that others notice
// nothing. The numbers are of exchanges, as node:http announces them; neither time nor memory is measured.
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import { connect as connectPlain } from 'node:net';
import { after, before, describe, type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { HeldConnections } from '../../../src/autodiscover/server/held-connections.ts';
import { listenHttp } from '../../../src/autodiscover/server/listen.ts';
import { PipelineLimit } from '../../../src/autodiscover/server/pipeline-limit.ts';
import { basic, startTestService, type TestService } from '../../helpers/running-service.ts';
import { eventually } from '../../ldap/demo-organization.ts';
import { GOOD, POX } from './hostile/http-cases.ts';
import { exchange, http } from './hostile/raw.ts';

const LIMIT = 32;
const TINY = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const LAST = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const LIVE = 'GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

interface Port {
  readonly port: number;
  /** Absent: without TLS. */
  readonly ca?: string;
}

/** Sends, and reads until the server closes: the status of each answer. */
function send({ port, ca }: Port, text: string): Promise<number[]> {
  return new Promise((resolve) => {
    const to = { port, host: '127.0.0.1' };
    const socket = ca === undefined ? connectPlain(to) : connect({ ...to, ca, servername: 'localhost' });
    let received = '';
    socket.once(ca === undefined ? 'connect' : 'secureConnect', () => socket.write(text));
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve([...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code))));
  });
}

/** Exchanges that node:http made while `work` ran. */
async function exchangesOf<T>(work: () => Promise<T>): Promise<{ made: number; result: T }> {
  let made = 0;
  const count = () => {
    made += 1;
  };
  subscribe('http.server.request.start', count);
  try {
    const result = await work();
    return { made, result };
  } finally {
    unsubscribe('http.server.request.start', count);
  }
}

describe('pipelined requests', () => {
  let server: TestService;
  let ports: readonly Port[];
  before(async () => {
    server = await startTestService({
      limits: { pipelined: LIMIT },
      listen: { http: '127.0.0.1:0', metrics: '127.0.0.1:0' },
    });
    const { httpUrl = '', metricsUrl = '' } = server.service;
    ports = [
      { port: server.port, ca: server.ca },
      { port: Number(new URL(httpUrl).port) },
      { port: Number(new URL(metricsUrl).port) },
    ];
  });
  after(() => server.stop());

  test('as many as are allowed are answered, in order, at every listener', async () => {
    for (const port of ports) {
      const { made, result } = await exchangesOf(() => send(port, TINY.repeat(LIMIT - 1) + LAST));
      assert.deepEqual(result, Array(LIMIT).fill(404));
      assert.equal(made, LIMIT);
    }
  });

  test('answers of a pipeline keep the order of its requests', async () => {
    const mixed = [TINY, http(POX, GOOD, { connection: 'keep-alive' }).toString('latin1'), TINY, LAST];
    assert.deepEqual(await send(ports[0] as Port, mixed.join('')), [404, 200, 404, 404]);
  });

  test('one connection may ask as often as it likes if it waits for its answers', async () => {
    const { port, ca } = ports[0] as Port;
    const socket = connect({ port, host: '127.0.0.1', ca, servername: 'localhost' });
    let answers = 0;
    for (let round = 1; round <= 5; round++) {
      socket.write(TINY.repeat(LIMIT));
      for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
        answers += String(chunk).split('HTTP/1.1 404').length - 1;
        if (answers === LIMIT * round) break;
      }
      assert.equal(answers, LIMIT * round);
    }
    socket.destroy();
  });

  for (const [what, odd] of [
    ['without Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['with an expectation that nobody knows', 'GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n'],
    ['with two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
  ] as const) {
    test(`thousands ${what} are no more exchanges than others`, async () => {
      for (const port of ports) {
        const { made } = await exchangesOf(() => send(port, TINY + odd.repeat(5000)));
        assert.ok(made <= LIMIT + 1, `${made} exchanges`);
      }
    });

    test(`one ${what}: what stands in front is answered, and what stands behind is not looked at`, async () => {
      const asking = (name: string) =>
        http(POX, GOOD, { authorization: basic(name, what), connection: 'keep-alive' }).toString('latin1');
      const before = server.log.length;
      const status = what.startsWith('with an') ? 417 : 400;
      // The one in front takes its time, in which the one behind would be looked at.
      assert.deepEqual(await send(ports[0] as Port, TINY + asking('somebody') + odd + asking('nobody')), [
        404,
        401,
        status,
      ]);
      assert.ok(!server.log.slice(before).some(({ name }) => name === 'nobody'));
    });
  }

  test('thousands on many connections: few exchanges are made, and other clients are answered', async () => {
    const connections = 60;
    const each = 5000;
    for (const port of ports) {
      const { made, result } = await exchangesOf(async () => {
        const floods = Array.from({ length: connections }, () => send(port, TINY.repeat(each)));
        const others = await Promise.all(Array.from({ length: 10 }, () => send(ports[0] as Port, LIVE)));
        return { others, answered: await Promise.all(floods) };
      });
      assert.deepEqual(result.others, Array(10).fill([200]));
      assert.ok(made <= connections * (LIMIT + 1) + 10, `${made} exchanges of ${connections * each} requests`);
      assert.ok(result.answered.every((answers) => answers.length <= LIMIT));
    }
    const good = await exchange(server, { name: 'then', send: http(POX, GOOD), status: [] }, 30_000);
    assert.deepEqual([good.status, good.says], [[200], 'settings']);
  });
});

/** A listener that leaves its requests unanswered. */
async function unanswering(t: TestContext, pipelines: PipelineLimit) {
  const held: ServerResponse[] = [];
  const listener = await listenHttp((_request, response) => void held.push(response), {
    hostPort: '127.0.0.1:0',
    requestSeconds: 30,
    headerSeconds: 30,
    maxHeaders: 100,
    held: new HeldConnections({ maxConnections: 10, maxConnectionsPerAddress: 0, exempt: () => false }),
    pipelines,
  });
  t.after(() => listener.stop(0));
  return { held, port: { port: Number(new URL(listener.url).port) } };
}

test('each answer makes room for another request', async (t) => {
  const pipelines = new PipelineLimit({ perConnection: 3 });
  const { held, port } = await unanswering(t, pipelines);
  const socket = connectPlain({ ...port, host: '127.0.0.1' });
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  const gone = new Promise((resolve) => socket.once('close', resolve));
  socket.write(TINY.repeat(3));
  await eventually('three are there', () => held.length === 3);
  for (let n = 1; n <= 10; n++) {
    held[n - 1]?.writeHead(204).end();
    await eventually('the answer has come', () => received.split('HTTP/1.1 204').length === n + 1);
    socket.write(TINY);
    await eventually('another one is there', () => held.length === n + 3 || socket.destroyed);
    assert.ok(!socket.destroyed, `closed at request ${n + 3}`);
  }
  socket.write(TINY);
  await gone;
  assert.equal(held.length, 13);
  await eventually('all have left', () => pipelines.units === 0);
});

test('connections share the limit of the process, and leave it when they end', async (t) => {
  const pipelines = new PipelineLimit({ perConnection: LIMIT, units: 5 });
  const { held, port } = await unanswering(t, pipelines);
  const first = send(port, TINY.repeat(3) + LAST);
  await eventually('three wait behind one', () => pipelines.units === 3 && held.length === 4);
  assert.deepEqual(await send(port, TINY.repeat(4)), []);
  await eventually('the second connection has left', () => pipelines.units === 3);
  // Headers count as what they fill.
  const heavy = TINY.replace('Host', `X: ${'x'.repeat(9000)}\r\nHost`);
  assert.deepEqual(await send(port, TINY + heavy), []);
  await eventually('the third connection has left', () => pipelines.units === 3);
  for (const response of held) response.writeHead(204).end();
  assert.deepEqual(await first, [204, 204, 204, 204]);
  await eventually('all have left', () => pipelines.units === 0);
});
