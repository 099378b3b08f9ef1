// An endpoint mapper for demo organisations: answers a bind and ept_map truly for the interfaces it was given, and nothing else.
// [C706] 12.6 PDUs, [C706] appendix O ept_map.

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { renderTower } from '../../autodiscover/client/ept-map.ts';
import { uuidBytes } from '../../autodiscover/client/ndr-reader.ts';
import { NDR_SYNTAX, type RpcSyntax } from '../../autodiscover/client/rpc-pdu.ts';

export interface Registration extends RpcSyntax {
  readonly port: number;
}

export interface StandIn {
  /** The loopback port it listens on. */
  readonly port: number;
  close(): Promise<void>;
}

const PTYPE = { request: 0, response: 2, fault: 3, bind: 11, bindAck: 12 } as const;
const HEADER = 16;
const EPT_MAP = 3;
const NOT_REGISTERED = 0x16c9a0d6;
const UNKNOWN_OPERATION = 0x1c010002;
const LIMITS = { pduBytes: 8192, towers: 32 } as const;
/** Where the asked tower lies in a request's stub: object pointer and UUID, tower pointer, and the two lengths come before it. */
const TOWER_OFFSET = 32;

/** Starts one on `host` (127.0.0.1 unless told) and `port` (a free one unless told). */
export async function startEndpointMapper(
  registrations: readonly Registration[],
  { host = '127.0.0.1', port = 0 }: { readonly host?: string; readonly port?: number } = {},
): Promise<StandIn> {
  return listen(
    createServer((socket) => serve(socket, registrations)),
    host,
    port,
  );
}

/** Something that accepts connections and keeps them open, silently: an RPC service as far as a connection test can tell. */
export async function startSilentService(host = '127.0.0.1', port = 0): Promise<StandIn> {
  return listen(
    createServer((socket) => void socket.on('error', () => socket.destroy())),
    host,
    port,
  );
}

async function listen(server: Server, host: string, port: number): Promise<StandIn> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function serve(socket: Socket, registrations: readonly Registration[]): void {
  let pending = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= HEADER) {
      const length = pending.readUInt16LE(8);
      if (pending[0] !== 5 || length < HEADER || length > LIMITS.pduBytes) return void socket.destroy();
      if (pending.length < length) return;
      const reply = answer(pending.subarray(0, length), registrations);
      pending = pending.subarray(length);
      if (reply === undefined) return void socket.destroy();
      socket.write(reply);
    }
  });
}

/** The reply to one PDU; undefined for what no client of an endpoint mapper sends. */
function answer(pdu: Buffer, registrations: readonly Registration[]): Buffer | undefined {
  const callId = pdu.readUInt32LE(12);
  if (pdu[2] === PTYPE.bind) return frame(PTYPE.bindAck, callId, bindAckBody());
  if (pdu[2] !== PTYPE.request || pdu.length < HEADER + 8) return undefined;
  if (pdu.readUInt16LE(HEADER + 6) !== EPT_MAP) return frame(PTYPE.fault, callId, faultBody(UNKNOWN_OPERATION));
  const asked = pdu.subarray(HEADER + 8 + TOWER_OFFSET);
  const found = registrations
    .filter((known) => sameInterface(asked, known))
    .slice(0, LIMITS.towers)
    .map((known) => renderTower(known, known.port));
  const stub = mapStub(found);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(stub.length, 0);
  return frame(PTYPE.response, callId, Buffer.concat([head, stub]));
}

/** Compares the first floor, interface and major version, of the asked tower with that of our own: two bytes of count, then the floor. */
function sameInterface(asked: Buffer, known: RpcSyntax): boolean {
  const own = renderTower(known);
  const floor = 2 + 2 + 19;
  return asked.length >= floor && asked.subarray(0, floor).equals(own.subarray(0, floor));
}

function frame(type: number, callId: number, body: Buffer): Buffer {
  const header = Buffer.from([5, 0, type, 3, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt16LE(HEADER + body.length, 8);
  header.writeUInt32LE(callId, 12);
  return Buffer.concat([header, body]);
}

/** Accepts the one context that was offered. [C706] 12.6.4.4 bind_ack */
function bindAckBody(): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt16LE(5840, 0);
  head.writeUInt16LE(5840, 2);
  head.writeUInt32LE(1, 4);
  head.writeUInt16LE(4, 8);
  head.write('135\0', 10, 'latin1');
  head.writeUInt8(1, 16); // after two bytes of padding: one result, accepted
  const version = Buffer.from([NDR_SYNTAX.version.major, 0, 0, 0]);
  return Buffer.concat([head, uuidBytes(NDR_SYNTAX.interfaceId), version]);
}

function faultBody(status: number): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(status, 8);
  return body;
}

/** Entry handle, the array of towers behind pointers, and the status of the call. */
function mapStub(towers: readonly Buffer[]): Buffer {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  const parts: Buffer[] = [
    Buffer.alloc(20),
    number(towers.length),
    number(LIMITS.towers),
    number(0),
    number(towers.length),
  ];
  towers.forEach((_, at) => void parts.push(number(3 + at)));
  for (const tower of towers) {
    parts.push(number(tower.length), number(tower.length), tower, Buffer.alloc((4 - (tower.length % 4)) % 4));
  }
  parts.push(number(towers.length > 0 ? 0 : NOT_REGISTERED));
  return Buffer.concat(parts);
}
