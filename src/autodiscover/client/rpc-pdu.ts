// The few PDUs of connection-oriented DCE/RPC that one unauthenticated call needs: bind and request out; bind_ack, bind_nak, response
// and fault in. Pure: bytes to values and back. [C706] 12.6 PDUs of connections, [MS-RPCE] 2.2.2 PDUs.
import { NdrReader, uuidBytes } from './ndr-reader.ts';

/** Limits on what a server may send us. A longer fragment cannot be announced: its length is 16 bits. */
export const RPC_LIMITS = {
  /** Largest fragment we offer to receive; what Windows and Samba both use. */
  fragmentBytes: 5840,
  /** Fragments of one answer. */
  fragments: 64,
  /** Stub bytes of one answer, all fragments together. */
  stubBytes: 256 * 1024,
} as const;

const PDU_HEADER_BYTES = 16;

const PTYPE = { request: 0, response: 2, fault: 3, bind: 11, bindAck: 12, bindNak: 13 } as const;
const FIRST_FRAGMENT = 0x01;
const LAST_FRAGMENT = 0x02;
/** Little-endian integers, ASCII, IEEE floats. */
const LITTLE_ENDIAN_LABEL = Buffer.from([0x10, 0, 0, 0]);

/** An interface or transfer syntax: its UUID and version. */
export interface RpcSyntax {
  readonly interfaceId: string;
  readonly version: { readonly major: number; readonly minor: number };
}

/** NDR, the only transfer syntax offered. [C706] 14 NDR */
export const NDR_SYNTAX: RpcSyntax = {
  interfaceId: '8a885d04-1ceb-11c9-9fe8-08002b104860',
  version: { major: 2, minor: 0 },
};

function pdu(type: number, callId: number, body: Buffer): Buffer {
  const header = Buffer.alloc(PDU_HEADER_BYTES);
  header.writeUInt8(5, 0);
  header.writeUInt8(type, 2);
  header.writeUInt8(FIRST_FRAGMENT | LAST_FRAGMENT, 3);
  LITTLE_ENDIAN_LABEL.copy(header, 4);
  header.writeUInt16LE(PDU_HEADER_BYTES + body.length, 8);
  header.writeUInt32LE(callId, 12);
  return Buffer.concat([header, body]);
}

function syntaxBytes({ interfaceId, version }: RpcSyntax): Buffer {
  const numbers = Buffer.alloc(4);
  numbers.writeUInt16LE(version.major, 0);
  numbers.writeUInt16LE(version.minor, 2);
  return Buffer.concat([uuidBytes(interfaceId), numbers]);
}

/** A bind that offers one presentation context (id 0) for the interface, without authentication. [C706] 12.6.4.3 bind */
export function renderBind(callId: number, syntax: RpcSyntax): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt16LE(RPC_LIMITS.fragmentBytes, 0);
  head.writeUInt16LE(RPC_LIMITS.fragmentBytes, 2);
  head.writeUInt8(1, 8); // one context element; the association group stays 0: a new one
  head.writeUInt8(1, 14); // of one transfer syntax; the context id at 12 stays 0
  return pdu(PTYPE.bind, callId, Buffer.concat([head, syntaxBytes(syntax), syntaxBytes(NDR_SYNTAX)]));
}

/** A request on presentation context 0. The stub must fit in one fragment. [C706] 12.6.4.9 request */
export function renderRequest(callId: number, opnum: number, stub: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(stub.length, 0);
  head.writeUInt16LE(opnum, 6);
  return pdu(PTYPE.request, callId, Buffer.concat([head, stub]));
}

/** What one fragment from the server says. */
export type RpcPdu =
  | { readonly type: 'bind-ack'; readonly accepted: true }
  | { readonly type: 'bind-refused'; readonly reason: string }
  | { readonly type: 'response'; readonly stub: Buffer; readonly last: boolean; readonly littleEndian: boolean }
  | { readonly type: 'fault'; readonly status: number }
  | { readonly type: 'malformed'; readonly reason: string };

/**
 * The length of the PDU at the start of `bytes`: a number once it is known, undefined while too little has arrived, or a text that
 * says why these bytes are no DCE/RPC. Judges after the first byte, so that a web or mail server on the port is recognised at once.
 */
export function pduLength(bytes: Buffer): number | string | undefined {
  if (bytes.length > 0 && bytes[0] !== 5) return `offset 0: RPC version ${bytes[0]}, expected 5`;
  if (bytes.length > 1 && (bytes[1] ?? 0) > 1) return `offset 1: RPC minor version ${bytes[1]}, expected 0 or 1`;
  if (bytes.length < 10) return undefined;
  const length = isLittleEndian(bytes) ? bytes.readUInt16LE(8) : bytes.readUInt16BE(8);
  if (length < PDU_HEADER_BYTES) return `offset 8: fragment length ${length} is shorter than its own header`;
  return length;
}

function isLittleEndian(bytes: Buffer): boolean {
  return ((bytes[4] ?? 0) & 0xf0) === 0x10;
}

/** Reads one whole PDU, as cut by `pduLength`, that should answer `callId`. Total: any bytes give a value. */
export function parsePdu(bytes: Buffer, callId: number): RpcPdu {
  const littleEndian = isLittleEndian(bytes);
  const reader = new NdrReader(bytes, littleEndian);
  reader.bytes(2, 'RPC version');
  const type = reader.u8('packet type');
  const flags = reader.u8('packet flags');
  reader.bytes(4, 'data representation');
  reader.u16('fragment length');
  const authLength = reader.u16('authentication length');
  const answers = reader.u32('call id');
  if (authLength !== 0) reader.fail(`authentication data of ${authLength} bytes on an unauthenticated call`);
  if (answers !== callId) reader.fail(`call id ${answers}, expected ${callId}`);
  const found = parseBody(reader, type, flags, littleEndian);
  return reader.fault === undefined ? found : { type: 'malformed', reason: reader.fault };
}

function parseBody(reader: NdrReader, type: number, flags: number, littleEndian: boolean): RpcPdu {
  switch (type) {
    case PTYPE.bindAck:
      return parseBindAck(reader);
    case PTYPE.bindNak:
      return { type: 'bind-refused', reason: `reject reason ${reader.u16('reject reason')}` };
    case PTYPE.response: {
      reader.bytes(8, 'response head');
      const stub = reader.bytes(reader.remaining, 'stub');
      return { type: 'response', stub, last: (flags & LAST_FRAGMENT) !== 0, littleEndian };
    }
    case PTYPE.fault:
      reader.bytes(8, 'fault head');
      return { type: 'fault', status: reader.u32('fault status') };
    default:
      return { type: 'malformed', reason: `offset 2: packet type ${type} answers neither a bind nor a request` };
  }
}

function parseBindAck(reader: NdrReader): RpcPdu {
  reader.bytes(8, 'fragment sizes and association group');
  reader.bytes(reader.u16('secondary address length'), 'secondary address');
  reader.align(4);
  const results = reader.u8('number of results');
  reader.bytes(3, 'reserved');
  if (results !== 1) reader.fail(`${results} context results, expected 1`);
  const result = reader.u16('context result');
  const reason = reader.u16('context reason');
  reader.bytes(20, 'transfer syntax');
  if (result === 0) return { type: 'bind-ack', accepted: true };
  return { type: 'bind-refused', reason: `context result ${result}, reason ${reason}` };
}
