// Clients that send a whole request and do not read the answer are cut when none of it has left for a while; who reads slowly is not.
import assert from 'node:assert/strict';
import { createServer as createHttp, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, connect as connectPlain, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { HeldConnections } from '../../../src/autodiscover/server/held-connections.ts';
import { listenHttp } from '../../../src/autodiscover/server/listen.ts';
import { PipelineLimit } from '../../../src/autodiscover/server/pipeline-limit.ts';
import { limitSending } from '../../../src/autodiscover/server/send-deadline.ts';
import { selfSigned } from '../../helpers/certificates.ts';

const TLS = selfSigned('localhost');
/** More than the kernel's buffers of both sides take. */
const LARGE = Buffer.alloc(16_000_000, 0x61);
const ASKING = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

const SERVERS = {
  'without TLS': (app: RequestListener): Server => createHttp(app),
  'over TLS': (app: RequestListener): Server => createHttps({ ...TLS }, app),
} as const;

/** A server with a deadline of half a second, and a client of it that has asked. */
async function scene(t: TestContext, kind: keyof typeof SERVERS, answer: (response: ServerResponse) => void) {
  const ended = Promise.withResolvers<'answered' | 'cut'>();
  const server = SERVERS[kind]((_request, response) => {
    response.on('close', () => ended.resolve(response.writableFinished ? 'answered' : 'cut'));
    answer(response);
  });
  const isTls = kind === 'over TLS';
  limitSending(server, { seconds: 0.5, event: isTls ? 'secureConnection' : 'connection', everyMs: 50 });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client: Socket = isTls
    ? connect({ port, host: '127.0.0.1', ca: TLS.cert, servername: 'localhost' })
    : connectPlain({ port, host: '127.0.0.1' });
  client.on('error', () => undefined);
  client.write(ASKING);
  t.after(() => {
    client.destroy();
    server.close();
  });
  return { client, ended: ended.promise };
}

for (const kind of ['without TLS', 'over TLS'] as const) {
  test(`${kind}: an answer that is never read ends the connection`, { timeout: 30_000 }, async (t) => {
    const { ended } = await scene(t, kind, (response) => response.end(LARGE));
    assert.equal(await ended, 'cut');
  });

  test(`${kind}: the same with an answer of which the beginning was read`, { timeout: 30_000 }, async (t) => {
    const { client, ended } = await scene(t, kind, (response) => response.end(LARGE));
    client.once('readable', () => client.read(1000));
    assert.equal(await ended, 'cut');
  });

  test(`${kind}: a slow reader gets everything, though it takes him longer than the limit`, {
    timeout: 60_000,
  }, async (t) => {
    const { client, ended } = await scene(t, kind, (response) => response.end(LARGE));
    let received = 0;
    let rests = 0;
    client.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received < (rests + 1) * 65_536) return;
      rests += 1;
      client.pause();
      setTimeout(() => client.resume(), 5);
    });
    assert.equal(await ended, 'answered');
    await new Promise((resolve) => client.once('close', resolve));
    assert.ok(received > LARGE.length);
  });

  test(`${kind}: an answer that takes its time to come is waited for`, { timeout: 30_000 }, async (t) => {
    const { client, ended } = await scene(t, kind, (response) => setTimeout(() => response.end('late'), 1500));
    client.resume();
    assert.equal(await ended, 'answered');
  });
}

test('a listener holds its clients to the time of a request', { timeout: 30_000 }, async (t) => {
  const ended = Promise.withResolvers<boolean>();
  const listener = await listenHttp(
    (_request, response) => void response.end(LARGE).on('close', () => ended.resolve(response.writableFinished)),
    {
      hostPort: '127.0.0.1:0',
      requestSeconds: 1,
      headerSeconds: 1,
      maxHeaders: 100,
      held: new HeldConnections({ maxConnections: 10, maxConnectionsPerAddress: 0, exempt: () => false }),
      pipelines: new PipelineLimit({ perConnection: 32 }),
    },
  );
  const client = connectPlain({ port: Number(new URL(listener.url).port), host: '127.0.0.1' });
  t.after(() => {
    client.destroy();
    return listener.stop(0);
  });
  client.on('error', () => undefined).write(ASKING);
  assert.equal(await ended.promise, false);
});
