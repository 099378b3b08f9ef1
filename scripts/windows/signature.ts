// Authenticode through osslsigncode, with the company's certificate or, when none is given, one made for this build and forgotten:
// the throw-away signature proves that signing works, and nothing to a desktop.
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PackagingError, run } from './tools.ts';

export interface SigningIdentity {
  /** PEM certificate chain, signer first. */
  readonly certificate: string;
  /** PEM private key. */
  readonly key: string;
  /** File whose first line is the key's password. */
  readonly passwordFile?: string;
  /** PEM roots to check the signature against; the chain itself when it ends in its root. */
  readonly ca: string;
  /** RFC 3161 time stamp server; without one the signature dies with the certificate. */
  readonly timestamp?: string;
}

/** A self-signed code-signing certificate for a year in `folder`, its key beside it. */
export function throwAwayIdentity(folder: string): SigningIdentity {
  const certificate = join(folder, 'throw-away.pem');
  const key = join(folder, 'throw-away.key');
  const extensions = ['extendedKeyUsage=critical,codeSigning', 'keyUsage=critical,digitalSignature'];
  run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:3072', '-nodes', '-days', '365'],
    ...['-keyout', key, '-out', certificate, '-subj', '/CN=Profile Migrator throw-away build certificate'],
    ...extensions.flatMap((extension) => ['-addext', extension]),
  ]);
  return { certificate, key, ca: certificate };
}

/** Signs `file` in place and checks the signature it got. */
export function signAndCheck(file: string, title: string, identity: SigningIdentity): void {
  const folder = mkdtempSync(join(tmpdir(), 'profile-migrator-sign-'));
  const signed = join(folder, 'signed');
  try {
    run('osslsigncode', [
      ...['sign', '-certs', identity.certificate, '-key', identity.key, '-h', 'sha256', '-n', title],
      ...(identity.passwordFile ? ['-readpass', identity.passwordFile] : []),
      ...(identity.timestamp ? ['-ts', identity.timestamp] : []),
      ...['-in', file, '-out', signed],
    ]);
    checkSignature(signed, identity.ca);
    copyFileSync(signed, file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Refuses a file whose signature does not verify against the given roots. */
function checkSignature(file: string, ca: string): void {
  const printed = run('osslsigncode', ['verify', '-CAfile', ca, '-in', file]);
  if (!/^Signature verification: ok$/m.test(printed)) {
    throw new PackagingError(
      `the signature of ${file} does not verify against ${ca} (give the issuing roots with --ca):\n${printed.trim()}`,
    );
  }
}
