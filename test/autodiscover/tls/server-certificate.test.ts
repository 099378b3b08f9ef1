// Certificates as administrators have them: PEM and PFX, RSA and ECDSA, old encryptions, and what is said of those that cannot be used.
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, createServer, type SecureContextOptions } from 'node:tls';
import {
  type CertificateSource,
  filesOf,
  filesState,
  readServerCertificates,
} from '../../../src/autodiscover/tls/server-certificate.ts';

const fixture = (name: string) => join(import.meta.dirname, 'fixtures', name);

/** The subject a TLS client is shown. */
async function shownSubject(options: SecureContextOptions, ciphers?: string): Promise<string> {
  const server = createServer(options, (socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  try {
    return await new Promise((resolve, reject) => {
      const limits = ciphers ? { ciphers, maxVersion: 'TLSv1.2' as const } : {};
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...limits }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
      socket.on('error', reject);
    });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

describe('server certificates', () => {
  let folder: string;
  let lab: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'autodiscover-'));
    lab = join(folder, 'passphrase');
    writeFileSync(lab, 'lab\n');
    writeFileSync(join(folder, 'wrong'), 'wrong');
    writeFileSync(join(folder, 'empty.pem'), '');
    writeFileSync(join(folder, 'garbage.pfx'), 'no PFX at all');
    writeFileSync(join(folder, 'mark'), '\ufefflab\r\n');
    writeFileSync(join(folder, 'powershell'), Buffer.from('\ufefflab\r\n', 'utf16le'));
    writeFileSync(join(folder, 'half.key'), 'half a ke');
    const key = readFileSync(fixture('rsa.key'), 'utf8');
    writeFileSync(join(folder, 'cut.key'), key.slice(0, 500));
    writeFileSync(join(folder, 'damaged.key'), key.replace(/MII/, '????'));
    writeFileSync(join(folder, 'half.pem'), readFileSync(fixture('rsa.pem'), 'utf8').slice(0, 500));
    const two = [fixture('other.pem'), fixture('rsa.pem')].map((file) => readFileSync(file, 'utf8'));
    writeFileSync(join(folder, 'second.pem'), two.join(''));
    writeFileSync(join(folder, 'half-chain.pem'), `${two[1]}${two[0]?.slice(0, 500)}`);
  });
  after(() => rmSync(folder, { recursive: true }));

  const pem = (certificate: string, key: string, passphraseFile?: string): CertificateSource => ({
    certificateFile: fixture(certificate),
    keyFile: fixture(key),
    ...(passphraseFile ? { passphraseFile } : {}),
  });
  const pfx = (file: string, passphraseFile?: string): CertificateSource => ({
    pfxFile: fixture(file),
    ...(passphraseFile ? { passphraseFile } : {}),
  });

  const GOOD: readonly (readonly [why: string, source: () => CertificateSource, subject: string, keyType: string])[] = [
    ['RSA in PEM', () => pem('rsa.pem', 'rsa.key'), 'rsa', 'rsa'],
    ['RSA in PEM, encrypted', () => pem('rsa.pem', 'rsa-encrypted.key', lab), 'rsa', 'rsa'],
    ['RSA in PEM, encrypted the old way', () => pem('rsa.pem', 'rsa-encrypted-traditional.key', lab), 'rsa', 'rsa'],
    ['a passphrase that is not needed', () => pem('rsa.pem', 'rsa.key', lab), 'rsa', 'rsa'],
    ['ECDSA in PEM', () => pem('ec.pem', 'ec.key'), 'ec', 'ec'],
    ['ECDSA in PEM, SEC 1', () => pem('ec.pem', 'ec-sec1.key'), 'ec', 'ec'],
    ['RSA in PFX', () => pfx('rsa-aes.pfx', lab), 'rsa', 'rsa'],
    ['RSA in PFX with 3DES', () => pfx('rsa-3des.pfx', lab), 'rsa', 'rsa'],
    ['RSA in PFX with RC2, which node:tls refuses', () => pfx('rsa-rc2.pfx', lab), 'rsa', 'rsa'],
    ['a chain in PFX with RC2: the certificate of the key is shown', () => pfx('rsa-chain-rc2.pfx', lab), 'rsa', 'rsa'],
    ['RSA in PFX without passphrase', () => pfx('rsa-empty-passphrase.pfx'), 'rsa', 'rsa'],
    ['RSA in PFX with RC2 without passphrase', () => pfx('rsa-rc2-empty-passphrase.pfx'), 'rsa', 'rsa'],
    ['ECDSA in PFX', () => pfx('ec-aes.pfx', lab), 'ec', 'ec'],
    ['ECDSA in PFX with RC2', () => pfx('ec-rc2.pfx', lab), 'ec', 'ec'],
    ['a passphrase behind a byte order mark', () => pfx('rsa-aes.pfx', join(folder, 'mark')), 'rsa', 'rsa'],
    ['a passphrase that PowerShell wrote', () => pfx('rsa-aes.pfx', join(folder, 'powershell')), 'rsa', 'rsa'],
    [
      'the certificate of the key is the second of its file',
      () => ({ certificateFile: join(folder, 'second.pem'), keyFile: fixture('rsa.key') }),
      'rsa',
      'rsa',
    ],
  ];
  for (const [why, source, subject, keyType] of GOOD) {
    test(why, async () => {
      const { options, infos } = await readServerCertificates([source()]);
      assert.equal(await shownSubject(options), subject);
      const [info] = infos;
      assert.equal(info?.subject, `CN=${subject}`);
      assert.deepEqual(info?.names, ['autodiscover.contoso.test']);
      assert.equal(info?.keyType, keyType);
      assert.ok((info?.notAfter?.getTime() ?? 0) > Date.now());
    });
  }

  test('RSA and ECDSA side by side: each client gets what it can use', async () => {
    const { options, infos } = await readServerCertificates([pfx('rsa-rc2.pfx', lab), pem('ec.pem', 'ec.key')]);
    assert.deepEqual(
      infos.map(({ keyType }) => keyType),
      ['rsa', 'ec'],
    );
    assert.equal(await shownSubject(options, 'ECDHE-RSA-AES128-GCM-SHA256'), 'rsa');
    assert.equal(await shownSubject(options, 'ECDHE-ECDSA-AES128-GCM-SHA256'), 'ec');
  });

  const BAD: readonly (readonly [why: string, source: () => CertificateSource, message: RegExp])[] = [
    ['no such certificate', () => pem('gone.pem', 'rsa.key'), /gone\.pem: .*does not exist/],
    ['no such key', () => pem('rsa.pem', 'gone.key'), /rsa\.pem: .*gone\.key.*does not exist/],
    ['no such passphrase file', () => pem('rsa.pem', 'rsa.key', '/nowhere/pass'), /\/nowhere\/pass.*does not exist/],
    ['no such PFX', () => pfx('gone.pfx'), /gone\.pfx: .*does not exist/],
    ['a key of another certificate', () => pem('rsa.pem', 'other.key'), /do not belong together/],
    ['an ECDSA key of an RSA certificate', () => pem('rsa.pem', 'ec.key'), /do not belong together/],
    ['certificate and key exchanged', () => pem('rsa.key', 'rsa.pem'), /rsa\.key: it holds no PEM certificate/],
    [
      'an empty file',
      () => ({ certificateFile: join(folder, 'empty.pem'), keyFile: fixture('rsa.key') }),
      /empty\.pem: it holds no PEM certificate/,
    ],
    [
      'an encrypted key without passphrase',
      () => pem('rsa.pem', 'rsa-encrypted.key'),
      /encrypted: give passphraseFile/,
    ],
    [
      'an encrypted key with the wrong one',
      () => pem('rsa.pem', 'rsa-encrypted.key', join(folder, 'wrong')),
      /the passphrase is wrong/,
    ],
    [
      'an old encrypted key with the wrong one',
      () => pem('rsa.pem', 'rsa-encrypted-traditional.key', join(folder, 'wrong')),
      /the passphrase is wrong/,
    ],
    ['a PFX with the wrong passphrase', () => pfx('rsa-aes.pfx', join(folder, 'wrong')), /the passphrase is wrong/],
    [
      'an old PFX with the wrong passphrase',
      () => pfx('rsa-rc2.pfx', join(folder, 'wrong')),
      /the passphrase is wrong/,
    ],
    ['a PFX without the passphrase it needs', () => pfx('rsa-aes.pfx'), /it needs a passphrase: give passphraseFile/],
    [
      'an old PFX without the passphrase it needs',
      () => pfx('rsa-rc2.pfx'),
      /it needs a passphrase: give passphraseFile/,
    ],
    ['a PFX without a key', () => pfx('no-key.pfx', lab), /no private key/],
    ['an old PFX without a key', () => pfx('no-key-rc2.pfx', lab), /no private key/],
    ['something that is no PFX', () => ({ pfxFile: join(folder, 'garbage.pfx') }), /garbage\.pfx: it is no PFX file/],
    [
      'a key file without a key',
      () => ({ certificateFile: fixture('rsa.pem'), keyFile: join(folder, 'half.key') }),
      /rsa\.pem: the key file .*half\.key holds no PEM private key/,
    ],
    [
      'a key that is still being written',
      () => ({ certificateFile: fixture('rsa.pem'), keyFile: join(folder, 'cut.key') }),
      /rsa\.pem: the key file .*cut\.key ends within the key: is it still being written/,
    ],
    [
      'a damaged key',
      () => ({ certificateFile: fixture('rsa.pem'), keyFile: join(folder, 'damaged.key') }),
      /rsa\.pem: the key file .*damaged\.key cannot be read: /,
    ],
    ['a certificate in place of the key', () => pem('rsa.pem', 'rsa.pem'), /the key file .*rsa\.pem holds no PEM/],
    [
      'a certificate that is still being written',
      () => ({ certificateFile: join(folder, 'half.pem'), keyFile: fixture('rsa.key') }),
      /half\.pem: it ends within a certificate: is it still being written/,
    ],
    [
      'a chain that is still being written',
      () => ({ certificateFile: join(folder, 'half-chain.pem'), keyFile: fixture('rsa.key') }),
      /half-chain\.pem: it ends within a certificate/,
    ],
    ['a PEM file given as PFX', () => pfx('rsa.pem'), /rsa\.pem: it is no PFX file/],
  ];
  for (const [why, source, message] of BAD) {
    test(`refused, ${why}`, async () => {
      await assert.rejects(readServerCertificates([source()]), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'certificate');
        assert.match(error.message, message);
        assert.ok(error.cause instanceof Error);
        return true;
      });
    });
  }

  const SAME_KIND: readonly (readonly [
    why: string,
    first: () => CertificateSource,
    second: () => CertificateSource,
  ])[] = [
    ['PEM', () => pem('rsa.pem', 'rsa.key'), () => pem('other.pem', 'other.key')],
    ['PFX', () => pfx('rsa-aes.pfx', lab), () => pfx('rsa-rc2.pfx', lab)],
    ['PEM and PFX', () => pem('ec.pem', 'ec.key'), () => pfx('ec-aes.pfx', lab)],
  ];
  for (const [why, first, second] of SAME_KIND)
    test(`refused, two certificates of a kind, of which one would never be shown: ${why}`, async () => {
      await assert.rejects(readServerCertificates([first(), second()]), {
        code: 'certificate',
        message: /^tls\.certificates: the keys of \S+ and \S+ are of the same kind \((rsa|ec)\).*: give one/,
      });
    });

  test('a file that may be read by now shows in the state', { skip: process.platform === 'win32' }, async () => {
    const file = join(folder, 'later.key');
    copyFileSync(fixture('rsa.key'), file);
    chmodSync(file, 0o000);
    const source = { certificateFile: fixture('rsa.pem'), keyFile: file };
    const before = await filesState(filesOf(source));
    chmodSync(file, 0o600);
    assert.notEqual(await filesState(filesOf(source)), before);
  });

  test('a changed, replaced or removed file shows in the state', async () => {
    const file = join(folder, 'watched.pem');
    const source = { certificateFile: file, keyFile: fixture('rsa.key') };
    const states = new Set([await filesState(filesOf(source))]);
    for (const name of ['rsa.pem', 'ec.pem']) {
      copyFileSync(fixture(name), file);
      states.add(await filesState(filesOf(source)));
      assert.equal(await filesState(filesOf(source)), [...states].at(-1), 'the same while nothing changes');
    }
    rmSync(file);
    states.add(await filesState(filesOf(source)));
    assert.equal(states.size, 3, 'missing before and after, and two contents');
  });
});
