// From outcomes and entries to the bytes of answers (RFC 4511 4.1.9, 4.5.2, 4.12), over ldapts' BerWriter.
import { BerWriter } from 'ldapts';
import { OID } from './contexts.ts';
import type { Value } from './matching.ts';
import { TAG } from './request.ts';
import type { Outcome } from './result.ts';

const ENTRY = 0x64;
const REFERENCE = 0x73;
const EXTENDED = 0x78;

/** The tag of the answer that ends a request; unbind and abandon have none. */
const ANSWER_TAG: Record<number, number> = {
  [TAG.bind]: 0x61,
  [TAG.search]: 0x65,
  [TAG.modify]: 0x67,
  [TAG.add]: 0x69,
  [TAG.delete]: 0x6b,
  [TAG.modifyDn]: 0x6d,
  [TAG.compare]: 0x6f,
  [TAG.extended]: EXTENDED,
};

export type EntryAnswer = {
  readonly dn: string;
  readonly attributes: readonly (readonly [name: string, values: readonly Value[]])[];
};

export type AnswerExtras = {
  /** Cookie of the paged results control; empty when the last page is out. */
  readonly pagingCookie?: Buffer;
  readonly extendedName?: string;
  readonly extendedValue?: string;
};

/** The message that ends a request; undefined for requests that are not answered. */
export function encodeOutcome(
  id: number,
  requestTag: number,
  outcome: Outcome,
  extras: AnswerExtras = {},
): Buffer | undefined {
  const tag = ANSWER_TAG[requestTag];
  if (tag === undefined) return undefined;
  return message(id, 512, (writer) => {
    writer.startSequence(tag);
    writeOutcome(writer, outcome);
    if (extras.extendedName !== undefined) writer.writeString(extras.extendedName, 0x8a);
    if (extras.extendedValue !== undefined) writer.writeString(extras.extendedValue, 0x8b);
    writer.endSequence();
    if (extras.pagingCookie) writePaging(writer, extras.pagingCookie);
  });
}

function writeOutcome(writer: BerWriter, { code, message: text = '', matchedDn = '', referrals }: Outcome): void {
  writer.writeEnumeration(code);
  writer.writeString(matchedDn);
  writer.writeString(text);
  if (referrals) {
    writer.startSequence(0xa3);
    for (const url of referrals) writer.writeString(url);
    writer.endSequence();
  }
}

function writePaging(writer: BerWriter, cookie: Buffer): void {
  const value = new BerWriter({ size: 64 });
  value.startSequence();
  value.writeInt(0);
  value.writeBuffer(cookie, 0x04);
  value.endSequence();
  writer.startSequence(0xa0);
  writer.startSequence();
  writer.writeString(OID.pagedResults);
  writer.writeBuffer(value.buffer, 0x04);
  writer.endSequence();
  writer.endSequence();
}

/** One entry of a search's answer. */
export function encodeEntry(id: number, { dn, attributes }: EntryAnswer): Buffer {
  return message(id, 2048, (writer) => {
    writer.startSequence(ENTRY);
    writer.writeString(dn);
    writer.startSequence();
    for (const [name, values] of attributes) {
      writer.startSequence();
      writer.writeString(name);
      writer.startSequence(0x31);
      for (const value of values) {
        if (typeof value === 'string') writer.writeString(value);
        else writer.writeBuffer(value, 0x04);
      }
      writer.endSequence();
      writer.endSequence();
    }
    writer.endSequence();
    writer.endSequence();
  });
}

/** A search reference: the search goes on in another naming context. */
export function encodeReference(id: number, urls: readonly string[]): Buffer {
  return message(id, 512, (writer) => {
    writer.startSequence(REFERENCE);
    for (const url of urls) writer.writeString(url);
    writer.endSequence();
  });
}

/** The unsolicited message before the server hangs up (RFC 4511 4.4.1). */
export function encodeDisconnection(reason: string, code: number): Buffer {
  return message(0, 256, (writer) => {
    writer.startSequence(EXTENDED);
    writeOutcome(writer, { code, message: reason });
    writer.writeString(OID.noticeOfDisconnection, 0x8a);
    writer.endSequence();
  });
}

function message(id: number, size: number, body: (writer: BerWriter) => void): Buffer {
  const writer = new BerWriter({ size });
  writer.startSequence();
  writer.writeInt(id);
  body(writer);
  writer.endSequence();
  return writer.buffer;
}
