// Space in a hive that is being changed in memory: taking cells, giving them back, growing the hive by a bin.
import { RegistryError } from '../../errors.ts';
import { BASE_BLOCK_SIZE, changeBaseBlock } from './base-block.ts';
import type { FreeCell } from './cell-map.ts';
import { BIN_HEADER, BIN_UNIT, HiveImage } from './hive-image.ts';
import { HIVE_LIMITS } from './limits.ts';

const CELL_UNIT = 8;
const SIZE_WORD = 4;

export class CellStore {
  #image: HiveImage;
  /** Ascending; no two neighbours within one bin. */
  readonly #free: FreeCell[];

  /** Memory that begins with the image and may go on behind it. */
  readonly #space: Buffer;

  /**
   * Changes `image`'s bytes in place; `freeCells` as the survey of this very image found them. The hive grows into `space`, whose
   * beginning is the image's memory, and out of it when that does not suffice.
   */
  constructor(image: HiveImage, freeCells: readonly FreeCell[], space: Buffer = image.bytes) {
    this.#image = image;
    this.#space = space;
    this.#free = mergeNeighbours(image, freeCells);
  }

  /** The hive as it stands; another object once the hive has grown. */
  get image(): HiveImage {
    return this.#image;
  }

  /** A used cell with at least `contentBytes` zeroed bytes: a free cell, split if it is larger, else from a new bin. */
  take(contentBytes: number): number {
    const size = Math.ceil((contentBytes + SIZE_WORD) / CELL_UNIT) * CELL_UNIT;
    let index = this.#free.findIndex((cell) => cell.size >= size);
    if (index === -1) index = this.#addBin(size);
    const found = this.#free[index];
    if (found === undefined) throw new RangeError('no free cell where one was just made');
    const rest = found.size - size;
    if (rest === 0) this.#free.splice(index, 1);
    else this.#setFree(index, { offset: found.offset + size, size: rest });
    const at = BASE_BLOCK_SIZE + found.offset;
    this.#image.bytes.writeInt32LE(-size, at);
    this.#image.bytes.fill(0, at + SIZE_WORD, at + size);
    return found.offset;
  }

  /** Frees a used cell and joins it with free neighbours of the same bin. */
  give(cell: number): void {
    let offset = cell;
    let size = this.#image.contentLength(cell, 'cell to free') + SIZE_WORD;
    const bin = this.#image.binOf(cell);
    let index = this.#indexFrom(cell);
    const next = this.#free[index];
    if (next !== undefined && next.offset === offset + size && next.offset < bin.end) {
      size += next.size;
      this.#free.splice(index, 1);
    }
    const previous = this.#free[index - 1];
    if (previous !== undefined && previous.offset >= bin.start && previous.offset + previous.size === offset) {
      offset = previous.offset;
      size += previous.size;
      index--;
      this.#free.splice(index, 1);
    }
    this.#free.splice(index, 0, { offset, size });
    this.#setFree(index, { offset, size });
  }

  #setFree(index: number, cell: FreeCell): void {
    this.#free[index] = cell;
    this.#image.bytes.writeInt32LE(cell.size, BASE_BLOCK_SIZE + cell.offset);
  }

  /** Position of the first free cell at or behind `offset`. */
  #indexFrom(offset: number): number {
    let low = 0;
    let high = this.#free.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#free[middle]?.offset ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Appends a bin with one free cell of at least `size`; returns that cell's index in the free list. */
  #addBin(size: number): number {
    const { base, bytes } = this.#image;
    const offset = base.binsSize;
    const binSize = Math.ceil((size + BIN_HEADER) / BIN_UNIT) * BIN_UNIT;
    const end = BASE_BLOCK_SIZE + offset + binSize;
    if (end > HIVE_LIMITS.fileBytes) {
      throw new RegistryError('hive-limit', `the hive would grow beyond ${HIVE_LIMITS.fileBytes} bytes`);
    }
    // Padding behind the bins is taken into use, but whatever stood there is wiped.
    let grown = bytes;
    if (end > bytes.length && end <= this.#space.length && bytes.buffer === this.#space.buffer) {
      grown = this.#space.subarray(0, end);
    } else if (end > bytes.length) {
      grown = Buffer.alloc(end);
      bytes.copy(grown);
    }
    const at = BASE_BLOCK_SIZE + offset;
    grown.fill(0, at, end);
    grown.write('hbin', at, 'latin1');
    grown.writeUInt32LE(offset, at + 4);
    grown.writeUInt32LE(binSize, at + 8);
    grown.writeInt32LE(binSize - BIN_HEADER, at + BIN_HEADER);
    changeBaseBlock(grown, { binsSize: offset + binSize });
    this.#image = new HiveImage(grown);
    this.#free.push({ offset: offset + BIN_HEADER, size: binSize - BIN_HEADER });
    return this.#free.length - 1;
  }
}

/** Some writers leave free neighbours unmerged; merged they may hold what none of them holds alone. */
function mergeNeighbours(image: HiveImage, cells: readonly FreeCell[]): FreeCell[] {
  const merged: FreeCell[] = [];
  for (const cell of cells) {
    const last = merged.at(-1);
    if (
      last !== undefined &&
      last.offset + last.size === cell.offset &&
      image.binOf(cell.offset).start <= last.offset
    ) {
      const joined = { offset: last.offset, size: last.size + cell.size };
      merged[merged.length - 1] = joined;
      image.bytes.writeInt32LE(joined.size, BASE_BLOCK_SIZE + joined.offset);
    } else {
      merged.push(cell);
    }
  }
  return merged;
}
