// The alert rules as Prometheus reads them: on invented series, which alerts fire, and that no other one does. And the documented
// configuration that names their job.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { labSuite } from './requirements.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const RULES = join(ROOT, 'contrib', 'prometheus', 'exchange-autodiscover.rules.yml');
const JOB = 'exchange-autodiscover';

/** Series by name with labels, `instance` and `job` left out; values in promtool's notation, one a minute. */
type SeriesValues = Readonly<Record<string, string>>;

/** As many a second, from the start. */
const rate = (perSecond: number) => `0+${perSecond * 60}x60`;
const always = (value: number) => `${value}+0x60`;
const requests = (outcome: string, status: number) =>
  `autodiscover_requests_total{dialect="pox",outcome="${outcome}",status="${status}"}`;
const refusals = (refusal: string) => `autodiscover_authentication_refusals_total{refusal="${refusal}"}`;
const DURATION = 'autodiscover_request_duration_seconds_bucket';

/** An instance with four workers that is well, beside one process that is. */
const WELL: SeriesValues = {
  up: always(1),
  autodiscover_ready: always(1),
  autodiscover_workers: always(4),
  autodiscover_workers_configured: always(4),
  autodiscover_worker_restarts_total: always(1),
  process_resident_memory_bytes: always(1.2e9),
  'autodiscover_ldap_controller_up{controller="ldaps://dc1.contoso.test"}': always(1),
  'autodiscover_ldap_controller_up{controller="ldaps://dc2.contoso.test"}': always(1),
  'autodiscover_ldap_controller_slow{controller="ldaps://dc1.contoso.test"}': always(0),
  autodiscover_organization_age_seconds: always(60),
  autodiscover_recipient_cache_oldest_stale_seconds: always(0),
  autodiscover_password_checks_waiting: always(10),
  'autodiscover_certificate_days_left{source="tls.pem"}': always(60),
  [requests('settings', 200)]: rate(10),
  [requests('not-authenticated', 401)]: rate(10),
  [requests('none', 200)]: rate(2),
  [refusals('wrong-password')]: rate(0.1),
  [`${DURATION}{le="1"}`]: rate(10),
  [`${DURATION}{le="+Inf"}`]: rate(10),
};
/** Without one. */
const NONE = (...names: string[]): SeriesValues => Object.fromEntries(names.map((name) => [name, '_x60']));
const ONE_PROCESS = NONE('autodiscover_workers', 'autodiscover_workers_configured');

const SCENES: readonly (readonly [what: string, differing: SeriesValues, alerts: readonly string[]])[] = [
  ['all is well', {}, []],
  ['the service is gone', { up: always(0) }, ['AutodiscoverDown']],
  ['nobody reads its metrics', NONE('up'), ['AutodiscoverNotScraped']],
  ['/health/ready is 503', { autodiscover_ready: always(0) }, ['AutodiscoverNotReady']],
  [
    'one controller is left out',
    { 'autodiscover_ldap_controller_up{controller="ldaps://dc2.contoso.test"}': always(0) },
    ['AutodiscoverControllerLeftOut'],
  ],
  [
    'one controller is passed over for a faster one',
    { 'autodiscover_ldap_controller_slow{controller="ldaps://dc1.contoso.test"}': always(1) },
    ['AutodiscoverControllerSlow'],
  ],
  [
    'all are left out, and answers come from memory',
    {
      autodiscover_ready: always(0),
      'autodiscover_ldap_controller_up{controller="ldaps://dc1.contoso.test"}': always(0),
      'autodiscover_ldap_controller_up{controller="ldaps://dc2.contoso.test"}': always(0),
      autodiscover_recipient_cache_oldest_stale_seconds: always(900),
    },
    [
      'AutodiscoverAnswersFromMemory',
      'AutodiscoverControllerLeftOut',
      'AutodiscoverNoController',
      'AutodiscoverNotReady',
    ],
  ],
  ['the organisation is old', { autodiscover_organization_age_seconds: always(700) }, ['AutodiscoverOrganizationOld']],
  ['error 603 with HTTP 200', { [requests('server-error', 200)]: rate(1) }, ['AutodiscoverServerErrors']],
  ['a few of them', { [requests('server-error', 200)]: rate(0.1) }, []],
  ['logons that nobody can judge', { [requests('cannot-authenticate', 503)]: rate(1) }, ['AutodiscoverServerErrors']],
  ['faults', { [requests('failed', 500)]: rate(1) }, ['AutodiscoverServerErrors']],
  [
    'bodies that are too large or broken',
    { [requests('failed', 413)]: rate(5), [requests('fault', 500)]: rate(5) },
    [],
  ],
  [
    'a spray whose budgets are spent',
    { [requests('failed-too-often', 503)]: rate(500), [refusals('address-budget')]: rate(500) },
    ['AutodiscoverPasswordSpray'],
  ],
  [
    'a spray that would hide errors',
    {
      [requests('failed-too-often', 503)]: rate(500),
      [refusals('name-budget')]: rate(500),
      [requests('server-error', 200)]: rate(1),
    },
    ['AutodiscoverPasswordSpray', 'AutodiscoverServerErrors'],
  ],
  ['slow', { [`${DURATION}{le="+Inf"}`]: rate(20), [`${DURATION}{le="5"}`]: rate(20) }, ['AutodiscoverSlow']],
  ['workers die', { autodiscover_worker_restarts_total: '0+1x60' }, ['AutodiscoverWorkersDie']],
  ['a worker is missing', { autodiscover_workers: always(3) }, ['AutodiscoverWorkersMissing']],
  [
    'no worker is left',
    { autodiscover_workers: always(0), process_resident_memory_bytes: always(1e8) },
    ['AutodiscoverWorkersMissing'],
  ],
  ['workers are large', { process_resident_memory_bytes: always(3e9) }, ['AutodiscoverMemory']],
  ['one process is large', { ...ONE_PROCESS, process_resident_memory_bytes: always(1.1e9) }, ['AutodiscoverMemory']],
  ['one process is well', { ...ONE_PROCESS, process_resident_memory_bytes: always(0.3e9) }, []],
  ['checks wait', { autodiscover_password_checks_waiting: always(1500) }, ['AutodiscoverChecksWaiting']],
  [
    'a certificate expires',
    { 'autodiscover_certificate_days_left{source="tls.pem"}': always(10) },
    ['AutodiscoverCertificateExpires'],
  ],
];

labSuite('the alert rules', ['prometheus'], () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'rules-'));
    copyFileSync(RULES, join(folder, 'exchange-autodiscover.rules.yml'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const promtool = (...words: string[]) => {
    try {
      return execFileSync('promtool', words, { cwd: folder, encoding: 'utf8', timeout: 60_000, stdio: 'pipe' });
    } catch (error) {
      const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string };
      return assert.fail(`${words.join(' ')}: ${stdout}${stderr}`);
    }
  };

  const labelled = (name: string) => {
    const [metric, labels = ''] = name.replace(/\}$/, '').split('{');
    return `${metric}{${[`instance="ad1:9464"`, `job="${JOB}"`, ...(labels ? [labels] : [])].join(',')}}`;
  };

  for (const [what, differing, alerts] of SCENES) {
    test(`${what}: ${alerts.join(', ') || 'no alert'}`, () => {
      const file = join(folder, 'scene.yml');
      const scene = {
        rule_files: ['exchange-autodiscover.rules.yml'],
        evaluation_interval: '1m',
        tests: [
          {
            interval: '1m',
            input_series: Object.entries({ ...WELL, ...differing }).map(([name, values]) => ({
              series: labelled(name),
              values,
            })),
            promql_expr_test: [
              {
                // The certificate's alert waits for an hour.
                expr: 'group by (alertname) (ALERTS{alertstate=~"firing|pending"})',
                eval_time: '30m',
                exp_samples: alerts.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 })),
              },
            ],
          },
        ],
      };
      // JSON is YAML.
      writeFileSync(file, JSON.stringify(scene));
      promtool('test', 'rules', file);
    });
  }

  const names: string[] = parse(readFileSync(RULES, 'utf8')).groups[0].rules.map(
    ({ alert }: { alert: string }) => alert,
  );

  test('every alert fires in a scene, and is explained on the page', () => {
    const page = readFileSync(join(ROOT, 'docs', 'operations.md'), 'utf8');
    const fired = new Set(SCENES.flatMap(([, , alerts]) => alerts));
    assert.deepEqual(
      names.filter((name) => !fired.has(name)),
      [],
    );
    assert.deepEqual(
      names.filter((name) => !page.includes(`\`${name}\``)),
      [],
    );
    promtool('check', 'rules', 'exchange-autodiscover.rules.yml');
  });

  test('the documented configuration of Prometheus names the job and is taken', () => {
    const page = readFileSync(join(ROOT, 'docs', 'operations.md'), 'utf8');
    const text = /```yaml\n(rule_files:[\s\S]*?)```/.exec(page)?.[1] ?? assert.fail('docs/operations.md has none');
    const config = parse(text);
    assert.deepEqual(
      config.scrape_configs.map(({ job_name }: { job_name: string }) => job_name),
      [JOB],
    );
    writeFileSync(join(folder, 'prometheus.yml'), text.replace('/etc/prometheus/', `${folder}/`));
    assert.ok(promtool('check', 'config', 'prometheus.yml').includes(` ${names.length} rules found`));
  });
});
