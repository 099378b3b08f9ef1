// One connection to a controller: TLS and names, StartTLS, what failures mean, and that a lost connection is never reopened unseen.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BusyError, InvalidCredentialsError, NoSuchObjectError, UnavailableError } from 'ldapts';
import { labCertificate } from '../../src/autodiscover/tls/lab-certificate.ts';
import {
  ControllerConnection,
  type ControllerOptions,
  controllerHost,
  explainBindCode,
  failureKind,
  failureText,
  rejectedReason,
} from '../../src/ldap/controller.ts';
import { DirectoryError } from '../../src/ldap/errors.ts';
import { controllerAt, eventually, PASSWORD, READER, startController } from './demo-organization.ts';

/** When TCP next probes the connection to a port of this computer; -1 where it never will. Linux tells in hundredths of a second. */
async function secondsToKeepAlive(port: number): Promise<number> {
  const ours = new RegExp(`^ *\\d+: \\S+ 0100007F:${port.toString(16).padStart(4, '0')} 01 \\S+ 02:(\\S+)`, 'im');
  // Until the last segment is acknowledged another timer is shown.
  for (let look = 0; look < 40; look++) {
    const shown = ours.exec(readFileSync('/proc/net/tcp', 'latin1'));
    if (shown) return Number.parseInt(shown[1] as string, 16) / 100;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return -1;
}

describe('a connection over TLS', () => {
  let folder: string;
  let ca: string;
  let tls: { key: string; cert: string };
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'autodiscover-'));
    const files = await labCertificate(folder, ['localhost', 'dc1.contoso.test', '127.0.0.1']);
    ca = readFileSync(files.caFile, 'utf8');
    tls = { key: readFileSync(files.keyFile, 'utf8'), cert: readFileSync(files.certificateFile, 'utf8') };
  });
  after(() => rmSync(folder, { recursive: true }));

  const cases: readonly (readonly [
    why: string,
    mode: 'ldaps' | 'start-tls',
    options: (url: string) => Partial<ControllerOptions>,
    refused?: RegExp,
  ])[] = [
    ['by address', 'ldaps', () => ({ ca: [ca] })],
    ['by name', 'ldaps', (url) => ({ ca: [ca], url: url.replace('127.0.0.1', 'localhost') })],
    ['by another name', 'ldaps', () => ({ ca: [ca], tlsServerName: 'dc1.contoso.test' })],
    [
      'by an address given as name',
      'ldaps',
      (url) => ({ ca: [ca], url: url.replace('127.0.0.1', 'localhost'), tlsServerName: '127.0.0.1' }),
    ],
    ['StartTLS', 'start-tls', () => ({ ca: [ca], startTls: true })],
    ['StartTLS by another name', 'start-tls', () => ({ ca: [ca], startTls: true, tlsServerName: 'dc1.contoso.test' })],
    ['a CA nobody trusts', 'ldaps', () => ({}), /unable to verify|self-signed|unable to get local issuer/],
    [
      'a name the certificate lacks',
      'ldaps',
      () => ({ ca: [ca], tlsServerName: 'dc2.contoso.test' }),
      /does not match|altnames/,
    ],
    [
      'an address the certificate lacks',
      'ldaps',
      (url) => ({ ca: [ca], url, tlsServerName: '127.0.0.9' }),
      /does not match|altnames|not in the cert/,
    ],
    [
      'StartTLS with a CA nobody trusts',
      'start-tls',
      () => ({ startTls: true }),
      /unable to verify|self-signed|unable to get local issuer/,
    ],
    [
      'StartTLS with a name the certificate lacks',
      'start-tls',
      () => ({ ca: [ca], startTls: true, tlsServerName: 'dc2.contoso.test' }),
      /does not match|altnames/,
    ],
  ];
  for (const [why, mode, options, refused] of cases) {
    test(`${mode}, ${why}: ${refused ? 'refused before a password is sent' : 'bound'}`, async () => {
      const controller = await startController({ tls: { ...tls, mode }, requireTls: true });
      const connection = new ControllerConnection(controllerAt(controller.url, options(controller.url)));
      try {
        if (refused) {
          await assert.rejects(connection.bind(READER, PASSWORD), refused);
          assert.equal(connection.sent, false, 'no credential can have been sent');
          assert.equal(controller.stats.binds + controller.stats.failedBinds, 0);
        } else {
          await connection.bind(READER, PASSWORD);
          assert.equal(connection.sent, true);
          assert.equal(controller.stats.binds, 1);
          const seconds = await secondsToKeepAlive(Number(new URL(controller.url).port));
          assert.ok(seconds > 0 && seconds <= 30, `TCP asks after ${seconds} s whether the controller is there`);
        }
      } finally {
        connection.close();
        await controller.close();
      }
    });
  }
});

test('a lost connection is not reopened without a bind', async () => {
  const controller = await startController();
  const connection = new ControllerConnection(controllerAt(controller.url));
  try {
    await connection.bind(READER, PASSWORD);
    await controller.setFaults({ dead: 'close' });
    await controller.setFaults({});
    await eventually('the loss is seen', () => !connection.client.isConnected);
    const { connections } = controller.stats;
    await assert.rejects(connection.client.search('', { scope: 'base' }), /lost/);
    assert.equal(controller.stats.connections, connections, 'no new connection');
  } finally {
    connection.close();
    await controller.close();
  }
});

/** A success for the StartTLS request that has this message number (RFC 4511 section 4.14.2). */
const startTlsDone = (id: number) =>
  Buffer.from([0x30, 0x0c, 0x02, 0x01, id, 0x78, 0x07, 0x0a, 0x01, 0x00, 0x04, 0x00, 0x04, 0x00]);

for (const [where, scheme, startTls, answers] of [
  ['in the TLS handshake', 'ldaps', false, false],
  ['when asked for StartTLS', 'ldap', true, false],
  ['in the handshake after StartTLS', 'ldap', true, true],
  ['when bound', 'ldap', false, false],
] as const) {
  test(`a controller that falls silent ${where}: a bind ends in time, and at once with its connection`, async (t) => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.once('data', (request) => {
        if (answers) socket.write(startTlsDone(request[4] ?? 0));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const url = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const quick = { startTls, connectTimeoutMs: 100, operationTimeoutMs: 100 };
    await assert.rejects(new ControllerConnection(controllerAt(url, quick)).bind(READER, PASSWORD), /time/);
    const patient = { startTls, connectTimeoutMs: 60_000, operationTimeoutMs: 60_000 };
    const connection = new ControllerConnection(controllerAt(url, patient));
    const bound = connection.bind(READER, PASSWORD);
    await new Promise((resolve) => setTimeout(resolve, 50));
    connection.close();
    await assert.rejects(bound);
    assert.equal(connection.sent, where === 'when bound', 'whether the password may have been sent');
  });
}

test('an empty password is refused before anything is sent', async () => {
  const controller = await startController();
  const connection = new ControllerConnection(controllerAt(controller.url));
  try {
    await assert.rejects(connection.bind(READER, ''), { code: 'configuration' });
    assert.equal(controller.stats.connections, 0);
  } finally {
    connection.close();
    await controller.close();
  }
});

test('what a failure means', () => {
  const referral = Object.assign(new NoSuchObjectError('r'), { code: 10 });
  for (const error of [new BusyError('b'), new UnavailableError('u'), referral, new Error('Connection timeout')]) {
    assert.equal(failureKind(error), 'transport');
  }
  for (const error of [new NoSuchObjectError('n'), new InvalidCredentialsError('i')]) {
    assert.equal(failureKind(error), 'refused');
  }
});

test('the sub-code of a refused bind', () => {
  const text = (data: string) =>
    `80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data ${data}, v1db1`;
  assert.equal(rejectedReason(new InvalidCredentialsError(text('52e'))), '52e');
  assert.equal(rejectedReason(new InvalidCredentialsError(text('775'))), '775');
  assert.equal(rejectedReason(new InvalidCredentialsError('no')), 'unknown');
  assert.equal(rejectedReason(new BusyError(text('52e'))), undefined);
  assert.equal(rejectedReason(new Error('x')), undefined);
  assert.match(explainBindCode('775'), /locked out/);
  assert.match(explainBindCode('abc'), /^abc: credentials refused$/);
});

test('the text of a failure is never empty', () => {
  assert.equal(failureText(new AggregateError([new Error('a'), new Error('b')])), 'a; b');
  assert.equal(failureText(Object.assign(new Error(''), { code: 'ECONNRESET' })), 'ECONNRESET');
  assert.equal(failureText(new DirectoryError('unreachable', 'x')), 'x');
  assert.equal(failureText('text'), 'text');
});

test('the host of a URL', () => {
  assert.equal(controllerHost('ldaps://dc1.contoso.test:636'), 'dc1.contoso.test');
  assert.equal(controllerHost('ldap://[::1]:389/'), '::1');
});
