// From the bytes of one message to a request as data (RFC 4511 4.1.1, 4.2-4.12). Bind, add, modify and modifyDN go through
// ldapts' decoders once the outline is checked (they trust every length); search is read here because ldapts' search decoder
// runs its filter decoders.
import { AddRequest, BerReader, BindRequest, ModifyDNRequest, ModifyRequest } from 'ldapts';
import { attributeName, bytes, enter, type Filter, readFilter, string } from './filter.ts';
import {
  boolean,
  checkNesting,
  checkOutline,
  element,
  elements,
  fields,
  integer,
  list,
  type Outline,
  octets,
} from './frame.ts';
import { ProtocolFault } from './protocol-fault.ts';

export type AttributeValues = { readonly name: string; readonly values: readonly Buffer[] };
export type Modification = AttributeValues & { readonly operation: 'add' | 'delete' | 'replace' };

export type SearchRequest = {
  readonly op: 'search';
  readonly base: string;
  readonly scope: 'base' | 'one' | 'sub' | 'children';
  readonly sizeLimit: number;
  readonly typesOnly: boolean;
  readonly filter: Filter;
  /** As asked, with options (`member;range=0-499`). */
  readonly attributes: readonly string[];
};

export type Request =
  | { readonly op: 'bind'; readonly version: number; readonly name: string; readonly password: Buffer | undefined }
  | { readonly op: 'unbind' }
  | SearchRequest
  | { readonly op: 'add'; readonly dn: string; readonly attributes: readonly AttributeValues[] }
  | { readonly op: 'modify'; readonly dn: string; readonly modifications: readonly Modification[] }
  | { readonly op: 'delete'; readonly dn: string }
  | {
      readonly op: 'modify-dn';
      readonly dn: string;
      readonly newRdn: string;
      readonly deleteOldRdn: boolean;
      readonly newSuperior: string | undefined;
    }
  | { readonly op: 'compare'; readonly dn: string; readonly attribute: string; readonly value: Buffer }
  | { readonly op: 'abandon'; readonly messageId: number }
  | { readonly op: 'extended'; readonly oid: string };

export type Operation = Request['op'];

export type Control = { readonly oid: string; readonly critical: boolean; readonly value: Buffer | undefined };

/** A message whose operation is not understood still has an answer to go to: `request` is then the fault. */
export type Message = {
  readonly id: number;
  /** Tag of the operation, for choosing the answer's tag. */
  readonly tag: number;
  readonly request: Request | ProtocolFault;
  readonly controls: readonly Control[];
};

/** Tags of requests (RFC 4511 4.2-4.12). */
export const TAG = {
  bind: 0x60,
  unbind: 0x42,
  search: 0x63,
  modify: 0x66,
  add: 0x68,
  delete: 0x4a,
  modifyDn: 0x6c,
  compare: 0x6e,
  abandon: 0x50,
  extended: 0x77,
  controls: 0xa0,
} as const;

const ATTRIBUTE = fields(0x30, [octets(), list(0x31, octets())]);
const OUTLINES: Record<number, Outline> = {
  [TAG.add]: fields(TAG.add, [octets(), list(0x30, ATTRIBUTE)]),
  [TAG.modify]: fields(TAG.modify, [octets(), list(0x30, fields(0x30, [integer(0x0a), ATTRIBUTE]))]),
  [TAG.modifyDn]: fields(TAG.modifyDn, [octets(), octets(), boolean()], [octets(0x80)]),
  [TAG.compare]: fields(TAG.compare, [octets(), fields(0x30, [octets(), octets()])]),
  [TAG.extended]: fields(TAG.extended, [octets(0x80)], [octets(0x81)]),
};
const CONTROLS = list(TAG.controls, fields(0x30, [octets()], [boolean(), octets()]));

/** Decodes one whole message. @throws ProtocolFault when there is not even an answerable request in it. */
export function decodeMessage(data: Buffer): Message {
  const outer = element(data, 0, data.length);
  const [idPart, opPart, controlsPart, more] = [...elements(data, outer.start, outer.stop)];
  if (!idPart || !opPart || more)
    throw new ProtocolFault('a message must hold an id, an operation and at most controls');
  checkOutline(data, integer(), idPart.from, idPart.to);
  const id = new BerReader(data.subarray(idPart.from, idPart.to)).readInt() ?? -1;
  if (id < 0) throw new ProtocolFault('a message id must not be negative');
  const tag = data[opPart.from] as number;
  if (!Object.values(TAG).includes(tag as never) || tag === TAG.controls) {
    throw new ProtocolFault(`operation 0x${tag.toString(16)} is unknown`);
  }
  const controls = controlsPart ? readControls(data, controlsPart.from, controlsPart.to) : [];
  return { id, tag, request: decodeOperation(data.subarray(opPart.from, opPart.to), tag), controls };
}

function decodeOperation(data: Buffer, tag: number): Request | ProtocolFault {
  try {
    const outline = OUTLINES[tag];
    if (outline) checkOutline(data, outline, 0, data.length);
    const reader = new BerReader(data);
    reader.readSequence();
    return decodeBody(reader, data, tag);
  } catch (error) {
    if (error instanceof ProtocolFault) return error;
    // ldapts reports what it cannot read as plain errors.
    return new ProtocolFault(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function decodeBody(reader: BerReader, data: Buffer, tag: number): Request {
  switch (tag) {
    case TAG.bind:
      return decodeBind(reader, data);
    case TAG.unbind:
      return { op: 'unbind' };
    case TAG.abandon:
      return { op: 'abandon', messageId: contentInteger(data) };
    case TAG.delete:
      return { op: 'delete', dn: data.subarray(element(data, 0, data.length).start).toString('utf8') };
    case TAG.search:
      checkNesting(data, 0, data.length);
      return decodeSearch(reader);
    case TAG.add: {
      const message = new AddRequest({ messageId: 0, dn: '' });
      message.parse(reader, []);
      return { op: 'add', dn: message.dn, attributes: message.attributes.map(attributeValues) };
    }
    case TAG.modify: {
      const message = new ModifyRequest({ messageId: 0 });
      message.parse(reader, []);
      const modifications = message.changes.map(({ operation, modification }) => ({
        operation,
        ...attributeValues(modification),
      }));
      return { op: 'modify', dn: message.dn, modifications };
    }
    case TAG.modifyDn: {
      const message = new ModifyDNRequest({ messageId: 0 });
      message.parse(reader, []);
      const { dn, newRdn, deleteOldRdn } = message;
      // ldapts reads an absent and an empty newSuperior alike; the outline knows whether it was sent.
      const sent = [...elements(data, element(data, 0, data.length).start, data.length)].length > 3;
      return { op: 'modify-dn', dn, newRdn, deleteOldRdn, newSuperior: sent ? message.newSuperior : undefined };
    }
    case TAG.compare: {
      const dn = string(reader);
      enter(reader);
      return { op: 'compare', dn, attribute: attributeName(string(reader)), value: bytes(reader) };
    }
    case TAG.extended:
      return { op: 'extended', oid: string(reader, 0x80) };
    default:
      throw new ProtocolFault(`operation 0x${tag.toString(16)} is unknown`);
  }
}

const attributeValues = ({ type, parsedBuffers }: { type: string; parsedBuffers: Buffer[] }): AttributeValues => ({
  name: type,
  values: parsedBuffers,
});

/** A bind; `password` is undefined for SASL. The bytes of the password are kept: they need not be UTF-8. */
function decodeBind(reader: BerReader, data: Buffer): Request {
  const parts = [...elements(data, element(data, 0, data.length).start, data.length)];
  const authentication = parts[2];
  const simple = authentication !== undefined && data[authentication.from] === 0x80;
  checkOutline(
    data,
    fields(TAG.bind, [integer(), octets(), { tag: simple ? 0x80 : 0xa3, kind: 'any' }]),
    0,
    data.length,
  );
  if (!authentication || !simple) {
    const version = reader.readInt() ?? 0;
    return { op: 'bind', version, name: string(reader), password: undefined };
  }
  const message = new BindRequest({ messageId: 0 });
  message.parse(reader, []);
  const password = data.subarray(element(data, authentication.from, authentication.to).start, authentication.to);
  return { op: 'bind', version: message.version, name: message.dn, password };
}

const SCOPES = ['base', 'one', 'sub', 'children'] as const;

function decodeSearch(reader: BerReader): Request {
  const base = string(reader);
  const scope = SCOPES[number(reader.readEnumeration())];
  const deref = number(reader.readEnumeration());
  const sizeLimit = number(reader.readInt());
  const timeLimit = number(reader.readInt());
  const typesOnly = reader.readBoolean() ?? false;
  if (scope === undefined || deref < 0 || deref > 3 || sizeLimit < 0 || timeLimit < 0) {
    throw new ProtocolFault('scope, alias handling or limits of the search are out of range');
  }
  const filter = readFilter(reader);
  const end = enter(reader, 0x30);
  const attributes: string[] = [];
  while (reader.offset < end) attributes.push(string(reader));
  if (reader.remain > 0) throw new ProtocolFault('bytes after the search request');
  return { op: 'search', base, scope, sizeLimit, typesOnly, filter, attributes };
}

function number(value: number | null): number {
  if (value === null) throw new ProtocolFault('a number is cut short');
  return value;
}

/** The content of a primitive integer element with an application tag (abandon). */
function contentInteger(data: Buffer): number {
  const { start, stop } = element(data, 0, data.length);
  if (stop - start < 1 || stop - start > 4) throw new ProtocolFault('integer of the wrong size');
  return data.readIntBE(start, stop - start);
}

function readControls(data: Buffer, from: number, to: number): Control[] {
  checkOutline(data, CONTROLS, from, to);
  const reader = new BerReader(data.subarray(from, to));
  const end = enter(reader);
  const controls: Control[] = [];
  while (reader.offset < end) {
    const stop = enter(reader);
    const oid = string(reader);
    const critical = reader.offset < stop && reader.peek() === 0x01 ? (reader.readBoolean() ?? false) : false;
    const value = reader.offset < stop ? bytes(reader) : undefined;
    controls.push({ oid, critical, value });
  }
  return controls;
}

/** The value of a paged results control (RFC 2696): page size and cookie. */
export function decodePaging(value: Buffer | undefined): { size: number; cookie: Buffer } {
  if (!value) throw new ProtocolFault('the paged results control has no value');
  checkOutline(value, fields(0x30, [integer(), octets()]), 0, value.length);
  const reader = new BerReader(value);
  reader.readSequence();
  const size = number(reader.readInt());
  if (size < 0) throw new ProtocolFault('a page of a negative size');
  return { size, cookie: bytes(reader) };
}
