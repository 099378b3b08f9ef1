// A directory change as data, before it is made: printable as LDIF, applied as one compare-and-set operation, and invertible. The shapes
// are LDIF's own; what is added here is which of them this project writes, and what undoes each.

import { childDn, escapeDnValue, formatDn, formatRdn, parentDn, parseDn } from './distinguished-name.ts';
import { DirectoryError } from './errors.ts';
import { formatLdifChanges, type LdifAttribute, type LdifChange, parseLdifChanges } from './ldif.ts';

/** A change and what undoes it. */
export interface DirectoryChange {
  readonly apply: LdifChange;
  readonly undo: LdifChange;
}

/** One attribute's replacement: the old values are deleted by value, so that a concurrent change makes the whole modify fail. */
export interface ValueReplacement {
  readonly attribute: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

const bytes = (values: readonly string[]): Buffer[] => values.map((value) => Buffer.from(value, 'utf8'));

/** A modify that fails with noSuchAttribute (16) or attributeOrValueExists (20) when somebody was faster. */
export function replaceValues(dn: string, replacements: readonly ValueReplacement[]): DirectoryChange {
  const modify = (swap: boolean): LdifChange => ({
    change: 'modify',
    dn,
    modifications: replacements.flatMap(({ attribute, before, after }) => {
      const [old, fresh] = swap ? [after, before] : [before, after];
      const gone = old.filter((value) => !fresh.includes(value));
      const come = fresh.filter((value) => !old.includes(value));
      return [
        ...(gone.length > 0 ? [{ operation: 'delete' as const, name: attribute, values: bytes(gone) }] : []),
        ...(come.length > 0 ? [{ operation: 'add' as const, name: attribute, values: bytes(come) }] : []),
      ];
    }),
  });
  return { apply: modify(false), undo: modify(true) };
}

/** True when a change would write nothing. */
export function isEmpty({ apply }: DirectoryChange): boolean {
  return apply.change === 'modify' && apply.modifications.length === 0;
}

/** Adds an entry; undone by deleting it. */
export function addEntry(dn: string, attributes: Readonly<Record<string, readonly string[]>>): DirectoryChange {
  const list: LdifAttribute[] = Object.entries(attributes).map(([name, values]) => ({ name, values: bytes(values) }));
  return { apply: { change: 'add', dn, attributes: list }, undo: { change: 'delete', dn } };
}

/** Deletes an entry whose attributes were read before; undone by adding them again. */
export function deleteEntry(dn: string, attributes: readonly LdifAttribute[]): DirectoryChange {
  return { apply: { change: 'delete', dn }, undo: { change: 'add', dn, attributes } };
}

/** Renames an entry in its place. */
export function renameEntry(dn: string, newName: string): DirectoryChange {
  const parsed = parseDn(dn);
  const [own] = parsed;
  const parent = parentDn(parsed);
  const type = own?.[0]?.type;
  if (!own || !parent || !type) throw new DirectoryError('dn-syntax', `renaming ${dn}: it has no name of its own`);
  const newRdn = `${type}=${escapeDnValue(newName)}`;
  return {
    apply: { change: 'modrdn', dn, newRdn, deleteOldRdn: true },
    undo: {
      change: 'modrdn',
      dn: formatDn(childDn(type, newName, parent)),
      newRdn: formatRdn(own),
      deleteOldRdn: true,
    },
  };
}

/** The LDIF of changes in the order they are made. */
export function changesAsLdif(changes: readonly DirectoryChange[]): string {
  return formatLdifChanges(changes.map(({ apply }) => apply));
}

/** The LDIF that undoes changes: each one's inverse, the last first. */
export function inverseAsLdif(changes: readonly DirectoryChange[]): string {
  return formatLdifChanges(changes.map(({ undo }) => undo).reverse());
}

/** Reads an undo file. Only compare-and-set modifies, adds, deletes and renames are taken; `replace` would overwrite blindly. */
export function readUndoFile(text: string): readonly LdifChange[] {
  const changes = parseLdifChanges(text);
  for (const change of changes) {
    if (change.change !== 'modify') continue;
    const blind = change.modifications.find(
      ({ operation, values }) => operation === 'replace' || (operation === 'delete' && values.length === 0),
    );
    if (blind) {
      throw new DirectoryError(
        'ldif-syntax',
        `the change of ${change.dn} replaces or deletes ${blind.name} whatever it holds; an undo file names the values it expects`,
      );
    }
  }
  return changes;
}
