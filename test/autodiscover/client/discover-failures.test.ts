import assert from 'node:assert/strict';
import test from 'node:test';
import { OK, PATH, run, SCP, steps, told, type World } from './discovery-world.ts';
import type { Handler } from './fake-network.ts';
import { fixed, poxError, poxSettings, service, silent, website } from './fake-service.ts';

test('credentials go out only when asked for, and never to a web site', async () => {
  const outcome = await run({ hosts: { 'https://contoso.test': website, 'https://autodiscover.contoso.test': OK } });
  assert.deepEqual(told(outcome), ['autodiscover.contoso.test']);
  assert.equal(outcome.seen.filter((r) => r.authorization !== undefined).length, 1);
  assert.deepEqual(outcome.asked, []);
});

test('anonymous answers are taken without credentials', async () => {
  const anonymous = fixed(200, { 'Content-Type': 'text/xml' }, poxSettings());
  const outcome = await run({ hosts: { 'https://contoso.test': anonymous } });
  assert.equal(outcome.result.outcome, 'found');
  assert.deepEqual(told(outcome), []);
});

const PASSED_OVER: readonly (readonly [string, string, Handler, Partial<World>])[] = [
  ['404', 'not-autodiscover', fixed(404), {}],
  ['500', 'not-autodiscover', fixed(500), {}],
  ['HTML', 'not-autodiscover', website, {}],
  ['broken XML', 'malformed', fixed(200, { 'Content-Type': 'text/xml' }, '<Autodiscover>'), {}],
  ['another XML', 'malformed', fixed(200, { 'Content-Type': 'text/xml' }, '<rss/>'), {}],
  ['server in trouble', 'service-error', service(poxError(603)), {}],
  ['silence', 'timeout', silent, { http: { timeoutMs: 150 } }],
  ['too long an answer', 'too-large', fixed(200, {}, 'x'.repeat(3 * 1024 * 1024)), {}],
  ['a cut connection', 'closed', (r) => void r.socket.destroy(), {}],
  [
    'a certificate for another name',
    'certificate-name',
    OK,
    { certificates: { 'contoso.test': { names: ['www.contoso.test'] } } },
  ],
  ['a certificate that has expired', 'certificate-expired', OK, { certificates: { 'contoso.test': { days: -1 } } }],
  ['an unknown issuer', 'certificate-untrusted', OK, { certificates: { 'contoso.test': { issuer: 'Somebody' } } }],
  ['a signature too weak', 'certificate-untrusted', OK, { certificates: { 'contoso.test': { digest: 'sha1' } } }],
  ['NTLM only', 'no-common-scheme', fixed(401, { 'WWW-Authenticate': ['NTLM'], 'X-SOAP-Enabled': 'True' }), {}],
  [
    'a site with a password of its own',
    'unauthorized',
    fixed(401, { 'WWW-Authenticate': 'Basic realm="intranet"' }),
    {},
  ],
];

for (const [name, expected, handler, world] of PASSED_OVER) {
  test(`the next step is tried after ${name} ([MS-OXDSCLI] 3.1.5.1 URI)`, async () => {
    const hosts = { 'https://contoso.test': handler, 'https://autodiscover.contoso.test': OK };
    const outcome = await run({ ...world, hosts });
    assert.deepEqual(
      steps(outcome).slice(1),
      [`root-domain: ${expected}`, 'autodiscover-host: settings'],
      JSON.stringify(outcome.trace, null, 1),
    );
    if (expected.startsWith('certificate'))
      assert.equal(outcome.seen.filter((r) => r.host === 'contoso.test').length, 0);
  });
}

test('a wrong password is tried once, and ends the search', async () => {
  const outcome = await run({
    hosts: { 'https://contoso.test': OK, 'https://autodiscover.contoso.test': OK },
    password: 'wrong',
  });
  assert.equal(outcome.result.outcome === 'not-found' && outcome.result.reason, 'unauthorized');
  assert.equal(outcome.seen.filter((r) => r.authorization !== undefined).length, 1);
});

test('places that turn credentials down end the search at the third', async () => {
  const wall = fixed(401, { 'WWW-Authenticate': 'Basic realm="x"' });
  const srv = {
    '_autodiscover._tcp.contoso.test': [{ name: 'a.contoso.test' }, { name: 'b.contoso.test', priority: 1 }],
  };
  const hosts = {
    'https://contoso.test': wall,
    'https://autodiscover.contoso.test': wall,
    'https://a.contoso.test': wall,
    'https://b.contoso.test': wall,
  };
  const outcome = await run({ hosts, srv });
  assert.equal(outcome.seen.filter((r) => r.authorization !== undefined).length, 3);
  assert.equal(outcome.result.outcome === 'not-found' && outcome.result.reason, 'unauthorized');
});

test('without credentials the offer is reported', async () => {
  const outcome = await run({ hosts: { 'https://contoso.test': OK }, authenticators: [] });
  assert.equal(outcome.result.outcome === 'not-found' && outcome.result.reason, 'unauthorized');
  assert.match(outcome.trace[1]?.detail ?? '', /offers Basic; this client was given no credentials/);
});

test('a verdict on the address is final, unless it came through a published record', async () => {
  for (const code of [500, 501, 602]) {
    const outcome = await run({
      hosts: { 'https://contoso.test': service(poxError(code)), 'https://autodiscover.contoso.test': OK },
    });
    assert.equal(outcome.result.outcome === 'service-error' && outcome.result.code, String(code));
    const viaScp = await run({
      hosts: { 'https://cas1.ad.internal': service(poxError(code)), 'https://contoso.test': OK },
      scp: SCP(`https://cas1.ad.internal${PATH}`),
    });
    assert.equal(viaScp.result.outcome, 'found');
  }
});

test('an error is the result when no other step does better ([MS-OXDSCLI] 3.1.5.5 Error)', async () => {
  const outcome = await run({ hosts: { 'https://contoso.test': service(poxError(603, 'Server Error')) } });
  assert.ok(outcome.result.outcome === 'service-error');
  assert.deepEqual(
    [outcome.result.code, outcome.result.fault, outcome.result.message],
    ['603', 'server-error', 'Server Error'],
  );
});
