// The plain HTTP port: which requests are redirected where, and that nothing of the request decides the host.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RequestHandler } from 'express';
import { createLogger } from '../../../src/autodiscover/log.ts';
import { createRedirector } from '../../../src/autodiscover/server/redirector.ts';
import { eventually } from '../../ldap/demo-organization.ts';
import { listenPlain, send } from '../bed.ts';

const health: RequestHandler = (request, response, next) => {
  if (request.url === '/health/live') response.writeHead(200).end('{"live":true}');
  else next(request.url === '/health/broken' ? new Error('of ours, at /srv/secret.ts') : undefined);
};
const ORIGIN = 'https://autodiscover.contoso.test';

describe('the redirector', () => {
  const lines: Record<string, unknown>[] = [];
  let server: Awaited<ReturnType<typeof listenPlain>>;
  before(async () => {
    const log = createLogger('debug', { write: (line) => lines.push(JSON.parse(line)) });
    server = await listenPlain(createRedirector(`${ORIGIN}/ignored`, health, { log }));
  });
  after(() => server.close());

  const good: readonly (readonly [path: string, target: string, method?: string])[] = [
    ['/autodiscover/autodiscover.xml', '/autodiscover/autodiscover.xml'],
    ['/Autodiscover/Autodiscover.xml', '/autodiscover/autodiscover.xml', 'POST'], // lower case for clients that compare
    ['/autodiscover/autodiscover.xml', '/autodiscover/autodiscover.xml', 'HEAD'],
    ['/autodiscover/autodiscover.xml', '/autodiscover/autodiscover.xml', 'OPTIONS'],
    ['/AUTODISCOVER/AUTODISCOVER.SVC', '/autodiscover/autodiscover.svc'],
    ['/autodiscover/contoso.test/autodiscover.xml', '/autodiscover/autodiscover.xml'],
    ['//autodiscover//autodiscover.xml', '/autodiscover/autodiscover.xml'],
    ['/autodiscover/autodiscover.xml/', '/autodiscover/autodiscover.xml'],
    ['/autodiscover/autodiscover.xml?x=1', '/autodiscover/autodiscover.xml'],
    [
      '/autodiscover/autodiscover.json?Email=alice%40contoso.test&Protocol=Ews',
      '/autodiscover/autodiscover.json?Email=alice%40contoso.test&Protocol=Ews',
    ],
    [
      '/autodiscover/autodiscover.json/v1.0/alice@contoso.test?Protocol=ActiveSync',
      '/autodiscover/autodiscover.json/v1.0/alice@contoso.test?Protocol=ActiveSync',
    ],
  ];
  for (const [path, target, method = 'GET'] of good) {
    test(`${method} ${path} ([MS-OXDISCO] 3.1.5.4 GET)`, async () => {
      const reply = await send(server.port, {
        method,
        path,
        headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example' },
      });
      assert.equal(reply.status, 302);
      assert.equal(reply.headers.location, ORIGIN + target);
      assert.equal(reply.body, '');
      assert.equal(reply.headers['www-authenticate'], undefined);
      assert.equal(reply.headers['x-powered-by'], undefined);
    });
  }

  test('health is answered here too, for those who cannot check a certificate', async () => {
    const reply = await send(server.port, { method: 'GET', path: '/health/live' });
    assert.deepEqual([reply.status, JSON.parse(reply.body)], [200, { live: true }]);
  });

  for (const path of [
    '/',
    '/autodiscover',
    '/autodiscover/',
    '/autodiscover/a/b/autodiscover.xml',
    '/x/autodiscover/autodiscover.xml',
    '/autodiscover/autodiscover.txt',
    '/%',
  ]) {
    test(`${path} is nothing here`, async () => {
      const reply = await send(server.port, { method: 'GET', path });
      assert.equal(reply.status, 404);
      assert.equal(reply.headers.location, undefined);
      assert.equal(reply.body, '');
    });
  }

  for (const path of [
    '/autodiscover/autodiscover.json//evil.example/%0d%0aSet-Cookie:x',
    '/autodiscover/autodiscover.json/../../..//evil.example',
    '/autodiscover/autodiscover.json?a=%0d%0aLocation:https://evil.example',
    '/autodiscover/autodiscover.json/\\evil.example',
    'http://evil.example/autodiscover/autodiscover.xml',
  ]) {
    test(`${path} leads to no other host`, async () => {
      const reply = await send(server.port, { method: 'GET', path });
      const target = new URL(String(reply.headers.location ?? ORIGIN));
      assert.equal(target.origin, ORIGIN);
      assert.equal(reply.headers['set-cookie'], undefined);
    });
  }

  for (const path of [
    'http://a:99999/autodiscover/autodiscover.json?x',
    'http://[/autodiscover/autodiscover.json?x',
    'http://evil.test:bad/autodiscover/autodiscover.xml',
    'ftp://a.test/autodiscover/autodiscover.xml',
    '*',
  ]) {
    test(`${path} is no target: 400 of nothing, in the log like the others`, async () => {
      const reply = await send(server.port, { method: 'GET', path });
      assert.deepEqual([reply.status, reply.body], [400, '']);
      assert.equal(reply.headers.location, undefined);
      const id = reply.headers['request-id'];
      await eventually('the exchange is logged', () => lines.some((line) => line.id === id));
      const { outcome, status } = lines.find((line) => line.id === id) ?? {};
      assert.deepEqual([outcome, status], ['no target', 400]);
    });
  }

  test('a fault of ours tells nothing of itself', async () => {
    const reply = await send(server.port, { method: 'GET', path: '/health/broken' });
    assert.deepEqual([reply.status, reply.body], [500, '']);
    assert.ok(lines.some(({ reason, level }) => level === 'warn' && reason === 'of ours, at /srv/secret.ts'));
  });

  test('each exchange has its line', async () => {
    const reply = await send(server.port, { method: 'GET', path: '/autodiscover/autodiscover.json?Email=a@b' });
    const id = reply.headers['request-id'];
    await eventually('the exchange is logged', () => lines.some((line) => line.id === id));
    const { dialect, outcome, path, status } = lines.find((line) => line.id === id) ?? {};
    assert.deepEqual(
      [dialect, outcome, path, status],
      ['redirect', 'redirectUrl', '/autodiscover/autodiscover.json', 302],
    );
  });
});
