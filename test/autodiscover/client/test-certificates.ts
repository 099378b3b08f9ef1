// Certificates for servers of a test, made in memory: one authority, one key for all, any names and dates.
import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

const DAY = 24 * 60 * 60 * 1000;
const { privateKey: keyPem } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const key = forge.pki.privateKeyFromPem(keyPem);
const publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
let serial = 1;

function certificate(subject: string, issuer: string, days: number, extensions: object[], digest = 'sha256'): string {
  const made = forge.pki.createCertificate();
  made.publicKey = publicKey;
  made.serialNumber = (++serial).toString(16).padStart(4, '0');
  made.validity.notBefore = new Date(Date.now() - 30 * DAY);
  made.validity.notAfter = new Date(Date.now() + days * DAY);
  made.setSubject([{ name: 'commonName', value: subject }]);
  made.setIssuer([{ name: 'commonName', value: issuer }]);
  made.setExtensions(extensions);
  made.sign(key, digest === 'sha1' ? forge.md.sha1.create() : forge.md.sha256.create());
  return forge.pki.certificateToPem(made);
}

/** The authority's certificate, and the key of every certificate here. */
export const TEST_CA = certificate('Test CA', 'Test CA', 30, [{ name: 'basicConstraints', cA: true, critical: true }]);
export const TEST_KEY = keyPem;

/** A server certificate for these names; `days` from now until it ends, negative for one that has expired. */
const made = new Map<string, string>();

/** As `makeServerCertificate`, made once per process for the same arguments: signing takes its time. */
export function serverCertificate(
  names: readonly string[],
  days = 10,
  issuer = 'Test CA',
  digest: 'sha1' | 'sha256' = 'sha256',
): string {
  const id = JSON.stringify([names, days, issuer, digest]);
  const found = made.get(id) ?? makeServerCertificate(names, days, issuer, digest);
  made.set(id, found);
  return found;
}

function makeServerCertificate(names: readonly string[], days: number, issuer: string, digest: string): string {
  const altNames = names.map((value) => (/^[\d.]+$|:/.test(value) ? { type: 7, ip: value } : { type: 2, value }));
  const extensions = [
    { name: 'subjectAltName', altNames },
    { name: 'extKeyUsage', serverAuth: true },
  ];
  return certificate(names[0] ?? '', issuer, days, extensions, digest);
}
