// Chains in the order in which clients want them, whatever the file's order, and what is told of their certificates.
import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import forge from 'node-forge';
import { certificatesIn, orderedChain } from '../../../src/autodiscover/tls/certificate-chain.ts';
import { readServerCertificates } from '../../../src/autodiscover/tls/server-certificate.ts';

const DAY_MS = 86_400_000;

interface Made {
  readonly name: string;
  readonly pem: string;
  readonly key: string;
}

function make(name: string, issuer: Made | undefined, days: number, modulusLength = 2048): Made {
  const { privateKey: key } = generateKeyPairSync('rsa', {
    modulusLength,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const { n, e } = forge.pki.privateKeyFromPem(key);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(n, e);
  certificate.serialNumber = '01';
  certificate.validity.notBefore = new Date(Date.now() - 40 * DAY_MS);
  certificate.validity.notAfter = new Date(Date.now() + days * DAY_MS);
  certificate.setSubject([{ name: 'commonName', value: name }]);
  certificate.setIssuer([{ name: 'commonName', value: issuer?.name ?? name }]);
  certificate.sign(forge.pki.privateKeyFromPem(issuer?.key ?? key), forge.md.sha256.create());
  return { name, pem: forge.pki.certificateToPem(certificate).replaceAll('\r', ''), key };
}

const subjects = (pems: readonly string[]) => pems.map((pem) => new X509Certificate(pem).subject);
const RIGHT = ['CN=leaf', 'CN=second', 'CN=first', 'CN=root'];

describe('chains', () => {
  let folder: string;
  let made: Record<'root' | 'first' | 'second' | 'leaf' | 'stranger', Made>;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'chain-'));
    const root = make('root', undefined, 3650);
    const first = make('first', root, -3);
    const second = make('second', first, 100);
    made = { root, first, second, leaf: make('leaf', second, 90), stranger: make('stranger', undefined, 90) };
    writeFileSync(join(folder, 'passphrase'), 'lab');
    writeFileSync(join(folder, 'leaf.key'), made.leaf.key);
  });
  after(() => rmSync(folder, { recursive: true }));

  const ORDERS: readonly (readonly [
    name: string,
    order: readonly (keyof typeof made)[],
    expected: readonly string[],
  ])[] = [
    ['right', ['leaf', 'second', 'first', 'root'], RIGHT],
    ['the root first behind the leaf, as Windows exports', ['leaf', 'root', 'first', 'second'], RIGHT],
    ['turned round', ['root', 'first', 'second', 'leaf'], RIGHT],
    ['with a stranger', ['stranger', 'first', 'leaf', 'second', 'root'], [...RIGHT, 'CN=stranger']],
    ['with a gap', ['root', 'leaf', 'second'], ['CN=leaf', 'CN=second', 'CN=root']],
    ['doubled', ['leaf', 'leaf', 'second'], ['CN=leaf', 'CN=second']],
    ['without the leaf', ['second', 'first', 'root'], []],
  ];
  for (const [name, order, expected] of ORDERS)
    test(`in order: ${name}`, () => {
      const pems = order.map((who) => made[who].pem);
      assert.deepEqual(
        subjects(orderedChain(certificatesIn(pems.join('')), createPrivateKey(made.leaf.key))),
        expected,
      );
    });

  const served = async (source: { certificateFile: string } | { pfxFile: string }) => {
    const whole =
      'pfxFile' in source
        ? { ...source, passphraseFile: join(folder, 'passphrase') }
        : { ...source, keyFile: join(folder, 'leaf.key') };
    const { options, infos } = await readServerCertificates([whole]);
    return { order: subjects(certificatesIn([options.cert].flat().join(''))), info: infos[0] };
  };

  test('clients are shown a chain in order, from PEM and PFX', async () => {
    const { leaf, root, first, second } = made;
    const certificateFile = join(folder, 'wrong.pem');
    writeFileSync(certificateFile, [root, first, second, leaf].map(({ pem }) => pem).join(''));
    assert.deepEqual((await served({ certificateFile })).order, RIGHT);
    const pfxFile = join(folder, 'wrong.pfx');
    const bags = [leaf, root, first, second].map(({ pem }) => forge.pki.certificateFromPem(pem));
    const pfx = forge.pkcs12.toPkcs12Asn1(forge.pki.privateKeyFromPem(leaf.key), bags, 'lab', { algorithm: '3des' });
    writeFileSync(pfxFile, forge.asn1.toDer(pfx).getBytes(), 'latin1');
    assert.deepEqual((await served({ pfxFile })).order, RIGHT);
  });

  test('of each certificate of the chain it is told until when it is good', async () => {
    const certificateFile = join(folder, 'chain.pem');
    writeFileSync(certificateFile, made.leaf.pem + made.second.pem + made.first.pem);
    const { info } = await served({ certificateFile });
    assert.equal(info?.subject, 'CN=leaf');
    const days = (date: Date | undefined) => Math.round(((date?.getTime() ?? 0) - Date.now()) / DAY_MS);
    assert.equal(days(info?.notBefore), -40);
    assert.deepEqual(
      info?.chain.map(({ subject, notAfter }) => [subject, days(notAfter)]),
      [
        ['CN=second', 100],
        ['CN=first', -3],
      ],
    );
  });

  test('a key that no client accepts any more is told as such', async () => {
    const { pem, key } = make('short', undefined, 90, 1024);
    const [certificateFile, keyFile] = [join(folder, 'short.pem'), join(folder, 'short.key')];
    writeFileSync(certificateFile, pem);
    writeFileSync(keyFile, key);
    await assert.rejects(readServerCertificates([{ certificateFile, keyFile }]), {
      code: 'certificate',
      message: /short\.pem: its key is too short for TLS: RSA needs 2048 bits/,
    });
  });

  test('a certificate that cannot be read is told by its number', () => {
    const bad = '-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n';
    const read = () => orderedChain(certificatesIn(made.leaf.pem + bad), createPrivateKey(made.leaf.key));
    assert.throws(read, /certificate 2 in it cannot be read/);
  });
});
