// The endpoint mapper's ept_map call as bytes: the request's tower and the answer's list of towers. Pure.
// [C706] appendix L Towers, [C706] appendix O ept_map, [MS-RPCE] 2.2.1.2 ept_map.

import { NdrReader, uuidBytes } from './ndr-reader.ts';
import { NDR_SYNTAX, type RpcSyntax } from './rpc-pdu.ts';

/** The endpoint mapper's own interface. [C706] appendix O ept_map */
export const ENDPOINT_MAPPER: RpcSyntax = {
  interfaceId: 'e1af8308-5d1f-11c9-91a4-08002b14a0fa',
  version: { major: 3, minor: 0 },
};
/** ept_map is the fourth operation of the interface. */
export const EPT_MAP_OPNUM = 3;
/** ept_s_not_registered. [C706] appendix E status */
export const EPT_NOT_REGISTERED = 0x16c9a0d6;

/** Limits on an answer. */
export const EPT_LIMITS = { towers: 32, towerBytes: 1024, floors: 8 } as const;

/** Protocol identifiers of tower floors. [C706] appendix I Identifiers */
const FLOOR = { uuid: 0x0d, connectionOriented: 0x0b, tcp: 0x07, ip: 0x09 } as const;

/** A TCP port on which an interface is registered. `address` is what the server wrote, absent when 0.0.0.0. */
export interface TcpEndpoint {
  readonly port: number;
  readonly address: string | undefined;
}

/** A decoded answer: the call's own status (0 is success) and the TCP towers for the interface asked. */
export type EptMapReply =
  | { readonly status: number; readonly endpoints: readonly TcpEndpoint[] }
  | { readonly malformed: string };

function floor(left: Buffer, right: Buffer): Buffer {
  const lengths = [left, right].map((part) => {
    const length = Buffer.alloc(2);
    length.writeUInt16LE(part.length);
    return length;
  });
  return Buffer.concat([lengths[0] ?? left, left, lengths[1] ?? right, right]);
}

function syntaxFloor({ interfaceId, version }: RpcSyntax): Buffer {
  const left = Buffer.alloc(19);
  left.writeUInt8(FLOOR.uuid, 0);
  uuidBytes(interfaceId).copy(left, 1);
  left.writeUInt16LE(version.major, 17);
  const right = Buffer.alloc(2);
  right.writeUInt16LE(version.minor);
  return floor(left, right);
}

/** A tower for the interface over ncacn_ip_tcp. A request leaves port and address zero. */
export function renderTower(syntax: RpcSyntax, port = 0, address: readonly number[] = [0, 0, 0, 0]): Buffer {
  const portBytes = Buffer.alloc(2);
  portBytes.writeUInt16BE(port); // the port alone is in network order
  return Buffer.concat([
    Buffer.from([5, 0]),
    syntaxFloor(syntax),
    syntaxFloor(NDR_SYNTAX),
    floor(Buffer.from([FLOOR.connectionOriented]), Buffer.alloc(2)),
    floor(Buffer.from([FLOOR.tcp]), portBytes),
    floor(Buffer.from([FLOOR.ip]), Buffer.from(address)),
  ]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** The stub of an ept_map request. The object is the nil UUID behind a pointer, as Windows' own run-time sends it. */
export function renderEptMapRequest(syntax: RpcSyntax): Buffer {
  const tower = renderTower(syntax);
  return Buffer.concat([
    u32(1),
    Buffer.alloc(16),
    u32(2),
    u32(tower.length),
    u32(tower.length),
    tower,
    Buffer.alloc((4 - (tower.length % 4)) % 4),
    Buffer.alloc(20), // entry handle: a fresh search
    u32(EPT_LIMITS.towers),
  ]);
}

/** Reads the stub of an ept_map response. Towers for other interfaces or transports are left out. Total: any bytes give a value. */
export function parseEptMapResponse(stub: Buffer, littleEndian: boolean, asked: RpcSyntax): EptMapReply {
  const reader = new NdrReader(stub, littleEndian);
  reader.bytes(20, 'entry handle');
  reader.u32('number of towers');
  reader.u32('array size');
  if (reader.u32('array offset') !== 0) reader.fail('tower array does not start at 0');
  const count = reader.u32('array length');
  if (count > EPT_LIMITS.towers) reader.fail(`${count} towers, asked for at most ${EPT_LIMITS.towers}`);
  const referents: number[] = [];
  for (let i = 0; i < count && reader.fault === undefined; i++) referents.push(reader.u32(`tower pointer ${i}`));
  const endpoints: TcpEndpoint[] = [];
  for (const referent of referents) {
    if (referent === 0 || reader.fault !== undefined) continue;
    const endpoint = readTower(reader, asked);
    if (endpoint === undefined) continue;
    if (!endpoints.some((e) => e.port === endpoint.port && e.address === endpoint.address)) endpoints.push(endpoint);
  }
  reader.align(4);
  const status = reader.u32('status');
  return reader.fault === undefined ? { status, endpoints } : { malformed: reader.fault };
}

function readTower(reader: NdrReader, asked: RpcSyntax): TcpEndpoint | undefined {
  reader.align(4);
  const size = reader.u32('tower size');
  const length = reader.u32('tower length');
  if (length !== size || length > EPT_LIMITS.towerBytes) {
    reader.fail(`tower of ${length} bytes in an array of ${size}, at most ${EPT_LIMITS.towerBytes}`);
  }
  const start = reader.offset;
  const tower = new NdrReader(reader.bytes(length, 'tower'), true); // inside a tower integers are always little-endian
  if (reader.fault !== undefined) return undefined;
  const endpoint = readFloors(tower, asked);
  if (tower.fault !== undefined) reader.fail(`tower at ${start}, ${tower.fault}`);
  return endpoint;
}

function readFloors(tower: NdrReader, asked: RpcSyntax): TcpEndpoint | undefined {
  const floors = tower.u16('number of floors');
  if (floors > EPT_LIMITS.floors) tower.fail(`${floors} floors, at most ${EPT_LIMITS.floors}`);
  let matches = false;
  let port: number | undefined;
  let address: string | undefined;
  for (let i = 0; i < floors && tower.fault === undefined; i++) {
    const left = tower.bytes(tower.u16(`floor ${i + 1} left length`), `floor ${i + 1} left side`);
    const right = tower.bytes(tower.u16(`floor ${i + 1} right length`), `floor ${i + 1} right side`);
    if (i === 0) matches = isInterface(left, asked);
    if (left[0] === FLOOR.tcp && right.length === 2) port = right.readUInt16BE();
    if (left[0] === FLOOR.ip && right.length === 4 && right.some((byte) => byte !== 0)) address = right.join('.');
  }
  return matches && port !== undefined && port !== 0 && tower.fault === undefined ? { port, address } : undefined;
}

function isInterface(left: Buffer, asked: RpcSyntax): boolean {
  return (
    left.length === 19 &&
    left[0] === FLOOR.uuid &&
    left.subarray(1, 17).equals(uuidBytes(asked.interfaceId)) &&
    left.readUInt16LE(17) === asked.version.major
  );
}
