// The lab certificate: names, key files, when it is kept and when made anew.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, createServer } from 'node:tls';
import { labCertificate } from '../../../src/autodiscover/tls/lab-certificate.ts';

const NAMES = ['autodiscover.contoso.test', 'localhost', '127.0.0.1', '::1'];

describe('the lab certificate', () => {
  let parent: string;
  let folder: string;
  const read = (name: string) => readFileSync(join(folder, name));
  before(async () => {
    parent = mkdtempSync(join(tmpdir(), 'autodiscover-'));
    folder = join(parent, 'deep', 'certs');
    await labCertificate(folder, NAMES);
  });
  after(() => rmSync(parent, { recursive: true }));

  test('covers its names, is signed by its authority and for servers only', () => {
    const ca = new X509Certificate(read('ca.pem'));
    const certificate = new X509Certificate(read('server.pem'));
    assert.ok(certificate.verify(ca.publicKey) && certificate.checkIssued(ca));
    assert.equal(ca.ca, true);
    assert.equal(certificate.ca, false);
    for (const name of NAMES) assert.ok(certificate.checkHost(name) ?? certificate.checkIP(name), name);
    assert.equal(certificate.checkHost('other.contoso.test'), undefined);
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1']);
    const days = (certificate.validToDate.getTime() - certificate.validFromDate.getTime()) / 86_400_000;
    assert.ok(days <= 825, 'some clients take no longer validity');
    assert.match(certificate.serialNumber, /^01[0-9A-F]{30}$/);
  });

  test('keys are readable by their owner alone, and no temporary file is left', () => {
    for (const name of ['ca.key', 'server.key']) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
    assert.deepEqual(readdirSync(folder).sort(), ['ca.key', 'ca.pem', 'server.key', 'server.pem']);
  });

  test('a client that trusts the authority and nothing else connects by name', async () => {
    const server = createServer({ cert: read('server.pem'), key: read('server.key') }, (socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const authorized = await new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', servername: NAMES[0], ca: read('ca.pem') }, () => {
        resolve(socket.authorized);
        socket.destroy();
      });
      socket.on('error', reject);
    });
    assert.equal(authorized, true);
    await new Promise((resolve) => server.close(resolve));
  });

  test('is kept as long as it serves', async () => {
    const before = read('server.pem');
    await labCertificate(folder, NAMES.slice(0, 2));
    assert.deepEqual(read('server.pem'), before);
  });

  test('is made anew for a further name, by the same authority', async () => {
    const [ca, old] = [read('ca.pem'), read('server.pem')];
    await labCertificate(folder, [...NAMES, 'new.contoso.test']);
    assert.deepEqual(read('ca.pem'), ca);
    assert.notDeepEqual(read('server.pem'), old);
    assert.ok(new X509Certificate(read('server.pem')).checkHost('new.contoso.test'));
  });

  test('an authority whose key is of another one is made anew: what it signed nobody would trust', async () => {
    const stranger = join(parent, 'stranger');
    await labCertificate(stranger, NAMES);
    // As two programs leave it that began at once in an empty folder.
    copyFileSync(join(stranger, 'ca.key'), join(folder, 'ca.key'));
    rmSync(join(folder, 'server.pem'));
    await labCertificate(folder, NAMES);
    const made = new X509Certificate(read('server.pem'));
    assert.ok(made.verify(new X509Certificate(read('ca.pem')).publicKey));
  });

  test('is made anew when a key is missing, damaged or of another certificate', async () => {
    const spoil: readonly (() => void)[] = [
      () => rmSync(join(folder, 'server.key')),
      () => writeFileSync(join(folder, 'server.pem'), 'damaged'),
      () => writeFileSync(join(folder, 'server.key'), read('ca.key')),
      () => writeFileSync(join(folder, 'ca.pem'), 'damaged'),
    ];
    for (const damage of spoil) {
      damage();
      await labCertificate(folder, NAMES);
      const certificate = new X509Certificate(read('server.pem'));
      assert.ok(certificate.verify(new X509Certificate(read('ca.pem')).publicKey));
      const { createPrivateKey } = await import('node:crypto');
      assert.ok(certificate.checkPrivateKey(createPrivateKey(read('server.key'))));
    }
  });

  test('is made anew before it expires', async (t) => {
    const old = read('server.pem');
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 780 * 86_400_000 });
    await labCertificate(folder, NAMES);
    assert.notDeepEqual(read('server.pem'), old);
    assert.ok(new X509Certificate(read('server.pem')).validToDate.getTime() > Date.now() + 700 * 86_400_000);
  });

  test('a folder that cannot be written to is told with what to do', async () => {
    const file = join(parent, 'file');
    writeFileSync(file, '');
    await assert.rejects(labCertificate(join(file, 'certs'), NAMES), {
      code: 'certificate',
      message: /making a lab certificate in .*file\/certs: .*--certs names another folder/,
    });
  });
});
