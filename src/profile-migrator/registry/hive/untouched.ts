// The part of the proof that needs no reading of keys: a written hive differs from the original only in cells that the planned keys
// own, before or after, and in free space. Ranges of memory are compared, and only cells in changed bins are looked at one by one.
//
// Why that is enough. The original has been surveyed: its cells tile its bins, and every key, list and value has cells of its own.
// Of the written hive is shown here that
//  1. the bins of the original are there, with the same headers, and no byte of a cell differs unless the cell was free, is a
//     planned key, or holds a planned key's values;
//  2. the cells of every bin that differs or is new tile it; each used one is one of the original's that stays what it was, or a cell
//     of a planned key's values now; none of the original's cells that stay lies inside another cell;
//  3. no cell of a planned key's values was in anybody else's use before (nor serves twice, which the caller sees to).
// All other keys, lists, values and data are therefore reached over the same cells and hold the same bytes as before.
import { RegistryError } from '../../errors.ts';
import { BASE_BLOCK_SIZE } from './base-block.ts';
import { CELL_USE, type CellMap, eachCell } from './cell-map.ts';
import { BIN_UNIT, type HiveImage, hex } from './hive-image.ts';

/** The cells that a change may touch. */
export interface PlannedCells {
  /** The planned keys' own cells. They stay where they are; what changes in them is the caller's to judge. */
  readonly keys: ReadonlySet<number>;
  /** The value lists, values and data of these keys in the original. */
  readonly before: ReadonlySet<number>;
  /** The same in the written hive. The caller has seen to it that none serves twice. */
  readonly after: ReadonlySet<number>;
}

/** @param cells the survey of `before`. @throws RegistryError `verify-failed` naming the first offset, or `hive-corrupt`. */
export function requireUntouched(before: HiveImage, after: HiveImage, cells: CellMap, planned: PlannedCells): void {
  if (after.base.binsSize < before.base.binsSize) throw failed('it has lost bins');
  const pages = changedPages(before, after);
  const bins = new Set<number>();
  for (const page of pages) {
    requirePlannedChanges(before, after, cells, planned, page);
    bins.add(after.binOf(page).start);
  }
  for (let bin = before.base.binsSize; bin < after.base.binsSize; bin = after.binOf(bin).end) bins.add(bin);
  const seen = new Set<number>();
  for (const bin of bins) requireTiled(after, bin, cells, planned, seen);
  for (const cell of planned.after) {
    // In a bin without a difference nothing can have come into use.
    const own = bins.has(after.binOf(cell).start) ? seen.has(cell) : planned.before.has(cell);
    if (!own) throw failed(`a planned key uses the cell at ${hex(cell)}, which is not its own`);
  }
  for (const cell of planned.before) {
    if (planned.after.has(cell) || bins.has(after.binOf(cell).start)) continue;
    throw failed(`the cell at ${hex(cell)} is marked as used and belongs to nothing`);
  }
  requireSamePadding(before, after);
}

const BLOCK = 64 * 1024;

/** Offsets of the 4096-byte pages of the original's bins that differ. */
function changedPages(before: HiveImage, after: HiveImage): number[] {
  const pages: number[] = [];
  const same = (from: number, to: number): boolean =>
    before.bytes.compare(
      after.bytes,
      BASE_BLOCK_SIZE + from,
      BASE_BLOCK_SIZE + to,
      BASE_BLOCK_SIZE + from,
      BASE_BLOCK_SIZE + to,
    ) === 0;
  const end = before.base.binsSize;
  for (let block = 0; block < end; block += BLOCK) {
    const blockEnd = Math.min(block + BLOCK, end);
    if (same(block, blockEnd)) continue;
    for (let page = block; page < blockEnd; page += BIN_UNIT) if (!same(page, page + BIN_UNIT)) pages.push(page);
  }
  return pages;
}

function requirePlannedChanges(
  before: HiveImage,
  after: HiveImage,
  cells: CellMap,
  planned: PlannedCells,
  page: number,
): void {
  for (let offset = page; offset < page + BIN_UNIT; offset += 8) {
    const at = BASE_BLOCK_SIZE + offset;
    if (
      before.view.getInt32(at) === after.view.getInt32(at) &&
      before.view.getInt32(at + 4) === after.view.getInt32(at + 4)
    )
      continue;
    const cell = cells.cellAround(offset);
    if (cell === undefined) throw failed(`the header of the bin at ${hex(before.binOf(offset).start)} has changed`);
    const use = cells.useAt(cell);
    if (use === CELL_USE.FREE || planned.before.has(cell) || planned.keys.has(cell)) continue;
    throw failed(`${USE_NAMES[use]} at ${hex(cell)} has changed at ${hex(offset)} and is not part of the plan`);
  }
}

const USE_NAMES: Readonly<Record<number, string>> = {
  [CELL_USE.NOBODYS]: 'an unused cell',
  [CELL_USE.KEY]: 'the key',
  [CELL_USE.SUBKEY_LIST]: 'the list of subkeys',
  [CELL_USE.SECURITY]: 'the security descriptor',
  [CELL_USE.CLASS_NAME]: 'the class name',
  [CELL_USE.VALUES]: 'a value, its data or a list of values',
};

/** Adds the used cells that begin in the bin to `seen`. */
function requireTiled(after: HiveImage, bin: number, cells: CellMap, planned: PlannedCells, seen: Set<number>): void {
  const stays = (offset: number): boolean => cells.useAt(offset) > CELL_USE.FREE && !planned.before.has(offset);
  eachCell(after, bin, (offset, size) => {
    const end = offset + Math.abs(size);
    for (let inside = offset + 8; inside < end; inside += 8) {
      if (stays(inside)) throw failed(`the cell at ${hex(offset)} covers the cell at ${hex(inside)}`);
    }
    const staying = stays(offset);
    if (size > 0) {
      if (staying) throw failed(`the cell at ${hex(offset)} is in use and was set free`);
      return;
    }
    const used = planned.after.has(offset);
    if (staying && used) throw failed(`a planned key uses the cell at ${hex(offset)}, which is not its own`);
    if (!staying && !used) throw failed(`the cell at ${hex(offset)} is marked as used and belongs to nothing`);
    seen.add(offset);
  });
}

/** What stands behind the bins stays, as far as no new bin took its place. */
function requireSamePadding(before: HiveImage, after: HiveImage): void {
  const from = BASE_BLOCK_SIZE + after.base.binsSize;
  const same = before.bytes.subarray(from).equals(after.bytes.subarray(from));
  if (!same) throw failed('the bytes behind its bins have changed');
}

function failed(what: string): RegistryError {
  return new RegistryError('verify-failed', `the written hive is not as planned: ${what}`);
}
