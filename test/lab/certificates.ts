// Certificates for the lab by openssl(1): one authority per lab, EC keys, names and addresses as subjectAltName.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';

export type CertificateAuthority = { readonly certificate: string; readonly key: string };

/** Makes ca.pem and ca.key in `directory`. */
export function makeCertificateAuthority(directory: string): CertificateAuthority {
  mkdirSync(directory, { recursive: true });
  const certificate = join(directory, 'ca.pem');
  const key = join(directory, 'ca.key');
  const config = join(directory, 'ca.cnf');
  writeFileSync(
    config,
    '[req]\ndistinguished_name=name\nx509_extensions=ca\nprompt=no\n[name]\nCN=Lab CA\n' +
      '[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n',
  );
  openssl(['req', '-x509', ...NEW_KEY, '-config', config, '-days', '3650', '-keyout', key, '-out', certificate]);
  return { certificate, key };
}

/** Makes NAME.pem and NAME.key in `directory` for `hosts` (DNS names and IP addresses), good for `days`; -1 ended yesterday. */
export function issueCertificate(
  authority: CertificateAuthority,
  directory: string,
  name: string,
  hosts: readonly string[],
  days = 730,
): { certificate: string; key: string } {
  const certificate = join(directory, `${name}.pem`);
  const key = join(directory, `${name}.key`);
  const request = join(directory, `${name}.csr`);
  const config = join(directory, `${name}.cnf`);
  const names = hosts.map((host) => (isIP(host) === 0 ? `DNS:${host}` : `IP:${host}`)).join(',');
  writeFileSync(
    config,
    `[req]\ndistinguished_name=name\nprompt=no\n[name]\nCN=${hosts[0]}\n` +
      `[server]\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=${names}\n`,
  );
  openssl(['req', '-new', ...NEW_KEY, '-config', config, '-keyout', key, '-out', request]);
  const signer = ['-CA', authority.certificate, '-CAkey', authority.key, '-CAcreateserial', '-days', String(days)];
  openssl([
    'x509',
    '-req',
    '-in',
    request,
    ...signer,
    '-extfile',
    config,
    '-extensions',
    'server',
    '-out',
    certificate,
  ]);
  return { certificate, key };
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
