// One walk over a whole hive before it is written: every cell tiles its bin, every record is used once, and the free cells are
// known. A hive that does not pass is read but never written, because a new value could land in somebody else's cell.
// Names and data are not decoded here: the walk visits every cell of hives of many megabytes.
import { CELL_USE, CellMap, type FreeCell } from './cell-map.ts';
import { corrupt, type HiveImage, hex, NO_CELL } from './hive-image.ts';
import { HIVE_LIMITS } from './limits.ts';
import { type KeyNode, NK, readValueRecord, subkeyCells, VK, VK_INLINE } from './records.ts';
import { findBigData, SEGMENT_BYTES } from './value-data.ts';

export interface HiveSurvey {
  readonly keys: number;
  readonly values: number;
  /** In ascending order of offset. */
  readonly freeCells: readonly FreeCell[];
  /** The use of every cell. */
  readonly cells: CellMap;
}

const KEY_SIGNATURE = 0x6b6e;
const VALUE_SIGNATURE = 0x6b76;

/** @throws RegistryError `hive-corrupt` naming the first cell that is not as it must be. */
export function surveyHive(image: HiveImage): HiveSurvey {
  const cells = new CellMap(image);
  let keys = 0;
  let values = 0;
  const claimList = (list: number): void => {
    cells.claim(list, CELL_USE.SUBKEY_LIST, 'subkey list');
  };
  const pending: number[] = [image.base.rootCell];
  const depths: number[] = [1];
  for (let cell = pending.pop(); cell !== undefined; cell = pending.pop()) {
    const depth = depths.pop() ?? 0;
    if (depth > HIVE_LIMITS.depth) throw corrupt(`key at ${hex(cell)}: keys nest deeper than ${HIVE_LIMITS.depth}`);
    const key = claimKey(image, cell, cells);
    keys++;
    values += claimValues(image, key, cells);
    if (key.subkeyCount === 0) continue;
    const children = subkeyCells(image, key, claimList);
    for (let i = children.length - 1; i >= 0; i--) {
      pending.push(children[i] ?? NO_CELL);
      depths.push(depth + 1);
    }
  }
  return { keys, values, freeCells: cells.free, cells };
}

type BareKey = Pick<KeyNode, 'cell' | 'subkeyCount' | 'subkeyList' | 'valueCount' | 'valueList'>;

function claimKey(image: HiveImage, cell: number, cells: CellMap): BareKey {
  const { view } = image;
  const length = cells.claim(cell, CELL_USE.KEY, 'key');
  const at = image.position(cell);
  if (length < NK.NAME || view.getUint16(at, true) !== KEY_SIGNATURE)
    throw corrupt(`key at ${hex(cell)}: no nk record`);
  if (NK.NAME + view.getUint16(at + NK.NAME_LENGTH, true) > length)
    throw corrupt(`key at ${hex(cell)}: name beyond its cell`);
  const security = view.getUint32(at + NK.SECURITY, true);
  if (security !== NO_CELL) cells.claim(security, CELL_USE.SECURITY, 'security descriptor');
  const className = view.getUint32(at + NK.CLASS_NAME, true);
  if (view.getUint16(at + NK.CLASS_LENGTH, true) > 0 && className !== NO_CELL)
    cells.claim(className, CELL_USE.CLASS_NAME, 'class name');
  return {
    cell,
    subkeyCount: view.getUint32(at + NK.SUBKEY_COUNT, true),
    subkeyList: view.getUint32(at + NK.SUBKEY_LIST, true),
    valueCount: view.getUint32(at + NK.VALUE_COUNT, true),
    valueList: view.getUint32(at + NK.VALUE_LIST, true),
  };
}

function claimValues(image: HiveImage, key: BareKey, cells: CellMap): number {
  if (key.valueCount === 0) return 0;
  const { view } = image;
  const room = cells.claim(key.valueList, CELL_USE.VALUES, 'value list');
  if (key.valueCount * 4 > room)
    throw corrupt(`value list at ${hex(key.valueList)}: too short for ${key.valueCount} values`);
  const list = image.position(key.valueList);
  for (let i = 0; i < key.valueCount; i++) {
    const cell = view.getUint32(list + 4 * i, true);
    const length = cells.claim(cell, CELL_USE.VALUES, 'value');
    const at = image.position(cell);
    if (length < VK.NAME || view.getUint16(at, true) !== VALUE_SIGNATURE)
      throw corrupt(`value at ${hex(cell)}: no vk record`);
    if (VK.NAME + view.getUint16(at + VK.NAME_LENGTH, true) > length)
      throw corrupt(`value at ${hex(cell)}: name beyond its cell`);
    const size = view.getUint32(at + VK.SIZE, true);
    if (size === 0 || size >= VK_INLINE) continue;
    cells.claim(view.getUint32(at + VK.DATA, true), CELL_USE.VALUES, 'value data');
    if (size > SEGMENT_BYTES) claimSegments(image, cell, cells);
  }
  return key.valueCount;
}

function claimSegments(image: HiveImage, value: number, cells: CellMap): void {
  const big = findBigData(image, readValueRecord(image, value));
  if (big === undefined) return;
  for (const cell of [big.list, ...big.segments]) cells.claim(cell, CELL_USE.VALUES, 'big data');
}
