// `query` against the whole service over the demo organisation: real sockets, TLS, directory. What POX and SOAP say must agree.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import test, { after, before } from 'node:test';
import { DEMO_PASSWORD, type Demo, startDemo } from '../../../src/autodiscover/commands/demo.ts';
import { queryCommand } from '../../../src/autodiscover/commands/query.ts';
import { type RunningService, startService } from '../../../src/autodiscover/commands/service.ts';
import { createLogger } from '../../../src/autodiscover/log.ts';
import { type Run, runCommand } from './run-command.ts';

const certs = mkdtempSync(join(tmpdir(), 'query-demo-'));
let demo: Demo;
let service: RunningService;

before(async () => {
  demo = await startDemo({ https: '127.0.0.1:0', http: '127.0.0.1:0', certs });
  service = await startService(demo.settings, createLogger('silent', new PassThrough()));
});
after(async () => {
  await service?.stop();
  await demo?.directory.close();
  rmSync(certs, { recursive: true });
});

const CALLER = 'alice@contoso.test';

function query(...args: readonly string[]): Promise<Run> {
  const ca = ['--ca', demo.caFile, '--user', CALLER, '--timeout', '20'];
  return runCommand(queryCommand, [...args, ...ca], { env: { AUTODISCOVER_PASSWORD: DEMO_PASSWORD } });
}

test('discovery reaches the service by name, with its certificate checked', async () => {
  const port = new URL(service.httpsUrl).port;
  const elsewhere = [
    '--connect-to',
    `autodiscover.contoso.test:443:127.0.0.1:${port}`,
    '--connect-to',
    'contoso.test:443:127.0.0.1:1',
  ];
  const { stdout, exitCode } = await query(CALLER, ...elsewhere);
  assert.equal(exitCode, 0, stdout);
  assert.match(stdout, /^root-domain .* connection-refused /m);
  assert.match(stdout, /^autodiscover-host .* settings .*server outlook-sea\.contoso\.test/m);
});

test('--config finds the published records of the site and asks them first', async () => {
  const passwordFile = join(certs, 'service-password');
  writeFileSync(passwordFile, `${DEMO_PASSWORD}\n`, { mode: 0o600 });
  const { config } = demo.settings;
  const file = join(certs, 'config.yaml'); // JSON is YAML, too
  writeFileSync(file, JSON.stringify({ ...config, directory: { ...config.directory, passwordFile } }));
  const { port } = new URL(service.httpsUrl);
  const nowhere = ['contoso.test', 'autodiscover-dublin.contoso.test', 'autodiscover-seattle.contoso.test'];
  const elsewhere = [
    ...nowhere.map((name) => `${name}:443:127.0.0.1:1`),
    `autodiscover.contoso.test:443:127.0.0.1:${port}`,
  ];
  const rules = elsewhere.flatMap((rule) => ['--connect-to', rule]);
  for (const [site, order] of [
    ['Dublin', ['dublin', 'seattle']],
    ['Seattle', ['seattle', 'dublin']],
  ] as const) {
    const run = await query(CALLER, '--json', '--config', file, '--site', site, ...rules);
    assert.equal(run.error, undefined);
    const { trace, result } = JSON.parse(run.stdout);
    assert.equal(trace[0].detail, `2 URLs published, site ${site}`);
    const asked = trace.slice(1, 3).map((entry: { step: string; action: string }) => `${entry.step} ${entry.action}`);
    const want = order.map(
      (name) => `scp POST https://autodiscover-${name}.contoso.test/Autodiscover/autodiscover.xml`,
    );
    assert.deepEqual(asked, want);
    assert.equal(result.source.step, 'autodiscover-host');
  }
});

test('POX and SOAP agree on every setting of every account', async () => {
  const compared: string[] = [];
  for (const { name } of demo.accounts) {
    const [pox, soap] = await Promise.all(
      ['pox', 'soap'].map(async (protocol) => {
        const run = await query(name, '--server', service.httpsUrl, '--protocol', protocol, '--json');
        assert.notEqual(run.stdout, '', `${name} ${protocol}: ${run.error?.stack ?? run.stderr}`);
        return JSON.parse(run.stdout).result;
      }),
    );
    assert.equal(pox.outcome, soap.outcome, `${name}: ${JSON.stringify([pox, soap])}`);
    if (pox.outcome !== 'found') continue;
    assert.ok(Object.keys(pox.settings).length > 10, name);
    for (const [setting, value] of Object.entries(pox.settings)) {
      assert.deepEqual(soap.settings[setting], value, `${name} ${setting}`);
    }
    compared.push(name);
  }
  assert.ok(compared.length > 5, compared.join());
});

test('an unknown address and a wrong password are told apart', async () => {
  const unknown = await query('nobody@contoso.test', '--server', service.httpsUrl);
  assert.equal(unknown.exitCode, 1);
  assert.match(unknown.stdout, /answers with error 500 /);
  const wrong = await runCommand(queryCommand, [CALLER, '--server', service.httpsUrl, '--ca', demo.caFile], {
    env: { AUTODISCOVER_PASSWORD: 'wrong' },
  });
  assert.equal(wrong.exitCode, 1);
  assert.match(wrong.stdout, /not found \(unauthorized\): .*turned the Basic credentials down/);
});
