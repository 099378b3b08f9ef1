// Old-format transaction logs (Windows 8 and earlier, file types 1 and 2): a base block, a bitmap of dirty 512-byte pages ("DIRT"),
// and those pages one after the other.
import {
  BASE_BLOCK_HEAD,
  BASE_BLOCK_SIZE,
  type BaseBlock,
  HIVE_FILE_TYPE,
  hasBaseBlockSignature,
  isDirty,
  readBaseBlock,
} from './base-block.ts';
import { BIN_UNIT } from './hive-image.ts';

const PAGE = 512;

export interface DirtyVectorLog {
  readonly base: BaseBlock;
  readonly head: Buffer;
  /** Offset relative to the bins, 512 bytes each. */
  readonly pages: readonly { readonly offset: number; readonly data: Buffer }[];
}

/** The log in `bytes`, or undefined when it is none, unfinished (its own sequences differ), damaged or cut short. */
export function readDirtyVectorLog(bytes: Buffer): DirtyVectorLog | undefined {
  if (bytes.length < BASE_BLOCK_HEAD + 4 || !hasBaseBlockSignature(bytes)) return undefined;
  const base = readBaseBlock(bytes);
  const isLog = base.fileType === HIVE_FILE_TYPE.LOG || base.fileType === HIVE_FILE_TYPE.LOG_ALTERNATE;
  if (!isLog || isDirty(base) || base.binsSize === 0 || base.binsSize % BIN_UNIT !== 0) return undefined;
  if (bytes.toString('latin1', BASE_BLOCK_HEAD, BASE_BLOCK_HEAD + 4) !== 'DIRT') return undefined;
  const vectorAt = BASE_BLOCK_HEAD + 4;
  const vectorBytes = base.binsSize / PAGE / 8;
  let dataAt = Math.ceil((vectorAt + vectorBytes) / PAGE) * PAGE;
  if (dataAt > bytes.length) return undefined;
  const pages: { offset: number; data: Buffer }[] = [];
  for (let page = 0; page < vectorBytes * 8; page++) {
    if ((bytes.readUInt8(vectorAt + (page >>> 3)) & (1 << (page & 7))) === 0) continue;
    if (dataAt + PAGE > bytes.length) return undefined;
    pages.push({ offset: page * PAGE, data: bytes.subarray(dataAt, dataAt + PAGE) });
    dataAt += PAGE;
  }
  return { base, head: bytes.subarray(0, BASE_BLOCK_HEAD), pages };
}

/** A hive of the log's size with the pages laid over `hive`; base block from the log. */
export function applyDirtyVector(hive: Buffer, log: DirtyVectorLog): Buffer {
  const size = BASE_BLOCK_SIZE + log.base.binsSize;
  const bytes = Buffer.alloc(Math.max(size, hive.length));
  hive.copy(bytes);
  log.head.copy(bytes);
  for (const page of log.pages) page.data.copy(bytes, BASE_BLOCK_SIZE + page.offset);
  return bytes;
}
