// contrib/systemd/exchange-autodiscover.service: what systemd-analyze says of it, and its command line, word for word, under the same
// restrictions: its account, capabilities, system calls, address families and read-only file system. There is no systemd to start it.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:https';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedDirectory } from '../../src/ldap/embedded/server.ts';
import { basic, POX_PATH, poxBody } from '../autodiscover/bed.ts';
import { PASSWORD, READER, startController } from '../ldap/demo-organization.ts';
import { issueCertificate, makeCertificateAuthority } from './certificates.ts';
import { labSuite } from './requirements.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const UNIT = join(ROOT, 'contrib', 'systemd', 'exchange-autodiscover.service');
const HERE = join(import.meta.dirname, 'systemd');
const ADDRESS = '127.0.72.10';
/** One of those that DynamicUser takes. */
const ACCOUNT = '64123';

/** Values of a key of the unit, in order. */
const unit = (key: string) =>
  readFileSync(UNIT, 'utf8')
    .split('\n')
    .flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));

const at = (name: string) => `/run/credentials/exchange-autodiscover.service/${name}`;

labSuite('the systemd unit', ['systemd'], () => {
  let bed: string;
  let controller: EmbeddedDirectory;
  let ca: Buffer;
  const made: string[] = [];
  let service: ChildProcess | undefined;
  const log: Record<string, unknown>[] = [];

  before(async () => {
    // Not below /tmp: the unit has one of its own.
    bed = mkdtempSync('/run/autodiscover-unit-');
    execFileSync('chmod', ['755', bed]);
    for (const folder of ['opt', 'etc', 'credentials']) mkdirSync(join(bed, folder));
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', join(bed, 'opt', 'dist')], {
      cwd: ROOT,
    });
    for (const path of ['package.json', 'demo']) cpSync(join(ROOT, path), join(bed, 'opt', path), { recursive: true });
    mkdirSync(join(bed, 'opt', 'node_modules'));
    // In its own mount namespace the unit's files lie over these.
    for (const path of ['/etc/exchange-autodiscover', '/run/credentials', dirname(at('x'))]) {
      if (existsSync(path)) continue;
      mkdirSync(path);
      made.push(path);
    }
    controller = await startController();
    const authority = makeCertificateAuthority(bed);
    ca = readFileSync(authority.certificate);
    const web = issueCertificate(authority, bed, 'web', [ADDRESS]);
    copyFileSync(web.certificate, join(bed, 'etc', 'tls.pem'));
    // What LoadCredential copies.
    const secrets: Readonly<Record<string, Buffer | string>> = {
      'bind-password': `${PASSWORD}\n`,
      'tls.key': readFileSync(web.key),
      'ticket.key': randomBytes(48),
    };
    const credentials = unit('LoadCredential').map((value) => value.split(':')[0] ?? '');
    for (const name of credentials) writeFileSync(join(bed, 'credentials', name), secrets[name] ?? '');
    const config = {
      directory: { servers: [controller.url], bindDn: READER, passwordFile: at('bind-password'), allowPlainText: true },
      listen: { https: `${ADDRESS}:443`, workers: 2, drainSeconds: 1 },
      publicUrl: 'https://autodiscover.contoso.test',
      tls: {
        certificates: [{ certificateFile: '/etc/exchange-autodiscover/tls.pem', keyFile: at('tls.key') }],
        ticketKeyFile: at('ticket.key'),
      },
    };
    writeFileSync(join(bed, 'etc', 'autodiscover.yaml'), JSON.stringify(config));
  });
  after(async () => {
    for (const path of made.reverse()) rmdirSync(path);
    if (service && service.exitCode === null) {
      const gone = new Promise((resolve) => service?.once('exit', resolve));
      service.kill('SIGKILL');
      await gone;
    }
    await controller?.close();
    rmSync(bed, { recursive: true });
  });

  /** A command line in the unit's surroundings. */
  const restricted = (command: readonly string[]) => {
    const [capability = ''] = unit('CapabilityBoundingSet').map((name) => name.toLowerCase().replace(/^cap_/, ''));
    const wrapped = ['/usr/bin/python3', '/unit/run-restricted.py', '/unit/exchange-autodiscover.service', ...command];
    const shown = wrapped.map((word) => word.replace(/^\/unit\//, '/etc/exchange-autodiscover/'));
    return ['-m', 'sh', join(HERE, 'restrict.sh'), bed, join(ROOT, 'node_modules'), ACCOUNT, capability, ...shown];
  };
  /** The checkout may lie where the unit sees nothing. */
  const placeHelpers = () => {
    copyFileSync(join(HERE, 'run-restricted.py'), join(bed, 'etc', 'run-restricted.py'));
    copyFileSync(UNIT, join(bed, 'etc', 'exchange-autodiscover.service'));
  };
  /** The Node.js of this checkout stands in for the one of the machine. */
  const NODE = '/opt/exchange-autodiscover/node_modules/node/bin/node';

  test('systemd-analyze finds no fault, and little exposure', () => {
    const copy = join(bed, 'exchange-autodiscover.service');
    writeFileSync(copy, readFileSync(UNIT, 'utf8').replace('/usr/bin/node', process.execPath));
    const verify = execFileSync('sh', ['-c', 'systemd-analyze verify --man=no "$1" 2>&1', 'sh', copy], {
      encoding: 'utf8',
    });
    assert.equal(verify, '');
    execFileSync('systemd-analyze', ['--no-pager', 'security', '--offline=true', '--threshold=20', copy], {
      stdio: 'pipe',
    });
  });

  test('the documented files for a log file: the directory is made, and systemd takes the drop-in', () => {
    const page = readFileSync(join(ROOT, 'docs', 'operations.md'), 'utf8');
    const documented = (language: string) =>
      new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? assert.fail(language);
    const root = join(bed, 'root');
    mkdirSync(join(root, 'etc', 'tmpfiles.d'), { recursive: true });
    for (const file of ['passwd', 'group']) copyFileSync(`/etc/${file}`, join(root, 'etc', file));
    writeFileSync(join(root, 'etc', 'tmpfiles.d', 'exchange-autodiscover.conf'), documented('tmpfiles'));
    execFileSync('systemd-tmpfiles', ['--create', `--root=${root}`, 'exchange-autodiscover.conf'], { stdio: 'pipe' });
    const dropIn = documented('systemd');
    const log = /^StandardError=append:(.*)$/m.exec(dropIn)?.[1] ?? assert.fail(dropIn);
    assert.ok(existsSync(dirname(join(root, log))), `${dirname(log)} is there before the service starts`);
    assert.ok(documented('logrotate').startsWith(`${log} {\n`));
    const units = join(bed, 'units');
    mkdirSync(join(units, 'exchange-autodiscover.service.d'), { recursive: true });
    writeFileSync(join(units, 'exchange-autodiscover.service.d', 'log-file.conf'), dropIn);
    const service = join(units, 'exchange-autodiscover.service');
    writeFileSync(service, readFileSync(UNIT, 'utf8').replace('/usr/bin/node', process.execPath));
    const verify = ['-c', 'systemd-analyze verify --man=no "$1" 2>&1', 'sh', service];
    assert.equal(execFileSync('sh', verify, { encoding: 'utf8' }), '');
    // Only a directory that systemd makes itself comes too late for the file.
    assert.deepEqual(unit('LogsDirectory'), []);
  });

  test('the surroundings are what they should be: nothing is written, no system call too many', () => {
    placeHelpers();
    const probe = `
      const fs = require('node:fs'), cp = require('node:child_process'), net = require('node:net');
      const failed = (action) => { try { action(); return 'done'; } catch (error) { return error.code ?? error.message; } };
      const status = fs.readFileSync('/proc/self/status', 'utf8');
      const line = (name) => new RegExp('^' + name + ':\\\\s*(.*)$', 'm').exec(status)[1];
      console.log(JSON.stringify({
        etc: failed(() => fs.writeFileSync('/etc/exchange-autodiscover/x', '')),
        own: failed(() => fs.writeFileSync('/opt/exchange-autodiscover/x', '')),
        lib: failed(() => fs.writeFileSync('/var/lib/x', '')),
        tmp: failed(() => fs.writeFileSync('/tmp/x', '')),
        priority: failed(() => require('node:os').setPriority(5)),
        namespace: cp.spawnSync('/usr/bin/unshare', ['-U', 'true']).status,
        uid: process.getuid(), capabilities: line('CapBnd'), effective: line('CapEff'), noNewPrivileges: line('NoNewPrivs'), seccomp: line('Seccomp'),
      }));`;
    const printed = execFileSync('unshare', restricted([NODE, '-e', probe]), { encoding: 'utf8', timeout: 60_000 });
    const { etc, own, lib, namespace, ...rest } = JSON.parse(printed);
    for (const [place, outcome] of Object.entries({ etc, own, lib })) assert.match(outcome, /^(EROFS|EACCES)$/, place);
    assert.notEqual(namespace, 0);
    const bindOnly = (1 << 10).toString(16).padStart(16, '0');
    assert.deepEqual(rest, {
      tmp: 'done',
      priority: 'ERR_SYSTEM_ERROR',
      uid: Number(ACCOUNT),
      capabilities: bindOnly,
      effective: bindOnly,
      noNewPrivileges: '1',
      seccomp: '2',
    });
  });

  test('ExecStart serves on port 443 with two workers, ExecReload exchanges them, SIGTERM ends it', async () => {
    placeHelpers();
    const [start = ''] = unit('ExecStart');
    const command = start.split(' ').map((word) => (word === '/usr/bin/node' ? NODE : word));
    const child = spawn('unshare', restricted(command), { stdio: ['ignore', 'ignore', 'pipe'] });
    service = child;
    createInterface({ input: child.stderr }).on('line', (line) =>
      log.push(line.startsWith('{') ? JSON.parse(line) : { text: line }),
    );
    const said = async (msg: string) => {
      for (let tries = 0; tries < 600; tries++) {
        if (log.some((line) => line.msg === msg)) return;
        assert.equal(child.exitCode, null, JSON.stringify(log));
        await sleep(100);
      }
      assert.fail(`never: ${msg}: ${JSON.stringify(log)}`);
    };
    await said('ready');
    assert.equal(await post(), 200);
    const [reload = ''] = unit('ExecReload');
    execFileSync('sh', ['-c', reload], { env: { MAINPID: String(child.pid) } });
    await said('exchange of workers ended');
    assert.equal(log.filter(({ msg }) => msg === 'worker replaced').length, 2, JSON.stringify(log));
    assert.equal(await post(), 200);
    const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
    assert.deepEqual(
      log.filter(({ level }) => level === 'error'),
      [],
    );
  });

  function post(): Promise<number> {
    return new Promise((resolve, reject) => {
      const headers = { 'Content-Type': 'text/xml', authorization: basic('alice@contoso.test', PASSWORD) };
      request({ host: ADDRESS, port: 443, ca, agent: false, method: 'POST', path: POX_PATH, headers }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      })
        .on('error', reject)
        .end(poxBody({ address: 'alice@contoso.test' }));
    });
  }
});
