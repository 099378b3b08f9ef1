// A hand-written endpoint mapper for tests. It shares no code with the client: it checks the request byte by byte against the layout
// in [C706] and builds its answers from hex of its own, and it can misbehave in the ways a network does.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

export interface Registration {
  readonly uuid: string;
  readonly major: number;
  readonly minor: number;
  readonly port: number;
  readonly address?: string;
}

export interface FakeBehaviour {
  readonly registrations?: readonly Registration[];
  /** Bytes of stub per response fragment; the whole answer in one when absent. */
  readonly fragmentBytes?: number;
  /** Write the answers this many bytes at a time. */
  readonly drip?: number;
  readonly bindReply?: (good: Buffer, socket: Socket) => Buffer | undefined;
  readonly mapReply?: (good: Buffer, socket: Socket) => Buffer | undefined;
  /** Answer in big-endian NDR. */
  readonly bigEndian?: boolean;
  /** The status of the call itself. */
  readonly status?: number;
}

export interface FakeEndpointMapper {
  readonly port: number;
  readonly requests: number;
  close(): Promise<void>;
}

/** Starts one on 127.0.0.1 and an ephemeral port. */
export async function startFakeEndpointMapper(behaviour: FakeBehaviour): Promise<FakeEndpointMapper> {
  const sockets = new Set<Socket>();
  let requests = 0;
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    let pending: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 16 && pending.length >= pending.readUInt16LE(8)) {
        const pdu = pending.subarray(0, pending.readUInt16LE(8));
        pending = pending.subarray(pdu.length);
        requests++;
        void send(socket, answer(pdu, socket, behaviour), behaviour.drip);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get requests() {
      return requests;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function send(socket: Socket, bytes: Buffer | undefined, drip: number | undefined): Promise<void> {
  if (bytes === undefined) return;
  const step = drip ?? bytes.length;
  for (let at = 0; at < bytes.length && !socket.destroyed; at += step) {
    socket.write(bytes.subarray(at, at + step));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function answer(pdu: Buffer, socket: Socket, behaviour: FakeBehaviour): Buffer | undefined {
  const call = pdu.readUInt32LE(12);
  if (pdu[2] === 11) {
    checkBind(pdu);
    const good = bindAck(call, behaviour.bigEndian ?? false);
    return behaviour.bindReply ? behaviour.bindReply(good, socket) : good;
  }
  assert.equal(pdu[2], 0, 'a request');
  const asked = checkMapRequest(pdu);
  const found = (behaviour.registrations ?? []).filter(
    (r) => r.uuid === asked.uuid && r.major === asked.major && r.minor >= asked.minor,
  );
  const status = behaviour.status ?? (found.length > 0 ? 0 : 0x16c9a0d6);
  const stub = mapStub(found, status, behaviour.bigEndian ?? false);
  const good = Buffer.concat(responses(call, stub, behaviour.fragmentBytes ?? 5000, behaviour.bigEndian ?? false));
  return behaviour.mapReply ? behaviour.mapReply(good, socket) : good;
}

function header(type: number, flags: number, call: number, bodyLength: number, bigEndian: boolean): Buffer {
  const head = Buffer.alloc(16);
  head[0] = 5;
  head[2] = type;
  head[3] = flags;
  head[4] = bigEndian ? 0 : 0x10;
  u16(head, 8, 16 + bodyLength, bigEndian);
  u32(head, 12, call, bigEndian);
  return head;
}

function u16(bytes: Buffer, at: number, value: number, bigEndian: boolean): void {
  if (bigEndian) bytes.writeUInt16BE(value, at);
  else bytes.writeUInt16LE(value, at);
}

function u32(bytes: Buffer, at: number, value: number, bigEndian: boolean): void {
  if (bigEndian) bytes.writeUInt32BE(value, at);
  else bytes.writeUInt32LE(value, at);
}

/** A bind_ack as Windows sends it: secondary address "135", one accepted context. */
export function bindAck(call: number, bigEndian = false, result = 0, reason = 0): Buffer {
  const body = Buffer.alloc(44);
  u16(body, 0, 5840, bigEndian);
  u16(body, 2, 5840, bigEndian);
  u32(body, 4, 0x1234, bigEndian);
  u16(body, 8, 4, bigEndian);
  body.write('135\0', 10, 'latin1');
  body[16] = 1; // 14 and 15 pad to a multiple of four
  u16(body, 20, result, bigEndian);
  u16(body, 22, reason, bigEndian);
  Buffer.from('045d888aeb1cc9119fe808002b104860', 'hex').copy(body, 24);
  u32(body, 40, 2, bigEndian);
  return Buffer.concat([header(12, 3, call, body.length, bigEndian), body]);
}

export function fault(call: number, status: number): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(status, 8);
  return Buffer.concat([header(3, 3, call, body.length, false), body]);
}

function responses(call: number, stub: Buffer, size: number, bigEndian: boolean): Buffer[] {
  const out: Buffer[] = [];
  for (let at = 0; at < stub.length; at += size) {
    const part = stub.subarray(at, at + size);
    const flags = (at === 0 ? 1 : 0) | (at + size >= stub.length ? 2 : 0);
    const head = Buffer.alloc(8);
    u32(head, 0, stub.length, bigEndian);
    out.push(header(2, flags, call, 8 + part.length, bigEndian), head, part);
  }
  return out;
}

function mapStub(found: readonly Registration[], status: number, bigEndian: boolean): Buffer {
  const head = Buffer.alloc(36);
  u32(head, 20, found.length, bigEndian);
  u32(head, 24, 32, bigEndian);
  u32(head, 32, found.length, bigEndian);
  const pointers = found.map((_, i) => number(3 + i, bigEndian));
  let stub = Buffer.concat([head, ...pointers]);
  for (const registration of found) {
    const octets = tower(registration);
    const padding = Buffer.alloc((4 - (stub.length % 4)) % 4);
    stub = Buffer.concat([stub, padding, number(octets.length, bigEndian), number(octets.length, bigEndian), octets]);
  }
  return Buffer.concat([stub, Buffer.alloc((4 - (stub.length % 4)) % 4), number(status, bigEndian)]);
}

function number(value: number, bigEndian: boolean): Buffer {
  const bytes = Buffer.alloc(4);
  u32(bytes, 0, value, bigEndian);
  return bytes;
}

function wireUuid(uuid: string): string {
  const [a = '', b = '', c = '', d = '', e = ''] = uuid.split('-');
  const reverse = (hex: string): string => (hex.match(/../g) ?? []).reverse().join('');
  return reverse(a) + reverse(b) + reverse(c) + d + e;
}

function tower({ uuid, major, minor, port, address }: Registration): Buffer {
  const le = (value: number): string => Buffer.from([value & 255, value >> 8]).toString('hex');
  const be = (value: number): string => Buffer.from([value >> 8, value & 255]).toString('hex');
  const ip = Buffer.from((address ?? '0.0.0.0').split('.').map(Number)).toString('hex');
  const floors = [
    `13000d${wireUuid(uuid)}${le(major)}0200${le(minor)}`,
    '13000d045d888aeb1cc9119fe808002b104860020002000000',
    '01000b02000000',
    `0100070200${be(port)}`,
    `0100090400${ip}`,
  ];
  return Buffer.from(`0500${floors.join('')}`, 'hex');
}

function checkBind(pdu: Buffer): void {
  assert.equal(pdu.length, 72, 'a bind with one context and one transfer syntax');
  assert.equal(pdu.subarray(0, 8).toString('hex'), '05000b0310000000');
  assert.equal(pdu.readUInt16LE(10), 0, 'no authentication');
  assert.equal(pdu.subarray(24, 32).toString('hex'), '0100000000000100', 'one element, context 0, one transfer syntax');
  assert.equal(pdu.subarray(32, 52).toString('hex'), '0883afe11f5dc91191a408002b14a0fa03000000', 'epmapper 3.0');
  assert.equal(pdu.subarray(52, 72).toString('hex'), '045d888aeb1cc9119fe808002b10486002000000', 'NDR 2');
}

function checkMapRequest(pdu: Buffer): { uuid: string; major: number; minor: number } {
  assert.equal(pdu.readUInt16LE(20), 0, 'context 0');
  assert.equal(pdu.readUInt16LE(22), 3, 'ept_map');
  const stub = pdu.subarray(24);
  assert.equal(pdu.readUInt32LE(16), stub.length, 'allocation hint');
  assert.equal(stub.length, 132);
  assert.notEqual(stub.readUInt32LE(0), 0, 'object pointer');
  assert.equal(stub.subarray(4, 20).toString('hex'), '00'.repeat(16), 'nil object');
  assert.notEqual(stub.readUInt32LE(20), 0, 'tower pointer');
  assert.equal(stub.readUInt32LE(24), 75);
  assert.equal(stub.readUInt32LE(28), 75);
  const asked = stub.subarray(32, 107);
  assert.equal(asked.subarray(0, 5).toString('hex'), '050013000d');
  assert.equal(
    asked.subarray(27).toString('hex'),
    '13000d045d888aeb1cc9119fe808002b10486002000200000001000b02000000010007020000000100090400' + '00000000',
  );
  assert.equal(stub.subarray(108, 128).toString('hex'), '00'.repeat(20), 'fresh entry handle');
  assert.ok(stub.readUInt32LE(128) > 0, 'room for towers');
  const hex = asked.subarray(5, 21);
  const part = (from: number, to: number): string => Buffer.from(hex.subarray(from, to)).reverse().toString('hex');
  const uuid = `${part(0, 4)}-${part(4, 6)}-${part(6, 8)}-${hex.toString('hex', 8, 10)}-${hex.toString('hex', 10)}`;
  return { uuid, major: asked.readUInt16LE(21), minor: asked.readUInt16LE(25) };
}
