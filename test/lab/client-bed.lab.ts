// The bed isolates, resolves and trusts as described, and each client driver reports what its client did: against a constant
// responder, so that a failure here is the bed's or the driver's, not the service's.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { issueCertificate, makeCertificateAuthority } from './certificates.ts';
import { type Bed, type BedService, type Outcome, openBed, runInBed } from './client-bed.ts';
import { labOrSkip, labSuite } from './requirements.ts';
import { startSambaLab } from './samba/samba-lab.ts';

const CLIENTS = join(import.meta.dirname, 'clients');
const NAMES = ['autodiscover.contoso.test', 'mail.contoso.test'];
const PASSWORD = 'Demo-Passw0rd!';

labSuite('client bed', ['bed'], () => {
  let folder: string;
  let caFile: string;
  let server: readonly string[];
  let bed: Bed;
  let service: BedService;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'canned-'));
    const authority = makeCertificateAuthority(folder);
    caFile = authority.certificate;
    const { certificate, key } = issueCertificate(authority, folder, 'server', NAMES);
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, PASSWORD, { mode: 0o600 });
    const script = join(CLIENTS, 'canned-service.ts');
    server = [process.execPath, script, certificate, key, 'alice@contoso.test', 'alice', passwordFile];
    bed = await openBed({
      hosts: Object.fromEntries(NAMES.map((name) => [name, '127.0.0.1'])),
      dnsRecords: [{ type: 'SRV', name: '_autodiscover._tcp.other.test', target: 'mail.contoso.test', port: 443 }],
      caFile,
    });
    service = await bed.start(server, [443]);
  });
  after(async () => {
    await bed?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const client = (command: readonly string[], password = PASSWORD): Promise<Outcome> =>
    bed.run(command, { env: { CLIENT_PASSWORD: password }, timeout: 90_000 });
  const report = (outcome: Outcome) =>
    (outcome.report ?? assert.fail(JSON.stringify(outcome))) as Record<string, unknown>;

  test('curl reaches a server by name, on port 443, with verification on', async () => {
    const { outcomes, serverLog } = await runInBed({
      hosts: { 'autodiscover.contoso.test': '127.0.0.1' },
      caFile,
      server: { command: server, ports: [443] },
      commands: [
        { command: ['curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', 'https://autodiscover.contoso.test/x'] },
      ],
    });
    assert.deepEqual(
      outcomes.map(({ code, stdout }) => [code, stdout]),
      [[0, '401']],
    );
    assert.match(serverLog, /^GET https:\/\/autodiscover\.contoso\.test\/x curl/);
  });

  test('names come from the hosts and the records given; no other name exists', async () => {
    const ask = `const d = require('node:dns').promises; const all = [
      d.resolve4('mail.contoso.test'), d.resolveSrv('_autodiscover._tcp.other.test'), d.resolve4('unknown.contoso.test'),
      d.resolve4('example.com'), d.lookup('autodiscover.contoso.test')];
      Promise.allSettled(all).then((r) => console.log(JSON.stringify(r.map((x) => x.value ?? x.reason.code))));`;
    const outcome = await bed.run([process.execPath, '-e', ask]);
    assert.deepEqual(outcome.report, [
      ['127.0.0.1'],
      [{ name: 'mail.contoso.test', port: 443, priority: 0, weight: 0, type: 'SRV' }],
      'ENOTFOUND',
      'ENOTFOUND',
      { address: '127.0.0.1', family: 4 },
    ]);
  });

  test('a command that hangs is killed and said so', async () => {
    const outcome = await bed.run(['sleep', '60'], { timeout: 300 });
    assert.equal(outcome.signal, 'SIGKILL');
  });

  test('a server that fails to start is reported with its own words', async () => {
    await assert.rejects(bed.start(['sh', '-c', 'echo no such certificate >&2; exit 3'], [444]), /no such certificate/);
  });

  test('close ends what was started inside', async () => {
    const other = await openBed({ hosts: {}, caFile });
    const started = await other.start(server, [443]);
    await other.close();
    assert.ok(
      started.process.exitCode !== null ||
        started.process.signalCode !== null ||
        !existsSync(`/proc/${started.process.pid}`),
    );
    assert.equal(existsSync(other.home), false);
  });

  test('curl: Basic, and a wrong password', async () => {
    const url = 'https://autodiscover.contoso.test/autodiscover/autodiscover.xml';
    const body = join(folder, 'request.xml');
    writeFileSync(
      body,
      '<Autodiscover><Request><EMailAddress>alice@contoso.test</EMailAddress></Request></Autodiscover>',
    );
    const curl = [process.execPath, join(CLIENTS, 'curl.ts'), 'basic', url, 'alice', body];
    const right = report(await client(curl));
    assert.deepEqual([right.ok, right.status], [true, 200]);
    assert.match(String(right.body), /<Server>mail\.contoso\.test/);
    const wrong = report(await client(curl, 'wrong'));
    assert.deepEqual([wrong.ok, wrong.status], [false, 401]);
  });

  for (const mode of ['pox', 'soap']) {
    test(`exchangelib, ${mode}: a mailbox and an unknown address`, async (t) => {
      if (!labOrSkip(t, 'exchangelib')) return;
      const run = (address: string) =>
        client(['/usr/bin/python3', join(CLIENTS, 'exchangelib-discover.py'), mode, address, 'alice']);
      const found = report(await run('alice@contoso.test'));
      assert.equal(found.ok, true, JSON.stringify(found));
      assert.equal(found.ewsUrl, 'https://mail.contoso.test/EWS/Exchange.asmx');
      const unknown = report(await run('nobody@contoso.test'));
      assert.deepEqual([unknown.ok, unknown.error], [false, 'ErrorNonExistentMailbox'], JSON.stringify(unknown));
    });
  }

  test('ews-javascript-api: a mailbox and an unknown address', async () => {
    const run = (address: string) =>
      client([process.execPath, join(CLIENTS, 'ews-javascript-api.ts'), address, 'alice']);
    const found = report(await run('alice@contoso.test'));
    assert.equal(found.ok, true, JSON.stringify(found));
    assert.equal((found.settings as Record<string, unknown>).InternalRpcClientServer, 'mail.contoso.test');
    assert.deepEqual(report(await run('nobody@contoso.test')).error, 'InvalidUser');
  });

  test('Thunderbird finds an Exchange account by its own discovery', async (t) => {
    if (!labOrSkip(t, 'thunderbird')) return;
    const script = join(CLIENTS, 'thunderbird.ts');
    const found = report(await client([process.execPath, script, 'alice@contoso.test', 'alice', caFile]));
    assert.deepEqual(
      [found.ok, found.type, found.ewsUrl],
      [true, 'exchange', 'https://mail.contoso.test/EWS/Exchange.asmx'],
      JSON.stringify(found),
    );
    assert.match(service.log(), /POST https:\/\/autodiscover\.contoso\.test\/autodiscover\/autodiscover\.xml/i);
  });

  test('a Samba domain runs inside', async (t) => {
    if (!labOrSkip(t, 'samba')) return;
    const lab = await startSambaLab({ prefix: bed.prefix });
    try {
      const search = ['-x', '-LLL', '-H', lab.ldapsUrl, '-b', '', '-s', 'base', 'dnsHostName'];
      const outcome = await bed.run(['ldapsearch', ...search], { env: { LDAPTLS_CACERT: lab.caFile } });
      assert.match(outcome.stdout, /dnsHostName: dc1\.contoso\.test/i, JSON.stringify(outcome));
    } finally {
      await lab.stop();
    }
  });
});
