// Reads the content records of an LDIF file (RFC 2849) as raw bytes: what the demo organisation is written in.
// Change records and values by URL do not occur there and are refused.

/** One entry: attribute names keep their spelling; values are bytes, in file order. */
export type LdifRecord = { readonly dn: string; readonly attributes: ReadonlyMap<string, readonly Buffer[]> };

/** Parses `text`. Throws an Error with the line number for anything that is not a content record. */
export function readLdif(text: string): LdifRecord[] {
  const records: LdifRecord[] = [];
  let current: { dn: string; attributes: Map<string, Buffer[]> } | undefined;
  for (const { line, number } of unfolded(text)) {
    if (line === '') {
      current = undefined;
      continue;
    }
    const match = /^([A-Za-z][A-Za-z0-9.;-]*):(:?) *(.*)$/s.exec(line);
    if (match === null) throw new Error(`cannot read LDIF: line ${number} is neither "name: value" nor a comment`);
    const [, name = '', base64, text_ = ''] = match;
    if (text_.startsWith('<') && base64 === '') throw new Error(`cannot read LDIF: line ${number} names a URL`);
    const value = Buffer.from(text_, base64 === ':' ? 'base64' : 'utf8');
    if (current === undefined) {
      if (name === 'version') continue;
      if (name !== 'dn') throw new Error(`cannot read LDIF: line ${number} should begin an entry with "dn:"`);
      current = { dn: value.toString('utf8'), attributes: new Map() };
      records.push(current);
    } else if (name === 'changetype') {
      throw new Error(`cannot read LDIF: line ${number} is a change record, expected entries only`);
    } else {
      const values = current.attributes.get(name);
      if (values === undefined) current.attributes.set(name, [value]);
      else values.push(value);
    }
  }
  return records;
}

function* unfolded(text: string): Generator<{ line: string; number: number }> {
  let line: string | undefined;
  let start = 0;
  let number = 0;
  for (const raw of text.split(/\r?\n/)) {
    number++;
    if (raw.startsWith(' ') && line !== undefined) {
      line += raw.slice(1);
      continue;
    }
    if (line !== undefined && !line.startsWith('#')) yield { line, number: start };
    line = raw;
    start = number;
  }
  if (line !== undefined && !line.startsWith('#')) yield { line, number: start };
}
