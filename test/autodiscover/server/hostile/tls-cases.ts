// TLS as no library sends it: hellos by hand, old versions, renegotiation, records out of order. None gets an HTTP answer; each gets the
// alert it deserves, in clear where no key was agreed upon.
import { connect, type SecureVersion, type TLSSocket } from 'node:tls';
import type { HostileCase } from './raw.ts';

const u8 = (n: number): Buffer => Buffer.from([n]);
const u16 = (n: number): Buffer => Buffer.from([n >> 8, n & 0xff]);
const u24 = (n: number): Buffer => Buffer.from([n >> 16, (n >> 8) & 0xff, n & 0xff]);
const vector = (size: (n: number) => Buffer, ...parts: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(parts);
  return Buffer.concat([size(content.length), content]);
};
const record = (type: number, content: Buffer, version = 0x0301): Buffer =>
  Buffer.concat([u8(type), u16(version), vector(u16, content)]);
const extension = (type: number, content: Buffer): Buffer => Buffer.concat([u16(type), vector(u16, content)]);

const RECORD = { cipherChange: 20, alert: 21, handshake: 22, data: 23, heartbeat: 24 } as const;
const serverName = (...names: readonly (string | Buffer)[]): Buffer =>
  extension(0, vector(u16, ...names.map((name) => Buffer.concat([u8(0), vector(u16, Buffer.from(name))]))));
/** TLS 1.3 and 1.2, with the signature algorithms and groups that a current client offers. */
const CURRENT: readonly Buffer[] = [
  extension(43, vector(u8, u16(0x0304), u16(0x0303))),
  extension(13, vector(u16, u16(0x0403), u16(0x0804), u16(0x0401))),
  extension(10, vector(u16, u16(0x001d), u16(0x0017))),
  extension(51, vector(u16, u16(0x001d), vector(u16, Buffer.alloc(32, 9)))),
];

interface Hello {
  readonly version?: number;
  readonly session?: Buffer;
  readonly ciphers?: readonly number[];
  readonly extensions?: readonly Buffer[];
}

/** A ClientHello message, without its record (RFC 8446 4.1.2). */
function hello({ version = 0x0303, session = Buffer.alloc(32, 1), ciphers, extensions = [] }: Hello): Buffer {
  const suites = (ciphers ?? [0x1301, 0xc02f, 0xc02b]).map(u16);
  const body = [
    u16(version),
    Buffer.alloc(32, 7),
    vector(u8, session),
    vector(u16, ...suites),
    vector(u8, u8(0)),
    vector(u16, ...extensions),
  ];
  return Buffer.concat([u8(1), vector(u24, ...body)]);
}

const greeting = (given: Hello = {}): Buffer =>
  record(RECORD.handshake, hello({ ...given, extensions: [...CURRENT, ...(given.extensions ?? [])] }));
const silent = (name: string, says: string, send: HostileCase['send']): HostileCase => ({
  name: `tls: ${name}`,
  send,
  status: [],
  plain: true,
  ...(says === 'nothing' ? {} : { says }),
});

const HELLOS: readonly HostileCase[] = [
  silent('a hello and then silence', 'hello', greeting()),
  silent(
    'the same hello a hundred times',
    'hello, then an alert',
    Buffer.concat(Array.from({ length: 100 }, () => greeting())),
  ),
  silent(
    'server name of 16,000 characters',
    'alert unrecognized_name',
    greeting({ extensions: [serverName('a'.repeat(16_000))] }),
  ),
  silent('server name of nothing', 'hello', greeting({ extensions: [serverName('')] })),
  silent(
    'server name with NUL',
    'alert unrecognized_name',
    greeting({ extensions: [serverName('localhost\0.evil.test')] }),
  ),
  silent('server name of a path', 'hello', greeting({ extensions: [serverName('../../etc/passwd')] })),
  silent(
    '500 server names',
    'alert decode_error',
    greeting({ extensions: [serverName(...Array<string>(500).fill('a.test'))] }),
  ),
  silent(
    'server name twice',
    'alert illegal_parameter',
    greeting({ extensions: [serverName('a.test'), serverName('b.test')] }),
  ),
  silent(
    'server name whose length lies',
    'alert decode_error',
    greeting({ extensions: [extension(0, Buffer.from('00ff000061', 'hex'))] }),
  ),
  silent(
    '3,000 extensions',
    'hello',
    greeting({ extensions: Array.from({ length: 3000 }, (_, n) => extension(0x5000 + n, u8(0))) }),
  ),
  silent(
    'a ticket of 15,000 random bytes',
    'hello',
    greeting({ extensions: [extension(35, Buffer.alloc(15_000, 0x5a))] }),
  ),
  silent('a session id beyond its limit', 'alert decode_error', greeting({ session: Buffer.alloc(200) })),
  silent('no cipher', 'alert decode_error', greeting({ ciphers: [] })),
  silent(
    'ciphers without encryption or authentication',
    'alert handshake_failure',
    greeting({ ciphers: [0x0000, 0x0001, 0x0002, 0x0034, 0xc010] }),
  ),
  silent('export ciphers', 'alert handshake_failure', greeting({ ciphers: [0x0003, 0x0006, 0x0008, 0x0014] })),
  silent(
    'protocol names of nonsense',
    'alert no_application_protocol',
    greeting({ extensions: [extension(16, vector(u16, vector(u8, Buffer.alloc(255, 0xff))))] }),
  ),
  silent('SSL 3.0', 'alert handshake_failure', record(RECORD.handshake, hello({ version: 0x0300 }), 0x0300)),
  silent('TLS 1.0', 'alert protocol_version', record(RECORD.handshake, hello({ version: 0x0301 }))),
  silent('TLS 1.1', 'alert protocol_version', record(RECORD.handshake, hello({ version: 0x0302 }))),
  silent(
    'a version that will never be',
    'alert protocol_version',
    record(RECORD.handshake, hello({ version: 0x7f7f, extensions: [extension(43, vector(u8, u16(0x7f7f)))] })),
  ),
  silent(
    'early data without a ticket',
    'hello',
    Buffer.concat([
      greeting({ extensions: [extension(42, Buffer.alloc(0))] }),
      record(RECORD.data, Buffer.alloc(4000, 0x41), 0x0303),
    ]),
  ),
  silent(
    'early data with a forged ticket',
    'hello',
    Buffer.concat([
      // The pre-shared key must come last.
      greeting({
        extensions: [
          extension(42, Buffer.alloc(0)),
          extension(45, vector(u8, u8(1))),
          extension(
            41,
            Buffer.concat([
              vector(u16, vector(u16, Buffer.alloc(200, 3)), Buffer.alloc(4)),
              vector(u16, vector(u8, Buffer.alloc(32))),
            ]),
          ),
        ],
      }),
      record(RECORD.data, Buffer.alloc(16_000, 0x41), 0x0303),
    ]),
  ),
];

const RECORDS: readonly HostileCase[] = [
  silent(
    'a hello of one-byte records',
    'hello',
    Buffer.concat([...hello({ extensions: CURRENT })].map((byte) => record(RECORD.handshake, u8(byte)))),
  ),
  silent(
    'a hello whose length is 16 MB',
    'alert illegal_parameter',
    record(RECORD.handshake, Buffer.from('01ffffff0303', 'hex')),
  ),
  silent(
    '5,000 empty records',
    'alert unexpected_message',
    Buffer.concat(Array.from({ length: 5000 }, () => record(RECORD.handshake, Buffer.alloc(0)))),
  ),
  silent(
    '5,000 warnings',
    'alert unexpected_message',
    Buffer.concat(Array.from({ length: 5000 }, () => record(RECORD.alert, Buffer.from([1, 90])))),
  ),
  silent('a fatal alert first', 'alert unexpected_message', record(RECORD.alert, Buffer.from([2, 40]))),
  silent('a cipher change first', 'alert unexpected_message', record(RECORD.cipherChange, u8(1))),
  silent(
    '5,000 cipher changes behind the hello',
    'hello, then an alert',
    Buffer.concat([greeting(), ...Array.from({ length: 5000 }, () => record(RECORD.cipherChange, u8(1)))]),
  ),
  silent(
    'application data first',
    'alert unexpected_message',
    record(RECORD.data, Buffer.from('GET / HTTP/1.1\r\n\r\n')),
  ),
  silent(
    'a heartbeat that asks for 65,535 bytes',
    'hello, then an alert',
    Buffer.concat([greeting(), record(RECORD.heartbeat, Buffer.from('01ffff', 'hex'))]),
  ),
  silent(
    'a server hello from the client',
    'alert unexpected_message',
    record(RECORD.handshake, Buffer.concat([u8(2), vector(u24, Buffer.alloc(80, 2))])),
  ),
  silent(
    'a finished message behind the hello',
    'hello, then an alert',
    Buffer.concat([greeting(), record(RECORD.handshake, Buffer.concat([u8(20), vector(u24, Buffer.alloc(12))]))]),
  ),
  silent('a hello byte by byte, 50 ms apart', 'nothing', (socket) => {
    const bytes = greeting();
    for (let n = 0; n < 60; n++)
      setTimeout(() => socket.writable && socket.write(bytes.subarray(n, n + 1)), n * 50).unref();
  }),
  silent('a hello whose sender resets', 'nothing', (socket) => void socket.write(greeting(), () => socket.destroy())),
];

/** What a real client is told that wants something the service does not do; the socket's own connection is left alone. */
export interface RefusedClient {
  readonly name: string;
  readonly options: {
    readonly minVersion?: SecureVersion;
    readonly maxVersion?: SecureVersion;
    readonly ciphers?: string;
  };
  /** Done when the handshake is complete. */
  readonly act?: (socket: TLSSocket) => void;
  /** Code of the client's error. */
  readonly error: RegExp;
}

export const REFUSED_CLIENTS: readonly RefusedClient[] = [
  {
    name: 'TLS 1.0 and 1.1 only',
    options: { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    error: /TLSV1_ALERT_PROTOCOL_VERSION/,
  },
  {
    name: 'ciphers without authentication only',
    options: { maxVersion: 'TLSv1.2', ciphers: 'aNULL@SECLEVEL=0' },
    error: /HANDSHAKE_FAILURE/,
  },
  {
    name: 'RC4 and 3DES only',
    options: { maxVersion: 'TLSv1.2', ciphers: 'CAMELLIA128-SHA:SEED-SHA:IDEA-CBC-SHA@SECLEVEL=0' },
    error: /HANDSHAKE_FAILURE|NO_CIPHER/,
  },
  {
    name: 'renegotiation',
    options: { maxVersion: 'TLSv1.2' },
    act: (socket) => socket.renegotiate({}, () => undefined),
    error: /NO_RENEGOTIATION/,
  },
];

/** Connects as a client that is to be refused, and resolves to the code of its error. */
export function refusalOf(port: number, ca: string, { options, act }: RefusedClient): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ca, servername: 'localhost', ...options }, () => {
      if (act) act(socket);
      else socket.destroy(new Error('the handshake was completed'));
    });
    socket.setTimeout(10_000, () => socket.destroy(new Error('nothing came')));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on('end', () => reject(new Error('closed without an alert')));
    socket.resume();
  });
}

export const TLS_CASES: readonly HostileCase[] = [...HELLOS, ...RECORDS];
