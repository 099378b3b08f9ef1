// Setting, creating and deleting one value of a key in a hive that is being changed in memory. Key nodes never move, and nothing
// but the key's value list, the value and the key's own counters is touched.
import { RegistryError } from '../../errors.ts';
import type { RegistryValue } from '../registry.ts';
import type { CellStore } from './cell-store.ts';
import { NO_CELL } from './hive-image.ts';
import { HIVE_LIMITS } from './limits.ts';
import {
  NK,
  readKeyNode,
  readValueRecord,
  type ValueRecord,
  VK,
  VK_INLINE,
  VK_NAME_IS_LATIN1,
  valueCells,
} from './records.ts';
import { DB_RECORD_BYTES, findBigData, SEGMENT_BYTES } from './value-data.ts';

const INLINE_BYTES = 4;

/** Replaces type and data of the value at `valueCell`. */
export function setValue(store: CellStore, keyCell: number, valueCell: number, after: RegistryValue): void {
  requireSize(after);
  const old = readValueRecord(store.image, valueCell);
  const placed = placeData(store, old, after.data);
  writeDataFields(store, valueCell, after, placed);
  if (!placed.reused) releaseData(store, old);
  raise(store, keyCell, NK.LARGEST_VALUE_DATA, after.data.length);
}

/** Adds a value the key does not have. */
export function createValue(store: CellStore, keyCell: number, after: RegistryValue): void {
  requireSize(after);
  const name = encodeName(after.name);
  if (name.bytes.length > HIVE_LIMITS.valueNameBytes) {
    throw new RegistryError(
      'hive-limit',
      `a value name of ${name.bytes.length} bytes is longer than the registry allows`,
    );
  }
  const placed = placeData(store, undefined, after.data);
  const cell = store.take(VK.NAME + name.bytes.length);
  const at = store.image.position(cell);
  const { bytes } = store.image;
  bytes.write('vk', at, 'latin1');
  bytes.writeUInt16LE(name.bytes.length, at + VK.NAME_LENGTH);
  bytes.writeUInt16LE(name.latin1 ? VK_NAME_IS_LATIN1 : 0, at + VK.FLAGS);
  name.bytes.copy(bytes, at + VK.NAME);
  writeDataFields(store, cell, after, placed);
  appendToList(store, keyCell, cell);
  raise(store, keyCell, NK.LARGEST_VALUE_NAME, after.name.length * 2);
  raise(store, keyCell, NK.LARGEST_VALUE_DATA, after.data.length);
}

/** Removes the value at `valueCell` from the key and frees its cells. */
export function deleteValue(store: CellStore, keyCell: number, valueCell: number): void {
  const key = readKeyNode(store.image, keyCell);
  const kept = valueCells(store.image, key).filter((cell) => cell !== valueCell);
  const { bytes } = store.image;
  const keyAt = store.image.position(keyCell);
  const listAt = store.image.position(key.valueList);
  for (const [i, cell] of kept.entries()) bytes.writeUInt32LE(cell, listAt + 4 * i);
  bytes.fill(0, listAt + 4 * kept.length, listAt + 4 * key.valueCount);
  bytes.writeUInt32LE(kept.length, keyAt + NK.VALUE_COUNT);
  if (kept.length === 0) {
    bytes.writeUInt32LE(NO_CELL, keyAt + NK.VALUE_LIST);
    store.give(key.valueList);
  }
  releaseData(store, readValueRecord(store.image, valueCell));
  store.give(valueCell);
}

interface Placed {
  /** What goes into the vk's data field: a cell, or the bytes themselves. */
  readonly field: number;
  readonly inline: boolean;
  /** The old data cell was overwritten and must not be freed. */
  readonly reused: boolean;
}

function placeData(store: CellStore, old: ValueRecord | undefined, data: Buffer): Placed {
  if (data.length <= INLINE_BYTES) {
    const field = Buffer.alloc(INLINE_BYTES);
    data.copy(field);
    return { field: field.readUInt32LE(0), inline: true, reused: false };
  }
  if (data.length > SEGMENT_BYTES && store.image.base.minor > 3) {
    return { field: placeSegments(store, data), inline: false, reused: false };
  }
  const present = old === undefined ? undefined : singleDataCell(store, old);
  if (present !== undefined) {
    const room = store.image.contentLength(present, 'value data');
    if (room >= data.length) {
      const at = store.image.position(present);
      data.copy(store.image.bytes, at);
      store.image.bytes.fill(0, at + data.length, at + room);
      return { field: present, inline: false, reused: true };
    }
  }
  const cell = store.take(data.length);
  data.copy(store.image.bytes, store.image.position(cell));
  return { field: cell, inline: false, reused: false };
}

function placeSegments(store: CellStore, data: Buffer): number {
  const count = Math.ceil(data.length / SEGMENT_BYTES);
  const segments: number[] = [];
  for (let i = 0; i < count; i++) {
    const part = data.subarray(i * SEGMENT_BYTES, (i + 1) * SEGMENT_BYTES);
    const cell = store.take(part.length);
    part.copy(store.image.bytes, store.image.position(cell));
    segments.push(cell);
  }
  const list = store.take(4 * count);
  for (const [i, segment] of segments.entries()) {
    store.image.bytes.writeUInt32LE(segment, store.image.position(list) + 4 * i);
  }
  const record = store.take(DB_RECORD_BYTES);
  const at = store.image.position(record);
  store.image.bytes.write('db', at, 'latin1');
  store.image.bytes.writeUInt16LE(count, at + 2);
  store.image.bytes.writeUInt32LE(list, at + 4);
  return record;
}

/** The one cell that holds the value's data, if it is neither in the record nor in segments. */
function singleDataCell(store: CellStore, value: ValueRecord): number | undefined {
  if (value.inline || value.size === 0 || findBigData(store.image, value) !== undefined) return undefined;
  return value.dataCell;
}

function releaseData(store: CellStore, value: ValueRecord): void {
  if (value.inline || value.size === 0) return;
  const big = findBigData(store.image, value);
  if (big !== undefined) {
    for (const segment of big.segments) store.give(segment);
    store.give(big.list);
  }
  store.give(value.dataCell);
}

function writeDataFields(store: CellStore, valueCell: number, after: RegistryValue, placed: Placed): void {
  const at = store.image.position(valueCell);
  const { bytes } = store.image;
  bytes.writeUInt32LE(placed.inline ? VK_INLINE + after.data.length : after.data.length, at + VK.SIZE);
  bytes.writeUInt32LE(placed.field, at + VK.DATA);
  bytes.writeUInt32LE(after.type, at + VK.TYPE);
}

function appendToList(store: CellStore, keyCell: number, valueCell: number): void {
  const key = readKeyNode(store.image, keyCell);
  const cells = valueCells(store.image, key);
  const wanted = 4 * (cells.length + 1);
  const room = cells.length === 0 ? 0 : store.image.contentLength(key.valueList, 'value list');
  let list = key.valueList;
  if (room < wanted) {
    list = store.take(wanted);
    for (const [i, cell] of cells.entries()) {
      store.image.bytes.writeUInt32LE(cell, store.image.position(list) + 4 * i);
    }
    if (cells.length > 0) store.give(key.valueList);
  }
  store.image.bytes.writeUInt32LE(valueCell, store.image.position(list) + 4 * cells.length);
  const keyAt = store.image.position(keyCell);
  store.image.bytes.writeUInt32LE(cells.length + 1, keyAt + NK.VALUE_COUNT);
  store.image.bytes.writeUInt32LE(list, keyAt + NK.VALUE_LIST);
}

/** Raises one of the key's "largest" fields; they are upper bounds and never lowered. */
function raise(store: CellStore, keyCell: number, field: number, bytes: number): void {
  const at = store.image.position(keyCell) + field;
  if (store.image.bytes.readUInt32LE(at) < bytes) store.image.bytes.writeUInt32LE(bytes, at);
}

function encodeName(name: string): { bytes: Buffer; latin1: boolean } {
  const latin1 = [...name].every((char) => char.length === 1 && char.charCodeAt(0) <= 0xff);
  return { bytes: Buffer.from(name, latin1 ? 'latin1' : 'utf16le'), latin1 };
}

function requireSize(value: RegistryValue): void {
  if (value.data.length > HIVE_LIMITS.newValueBytes) {
    throw new RegistryError(
      'hive-limit',
      `value "${value.name}": ${value.data.length} bytes are more than the ${HIVE_LIMITS.newValueBytes} this program writes`,
    );
  }
}
