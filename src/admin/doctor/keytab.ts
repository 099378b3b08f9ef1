// Reads a keytab: for which principals it has keys, and of which version. The keys themselves are skipped and never kept. The format is
// MIT's version 2 (krb5: "keytab file format"): 05 02, then records of a signed 32-bit length; a negative length is a hole.

export interface KeytabEntry {
  /** Without the realm: `HTTP/autodiscover.contoso.test`, or an account's own name. */
  readonly principal: string;
  readonly realm: string;
  readonly keyVersion: number;
  /** False when only the low eight bits of the version are recorded. */
  readonly isWholeVersion: boolean;
}

/** Limits on the file. */
export const KEYTAB_LIMITS = { bytes: 1_048_576, entries: 10_000, components: 16 } as const;

/** Throws RangeError naming the offset. */
export function parseKeytab(bytes: Buffer): readonly KeytabEntry[] {
  if (bytes.length > KEYTAB_LIMITS.bytes) throw new RangeError(`it is larger than ${KEYTAB_LIMITS.bytes} bytes`);
  if (bytes.length < 2 || bytes[0] !== 5 || bytes[1] !== 2)
    throw new RangeError('offset 0: it does not begin with 05 02');
  const entries: KeytabEntry[] = [];
  let at = 2;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) throw new RangeError(`offset ${at}: a record's length is cut off`);
    const size = bytes.readInt32BE(at);
    const begin = at + 4;
    at = begin + Math.abs(size);
    if (size === 0) break;
    if (at > bytes.length) throw new RangeError(`offset ${begin}: a record of ${Math.abs(size)} bytes is cut off`);
    if (size < 0) continue;
    if (entries.length === KEYTAB_LIMITS.entries)
      throw new RangeError(`it has more than ${KEYTAB_LIMITS.entries} keys`);
    entries.push(readEntry(bytes.subarray(begin, at), begin));
  }
  return entries;
}

function readEntry(record: Buffer, offset: number): KeytabEntry {
  let at = 0;
  const take = (count: number): Buffer => {
    if (at + count > record.length) throw new RangeError(`offset ${offset + at}: the record ends too early`);
    at += count;
    return record.subarray(at - count, at);
  };
  const counted = (): Buffer => take(take(2).readUInt16BE());
  const components = take(2).readUInt16BE();
  if (components > KEYTAB_LIMITS.components) throw new RangeError(`offset ${offset}: a name of ${components} parts`);
  const realm = counted().toString('utf8');
  const names = Array.from({ length: components }, () => counted().toString('utf8'));
  take(8); // kind of name, time
  const short = take(1).readUInt8();
  take(2); // kind of key
  counted(); // the key
  const whole = record.length - at >= 4 ? take(4).readUInt32BE() : 0;
  const isWholeVersion = whole !== 0;
  return { principal: names.join('/'), realm, keyVersion: isWholeVersion ? whole : short, isWholeVersion };
}
