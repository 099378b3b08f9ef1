// Authentication against a real domain: Kerberos tickets, NTLM through winbind, Basic over binds, asked by curl. What is refused looks
// the same whatever the reason; a dead helper turns its scheme off and keeps nobody waiting.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import type { Check } from '../../src/admin/verify/check.ts';
import { type RunningService, startService } from '../../src/autodiscover/commands/service.ts';
import { configSchema } from '../../src/autodiscover/config-schema.ts';
import { createLogger } from '../../src/autodiscover/log.ts';
import { labCertificate } from '../../src/autodiscover/tls/lab-certificate.ts';
import { labSuite } from './requirements.ts';
import { READER } from './samba/directory-plan.ts';
import { type SambaLab, startSambaLab } from './samba/samba-lab.ts';
import { PROGRAM } from './service-bed.ts';

const run = promisify(execFile);
const HOST = 'autodiscover.contoso.test';
/** Where HOST leads for a client that is given the lab's names. */
const VERIFIED_ADDRESS = '127.0.66.20';

labSuite('Authentication against Samba', ['samba', 'bed', 'kerberos'], () => {
  let lab: SambaLab;
  let service: RunningService;
  let folder: string;
  let port: number;
  const lines: string[] = [];

  before(async () => {
    lab = await startSambaLab({ bindErrorAccounts: true });
    folder = mkdtempSync(join(tmpdir(), 'authentication-'));
    process.env.KRB5_CONFIG = lab.krb5Conf;
    service = await serve(['negotiate', 'ntlm', 'basic'], lab.paths.ntlmAuth);
    port = Number(new URL(service.httpsUrl).port);
  });
  after(async () => {
    await service?.stop();
    await lab?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Failures are not counted unless told otherwise: most tests are about what a refusal looks like. */
  async function serve(
    schemes: string[],
    helper: string,
    failures: object = { perName: 1000, lockoutThreshold: 0 },
    https = '127.0.0.1:0',
  ): Promise<RunningService> {
    const { certificateFile, keyFile } = await labCertificate(folder, [HOST, '127.0.0.1']);
    const config = configSchema.parse({
      directory: { servers: [lab.ldapsUrl], bindDn: `${READER}@contoso.test`, passwordFile: 'unused' },
      listen: { https },
      publicUrl: `https://${HOST}`,
      tls: { certificates: [{ certificateFile, keyFile }] },
      authentication: {
        schemes,
        keytabFile: lab.keytab,
        ntlmHelper: { path: helper, processes: 4, timeoutSeconds: 5 },
        cacheSeconds: 0,
        failures,
      },
    });
    const settings = { config, ca: [readFileSync(lab.caFile, 'utf8')], readPassword: async () => lab.password };
    return startService(settings, createLogger('info', { write: (line) => lines.push(line) }));
  }

  const ask = (address: string) =>
    '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>' +
    `<EMailAddress>${address}</EMailAddress><AcceptableResponseSchema>` +
    'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>';

  async function curl(
    flags: string[],
    env: Record<string, string> = {},
  ): Promise<{ status: number; body: string; trace: string }> {
    const body = join(folder, 'request.xml');
    writeFileSync(body, ask('alice@contoso.test'));
    const common = [
      '-sS',
      '-v',
      '--max-time',
      '30',
      '--cacert',
      join(folder, 'ca.pem'),
      '--resolve',
      `${HOST}:${port}:127.0.0.1`,
    ];
    const post = [
      '-H',
      'Content-Type: text/xml',
      '--data-binary',
      `@${body}`,
      '-w',
      '\n%{http_code}',
      `https://${HOST}:${port}/autodiscover/autodiscover.xml`,
    ];
    const { stdout, stderr } = await run('curl', [...common, ...flags, ...post], { env: { ...process.env, ...env } });
    const cut = stdout.lastIndexOf('\n');
    return { status: Number(stdout.slice(cut + 1)), body: stdout.slice(0, cut), trace: stderr };
  }

  /** A ticket cache of alice's. */
  async function kinit(): Promise<string> {
    const cache = join(folder, 'tickets');
    await new Promise<void>((resolve, reject) => {
      const child = spawn('kinit', ['-c', cache, 'alice@CONTOSO.TEST'], {
        env: { ...process.env, KRB5_CONFIG: lab.krb5Conf },
        stdio: ['pipe', 'ignore', 'pipe'],
      });
      let errors = '';
      child.stderr.on('data', (chunk) => {
        errors += String(chunk);
      });
      child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`kinit: ${errors}`))));
      child.stdin.end(`${lab.password}\n`);
    });
    return cache;
  }

  /** One GET with an Authorization header on a connection of its own: status line, headers and body as received. */
  function raw(
    authorization: string | undefined,
    agent?: Agent,
    onPort = port,
  ): Promise<{ status: number; headers: string[]; body: string }> {
    return new Promise((resolve, reject) => {
      const headers = authorization === undefined ? {} : { authorization };
      const sent = request(
        {
          host: '127.0.0.1',
          port: onPort,
          path: '/autodiscover/autodiscover.xml',
          ca: readFileSync(join(folder, 'ca.pem')),
          headers,
          ...(agent ? { agent } : {}),
        },
        (response) => {
          let body = '';
          response.setEncoding('utf8').on('data', (chunk: string) => {
            body += chunk;
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.rawHeaders, body }));
        },
      );
      sent.on('error', reject).end();
    });
  }

  /** What must not differ between refusals: everything but the date and the correlation id. */
  function visible({ status, headers, body }: { status: number; headers: string[]; body: string }): string {
    const pairs = Array.from({ length: headers.length / 2 }, (_, at) => `${headers[2 * at]}: ${headers[2 * at + 1]}`);
    return [status, ...pairs.filter((pair) => !/^(date|request-id):/i.test(pair)), '', body].join('\n');
  }

  const basic = (name: string, password: string) => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;

  test('curl --negotiate with a ticket gets the answer, and proof of the service ([RFC 4559] 4 Negotiate)', async () => {
    const { status, body, trace } = await curl(['--negotiate', '-u', ':'], {
      KRB5CCNAME: await kinit(),
      KRB5_CONFIG: lab.krb5Conf,
    });
    assert.equal(status, 200, trace);
    assert.match(body, /<Server>outlook-sea\.contoso\.test<\/Server>/);
    assert.match(trace, /< WWW-Authenticate: Negotiate \S+/i);
    assert.ok(lines.some((line) => line.includes('"caller":"alice@CONTOSO.TEST"')));
  });

  test('verify asks for several addresses with one ticket, without a password, in both dialects, and compares', async () => {
    const exchanges = lines.length;
    const hosts = join(folder, 'hosts');
    writeFileSync(hosts, `${VERIFIED_ADDRESS} ${HOST}\n127.0.0.1 localhost\n`);
    const passwordFile = join(folder, 'bind-password');
    writeFileSync(passwordFile, lab.password, { mode: 0o600 });
    const config = join(folder, 'verify.yaml');
    const { certificateFile, keyFile } = await labCertificate(folder, [HOST, '127.0.0.1']);
    writeFileSync(
      config, // JSON is YAML, too
      JSON.stringify({
        directory: {
          servers: [lab.ldapsUrl],
          caFile: lab.caFile,
          bindDn: `${READER}@contoso.test`,
          passwordFile,
        },
        publicUrl: `https://${HOST}`,
        tls: { certificates: [{ certificateFile, keyFile }] },
      }),
    );
    const verified = await serve(['negotiate', 'basic'], lab.paths.ntlmAuth, undefined, `${VERIFIED_ADDRESS}:443`);
    const addresses = ['alice@contoso.test', 'bob@contoso.test', 'carol@contoso.test'];
    try {
      const where = [
        '--config',
        config,
        '--ca',
        join(folder, 'ca.pem'),
        '--timeout',
        '10',
        '--user',
        addresses[0] ?? '',
      ];
      const inLab = ['-m', 'sh', '-c', 'mount --bind "$1" /etc/hosts && shift && exec "$@"', 'sh', hosts];
      const { AUTODISCOVER_PASSWORD: _, ...env } = process.env;
      const verify = async (names: readonly string[], cache: string): Promise<readonly Check[]> => {
        const command = [process.execPath, PROGRAM, 'verify', ...names, ...where, '--json'];
        const { stdout } = await run('unshare', [...inLab, ...command], {
          env: { ...env, KRB5CCNAME: cache, KRB5_CONFIG: lab.krb5Conf },
          maxBuffer: 16 << 20,
        }).catch((error: { stdout: string }) => error); // the arrays have no names here, so that the exit code is 1
        return JSON.parse(stdout).checks;
      };
      const checks = await verify(addresses, await kinit());
      for (const address of addresses) {
        const own = checks.filter(({ subject }) => subject === address);
        const found = (name: string) => own.find(({ check }) => check === name) ?? assert.fail(`${address} ${name}`);
        for (const dialect of ['pox', 'soap']) {
          assert.match(
            found(`${dialect} answer`).detail,
            /^found by \S+ at https:\/\/autodiscover\.contoso\.test\/.* \(Negotiate\)$/,
          );
          const { outcome, expected, served } = found(`${dialect} InternalRpcClientServer`);
          assert.deepEqual([outcome, served], ['passed', expected]);
        }
        assert.equal(found('mobilesync URL').outcome, 'passed');
        assert.ok(own.length > 40, `${own.length} checks`);
        assert.deepEqual(
          own.filter(({ check, outcome }) => check !== 'directory' && outcome !== 'passed'),
          [],
        );
      }
      const callers = lines.slice(exchanges).flatMap((line) => /"caller":"([^"]+)"/.exec(line)?.[1] ?? []);
      assert.deepEqual([...new Set(callers)], ['alice@CONTOSO.TEST']);
      const without = await verify(addresses.slice(0, 1), join(folder, 'no-tickets'));
      const answer = without.find(({ check }) => check === 'pox answer');
      assert.equal(answer?.outcome, 'failed');
      assert.match(
        answer?.detail ?? '',
        /Negotiate: no Kerberos ticket for HTTP@autodiscover\.contoso\.test .*; run kinit; Basic: no password/,
      );
    } finally {
      await verified.stop();
    }
  });

  test('curl --ntlm gets the answer ([MS-NLMP] 2.2.1.1 NEGOTIATE_MESSAGE)', async () => {
    const { status, body, trace } = await curl(['--ntlm', '-u', `CONTOSO\\alice:${lab.password}`]);
    assert.equal(status, 200, trace);
    assert.match(body, /<Server>outlook-sea\.contoso\.test<\/Server>/);
  });

  test('a wrong NTLM password is refused, and no connection stays behind', async () => {
    assert.equal((await curl(['--ntlm', '-u', 'CONTOSO\\alice:wrong'])).status, 401);
    assert.equal((await curl(['--ntlm', '-u', `CONTOSO\\alice:${lab.password}`])).status, 200);
  });

  test('a ticket works once; cut, garbled and foreign tokens are refused ([RFC 4559] 4 Negotiate)', async () => {
    const cache = await kinit();
    const { trace } = await curl(['--negotiate', '-u', ':'], { KRB5CCNAME: cache, KRB5_CONFIG: lab.krb5Conf });
    const token = /> Authorization: Negotiate (\S+)/i.exec(trace)?.[1] ?? assert.fail(trace);
    const half = token.slice(0, 4 * Math.floor(token.length / 8));
    const ntlmAuthenticate = Buffer.concat([
      Buffer.from('NTLMSSP\0', 'latin1'),
      Buffer.from([3, 0, 0, 0]),
      Buffer.alloc(64),
    ]).toString('base64');
    const refused = {
      replayed: `Negotiate ${token}`,
      cut: `Negotiate ${half}`,
      garbage: `Negotiate ${Buffer.from('garbage').toString('base64')}`,
      empty: 'Negotiate',
      'no base64': 'Negotiate %%%',
      'third leg first': `NTLM ${ntlmAuthenticate}`,
      'ntlm garbage': `NTLM ${Buffer.from('garbage').toString('base64')}`,
      'ntlm bare': 'NTLM',
    };
    for (const [name, header] of Object.entries(refused)) assert.equal((await raw(header)).status, 401, name);
  });

  test("an NTLM connection is the caller's, another connection is not ([MS-NLMP] 2.2.1.1 NEGOTIATE_MESSAGE)", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const first = await raw(
      `NTLM ${Buffer.concat([Buffer.from('NTLMSSP\0', 'latin1'), Buffer.from('0100000007820800', 'hex'), Buffer.alloc(16)]).toString('base64')}`,
      agent,
    );
    assert.equal(first.status, 401);
    assert.ok(
      first.headers.some((header) => /^NTLM \S{20,}/.test(header)),
      'the second leg carries the challenge',
    );
    assert.equal((await raw(undefined, agent)).status, 401, 'half a handshake lets nobody in');
    agent.destroy();
  });

  test('every refusal of Basic looks the same, byte for byte ([RFC 7617] 2 Basic)', async () => {
    for (let i = 0; i < 7; i++) await raw(basic('locked-out@contoso.test', `wrong${i}`));
    const expected = visible(await raw(basic('alice@contoso.test', 'wrong')));
    assert.match(expected, /^401/);
    for (const name of ['nobody', 'nobody@contoso.test', 'EVIL\\alice', 'CONTOSO\\nobody']) {
      assert.equal(visible(await raw(basic(name, lab.password))), expected, name);
    }
    for (const name of ['must-change', 'expired', 'other-workstation', 'out-of-hours', 'disabled', 'locked-out']) {
      assert.equal(visible(await raw(basic(`CONTOSO\\${name}`, lab.password))), expected, name);
    }
    assert.equal(visible(await raw(basic('alice@contoso.test', ''))), expected, 'empty password');
    assert.equal((await raw(basic('CONTOSO\\alice', lab.password))).status, 200);
  });

  test('every refusal of NTLM looks the same, byte for byte ([MS-NLMP] 2.2.1.1 NEGOTIATE_MESSAGE)', async () => {
    /** The last answer of the handshake, as curl shows it. */
    const refusal = async (name: string, password: string) => {
      const { status, body, trace } = await curl(['--ntlm', '-u', `${name}:${password}`]);
      assert.equal(status, 401, name);
      const lines = (trace.split(/^< (?=HTTP\/)/m).at(-1) ?? '').split('\n').filter((line) => /^(HTTP|<)/.test(line));
      return [...lines.filter((line) => !/^< (date|request-id):/i.test(line)), body].join('\n');
    };
    const expected = await refusal('CONTOSO\\alice', 'wrong');
    assert.match(expected, /^HTTP\/1\.1 401/);
    assert.equal(await refusal('CONTOSO\\nobody', lab.password), expected, 'nobody');
    for (const name of ['must-change', 'expired', 'out-of-hours', 'disabled', 'locked-out']) {
      assert.equal(await refusal(`CONTOSO\\${name}`, lab.password), expected, name);
    }
  });

  test('guesses at a service with the limits of a production one lock nobody out of the domain', async () => {
    const guarded = await serve(['ntlm', 'basic'], lab.paths.ntlmAuth, {});
    const guardedPort = Number(new URL(guarded.httpsUrl).port);
    const own = (name: string) => Array.from({ length: 12 }, (_, n) => basic(name, `guess${n}`));
    const guesses = ['carol', 'CONTOSO\\carol', 'carol@contoso.test'].flatMap(own);
    const answers = await Promise.all(guesses.map((guess) => raw(guess, undefined, guardedPort)));
    const tried = answers.filter(({ status }) => status === 401).length;
    assert.ok(tried >= 1 && tried <= 3, `${tried} of ${answers.length} guesses were tried at a threshold of 5`);
    assert.equal(answers.filter(({ status }) => status === 503).length, answers.length - tried);
    await guarded.stop();
    assert.ok(
      lines.some((line) => line.includes('staying below the lock-out threshold') && line.includes('"threshold":5')),
    );
    assert.equal((await raw(basic('carol', lab.password))).status, 200, 'the account is not locked');
  });

  test('a fine-grained password policy that is stricter than the domain is kept to, once the service account may read it', async () => {
    const database = join(dirname(dirname(lab.smbConf)), 'private', 'sam.ldb');
    const tool = async (...args: string[]) =>
      (await run('samba-tool', [...args, '-H', database, `--configfile=${lab.smbConf}`])).stdout;
    const policy = ['domain', 'passwordsettings', 'pso'];
    const minutes = ['--account-lockout-duration=5', '--reset-account-lockout-after=5'];
    await tool(...policy, 'create', 'strict', '1', '--account-lockout-threshold=3', ...minutes);
    await tool(...policy, 'apply', 'strict', 'dave');

    try {
      const unread = lines.length;
      await (await serve(['basic'], lab.paths.ntlmAuth, {})).stop();
      const containers = `CN=Password Settings Container,CN=System,${lab.domain.baseDn}`;
      const warned = lines.slice(unread).find((line) => line.includes('fine-grained password policies cannot be read'));
      assert.deepEqual(JSON.parse(warned ?? '{}').containers, [containers]);

      const sid = /S-1-5-21-[-0-9]+/.exec(await tool('user', 'show', READER, '--attributes=objectSid'))?.[0];
      await tool('dsacl', 'set', `--objectdn=${containers}`, `--sddl=(A;CI;GR;;;${sid})`);
      const granted = lines.length;
      const guarded = await serve(['basic'], lab.paths.ntlmAuth, {});
      const guardedPort = Number(new URL(guarded.httpsUrl).port);
      const told = lines.slice(granted).find((line) => line.includes('staying below the lock-out threshold'));
      assert.equal(JSON.parse(told ?? '{}').threshold, 3);
      assert.ok(!lines.slice(granted).some((line) => line.includes('cannot be read')));
      const names = ['dave', 'CONTOSO\\dave', 'dave@contoso.test'];
      const guesses = names.flatMap((name) => Array.from({ length: 6 }, (_, n) => basic(name, `guess${n}`)));
      await Promise.all(guesses.map((guess) => raw(guess, undefined, guardedPort)));
      await guarded.stop();
      assert.equal((await raw(basic('dave', lab.password))).status, 200, 'the account is not locked');
      // The policy is a real one: three guesses at a service that does not count lock the account.
      for (let n = 0; n < 3; n++) await raw(basic('dave', `other${n}`));
      assert.equal((await raw(basic('dave', lab.password))).status, 401, 'now it is');
    } finally {
      await tool(...policy, 'delete', 'strict');
    }
  });

  test('NTLM guesses are counted by the name in the message and lock nobody out', async () => {
    const guarded = await serve(['ntlm', 'basic'], lab.paths.ntlmAuth, {});
    const before = port;
    port = Number(new URL(guarded.httpsUrl).port);
    const statuses: number[] = [];
    for (let n = 0; n < 8; n++) statuses.push((await curl(['--ntlm', '-u', `CONTOSO\\bob:guess${n}`])).status);
    statuses.push((await raw(basic('bob@contoso.test', lab.password), undefined, port)).status);
    port = before;
    await guarded.stop();
    assert.deepEqual(statuses, [401, 401, 401, 503, 503, 503, 503, 503, 503]);
    assert.equal((await raw(basic('bob', lab.password))).status, 200, 'the account is not locked');
  });

  test('every refused token looks the same, whatever was wrong with it ([RFC 4559] 4 Negotiate)', async () => {
    const token = (text: string) => Buffer.from(text, 'latin1').toString('base64');
    const expected = visible(await raw(`Negotiate ${token('garbage')}`));
    assert.match(expected, /^401/);
    for (const other of [token('\x60\x05other'), token(''), '%%%', token('NTLMSSP\0rest')]) {
      assert.equal(visible(await raw(`Negotiate ${other}`)), expected, other);
    }
  });

  test('schemes that cannot complete are not offered, and a helper that dies is turned off', async () => {
    const dead = await serve(['ntlm', 'basic'], '/bin/false');
    const deadPort = Number(new URL(dead.httpsUrl).port);
    const challenges = (await raw(undefined, undefined, deadPort)).headers.filter((header) =>
      /^(Basic|NTLM|Negotiate)/.test(header),
    );
    await dead.stop();
    assert.deepEqual(challenges, ['Basic realm="Autodiscover"']);
    assert.ok(lines.some((line) => line.includes('not offered') && line.includes('NTLM')));

    // Answers the first question of each process and dies at the second.
    const fragile = join(folder, 'fragile-helper');
    writeFileSync(fragile, '#!/bin/sh\nread line\necho "TT TlRMTVNTUAACAAAA"\nread line\nexit 1\n', { mode: 0o755 });
    const failing = await serve(['ntlm', 'basic'], fragile);
    const failingPort = Number(new URL(failing.httpsUrl).port);
    try {
      const one = `NTLM ${Buffer.concat([Buffer.from('NTLMSSP\0', 'latin1'), Buffer.from('0100000007820800', 'hex'), Buffer.alloc(16)]).toString('base64')}`;
      // With a name and nothing else: without one it would not be given to the helper.
      const last = Buffer.alloc(69);
      last.write('NTLMSSP\0', 'latin1');
      last.writeUInt32LE(3, 8);
      last.writeUInt16LE(5, 36);
      last.writeUInt32LE(64, 40);
      last.write('alice', 64, 'latin1');
      const three = `NTLM ${last.toString('base64')}`;
      for (let round = 0; round < 3; round++) {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        assert.equal((await raw(one, agent, failingPort)).status, 401);
        assert.equal((await raw(three, agent, failingPort)).status, 503);
        agent.destroy();
      }
      const offered = (await raw(undefined, undefined, failingPort)).headers.filter((header) =>
        /^(Basic|NTLM)/.test(header),
      );
      assert.deepEqual(offered, ['Basic realm="Autodiscover"']);
      assert.ok(lines.some((line) => line.includes('scheme is turned off')));
    } finally {
      await failing.stop();
    }
  });
});
