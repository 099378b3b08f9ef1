// The whole service on sockets: certificates exchanged while it runs, warned about before they end, and a stop that lets answers finish.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, promises, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { type RunningService, serverId, settingsOf, startService } from '../../../src/autodiscover/commands/service.ts';
import { configSchema } from '../../../src/autodiscover/config-schema.ts';
import { createLogger } from '../../../src/autodiscover/log.ts';
import { splitHostPort } from '../../../src/autodiscover/server/listen.ts';
import type { EmbeddedDirectory } from '../../../src/ldap/embedded/server.ts';
import { eventually, PASSWORD, READER, startController } from '../../ldap/demo-organization.ts';
import { basic, elementText, type LogLine, POX_PATH, poxBody } from '../bed.ts';

const fixture = (name: string) => join(import.meta.dirname, '..', 'tls', 'fixtures', name);

/** One POST; resolves with status, body and the port the connection came from. */
function post(url: string, agent: Agent | false = false): Promise<{ status: number; body: string; from: number }> {
  return new Promise((resolve, reject) => {
    const sending = request(
      url + POX_PATH,
      { method: 'POST', agent, rejectUnauthorized: false, headers: { authorization: basic('alice@contoso.test') } },
      (response) => {
        let body = '';
        const from = response.socket.localPort ?? 0;
        response.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body, from }));
      },
    );
    sending.on('error', reject);
    sending.end(poxBody({ address: 'alice@contoso.test' }));
  });
}

/** Name of the certificate a new connection is shown. */
function shown(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** Stands before every `readFile` of one file. */
function interceptReads(
  t: TestContext,
  file: string,
  instead: (read: () => Promise<unknown>) => Promise<unknown>,
): void {
  const { readFile } = promises;
  const intercepted = (...args: Parameters<typeof readFile>) =>
    args[0] === file ? instead(() => readFile(...args)) : readFile(...args);
  t.mock.method(promises, 'readFile', intercepted as typeof readFile);
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
}

describe('the running service', () => {
  let folder: string;
  let controller: EmbeddedDirectory;
  const place = (name: string) => join(folder, name);
  const install = (name: string) => {
    copyFileSync(fixture(`${name}.pem`), place('tls.pem'));
    copyFileSync(fixture(`${name}.key`), place('tls.key'));
  };
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'autodiscover-'));
    controller = await startController();
    assert.ok(readdirSync(fixture('.')).length > 0);
  });
  after(async () => {
    await controller.close();
    rmSync(folder, { recursive: true });
  });

  /** `changes` go beside the least configuration, in `tls` too. */
  async function serve(
    t: TestContext,
    { tls, ...changes }: { readonly tls?: object; readonly answers?: object; readonly publicUrl?: string } = {},
  ): Promise<RunningService & { log: LogLine[] }> {
    const parsed = configSchema.parse({
      directory: { servers: [controller.url], bindDn: READER, passwordFile: 'unused', allowPlainText: true },
      listen: { https: '127.0.0.1:0', http: '127.0.0.1:0' },
      publicUrl: 'https://autodiscover.contoso.test',
      tls: {
        certificates: [{ certificateFile: place('tls.pem'), keyFile: place('tls.key') }],
        reloadSeconds: 1,
      },
      ...changes,
    });
    // Beyond what a file may say: the test's certificates are good for long.
    const config = { ...parsed, tls: { ...parsed.tls, ...tls } };
    const log: LogLine[] = [];
    const logger = createLogger('debug', { write: (line) => void log.push(JSON.parse(line) as LogLine) });
    const service = await startService({ config, ca: undefined, readPassword: async () => PASSWORD }, logger);
    t.after(() => service.stop());
    return { ...service, log };
  }

  test('a changed certificate is taken without a restart, and open connections live on', async (t) => {
    install('rsa');
    const service = await serve(t);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const first = await post(service.httpsUrl, agent);
    assert.equal(await shown(service.httpsUrl), 'rsa');
    install('ec');
    await eventually('the new certificate is shown', async () => (await shown(service.httpsUrl)) === 'ec');
    const second = await post(service.httpsUrl, agent);
    assert.equal(second.from, first.from, 'the same connection');
    assert.equal(elementText(second.body, 'Server'), 'outlook-sea.contoso.test');
    assert.ok(service.log.some(({ msg }) => msg === 'certificates reloaded'));
  });

  test('a changed certificate that cannot be used leaves the old one in place, and says so once', async (t) => {
    install('rsa');
    const service = await serve(t);
    writeFileSync(place('tls.key'), 'half a ke');
    const complaints = () => service.log.filter(({ level }) => level === 'error');
    await eventually('the fault is logged', () => complaints().length > 0);
    assert.match(String(complaints()[0]?.reason), /reading the certificate .*tls\.pem/);
    assert.equal(await shown(service.httpsUrl), 'rsa');
    install('other');
    await eventually('the mended one is shown', async () => (await shown(service.httpsUrl)) === 'other');
    assert.equal(complaints().length, 1);
  });

  test('a certificate that cannot be read for a passing reason is taken when it is over', async (t) => {
    install('rsa');
    const service = await serve(t);
    let refused = 0;
    interceptReads(t, place('tls.key'), async (read) => {
      if (++refused > 2) return read();
      throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
    });
    install('ec');
    await eventually('the new certificate is shown', async () => (await shown(service.httpsUrl)) === 'ec');
    assert.equal(service.log.filter(({ level }) => level === 'error').length, 1);
  });

  test('a slow look at the files does not undo what came after it: newer files, another ticket key', async (t) => {
    install('rsa');
    const { tls, httpsUrl } = await serve(t);
    const gate = Promise.withResolvers<void>();
    let reads = 0;
    interceptReads(t, place('tls.key'), async (read) => {
      const content = await read();
      if (++reads === 1) await gate.promise;
      return content;
    });
    install('ec');
    const first = tls.look();
    await eventually('it reads', () => reads === 1);
    const ticketKey = randomBytes(48);
    tls.useTicketKey(ticketKey);
    install('other');
    const second = tls.look();
    await Promise.race([second, new Promise((resolve) => setTimeout(resolve, 200))]);
    gate.resolve();
    await Promise.all([first, second]);
    assert.equal(await shown(httpsUrl), 'other');
    assert.deepEqual(tls.options.ticketKey, ticketKey);
  });

  test('a ticket key that cannot be used keeps no certificate from being renewed', async (t) => {
    install('rsa');
    const ticketKeyFile = place('ticket.key');
    writeFileSync(ticketKeyFile, randomBytes(48), { mode: 0o600 });
    const service = await serve(t, { tls: { ticketKeyFile } });
    const before = service.tls.options.ticketKey;
    writeFileSync(ticketKeyFile, 'short');
    install('ec');
    await eventually('the new certificate is shown', async () => (await shown(service.httpsUrl)) === 'ec');
    assert.deepEqual(service.tls.options.ticketKey, before);
    await service.tls.look();
    const [complaint, ...more] = service.log.filter(({ level }) => level === 'error');
    assert.match(String(complaint?.reason), /^reading the ticket key .*: it holds 5 bytes/);
    assert.deepEqual(more, []);
    writeFileSync(ticketKeyFile, randomBytes(48));
    writeFileSync(place('tls.key'), 'half a ke');
    await eventually('the new key is used', () => !before.equals(service.tls.options.ticketKey));
    assert.equal(await shown(service.httpsUrl), 'ec');
  });

  test('a file that was only touched changes nothing', async (t) => {
    install('rsa');
    const service = await serve(t);
    utimesSync(place('tls.pem'), new Date(), new Date(Date.now() + 5_000));
    await eventually('it is read again', () => service.log.some(({ msg }) => msg === 'certificates reloaded'));
    assert.equal(await shown(service.httpsUrl), 'rsa');
  });

  test('a setting that has no effect is told', async (t) => {
    install('rsa');
    const { log } = await serve(t, { answers: { externalSite: 'Seatle' } });
    const [line] = log.filter(({ msg }) => msg === 'a setting has no effect');
    assert.equal(line?.level, 'warn');
    assert.match(String(line?.setting), /^answers\.externalSite: no site is called Seatle/);
    const { log: quiet } = await serve(t, { answers: { externalSite: 'seattle' } });
    assert.ok(!quiet.some(({ msg }) => msg === 'a setting has no effect'));
  });

  test('a certificate that every client will refuse for its name is told', async (t) => {
    install('rsa');
    const told = ({ log }: { log: LogLine[] }) =>
      log.filter(({ msg }) => msg === 'the certificate lacks the name of publicUrl').map(({ host }) => host);
    assert.deepEqual(told(await serve(t)), []);
    const service = await serve(t, { publicUrl: 'https://autodiscover.fabrikam.test' });
    assert.deepEqual(told(service), ['autodiscover.fabrikam.test']);
  });

  test('a certificate that ends within the configured days is warned about', async (t) => {
    install('rsa');
    const quiet = await serve(t);
    assert.equal(quiet.log.filter(({ msg }) => String(msg).includes('expires')).length, 0);
    const anxious = await serve(t, { tls: { warnDays: 40_000 } });
    const [warning, ...others] = anxious.log.filter(({ msg }) => msg === 'the certificate expires soon');
    assert.equal(warning?.level, 'warn');
    assert.match(String(warning?.notAfter), /^2\d{3}-/);
    assert.equal(others.length, 0);
  });

  test('stop lets a running answer finish and takes no new connections', async (t) => {
    install('rsa');
    const service = await serve(t);
    await controller.setFaults({ delayMs: 150 });
    t.after(() => controller.setFaults({}));
    const { searches } = controller.stats;
    const running = post(service.httpsUrl);
    await eventually('it is being worked on', () => controller.stats.searches > searches);
    const stopped = service.stop();
    await assert.rejects(post(service.httpsUrl), /ECONNREFUSED|ECONNRESET/);
    const { status, body } = await running;
    assert.equal(status, 200);
    assert.equal(elementText(body, 'Server'), 'outlook-sea.contoso.test');
    await stopped;
    await eventually('its directory connections are closed', () => controller.stats.openConnections === 0);
  });

  test('what was started is stopped again when a later step fails', async () => {
    install('rsa');
    const config = configSchema.parse({
      directory: { servers: [controller.url], bindDn: READER, passwordFile: 'unused', allowPlainText: true },
      listen: { https: '127.0.0.1:0', http: '203.0.113.1:80' },
      publicUrl: 'https://autodiscover.contoso.test',
      tls: { certificates: [{ certificateFile: place('tls.pem'), keyFile: place('tls.key') }] },
    });
    const logger = createLogger('silent', { write: () => undefined });
    const starting = startService({ config, ca: undefined, readPassword: async () => PASSWORD }, logger);
    await assert.rejects(starting, { code: 'listen', message: /203\.0\.113\.1:80: this machine has no such address/ });
    await eventually('the directory is closed', () => controller.stats.openConnections === 0);
  });
});

const PASSWORD_FILES: readonly (readonly [why: string, content: Buffer])[] = [
  ['as printf writes it', Buffer.from('päss wörd')],
  ['a line', Buffer.from('päss wörd\n')],
  ['a line of Windows', Buffer.from('päss wörd\r\n')],
  ['with a byte order mark, as old editors of Windows save it', Buffer.from('\ufeffpäss wörd')],
  ['in UTF-16, as Windows PowerShell redirects', Buffer.from('\ufeffpäss wörd\r\n', 'utf16le')],
];
for (const [why, content] of PASSWORD_FILES)
  test(`the password in its file: ${why}`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'password-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, content);
    const certificates = [{ certificateFile: fixture('rsa.pem'), keyFile: fixture('rsa.key') }];
    const config = configSchema.parse({
      directory: { servers: ['ldaps://dc1'], bindDn: READER, passwordFile },
      publicUrl: 'https://autodiscover.contoso.test',
      tls: { certificates },
    });
    assert.equal(await settingsOf(config).readPassword(), 'päss wörd');
  });

test('the Id of error answers is a 32-bit number that depends on the name alone', () => {
  assert.equal(serverId('CAS1'), serverId('cas1'));
  assert.notEqual(serverId('cas1'), serverId('cas2'));
  for (const name of ['', 'a', 'autodiscover.contoso.test', 'ü']) {
    const id = serverId(name);
    assert.ok(Number.isInteger(id) && id >= 0 && id <= 0xffff_ffff, name);
  }
});

test('HOST:PORT', () => {
  assert.deepEqual(splitHostPort('127.0.0.1:8443'), { host: '127.0.0.1', port: 8443 });
  assert.deepEqual(splitHostPort('[::]:443'), { host: '::', port: 443 });
  assert.deepEqual(splitHostPort('localhost:0'), { host: 'localhost', port: 0 });
});
