// The Exchange web applications of a demo organisation as far as an anonymous caller sees them: every known path asks for
// credentials, every other path does not exist. HTTPS, and plain HTTP for offline address books that are published that way.

import { once } from 'node:events';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface WebStandIn {
  readonly httpsPort: number;
  readonly httpPort: number;
  close(): Promise<void>;
}

const KNOWN = /^\/(?:ews|oab|owa|ecp|rpc|microsoft-server-activesync)(?:\/|$)/i;

/** Listens on two free loopback ports. `certificate` and `key` are PEM. */
export async function startWebStandIn(certificate: string, key: string): Promise<WebStandIn> {
  const handler: RequestListener = (request, response) => {
    const known = KNOWN.test(request.url ?? '');
    response.writeHead(known ? 401 : 404, known ? { 'WWW-Authenticate': ['Negotiate', 'NTLM'] } : {}).end();
  };
  const secure = createHttps({ cert: certificate, key, minVersion: 'TLSv1.2' }, handler);
  const plain = createHttp(handler);
  secure.listen(0, '127.0.0.1');
  plain.listen(0, '127.0.0.1');
  await Promise.all([once(secure, 'listening'), once(plain, 'listening')]);
  return {
    httpsPort: (secure.address() as AddressInfo).port,
    httpPort: (plain.address() as AddressInfo).port,
    async close() {
      for (const server of [secure, plain]) {
        server.closeAllConnections();
        server.close();
      }
      await Promise.all([once(secure, 'close'), once(plain, 'close')]);
    },
  };
}
