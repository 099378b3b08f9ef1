// Search filters as they come over the wire (RFC 4511 4.5.1.7), decoded into plain data. Values stay bytes, because what
// they are depends on the attribute. ldapts' filter classes cannot serve here: their decoders read presence from the wrong
// offset and turn binary values into text.
import type { BerReader } from 'ldapts';
import { ProtocolFault } from './protocol-fault.ts';

export type Filter =
  | { readonly kind: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  | { readonly kind: 'present'; readonly attribute: string }
  | {
      readonly kind: 'equality' | 'greater-or-equal' | 'less-or-equal' | 'approximate';
      readonly attribute: string;
      readonly value: Buffer;
    }
  | {
      readonly kind: 'substrings';
      readonly attribute: string;
      readonly initial?: Buffer;
      readonly any: readonly Buffer[];
      readonly final?: Buffer;
    }
  | {
      readonly kind: 'extensible';
      readonly rule?: string;
      readonly attribute?: string;
      readonly value: Buffer;
      readonly dnAttributes: boolean;
    };

/** Bounds of one filter: nesting and number of parts. */
const FILTER_LIMITS = { depth: 64, parts: 10_000 } as const;

const TAG = {
  and: 0xa0,
  or: 0xa1,
  not: 0xa2,
  equality: 0xa3,
  substrings: 0xa4,
  greaterOrEqual: 0xa5,
  lessOrEqual: 0xa6,
  present: 0x87,
  approximate: 0xa8,
  extensible: 0xa9,
} as const;

const COMPARISONS = new Map<number, 'equality' | 'greater-or-equal' | 'less-or-equal' | 'approximate'>([
  [TAG.equality, 'equality'],
  [TAG.greaterOrEqual, 'greater-or-equal'],
  [TAG.lessOrEqual, 'less-or-equal'],
  [TAG.approximate, 'approximate'],
]);

/** Decodes the filter at the reader's position. Attribute names come in lower case and without options. */
export function readFilter(reader: BerReader): Filter {
  let parts = 0;
  return read(0);

  function read(depth: number): Filter {
    parts += 1;
    if (depth > FILTER_LIMITS.depth) throw new ProtocolFault(`filter nested deeper than ${FILTER_LIMITS.depth}`);
    if (parts > FILTER_LIMITS.parts) throw new ProtocolFault(`filter of more than ${FILTER_LIMITS.parts} parts`);
    const tag = reader.peek();
    if (tag === TAG.present) return { kind: 'present', attribute: attributeName(string(reader, TAG.present)) };
    const end = enter(reader);
    const filter = body(tag, end, depth);
    if (reader.offset !== end) throw new ProtocolFault('filter part with bytes left over');
    return filter;
  }

  function body(tag: number | null, end: number, depth: number): Filter {
    const comparison = COMPARISONS.get(tag ?? 0);
    if (comparison) return { kind: comparison, attribute: attributeName(string(reader)), value: bytes(reader) };
    switch (tag) {
      case TAG.and:
      case TAG.or: {
        const filters: Filter[] = [];
        while (reader.offset < end) filters.push(read(depth + 1));
        return { kind: tag === TAG.and ? 'and' : 'or', filters };
      }
      case TAG.not:
        return { kind: 'not', filter: read(depth + 1) };
      case TAG.substrings:
        return readSubstrings(reader);
      case TAG.extensible:
        return readExtensible(reader, end);
      default:
        throw new ProtocolFault(`0x${tag?.toString(16)} is no filter`);
    }
  }
}

function readSubstrings(reader: BerReader): Filter {
  const attribute = attributeName(string(reader));
  const end = enter(reader, 0x30);
  let initial: Buffer | undefined;
  let final: Buffer | undefined;
  const any: Buffer[] = [];
  while (reader.offset < end) {
    const tag = reader.peek();
    const first = initial === undefined && any.length === 0 && final === undefined;
    if (tag === 0x80 && first) initial = bytes(reader, 0x80);
    else if (tag === 0x81 && final === undefined) any.push(bytes(reader, 0x81));
    else if (tag === 0x82 && final === undefined) final = bytes(reader, 0x82);
    else throw new ProtocolFault('substring parts out of order');
  }
  if (initial === undefined && final === undefined && any.length === 0)
    throw new ProtocolFault('substring filter without parts');
  return { kind: 'substrings', attribute, any, ...(initial ? { initial } : {}), ...(final ? { final } : {}) };
}

function readExtensible(reader: BerReader, end: number): Filter {
  let rule: string | undefined;
  let attribute: string | undefined;
  let value: Buffer | undefined;
  let dnAttributes = false;
  while (reader.offset < end) {
    const tag = reader.peek();
    if (tag === 0x81) rule = string(reader, 0x81);
    else if (tag === 0x82) attribute = attributeName(string(reader, 0x82));
    else if (tag === 0x83) value = bytes(reader, 0x83);
    else if (tag === 0x84) dnAttributes = bytes(reader, 0x84)[0] !== 0;
    else throw new ProtocolFault('unknown part of an extensible match');
  }
  if (value === undefined || (rule === undefined && attribute === undefined))
    throw new ProtocolFault('incomplete extensible match');
  return { kind: 'extensible', value, dnAttributes, ...(rule ? { rule } : {}), ...(attribute ? { attribute } : {}) };
}

/** Lower case without options (`;binary`). */
export function attributeName(description: string): string {
  const semicolon = description.indexOf(';');
  return (semicolon < 0 ? description : description.slice(0, semicolon)).toLowerCase();
}

/** Enters a constructed element and returns the offset of its end. */
export function enter(reader: BerReader, tag?: number): number {
  if (reader.readSequence(tag) === null) throw new ProtocolFault('element cut short');
  const end = reader.offset + reader.length;
  if (end > reader.offset + reader.remain) throw new ProtocolFault('element longer than the message');
  return end;
}

/** Reads an octet string as bytes. */
export function bytes(reader: BerReader, tag = 0x04): Buffer {
  const value = reader.readString(tag, true);
  if (value === null) throw new ProtocolFault('octet string cut short');
  return value;
}

/** Reads an octet string as UTF-8 text. */
export function string(reader: BerReader, tag = 0x04): string {
  const value = reader.readString(tag);
  if (value === null) throw new ProtocolFault('octet string cut short');
  return value;
}
