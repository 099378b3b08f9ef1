// The entries in memory, their tree and their equality indexes. Knows nothing of the wire, of rights or of result codes.
import { type DistinguishedName, dnKey, formatRdn } from '../distinguished-name.ts';
import type { Entry } from './entry.ts';
import { type Value, valueKey } from './matching.ts';
import { DN_ATTRIBUTES, forwardLinkOf, INDEXED_TEXT_ATTRIBUTES, knowledgeOf } from './schema.ts';

/** The entries of one index key: the bare entry while there is one, which is the usual case for addresses and names. */
type Posting = Entry | Entry[];

const INDEXED = [...INDEXED_TEXT_ATTRIBUTES, ...DN_ATTRIBUTES];

/** Attributes computed from an entry rather than stored with it. */
const COMPUTED: Record<string, (entry: Entry) => readonly Value[]> = {
  distinguishedname: (entry) => [entry.dn],
  name: (entry) => [entry.rdn[0]?.value ?? ''],
  whencreated: (entry) => [generalizedTime(entry.created)],
  whenchanged: (entry) => [generalizedTime(entry.changed)],
  createtimestamp: (entry) => [generalizedTime(entry.created)],
  modifytimestamp: (entry) => [generalizedTime(entry.changed)],
  usncreated: (entry) => [String(entry.usnCreated)],
  usnchanged: (entry) => [String(entry.usnChanged)],
  instancetype: (entry) => [entry.isContextHead ? '5' : '4'],
  structuralobjectclass: (entry) => entry.get('objectclass').slice(-1),
  canonicalname: (entry) => [canonicalName(entry)],
};

export const COMPUTED_ATTRIBUTES: ReadonlySet<string> = new Set(Object.keys(COMPUTED));

export class Store {
  private readonly byKey = new Map<string, Entry>();
  private readonly indexes = new Map<string, Map<string, Posting>>(INDEXED.map((name) => [name, new Map()]));
  private readonly spellings = new Map<string, string>();
  private readonly categories = new Map<string, Set<string>>();
  private lastUsn = 4096;

  get size(): number {
    return this.byKey.size;
  }

  /** Highest update sequence number given out. */
  get highestUsn(): number {
    return this.lastUsn;
  }

  nextUsn(): number {
    this.lastUsn += 1;
    return this.lastUsn;
  }

  find(dn: DistinguishedName): Entry | undefined {
    return this.byKey.get(dnKey(dn));
  }

  findKey(key: string): Entry | undefined {
    return this.byKey.get(key);
  }

  entries(): Iterable<Entry> {
    return this.byKey.values();
  }

  /** Puts a new entry into the tree; its values follow by `setValues`. */
  insert(entry: Entry): void {
    this.byKey.set(entry.key, entry);
    if (entry.parent) {
      entry.parent.children ??= new Set();
      entry.parent.children.add(entry);
    }
  }

  /** Takes a childless entry out of tree and indexes. */
  remove(entry: Entry): void {
    for (const attribute of [...entry.names()]) this.setValues(entry, attribute, []);
    this.byKey.delete(entry.key);
    entry.parent?.children?.delete(entry);
  }

  /** Replaces the values of an attribute (lower case; `spelling` is how to answer it) and keeps its index. */
  setValues(entry: Entry, attribute: string, values: readonly Value[], spelling = attribute): void {
    if (!this.spellings.has(attribute)) this.spellings.set(attribute, knowledgeOf(attribute)?.name ?? spelling);
    const index = this.indexes.get(attribute);
    if (index) for (const value of entry.get(attribute)) removePosting(index, valueKey(attribute, value), entry);
    entry.set(attribute, values);
    if (index) for (const value of values) addPosting(index, valueKey(attribute, value), entry);
    if (attribute === 'objectcategory') this.rememberCategories(values);
  }

  /** Gives an entry, and with it everything below, a new name and parent. Values naming the moved entries follow. */
  rename(entry: Entry, rdn: Entry['rdn'], parent: Entry | undefined): void {
    const moved = [...this.subtree(entry)];
    for (const one of moved) this.byKey.delete(one.key);
    entry.parent?.children?.delete(entry);
    entry.rdn = rdn;
    entry.parent = parent;
    if (parent) {
      parent.children ??= new Set();
      parent.children.add(entry);
    }
    for (const one of moved) {
      const oldKey = one.key;
      one.dn = one.parent ? `${formatRdn(one.rdn)},${one.parent.dn}` : formatRdn(one.rdn);
      one.key = one.parent ? `${dnKey([one.rdn])},${one.parent.key}` : dnKey([one.rdn]);
      this.byKey.set(one.key, one);
      this.repoint(oldKey, one.dn);
    }
  }

  /** The spelling of an attribute the directory answers with. */
  spelling(attribute: string): string {
    return this.spellings.get(attribute) ?? knowledgeOf(attribute)?.name ?? attribute;
  }

  /** True when the schema table or any entry has the attribute (lower case). */
  isKnown(attribute: string): boolean {
    return this.spellings.has(attribute) || knowledgeOf(attribute) !== undefined;
  }

  /** All values of an attribute: stored, computed, or the back link of other entries' links. */
  valuesOf(entry: Entry, attribute: string): readonly Value[] {
    const compute = COMPUTED[attribute];
    if (compute) return compute(entry);
    const forward = forwardLinkOf(attribute);
    return forward ? [...this.lookup(forward, entry.key)].map(({ dn }) => dn) : entry.get(attribute);
  }

  hasIndex(attribute: string): boolean {
    return this.indexes.has(attribute);
  }

  /** Entries whose indexed attribute has a value with this key. */
  lookup(attribute: string, key: string): readonly Entry[] {
    const found = this.indexes.get(attribute)?.get(key);
    return found === undefined ? NONE : Array.isArray(found) ? found : [found];
  }

  /** Keys of the object categories a class's short name stands for, as the directory resolves `(objectCategory=person)`. */
  categoryKeys(shortName: string): ReadonlySet<string> {
    return this.categories.get(shortCategory(shortName)) ?? new Set();
  }

  /** The entry and everything below it, parents first. */
  *subtree(top: Entry): Generator<Entry> {
    const waiting: Entry[] = [top];
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      yield next;
      if (next.children) for (const child of next.children) waiting.push(child);
    }
  }

  /** Replaces or removes every value of every DN-valued attribute that names `oldKey`. */
  repoint(oldKey: string, newDn: string | undefined, attributes: readonly string[] = DN_ATTRIBUTES): void {
    for (const attribute of attributes) {
      for (const holder of [...this.lookup(attribute, oldKey)]) {
        const values = holder.get(attribute).flatMap((value) => {
          if (valueKey(attribute, value) !== oldKey) return [value];
          return newDn === undefined ? [] : [newDn];
        });
        this.setValues(holder, attribute, values);
      }
    }
  }

  private rememberCategories(values: readonly Value[]): void {
    for (const value of values) {
      const key = valueKey('objectcategory', value);
      const common = /^cn=([^,\\]+)/.exec(key)?.[1];
      if (!common) continue;
      const short = shortCategory(common);
      const known = this.categories.get(short);
      if (known) known.add(key);
      else this.categories.set(short, new Set([key]));
    }
  }
}

const NONE: readonly Entry[] = [];

// Classes whose objects are categorised under another class ([MS-ADSC] defaultObjectCategory).
const CATEGORY_OF: Record<string, string> = {
  user: 'person',
  contact: 'person',
  organizationalperson: 'person',
  inetorgperson: 'person',
};

/** `msExchPrivateMDB` and `ms-Exch-Private-MDB` alike become `msexchprivatemdb`. */
function shortCategory(name: string): string {
  const bare = name.toLowerCase().replaceAll('-', '');
  return CATEGORY_OF[bare] ?? bare;
}

function addPosting(index: Map<string, Posting>, key: string, entry: Entry): void {
  const known = index.get(key);
  if (known === undefined) index.set(key, entry);
  // Equal values of one entry come one after the other: looking at the last is enough to have it once.
  else if (Array.isArray(known)) {
    if (known.at(-1) !== entry) known.push(entry);
  } else if (known !== entry) index.set(key, [known, entry]);
}

function removePosting(index: Map<string, Posting>, key: string, entry: Entry): void {
  const known = index.get(key);
  if (known === entry) index.delete(key);
  else if (Array.isArray(known)) {
    const at = known.indexOf(entry);
    if (at >= 0) known.splice(at, 1);
    if (known.length === 0) index.delete(key);
  }
}

/** GeneralizedTime as the directory prints it: `20120328101500.0Z`. */
export function generalizedTime(milliseconds: number): string {
  return `${new Date(milliseconds)
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replace(/[-:T]/g, '')}.0Z`;
}

function canonicalName(entry: Entry): string {
  const domain: string[] = [];
  const path: string[] = [];
  for (let at: Entry | undefined = entry; at; at = at.parent) {
    const { type = '', value = '' } = at.rdn[0] ?? {};
    if (at.parent === undefined && type.toLowerCase() === 'dc') domain.push(...dcParts(at.dn));
    else path.unshift(value.replace(/[\\/]/g, '\\$&'));
  }
  return `${domain.join('.')}/${path.join('/')}`;
}

const dcParts = (dn: string): string[] => dn.split(',').map((part) => part.slice(part.indexOf('=') + 1));
