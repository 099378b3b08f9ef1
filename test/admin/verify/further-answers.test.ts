// What discovery does not ask for, asked of the whole service on sockets: ActiveSync's answers, redirections among them, and the newer
// protocols, with a service that gives what the configuration says and with one that does not.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import test, { after, before } from 'node:test';
import { verifyCommand } from '../../../src/admin/commands/verify.ts';
import type { Check } from '../../../src/admin/verify/check.ts';
import { furtherChecks } from '../../../src/admin/verify/further-answers.ts';
import type { Discovery } from '../../../src/autodiscover/client/discovery.ts';
import { DEMO_PASSWORD, type Demo, startDemo } from '../../../src/autodiscover/commands/demo.ts';
import { type RunningService, startService } from '../../../src/autodiscover/commands/service.ts';
import { createLogger } from '../../../src/autodiscover/log.ts';
import { runCommand } from '../../autodiscover/commands/run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'further-'));
const MAPI = { internalUrl: 'https://mail.contoso.test/mapi', externalUrl: 'https://mail.contoso.test/mapi' };
const NEWER = { mapiHttp: MAPI, exHttp: true };
let demo: Demo;
const services: Record<'plain' | 'newer', RunningService | undefined> = { plain: undefined, newer: undefined };

before(async () => {
  demo = await startDemo({ https: '127.0.0.1:0', http: '127.0.0.1:0', certs: folder });
  const { config } = demo.settings;
  const settings = { ...demo.settings, config: { ...config, answers: { ...config.answers, ...NEWER } } };
  const log = createLogger('silent', new PassThrough());
  services.plain = await startService(demo.settings, log);
  services.newer = await startService(settings, log);
});
after(async () => {
  for (const service of Object.values(services)) await service?.stop();
  await demo?.directory.close();
  rmSync(folder, { recursive: true });
});

/** Asks `server` and expects what a configuration with these answers says. */
async function verify(server: keyof typeof services, answers: object, address: string): Promise<readonly Check[]> {
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, `${DEMO_PASSWORD}\n`, { mode: 0o600 });
  const { config } = demo.settings;
  const file = join(folder, 'config.yaml'); // JSON is YAML, too
  const directory = { ...config.directory, passwordFile };
  writeFileSync(file, JSON.stringify({ ...config, directory, answers: { ...config.answers, ...answers } }));
  const where = ['--config', file, '--server', services[server]?.httpsUrl ?? '', '--ca', demo.caFile];
  const run = await runCommand(
    verifyCommand,
    [address, ...where, '--timeout', '5', '--user', 'alice@contoso.test', '--json'],
    {
      env: { AUTODISCOVER_PASSWORD: DEMO_PASSWORD },
    },
  );
  assert.equal(run.error, undefined, run.error?.stack);
  const checks: readonly Check[] = JSON.parse(run.stdout).checks;
  return checks.filter(
    ({ subject, check }) => subject === address && /mobilesync|mapiHttp|EXHTTP|newer|unasked/.test(check),
  );
}

const said = (checks: readonly Check[]) => checks.map(({ check, outcome }) => `${outcome} ${check}`);
const MOBILE = ['answer', 'URL', 'DisplayName', 'EMailAddress', 'Culture'].map((name) => `passed mobilesync ${name}`);

test('ActiveSync is compared field by field; newer protocols are not asked for where none are offered', async () => {
  const checks = await verify('plain', {}, 'alice@contoso.test');
  assert.deepEqual(said(checks), MOBILE);
  assert.equal(checks[1]?.served, 'https://mail.contoso.test/Microsoft-Server-ActiveSync');
});

test('MAPI over HTTP and EXHTTP are compared where the configuration offers them', async () => {
  const checks = await verify('newer', NEWER, 'alice@contoso.test');
  assert.deepEqual(said(checks), ['passed pox newer protocols', 'passed pox mapiHttp', 'passed pox EXHTTP', ...MOBILE]);
  assert.match(
    checks[1]?.served ?? '',
    /^version 1, mail store https:\/\/mail\.contoso\.test\/mapi\/emsmdb\/\?MailboxId=/,
  );
  assert.match(checks[2]?.served ?? '', /^mail\.contoso\.test, SSL, /);
});

test('a service that does not give what is configured fails, and one that gives other URLs', async () => {
  const missing = await verify('plain', NEWER, 'alice@contoso.test');
  assert.deepEqual(
    missing.slice(1, 3).map(({ check, outcome, detail }) => [check, outcome, detail]),
    [
      ['pox mapiHttp', 'failed', 'not served'],
      ['pox EXHTTP', 'failed', 'not served'],
    ],
  );
  const other = { mapiHttp: { internalUrl: 'https://other.contoso.test/mapi' }, exHttp: true };
  const differs = await verify('newer', other, 'alice@contoso.test');
  assert.deepEqual([differs[1]?.outcome, differs[1]?.detail], ['failed', 'differs']);
});

test('ActiveSync is led to another address, and told of unknown ones', async () => {
  const led = await verify('plain', {}, 'laura@contoso.test');
  assert.deepEqual(said(led), ['passed mobilesync answer']);
  assert.match(led[0]?.detail ?? '', /^leads to laura\.lane@tailspin\.test, as the directory says$/);
  const unknown = await verify('plain', {}, 'nobody@contoso.test');
  assert.deepEqual(said(unknown), ['passed mobilesync answer']);
  assert.match(unknown[0]?.detail ?? '', /^error 2 /);
});

test('the password comes from a file, the environment or a prompt, and is asked for once', async () => {
  const passwordFile = join(folder, 'alice-password');
  writeFileSync(passwordFile, `${DEMO_PASSWORD}\n`);
  const server = services.plain?.httpsUrl ?? '';
  const where = ['--server', server, '--ca', demo.caFile, '--timeout', '5', '--user', 'alice@contoso.test', '--json'];
  const addresses = ['alice@contoso.test', 'bob@contoso.test'];
  for (const [flags, surroundings, questions] of [
    [['--password-file', passwordFile], {}, 0],
    [[], { env: { AUTODISCOVER_PASSWORD: DEMO_PASSWORD } }, 0],
    [[], { types: [DEMO_PASSWORD] }, 1],
  ] as const) {
    const run = await runCommand(verifyCommand, [...addresses, ...where, ...flags], surroundings);
    assert.equal(run.error, undefined, run.error?.stack);
    const checks: readonly Check[] = JSON.parse(run.stdout).checks;
    const answers = checks.filter(({ check }) => check === 'pox answer' || check === 'soap answer');
    assert.deepEqual(
      answers.map(({ outcome }) => outcome),
      ['passed', 'passed', 'passed', 'passed'],
    );
    assert.equal(run.quietWhenAsked.length, questions);
    assert.equal(run.stderr.split('Password of alice@contoso.test for ').length - 1, questions);
  }
});

const source = { step: 'server', location: 'https://a.test/autodiscover/autodiscover.xml', dialect: 'pox' } as const;
const trace = [
  { step: 'server', action: `POST ${source.location}`, outcome: 'settings', detail: '', elapsedMs: 0 },
] as const;
const found = (pox: object): Discovery =>
  ({
    address: 'a@a.test',
    finalAddress: 'a@a.test',
    trace,
    result: { outcome: 'found', settings: {}, pox, source },
  }) as unknown as Discovery;
const answer = (status: number, headers: Record<string, string[]>, body = '') =>
  ({ kind: 'answer', status, headers, body: Buffer.from(body), remoteAddress: undefined, tls: undefined }) as const;
const redirectUrl = {
  result: { action: 'redirectUrl', url: 'https://new.test/autodiscover/autodiscover.xml' },
} as never;

test('ActiveSync is led to another URL by HTTP', async () => {
  const ask = (location: string) =>
    furtherChecks('a@a.test', found({}), redirectUrl, { askPox: async () => answer(302, { location: [location] }) });
  assert.deepEqual(said(await ask('https://new.test/autodiscover/autodiscover.xml')), ['passed mobilesync answer']);
  const [other] = await ask('https://old.test/autodiscover/autodiscover.xml');
  assert.equal(other?.outcome, 'failed');
  assert.match(
    other?.detail ?? '',
    /leads to https:\/\/old\.test.*, but the directory says: leads to https:\/\/new\.test/,
  );
});

test('protocols that nobody asked for fail, a page in place of an answer too', async () => {
  const checks = await furtherChecks('a@a.test', found({ mapiHttp: {}, exHttp: {} }), undefined, {
    askPox: async () => answer(200, {}, '<html>'),
  });
  assert.deepEqual(said(checks), ['failed pox unasked protocols', 'warning mobilesync answer']);
  assert.match(checks[0]?.detail ?? '', /^mapiHttp and EXHTTP without being asked for/);
});
