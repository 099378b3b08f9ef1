// Certificates for tests: a key pair from node:crypto, the certificate from node-forge. Never written to disk.
import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

export type TestCertificate = { readonly key: string; readonly cert: string };

/** A self-signed certificate for a DNS name and 127.0.0.1, valid around now unless told otherwise. */
export function selfSigned(
  name: string,
  { notBefore, notAfter }: { notBefore?: Date; notAfter?: Date } = {},
): TestCertificate {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const signingKey = forge.pki.privateKeyFromPem(key);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.rsa.setPublicKey(signingKey.n, signingKey.e);
  certificate.serialNumber = '01';
  certificate.validity.notBefore = notBefore ?? new Date(Date.now() - 86_400_000);
  certificate.validity.notAfter = notAfter ?? new Date(Date.now() + 86_400_000);
  const subject = [{ name: 'commonName', value: name }];
  certificate.setSubject(subject);
  certificate.setIssuer(subject);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true },
    {
      name: 'subjectAltName',
      altNames: [
        { type: 2, value: name },
        { type: 7, ip: '127.0.0.1' },
      ],
    },
  ]);
  certificate.sign(signingKey, forge.md.sha256.create());
  return { key, cert: forge.pki.certificateToPem(certificate) };
}
