// The service's certificates from the configured files: PEM pairs and PFX, RSA and ECDSA side by side.

import { constants, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { AutodiscoverError } from '../errors.ts';
import { secretText } from '../secret-text.ts';
import { certificatesIn, orderedChain } from './certificate-chain.ts';
import type { PemPair } from './pfx.ts';

/** Either a PEM certificate (with its chain) and key, or a PFX file that holds both. */
export type CertificateSource =
  | { readonly certificateFile: string; readonly keyFile: string; readonly passphraseFile?: string | undefined }
  | { readonly pfxFile: string; readonly passphraseFile?: string | undefined };

export interface CertificateInfo extends Validity {
  readonly source: string;
  /** DNS names and addresses of subjectAltName. */
  readonly names: readonly string[];
  readonly keyType: string;
  /** What is sent with it: its issuers. */
  readonly chain: readonly Validity[];
}

/** Until when a certificate is good; undefined when the file could be used but not read (see pfx.ts). */
export interface Validity {
  readonly subject: string;
  readonly notBefore: Date | undefined;
  readonly notAfter: Date | undefined;
}

export interface ServerCertificates {
  readonly options: SecureContextOptions;
  readonly infos: readonly CertificateInfo[];
}

/** Reads and proves all sources; throws AutodiscoverError `certificate` naming the file and what is wrong with it. */
export async function readServerCertificates(sources: readonly CertificateSource[]): Promise<ServerCertificates> {
  const read = await Promise.all(sources.map(readSource));
  const infos = read.map((one) => one.info);
  refuseSameKind(infos);
  const options: SecureContextOptions = {
    cert: read.flatMap((one) => one.pair?.certificate ?? []),
    key: read.flatMap((one) => one.pair?.key ?? []),
    pfx: read.flatMap((one) => one.pfx ?? []),
    minVersion: 'TLSv1.2',
    // No client of ours renegotiates; it costs a server much more than who asks for it.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
  createSecureContext(options);
  return { options, infos };
}

/** OpenSSL keeps one certificate of each kind of key, and would not tell that one took another's place. */
function refuseSameKind(infos: readonly CertificateInfo[]): void {
  for (const [kind, [one, another] = []] of Map.groupBy(infos, ({ keyType }) => keyType)) {
    if (kind === UNKNOWN || !one || !another) continue;
    throw new AutodiscoverError(
      'certificate',
      `tls.certificates: the keys of ${one.source} and ${another.source} are of the same kind (${kind}), and one certificate of a kind is ` +
        'shown to clients: give one that has the names of both',
    );
  }
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
    // The time of the last change of any kind (ctime): a file that is let be read after it was written is to be read then.
    return info ? `${file} ${info.mtimeMs} ${info.ctimeMs} ${info.size} ${info.ino}` : `${file} missing`;
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
      source.passphraseFile === undefined ? undefined : secretText(await readFile(source.passphraseFile));
    if ('pfxFile' in source) return await readPfx(source.pfxFile, passphrase);
    return usable(name, await readPemPair(source.certificateFile, source.keyFile, passphrase));
  } catch (error) {
    const why = explain(error);
    const isMissing = why === WRONG && source.passphraseFile === undefined;
    const text = isMissing ? 'it needs a passphrase: give passphraseFile' : why;
    throw new AutodiscoverError('certificate', `reading the certificate ${name}: ${text}`, { cause: error });
  }
}

async function readPfx(file: string, passphrase: string | undefined): Promise<ReadCertificate> {
  const buf = await readFile(file);
  // node-forge takes 2 MiB: only where it is needed.
  const { openPfx } = await import('./pfx.ts');
  const pair = openPfx(buf, passphrase);
  if (pair) return usable(file, pair);
  return { pfx: passphrase === undefined ? { buf } : { buf, passphrase }, info: unreadInfo(file) };
}

/** Throws what node:tls has against the pair, as a key that is too short. */
function usable(source: string, pair: PemPair): ReadCertificate {
  createSecureContext({ cert: pair.certificate, key: pair.key });
  return { pair, info: infoOf(source, pair.certificate) };
}

async function readPemPair(certificateFile: string, keyFile: string, passphrase: string | undefined): Promise<PemPair> {
  const certificates = certificatesIn(await readFile(certificateFile, 'utf8'));
  const { key, object } = readKey(await readFile(keyFile, 'utf8'), keyFile, passphrase);
  // Before node:tls sees them: it takes a key of another type as belonging to some other certificate.
  const chain = orderedChain(certificates, object);
  if (chain.length === 0) throw new Error('certificate and key do not belong together');
  return { certificate: chain.join(''), key };
}

/** Keys are kept decrypted in memory only, so that RSA and ECDSA can stand in one context with different passphrases. */
function readKey(
  key: string,
  file: string,
  passphrase: string | undefined,
): { readonly key: string; readonly object: KeyObject } {
  if (!/-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/.test(key))
    throw new Error(`the key file ${file} holds no PEM private key`);
  if (!/-----END (?:[A-Z]+ )*PRIVATE KEY-----/.test(key))
    throw new Error(`the key file ${file} ends within the key: is it still being written?`);
  const isEncrypted = /ENCRYPTED/.test(key);
  if (isEncrypted && passphrase === undefined) throw new Error('the key is encrypted: give passphraseFile');
  try {
    const object = createPrivateKey(isEncrypted ? { key, passphrase } : key);
    return isEncrypted ? { key: object.export({ type: 'pkcs8', format: 'pem' }).toString(), object } : { key, object };
  } catch (error) {
    if (WRONG_PASSPHRASE.test((error as Error).message)) throw error;
    throw new Error(`the key file ${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

const WRONG = 'the passphrase is wrong';
const WRONG_PASSPHRASE = /bad decrypt|mac verify failure|MAC could not be verified/i;
const UNKNOWN = 'unknown';

function unreadInfo(source: string): CertificateInfo {
  const validity = { subject: UNKNOWN, notBefore: undefined, notAfter: undefined };
  return { ...validity, source, names: [], keyType: UNKNOWN, chain: [] };
}

/** `chain` begins with the certificate of the key. */
function infoOf(source: string, chain: string): CertificateInfo {
  const [own, ...others] = certificatesIn(chain).map((pem) => new X509Certificate(pem));
  if (!own) return unreadInfo(source);
  const names = (own.subjectAltName ?? '')
    .split(', ')
    .flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1] ?? []);
  const keyType = own.publicKey.asymmetricKeyType ?? UNKNOWN;
  return { ...validityOf(own), source, names, keyType, chain: others.map(validityOf) };
}

function validityOf({ subject, validFromDate, validToDate }: X509Certificate): Validity {
  return { subject: subject.replace(/\n/g, ', '), notBefore: validFromDate, notAfter: validToDate };
}

function explain(error: unknown): string {
  const { code, message, path } = error as NodeJS.ErrnoException;
  // Key and passphrase lie in files of their own.
  if (code === 'ENOENT') return `the file ${path ?? ''} does not exist`;
  if (code === 'EACCES') return `the file ${path ?? ''} may not be read by this account`;
  if (code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH') return 'certificate and key do not belong together';
  if (/key too small/i.test(message)) return 'its key is too short for TLS: RSA needs 2048 bits';
  if (WRONG_PASSPHRASE.test(message)) return WRONG;
  return message;
}
