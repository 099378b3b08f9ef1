// Which TLS versions a server accepts, each tried by itself. The certificate is not judged here: web-probe.ts does that.

import { isIP } from 'node:net';
import { connect, type SecureVersion } from 'node:tls';
import type { Network } from './network.ts';

const TLS_VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const satisfies readonly SecureVersion[];
export type TlsVersion = (typeof TLS_VERSIONS)[number];

/** The versions that complete a handshake, oldest first; undefined when the host cannot be reached at all. */
export async function acceptedTlsVersions(
  network: Network,
  host: string,
  port: number,
): Promise<readonly TlsVersion[] | undefined> {
  const tries = await Promise.all(TLS_VERSIONS.map((version) => handshake(network, host, port, version)));
  if (tries.every((outcome) => outcome === 'unreachable')) return undefined;
  return TLS_VERSIONS.filter((_, at) => tries[at] === 'accepted');
}

function handshake(
  network: Network,
  host: string,
  port: number,
  version: TlsVersion,
): Promise<'accepted' | 'refused' | 'unreachable'> {
  return new Promise((resolve) => {
    let connected = false;
    const socket = connect({
      ...network.route(host, port),
      minVersion: version,
      maxVersion: version,
      // Only the version is of interest, nothing is sent; the old versions need the signatures that OpenSSL's default level forbids.
      rejectUnauthorized: false,
      ciphers: 'DEFAULT@SECLEVEL=0',
      ...(isIP(host) === 0 && { servername: host }),
    });
    const end = (outcome: 'accepted' | 'refused' | 'unreachable') => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => end(connected ? 'refused' : 'unreachable'), network.timeoutMs);
    socket.once('connect', () => {
      connected = true;
    });
    socket.once('secureConnect', () => end('accepted'));
    socket.once('error', () => end(connected ? 'refused' : 'unreachable'));
    socket.once('close', () => end(connected ? 'refused' : 'unreachable'));
  });
}
