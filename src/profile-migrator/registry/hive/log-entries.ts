// New-format transaction logs (Windows 8.1 and later, file type 6): a base block and a chain of entries, each with the pages it
// changes and two Marvin32 hashes.
import { BASE_BLOCK_HEAD, type BaseBlock, HIVE_FILE_TYPE, hasBaseBlockSignature, readBaseBlock } from './base-block.ts';
import { BIN_UNIT } from './hive-image.ts';
import { marvin32 } from './marvin32.ts';

const ENTRY_HEADER = 40;
const ENTRY_UNIT = 512;

export interface LogPage {
  /** Relative to the bins. */
  readonly offset: number;
  readonly data: Buffer;
}

export interface LogEntry {
  readonly sequence: number;
  /** Size of all bins once the entry is applied. */
  readonly binsSize: number;
  readonly pages: readonly LogPage[];
}

export interface EntryLog {
  readonly base: BaseBlock;
  readonly head: Buffer;
  /** The unbroken run of sound entries from the start of the log. */
  readonly entries: readonly LogEntry[];
}

/** The log in `bytes`, or undefined when it is no new-format log or its base block is damaged. */
export function readEntryLog(bytes: Buffer): EntryLog | undefined {
  if (bytes.length < BASE_BLOCK_HEAD || !hasBaseBlockSignature(bytes)) return undefined;
  const base = readBaseBlock(bytes);
  if (base.fileType !== HIVE_FILE_TYPE.LOG_ENTRIES || !base.checksumOk) return undefined;
  const entries: LogEntry[] = [];
  for (let at = BASE_BLOCK_HEAD; ; ) {
    const read = readEntry(bytes, at);
    if (read === undefined) break;
    const previous = entries.at(-1);
    // Behind the newest entry lie older ones from the log's last round.
    if (previous !== undefined && read.entry.sequence !== (previous.sequence + 1) >>> 0) break;
    entries.push(read.entry);
    at += read.size;
  }
  return { base, head: bytes.subarray(0, BASE_BLOCK_HEAD), entries };
}

function readEntry(bytes: Buffer, at: number): { entry: LogEntry; size: number } | undefined {
  if (at + ENTRY_HEADER > bytes.length || bytes.toString('latin1', at, at + 4) !== 'HvLE') return undefined;
  const size = bytes.readUInt32LE(at + 4);
  if (size < ENTRY_HEADER || size % ENTRY_UNIT !== 0 || size > bytes.length - at) return undefined;
  const binsSize = bytes.readUInt32LE(at + 16);
  const count = bytes.readUInt32LE(at + 20);
  if (binsSize === 0 || binsSize % BIN_UNIT !== 0 || count * 8 > size - ENTRY_HEADER) return undefined;
  const whole = bytes.subarray(at, at + size);
  if (!marvin32(whole.subarray(0, 32)).equals(whole.subarray(32, 40))) return undefined;
  if (!marvin32(whole.subarray(40)).equals(whole.subarray(24, 32))) return undefined;
  const pages: LogPage[] = [];
  let dataAt = ENTRY_HEADER + 8 * count;
  for (let i = 0; i < count; i++) {
    const offset = whole.readUInt32LE(ENTRY_HEADER + 8 * i);
    const length = whole.readUInt32LE(ENTRY_HEADER + 8 * i + 4);
    if (length > size - dataAt || offset > binsSize || length > binsSize - offset) return undefined;
    pages.push({ offset, data: whole.subarray(dataAt, dataAt + length) });
    dataAt += length;
  }
  return { entry: { sequence: whole.readUInt32LE(12), binsSize, pages }, size };
}
