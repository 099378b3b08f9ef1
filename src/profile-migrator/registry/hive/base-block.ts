// The first 4096 bytes of a hive file (and, shortened to 512, of its logs): sequence numbers, version, root cell, size, checksum.
import { RegistryError } from '../../errors.ts';

/** Bytes before the first hbin; cell offsets count from here. */
export const BASE_BLOCK_SIZE = 4096;
/** The part of the base block that the checksum covers, and that a log repeats. */
export const BASE_BLOCK_HEAD = 512;
const CHECKSUM_AT = 508;

/** File types at offset 28. */
export const HIVE_FILE_TYPE = { PRIMARY: 0, LOG: 1, LOG_ALTERNATE: 2, LOG_ENTRIES: 6 } as const;

export interface BaseBlock {
  readonly primarySequence: number;
  readonly secondarySequence: number;
  /** FILETIME. */
  readonly lastWritten: bigint;
  readonly major: number;
  readonly minor: number;
  readonly fileType: number;
  /** Cell offset of the root nk. */
  readonly rootCell: number;
  /** Bytes of all hbins together; the file may be longer. */
  readonly binsSize: number;
  readonly checksumOk: boolean;
}

/** XOR of the 127 words before it; 0 and 0xffffffff are never stored. */
export function baseBlockChecksum(head: Buffer): number {
  let sum = 0;
  for (let at = 0; at < CHECKSUM_AT; at += 4) sum ^= head.readInt32LE(at);
  sum >>>= 0;
  if (sum === 0) return 1;
  return sum === 0xffffffff ? 0xfffffffe : sum;
}

export function hasBaseBlockSignature(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.toString('latin1', 0, 4) === 'regf';
}

/** Reads the fields without judging them; `bytes` holds at least 512 bytes. */
export function readBaseBlock(bytes: Buffer): BaseBlock {
  if (bytes.length < BASE_BLOCK_HEAD) {
    throw new RegistryError(
      'hive-corrupt',
      `the file has ${bytes.length} bytes, a base block needs ${BASE_BLOCK_HEAD}: not a registry hive, or cut short`,
    );
  }
  if (!hasBaseBlockSignature(bytes)) {
    throw new RegistryError('hive-corrupt', 'offset 0: the signature "regf" is missing: not a registry hive');
  }
  return {
    primarySequence: bytes.readUInt32LE(4),
    secondarySequence: bytes.readUInt32LE(8),
    lastWritten: bytes.readBigUInt64LE(12),
    major: bytes.readUInt32LE(20),
    minor: bytes.readUInt32LE(24),
    fileType: bytes.readUInt32LE(28),
    rootCell: bytes.readUInt32LE(36),
    binsSize: bytes.readUInt32LE(40),
    checksumOk: bytes.readUInt32LE(CHECKSUM_AT) === baseBlockChecksum(bytes),
  };
}

/** Dirty: a write was begun and not finished, or Windows keeps the newest changes in the log only. */
export function isDirty(base: BaseBlock): boolean {
  return !base.checksumOk || base.primarySequence !== base.secondarySequence;
}

export interface BaseBlockChange {
  readonly primarySequence?: number;
  readonly secondarySequence?: number;
  readonly lastWritten?: bigint;
  readonly fileType?: number;
  readonly binsSize?: number;
}

/** Writes the given fields in place and renews the checksum. */
export function changeBaseBlock(bytes: Buffer, change: BaseBlockChange): void {
  if (change.primarySequence !== undefined) bytes.writeUInt32LE(change.primarySequence >>> 0, 4);
  if (change.secondarySequence !== undefined) bytes.writeUInt32LE(change.secondarySequence >>> 0, 8);
  if (change.lastWritten !== undefined) bytes.writeBigUInt64LE(change.lastWritten, 12);
  if (change.fileType !== undefined) bytes.writeUInt32LE(change.fileType, 28);
  if (change.binsSize !== undefined) bytes.writeUInt32LE(change.binsSize, 40);
  bytes.writeUInt32LE(baseBlockChecksum(bytes), CHECKSUM_AT);
}

/** Sequence numbers are 32 bits and wrap. */
export function nextSequence(sequence: number): number {
  return (sequence + 1) >>> 0;
}

/** 100 ns since 1601. */
export function fileTime(date: Date): bigint {
  return BigInt(date.getTime()) * 10_000n + 116_444_736_000_000_000n;
}
