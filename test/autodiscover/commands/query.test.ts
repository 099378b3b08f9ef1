import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import type { CommandIo } from '../../../src/autodiscover/commands/command-io.ts';
import { type QueryDeps, queryCommand } from '../../../src/autodiscover/commands/query.ts';
import { FakeNetwork, type Handler } from '../client/fake-network.ts';
import {
  basicOf,
  fixed,
  PASSWORD,
  poxError,
  poxRedirectAddress,
  poxSettings,
  redirect,
  service,
  soapSettings,
  website,
} from '../client/fake-service.ts';
import { TEST_CA } from '../client/test-certificates.ts';
import { type Run, runCommand, type Surroundings } from './run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'query-test-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

interface Outcome extends Run {
  readonly network: FakeNetwork;
}

type Hosts = Readonly<Record<string, Handler>>;

async function query(
  args: readonly string[],
  hosts: Hosts = {},
  surroundings: Surroundings = {},
  deps: QueryDeps = {},
): Promise<Outcome> {
  const network = new FakeNetwork();
  try {
    for (const [origin, handler] of Object.entries(hosts)) {
      const { protocol, hostname } = new URL(origin);
      await (protocol === 'http:' ? network.http(hostname, handler) : network.https(hostname, handler));
    }
    const { timeoutMs: _timeout, ...http } = network.options();
    const offline: QueryDeps = {
      http,
      resolveSrv: async () => Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' })),
      ...deps,
    };
    const run = await runCommand((io: CommandIo) => queryCommand(io, offline), args, surroundings);
    return { ...run, network };
  } finally {
    await network.close();
  }
}

const ENV = { env: { AUTODISCOVER_PASSWORD: PASSWORD } };
const HOSTS: Hosts = { 'https://contoso.test': website, 'https://autodiscover.contoso.test': service(poxSettings()) };
const ADDRESS = 'alice@contoso.test';

test('prints every step with outcome and time, then the settings', async () => {
  const { stdout, stderr, exitCode, error } = await query([ADDRESS], HOSTS, ENV);
  assert.equal(error, undefined);
  assert.equal(exitCode, 0);
  assert.equal(stderr, '');
  assert.match(stdout, /^scp +\d+(\.\d)? ms +skipped +no directory to search$/m);
  assert.match(
    stdout,
    /^root-domain +\d+(\.\d)? ms +not-autodiscover +POST https:\/\/contoso\.test\/autodiscover\/autodiscover\.xml: HTTP 200 with text\/html/m,
  );
  assert.match(
    stdout,
    /^autodiscover-host +\d+(\.\d)? ms +settings +POST .*server outlook\.contoso\.test \(Basic, TLSv1\.[23]\)$/m,
  );
  assert.match(stdout, /^alice@contoso\.test: found by autodiscover-host at https:\/\/autodiscover\.contoso\.test/m);
  assert.match(stdout, /InternalRpcClientServer +│ outlook\.contoso\.test/);
  assert.ok(!stdout.includes(PASSWORD));
});

test('--json prints one document, with the steps, and nothing secret', async () => {
  const { stdout, stderr, exitCode } = await query([ADDRESS, '--json'], HOSTS, ENV);
  const found = JSON.parse(stdout);
  assert.equal(exitCode, 0);
  assert.deepEqual(
    found.trace.map((entry: { step: string; outcome: string }) => `${entry.step} ${entry.outcome}`),
    ['scp skipped', 'root-domain not-autodiscover', 'autodiscover-host settings'],
  );
  assert.equal(found.result.outcome, 'found');
  assert.equal(found.result.settings.InternalRpcClientServer, 'outlook.contoso.test');
  assert.deepEqual(
    [found.result.source.step, found.result.source.dialect, found.result.source.scheme],
    ['autodiscover-host', 'pox', 'Basic'],
  );
  assert.ok(!stdout.includes(PASSWORD) && !stdout.includes(basicOf(ADDRESS).slice(6)));
  assert.match(stderr, /^autodiscover-host .* settings/m);
});

test('--xml prints the answer byte for byte, and talks on standard error', async () => {
  const { stdout, stderr } = await query([ADDRESS, '--xml'], HOSTS, ENV);
  assert.equal(stdout, poxSettings());
  assert.match(stderr, /found by autodiscover-host/);
});

test('--protocol soap asks the .svc', async () => {
  const { stdout, network } = await query(
    [ADDRESS, '--protocol', 'soap'],
    { 'https://contoso.test': service(soapSettings()) },
    ENV,
  );
  assert.match(stdout, /found by root-domain at https:\/\/contoso\.test\/autodiscover\/autodiscover\.svc/);
  assert.ok(network.seen.every((request) => request.path.endsWith('.svc')));
});

const FAILURES: readonly (readonly [string, readonly string[], Hosts, RegExp])[] = [
  ['no service', [], {}, /not found \(no-service\): no step led/],
  [
    'an error of the service',
    [],
    { 'https://contoso.test': service(poxError(500, 'The e-mail address cannot be found.')) },
    /answers with error 500 The e-mail address cannot be found\./,
  ],
  [
    'a wrong password',
    ['--user', 'bob'],
    { 'https://contoso.test': service(poxSettings()) },
    /not found \(unauthorized\)/,
  ],
  [
    'a redirection by a named server',
    ['--server', 'https://contoso.test'],
    { 'https://contoso.test': service(poxRedirectAddress('bob@fabrikam.test')) },
    /redirects to bob@fabrikam\.test; ask for that address/,
  ],
  ['an unreadable local file', ['--local-file', 'nowhere.xml'], {}, /^local-file .* unreadable .*nowhere\.xml/m],
];
for (const [name, args, hosts, text] of FAILURES) {
  test(`exit code 1 and a reason: ${name}`, async () => {
    const { stdout, exitCode, error } = await query([ADDRESS, ...args], hosts, ENV);
    assert.equal(error, undefined);
    assert.equal(exitCode, 1);
    assert.match(stdout, text);
    assert.equal((await query([ADDRESS, ...args, '--json'], hosts, ENV)).exitCode, 1);
  });
}

const USAGE: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['an address that is none', ['alice'], /query: "alice": .*name@domain/],
  ['two formats', [ADDRESS, '--json', '--xml'], /either --json or --xml/],
  ['another protocol', [ADDRESS, '--protocol', 'imap'], /--protocol must be pox or soap, not "imap"/],
  ['an unknown step', [ADDRESS, '--exclude', 'dns'], /"dns" is none of scp, /],
  ['a server without TLS', [ADDRESS, '--server', 'http://mail.contoso.test'], /--server must be an https URL/],
  [
    'a password in a URL',
    [ADDRESS, '--server', 'https://a:b@mail.contoso.test'],
    /--server must be an https URL without a user name/,
  ],
  ['no time', [ADDRESS, '--timeout', '0'], /--timeout must be a number of seconds up to 600, not "0"/],
  ['a CA file that is not there', [ADDRESS, '--ca', join(folder, 'none.pem')], /reading --ca .*none\.pem: ENOENT/],
  ['a CA file without certificate', [ADDRESS, '--ca', file('key.pem', 'hello')], /holds no PEM certificate/],
  [
    'a password file that is not there',
    [ADDRESS, '--password-file', join(folder, 'none')],
    /reading the password from .*none: ENOENT/,
  ],
  [
    'an empty password file',
    [ADDRESS, '--password-file', file('empty', '\nsecret\n')],
    /the first line of .*empty is empty/,
  ],
  ['a file that is no password', [ADDRESS, '--password-file', file('long', 'x'.repeat(5000))], /longer than 4096/],
  [
    'a broken --connect-to',
    [ADDRESS, '--connect-to', 'a:443'],
    /--connect-to must be HOST:PORT:TARGET:PORT, not "a:443"/,
  ],
  ['a site without directory', [ADDRESS, '--site', 'Seattle'], /--site needs --config/],
  ['a configuration that is not there', [ADDRESS, '--config', join(folder, 'none.yaml')], /none\.yaml/],
];
for (const [name, args, message] of USAGE) {
  test(`usage: ${name}`, async () => {
    const { error, stdout, network } = await query(args, HOSTS, ENV);
    assert.equal(error?.code, 'configuration');
    assert.match(error?.message ?? '', message);
    assert.equal(stdout, '');
    assert.deepEqual(network.seen, []);
  });
}

test('there is no flag for the password', async () => {
  const { error } = await query([ADDRESS, '--password', 'secret'], HOSTS);
  assert.equal(error?.code, 'commander.unknownOption');
});

test('a password file wins over the environment, its line end is not part of it', async () => {
  const { exitCode } = await query(
    [ADDRESS, '--password-file', file('pw', `\ufeff${PASSWORD}\r\nsecond line\r\n`)],
    HOSTS,
    { env: { AUTODISCOVER_PASSWORD: 'wrong' } },
  );
  assert.equal(exitCode, 0);
});

test('a password file as Windows PowerShell writes it', async () => {
  const written = file('pw16', '');
  writeFileSync(written, `\ufeff${PASSWORD}\r\n`, 'utf16le');
  const { exitCode } = await query([ADDRESS, '--password-file', written], HOSTS);
  assert.equal(exitCode, 0);
});

test('the password is asked for once, without echo, for the server that wants it', async () => {
  const { stdout, stderr, exitCode, quietWhenAsked } = await query([ADDRESS], HOSTS, { types: [PASSWORD] });
  assert.equal(exitCode, 0);
  assert.deepEqual(quietWhenAsked, [true], 'the echo is off before the question is seen');
  assert.equal(stderr, 'Password of alice@contoso.test for autodiscover.contoso.test: \n');
  assert.ok(!stdout.includes(PASSWORD));
});

test('giving up at the prompt, or having no terminal, is said', async () => {
  const gaveUp = await query([ADDRESS], HOSTS, { types: ['\u0003'] });
  assert.equal(gaveUp.exitCode, 1);
  assert.match(gaveUp.stdout, /no-common-scheme .*offers Basic; Basic: no password was given/);
  const { exitCode, stdout, stderr } = await query([ADDRESS], HOSTS);
  assert.equal(exitCode, 1);
  assert.match(stdout, /no password was given/);
  assert.equal(stderr, '');
});

test('--user names who logs on; the address is the default', async () => {
  const hosts = { 'https://contoso.test': service(poxSettings(), 'CONTOSO\\alice') };
  assert.equal((await query([ADDRESS, '--user', 'CONTOSO\\alice'], hosts, ENV)).exitCode, 0);
  assert.equal((await query([ADDRESS], hosts, ENV)).exitCode, 1);
});

const ELSEWHERE: Hosts = {
  'https://contoso.test': redirect('https://mail.hoster.test/autodiscover/autodiscover.xml'),
  'https://mail.hoster.test': service(poxSettings()),
};

test('another domain is visited with --trust of the host or of its domain', async () => {
  for (const trusted of ['mail.hoster.test', 'hoster.test']) {
    assert.equal((await query([ADDRESS, '--trust', trusted], ELSEWHERE, ENV)).exitCode, 0);
  }
  const { exitCode, stderr, network } = await query([ADDRESS, '--trust', 'other.test'], ELSEWHERE, ENV);
  assert.equal(exitCode, 1);
  assert.match(
    stderr,
    /leads to the host mail\.hoster\.test, outside the mail domain; to follow it, give --trust mail\.hoster\.test/,
  );
  assert.ok(network.seen.every((request) => request.host !== 'mail.hoster.test'));
});

test('another domain is visited when the person at the terminal says yes, and only then', async () => {
  const question =
    /leads to the host mail\.hoster\.test, outside the mail domain\. Go there, with your credentials\? \[y\/N\]/;
  const yes = await query([ADDRESS], ELSEWHERE, { ...ENV, types: ['y'] });
  assert.equal(yes.exitCode, 0);
  assert.match(yes.stderr, question);
  for (const answer of ['n', '', 'yep']) {
    const no = await query([ADDRESS], ELSEWHERE, { ...ENV, types: [answer] });
    assert.equal(no.exitCode, 1);
    assert.match(no.stdout, /not found \(consent-refused\)/);
  }
});

test('what a server sends cannot write over the terminal', async () => {
  const hostile = poxSettings().replace('Alice Example', '&#x9b;2Jevil\u202eeman').replace('/o=Contoso', '/o=a\u0085b');
  const { stdout } = await query([ADDRESS], { 'https://contoso.test': service(hostile) }, ENV);
  assert.match(stdout, /\\u\{9b\}2Jevil\\u\{202e\}eman/);
  assert.ok(!/[\u0080-\u009f\u202e]/.test(stdout));
});

test('--connect-to leads a name elsewhere and still checks its certificate, against --ca', async () => {
  const network = new FakeNetwork();
  try {
    await network.https('autodiscover.contoso.test', service(poxSettings()));
    const port = network.port('autodiscover.contoso.test');
    const ca = file('ca.pem', TEST_CA);
    const run = (...args: string[]): Promise<Run> => runCommand((io) => queryCommand(io), [...args, '--ca', ca], ENV);
    const found = await run(
      ADDRESS,
      '--server',
      'autodiscover.contoso.test',
      '--connect-to',
      `autodiscover.contoso.test:443:127.0.0.1:${port}`,
    );
    assert.equal(found.exitCode, 0, found.stdout);
    const wrong = await run(
      ADDRESS,
      '--server',
      'mail.contoso.test',
      '--connect-to',
      `mail.contoso.test:443:127.0.0.1:${port}`,
    );
    assert.match(wrong.stdout, / certificate-name /);
  } finally {
    await network.close();
  }
});

test('--kerberos sends the ticket and never a password', async () => {
  const hosts = {
    'https://contoso.test': ((request, response) => {
      if (request.authorization === 'Negotiate dGlja2V0')
        response.writeHead(200, { 'Content-Type': 'text/xml' }).end(poxSettings());
      else
        response
          .writeHead(401, { 'WWW-Authenticate': ['Negotiate', 'Basic realm="x"'], 'X-SOAP-Enabled': 'True' })
          .end();
    }) satisfies Handler,
  };
  const negotiate = () => ({ scheme: 'Negotiate', begin: async () => ({ next: async () => 'Negotiate dGlja2V0' }) });
  const { exitCode, stdout } = await query([ADDRESS, '--kerberos'], hosts, ENV, { negotiate });
  assert.equal(exitCode, 0);
  assert.match(stdout, /\(Negotiate, TLS/);
  const none = { negotiate: () => ({ scheme: 'Negotiate', begin: async () => ({ unavailable: 'no ticket' }) }) };
  const refused = await query([ADDRESS, '--kerberos'], hosts, ENV, none);
  assert.equal(refused.exitCode, 1);
  assert.match(refused.stdout, /Negotiate: no ticket/);
  assert.ok(refused.network.seen.every((request) => request.authorization === undefined));
});

test('excluded steps and the local file', async () => {
  const local = file('local.xml', poxSettings());
  const args = [ADDRESS, '--exclude', 'root-domain', '--exclude', 'http-redirect', '--local-file', local];
  const { stdout, exitCode } = await query(args, { 'https://contoso.test': fixed(500) }, ENV);
  assert.equal(exitCode, 0);
  assert.match(stdout, /^root-domain .* skipped +excluded$/m);
  assert.match(stdout, /found by local-file at .*local\.xml \(anonymous\)/);
});
