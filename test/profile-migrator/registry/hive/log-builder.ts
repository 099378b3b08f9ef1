// Builds transaction logs for tests: new format (HvLE entries) and old format (DIRT bitmap).
import { marvin32 } from '../../../../src/profile-migrator/registry/hive/marvin32.ts';
import { sealBaseBlock } from './hive-builder.ts';

export interface PageSpec {
  /** Relative to the bins. */
  readonly offset: number;
  readonly data: Buffer;
}

export interface EntrySpec {
  readonly sequence: number;
  readonly binsSize: number;
  readonly pages: readonly PageSpec[];
}

function logBase(hive: Buffer, type: number, primary: number, secondary = primary): Buffer {
  const head = Buffer.from(hive.subarray(0, 512));
  head.writeUInt32LE(primary, 4);
  head.writeUInt32LE(secondary, 8);
  head.writeUInt32LE(type, 28);
  sealBaseBlock(head);
  return head;
}

export function entry(spec: EntrySpec): Buffer {
  const data = spec.pages.reduce((sum, page) => sum + page.data.length, 0);
  const size = Math.ceil((40 + 8 * spec.pages.length + data) / 512) * 512;
  const out = Buffer.alloc(size);
  out.write('HvLE', 0, 'latin1');
  out.writeUInt32LE(size, 4);
  out.writeUInt32LE(spec.sequence, 12);
  out.writeUInt32LE(spec.binsSize, 16);
  out.writeUInt32LE(spec.pages.length, 20);
  let at = 40 + 8 * spec.pages.length;
  for (const [i, page] of spec.pages.entries()) {
    out.writeUInt32LE(page.offset, 40 + 8 * i);
    out.writeUInt32LE(page.data.length, 44 + 8 * i);
    page.data.copy(out, at);
    at += page.data.length;
  }
  marvin32(out.subarray(40)).copy(out, 24);
  marvin32(out.subarray(0, 32)).copy(out, 32);
  return out;
}

/** `hive` gives the base block that the log repeats. */
export function entryLog(hive: Buffer, primary: number, entries: readonly EntrySpec[]): Buffer {
  return Buffer.concat([logBase(hive, 6, primary), ...entries.map(entry)]);
}

/** Every 512-byte page in which `after` differs from `before`, as an old-format log of type 1 or 2. */
export function dirtyVectorLog(before: Buffer, after: Buffer, sequence: number, type = 1): Buffer {
  const binsSize = after.readUInt32LE(40);
  const vector = Buffer.alloc(Math.ceil((4 + binsSize / 4096) / 512) * 512);
  vector.write('DIRT', 0, 'latin1');
  const pages: Buffer[] = [];
  for (const page of changedPages(before, after, 512)) {
    const bit = page.offset / 512;
    vector.writeUInt8(vector.readUInt8(4 + (bit >>> 3)) | (1 << (bit & 7)), 4 + (bit >>> 3));
    pages.push(page.data);
  }
  return Buffer.concat([logBase(after, type, sequence), vector, ...pages]);
}

/** The bins' pages of this size in which the two hives differ. */
export function changedPages(before: Buffer, after: Buffer, size = 4096): PageSpec[] {
  const pages: PageSpec[] = [];
  for (let at = 4096; at < after.length; at += size) {
    const data = after.subarray(at, at + size);
    if (!before.subarray(at, at + size).equals(data)) pages.push({ offset: at - 4096, data });
  }
  return pages;
}
