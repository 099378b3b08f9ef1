// The HTTP face: paths, methods, headers, health, and the line each exchange leaves in the log.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { basic, elementText, POX_PATH, poxBody, XML_TYPE } from '../bed.ts';
import { servedDemo } from '../served-demo.ts';

const ALICE = { authorization: basic('alice@contoso.test'), 'content-type': XML_TYPE };
const BODY = poxBody({ address: 'alice@contoso.test' });

describe('the app', () => {
  const demo = servedDemo();
  const ask = demo.send;

  const PATHS: readonly (readonly [path: string, status: number])[] = [
    ['/autodiscover/autodiscover.xml', 200],
    ['/Autodiscover/Autodiscover.xml', 200],
    ['/AUTODISCOVER/AUTODISCOVER.XML', 200],
    ['/autodiscover/autodiscover.xml/', 200],
    ['//autodiscover//autodiscover.xml', 200],
    ['/autodiscover/autodiscover.xml?a=b', 200],
    ['/autodiscover/contoso.test/autodiscover.xml', 200],
    ['/autodiscover/a/b/autodiscover.xml', 404],
    ['/autodiscover/autodiscover.xmlx', 404],
    ['/autodiscover/autodiscoverxxml', 404],
    ['/x/autodiscover/autodiscover.xml', 404],
    ['/autodiscover/', 404],
    ['/', 404],
    ['/%2e%2e/etc/passwd', 404],
    ['/autodiscover/%00/autodiscover.xml', 200], // decodes to nothing that is looked at
    ['/autodiscover/autodiscover.xml%00', 404],
    ['/%', 404],
  ];
  for (const [path, status] of PATHS) {
    test(`POST ${path}: ${status}`, async () => {
      const reply = await ask({ path, headers: ALICE, body: BODY });
      assert.equal(reply.status, status);
      if (status === 200) assert.equal(elementText(reply.body, 'Server'), 'outlook-sea.contoso.test');
      else assert.equal(reply.body, '');
    });
  }

  const METHODS: readonly (readonly [method: string, status: number])[] = [
    ['POST', 200],
    ['GET', 200],
    ['HEAD', 200],
    ['OPTIONS', 204],
    ['PUT', 405],
    ['DELETE', 405],
    ['PATCH', 405],
    ['PROPFIND', 405],
    ['TRACE', 405],
  ];
  for (const [method, status] of METHODS) {
    test(`${method}: ${status} with credentials, 401 without`, async () => {
      const body = method === 'POST' || method === 'PUT' ? BODY : undefined;
      const reply = await ask({ method, headers: ALICE, ...(body ? { body } : {}) });
      assert.equal(reply.status, status);
      if (status !== 200) assert.equal(reply.headers.allow, 'GET, HEAD, POST, OPTIONS');
      if (status === 204) assert.equal(reply.headers['content-length'], undefined); // RFC 9110 8.6
      const anonymous = await ask({ method, ...(body ? { body } : {}) });
      assert.equal(anonymous.status, 401);
      assert.equal(anonymous.body, '');
      assert.equal(anonymous.headers['www-authenticate'], 'Basic realm="Autodiscover"');
    });
  }

  test('a GET without a body is an invalid request, as with Exchange ([MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode)', async () => {
    const reply = await ask({ method: 'GET', headers: ALICE });
    assert.equal(reply.headers['content-type'], XML_TYPE);
    assert.equal(elementText(reply.body, 'ErrorCode'), '600');
    assert.equal(elementText(reply.body, 'Message'), 'Invalid Request');
  });

  test('a HEAD has the headers of a GET and no body', async () => {
    const reply = await ask({ method: 'HEAD', headers: ALICE });
    assert.equal(reply.headers['content-type'], XML_TYPE);
    assert.equal(reply.body, '');
  });

  test('the headers of an answer are exact and tell nothing of the software', async () => {
    const { headers } = await ask({ headers: ALICE, body: BODY });
    assert.equal(headers['content-type'], 'text/xml; charset=utf-8');
    assert.equal(headers['cache-control'], 'private');
    assert.match(String(headers['request-id']), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    for (const name of ['x-powered-by', 'etag', 'server', 'set-cookie']) assert.equal(headers[name], undefined, name);
  });

  test('the SOAP service is announced on every answer of its paths, the 401 above all', async () => {
    for (const path of ['/autodiscover/autodiscover.xml', '/autodiscover/autodiscover.svc']) {
      for (const headers of [{}, ALICE]) {
        const reply = await ask({ method: 'GET', path, headers });
        assert.equal(reply.headers['x-soap-enabled'], 'True', path);
      }
    }
  });

  test('the answer has a length, for clients without chunked decoding', async () => {
    const { headers, body } = await ask({ headers: ALICE, body: BODY });
    assert.equal(headers['content-length'], String(Buffer.byteLength(body)));
  });

  for (const [why, contentType] of [
    ['no content type', undefined],
    ['a form', 'application/x-www-form-urlencoded'],
    ['JSON', 'application/json'],
    ['an odd charset', 'text/xml; charset="UTF8"'],
    ['garbage', ';;;'],
  ] as const) {
    test(`the request's content type does not matter: ${why}`, async () => {
      const headers = { authorization: ALICE.authorization, ...(contentType ? { 'content-type': contentType } : {}) };
      assert.equal(elementText((await ask({ headers, body: BODY })).body, 'Server'), 'outlook-sea.contoso.test');
    });
  }

  for (const encoding of ['gzip', 'deflate', 'br'] as const) {
    test(`a ${encoding} request`, async () => {
      const { deflateSync, brotliCompressSync } = await import('node:zlib');
      const body = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync }[encoding](BODY);
      const reply = await ask({ headers: { ...ALICE, 'content-encoding': encoding }, body });
      assert.equal(elementText(reply.body, 'Server'), 'outlook-sea.contoso.test');
    });
  }

  test('Expect: 100-continue is served', async () => {
    const reply = await ask({ headers: { ...ALICE, expect: '100-continue' }, body: BODY });
    assert.equal(elementText(reply.body, 'Server'), 'outlook-sea.contoso.test');
  });

  test('HTTP/1.0 without a Host header is served, and nothing of the socket is echoed', async () => {
    const text = await raw(
      demo.port,
      `POST ${POX_PATH} HTTP/1.0\r\nAuthorization: ${ALICE.authorization}\r\nContent-Length: ${Buffer.byteLength(BODY)}\r\n\r\n${BODY}`,
    );
    assert.match(text, /^HTTP\/1\.1 200 /);
    assert.match(text, /<Server>outlook-sea\.contoso\.test<\/Server>/);
    const refused = await raw(demo.port, `POST ${POX_PATH} HTTP/1.0\r\nContent-Length: 0\r\n\r\n`);
    assert.match(refused, /^HTTP\/1\.1 401 /);
    assert.doesNotMatch(refused, /127\.0\.0\.1/);
  });

  test('a request target in absolute form, as proxies send it', async () => {
    const text = await raw(
      demo.port,
      `POST http://autodiscover.contoso.test${POX_PATH} HTTP/1.1\r\nHost: autodiscover.contoso.test\r\nConnection: close\r\n` +
        `Authorization: ${ALICE.authorization}\r\nContent-Length: ${Buffer.byteLength(BODY)}\r\n\r\n${BODY}`,
    );
    assert.match(text, /^HTTP\/1\.1 200 /);
  });

  test('the correlation id of the client comes back only when it asks, and only when it is one', async () => {
    const id = '{11111111-2222-3333-4444-555555555555}';
    const echo = async (headers: Record<string, string>) =>
      (await ask({ headers: { ...ALICE, ...headers }, body: BODY })).headers['client-request-id'];
    assert.equal(await echo({ 'client-request-id': id, 'return-client-request-id': 'true' }), id);
    assert.equal(await echo({ 'client-request-id': id }), undefined);
    assert.equal(await echo({ 'client-request-id': 'a b<script>', 'return-client-request-id': 'true' }), undefined);
    assert.equal(await echo({ 'client-request-id': 'x'.repeat(65), 'return-client-request-id': 'true' }), undefined);
  });

  test('the log line names caller, target, client, outcome, code and duration', async () => {
    const agent = 'Microsoft Office/14.0 (Windows NT 6.1; Microsoft Outlook 14.0.4760; Pro)';
    const from = demo.bed.log.length;
    const reply = await ask({
      headers: { ...ALICE, 'user-agent': agent },
      body: poxBody({ address: 'nobody@contoso.test' }),
    });
    const [line] = demo.bed.log.slice(from);
    const { time, ms, id, trace, ...rest } = line ?? {};
    assert.deepEqual(rest, {
      level: 'info',
      method: 'POST',
      path: POX_PATH,
      address: '127.0.0.1',
      client: agent,
      caller: 'alice@contoso.test',
      scheme: 'Basic',
      dialect: 'pox',
      target: 'nobody@contoso.test',
      outcome: 'unknown-address',
      code: 500,
      reason: 'nobody has this address',
      status: 200,
      msg: 'exchange',
    });
    assert.equal(id, reply.headers['request-id']);
    assert.equal(typeof ms, 'number');
    assert.ok(Array.isArray(trace) && trace.length > 0);
    assert.ok(Date.parse(String(time)) > 0);
  });

  test('a refused logon leaves its reason in the log, not in the answer', async () => {
    const from = demo.bed.log.length;
    await ask({ headers: { authorization: basic('CONTOSO\\frank') }, body: BODY });
    await ask({ headers: { authorization: basic('nobody') }, body: BODY });
    const [disabled, unknown] = demo.bed.log.slice(from).filter(({ msg }) => msg === 'exchange');
    assert.match(String(disabled?.reason), /533: account disabled/);
    assert.equal(disabled?.caller, 'CONTOSO\\frank');
    assert.match(String(unknown?.reason), /no such account/);
  });

  test('health: live and ready, without credentials, and not for other methods', async () => {
    const live = await ask({ method: 'GET', path: '/health/live' });
    assert.deepEqual([live.status, JSON.parse(live.body)], [200, { live: true }]);
    const ready = await ask({ method: 'GET', path: '/health/ready' });
    const state = JSON.parse(ready.body) as { ready: boolean; controllers: unknown; reasons: unknown };
    assert.equal(ready.status, 200);
    assert.equal(state.ready, true);
    assert.deepEqual(state.reasons, []);
    assert.deepEqual(state.controllers, [{ url: demo.bed.controller.url, up: true, slow: false }]);
    assert.equal((await ask({ method: 'POST', path: '/health/ready', body: 'x' })).status, 404);
  });
});

/** Sends text on a socket and reads until the server closes it. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.on('end', () => resolve(answer));
    socket.on('error', reject);
  });
}
