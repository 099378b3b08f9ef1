// Which cell begins where in a hive, and what it is used for: one byte per 8 bytes of hive.
import { BASE_BLOCK_SIZE } from './base-block.ts';
import { BIN_HEADER, corrupt, type HiveImage, hex } from './hive-image.ts';

/** What stands at a place of the hive; every cell has its use at its first 8 bytes. */
export const CELL_USE = {
  /** No cell begins here. */
  NONE: 0,
  FREE: 1,
  /** A used cell that nothing refers to. */
  NOBODYS: 2,
  KEY: 3,
  SUBKEY_LIST: 4,
  /** The only kind of cell that several keys may refer to. */
  SECURITY: 5,
  CLASS_NAME: 6,
  /** Value list, value record, data, and the parts of big data. */
  VALUES: 7,
} as const;
export type CellUse = (typeof CELL_USE)[keyof typeof CELL_USE];

export interface FreeCell {
  readonly offset: number;
  readonly size: number;
}

export class CellMap {
  /** In ascending order of offset. */
  readonly free: FreeCell[] = [];
  readonly #image: HiveImage;
  readonly #uses: Uint8Array;

  /** Every cell is free or nobody's. @throws RegistryError `hive-corrupt` when the cells do not tile their bins. */
  constructor(image: HiveImage) {
    this.#image = image;
    this.#uses = new Uint8Array(image.base.binsSize / 8);
    const uses = this.#uses;
    for (let bin = 0; bin < image.base.binsSize; bin = image.binOf(bin).end) {
      eachCell(image, bin, (offset, size) => {
        if (size < 0) {
          uses[offset >>> 3] = CELL_USE.NOBODYS;
        } else {
          uses[offset >>> 3] = CELL_USE.FREE;
          this.free.push({ offset, size });
        }
      });
    }
  }

  /** Marks a cell that nobody uses yet; its content length. @throws RegistryError `hive-corrupt`. */
  claim(cell: number, use: CellUse, what: string): number {
    const found = cell % 8 === 0 ? this.#uses[cell >>> 3] : undefined;
    // A mark says that a used cell begins here and lies within its bin: nothing else needs to be asked.
    if (found !== CELL_USE.NOBODYS && (use !== CELL_USE.SECURITY || found !== use)) this.#refuse(cell, found, what);
    this.#uses[cell >>> 3] = use;
    return -this.#image.view.getInt32(BASE_BLOCK_SIZE + cell, true) - 4;
  }

  #refuse(cell: number, found: number | undefined, what: string): never {
    this.#image.contentLength(cell, what);
    if (found === undefined || found === CELL_USE.NONE) throw corrupt(`${what}: no cell begins at ${hex(cell)}`);
    throw corrupt(`${what}: the cell at ${hex(cell)} has another use already`);
  }

  /** The use of the cell that begins at this multiple of 8, NONE also beyond the hive. */
  useAt(offset: number): CellUse {
    return (this.#uses[offset >>> 3] ?? CELL_USE.NONE) as CellUse;
  }

  /** The cell that the byte at `offset` belongs to, or undefined in a bin header. */
  cellAround(offset: number): number | undefined {
    const first = this.#image.binOf(offset).start + BIN_HEADER;
    for (let at = offset - (offset % 8); at >= first; at -= 8) if (this.#uses[at >>> 3] !== CELL_USE.NONE) return at;
    return undefined;
  }
}

/** `size` as stored: negative for used cells. @throws RegistryError `hive-corrupt` when the cells do not tile the bin. */
export function eachCell(image: HiveImage, bin: number, visit: (offset: number, size: number) => void): void {
  const { end } = image.binOf(bin);
  for (let offset = bin + BIN_HEADER; offset < end; ) {
    const size = image.view.getInt32(BASE_BLOCK_SIZE + offset, true);
    const length = size < 0 ? -size : size;
    if (length < 8 || length % 8 !== 0 || length > end - offset) {
      throw corrupt(`cell at ${hex(offset)}: size ${size} does not tile its bin, which ends at ${hex(end)}`);
    }
    visit(offset, size);
    offset += length;
  }
}
