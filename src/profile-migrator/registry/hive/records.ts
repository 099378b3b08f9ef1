// Key nodes (nk), value records (vk) and the lists that join them, decoded one at a time from a hive image.

import { corrupt, type HiveImage, hex } from './hive-image.ts';
import { HIVE_LIMITS } from './limits.ts';

/** nk fields at these offsets into the record, used by the writer too. */
export const NK = {
  FLAGS: 2,
  LAST_WRITTEN: 4,
  PARENT: 16,
  SUBKEY_COUNT: 20,
  SUBKEY_LIST: 28,
  VALUE_COUNT: 36,
  VALUE_LIST: 40,
  SECURITY: 44,
  CLASS_NAME: 48,
  LARGEST_VALUE_NAME: 60,
  LARGEST_VALUE_DATA: 64,
  NAME_LENGTH: 72,
  CLASS_LENGTH: 74,
  NAME: 76,
} as const;
const NK_NAME_IS_LATIN1 = 0x20;

/** vk fields. */
export const VK = { NAME_LENGTH: 2, SIZE: 4, DATA: 8, TYPE: 12, FLAGS: 16, NAME: 20 } as const;
export const VK_NAME_IS_LATIN1 = 1;
/** In vk's size: up to four bytes of data stand in the record itself. */
export const VK_INLINE = 0x80000000;

export interface KeyNode {
  readonly cell: number;
  readonly name: string;
  readonly subkeyCount: number;
  readonly subkeyList: number;
  readonly valueCount: number;
  readonly valueList: number;
  readonly security: number;
  readonly className: number;
  readonly classLength: number;
}

export interface ValueRecord {
  readonly cell: number;
  readonly name: string;
  readonly type: number;
  /** Data bytes, without the inline mark. */
  readonly size: number;
  readonly inline: boolean;
  /** Cell of the data; meaningless when inline or empty. */
  readonly dataCell: number;
}

export function readKeyNode(image: HiveImage, cell: number): KeyNode {
  const length = image.contentLength(cell, 'key');
  const { bytes } = image;
  const at = image.position(cell);
  if (length < NK.NAME || bytes.readUInt16LE(at) !== 0x6b6e) throw corrupt(`key at ${hex(cell)}: no nk record`);
  const nameLength = bytes.readUInt16LE(at + NK.NAME_LENGTH);
  if (nameLength > HIVE_LIMITS.keyNameBytes || NK.NAME + nameLength > length) {
    throw corrupt(`key at ${hex(cell)}: name of ${nameLength} bytes does not fit its cell of ${length}`);
  }
  const latin1 = (bytes.readUInt16LE(at + NK.FLAGS) & NK_NAME_IS_LATIN1) !== 0;
  return {
    cell,
    name: readName(bytes, at + NK.NAME, nameLength, latin1, `key at ${hex(cell)}`),
    subkeyCount: bytes.readUInt32LE(at + NK.SUBKEY_COUNT),
    subkeyList: bytes.readUInt32LE(at + NK.SUBKEY_LIST),
    valueCount: bytes.readUInt32LE(at + NK.VALUE_COUNT),
    valueList: bytes.readUInt32LE(at + NK.VALUE_LIST),
    security: bytes.readUInt32LE(at + NK.SECURITY),
    className: bytes.readUInt32LE(at + NK.CLASS_NAME),
    classLength: bytes.readUInt16LE(at + NK.CLASS_LENGTH),
  };
}

export function readValueRecord(image: HiveImage, cell: number): ValueRecord {
  const length = image.contentLength(cell, 'value');
  const { bytes } = image;
  const at = image.position(cell);
  if (length < VK.NAME || bytes.readUInt16LE(at) !== 0x6b76) throw corrupt(`value at ${hex(cell)}: no vk record`);
  const nameLength = bytes.readUInt16LE(at + VK.NAME_LENGTH);
  if (nameLength > HIVE_LIMITS.valueNameBytes || VK.NAME + nameLength > length) {
    throw corrupt(`value at ${hex(cell)}: name of ${nameLength} bytes does not fit its cell of ${length}`);
  }
  const latin1 = (bytes.readUInt16LE(at + VK.FLAGS) & VK_NAME_IS_LATIN1) !== 0;
  const rawSize = bytes.readUInt32LE(at + VK.SIZE);
  const inline = rawSize >= VK_INLINE;
  const size = inline ? rawSize - VK_INLINE : rawSize;
  if (inline && size > 4) throw corrupt(`value at ${hex(cell)}: ${size} bytes cannot stand in the record itself`);
  return {
    cell,
    name: readName(bytes, at + VK.NAME, nameLength, latin1, `value at ${hex(cell)}`),
    type: bytes.readUInt32LE(at + VK.TYPE),
    size,
    inline,
    dataCell: bytes.readUInt32LE(at + VK.DATA),
  };
}

function readName(bytes: Buffer, at: number, length: number, latin1: boolean, what: string): string {
  if (latin1) return bytes.toString('latin1', at, at + length);
  if (length % 2 !== 0) throw corrupt(`${what}: UTF-16 name of ${length} bytes`);
  return bytes.toString('utf16le', at, at + length);
}

/** Cell offsets of a key's value records, in stored order. */
export function valueCells(image: HiveImage, key: KeyNode): number[] {
  if (key.valueCount === 0) return [];
  const what = `value list of key at ${hex(key.cell)}`;
  const length = image.contentLength(key.valueList, what);
  if (key.valueCount * 4 > length)
    throw corrupt(`${what}: ${key.valueCount} values do not fit a cell of ${length} bytes`);
  const at = image.position(key.valueList);
  return Array.from({ length: key.valueCount }, (_, i) => image.bytes.readUInt32LE(at + 4 * i));
}

/**
 * Cell offsets of a key's subkeys in stored order, from any mix of li, lf, lh and one level of ri.
 * `visit` sees each list cell, for those who count cells.
 */
export function subkeyCells(
  image: HiveImage,
  key: Pick<KeyNode, 'cell' | 'subkeyCount' | 'subkeyList'>,
  visit?: (listCell: number) => void,
): number[] {
  if (key.subkeyCount === 0) return [];
  const what = `subkey list of key at ${hex(key.cell)}`;
  const top = listHead(image, key.subkeyList, what);
  visit?.(key.subkeyList);
  const cells: number[] = [];
  if (top.kind !== 'ri') {
    pushEntries(image, key.subkeyList, top, cells);
  } else {
    const at = image.position(key.subkeyList) + 4;
    for (let i = 0; i < top.count; i++) {
      const leaf = image.bytes.readUInt32LE(at + 4 * i);
      const head = listHead(image, leaf, what);
      if (head.kind === 'ri') throw corrupt(`${what}: ri list at ${hex(leaf)} inside another ri list`);
      visit?.(leaf);
      pushEntries(image, leaf, head, cells);
      if (cells.length > key.subkeyCount) break;
    }
  }
  if (cells.length !== key.subkeyCount) {
    throw corrupt(
      `${what}: the key has ${key.subkeyCount} subkeys, its list ${cells.length}${top.kind === 'ri' ? ' or more' : ''}`,
    );
  }
  return cells;
}

type ListKind = 'li' | 'lf' | 'lh' | 'ri';

interface ListHead {
  readonly kind: ListKind;
  readonly count: number;
}

const LIST_KINDS: ReadonlyMap<number, ListKind> = new Map([
  [0x696c, 'li'],
  [0x666c, 'lf'],
  [0x686c, 'lh'],
  [0x6972, 'ri'],
]);

function listHead(image: HiveImage, cell: number, what: string): ListHead {
  const length = image.contentLength(cell, what);
  const at = image.position(cell);
  const signature = image.bytes.readUInt16LE(at);
  const kind = LIST_KINDS.get(signature);
  if (kind === undefined) throw corrupt(`${what}: unknown list signature ${hex(signature)} at ${hex(cell)}`);
  const count = image.bytes.readUInt16LE(at + 2);
  const entry = kind === 'lf' || kind === 'lh' ? 8 : 4;
  if (4 + count * entry > length) throw corrupt(`${what}: ${count} entries do not fit the list cell at ${hex(cell)}`);
  return { kind, count };
}

function pushEntries(image: HiveImage, cell: number, head: ListHead, into: number[]): void {
  const entry = head.kind === 'li' ? 4 : 8;
  const at = image.position(cell) + 4;
  for (let i = 0; i < head.count; i++) into.push(image.bytes.readUInt32LE(at + entry * i));
}
