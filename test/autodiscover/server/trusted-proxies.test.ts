// Whom the service takes for the client when something stands in front of it: on real sockets, as the log and the budgets see it.
import assert from 'node:assert/strict';
import { request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { basic, PASSWORD, poxBody, startTestService, type TestService } from '../../helpers/running-service.ts';
import { eventually } from '../../ldap/demo-organization.ts';

/** One POST from a loopback address; the status. */
function ask(
  { port, ca }: TestService,
  from: string,
  {
    headers = {},
    authorization = basic('alice', PASSWORD),
  }: { headers?: Record<string, string>; authorization?: string },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const all = { 'Content-Type': 'text/xml', authorization, ...headers };
    const options = { port, host: '127.0.0.1', localAddress: from, ca, method: 'POST', agent: false as const };
    request({ ...options, path: '/autodiscover/autodiscover.xml', headers: all }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    })
      .on('error', reject)
      .end(poxBody('alice@contoso.test'));
  });
}

/** The address in the log line of the last exchange. */
async function logged(server: TestService, action: () => Promise<unknown>): Promise<unknown> {
  const lines = () => server.log.filter(({ msg }) => msg === 'exchange');
  const before = lines().length;
  await action();
  await eventually('the exchange is logged', () => lines().length > before);
  return lines().at(-1)?.address;
}

const PROXY = '127.0.0.22';

describe('headers of a proxy in front', () => {
  let server: TestService;
  before(async () => {
    server = await startTestService({
      listen: { trustedProxies: [PROXY] },
      authentication: { failures: { perAddress: 2, perName: 50 }, rejectedCacheSeconds: 0 },
      limits: { connectionsPerAddress: 1 },
    });
  });
  after(() => server.stop());

  const CASES: readonly (readonly [why: string, from: string, headers: Record<string, string>, logged: string])[] = [
    ['the proxy tells the client', PROXY, { 'X-Forwarded-For': '192.0.2.66, 192.0.2.7' }, '192.0.2.7'],
    ['anybody else is himself, whatever he says', '127.0.0.23', { 'X-Forwarded-For': '192.0.2.7' }, '127.0.0.23'],
    ['the other header counts for nothing', PROXY, { Forwarded: 'for=192.0.2.7' }, PROXY],
    [
      'two headers are one list',
      PROXY,
      { 'X-Forwarded-For': '192.0.2.66', 'x-forwarded-FOR': '192.0.2.7' },
      '192.0.2.7',
    ],
  ];
  for (const [why, from, headers, address] of CASES) {
    test(why, async () => assert.equal(await logged(server, () => ask(server, from, { headers })), address));
  }

  test('a guessing client behind the proxy is held, and its neighbour is not', async () => {
    const guess = (client: string, n: number) =>
      ask(server, PROXY, { headers: { 'X-Forwarded-For': client }, authorization: basic(`nobody${n}`, 'Wrong') });
    assert.deepEqual(
      [await guess('192.0.2.8', 1), await guess('192.0.2.8', 2), await guess('192.0.2.8', 3)],
      [401, 401, 503],
    );
    assert.equal(await guess('192.0.2.9', 4), 401);
    assert.equal(await ask(server, PROXY, { headers: { 'X-Forwarded-For': '192.0.2.9' } }), 200);
  });

  test('the proxy may hold more connections than one address', async () => {
    const held = await Promise.all([1, 2, 3].map(() => open(server.port, PROXY)));
    assert.equal(await ask(server, PROXY, {}), 200);
    for (const socket of held) socket.destroy();
  });
});

function open(port: number, localAddress: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress }, () => resolve(socket)).on('error', reject);
  });
}

/** A connection that says these bytes first, then TLS and one request; the status line, or how it ended. */
async function behind(server: TestService, from: string, first: readonly (string | Buffer)[]): Promise<string> {
  const socket = await open(server.port, from);
  for (const bytes of first) {
    socket.write(bytes);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  // Nobody reads: that it was closed is noticed when something is asked for.
  if (socket.destroyed || !socket.readable) return '';
  return new Promise((resolve) => {
    let answer = '';
    // What came last is still on its way through TLS.
    socket.on('close', () => setTimeout(() => resolve(answer.split('\r\n')[0] ?? ''), 50));
    const secure = connectTls({ socket, ca: server.ca, servername: 'localhost' });
    secure.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
    });
    secure.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
    secure.on('close', () => resolve(answer.split('\r\n')[0] ?? ''));
    const body = poxBody('alice@contoso.test');
    secure.write(
      `POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/xml\r\n` +
        `Authorization: ${basic('alice', PASSWORD)}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  });
}

const LINE = 'PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n';
const BINARY = Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000208c6336401dc0401bb', 'hex');
const LOCAL = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');

describe('PROXY headers in front of TLS', () => {
  let server: TestService;
  before(async () => {
    server = await startTestService({
      listen: { trustedProxies: [PROXY], proxyProtocol: true },
      limits: { connectionsPerAddress: 2, headerSeconds: 1 },
    });
  });
  after(() => server.stop());

  const SERVED: readonly (readonly [why: string, first: readonly (string | Buffer)[], logged: string])[] = [
    ['version 1', [LINE], '192.0.2.7'],
    ['version 2', [BINARY], '192.0.2.8'],
    ['in pieces', [LINE.slice(0, 9), LINE.slice(9, 30), LINE.slice(30)], '192.0.2.7'],
    ["the balancer's own health check", [LOCAL], PROXY],
  ];
  for (const [why, first, address] of SERVED) {
    test(`served: ${why}`, async () => {
      const seen = await logged(server, async () =>
        assert.equal(await behind(server, PROXY, first), 'HTTP/1.1 200 OK'),
      );
      assert.equal(seen, address);
    });
  }

  const REFUSED: readonly (readonly [why: string, from: string, first: readonly (string | Buffer)[]])[] = [
    ['no header', PROXY, []],
    ['a header from somebody else', '127.0.0.23', [LINE]],
    ['no header from somebody else', '127.0.0.23', []],
    ['a broken header', PROXY, ['PROXY TCP4 alice bob 1 2\r\n']],
  ];
  for (const [why, from, first] of REFUSED) {
    test(`closed: ${why}`, async () => assert.match(await behind(server, from, first), /^(ECONNRESET|EPIPE|)$/));
  }

  test('closed: half a header, when the time for headers is over', async () => {
    const socket = await open(server.port, PROXY);
    socket.write(LINE.slice(0, 20));
    await new Promise((resolve) => socket.on('error', resolve).on('close', resolve).resume());
  });

  test('connections are counted for the client, not for the balancer', async () => {
    const hold = async () => {
      const socket = await open(server.port, PROXY);
      socket.write(LINE);
      return socket;
    };
    const held = [await hold(), await hold()];
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.match(await behind(server, PROXY, [LINE]), /^(ECONNRESET|EPIPE|)$/, 'the third of 192.0.2.7');
    assert.equal(await behind(server, PROXY, [BINARY]), 'HTTP/1.1 200 OK', 'the first of 192.0.2.8');
    for (const socket of held) socket.destroy();
  });
});
