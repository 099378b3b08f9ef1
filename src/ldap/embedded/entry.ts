// One entry of the embedded directory. Entries of the same kind share the list of their attribute names, so that a
// directory of a few hundred thousand users fits into memory: each entry then holds only its values.
import type { RelativeName } from '../distinguished-name.ts';
import type { Value } from './matching.ts';

/** A list of attribute names, shared by all entries that have exactly these in this order. */
class Shape {
  readonly names: readonly string[];
  readonly slotOf: ReadonlyMap<string, number>;
  private readonly wider = new Map<string, Shape>();

  constructor(names: readonly string[]) {
    this.names = names;
    this.slotOf = new Map(names.map((name, slot) => [name, slot]));
  }

  with(name: string): Shape {
    let next = this.wider.get(name);
    if (!next) {
      next = new Shape([...this.names, name]);
      this.wider.set(name, next);
    }
    return next;
  }
}

const EMPTY = new Shape([]);
const NO_VALUES: readonly Value[] = [];

export type EntryBirth = {
  readonly rdn: RelativeName;
  readonly dn: string;
  readonly key: string;
  readonly parent: Entry | undefined;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly usn: number;
};

export class Entry {
  rdn: RelativeName;
  /** The name as answered to clients. */
  dn: string;
  /** `dnKey` of the name. */
  key: string;
  parent: Entry | undefined;
  children: Set<Entry> | undefined;
  /** Head of a naming context: a search from above does not descend into it. */
  isContextHead = false;
  readonly created: number;
  changed: number;
  readonly usnCreated: number;
  usnChanged: number;

  private shape = EMPTY;
  // One value stands bare, several as an array: most attributes have one.
  private slots: (Value | readonly Value[])[] = [];

  constructor({ rdn, dn, key, parent, created, usn }: EntryBirth) {
    this.rdn = rdn;
    this.dn = dn;
    this.key = key;
    this.parent = parent;
    this.created = created;
    this.changed = created;
    this.usnCreated = usn;
    this.usnChanged = usn;
  }

  /** Stored values of an attribute (name in lower case); empty when absent. */
  get(attribute: string): readonly Value[] {
    const slot = this.shape.slotOf.get(attribute);
    if (slot === undefined) return NO_VALUES;
    const held = this.slots[slot] as Value | readonly Value[];
    return typeof held === 'string' || Buffer.isBuffer(held) ? [held] : held;
  }

  has(attribute: string): boolean {
    return this.shape.slotOf.has(attribute);
  }

  /** Names of the stored attributes, lower case. */
  names(): readonly string[] {
    return this.shape.names;
  }

  /** Replaces an attribute; no values removes it. Indexes are the store's business: call `Store.setValues`. */
  set(attribute: string, values: readonly Value[]): void {
    if (values.length === 0) {
      this.remove(attribute);
      return;
    }
    const held = values.length === 1 ? (values[0] as Value) : values;
    const slot = this.shape.slotOf.get(attribute);
    if (slot !== undefined) {
      this.slots[slot] = held;
      return;
    }
    this.shape = this.shape.with(attribute);
    this.slots.push(held);
  }

  private remove(attribute: string): void {
    const slot = this.shape.slotOf.get(attribute);
    if (slot === undefined) return;
    this.slots.splice(slot, 1);
    this.shape = this.shape.names.filter((name) => name !== attribute).reduce((shape, name) => shape.with(name), EMPTY);
  }
}
