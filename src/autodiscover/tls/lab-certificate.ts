// A certificate authority and a server certificate for demos and labs, made with node-forge on first start. Never for production: the
// authority's key lies beside the certificate it signed.

import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import forge from 'node-forge';
import { AutodiscoverError } from '../errors.ts';

export interface LabCertificateFiles {
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

const DAY_MS = 86_400_000;
/** Some clients refuse server certificates that are valid for longer than 825 days. */
const SERVER_DAYS = 800;
const CA_DAYS = 3650;
/** Remade when fewer days than this remain. */
const RENEW_DAYS = 30;

/** The files in `folder`, made or remade where they are missing, about to expire, or lack one of `names` (DNS names and addresses). */
export async function labCertificate(folder: string, names: readonly string[]): Promise<LabCertificateFiles> {
  const files = {
    caFile: join(folder, 'ca.pem'),
    caKeyFile: join(folder, 'ca.key'),
    certificateFile: join(folder, 'server.pem'),
    keyFile: join(folder, 'server.key'),
  };
  try {
    await mkdir(folder, { recursive: true });
    if (await usable(files, names)) return files;
    const existing = await readAuthority(files.caFile, files.caKeyFile);
    const authority = existing ?? (await makeAuthority());
    const server = await makeServer(authority, names);
    if (!existing) {
      await writeWhole(files.caKeyFile, authority.keyPem, 0o600);
      await writeWhole(files.caFile, authority.certificatePem, 0o644);
    }
    await writeWhole(files.keyFile, server.keyPem, 0o600);
    await writeWhole(files.certificateFile, server.certificatePem, 0o644);
    return files;
  } catch (error) {
    throw new AutodiscoverError(
      'certificate',
      `making a lab certificate in ${folder}: ${(error as Error).message}; --certs names another folder`,
      { cause: error },
    );
  }
}

interface Issued {
  readonly certificatePem: string;
  readonly keyPem: string;
}

async function usable(files: { caFile: string; certificateFile: string; keyFile: string }, names: readonly string[]) {
  try {
    const paths = [files.caFile, files.certificateFile, files.keyFile] as const;
    const [ca, server, key] = await Promise.all([readFile(paths[0]), readFile(paths[1]), readFile(paths[2])]);
    const certificate = new X509Certificate(server);
    const covers = (name: string) =>
      certificate.checkHost(name) !== undefined || certificate.checkIP(name) !== undefined;
    const complete = certificate.checkPrivateKey(createPrivateKey(key)) && names.every(covers);
    return complete && fresh(certificate) && certificate.verify(new X509Certificate(ca).publicKey);
  } catch {
    return false;
  }
}

function fresh(certificate: X509Certificate): boolean {
  return certificate.validToDate.getTime() - Date.now() > RENEW_DAYS * DAY_MS;
}

async function readAuthority(caFile: string, keyFile: string): Promise<Issued | undefined> {
  try {
    const [certificatePem, keyPem] = await Promise.all([readFile(caFile, 'utf8'), readFile(keyFile, 'utf8')]);
    const certificate = new X509Certificate(certificatePem);
    const complete = certificate.checkPrivateKey(createPrivateKey(keyPem));
    return complete && fresh(certificate) ? { certificatePem, keyPem } : undefined;
  } catch {
    return undefined;
  }
}

/** Written beside and renamed, so that a reader never sees half a key. */
async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  const temporary = `${file}.${process.pid}.new`;
  await writeFile(temporary, text, { mode });
  await rename(temporary, file);
}

function makeKeys(): Promise<forge.pki.rsa.KeyPair> {
  return new Promise((resolve, reject) => {
    forge.pki.rsa.generateKeyPair({ bits: 2048 }, (error, pair) => (error ? reject(error) : resolve(pair)));
  });
}

/** A certificate of `keys` with a random positive serial number, valid from an hour ago. */
function draft(keys: forge.pki.rsa.KeyPair, commonName: string, days: number): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = keys.publicKey;
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`;
  certificate.validity.notBefore = new Date(Date.now() - 3_600_000);
  certificate.validity.notAfter = new Date(Date.now() + days * DAY_MS);
  certificate.setSubject([{ name: 'commonName', value: commonName }]);
  return certificate;
}

async function makeAuthority(): Promise<Issued> {
  const keys = await makeKeys();
  const certificate = draft(keys, 'exchange-autodiscover lab CA', CA_DAYS);
  certificate.setIssuer(certificate.subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  certificate.sign(keys.privateKey, forge.md.sha256.create());
  return pem(certificate, keys.privateKey);
}

async function makeServer(authority: Issued, names: readonly string[]): Promise<Issued> {
  const keys = await makeKeys();
  const issuer = forge.pki.certificateFromPem(authority.certificatePem);
  const certificate = draft(keys, names[0] ?? 'localhost', SERVER_DAYS);
  certificate.setIssuer(issuer.subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: names.map(alternativeName) },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes() },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(authority.keyPem) as forge.pki.rsa.PrivateKey, forge.md.sha256.create());
  return pem(certificate, keys.privateKey);
}

/** GeneralName types of RFC 5280 4.2.1.6: 2 is a DNS name, 7 an address. */
function alternativeName(name: string): { type: number; value?: string; ip?: string } {
  return /^[\d.]+$|:/.test(name) ? { type: 7, ip: name } : { type: 2, value: name };
}

function pem(certificate: forge.pki.Certificate, key: forge.pki.rsa.PrivateKey): Issued {
  return {
    certificatePem: forge.pki.certificateToPem(certificate),
    keyPem: forge.pki.privateKeyToPem(key),
  };
}
