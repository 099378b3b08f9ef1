// Multi-valued properties. MAPI stores its in-memory array with offsets in place of pointers, so the layout depends on the bitness
// of the Outlook that wrote it: 4-byte or 8-byte offsets. The layout found is the layout written back.

export type PointerBytes = 4 | 8;

export interface MultiValue {
  readonly pointerBytes: PointerBytes;
  /** Strings without their terminators, or the binaries' bytes. */
  readonly items: readonly Buffer[];
}

/** A value beyond this many items is no list of servers. */
const MAX_ITEMS = 4096;

/**
 * PT_MV_STRING8 (`unit` 1) or PT_MV_UNICODE (`unit` 2). Undefined unless writing the answer again gives exactly these bytes: then
 * nothing in the value was misunderstood. An empty list has no layout; it is answered as a 4-byte one.
 */
export function readMultiString(data: Buffer, unit: 1 | 2 = 1): MultiValue | undefined {
  const count = itemCount(data);
  if (count === undefined) return undefined;
  for (const pointerBytes of [4, 8] as const) {
    const offsets = readOffsets(data, count, pointerBytes, pointerBytes, 0);
    if (!offsets) continue;
    const items = offsets.map((start, i) => data.subarray(start, (offsets[i + 1] ?? data.length) - unit));
    const value = { pointerBytes, items };
    if (items.every((item) => !hasTerminator(item, unit)) && writeMultiString(value, unit).equals(data)) return value;
  }
  return undefined;
}

export function writeMultiString({ pointerBytes, items }: MultiValue, unit: 1 | 2 = 1): Buffer {
  const header = Buffer.alloc(4 + pointerBytes * items.length);
  header.writeUInt32LE(items.length);
  let offset = header.length;
  for (const [i, item] of items.entries()) {
    header.writeUInt32LE(offset, 4 + pointerBytes * i);
    offset += item.length + unit;
  }
  return Buffer.concat([header, ...items.flatMap((item) => [item, Buffer.alloc(unit)])]);
}

/** PT_MV_BINARY, read only; undefined when neither layout fits. */
export function readMultiBinary(data: Buffer): MultiValue | undefined {
  const count = itemCount(data);
  if (count === undefined) return undefined;
  for (const pointerBytes of [4, 8] as const) {
    const offsets = readOffsets(data, count, 2 * pointerBytes, pointerBytes, pointerBytes);
    if (!offsets) continue;
    const items = offsets.map((start, i) => data.subarray(start, start + data.readUInt32LE(4 + 2 * pointerBytes * i)));
    if (items.every((item, i) => item.length === data.readUInt32LE(4 + 2 * pointerBytes * i)))
      return { pointerBytes, items };
  }
  return undefined;
}

function itemCount(data: Buffer): number | undefined {
  if (data.length < 4) return undefined;
  const count = data.readUInt32LE();
  return count > MAX_ITEMS ? undefined : count;
}

/** The items' offsets: the first right behind the header, then ascending, all inside the value. */
function readOffsets(
  data: Buffer,
  count: number,
  stride: number,
  pointerBytes: PointerBytes,
  within: number,
): number[] | undefined {
  const headerBytes = 4 + stride * count;
  if (data.length < headerBytes) return undefined;
  const offsets: number[] = [];
  let least = headerBytes;
  for (let i = 0; i < count; i++) {
    const at = 4 + stride * i + within;
    const offset = data.readUInt32LE(at);
    if (pointerBytes === 8 && data.readUInt32LE(at + 4) !== 0) return undefined;
    if (offset < least || offset > data.length || (i === 0 && offset !== headerBytes)) return undefined;
    least = offset;
    offsets.push(offset);
  }
  return offsets;
}

function hasTerminator(item: Buffer, unit: 1 | 2): boolean {
  for (let at = 0; at < item.length; at += unit) {
    if (item[at] === 0 && (unit === 1 || item[at + 1] === 0)) return true;
  }
  return false;
}
