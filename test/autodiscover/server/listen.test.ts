// Listeners: how they stop, and what is said when they cannot start.
import assert from 'node:assert/strict';
import { Agent, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { Server } from 'node:net';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createLogger } from '../../../src/autodiscover/log.ts';
import { logged } from '../../../src/autodiscover/server/exchange-log.ts';
import { HeldConnections } from '../../../src/autodiscover/server/held-connections.ts';
import { listenHttp } from '../../../src/autodiscover/server/listen.ts';
import { PipelineLimit } from '../../../src/autodiscover/server/pipeline-limit.ts';
import { eventually } from '../../ldap/demo-organization.ts';

const OPTIONS = {
  hostPort: '127.0.0.1:0',
  requestSeconds: 30,
  headerSeconds: 30,
  maxHeaders: 100,
  held: new HeldConnections({ maxConnections: 10, maxConnectionsPerAddress: 0, exempt: () => false }),
  pipelines: new PipelineLimit({ perConnection: 32 }),
};
/** Far longer than the test may take. */
const LONG_MS = 120_000;

test('stop waits for answers, not for connections that are kept alive', { timeout: 30_000 }, async (t) => {
  let answer: ServerResponse | undefined;
  const arrived = Promise.withResolvers<void>();
  const listener = await listenHttp((_request, response) => {
    answer = response;
    arrived.resolve();
  }, OPTIONS);
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const replied = new Promise<number | undefined>((resolve, reject) => {
    get(listener.url, { agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    }).on('error', reject);
  });
  await arrived.promise;
  const stopped = listener.stop(LONG_MS);
  answer?.end('done');
  assert.equal(await replied, 200);
  await stopped;
});

test('stop cuts what does not end in time', { timeout: 30_000 }, async () => {
  const arrived = Promise.withResolvers<void>();
  const listener = await listenHttp(() => arrived.resolve(), OPTIONS);
  const cut = new Promise((resolve) => get(listener.url).on('error', resolve));
  await arrived.promise;
  await listener.stop(50);
  assert.match(String(await cut), /socket hang up|ECONNRESET/);
});

test('a port that is taken, an address this machine lacks', async () => {
  const listener = await listenHttp(() => undefined, OPTIONS);
  const { host } = new URL(listener.url);
  await assert.rejects(
    listenHttp(() => undefined, { ...OPTIONS, hostPort: host }),
    {
      code: 'listen',
      message: `listening on ${host}: another program uses it`,
    },
  );
  await listener.stop(0);
  await assert.rejects(
    listenHttp(() => undefined, { ...OPTIONS, hostPort: '203.0.113.1:80' }),
    {
      code: 'listen',
      message: /this machine has no such address/,
    },
  );
});

test('a connection that cannot be accepted ends nothing', async (t) => {
  let server: Server | undefined;
  const { listen } = Server.prototype;
  t.mock.method(Server.prototype, 'listen', function (this: Server, ...args: Parameters<typeof listen>) {
    server = this;
    return listen.apply(this, args);
  });
  const listener = await listenHttp((_request, response) => response.end(), OPTIONS);
  t.after(() => listener.stop(0));
  // Linux hands over errors of the network with accept(2), and the kernel may be short of something.
  for (const code of ['EPERM', 'ENOBUFS', 'EPROTO'])
    server?.emit('error', Object.assign(new Error(`accept ${code}`), { code, syscall: 'accept' }));
  const status = await new Promise((resolve, reject) => {
    get(listener.url, { agent: false }, (response) => resolve(response.resume().statusCode)).on('error', reject);
  });
  assert.equal(status, 200);
});

test('a connection that is kept keeps nothing of the exchange that is over', { timeout: 30_000 }, async (t) => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const requests: WeakRef<IncomingMessage>[] = [];
  const app = logged({ log: createLogger('silent', { write: () => undefined }) }, (request, response) => {
    requests.push(new WeakRef(request));
    response.end();
  });
  const listener = await listenHttp(app, OPTIONS);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(async () => {
    agent.destroy();
    await listener.stop(0);
  });
  for (let n = 0; n < 3; n++)
    await new Promise((resolve, reject) => {
      get(listener.url, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject);
    });
  await eventually('all are collected', () => {
    collect();
    return requests.every((request) => request.deref() === undefined);
  });
  assert.equal(requests.length, 3);
});
