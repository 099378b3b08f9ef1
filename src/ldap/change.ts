// A directory change as data, before it is made: printable as LDIF, applied as one operation that fails when somebody was faster, and
// invertible. The shapes are LDIF's own; what is added here is which of them this project writes, and what each expects to find.

import { childDn, escapeDnValue, formatDn, formatRdn, parentDn, parseDn } from './distinguished-name.ts';
import { DirectoryError } from './errors.ts';
import {
  formatLdifChanges,
  formatLdifLine,
  LDIF_LIMITS,
  type LdifAttribute,
  type LdifChange,
  parseLdif,
  parseLdifChanges,
} from './ldif.ts';

/** A deletion that is made only while the entry is as `expects` says; LDAP has no compare-and-delete, so the writer looks first. */
export interface GuardedDelete {
  readonly change: 'delete';
  readonly dn: string;
  readonly expects: readonly LdifAttribute[];
}

/** A change that cannot overwrite somebody else's: modifies name the values they delete, adds and renames fail on what is taken. */
export type GuardedChange = Exclude<LdifChange, { change: 'delete' }> | GuardedDelete;

/** One attribute's replacement: the old values are deleted by value, so that a concurrent change makes the whole modify fail. */
export interface ValueReplacement {
  readonly attribute: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** Bounds of an undo file: it holds what one command wrote. */
export const UNDO_FILE_LIMITS = {
  ...LDIF_LIMITS,
  characters: 4 * 1024 * 1024,
  lineCharacters: 65_536,
  records: 10_000,
};

const bytes = (values: readonly string[]): Buffer[] => values.map((value) => Buffer.from(value, 'utf8'));

/** A modify that fails with noSuchAttribute (16) or attributeOrValueExists (20) when somebody was faster. */
export function replaceValues(dn: string, replacements: readonly ValueReplacement[]): GuardedChange {
  const modifications = replacements.flatMap(({ attribute, before, after }) => {
    const gone = before.filter((value) => !after.includes(value));
    const come = after.filter((value) => !before.includes(value));
    return [
      ...(gone.length > 0 ? [{ operation: 'delete' as const, name: attribute, values: bytes(gone) }] : []),
      ...(come.length > 0 ? [{ operation: 'add' as const, name: attribute, values: bytes(come) }] : []),
    ];
  });
  return { change: 'modify', dn, modifications };
}

/** True when a change would write nothing. */
export function isEmpty(change: GuardedChange): boolean {
  return change.change === 'modify' && change.modifications.length === 0;
}

/** Adds an entry. */
export function addEntry(dn: string, attributes: Readonly<Record<string, readonly string[]>>): GuardedChange {
  const list: LdifAttribute[] = Object.entries(attributes).map(([name, values]) => ({ name, values: bytes(values) }));
  return { change: 'add', dn, attributes: list };
}

/** Deletes an entry whose attributes were read before. */
export function deleteEntry(dn: string, expects: readonly LdifAttribute[]): GuardedDelete {
  return { change: 'delete', dn, expects };
}

/** Renames an entry in its place. */
export function renameEntry(dn: string, newName: string): GuardedChange {
  const type = parseDn(dn)[0]?.[0]?.type;
  if (!type) throw new DirectoryError('dn-syntax', `renaming ${dn}: it has no name of its own`);
  return { change: 'modrdn', dn, newRdn: `${type}=${escapeDnValue(newName)}`, deleteOldRdn: true };
}

/** What undoes a change, under the same guard: it fails when the entry is no longer as the change left it. */
export function invert(change: GuardedChange): GuardedChange {
  switch (change.change) {
    case 'add':
      return deleteEntry(change.dn, change.attributes);
    case 'delete':
      return { change: 'add', dn: change.dn, attributes: change.expects };
    case 'modify':
      return {
        ...change,
        modifications: change.modifications
          .map(({ operation, ...rest }) => ({ ...rest, operation: operation === 'add' ? 'delete' : 'add' }) as const)
          .reverse(),
      };
    case 'modrdn':
      return invertRename(change.dn, change.newRdn);
  }
}

function invertRename(dn: string, newRdn: string): GuardedChange {
  const [own, ...rest] = parseDn(dn);
  const first = parseDn(newRdn)[0]?.[0];
  if (!own || !first) throw new DirectoryError('dn-syntax', `renaming ${dn} to ${newRdn}: one of them has no name`);
  return {
    change: 'modrdn',
    dn: formatDn(childDn(first.type, first.value, rest)),
    newRdn: formatRdn(own),
    deleteOldRdn: true,
  };
}

/** The name of the changed entry after the change. */
export function nameAfter(change: GuardedChange): string {
  if (change.change !== 'modrdn') return change.dn;
  const rest = parentDn(parseDn(change.dn)) ?? [];
  return rest.length === 0 ? change.newRdn : `${change.newRdn},${formatDn(rest)}`;
}

const EXPECTS = '# expects: ';

/** The LDIF of changes in the order they are made. What a deletion expects stands before it in comments, which other tools skip. */
export function changesAsLdif(changes: readonly GuardedChange[]): string {
  const records = changes.map((change) => {
    const text = formatLdifChanges([change]).replace(/^version: 1\n/, '');
    return change.change === 'delete' ? `\n${expectations(change)}${text.slice(1)}` : text;
  });
  return ['version: 1\n', ...records].join('');
}

function expectations({ expects }: GuardedDelete): string {
  return expects
    .flatMap(({ name, values }) => values.map((value) => EXPECTS + formatLdifLine(name, value).replaceAll('\n ', '')))
    .join('');
}

/** The changes that undo others: each one's inverse, the last first. */
export function inverseOf(changes: readonly GuardedChange[]): GuardedChange[] {
  return changes.map(invert).reverse();
}

/**
 * Reads an undo file. Only guarded changes are taken: `replace` and deleting without values would overwrite blindly, and a deletion
 * must say what it expects. Throws DirectoryError `ldif-syntax` or `limit-exceeded`.
 */
export function readUndoFile(text: string): readonly GuardedChange[] {
  const changes = parseLdifChanges(text, UNDO_FILE_LIMITS);
  const expected = expectationsOf(text);
  if (changes.length === 0) throw new DirectoryError('ldif-syntax', 'the file holds no change');
  return changes.map((change, at): GuardedChange => {
    const fault = (why: string) => new DirectoryError('ldif-syntax', `the change of ${change.dn} ${why}`);
    if (change.change === 'delete') {
      const expects = expected[at] ?? [];
      if (expects.length === 0)
        throw fault(`deletes the entry whatever it holds; "${EXPECTS.trim()}" lines are missing before it`);
      return { ...change, expects };
    }
    if (change.change === 'modrdn' && (change.newSuperior !== undefined || !change.deleteOldRdn)) {
      throw fault('moves the entry or keeps its old name, which no command of this program does');
    }
    const blind =
      change.change === 'modify' &&
      change.modifications.find(({ operation, values }) => operation === 'replace' || values.length === 0);
    if (blind)
      throw fault(`replaces or deletes ${blind.name} whatever it holds; an undo file names the values it expects`);
    return change;
  });
}

/** The expectations before each record, by the record's place in the file. */
function expectationsOf(text: string): (readonly LdifAttribute[])[] {
  const records: LdifAttribute[][] = [];
  let pending: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith(EXPECTS)) pending.push(line.slice(EXPECTS.length));
    else if (/^dn:/i.test(line)) {
      const [record] =
        pending.length === 0 ? [] : parseLdif(`dn: cn=expected\n${pending.join('\n')}\n`, UNDO_FILE_LIMITS);
      records.push([...(record?.attributes ?? [])]);
      pending = [];
    }
  }
  return records;
}
