// A certificate with an ECDSA key beside the lab's RSA one, made by openssl: node-forge makes RSA only.

import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchFiles } from './workshop.ts';

/** Makes the files in `folder` and adds the certificate to those that clients trust; undefined where there is no openssl. */
export function ecdsaCertificate(folder: string, { caFile }: { readonly caFile: string }): BenchFiles | undefined {
  const [certificateFile, keyFile] = [join(folder, 'ecdsa.pem'), join(folder, 'ecdsa.key')];
  try {
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-days', '2'],
        ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
        ...['-keyout', keyFile, '-out', certificateFile],
      ],
      { stdio: 'ignore' },
    );
  } catch {
    return undefined;
  }
  appendFileSync(caFile, readFileSync(certificateFile));
  return { caFile, certificateFile, keyFile };
}
