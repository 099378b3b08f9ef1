// TLS sessions taken up by other processes: instances with the same ticket key, with RSA and ECDSA certificates, while certificates are
// replaced, and over restarts. The share of resumed handshakes after each client's first visit is counted.
import assert from 'node:assert/strict';
import { constants, randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, type SecureVersion, type TLSSocket } from 'node:tls';
import { type RunningService, startService } from '../../../src/autodiscover/commands/service.ts';
import { configSchema } from '../../../src/autodiscover/config-schema.ts';
import { createLogger } from '../../../src/autodiscover/log.ts';
import type { EmbeddedDirectory } from '../../../src/ldap/embedded/server.ts';
import { eventually, PASSWORD, READER, startController } from '../../ldap/demo-organization.ts';
import type { LogLine } from '../bed.ts';

const fixture = (name: string) => join(import.meta.dirname, '..', 'tls', 'fixtures', name);
/** What a client is willing to take. */
interface Taste {
  readonly secureOptions?: number;
  readonly ciphers?: string;
  readonly sigalgs?: string;
}

/** Clients that can take one certificate only: with TLS 1.2 by the signature of the cipher, with 1.3 by the list of signatures. */
const KINDS = [
  { kind: 'rsa', version: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' },
  { kind: 'rsa', version: 'TLSv1.3', sigalgs: 'rsa_pss_rsae_sha256' },
  { kind: 'ec', version: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
  { kind: 'ec', version: 'TLSv1.3' },
] as const satisfies readonly ({ readonly kind: 'rsa' | 'ec'; readonly version: SecureVersion } & Taste)[];
const [RSA_ONLY] = KINDS;

export interface Visit {
  readonly resumed: boolean;
  readonly certificate: string;
  readonly session: Buffer | undefined;
}

/** One connection with one small request; the last session that the server gave. */
function visit(url: string, version: SecureVersion, session?: Buffer, taste: Taste = {}): Promise<Visit> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    let latest: Buffer | undefined;
    const socket: TLSSocket = connect({
      host: hostname,
      port: Number(port),
      rejectUnauthorized: false,
      minVersion: version,
      maxVersion: version,
      ...taste,
      ...(session === undefined ? {} : { session }),
    });
    socket.on('session', (given) => {
      latest = given;
    });
    socket.on('secureConnect', () => {
      // A resumed handshake of TLS 1.2 brings no certificate.
      const certificate = String(socket.getPeerCertificate().subject?.CN ?? '');
      const resumed = socket.isSessionReused();
      socket.on('close', () => resolve({ resumed, certificate, session: latest ?? session }));
      socket.end('GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      socket.resume();
    });
    socket.on('error', reject);
  });
}

describe('TLS sessions', () => {
  let folder: string;
  let controller: EmbeddedDirectory;
  const services: RunningService[] = [];
  const log: LogLine[] = [];
  const place = (name: string) => join(folder, name);
  const newKey = () => writeFileSync(place('ticket.key'), randomBytes(48), { mode: 0o600 });
  const install = (rsa: 'rsa' | 'other' = 'rsa') => {
    for (const end of ['pem', 'key']) {
      copyFileSync(fixture(`${rsa}.${end}`), place(`rsa.${end}`));
      copyFileSync(fixture(`ec.${end}`), place(`ec.${end}`));
    }
  };

  /** `own`: with a key that nobody else has. */
  async function serve(own = false): Promise<RunningService> {
    const certificates = ['rsa', 'ec'].map((kind) => ({
      certificateFile: place(`${kind}.pem`),
      keyFile: place(`${kind}.key`),
    }));
    const config = configSchema.parse({
      directory: { servers: [controller.url], bindDn: READER, passwordFile: 'unused', allowPlainText: true },
      listen: { https: '127.0.0.1:0' },
      publicUrl: 'https://autodiscover.contoso.test',
      tls: { certificates, reloadSeconds: 1, ...(own ? {} : { ticketKeyFile: place('ticket.key') }) },
    });
    const logger = createLogger('info', { write: (line) => void log.push(JSON.parse(line) as LogLine) });
    const service = await startService({ config, ca: undefined, readPassword: async () => PASSWORD }, logger);
    services.push(service);
    return service;
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'resumption-'));
    controller = await startController();
    install();
    newKey();
  });
  after(async () => {
    for (const service of services) await service.stop();
    await controller.close();
    rmSync(folder, { recursive: true });
  });

  for (const { kind, version, ...taste } of KINDS) {
    test(`${version} with the ${kind} certificate: every visit after the first is resumed, whichever instance answers`, async () => {
      const urls = [(await serve()).httpsUrl, (await serve()).httpsUrl];
      const first = await visit(urls[0] ?? '', version, undefined, taste);
      assert.deepEqual([first.resumed, first.certificate], [false, kind]);
      let { session } = first;
      const resumed: boolean[] = [];
      for (let n = 1; n <= 10; n++) {
        const next = await visit(urls[n % 2] ?? '', version, session, taste);
        resumed.push(next.resumed);
        session = next.session;
      }
      assert.deepEqual(resumed, Array(10).fill(true));
      // A restart: the same key, another process's worth of state.
      await services.at(-1)?.stop();
      assert.equal((await visit((await serve()).httpsUrl, version, session, taste)).resumed, true);
    });
  }

  test('a replaced certificate breaks no session, and is shown to new clients', async () => {
    const { httpsUrl } = await serve();
    const { session } = await visit(httpsUrl, 'TLSv1.3');
    install('other');
    await eventually(
      'the new certificate is shown',
      async () => (await visit(httpsUrl, 'TLSv1.2', undefined, { ciphers: RSA_ONLY.ciphers })).certificate === 'other',
    );
    await eventually('it is reloaded', () => log.some(({ msg }) => msg === 'certificates reloaded'));
    assert.equal((await visit(httpsUrl, 'TLSv1.3', session)).resumed, true);
    install();
  });

  test('a client that knows no tickets is resumed by the instance it knows, whatever becomes of the ticket key', async () => {
    const [one, two] = [await serve(true), await serve()];
    const old = { secureOptions: constants.SSL_OP_NO_TICKET, ciphers: RSA_ONLY.ciphers };
    let { session } = await visit(one.httpsUrl, 'TLSv1.2', undefined, old);
    for (let n = 0; n < 5; n++) {
      const next = await visit(one.httpsUrl, 'TLSv1.2', session, old);
      assert.equal(next.resumed, true);
      session = next.session;
    }
    one.tls.useTicketKey(randomBytes(48));
    assert.equal((await visit(one.httpsUrl, 'TLSv1.2', session, old)).resumed, true);
    assert.equal((await visit(two.httpsUrl, 'TLSv1.2', session, old)).resumed, false);
  });

  test('instances with keys of their own know no session of the other', async () => {
    const [one, two] = [await serve(true), await serve(true)];
    const { session } = await visit(one.httpsUrl, 'TLSv1.3');
    assert.equal((await visit(one.httpsUrl, 'TLSv1.3', session)).resumed, true);
    assert.equal((await visit(two.httpsUrl, 'TLSv1.3', session)).resumed, false);
    // As the primary of several workers does it once a week.
    one.tls.useTicketKey(randomBytes(48));
    assert.equal((await visit(one.httpsUrl, 'TLSv1.3', session)).resumed, false);
    const fresh = await visit(one.httpsUrl, 'TLSv1.3');
    assert.equal((await visit(one.httpsUrl, 'TLSv1.3', fresh.session)).resumed, true);
  });

  test('a changed key file is taken without a restart; one that cannot be used leaves the old key', async () => {
    const { httpsUrl } = await serve();
    const { session } = await visit(httpsUrl, 'TLSv1.2');
    assert.equal((await visit(httpsUrl, 'TLSv1.2', session)).resumed, true);
    const failures = () => log.filter(({ level }) => level === 'error').length;
    writeFileSync(place('ticket.key'), 'too short');
    await eventually('the fault is logged', () => failures() > 0);
    assert.match(String(log.find(({ level }) => level === 'error')?.reason), /ticket\.key: it holds 9 bytes/);
    assert.equal((await visit(httpsUrl, 'TLSv1.2', session)).resumed, true);
    newKey();
    await eventually('old sessions end', async () => !(await visit(httpsUrl, 'TLSv1.2', session)).resumed);
    const fresh = await visit(httpsUrl, 'TLSv1.2');
    assert.equal((await visit(httpsUrl, 'TLSv1.2', fresh.session)).resumed, true);
  });
});
