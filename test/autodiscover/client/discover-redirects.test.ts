import assert from 'node:assert/strict';
import test from 'node:test';
import { OK, PATH, run, steps, type World } from './discovery-world.ts';
import type { Handler, SeenRequest } from './fake-network.ts';
import { poxRedirectAddress, poxRedirectUrl, poxSettings, redirect, service } from './fake-service.ts';

const CROSS_DOMAIN: readonly (readonly [string, World])[] = [
  [
    '302 from the service',
    { hosts: { 'https://contoso.test': redirect(`https://evil.test${PATH}`), 'https://evil.test': OK } },
  ],
  [
    'redirectUrl in the body',
    { hosts: { 'https://contoso.test': service(poxRedirectUrl(`https://evil.test${PATH}`)), 'https://evil.test': OK } },
  ],
  [
    'http redirect',
    { hosts: { 'http://autodiscover.contoso.test': redirect(`https://evil.test${PATH}`), 'https://evil.test': OK } },
  ],
  ['srv', { hosts: { 'https://evil.test': OK }, srv: { '_autodiscover._tcp.contoso.test': [{ name: 'evil.test' }] } }],
  [
    'a name that only ends alike',
    { hosts: { 'https://contoso.test': redirect(`https://evilcontoso.test${PATH}`), 'https://evilcontoso.test': OK } },
  ],
  [
    'the parent domain',
    {
      hosts: { 'https://mail.contoso.test': redirect(`https://contoso.test${PATH}`), 'https://contoso.test': OK },
      request: { address: 'alice@mail.contoso.test' },
    },
  ],
  [
    'an address in another domain',
    {
      hosts: {
        'https://contoso.test': service(poxRedirectAddress('alice@evil.test')),
        'https://evil.test': OK,
        'https://autodiscover.evil.test': OK,
      },
    },
  ],
];

for (const [name, world] of CROSS_DOMAIN) {
  test(`not followed without consent: ${name}`, async () => {
    const outcome = await run(world);
    assert.equal(
      outcome.result.outcome === 'not-found' && outcome.result.reason,
      'consent-refused',
      JSON.stringify(outcome.trace, null, 1),
    );
    assert.equal(outcome.asked.length, 1, 'asked once');
    const foreign = outcome.asked[0] ?? '';
    assert.deepEqual(
      outcome.seen.filter(
        (r) => r.host.endsWith(foreign) && r.host !== 'contoso.test' && r.host !== 'mail.contoso.test',
      ),
      [],
    );
    assert.ok(steps(outcome).some((step) => step.endsWith('redirect-refused')));
  });
}

test('with consent to a domain, an address redirection into it is followed with the same credentials', async () => {
  const outcome = await run({
    hosts: {
      'https://contoso.test': service(poxRedirectAddress('alice@fabrikam.test')),
      'https://autodiscover.fabrikam.test': OK,
    },
    consent: ['fabrikam.test'],
  });
  assert.equal(outcome.result.outcome, 'found');
  assert.equal(outcome.finalAddress, 'alice@fabrikam.test');
  assert.equal(outcome.address, 'alice@contoso.test');
  assert.deepEqual(outcome.asked, ['fabrikam.test']);
  assert.match(outcome.seen.at(-1)?.body ?? '', /<EMailAddress>alice@fabrikam\.test</);
});

test('an address redirection within the domain needs no consent ([MS-OXDSCLI] 3.1.5.3 redirectAddr)', async () => {
  const answer = (r: SeenRequest): string =>
    r.body.includes('alice@') ? poxRedirectAddress('bob@contoso.test') : poxSettings();
  const outcome = await run({ hosts: { 'https://contoso.test': service(answer) } });
  assert.equal(outcome.result.outcome, 'found');
  assert.equal(outcome.finalAddress, 'bob@contoso.test');
  assert.deepEqual(outcome.asked, []);
});

test('address redirections that lead back, or never end, are stopped ([MS-OXDSCLI] 3.1.5.3 redirectAddr)', async () => {
  const back = (r: SeenRequest): string =>
    poxRedirectAddress(r.body.includes('alice@') ? 'bob@contoso.test' : 'Alice@CONTOSO.test');
  const loop = await run({ hosts: { 'https://contoso.test': service(back) } });
  assert.equal(loop.result.outcome === 'not-found' && loop.result.reason, 'redirect-loop');
  const on = (r: SeenRequest): string =>
    poxRedirectAddress(`a${Number(/>a(\d+)@/.exec(r.body)?.[1] ?? 0) + 1}@contoso.test`);
  const endless = await run({ hosts: { 'https://contoso.test': service(on) } });
  assert.equal(endless.result.outcome === 'not-found' && endless.result.reason, 'too-many-redirects');
  assert.ok(endless.seen.length <= 30);
});

test('a named server’s address redirection is the result', async () => {
  const server = new URL(`https://contoso.test${PATH}`);
  const outcome = await run({
    hosts: { 'https://contoso.test': service(poxRedirectAddress('bob@fabrikam.test')) },
    request: { server },
  });
  assert.equal(outcome.result.outcome === 'redirect-address' && outcome.result.address, 'bob@fabrikam.test');
  assert.deepEqual(outcome.asked, []);
});

for (const status of [301, 302, 303, 307, 308]) {
  test(`HTTP ${status} within the domain is followed as POST ([MS-OXDSCLI] 3.1.5.2 redirect)`, async () => {
    const hosts = {
      'https://contoso.test': redirect(`https://mail.contoso.test/Autodiscover/Autodiscover.xml`, status),
      'https://mail.contoso.test': OK,
    };
    const outcome = await run({ hosts });
    assert.equal(outcome.result.outcome, 'found');
    assert.ok(outcome.seen.every((r) => r.method === 'POST' && r.body.includes('alice@contoso.test')));
  });
}

test('URL redirections that lead back or never end are stopped, and the next step is tried ([MS-OXDSCLI] 3.1.5.2 redirect)', async () => {
  const loop = await run({
    hosts: {
      'https://contoso.test': redirect(`https://a.contoso.test${PATH}`),
      'https://a.contoso.test': redirect(`https://contoso.test${PATH}`),
    },
  });
  assert.equal(loop.result.outcome === 'not-found' && loop.result.reason, 'redirect-loop');
  let count = 0;
  const on: Handler = (_r, res) =>
    void res.writeHead(302, { Location: `https://contoso.test/autodiscover/${++count}/autodiscover.xml` }).end();
  const endless = await run({ hosts: { 'https://contoso.test': on, 'https://autodiscover.contoso.test': OK } });
  assert.equal(endless.result.outcome, 'found');
  assert.ok(steps(endless).includes('root-domain: too-many-redirects'));
  assert.equal(count, 11);
});

const REFUSED_TARGETS: readonly (readonly [string, string])[] = [
  ['http', `http://contoso.test${PATH}`],
  ['a login page', 'https://contoso.test/login'],
  ['a URL with a user', `https://alice@contoso.test${PATH}`],
  ['no URL', 'https://'],
  ['another scheme', 'ldap://contoso.test/autodiscover/autodiscover.xml'],
];

for (const [name, location] of REFUSED_TARGETS) {
  test(`redirection refused: ${name}`, async () => {
    const outcome = await run({ hosts: { 'https://contoso.test': redirect(location), 'http://contoso.test': OK } });
    assert.ok(steps(outcome).includes('root-domain: redirect-refused'), steps(outcome).join());
    assert.equal(outcome.seen.length, 1);
  });
}

test('a redirection in the local file is refused in words when it leads to no service', async () => {
  for (const [url, detail] of [
    ['https://contoso.test/login', 'not the path of an Autodiscover service'],
    [`http://contoso.test${PATH}`, 'not https'],
  ] as const) {
    const outcome = await run({ files: { 'local.xml': poxRedirectUrl(url) }, request: { localFile: 'local.xml' } });
    const [read, refused] = outcome.trace.filter(({ step }) => step === 'local-file');
    assert.deepEqual([read?.outcome, refused?.outcome, refused?.detail], ['redirect-url', 'redirect-refused', detail]);
  }
});

test('the local file is not asked for an address in another domain', async () => {
  const outcome = await run({
    hosts: { 'https://fabrikam.test': OK },
    files: { 'local.xml': poxRedirectAddress('bob@fabrikam.test') },
    consent: ['fabrikam.test'],
    request: { localFile: 'local.xml', preferLocalFile: true },
  });
  assert.equal(outcome.result.outcome, 'found');
  assert.deepEqual(steps(outcome), [
    'local-file: redirect-address',
    'local-file: skipped',
    'scp: skipped',
    'root-domain: settings',
  ]);
});
