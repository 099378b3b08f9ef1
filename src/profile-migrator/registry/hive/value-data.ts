// A value's bytes: inside the vk record, in one cell, or in segments (big data, hive versions above 1.3).
import { corrupt, type HiveImage, hex } from './hive-image.ts';
import { type ValueRecord, VK } from './records.ts';

/** Data bytes per segment of a db record; values up to this size are never segmented. */
export const SEGMENT_BYTES = 16_344;
/** db record: signature, u16 segments, u32 list cell. */
export const DB_RECORD_BYTES = 8;

const DB_SIGNATURE = 0x6264;

/** Cells of a big-data value. */
export interface BigData {
  readonly list: number;
  readonly segments: readonly number[];
}

/**
 * The value's data, copied. With `clip`, a size larger than its cell gives what the cell holds instead of an error: some
 * writers leave such values behind, and comparing two hives must not stop there.
 */
export function readValueData(image: HiveImage, value: ValueRecord, clip = false): Buffer {
  const { bytes } = image;
  if (value.size === 0) return Buffer.alloc(0);
  if (value.inline) {
    const at = image.position(value.cell) + VK.DATA;
    return Buffer.from(bytes.subarray(at, at + value.size));
  }
  const what = `data of value at ${hex(value.cell)}`;
  const length = image.contentLength(value.dataCell, what);
  const at = image.position(value.dataCell);
  if (value.size <= length) return Buffer.from(bytes.subarray(at, at + value.size));
  const big = findBigData(image, value);
  if (big !== undefined) return joinSegments(image, value, big);
  if (clip) return Buffer.from(bytes.subarray(at, at + length));
  throw corrupt(`${what}: ${value.size} bytes do not fit the cell at ${hex(value.dataCell)} of ${length}`);
}

/** The segments of a big-data value, or undefined when the data stands in one cell or in the record. */
export function findBigData(image: HiveImage, value: ValueRecord): BigData | undefined {
  if (value.inline || value.size <= SEGMENT_BYTES || image.base.minor <= 3) return undefined;
  const what = `big data of value at ${hex(value.cell)}`;
  const length = image.contentLength(value.dataCell, what);
  if (length >= value.size || length < DB_RECORD_BYTES) return undefined;
  const at = image.position(value.dataCell);
  if (image.bytes.readUInt16LE(at) !== DB_SIGNATURE) return undefined;
  const count = image.bytes.readUInt16LE(at + 2);
  const list = image.bytes.readUInt32LE(at + 4);
  if (count !== Math.ceil(value.size / SEGMENT_BYTES)) {
    throw corrupt(`${what}: ${count} segments for ${value.size} bytes`);
  }
  if (image.contentLength(list, what) < 4 * count) throw corrupt(`${what}: segment list at ${hex(list)} is too short`);
  const entries = image.position(list);
  return { list, segments: Array.from({ length: count }, (_, i) => image.bytes.readUInt32LE(entries + 4 * i)) };
}

function joinSegments(image: HiveImage, value: ValueRecord, big: BigData): Buffer {
  const what = `big data of value at ${hex(value.cell)}`;
  if (value.size > image.bytes.length) throw corrupt(`${what}: ${value.size} bytes are more than the hive has`);
  const data = Buffer.alloc(value.size);
  let filled = 0;
  for (const segment of big.segments) {
    const wanted = Math.min(SEGMENT_BYTES, value.size - filled);
    const length = image.contentLength(segment, what);
    if (length < wanted) throw corrupt(`${what}: segment at ${hex(segment)} has ${length} bytes, ${wanted} are needed`);
    const at = image.position(segment);
    image.bytes.copy(data, filled, at, at + wanted);
    filled += wanted;
  }
  return data;
}
