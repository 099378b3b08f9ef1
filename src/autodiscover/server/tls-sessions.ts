// Sessions of clients that know no tickets (Windows 7, Windows Server 2008 R2): kept here, under the id that the server gave them
// (RFC 5246 7.3). All others bring their session along in a ticket, and nothing is kept of them; that the server listens costs their
// handshakes one or two parts in a hundred.

import type { Server } from 'node:tls';
import { BoundedMap } from '../../ldap/bounded-map.ts';

/** Both base64: as it goes between processes. */
export interface KeptSession {
  readonly id: string;
  readonly data: string;
}

/** Each is a quarter of a kilobyte. */
const MAX_SESSIONS = 20_000;
/** How an OpenSSL session of TLS 1.2 begins behind its length (ssl_asn1.c, SSL_SESSION_ASN1): version 1 of the form, protocol 0x0303. */
const TLS12 = Buffer.from('0201010202' + '0303', 'hex');

export class TlsSessions {
  readonly #kept = new BoundedMap<string, string>(MAX_SESSIONS);
  readonly #tell: (session: KeptSession) => void;

  /** `tell` hears of each new session, so that other workers can take it up. */
  constructor(tell: (session: KeptSession) => void = () => undefined) {
    this.#tell = tell;
  }

  get size(): number {
    return this.#kept.size;
  }

  add({ id, data }: KeptSession): void {
    this.#kept.set(id, data);
  }

  serve(server: Server): void {
    server.on('newSession', (id: Buffer, data: Buffer, done: () => void) => {
      // With TLS 1.3 a session is announced here too, though it went to the client in a ticket.
      if (id.length > 0 && data.subarray(0, 16).includes(TLS12)) {
        const session = { id: id.toString('base64'), data: data.toString('base64') };
        this.add(session);
        this.#tell(session);
      }
      done();
    });
    server.on('resumeSession', (id: Buffer, done: (error: Error | null, data: Buffer | null) => void) => {
      const data = this.#kept.get(id.toString('base64'));
      done(null, data === undefined ? null : Buffer.from(data, 'base64'));
    });
  }
}
