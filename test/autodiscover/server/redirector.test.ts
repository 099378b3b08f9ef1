// The plain HTTP port: which requests are redirected where, and that nothing of the request decides the host.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RequestHandler } from 'express';
import { createRedirector } from '../../../src/autodiscover/server/redirector.ts';
import { listenPlain, send } from '../bed.ts';

const health: RequestHandler = (request, response, next) =>
  request.path === '/health/live' ? void response.json({ live: true }) : next();
const ORIGIN = 'https://autodiscover.contoso.test';

describe('the redirector', () => {
  let server: Awaited<ReturnType<typeof listenPlain>>;
  before(async () => {
    server = await listenPlain(createRedirector(`${ORIGIN}/ignored`, health));
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
});
