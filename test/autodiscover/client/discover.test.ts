import assert from 'node:assert/strict';
import test from 'node:test';
import type { TraceEntry } from '../../../src/autodiscover/client/discovery.ts';
import { stepLine } from '../../../src/autodiscover/client/discovery-report.ts';
import type { ScpLookup } from '../../../src/autodiscover/client/scp-lookup.ts';
import { OK, type Outcome, PATH, run, SCP, steps, type World } from './discovery-world.ts';
import type { Handler } from './fake-network.ts';
import {
  basicOf,
  fixed,
  PASSWORD,
  poxRedirectUrl,
  poxSettings,
  redirect,
  SOAP_FAULT,
  service,
  soapOutcome,
  soapSettings,
  website,
} from './fake-service.ts';

const WINS: readonly (readonly [string, string, World])[] = [
  [
    'scp',
    'scp',
    { hosts: { 'https://cas1.ad.internal': OK }, scp: SCP(`https://cas1.ad.internal/Autodiscover/Autodiscover.xml`) },
  ],
  ['root domain', 'root-domain', { hosts: { 'https://contoso.test': OK } }],
  [
    'autodiscover host',
    'autodiscover-host',
    { hosts: { 'https://contoso.test': website, 'https://autodiscover.contoso.test': OK } },
  ],
  [
    'http redirect within the domain',
    'http-redirect',
    {
      hosts: {
        'http://autodiscover.contoso.test': redirect(`https://mail.contoso.test${PATH}`),
        'https://mail.contoso.test': OK,
      },
    },
  ],
  [
    'http redirect to another domain, with consent',
    'http-redirect',
    {
      hosts: {
        'http://autodiscover.contoso.test': redirect(`https://mail.hoster.test${PATH}`),
        'https://mail.hoster.test': OK,
      },
      consent: ['mail.hoster.test'],
    },
  ],
  [
    'srv within the domain',
    'srv',
    {
      hosts: { 'https://mail.contoso.test': OK },
      srv: { '_autodiscover._tcp.contoso.test': [{ name: 'mail.contoso.test' }] },
    },
  ],
  [
    'srv to another domain, with consent',
    'srv',
    {
      hosts: { 'https://mail.hoster.test': OK },
      srv: { '_autodiscover._tcp.contoso.test': [{ name: 'mail.hoster.test.' }] },
      consent: ['mail.hoster.test'],
    },
  ],
  [
    'local file with settings',
    'local-file',
    { files: { 'local.xml': poxSettings() }, request: { localFile: 'local.xml' } },
  ],
  [
    'local file with a redirection',
    'local-file',
    {
      hosts: { 'https://mail.hoster.test': OK },
      files: { 'local.xml': poxRedirectUrl(`https://mail.hoster.test${PATH}`) },
      request: { localFile: 'local.xml' },
    },
  ],
  [
    'local file first when preferred',
    'local-file',
    {
      hosts: { 'https://contoso.test': OK },
      files: { 'local.xml': poxSettings() },
      request: { localFile: 'local.xml', preferLocalFile: true },
    },
  ],
  [
    'one named server',
    'server',
    { hosts: { 'https://cas7.ad.internal': OK }, request: { server: new URL(`https://cas7.ad.internal${PATH}`) } },
  ],
];

const CLAUSES: Readonly<Record<string, string>> = {
  scp: ' ([MS-OXDISCO] 3.1.5.1 serviceConnectionPoint)',
  'root-domain': ' ([MS-OXDISCO] 3.1.5.2 domain)',
  'autodiscover-host': ' ([MS-OXDISCO] 3.1.5.2 domain)',
  srv: ' ([MS-OXDISCO] 3.1.5.3 SRV)',
  'http-redirect': ' ([MS-OXDISCO] 3.1.5.4 GET)',
};

for (const [name, step, world] of WINS) {
  test(`found by ${name}${CLAUSES[step] ?? ''}`, async () => {
    const outcome = await run(world);
    assert.equal(outcome.result.outcome, 'found', JSON.stringify(outcome.trace, null, 1));
    assert.ok(outcome.result.outcome === 'found');
    assert.equal(outcome.result.source.step, step);
    assert.equal(outcome.result.settings.InternalRpcClientServer, 'outlook.contoso.test');
    assert.equal(outcome.trace.at(-1)?.outcome, 'settings');
    assert.match(outcome.trace.at(-1)?.detail ?? '', /outlook\.contoso\.test/);
  });
}

test('nothing anywhere: every step is tried in order and says what it met ([MS-OXDISCO] 3.1.5 Sequencing)', async () => {
  const outcome = await run({});
  assert.deepEqual(outcome.result, {
    outcome: 'not-found',
    reason: 'no-service',
    detail: 'no step led to an Autodiscover service',
  });
  assert.deepEqual(steps(outcome), [
    'scp: skipped',
    'root-domain: name-not-found',
    'autodiscover-host: name-not-found',
    'http-redirect: name-not-found',
    'srv: no-record',
    'local-file: skipped',
  ]);
  assert.ok(outcome.trace.every((entry) => entry.elapsedMs >= 0));
});

test('a preferred local file is read before the directory is asked', async () => {
  let searches = 0;
  const scp: ScpLookup = async (ldapUrl) => {
    searches++;
    return SCP(`https://cas1.ad.internal${PATH}`)(ldapUrl);
  };
  const request = { localFile: 'local.xml', preferLocalFile: true };
  const settled = await run({ scp, files: { 'local.xml': poxSettings() }, request });
  assert.deepEqual([steps(settled), searches], [['local-file: settings'], 0]);
  const missing = await run({ scp, hosts: { 'https://cas1.ad.internal': OK }, request });
  assert.deepEqual(steps(missing), ['local-file: unreadable', 'scp: record', 'scp: settings']);
  const without = await run({ scp, hosts: { 'https://cas1.ad.internal': OK }, request: { preferLocalFile: true } });
  assert.deepEqual(steps(without), ['local-file: skipped', 'scp: record', 'scp: settings']);
});

test('excluded steps are not tried', async () => {
  const exclude = ['scp', 'root-domain', 'http-redirect', 'srv', 'local-file'] as const;
  const outcome = await run({
    hosts: { 'https://contoso.test': OK },
    scp: SCP('https://contoso.test/x'),
    request: { exclude },
  });
  assert.deepEqual(
    outcome.trace.filter((e) => e.outcome !== 'skipped').map((e) => e.step),
    ['autodiscover-host'],
  );
  assert.equal(outcome.seen.length, 0);
});

test('the trace names status, scheme, peer and certificate', async () => {
  const { trace } = await run({ hosts: { 'https://contoso.test': OK } });
  const last = trace.at(-1);
  assert.equal(last?.status, 200);
  assert.equal(last?.scheme, 'Basic');
  assert.equal(last?.remoteAddress, '127.0.0.1');
  assert.match(last?.tls?.protocol ?? '', /^TLSv1\.[23]$/);
  assert.equal(last?.tls?.names, 'DNS:contoso.test');
  assert.ok(
    !JSON.stringify(trace).includes(PASSWORD) && !JSON.stringify(trace).includes(basicOf('alice@contoso.test')),
  );
});

test('the trace tells that a request was sent once more', async () => {
  let closed = false;
  const closing: Handler = (request, response) => {
    if (request.authorization === undefined || closed) return OK(request, response);
    closed = true;
    request.socket.destroy();
  };
  const outcome = await run({ hosts: { 'https://contoso.test': closing } });
  const last = outcome.trace.at(-1);
  assert.deepEqual([outcome.result.outcome, last?.repeated, last?.outcome], ['found', true, 'settings']);
  assert.match(stepLine(last as TraceEntry), /\(Basic, TLSv1\.\d, asked again on a new connection\)$/);
  assert.equal(outcome.seen.length, 3);
});

test('the same URL is not asked twice', async () => {
  const srv = { '_autodiscover._tcp.contoso.test': [{ name: 'autodiscover.contoso.test' }] };
  const outcome = await run({ hosts: { 'https://autodiscover.contoso.test': fixed(404) }, srv });
  assert.equal(steps(outcome).at(-2), 'srv: already-asked');
  assert.equal(outcome.seen.length, 1);
});

test('SRV records: lowest priority first, the heavier first, other ports and "." passed over ([MS-OXDISCO] 3.1.5.3 SRV)', async () => {
  const name = '_autodiscover._tcp.contoso.test';
  const outcome = await run({
    hosts: { 'https://c.contoso.test': OK },
    srv: {
      [name]: [
        { name: 'd.contoso.test', priority: 5 },
        { name: 'b.contoso.test', weight: 1 },
        { name: 'x.contoso.test', port: 8443 },
        { name: 'a.contoso.test', weight: 9 },
        { name: 'c.contoso.test', priority: 1 },
      ],
    },
  });
  assert.deepEqual(
    outcome.trace
      .filter((e) => e.step === 'srv')
      .map((e) => `${e.action} ${e.outcome}`)
      .slice(1),
    ['a', 'b', 'c'].map((h) => `POST https://${h}.contoso.test${PATH} ${h === 'c' ? 'settings' : 'name-not-found'}`),
  );
  const none = await run({ srv: { [name]: [{ name: '.' }, { name: 'x.contoso.test', port: 8443 }] } });
  assert.equal(none.trace.find((e) => e.step === 'srv')?.outcome, 'no-record');
});

test('a directory that fails is one line of the trace', async () => {
  const outcome = await run({
    scp: async () => Promise.reject(new Error('LDAP server is down')),
    hosts: { 'https://contoso.test': OK },
  });
  assert.equal(outcome.result.outcome, 'found');
  assert.deepEqual([outcome.trace[0]?.outcome, outcome.trace[0]?.detail], ['lookup-failed', 'LDAP server is down']);
});

test('SOAP is asked at the .svc by the same steps', async () => {
  const hosts = {
    'https://contoso.test': website,
    'http://autodiscover.contoso.test': redirect(`https://mail.contoso.test${PATH}`),
    'https://mail.contoso.test': service(soapSettings()),
  };
  const outcome = await run({ hosts, request: { dialect: 'soap' } });
  assert.ok(outcome.result.outcome === 'found');
  assert.equal(outcome.result.source.location, 'https://mail.contoso.test/autodiscover/autodiscover.svc');
  assert.equal(outcome.result.settings.InternalRpcClientServer, 'outlook.contoso.test');
  assert.match(outcome.seen.at(-1)?.body ?? '', /GetUserSettingsRequestMessage/);
  const scp = await run({
    hosts: { 'https://cas1.ad.internal': service(soapSettings()) },
    scp: SCP(`https://cas1.ad.internal${PATH}`),
    request: { dialect: 'soap' },
  });
  assert.equal(
    scp.result.outcome === 'found' && scp.result.source.location,
    'https://cas1.ad.internal/autodiscover/autodiscover.svc',
  );
});

test('SOAP: redirections, errors of the user, faults', async () => {
  const request = { dialect: 'soap' } as const;
  const ask = (answer: string, extra: Partial<World> = {}): Promise<Outcome> =>
    run({ ...extra, hosts: { 'https://contoso.test': service(answer), ...extra.hosts }, request });
  const url = await ask(soapOutcome('RedirectUrl', 'https://mail.contoso.test/autodiscover/autodiscover.svc'), {
    hosts: { 'https://mail.contoso.test': service(soapSettings()) },
  });
  assert.equal(url.result.outcome, 'found');
  const address = await ask(soapOutcome('RedirectAddress', 'bob@fabrikam.test'), {
    hosts: { 'https://fabrikam.test': service(soapSettings()) },
    consent: ['fabrikam.test'],
  });
  assert.equal(address.result.outcome === 'found' && address.finalAddress, 'bob@fabrikam.test');
  const unknown = await ask(soapOutcome('InvalidUser'));
  assert.deepEqual(unknown.result.outcome === 'service-error' && [unknown.result.code, unknown.result.fault], [
    'InvalidUser',
    'unknown-address',
  ]);
  const busy = await ask(soapOutcome('ServerBusy'), {
    hosts: { 'https://autodiscover.contoso.test': service(soapSettings()) },
  });
  assert.equal(busy.result.outcome, 'found');
  const fault = await run({
    hosts: { 'https://contoso.test': fixed(500, { 'Content-Type': 'text/xml' }, SOAP_FAULT) },
    request,
  });
  assert.deepEqual(fault.result.outcome === 'service-error' && [fault.result.code, fault.result.message], [
    's:Server',
    'Broken.',
  ]);
});

test('an address that is none asks nobody', async () => {
  const outcome = await run({ request: { address: 'alice' } });
  assert.equal(outcome.result.outcome === 'not-found' && outcome.result.reason, 'invalid-address');
  assert.deepEqual(outcome.trace, []);
});

test('an internationalised domain is asked by its A-label', async () => {
  const outcome = await run({ hosts: { 'https://xn--bcher-kva.test': OK }, request: { address: 'alice@bücher.test' } });
  assert.equal(outcome.result.outcome, 'found');
});
