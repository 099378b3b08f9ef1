// Bytes over a TLS socket, as no client library would send them, and what came back.
import { connect as connectPlain } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { basic, PASSWORD } from '../../../helpers/running-service.ts';

/** One row of the battery. */
export interface HostileCase {
  readonly name: string;
  /** The bytes, or what to do with an open socket. */
  readonly send: Buffer | string | ((socket: Duplex) => void);
  /** HTTP status of each answer on the connection; none when it is closed without one. */
  readonly status: readonly number[];
  /** What the protocol says: a POX code, a SOAP code, a JSON code, a TLS alert. Absent: the answers' bodies are empty, or nothing came. */
  readonly says?: string;
  /** Sent without TLS to the TLS port. */
  readonly plain?: boolean;
  /** The client sends its end right after the bytes. */
  readonly halfClose?: boolean;
}

export interface Received {
  readonly status: readonly number[];
  /** What the bodies say, in the words of the table; of a connection without TLS to the port of TLS, what its records say. */
  readonly says: string | undefined;
}

export const ALICE = basic('alice@contoso.test', PASSWORD);

export interface Fields {
  readonly method?: string;
  readonly version?: string;
  /** Header lines beside Host, Authorization and Connection. */
  readonly headers?: readonly string[];
  readonly authorization?: string | false;
  readonly host?: string | false;
  readonly connection?: string;
  /** false leaves Content-Length out. */
  readonly length?: number | string | false;
}

/** A request as bytes. */
export function http(target: string, body: Buffer | string = '', fields: Fields = {}): Buffer {
  const content = Buffer.from(body);
  const {
    method = content.length > 0 ? 'POST' : 'GET',
    version = 'HTTP/1.1',
    headers = [],
    authorization = ALICE,
  } = fields;
  const { host = 'autodiscover.contoso.test', connection = 'close', length = content.length } = fields;
  const lines = [
    `${method} ${target} ${version}`,
    ...(host === false ? [] : [`Host: ${host}`]),
    ...(authorization === false ? [] : [`Authorization: ${authorization}`]),
    `Connection: ${connection}`,
    ...(length === false || (content.length === 0 && length === 0) ? [] : [`Content-Length: ${length}`]),
    ...headers,
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), content]);
}

/** How a listener is reached. */
export interface Way {
  readonly port: number;
  /** Of its certificate; absent where it has none. */
  readonly ca?: string;
  /** Sent before everything else, outside of TLS. */
  readonly preface?: string;
}

/** Sends a case and reads until the server closes. */
export function exchange({ port, ca, preface }: Way, one: HostileCase, timeoutMs: number): Promise<Received> {
  const isPlain = one.plain || ca === undefined;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const underneath = connectPlain({ port, host: '127.0.0.1' });
    if (preface !== undefined) underneath.write(preface);
    const socket = isPlain ? underneath : connect({ socket: underneath, ca, servername: 'localhost' });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`${one.name}: the server did not close within ${timeoutMs} ms; so far ${shown(chunks)}`));
    }, timeoutMs);
    socket.on(isPlain ? 'connect' : 'secureConnect', () => {
      if (typeof one.send === 'function') one.send(socket);
      else socket.write(one.send);
      if (one.halfClose) socket.end();
    });
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A server that refuses the rest of what is sent may reset the connection after its answer.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      const bytes = Buffer.concat(chunks);
      resolve(
        one.plain && ca !== undefined ? { status: [], says: sayingRecords(bytes) } : parse(bytes.toString('latin1')),
      );
    });
  });
}

function shown(chunks: readonly Buffer[]): string {
  return JSON.stringify(Buffer.concat(chunks).toString('latin1').slice(0, 300));
}

function parse(text: string): Received {
  const status: number[] = [];
  let bodies = '';
  for (const part of text.split(/(?=HTTP\/1\.1 \d{3} )/)) {
    const code = /^HTTP\/1\.1 (\d{3}) /.exec(part)?.[1];
    if (code === undefined) continue;
    status.push(Number(code));
    const end = part.indexOf('\r\n\r\n');
    bodies += end < 0 ? '' : part.slice(end + 4);
  }
  return { status, says: saying(bodies) };
}

/** What a body says, in the words of the table. */
function saying(bodies: string): string | undefined {
  if (bodies === '') return undefined;
  const found = [
    [/<ErrorCode>(\d+)<\/ErrorCode>/, 'pox '],
    [/<faultcode[^>]*>([^<]+)</, 'fault '],
    [/<[\w:]*Value[^>]*>([\w]+:[\w]+)<\/[\w:]*Value>/, 'fault '],
    [/<ErrorCode[^>]*>(?!NoError)(\w+)<\/ErrorCode>/, 'soap '],
    [/<Status>(\d+)<\/Status>/, 'phone '],
    [/"ErrorCode":"(\w+)"/, 'json '],
  ] as const;
  for (const [pattern, kind] of found) {
    const match = pattern.exec(bodies);
    if (match) return kind + match[1];
  }
  if (bodies.includes('<Type>EXCH</Type>')) return 'settings';
  if (/"Protocol":/.test(bodies)) return 'json url';
  if (bodies.includes('<UserSettings>')) return 'soap settings';
  if (/<UserSettings\s*\/>/.test(bodies)) return 'soap no settings';
  if (bodies.includes('<Type>MobileSync</Type>')) return 'phone settings';
  return `? ${bodies.slice(0, 80)}`;
}

/** AlertDescription (RFC 8446 6). */
const ALERTS: Readonly<Record<number, string>> = {
  10: 'unexpected_message',
  22: 'record_overflow',
  40: 'handshake_failure',
  47: 'illegal_parameter',
  50: 'decode_error',
  70: 'protocol_version',
  112: 'unrecognized_name',
  120: 'no_application_protocol',
};
/** Records of TLS 1.3 that are encrypted and yet part of a server's first flight: extensions, certificate, its proof, the end. */
const FLIGHT = 4;

/** What the records of TLS say; undefined when none came. */
function sayingRecords(bytes: Buffer): string | undefined {
  let encrypted = 0;
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) {
    const type = bytes[at];
    if (type === 21) return `alert ${ALERTS[bytes[at + 6] ?? 0] ?? bytes[at + 6]}`;
    if (type === 23) encrypted += 1;
  }
  if (bytes.length === 0) return undefined;
  return encrypted > FLIGHT ? 'hello, then an alert' : 'hello';
}
