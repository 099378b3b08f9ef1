// Reads the primitive types of NDR from a buffer that came off the network. A read past the end does not throw: it returns zeroes and
// remembers the first fault, so that a decoder stays a straight line and asks once, at its end, whether all it read was really there.
// [C706] 14.2 NDR primitive types, [MS-RPCE] 2.2.2 PDUs (data representation label).

/** A cursor over one PDU body or stub. Offsets in `fault` are relative to `base`, so that they name a place in the whole. */
export class NdrReader {
  readonly #bytes: Buffer;
  readonly #littleEndian: boolean;
  #offset = 0;
  #fault: string | undefined;

  constructor(bytes: Buffer, littleEndian: boolean) {
    this.#bytes = bytes;
    this.#littleEndian = littleEndian;
  }

  /** What was wrong first, or undefined while everything asked for was there. */
  get fault(): string | undefined {
    return this.#fault;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** Records that the bytes read so far make no sense. The first fault stays. */
  fail(reason: string): void {
    this.#fault ??= `offset ${this.#offset}: ${reason}`;
  }

  bytes(count: number, what: string): Buffer {
    if (this.#fault === undefined && count > this.remaining) {
      this.fail(`${what} needs ${count} bytes, ${this.remaining} left`);
    }
    if (this.#fault !== undefined) return Buffer.alloc(0);
    const found = this.#bytes.subarray(this.#offset, this.#offset + count);
    this.#offset += count;
    return found;
  }

  u8(what: string): number {
    return this.bytes(1, what)[0] ?? 0;
  }

  u16(what: string): number {
    const found = this.bytes(2, what);
    if (found.length < 2) return 0;
    return this.#littleEndian ? found.readUInt16LE() : found.readUInt16BE();
  }

  u32(what: string): number {
    const found = this.bytes(4, what);
    if (found.length < 4) return 0;
    return this.#littleEndian ? found.readUInt32LE() : found.readUInt32BE();
  }

  /** Skips padding up to the next multiple of `size`, counted from the start of this buffer. */
  align(size: number): void {
    const padding = (size - (this.#offset % size)) % size;
    this.bytes(padding, 'alignment padding');
  }
}

const UUID = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i;

/**
 * A UUID in its little-endian wire form: the first three fields are integers, the rest is bytes ([C706] appendix A UUID).
 * @throws RangeError when the text is no UUID; a caller's mistake, never the network's.
 */
export function uuidBytes(text: string): Buffer {
  const parts = UUID.exec(text);
  if (parts === null) throw new RangeError(`not a UUID: ${JSON.stringify(text)}`);
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}
