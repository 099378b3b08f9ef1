// One walk over a whole hive before it is written: every cell tiles its bin, every record is used once, and the free cells are
// known. A hive that does not pass is read but never written, because a new value could land in somebody else's cell.
import { BASE_BLOCK_SIZE } from './base-block.ts';
import { BIN_HEADER, corrupt, type HiveImage, hex, NO_CELL } from './hive-image.ts';
import { HIVE_LIMITS } from './limits.ts';
import { type KeyNode, readKeyNode, readValueRecord, subkeyCells, valueCells } from './records.ts';
import { findBigData } from './value-data.ts';

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

/** @throws RegistryError `hive-corrupt` naming the first cell that is not as it must be. */
export function surveyHive(image: HiveImage): HiveSurvey {
  const freeCells = tileBins(image);
  const claims = new Claims(image);
  let keys = 0;
  let values = 0;
  const pending: { cell: number; depth: number }[] = [{ cell: image.base.rootCell, depth: 1 }];
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (next.depth > HIVE_LIMITS.depth)
      throw corrupt(`key at ${hex(next.cell)}: keys nest deeper than ${HIVE_LIMITS.depth}`);
    claims.own(next.cell, 'key');
    const key = readKeyNode(image, next.cell);
    keys++;
    values += claimKey(image, key, claims);
    const lists: number[] = [];
    const children = subkeyCells(image, key, (list) => lists.push(list));
    for (const list of lists) claims.own(list, 'subkey list');
    for (let i = children.length - 1; i >= 0; i--) {
      pending.push({ cell: children[i] ?? NO_CELL, depth: next.depth + 1 });
    }
  }
  return { keys, values, freeCells };
}

function claimKey(image: HiveImage, key: KeyNode, claims: Claims): number {
  if (key.security !== NO_CELL) claims.share(key.security, 'security descriptor');
  if (key.classLength > 0 && key.className !== NO_CELL) claims.own(key.className, 'class name');
  if (key.valueCount === 0) return 0;
  const cells = valueCells(image, key);
  claims.own(key.valueList, 'value list');
  for (const cell of cells) {
    claims.own(cell, 'value');
    const value = readValueRecord(image, cell);
    if (value.inline || value.size === 0) continue;
    claims.own(value.dataCell, 'value data');
    const big = findBigData(image, value);
    if (big === undefined) continue;
    claims.own(big.list, 'segment list');
    for (const segment of big.segments) claims.own(segment, 'segment');
  }
  return cells.length;
}

/** Which cells are already somebody's: one byte per 8 bytes of hive. */
class Claims {
  readonly #image: HiveImage;
  readonly #taken: Uint8Array;

  constructor(image: HiveImage) {
    this.#image = image;
    this.#taken = new Uint8Array(image.base.binsSize / 8);
    markCellStarts(image, this.#taken);
  }

  own(cell: number, what: string): void {
    this.#check(cell, what);
    if (this.#taken[cell / 8] !== CELL_START)
      throw corrupt(`${what}: the cell at ${hex(cell)} has another use already`);
    this.#taken[cell / 8] = OWNED;
  }

  share(cell: number, what: string): void {
    this.#check(cell, what);
    if (this.#taken[cell / 8] === OWNED) throw corrupt(`${what}: the cell at ${hex(cell)} has another use already`);
    this.#taken[cell / 8] = SHARED;
  }

  #check(cell: number, what: string): void {
    this.#image.contentLength(cell, what);
    if (this.#taken[cell / 8] === 0) throw corrupt(`${what}: no cell begins at ${hex(cell)}`);
  }
}

const CELL_START = 1;
const OWNED = 2;
const SHARED = 3;

function markCellStarts(image: HiveImage, marks: Uint8Array): void {
  eachCell(image, (offset) => {
    marks[offset / 8] = CELL_START;
  });
}

function tileBins(image: HiveImage): FreeCell[] {
  const free: FreeCell[] = [];
  eachCell(image, (offset, size) => {
    if (size > 0) free.push({ offset, size });
  });
  return free;
}

/** Every cell in order; `size` is negative for used ones. @throws RegistryError `hive-corrupt` when cells do not tile a bin. */
export function eachCell(image: HiveImage, visit: (offset: number, size: number) => void): void {
  const { bytes } = image;
  const { binsSize } = image.base;
  for (let bin = 0; bin < binsSize; ) {
    const { end } = image.binOf(bin);
    for (let offset = bin + BIN_HEADER; offset < end; ) {
      const size = bytes.readInt32LE(BASE_BLOCK_SIZE + offset);
      const length = Math.abs(size);
      if (length < 8 || length % 8 !== 0 || length > end - offset) {
        throw corrupt(
          `cell at ${hex(offset)}: size ${size} does not tile the bin at ${hex(bin)}, which ends at ${hex(end)}`,
        );
      }
      visit(offset, size);
      offset += length;
    }
    bin = end;
  }
}
