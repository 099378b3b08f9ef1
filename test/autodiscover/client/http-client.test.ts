import assert from 'node:assert/strict';
import events from 'node:events';
import { type AddressInfo, createServer, type LookupFunction, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { createHttpClient, type HttpOutcome, type HttpRequest } from '../../../src/autodiscover/client/http-client.ts';
import { FakeNetwork, type Handler } from './fake-network.ts';
import { fixed } from './fake-service.ts';
import { serverCertificate, TEST_CA, TEST_KEY } from './test-certificates.ts';

async function withServer(handler: Handler, use: (network: FakeNetwork) => Promise<void>): Promise<void> {
  const network = new FakeNetwork();
  try {
    await network.https('mail.contoso.test', handler);
    await network.https('192.0.2.9', handler);
    await network.http('mail.contoso.test', handler);
    await use(network);
  } finally {
    await network.close();
  }
}

function get(url: string): HttpRequest {
  return { method: 'GET', url: new URL(url), headers: { 'X-Test': 'yes' } };
}

async function once(network: FakeNetwork, request: HttpRequest): Promise<HttpOutcome> {
  const connection = network.client().open();
  try {
    return await connection.send(request);
  } finally {
    connection.close();
  }
}

test('request line, Host, headers and body arrive; status, repeated headers and body come back', async () => {
  await withServer(fixed(418, { 'X-Two': ['a', 'b'] }, 'tea'), async (network) => {
    const request = { ...get('https://mail.contoso.test/a%20b?c=d'), method: 'POST', body: 'gr\u00fc\u00df' } as const;
    const outcome = await once(network, request);
    assert.ok(outcome.kind === 'answer');
    assert.equal(outcome.status, 418);
    assert.deepEqual(outcome.headers['x-two'], ['a', 'b']);
    assert.equal(Buffer.from(outcome.body).toString(), 'tea');
    const [seen] = network.seen;
    assert.deepEqual(
      [seen?.method, seen?.path, seen?.headers.host, seen?.headers['x-test'], seen?.body],
      ['POST', '/a%20b?c=d', 'mail.contoso.test', 'yes', 'gr\u00fc\u00df'],
    );
    assert.equal(seen?.headers['content-length'], '6');
  });
});

test('an IP address is checked against the certificate’s addresses', async () => {
  await withServer(fixed(200), async (network) => {
    const outcome = await once(network, get('https://192.0.2.9/'));
    assert.equal(outcome.kind === 'answer' && outcome.tls?.names, 'IP Address:192.0.2.9');
  });
});

test('redirects are left alone, and http carries no certificate', async () => {
  await withServer(fixed(302, { Location: 'https://elsewhere.test/' }), async (network) => {
    const outcome = await once(network, get('http://mail.contoso.test/'));
    assert.ok(outcome.kind === 'answer');
    assert.deepEqual(
      [outcome.status, outcome.headers.location, outcome.tls],
      [302, ['https://elsewhere.test/'], undefined],
    );
    assert.equal(network.seen.length, 1);
  });
});

test('a connection that the server has meanwhile closed is opened again', async () => {
  const closing: Handler = (request, response) => {
    response.end('ok');
    response.on('finish', () => setImmediate(() => request.socket.destroy()));
  };
  await withServer(closing, async (network) => {
    const connection = network.client().open();
    for (let i = 0; i < 3; i++) {
      const outcome = await connection.send(get('https://mail.contoso.test/'));
      assert.equal(outcome.kind, 'answer', JSON.stringify(outcome));
    }
    connection.close();
  });
});

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
/** How a server may leave the second request on a connection, and whether it is asked once more. */
const ENDS: readonly (readonly [name: string, repeated: boolean, end: (socket: Socket) => void])[] = [
  ['ends without a byte', true, (socket) => socket.end()],
  ['cuts without a byte', true, (socket) => socket.destroy()],
  ['resets', true, (socket) => socket.resetAndDestroy()],
  ['ends within the status line', false, (socket) => socket.end('HTTP/1.1 2')],
  ['ends within the headers', false, (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-')],
  ['ends within the body', false, (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok')],
];
for (const kind of ['http', 'https'] as const) {
  for (const [name, repeated, end] of ENDS) {
    if (kind === 'https' && name === 'resets') continue; // a TLS socket has no reset of its own
    test(`${kind}: a kept connection that the server ${name}: ${repeated ? 'asked once more' : 'not asked again'}`, async (t) => {
      let connections = 0;
      let requests = 0;
      const serve = (socket: Socket) => {
        connections += 1;
        socket.on('error', () => socket.destroy());
        socket.on('data', () => {
          requests += 1;
          if (requests === 2) end(socket);
          else socket.write(ANSWER);
        });
      };
      const server =
        kind === 'http'
          ? createServer(serve)
          : createTlsServer({ key: TEST_KEY, cert: serverCertificate(['localhost']) }, serve);
      server.listen(0, '127.0.0.1');
      await events.once(server, 'listening');
      const connection = createHttpClient({ timeoutMs: 5000, ca: TEST_CA }).open();
      t.after(() => {
        connection.close();
        server.close();
      });
      const url = new URL(`${kind}://localhost:${(server.address() as AddressInfo).port}/`);
      const ask = () => connection.send({ method: 'POST', url, headers: {}, body: 'hello' });
      const first = await ask();
      assert.deepEqual([first.kind, first.repeated], ['answer', undefined]);
      const second = await ask();
      if (repeated) {
        assert.deepEqual([second.kind, second.repeated, connections, requests], ['answer', true, 2, 3]);
      } else {
        assert.deepEqual([second.kind, second.repeated, connections, requests], ['failed', undefined, 1, 2]);
      }
    });
  }
}

/** A connection to a server that answers the first request and closes the connection of each later one, and how many it has had. */
async function answeredOnce(t: TestContext) {
  const seen = { requests: 0 };
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', () => {
      seen.requests += 1;
      if (seen.requests === 1) socket.write(ANSWER);
      else socket.end();
    });
  }).listen(0, '127.0.0.1');
  await events.once(server, 'listening');
  const connection = createHttpClient({ timeoutMs: 5000 }).open();
  t.after(() => {
    connection.close();
    server.close();
  });
  const request = get(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await connection.send(request);
  return { connection, request, seen };
}

test('a request is asked once more, not again and again; one that was never answered on its connection is not', async (t) => {
  const { connection, request, seen } = await answeredOnce(t);
  const second = await connection.send(request);
  assert.deepEqual([second.kind === 'failed' && second.reason, second.repeated, seen.requests], ['closed', true, 3]);
  const third = await connection.send(request);
  assert.deepEqual([third.kind === 'failed' && third.reason, third.repeated, seen.requests], ['closed', undefined, 4]);
});

test('what is bound to its connection is not sent on another', async (t) => {
  const { connection, request, seen } = await answeredOnce(t);
  assert.equal((await connection.send({ ...request, boundToConnection: true })).kind, 'failed');
  assert.equal(seen.requests, 2);
});

test('no answer is a reason, not an exception', async () => {
  const network = new FakeNetwork();
  const reason = async (url: string): Promise<string> => {
    const outcome = await once(network, get(url));
    return outcome.kind === 'failed' ? outcome.reason : 'answer';
  };
  assert.equal(await reason('https://nowhere.test/'), 'name-not-found');
  assert.equal(await reason('https://localhost:1/'), 'connection-refused');
  await withServer(fixed(200), async (plain) => {
    const outcome = await plain
      .client({ connectTo: () => ({ host: '127.0.0.1', port: plain.port('mail.contoso.test', 80) }) })
      .open()
      .send(get('https://mail.contoso.test/'));
    assert.equal(outcome.kind === 'failed' && outcome.reason, 'tls', 'https to a port that speaks http');
  });
});

test('where no address of a name answers, each is told', async () => {
  const addresses = [
    { address: '127.0.0.1', family: 4 },
    { address: '127.0.0.2', family: 4 },
  ];
  const lookup: LookupFunction = (_name, _options, callback) => callback(null, addresses);
  const connection = createHttpClient({ timeoutMs: 5000, lookup }).open();
  const outcome = await connection.send(get('http://mail.contoso.test:1/'));
  connection.close();
  assert.ok(outcome.kind === 'failed');
  assert.equal(outcome.reason, 'connection-refused');
  assert.match(outcome.detail, /ECONNREFUSED 127\.0\.0\.1:1; .*ECONNREFUSED 127\.0\.0\.2:1/);
});

test('a server that changes to another protocol has answered: nobody waits for more', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
    );
  }).listen(0, '127.0.0.1');
  await events.once(server, 'listening');
  const connection = createHttpClient({ timeoutMs: 5000 }).open();
  t.after(() => {
    connection.close();
    server.close();
  });
  const outcome = await connection.send(get(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`));
  assert.equal(outcome.kind === 'answer' && outcome.status, 101, JSON.stringify(outcome));
});

test('a header that cannot be sent is a failure of that request', async () => {
  const network = new FakeNetwork();
  const outcome = await once(network, { ...get('https://localhost/'), headers: { 'X-Bad': 'a\nb' } });
  assert.equal(outcome.kind, 'failed');
});

const NONSENSE: readonly (readonly [string, string])[] = [
  ['no HTTP at all', '220 mail.contoso.test ESMTP\r\n'],
  ['a status that is none', 'HTTP/1.1 abc\r\n\r\n'],
  ['headers without end', `HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(20_000)}`],
  ['a body shorter than announced', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort'],
  ['a broken chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
  ['nothing', ''],
];
for (const [name, bytes] of NONSENSE) {
  test(`a server that answers ${name} is a failure`, async () => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', () => socket.end(bytes));
    }).listen(0, '127.0.0.1');
    await events.once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const connection = createHttpClient({ timeoutMs: 5000 }).open();
    const outcome = await connection.send(get(`http://127.0.0.1:${port}/`));
    connection.close();
    server.close();
    assert.equal(outcome.kind, 'failed', JSON.stringify(outcome));
    assert.ok(outcome.kind === 'failed' && outcome.reason !== 'timeout', JSON.stringify(outcome));
  });
}
