// From LDIF records to a filled store: parents before children, computed attributes dropped, missing identities derived.
import { createHash } from 'node:crypto';
import { type DistinguishedName, dnKey, formatDn, formatRdn, parseDn, rdnKey } from '../distinguished-name.ts';
import { DirectoryError } from '../errors.ts';
import type { LdifRecord } from '../ldif.ts';
import { Entry } from './entry.ts';
import { isBinary, type Value } from './matching.ts';
import { forwardLinkOf, syntaxOf } from './schema.ts';
import { COMPUTED_ATTRIBUTES, Store } from './store.ts';

/** Builds a store. Records may come in any order. @throws DirectoryError naming the record that cannot be placed. */
export function loadStore(records: Iterable<LdifRecord>, now: () => number): Store {
  const store = new Store();
  const created = now();
  const waiting: { dn: DistinguishedName; record: LdifRecord }[] = [];
  for (const record of records) {
    const dn = nameOf(record);
    // A top entry of its own is only recognised once everything is read: its parent may still come.
    if (findParent(store, dn)) place(store, record, dn, created);
    else waiting.push({ dn, record });
  }
  waiting.sort((a, b) => a.dn.length - b.dn.length);
  for (const { dn, record } of waiting) {
    if (!findParent(store, dn)) {
      const ancestor = nearestAncestor(store, dn);
      if (ancestor) {
        throw new DirectoryError(
          'embedded-directory',
          `cannot load '${record.dn}': its parent is missing below '${ancestor.dn}'`,
        );
      }
    }
    place(store, record, dn, created);
  }
  return store;
}

function nameOf(record: LdifRecord): DistinguishedName {
  const dn = parseDn(record.dn);
  if (dn.length === 0) throw new DirectoryError('embedded-directory', 'cannot load an entry with an empty name');
  return dn;
}

const findParent = (store: Store, dn: DistinguishedName): Entry | undefined =>
  dn.length > 1 ? store.find(dn.slice(1)) : undefined;

/** The deepest existing entry above a name. */
export function nearestAncestor(store: Store, dn: DistinguishedName): Entry | undefined {
  for (let depth = 1; depth < dn.length; depth++) {
    const found = store.find(dn.slice(depth));
    if (found) return found;
  }
  return undefined;
}

function place(store: Store, record: LdifRecord, dn: DistinguishedName, created: number): void {
  const entry = createEntry(store, dn, findParent(store, dn), created);
  for (const { name, values } of record.attributes) {
    const attribute = name.toLowerCase().replace(/;binary$/, '');
    if (COMPUTED_ATTRIBUTES.has(attribute) || forwardLinkOf(attribute)) continue;
    store.setValues(entry, attribute, toStored(attribute, values), name);
  }
  completeEntry(store, entry);
}

/** Makes an entry and puts it into the tree, without attributes. @throws DirectoryError when the name is taken. */
export function createEntry(store: Store, dn: DistinguishedName, parent: Entry | undefined, created: number): Entry {
  const rdn = dn[0] ?? [];
  const text = parent ? `${formatRdn(rdn)},${parent.dn}` : formatDn(dn);
  const key = parent ? `${rdnKey(rdn)},${parent.key}` : dnKey(dn);
  if (store.findKey(key))
    throw new DirectoryError('embedded-directory', `cannot load '${text}': there are two entries of this name`);
  const entry = new Entry({ rdn, dn: text, key, parent, created, usn: store.nextUsn() });
  store.insert(entry);
  return entry;
}

const HEADS = ['domaindns', 'configuration', 'dmd'];

/** Adds what every entry has: the naming attribute, an objectGUID, and whether it heads a naming context. */
export function completeEntry(store: Store, entry: Entry): void {
  for (const { type, value } of entry.rdn) {
    const attribute = type.toLowerCase();
    if (!entry.has(attribute)) store.setValues(entry, attribute, [value], type);
  }
  if (!entry.has('objectguid')) store.setValues(entry, 'objectguid', [deriveGuid(entry.key)]);
  const classes = entry.get('objectclass').map((value) => String(value).toLowerCase());
  entry.isContextHead = entry.parent === undefined || classes.some((name) => HEADS.includes(name));
}

/** A version 5 style UUID (RFC 9562 5.5) of the normalised name, in the directory's byte order: the same in every run. */
export function deriveGuid(key: string): Buffer {
  const guid = createHash('sha1')
    .update('exchange-autodiscover embedded directory\0')
    .update(key)
    .digest()
    .subarray(0, 16);
  guid[7] = ((guid[7] as number) & 0x0f) | 0x50;
  guid[8] = ((guid[8] as number) & 0x3f) | 0x80;
  return keepBytes(guid);
}

// Node's own pool is shared with everybody: a kept GUID of 16 bytes would keep 8 KiB of strangers alive.
const SLAB_BYTES = 64 * 1024;
let slab = Buffer.alloc(0);

/** A copy of the bytes that keeps nothing else in memory. */
function keepBytes(value: Buffer): Buffer {
  if (value.length > SLAB_BYTES / 16) {
    const own = Buffer.alloc(value.length);
    value.copy(own);
    return own;
  }
  if (value.length > slab.length) slab = Buffer.alloc(SLAB_BYTES);
  const copy = slab.subarray(0, value.length);
  slab = slab.subarray(value.length);
  value.copy(copy);
  return copy;
}

/** Text attributes whose values many entries have in common; names, numbers and truth values are so by nature. */
const REPEATED = new Set(['objectclass', 'msexchhomeservername', 'company', 'department']);
const SHARED_VALUES = 10_000;
const sharedTexts = new Map<string, string>();

/** One string for equal texts, as long as there are few of them. */
function shared(text: string): string {
  const known = sharedTexts.get(text);
  if (known !== undefined) return known;
  if (sharedTexts.size < SHARED_VALUES) sharedTexts.set(text, text);
  return text;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes from outside as stored values: text where the syntax is text and the bytes are UTF-8. */
export function toStored(attribute: string, values: readonly Buffer[]): Value[] {
  if (isBinary(syntaxOf(attribute))) return values.map(keepBytes);
  const repeated = REPEATED.has(attribute) || syntaxOf(attribute) !== 'text';
  return values.map((value) => {
    try {
      const text = decoder.decode(value);
      return repeated ? shared(text) : text;
    } catch {
      return keepBytes(value);
    }
  });
}
