// The autodiscover program as a user runs it: exit codes, messages, the check, the demo and its end.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { labCertificate } from '../../src/autodiscover/tls/lab-certificate.ts';
import type { EmbeddedDirectory } from '../../src/ldap/embedded/server.ts';
import { basic, elementText, listenPlain, POX_PATH, poxBody, type Reply } from '../autodiscover/bed.ts';
import { eventually, PASSWORD, READER, startController } from '../ldap/demo-organization.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', 'src', 'cli', 'autodiscover.ts');

interface Run {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  readonly ended: Promise<number | null>;
}

function start(args: readonly string[]): Run {
  const child = spawn(process.execPath, [PROGRAM, ...args], { timeout: 60_000 });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
  return { child, out: () => out, err: () => err, ended };
}

async function run(args: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
  const { ended, out, err } = start(args);
  const code = await ended;
  return { code, out: out(), err: err() };
}

/** Sends a POST over TLS that trusts the lab authority alone. */
function post(url: string, ca: Buffer, address = 'alice@contoso.test'): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', ca, agent: false, headers: { authorization: basic('alice@contoso.test') } };
    const sending = request(url + POX_PATH, options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    sending.on('error', reject);
    sending.end(poxBody({ address }));
  });
}

describe('autodiscover', { concurrency: 2 }, () => {
  let folder: string;
  let certs: string;
  let controller: EmbeddedDirectory;
  let config: string;
  const write = (name: string, text: string) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'autodiscover-'));
    certs = join(folder, 'certs');
    const names = ['autodiscover.contoso.test', 'localhost', '127.0.0.1'];
    const { certificateFile, keyFile } = await labCertificate(certs, names);
    controller = await startController();
    const password = write('password', `${PASSWORD}\n`);
    config = write(
      'good.yaml',
      `directory: {servers: ['${controller.url}'], allowPlainText: true, bindDn: '${READER}', passwordFile: ${password}}
listen: {https: '127.0.0.1:0'}
publicUrl: https://autodiscover.contoso.test
tls: {certificates: [{certificateFile: ${certificateFile}, keyFile: ${keyFile}}]}
`,
    );
  });
  after(async () => {
    await controller.close();
    rmSync(folder, { recursive: true });
  });
  const changed = (name: string, from: string | RegExp, to: string) =>
    write(name, readFileSync(config, 'utf8').replace(from, to));

  const USAGE: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [['--nonsense'], /unknown option '--nonsense'/],
    [['serve'], /give either --config FILE or --demo/],
    [['serve', '--config', '/nowhere/x.yaml'], /\/nowhere\/x\.yaml.*ENOENT/],
    [['serve', '--demo', '--log-level', 'loud'], /--log-level must be one of error, warn, info, debug/],
    [['serve', '--demo', '--https', 'nonsense'], /--https nonsense: must be HOST:PORT/],
    [['serve', '--demo', '--http', '127.0.0.1:99999'], /--http 127\.0\.0\.1:99999: the port is above 65535/],
    [['serve', '--demo', '--address', 'alice@contoso.test'], /--address is for --check/],
    [['serve', '--demo', '--check', '--address', 'alice'], /--address "alice": the e-mail address is not of the form/],
    [
      ['serve', '--demo', '--https', '127.0.0.1:8080'],
      /serve: listen\.http 127\.0\.0\.1:8080 is the address and port of listen\.https/,
    ],
    [['config', 'check'], /missing required argument 'file'\nTry: autodiscover config check --help\n/],
    [['replay', '--server', 'https://x.test'], /replay: give the address of a mailbox/],
  ];
  for (const [args, message] of USAGE) {
    test(`wrong usage, ${args.join(' ')}: exit code 2 and why`, async () => {
      const { code, out, err } = await run(args);
      assert.equal(code, 2, err);
      assert.match(err, message);
      assert.equal(out, '');
      assert.doesNotMatch(err, /\n {4}at /, 'no stack trace');
    });
  }

  const JSON_ERRORS: readonly (readonly [args: readonly string[], exit: number, code: string, message: RegExp])[] = [
    [['array', 'list', '--json', '--nonsense'], 2, 'usage', /^unknown option '--nonsense'/],
    [
      ['array', 'remove', 'nosuch', '--json', '--demo', '--yes'],
      1,
      'not-found',
      /the CAS array "nosuch": there is none/,
    ],
  ];
  for (const [args, exit, code, message] of JSON_ERRORS) {
    test(`what stops ${args.join(' ')} is a JSON document too`, async () => {
      const { code: ended, out, err } = await run(args);
      assert.equal(ended, exit, err);
      const { error } = JSON.parse(out) as { error: { code: string; message: string } };
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.ok(err.includes(error.message), 'and text for people');
    });
  }

  test('lists of rules and of kinds are JSON when asked for', async () => {
    const { rules } = JSON.parse((await run(['replay', '--rules', '--json'])).out) as { rules: object[] };
    const { kinds } = JSON.parse((await run(['doctor', '--kinds', '--json'])).out) as { kinds: object[] };
    assert.deepEqual(
      [Object.keys(rules[0] ?? {}), Object.keys(kinds[0] ?? {})],
      [
        ['rule', 'why'],
        ['code', 'severity'],
      ],
    );
  });

  test('a change is made to its end although nobody reads what is printed', async () => {
    const target = ['--rpc-client-access-server', 'outlook-sea.contoso.test'];
    const undoFile = join(folder, 'unread.ldif');
    const change = start(['database', 'set', '--all', ...target, '--demo', '--yes', '--undo-file', undoFile]);
    change.child.stdout?.destroy();
    assert.equal(await change.ended, 0, change.err());
    assert.equal(change.err(), '');
    assert.equal(readFileSync(undoFile, 'utf8').match(/^changetype: modify$/gm)?.length, 4);
  });

  for (const program of ['autodiscover', 'profile-migrator']) {
    test(`${program} says so when Node.js is too old`, () => {
      const older = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.19.1"})';
      const file = join(dirname(PROGRAM), `${program}.ts`);
      const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', older, file, '--version'], {
        encoding: 'utf8',
        timeout: 60_000,
      });
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, /^This program needs Node\.js 24 or later; \S+ is 20\.19\.1\./);
    });
  }

  test('--help and --version', async () => {
    const { code, out } = await run(['--help']);
    assert.equal(code, 0);
    for (const word of ['serve', 'config', '--version']) assert.ok(out.includes(word), word);
    const serve = await run(['serve', '--help']);
    assert.equal(serve.code, 0);
    for (const word of ['--config <file>', '--demo', '--check', '--https', '--http', 'Exit codes: 0']) {
      assert.ok(serve.out.includes(word), word);
    }
    const version = await run(['--version']);
    assert.equal(version.code, 0);
    assert.match(version.out, /^\d+\.\d+\.\d+\n$/);
  });

  test('what an error repeats does not steer the terminal', async () => {
    const { code, err } = await run(['config', 'check', 'nowhere\u001b]0;title\u0007\u202e.yaml']);
    assert.equal(code, 2);
    assert.doesNotMatch(err, /[^\P{Cc}\n]|\u202e/u);
    assert.match(err, /nowhere/);
  });

  test('config print-example and config check', async () => {
    const example = await run(['config', 'print-example']);
    assert.equal(example.code, 0);
    assert.match(example.out, /^# Configuration of the Autodiscover service/);
    const good = await run(['config', 'check', config]);
    assert.deepEqual([good.code, good.out], [0, `${config}: no faults\n`]);
    const bad = await run(['config', 'check', write('bad.yaml', 'publicUrl: http://x\nnonsense: 1\n')]);
    assert.equal(bad.code, 2);
    assert.match(bad.err, /- publicUrl: must be an https URL/);
    assert.match(bad.err, /- nonsense: unknown key/);
    assert.match(bad.err, /- directory: /);
  });

  test('serve --check of a good configuration', async () => {
    const { code, out, err } = await run(['serve', '--check', '--config', config]);
    assert.equal(code, 0, err);
    assert.match(out, /^certificate {3}.*autodiscover\.contoso\.test, localhost, 127\.0\.0\.1; until 20/m);
    assert.match(out, /^directory {5}dc1\.contoso\.test as CN=svc-autodiscover/m);
    assert.match(out, /^organisation {2}Contoso: 2 arrays, 5 servers, 5 databases, 20 virtual directories$/m);
    assert.match(out, /^schemes {7}Basic$/m);
    assert.match(out, /^answer {8}\S+@contoso\.test: outlook-\w+\.contoso\.test$/m);
    assert.doesNotMatch(out + err, new RegExp(PASSWORD));
  });

  test('serve --check tells of settings without effect', async () => {
    const more =
      'answers: {externalSite: Seatle, mayAskForOthers: ["CN=a,DC=contoso,DC=test"]}\n' +
      `authentication: {keytabFile: ${config}}\npublicUrl`;
    const { code, out, err } = await run(['serve', '--check', '--config', changed('effect.yaml', /^publicUrl/m, more)]);
    assert.equal(code, 0, err);
    assert.doesNotMatch(out, /lacks the name/);
    const other = changed('name.yaml', 'https://autodiscover.contoso', 'https://mail.contoso');
    const named = await run(['serve', '--check', '--config', other]);
    assert.match(named.out, /^warning +the certificate lacks the name of publicUrl, mail\.contoso\.test$/m);
    const told = [...out.matchAll(/^warning +without effect: (\S+): /gm)].map(([, key]) => key);
    assert.deepEqual(told, ['answers.externalSite', 'answers.mayAskForOthers', 'authentication.keytabFile']);
    assert.match(out, /no site is called Seatle, the first by name is used of .*Seattle/);
  });

  test('serve --check --address: what a user would be answered, and 1 when it is an error', async () => {
    const carol = await run(['serve', '--check', '--config', config, '--address', 'carol@contoso.test']);
    assert.equal(carol.code, 0);
    assert.match(carol.out, /^warning .*not associated with a CAS array/m);
    assert.match(carol.out, /^answer {8}carol@contoso\.test: sea-cas1\.contoso\.test$/m);
    const prefixed = await run(['serve', '--check', '--config', config, '--address', ' SMTP:carol@contoso.test']);
    assert.match(prefixed.out, /^answer {8}carol@contoso\.test: sea-cas1\.contoso\.test$/m, 'read as in a request');
    const nobody = await run(['serve', '--check', '--config', config, '--address', 'nobody@contoso.test']);
    assert.equal(nobody.code, 1);
    assert.match(nobody.out, /^answer {8}nobody@contoso\.test: unknown-address/m);
  });

  const FAILURES: readonly (readonly [why: string, file: () => string, message: RegExp])[] = [
    [
      'no controller',
      () => changed('dead.yaml', controller.url, 'ldap://127.0.0.1:1'),
      /no domain controller answered.*ECONNREFUSED/,
    ],
    [
      'missing rights',
      () => changed('rights.yaml', READER, 'alice@contoso.test'),
      /no mailbox databases and no virtual directories.*dsacls/s,
    ],
    [
      'a certificate that cannot be used',
      () => changed('certificate.yaml', /certificateFile: [^,]*/, `certificateFile: ${write('empty.pem', '')}`),
      /empty\.pem: it holds no PEM certificate/,
    ],
  ];
  const USAGE_FAULTS: readonly (readonly [why: string, file: () => string, message: RegExp])[] = [
    [
      'no scheme can be offered',
      () => changed('schemes.yaml', /^publicUrl/m, 'authentication: {schemes: [negotiate]}\npublicUrl'),
      /"scheme":"negotiate \(Kerberos\)".*authentication\.schemes: none of negotiate can be offered/s,
    ],
    [
      'accounts that are no distinguished names',
      () =>
        changed('others.yaml', /^publicUrl/m, 'answers: {othersMailboxes: deny, mayAskForOthers: [alice]}\npublicUrl'),
      /answers\.mayAskForOthers: alice is no distinguished name/,
    ],
  ];
  for (const [why, file, message] of USAGE_FAULTS) {
    test(`serve --check fails as a start does: ${why}`, async () => {
      for (const more of [['--check'], []]) {
        const { code, err } = await run(['serve', ...more, '--config', file()]);
        assert.equal(code, 2, err);
        assert.match(err, message);
      }
    });
  }
  for (const [why, file, message] of FAILURES) {
    test(`serve --check fails: ${why}`, async () => {
      const { code, err } = await run(['serve', '--check', '--config', file()]);
      assert.equal(code, 1, err);
      assert.match(err, message);
      assert.doesNotMatch(err, /\n {4}at /, 'no stack trace');
    });
  }

  test('a port that the configuration gives to another listener is no usage', async () => {
    const both = changed('metrics.yaml', "'127.0.0.1:0'", "'127.0.0.1:0', metrics: '127.0.0.1:9464'");
    const { code, err } = await run(['serve', '--config', both, '--https', '127.0.0.1:9464']);
    assert.equal(code, 2);
    assert.match(err, /serve: listen\.metrics 127\.0\.0\.1:9464 is the address and port of listen\.https/);
  });

  test('a demo whose certificate cannot be written ends, and says what to do', async () => {
    const { code, err } = await run(['doctor', '--demo', '--certs', join(config, 'certs')]);
    assert.equal(code, 1);
    assert.match(err, /making a lab certificate in \S+: .*; --certs names another folder\n$/);
  });

  test('a port that is taken', async () => {
    const other = await listenPlain((() => undefined) as never);
    try {
      const { code, err } = await run(['serve', '--config', config, '--https', `127.0.0.1:${other.port}`]);
      assert.equal(code, 1);
      assert.match(err, /listening on 127\.0\.0\.1:\d+: another program uses it/);
    } finally {
      await other.close();
    }
  });

  test('serve answers until it is asked to stop, and ends well', async () => {
    const service = start(['serve', '--config', config]);
    try {
      await eventually('it is ready', () => service.err().includes('"msg":"ready"'));
      const ready = JSON.parse(
        service
          .err()
          .split('\n')
          .find((line) => line.includes('"ready"')) ?? '',
      ) as { https: string };
      const reply = await post(ready.https, readFileSync(join(certs, 'ca.pem')));
      assert.equal(elementText(reply.body, 'Server'), 'outlook-sea.contoso.test');
    } finally {
      service.child.kill('SIGTERM');
    }
    assert.equal(await service.ended, 0, service.err());
    assert.match(service.err(), /"msg":"stopped"/);
    assert.doesNotMatch(service.err(), new RegExp(PASSWORD));
  });

  test('the demo prints addresses, accounts and a curl line, and answers', async () => {
    const demo = start(['serve', '--demo', '--https', '127.0.0.1:0', '--http', '127.0.0.1:0', '--certs', certs]);
    try {
      await eventually('it is ready', () => demo.out().includes('Press Ctrl+C'));
      const banner = demo.out();
      assert.match(banner, /alice@contoso\.test +SEA-DB01/);
      assert.match(banner, /redirector +http:\/\/127\.0\.0\.1:\d+\/autodiscover/);
      assert.doesNotMatch(banner, /frank@|sales@|svc-/, 'who cannot log on is not listed');
      const [, ca = '', user = '', body = '', url = ''] =
        /curl --cacert (\S+) -u '([^']+)'.*-d '([^']+)' \\\n +(\S+)/s.exec(banner) ?? [];
      assert.equal(user, `alice@contoso.test:${PASSWORD}`);
      assert.match(body, /<EMailAddress>alice@contoso\.test<\/EMailAddress>/);
      const reply = await post(new URL(url).origin, readFileSync(ca));
      assert.equal(elementText(reply.body, 'Server'), 'outlook-sea.contoso.test');
    } finally {
      demo.child.kill('SIGINT');
    }
    assert.equal(await demo.ended, 0, demo.err());
  });
});
