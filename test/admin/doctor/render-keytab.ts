// Writes keytabs for tests, with keys of zeros.
import type { KeytabEntry } from '../../../src/admin/doctor/keytab.ts';

export function renderKeytab(entries: readonly KeytabEntry[]): Buffer {
  return Buffer.concat([Buffer.from([5, 2]), ...entries.map(renderEntry)]);
}

/** What a removed key leaves behind. */
export function renderHole(size: number): Buffer {
  const bytes = Buffer.alloc(4 + size);
  bytes.writeInt32BE(-size);
  return bytes;
}

function renderEntry({ principal, realm, keyVersion, isWholeVersion }: KeytabEntry): Buffer {
  const parts = principal.split('/');
  const body = Buffer.concat([
    number(2, parts.length),
    counted(Buffer.from(realm)),
    ...parts.map((part) => counted(Buffer.from(part))),
    number(4, 1), // KRB5_NT_PRINCIPAL
    number(4, 0), // time
    number(1, keyVersion & 0xff),
    number(2, 18), // aes256-cts-hmac-sha1-96
    counted(Buffer.alloc(32)),
    ...(isWholeVersion ? [number(4, keyVersion)] : []),
  ]);
  return Buffer.concat([number(4, body.length), body]);
}

function number(size: number, value: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
}

function counted(bytes: Buffer): Buffer {
  return Buffer.concat([number(2, bytes.length), bytes]);
}
