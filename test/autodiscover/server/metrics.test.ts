// What Prometheus reads, and that the dashboard and the alerts ask for nothing else.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { REFUSALS } from '../../../src/autodiscover/server/authentication/refusal.ts';
import { CLIENT_FAMILIES, clientFamily } from '../../../src/autodiscover/server/client-family.ts';
import { OUTCOME_LABELS, ServiceMetrics } from '../../../src/autodiscover/server/metrics.ts';
import { MetricsSum } from '../../../src/autodiscover/server/metrics-sum.ts';
import { basic, PASSWORD, poxBody, startTestService, type TestService } from '../../helpers/running-service.ts';

const CONTRIB = join(import.meta.dirname, '../../../contrib');
let server: TestService;
let text: string;

function ask(authorization: string, address: string, userAgent = 'Microsoft Office/14.0'): Promise<string> {
  return new Promise((resolve, reject) => {
    const { port, ca } = server;
    const headers = { authorization, 'Content-Type': 'text/xml', 'User-Agent': userAgent };
    const sent = request({
      port,
      ca,
      host: '127.0.0.1',
      method: 'POST',
      path: '/autodiscover/autodiscover.xml',
      headers,
    });
    sent.on('response', (response) => {
      response.resume().on('end', () => resolve(String(response.headers['request-id'])));
    });
    sent.on('error', reject).end(poxBody(address));
  });
}

function read(url: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    }).on('error', reject);
  });
}

before(async () => {
  server = await startTestService({ listen: { metrics: '127.0.0.1:0' } });
  await ask(basic('alice', PASSWORD), 'alice@contoso.test');
  await ask(basic('alice', PASSWORD), 'nobody@contoso.test');
  await ask(basic('alice', 'wrong'), 'alice@contoso.test', 'evil"} 1 x{a="');
  text = (await read(server.service.metricsUrl ?? '')).body;
});
after(() => server.stop());

const SAMPLES: readonly (readonly [string, RegExp])[] = [
  [
    'a request by dialect, client and outcome',
    /^autodiscover_requests_total\{dialect="pox",client="outlook",outcome="settings",status="200"\} 1$/m,
  ],
  ['an unknown address', /^autodiscover_requests_total\{.*outcome="unknown-address".*\} 1$/m],
  [
    'nothing of what a client chose',
    /^autodiscover_requests_total\{dialect="none",client="other",outcome="not-authenticated",status="401"\} 1$/m,
  ],
  ['latency', /^autodiscover_request_duration_seconds_count\{dialect="pox"\} 2$/m],
  ['a refusal', /^autodiscover_authentication_refusals_total\{refusal="wrong-password"\} 1$/m],
  [
    'a search on a controller',
    /^autodiscover_ldap_operation_duration_seconds_count\{controller="ldap:.*",operation="search",outcome="done"\} [1-9]/m,
  ],
  [
    'a refused password check',
    /^autodiscover_ldap_operation_duration_seconds_count\{controller="ldap:.*",operation="password-check",outcome="refused"\} 1$/m,
  ],
  ['controllers', /^autodiscover_ldap_controller_up\{controller="ldap:.*"\} 1$/m],
  ['the credential cache', /^autodiscover_credential_cache_hits 1$/m],
  ['its misses', /^autodiscover_credential_cache_misses 2$/m],
  ['how old its answers were', /^autodiscover_credential_cache_hit_age_seconds_total 0\.\d+$/m],
  ['how old answers about recipients were', /^autodiscover_recipient_cache_hit_age_seconds_total \d/m],
  ['nobody let in for want of a directory', /^autodiscover_credential_cache_stale 0$/m],
  ['what /health/ready says', /^autodiscover_ready 1$/m],
  ['the age of the organisation', /^autodiscover_organization_age_seconds \d/m],
  ['certificates', /^autodiscover_certificate_days_left\{source=".*"\} [1-9]\d/m],
];
for (const [what, pattern] of SAMPLES) test(`the metrics tell: ${what}`, () => assert.match(text, pattern));

test('every metric that the dashboard and the alert rules name exists', async () => {
  const guard = () => ({ names: 0, accounts: 0, addresses: 0, known: 0 });
  const ofWorkers = await new MetricsSum({ configured: 1, workers: () => [], guard }).metrics();
  const dashboard = JSON.parse(readFileSync(join(CONTRIB, 'grafana/exchange-autodiscover.json'), 'utf8'));
  const rules = parse(readFileSync(join(CONTRIB, 'prometheus/exchange-autodiscover.rules.yml'), 'utf8'));
  const ofRules: string[] = rules.groups.flatMap((group: { rules: { expr: string }[] }) =>
    group.rules.map(({ expr }) => expr),
  );
  const expressions: string[] = [
    ...ofRules,
    ...dashboard.panels.flatMap((panel: { targets: { expr: string }[] }) => panel.targets.map(({ expr }) => expr)),
    ...dashboard.templating.list.map(({ query }: { query: string }) => query),
  ];
  const named = new Set(expressions.flatMap((one) => one.match(/\b(?:autodiscover|process|nodejs)_\w+/g) ?? []));
  const exported = new Set(
    [...`${text}\n${ofWorkers}`.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
    ),
  );
  assert.ok(named.size >= 14, [...named].join(' '));
  assert.deepEqual(
    [...named].filter((name) => !exported.has(name)),
    [],
  );
  const ours = [...exported].filter((name) => name?.startsWith('autodiscover_') && !/_(?:sum|bucket)$/.test(name));
  const unshown = ours.filter((name) => name && !named.has(name) && !named.has(name.replace(/_count$/, '_bucket')));
  assert.deepEqual(unshown, [], 'every metric of ours is on the dashboard');
});

test('every value of a label that a rule or a panel selects exists', () => {
  const known: Readonly<Record<string, ReadonlySet<string>>> = {
    outcome: OUTCOME_LABELS,
    refusal: new Set(REFUSALS),
    // The job is Prometheus's, and told in docs/operations.md.
    job: new Set(['exchange-autodiscover']),
  };
  const files = ['grafana/exchange-autodiscover.json', 'prometheus/exchange-autodiscover.rules.yml'];
  const all = files.map((file) => readFileSync(join(CONTRIB, file), 'utf8').replaceAll('\\"', '"')).join('\n');
  const selected = [...all.matchAll(/([a-z]+)(?:=|!=|=~|!~)"([a-z|-]+)"/g)].flatMap(([, label = '', values = '']) =>
    values.split('|').map((value) => [label, value] as const),
  );
  assert.ok(selected.length >= 12, selected.join(' '));
  assert.deepEqual(
    selected.filter(([label, value]) => !known[label]?.has(value)),
    [],
  );
});

test('whose fault it is that nobody is answered: outcomes as the rules tell them apart', async () => {
  const metrics = new ServiceMetrics({
    directory: () => server.service.directory.status(),
    credentials: () => ({ size: 0, hits: 0, misses: 0, hitAgeMs: 0, stale: 0 }),
    guard: () => ({ names: 0, accounts: 0, addresses: 0, known: 0, running: 0, waiting: 0 }),
    certificates: () => [],
    ready: () => false,
  });
  const outcomes: readonly (readonly [string | undefined, string])[] = [
    ['server-error', 'server-error'],
    ['98 settings, 2 server-error', 'server-error'],
    ['98 settings, 2 unknown-address', 'several'],
    ['cannot authenticate', 'cannot-authenticate'],
    ['failed too often', 'failed-too-often'],
    ['x" server-error', 'other'],
    [undefined, 'none'],
  ];
  for (const [outcome] of outcomes)
    metrics.exchange({ ...(outcome ? { outcome } : {}), status: 200, userAgent: undefined, milliseconds: 1 });
  const { values = [] } = (await metrics.registry.getSingleMetric('autodiscover_requests_total')?.get()) ?? {};
  const counted = new Map(values.map(({ labels, value }) => [String(labels.outcome), value]));
  const expected = Object.entries(Object.groupBy(outcomes, ([, label]) => label)).map(
    ([label, lines = []]) => [label, lines.length] as const,
  );
  assert.deepEqual(counted, new Map(expected));
  assert.match(await metrics.registry.metrics(), /^autodiscover_ready 0$/m);
});

test('a spent budget is told apart from a directory that cannot be asked', async () => {
  for (let n = 0; n < 7; n++) await ask(basic('carol', `wrong ${n}`), 'carol@contoso.test');
  const now = (await read(server.service.metricsUrl ?? '')).body;
  assert.match(now, /^autodiscover_requests_total\{.*outcome="failed-too-often",status="503"\} [1-9]/m);
  assert.doesNotMatch(now, /cannot-authenticate/);
});

test('nothing but /metrics is there, and the service does not show it', async () => {
  const url = server.service.metricsUrl ?? '';
  assert.equal((await read(url.replace(/metrics$/, ''))).status, 404);
  assert.equal((await read(`${url}?x`)).status, 404);
});

test('the id of a request goes with its directory operations', async () => {
  const id = await ask(basic('bob', PASSWORD), 'bob@contoso.test');
  const operations = server.log.filter((line) => line.msg === 'directory operation' && line.id === id);
  assert.deepEqual(
    operations.map(({ operation }) => operation),
    ['search', 'password-check', 'search'],
  );
});

const AGENTS: readonly (readonly [string | undefined, string])[] = [
  ['Microsoft Office/14.0 (Windows NT 6.1; Microsoft Outlook 14.0.4760; Pro)', 'outlook'],
  ['OutlookMobileCloudService-Autodetect/1.0.0', 'outlook-mobile'],
  ['MacOutlook/16.78', 'outlook-mac'],
  ['ExchangeServicesClient/2.2.1.0', 'ews-managed-api'],
  ['exchangelib/4.9.0 (python-requests/2.28)', 'exchangelib'],
  ['Evolution/3.46.4', 'evolution'],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.0', 'thunderbird'],
  ['Apple-iPhone14C2/1904.349', 'apple'],
  ['Android-Mail/7.9.24.165', 'android'],
  ['curl/8.0', 'other'],
  [undefined, 'none'],
  ['', 'none'],
];
for (const [agent, family] of AGENTS) {
  test(`${agent} is ${family}`, () => {
    assert.equal(clientFamily(agent), family);
    assert.ok(CLIENT_FAMILIES.includes(family));
  });
}
