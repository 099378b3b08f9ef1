// The service's certificates from the configured files: PEM pairs and PFX, RSA and ECDSA side by side. node:tls reads them first; old
// PFX files (RC2 or 3DES, as Windows Server 2008 exports them) that it refuses are opened with node-forge.

import { constants, createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { AutodiscoverError } from '../errors.ts';
import type { PemPair } from './pfx.ts';

/** Either a PEM certificate (with its chain) and key, or a PFX file that holds both. */
export type CertificateSource =
  | { readonly certificateFile: string; readonly keyFile: string; readonly passphraseFile?: string | undefined }
  | { readonly pfxFile: string; readonly passphraseFile?: string | undefined };

export interface CertificateInfo {
  readonly source: string;
  readonly subject: string;
  /** DNS names and addresses of subjectAltName. */
  readonly names: readonly string[];
  /** Undefined when the file could be used but not read (see pfx.ts). */
  readonly notAfter: Date | undefined;
  readonly keyType: string;
}

export interface ServerCertificates {
  readonly options: SecureContextOptions;
  readonly infos: readonly CertificateInfo[];
}

/** Reads and proves all sources; throws AutodiscoverError `certificate` naming the file and what is wrong with it. */
export async function readServerCertificates(sources: readonly CertificateSource[]): Promise<ServerCertificates> {
  const read = await Promise.all(sources.map(readSource));
  const options: SecureContextOptions = {
    cert: read.flatMap((one) => one.pair?.certificate ?? []),
    key: read.flatMap((one) => one.pair?.key ?? []),
    pfx: read.flatMap((one) => one.pfx ?? []),
    minVersion: 'TLSv1.2',
    // No client of ours renegotiates; it costs a server much more than who asks for it.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
  createSecureContext(options);
  return { options, infos: read.map((one) => one.info) };
}

/** The files to watch for changes. */
export function filesOf(source: CertificateSource): string[] {
  const files = 'pfxFile' in source ? [source.pfxFile] : [source.certificateFile, source.keyFile];
  return source.passphraseFile === undefined ? files : [...files, source.passphraseFile];
}

/** A text that differs when any of the files was changed. Missing files count as a state of their own. */
export async function filesState(files: readonly string[]): Promise<string> {
  const states = files.map(async (file) => {
    const info = await stat(file).catch(() => undefined);
    return info ? `${file} ${info.mtimeMs} ${info.size} ${info.ino}` : `${file} missing`;
  });
  return (await Promise.all(states)).join('\n');
}

interface ReadCertificate {
  readonly pair?: PemPair;
  readonly pfx?: { readonly buf: Buffer; readonly passphrase?: string };
  readonly info: CertificateInfo;
}

async function readSource(source: CertificateSource): Promise<ReadCertificate> {
  const name = filesOf(source)[0] ?? '';
  try {
    const passphrase =
      source.passphraseFile === undefined
        ? undefined
        : (await readFile(source.passphraseFile, 'utf8')).replace(/\r?\n$/, '');
    if ('pfxFile' in source) return await readPfx(source.pfxFile, passphrase);
    const pair = await readPemPair(source.certificateFile, source.keyFile, passphrase);
    // Before node:tls sees them: it takes a key of another type as belonging to some other certificate.
    if (!new X509Certificate(pair.certificate).checkPrivateKey(createPrivateKey(pair.key)))
      throw new Error('certificate and key do not belong together');
    createSecureContext({ cert: pair.certificate, key: pair.key });
    return { pair, info: infoOf(name, pair.certificate) };
  } catch (error) {
    throw new AutodiscoverError('certificate', `reading the certificate ${name}: ${explain(error)}`, { cause: error });
  }
}

async function readPfx(file: string, passphrase: string | undefined): Promise<ReadCertificate> {
  const buf = await readFile(file);
  // node-forge takes 2 MiB: only where it is needed.
  const { openPfx } = await import('./pfx.ts');
  const opened = openPfx(buf, passphrase);
  if (opened.by === 'forge') return { pair: opened.pair, info: infoOf(file, opened.pair.certificate) };
  const pfx = passphrase === undefined ? { buf } : { buf, passphrase };
  return { pfx, info: infoOf(file, opened.certificate) };
}

async function readPemPair(certificateFile: string, keyFile: string, passphrase: string | undefined): Promise<PemPair> {
  const certificate = await readFile(certificateFile, 'utf8');
  const key = await readFile(keyFile, 'utf8');
  if (!/-----BEGIN (?:TRUSTED )?CERTIFICATE-----/.test(certificate)) throw new Error('it holds no PEM certificate');
  return { certificate, key: decryptKey(key, passphrase) };
}

/** Keys are kept decrypted in memory only, so that RSA and ECDSA can stand in one context with different passphrases. */
function decryptKey(key: string, passphrase: string | undefined): string {
  if (!/ENCRYPTED/.test(key)) return key;
  if (passphrase === undefined) throw new Error('the key is encrypted: give passphraseFile');
  return createPrivateKey({ key, passphrase }).export({ type: 'pkcs8', format: 'pem' }).toString();
}

function infoOf(source: string, certificatePem: string | undefined): CertificateInfo {
  if (certificatePem === undefined)
    return { source, subject: 'unknown', names: [], notAfter: undefined, keyType: 'unknown' };
  const certificate = new X509Certificate(certificatePem);
  const names = (certificate.subjectAltName ?? '')
    .split(', ')
    .flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1] ?? []);
  return {
    source,
    subject: certificate.subject.replace(/\n/g, ', '),
    names,
    notAfter: certificate.validToDate,
    keyType: certificate.publicKey.asymmetricKeyType ?? 'unknown',
  };
}

function explain(error: unknown): string {
  const { code, message, path } = error as NodeJS.ErrnoException;
  // Key and passphrase lie in files of their own.
  if (code === 'ENOENT') return `the file ${path ?? ''} does not exist`;
  if (code === 'EACCES') return `the file ${path ?? ''} may not be read by this account`;
  if (code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH') return 'certificate and key do not belong together';
  if (/bad decrypt|mac verify failure|MAC could not be verified/i.test(message)) return 'the passphrase is wrong';
  return message;
}
