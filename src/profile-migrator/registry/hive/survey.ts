// One walk over a whole hive before and after it is written: every cell tiles its bin, every record is used once, and the free
// cells are known. A hive that does not pass is read but never written, because a new value could land in somebody else's cell.
// Names and data are not decoded here: the walk visits every cell of hives of many megabytes twice per change.
import { BASE_BLOCK_SIZE } from './base-block.ts';
import { BIN_HEADER, corrupt, type HiveImage, hex, NO_CELL } from './hive-image.ts';
import { HIVE_LIMITS } from './limits.ts';
import { type KeyNode, NK, readValueRecord, subkeyCells, VK, VK_INLINE } from './records.ts';
import { findBigData, SEGMENT_BYTES } from './value-data.ts';

export interface FreeCell {
  readonly offset: number;
  readonly size: number;
}

export interface HiveSurvey {
  readonly keys: number;
  readonly values: number;
  /** In ascending order of offset. */
  readonly freeCells: readonly FreeCell[];
}

/** Which parts of a key a cell belongs to, for a watcher. Security and class are the key's own, though they have their own cells. */
export type CellRole = 'key' | 'subkey list' | 'values';

/** Sees every used cell that hangs on a key; `key` is the key's own cell. */
export type CellWatcher = (key: number, cell: number, role: CellRole) => void;

const KEY_SIGNATURE = 0x6b6e;
const VALUE_SIGNATURE = 0x6b76;

/** @throws RegistryError `hive-corrupt` naming the first cell that is not as it must be. */
export function surveyHive(image: HiveImage, watch?: CellWatcher): HiveSurvey {
  const cells = new CellMap(image);
  let keys = 0;
  let values = 0;
  const pending: number[] = [image.base.rootCell];
  const depths: number[] = [1];
  for (let cell = pending.pop(); cell !== undefined; cell = pending.pop()) {
    const depth = depths.pop() ?? 0;
    if (depth > HIVE_LIMITS.depth) throw corrupt(`key at ${hex(cell)}: keys nest deeper than ${HIVE_LIMITS.depth}`);
    const key = claimKey(image, cell, cells, watch);
    keys++;
    values += claimValues(image, key, cells, watch);
    const own = cell;
    const children = subkeyCells(image, key, (list) => {
      cells.own(list, 'subkey list');
      watch?.(own, list, 'subkey list');
    });
    for (let i = children.length - 1; i >= 0; i--) {
      pending.push(children[i] ?? NO_CELL);
      depths.push(depth + 1);
    }
  }
  return { keys, values, freeCells: cells.free };
}

type BareKey = Pick<KeyNode, 'cell' | 'subkeyCount' | 'subkeyList' | 'valueCount' | 'valueList'>;

function claimKey(image: HiveImage, cell: number, cells: CellMap, watch: CellWatcher | undefined): BareKey {
  const { bytes } = image;
  const length = cells.own(cell, 'key');
  const at = image.position(cell);
  if (length < NK.NAME || bytes.readUInt16LE(at) !== KEY_SIGNATURE) throw corrupt(`key at ${hex(cell)}: no nk record`);
  if (NK.NAME + bytes.readUInt16LE(at + NK.NAME_LENGTH) > length)
    throw corrupt(`key at ${hex(cell)}: name beyond its cell`);
  watch?.(cell, cell, 'key');
  const security = bytes.readUInt32LE(at + NK.SECURITY);
  if (security !== NO_CELL) {
    cells.share(security, 'security descriptor');
    watch?.(cell, security, 'key');
  }
  const className = bytes.readUInt32LE(at + NK.CLASS_NAME);
  if (bytes.readUInt16LE(at + NK.CLASS_LENGTH) > 0 && className !== NO_CELL) {
    cells.own(className, 'class name');
    watch?.(cell, className, 'key');
  }
  return {
    cell,
    subkeyCount: bytes.readUInt32LE(at + NK.SUBKEY_COUNT),
    subkeyList: bytes.readUInt32LE(at + NK.SUBKEY_LIST),
    valueCount: bytes.readUInt32LE(at + NK.VALUE_COUNT),
    valueList: bytes.readUInt32LE(at + NK.VALUE_LIST),
  };
}

function claimValues(image: HiveImage, key: BareKey, cells: CellMap, watch: CellWatcher | undefined): number {
  if (key.valueCount === 0) return 0;
  const { bytes } = image;
  const room = cells.own(key.valueList, 'value list');
  if (key.valueCount * 4 > room)
    throw corrupt(`value list at ${hex(key.valueList)}: too short for ${key.valueCount} values`);
  watch?.(key.cell, key.valueList, 'values');
  const list = image.position(key.valueList);
  for (let i = 0; i < key.valueCount; i++) {
    const cell = bytes.readUInt32LE(list + 4 * i);
    const length = cells.own(cell, 'value');
    const at = image.position(cell);
    if (length < VK.NAME || bytes.readUInt16LE(at) !== VALUE_SIGNATURE)
      throw corrupt(`value at ${hex(cell)}: no vk record`);
    if (VK.NAME + bytes.readUInt16LE(at + VK.NAME_LENGTH) > length)
      throw corrupt(`value at ${hex(cell)}: name beyond its cell`);
    watch?.(key.cell, cell, 'values');
    const size = bytes.readUInt32LE(at + VK.SIZE);
    if (size === 0 || size >= VK_INLINE) continue;
    const data = bytes.readUInt32LE(at + VK.DATA);
    cells.own(data, 'value data');
    watch?.(key.cell, data, 'values');
    if (size > SEGMENT_BYTES) claimSegments(image, key.cell, cell, cells, watch);
  }
  return key.valueCount;
}

function claimSegments(
  image: HiveImage,
  key: number,
  value: number,
  cells: CellMap,
  watch: CellWatcher | undefined,
): void {
  const big = findBigData(image, readValueRecord(image, value));
  if (big === undefined) return;
  for (const cell of [big.list, ...big.segments]) {
    cells.own(cell, 'big data');
    watch?.(key, cell, 'values');
  }
}

const CELL_START = 1;
const OWNED = 2;
const SHARED = 3;

/** Where cells begin and which are somebody's already: one byte per 8 bytes of hive. */
class CellMap {
  readonly free: FreeCell[] = [];
  readonly #image: HiveImage;
  readonly #marks: Uint8Array;

  constructor(image: HiveImage) {
    this.#image = image;
    this.#marks = new Uint8Array(image.base.binsSize / 8);
    const { bytes } = image;
    const { binsSize } = image.base;
    for (let bin = 0; bin < binsSize; ) {
      const { end } = image.binOf(bin);
      for (let offset = bin + BIN_HEADER; offset < end; ) {
        const size = bytes.readInt32LE(BASE_BLOCK_SIZE + offset);
        const length = size < 0 ? -size : size;
        if (length < 8 || length % 8 !== 0 || length > end - offset) {
          throw corrupt(`cell at ${hex(offset)}: size ${size} does not tile its bin, which ends at ${hex(end)}`);
        }
        if (size < 0) this.#marks[offset >>> 3] = CELL_START;
        else this.free.push({ offset, size });
        offset += length;
      }
      bin = end;
    }
  }

  /** Content length of the cell, which nobody else may use. */
  own(cell: number, what: string): number {
    const length = this.#claim(cell, what, CELL_START);
    this.#marks[cell >>> 3] = OWNED;
    return length;
  }

  /** The cell may be shared with others of its kind. */
  share(cell: number, what: string): void {
    this.#claim(cell, what, SHARED);
    this.#marks[cell >>> 3] = SHARED;
  }

  #claim(cell: number, what: string, allowed: number): number {
    const mark = cell % 8 === 0 ? this.#marks[cell >>> 3] : undefined;
    // A mark says that a used cell begins here and lies within its bin: nothing else needs to be asked.
    if (mark === CELL_START || mark === allowed) return -this.#image.bytes.readInt32LE(BASE_BLOCK_SIZE + cell) - 4;
    this.#image.contentLength(cell, what);
    if (mark === undefined || mark === 0) throw corrupt(`${what}: no cell begins at ${hex(cell)}`);
    throw corrupt(`${what}: the cell at ${hex(cell)} has another use already`);
  }
}
