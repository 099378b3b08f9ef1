// BER framing (RFC 4511 5.1): cutting the byte stream into messages, and checking a message's outline before anything reads
// it. The check is needed because decoders that trust lengths loop or read astray on hostile ones.
import { ProtocolFault } from './protocol-fault.ts';

/** Bounds of one message. */
const FRAME_LIMITS = {
  /** Whole message with its header. */
  messageBytes: 1024 * 1024,
  /** Nesting of constructed elements; a filter uses most of it. */
  depth: 100,
} as const;

/** Collects chunks of a connection and hands out whole messages. */
export class FrameSplitter {
  private chunks: Buffer[] = [];
  private held = 0;
  /** Bytes needed before trying again. */
  private needed = 2;
  private readonly maxBytes: number;

  constructor(maxBytes: number = FRAME_LIMITS.messageBytes) {
    this.maxBytes = maxBytes;
  }

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.held += chunk.length;
  }

  /** Bytes received and not handed out yet. */
  get size(): number {
    return this.held;
  }

  /** The next whole message, or undefined until more bytes come. @throws ProtocolFault when the stream is no LDAP. */
  next(): Buffer | undefined {
    if (this.held < this.needed) return undefined;
    const data = this.chunks.length === 1 ? (this.chunks[0] as Buffer) : Buffer.concat(this.chunks, this.held);
    this.chunks = [data];
    if (data[0] !== 0x30) throw new ProtocolFault('a message must be a SEQUENCE');
    const header = readHeader(data, 0, data.length);
    const size = header === undefined ? undefined : header.start + header.length;
    if (size !== undefined && size > this.maxBytes) {
      throw new ProtocolFault(`message of ${size} bytes, at most ${this.maxBytes} are read`);
    }
    if (size === undefined || data.length < size) {
      this.needed = size ?? data.length + 1;
      return undefined;
    }
    this.chunks = data.length === size ? [] : [data.subarray(size)];
    this.held = data.length - size;
    this.needed = 2;
    return data.subarray(0, size);
  }

  /** Bytes received after the last whole message; taken away when the connection changes to TLS. */
  takeRest(): Buffer {
    const rest = Buffer.concat(this.chunks, this.held);
    this.chunks = [];
    this.held = 0;
    this.needed = 2;
    return rest;
  }
}

/** Length and start of the content of the element at `at`; undefined when its header is not complete yet. */
function readHeader(data: Buffer, at: number, end: number): { start: number; length: number } | undefined {
  const first = data[at + 1];
  if (first === undefined || at + 1 >= end) return undefined;
  if (first < 0x80) return { start: at + 2, length: first };
  const count = first & 0x7f;
  if (count === 0) throw new ProtocolFault('indefinite lengths are not allowed');
  if (count > 4) throw new ProtocolFault('a length of more than 4 bytes');
  if (at + 2 + count > end) return undefined;
  return { start: at + 2 + count, length: data.readUIntBE(at + 2, count) };
}

/** What an element of a message must look like: its tag, and the elements inside it. */
export type Outline =
  | { readonly tag: number; readonly kind: 'octets' | 'integer' | 'boolean' | 'any' }
  | { readonly tag: number; readonly kind: 'list'; readonly of: Outline; readonly min?: number }
  | {
      readonly tag: number;
      readonly kind: 'fields';
      readonly fields: readonly Outline[];
      readonly optional?: readonly Outline[];
    };

export const octets = (tag = 0x04): Outline => ({ tag, kind: 'octets' });
export const integer = (tag = 0x02): Outline => ({ tag, kind: 'integer' });
export const boolean = (): Outline => ({ tag: 0x01, kind: 'boolean' });
export const list = (tag: number, of: Outline, min = 0): Outline => ({ tag, kind: 'list', of, min });
export const fields = (tag: number, required: readonly Outline[], optional: readonly Outline[] = []): Outline => ({
  tag,
  kind: 'fields',
  fields: required,
  optional,
});

/** Checks that the bytes from `at` to `end` are exactly one element of this outline. @throws ProtocolFault */
export function checkOutline(data: Buffer, outline: Outline, at: number, end: number): void {
  const { start, stop } = element(data, at, end);
  if (stop !== end) throw new ProtocolFault('an element does not fill its place');
  if (data[at] !== outline.tag) {
    throw new ProtocolFault(`expected element 0x${outline.tag.toString(16)}, got 0x${data[at]?.toString(16)}`);
  }
  checkContent(data, outline, start, stop);
}

function checkContent(data: Buffer, outline: Outline, start: number, stop: number): void {
  const length = stop - start;
  switch (outline.kind) {
    case 'any':
    case 'octets':
      return;
    case 'integer':
      if (length < 1 || length > 4) throw new ProtocolFault(`integer of ${length} bytes`);
      return;
    case 'boolean':
      if (length !== 1) throw new ProtocolFault(`boolean of ${length} bytes`);
      return;
    case 'list': {
      let count = 0;
      for (const { from, to } of elements(data, start, stop)) {
        checkOutline(data, outline.of, from, to);
        count += 1;
      }
      if (count < (outline.min ?? 0)) throw new ProtocolFault('an empty list');
      return;
    }
    case 'fields':
      checkFields(data, outline.fields, outline.optional ?? [], [...elements(data, start, stop)]);
  }
}

function checkFields(
  data: Buffer,
  required: readonly Outline[],
  optional: readonly Outline[],
  found: readonly { from: number; to: number }[],
): void {
  if (found.length < required.length) throw new ProtocolFault('an element lacks required parts');
  const open = [...optional];
  for (const [i, { from, to }] of found.entries()) {
    let outline = required[i];
    // Optional parts come in their order; each may be left out.
    while (!outline && open.length > 0) {
      const candidate = open.shift() as Outline;
      if (candidate.tag === data[from]) outline = candidate;
    }
    if (!outline) throw new ProtocolFault(`unexpected element 0x${data[from]?.toString(16)}`);
    checkOutline(data, outline, from, to);
  }
}

/** The elements that fill the bytes from `start` to `stop`. */
export function* elements(data: Buffer, start: number, stop: number): Generator<{ from: number; to: number }> {
  for (let at = start; at < stop; ) {
    const { stop: next } = element(data, at, stop);
    yield { from: at, to: next };
    at = next;
  }
}

/** Content bounds of the element at `at`, which must end by `end`. */
export function element(data: Buffer, at: number, end: number): { start: number; stop: number } {
  const header = readHeader(data, at, end);
  if (!header || header.start + header.length > end) throw new ProtocolFault('an element is cut short');
  return { start: header.start, stop: header.start + header.length };
}

/** Checks that every constructed element inside the range is well formed, to a bounded depth (for filters). */
export function checkNesting(data: Buffer, start: number, stop: number, depth = 0): void {
  if (depth > FRAME_LIMITS.depth) throw new ProtocolFault(`elements nested deeper than ${FRAME_LIMITS.depth}`);
  for (const { from, to } of elements(data, start, stop)) {
    if (((data[from] as number) & 0x20) !== 0) checkNesting(data, element(data, from, to).start, to, depth + 1);
  }
}
