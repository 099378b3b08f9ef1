// A hive in memory: the file's bytes, an index of its hbins, and checked access to cells. Nothing is decoded ahead of use.
import { RegistryError } from '../../errors.ts';
import { BASE_BLOCK_SIZE, type BaseBlock, readBaseBlock } from './base-block.ts';

/** "No cell" in every offset field. */
export const NO_CELL = 0xffffffff;
export const BIN_UNIT = 4096;
export const BIN_HEADER = 32;

export function hex(offset: number): string {
  return `0x${offset.toString(16)}`;
}

export function corrupt(message: string): RegistryError {
  return new RegistryError('hive-corrupt', message);
}

/** Start and end (cell offsets) of the bin that holds each 4096-byte page. */
interface BinIndex {
  readonly start: Uint32Array;
  readonly end: Uint32Array;
}

export class HiveImage {
  /** The whole file: base block, hbins, padding. */
  readonly bytes: Buffer;
  /** The same bytes, for the walks over whole hives: several times as fast as Buffer's read methods. */
  readonly view: DataView;
  readonly base: BaseBlock;
  readonly #bins: BinIndex;

  /** Takes ownership of `bytes`. Throws `hive-corrupt` or `hive-unsupported`. */
  constructor(bytes: Buffer) {
    const base = readBaseBlock(bytes);
    if (base.major !== 1 || base.minor < 3 || base.minor > 6) {
      throw new RegistryError(
        'hive-unsupported',
        `offset 20: hive version ${base.major}.${base.minor}; versions 1.3 to 1.6 are read`,
      );
    }
    if (base.fileType !== 0) {
      throw new RegistryError(
        'hive-unsupported',
        `offset 28: file type ${base.fileType} is not a hive but a log of one`,
      );
    }
    if (base.binsSize === 0 || base.binsSize % BIN_UNIT !== 0) {
      throw corrupt(`offset 40: size of the bins ${hex(base.binsSize)} is not a multiple of 4096`);
    }
    if (BASE_BLOCK_SIZE + base.binsSize > bytes.length) {
      throw corrupt(
        `the file ends at ${hex(bytes.length)}, its base block promises ${hex(BASE_BLOCK_SIZE + base.binsSize)} bytes: cut short`,
      );
    }
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.base = base;
    this.#bins = indexBins(this.view, base.binsSize);
  }

  /** File position of a cell's content (behind its size word). */
  position(cell: number): number {
    return BASE_BLOCK_SIZE + cell + 4;
  }

  /** Content bytes of the used cell at `cell`; throws when there is no used cell inside one bin. `what` names it in the error. */
  contentLength(cell: number, what: string): number {
    if (cell % 8 !== 0 || cell >= this.base.binsSize) throw corrupt(`${what}: no cell can be at ${hex(cell)}`);
    const page = cell >>> 12;
    const start = this.#bins.start[page] ?? 0;
    const end = this.#bins.end[page] ?? 0;
    if (cell < start + BIN_HEADER) throw corrupt(`${what}: ${hex(cell)} lies in a bin header`);
    const size = this.view.getInt32(BASE_BLOCK_SIZE + cell, true);
    if (size >= 0) throw corrupt(`${what}: the cell at ${hex(cell)} is free`);
    if (-size < 8 || -size > end - cell) {
      throw corrupt(`${what}: the cell at ${hex(cell)} has size ${-size}, its bin ends at ${hex(end)}`);
    }
    return -size - 4;
  }

  /** Where the bin that holds `offset` begins and ends; `offset` is inside the bins. */
  binOf(offset: number): { start: number; end: number } {
    const page = offset >>> 12;
    return { start: this.#bins.start[page] ?? 0, end: this.#bins.end[page] ?? 0 };
  }
}

/** "hbin", read as a little-endian number. */
const BIN_SIGNATURE = 0x6e696268;

function indexBins(view: DataView, binsSize: number): BinIndex {
  const pages = binsSize / BIN_UNIT;
  const start = new Uint32Array(pages);
  const end = new Uint32Array(pages);
  for (let offset = 0; offset < binsSize; ) {
    const at = BASE_BLOCK_SIZE + offset;
    if (view.getUint32(at, true) !== BIN_SIGNATURE)
      throw corrupt(`bin at ${hex(offset)}: the signature "hbin" is missing`);
    const own = view.getUint32(at + 4, true);
    if (own !== offset) throw corrupt(`bin at ${hex(offset)}: says it is at ${hex(own)}`);
    const size = view.getUint32(at + 8, true);
    if (size === 0 || size % BIN_UNIT !== 0 || size > binsSize - offset) {
      throw corrupt(`bin at ${hex(offset)}: size ${hex(size)} does not fit the bins (${hex(binsSize)})`);
    }
    start.fill(offset, offset / BIN_UNIT, (offset + size) / BIN_UNIT);
    end.fill(offset + size, offset / BIN_UNIT, (offset + size) / BIN_UNIT);
    offset += size;
  }
  return { start, end };
}
