// Who may see and write what: the rights of Exchange's configuration as a real organisation grants them. Ordinary accounts
// see servers, arrays and service connection points, and no databases, virtual directories, providers or address books.
import { dnKey, parseDn } from '../distinguished-name.ts';
import type { Entry } from './entry.ts';

/** Rights as data. Without it every bound account is an ordinary one and nobody may write. */
export type AccessOptions = {
  /** Accounts that see everything, as DNs. */
  readonly readers?: readonly string[];
  /** Accounts that see everything and may write below `writeBelow`, as DNs. */
  readonly writers?: readonly string[];
  /** Where writers may write; the default is `CN=Microsoft Exchange,CN=Services,<configuration>`. `''` means everywhere. */
  readonly writeBelow?: string;
  /** Every bound account sees everything (a directory without Exchange's rights). */
  readonly open?: boolean;
};

/** Exchange's classes whose default security descriptor lets every account read their objects, in lower case. */
const READABLE_CLASSES: ReadonlySet<string> = new Set([
  'msexchconfigurationcontainer',
  'msexchorganizationcontainer',
  'msexchexchangeserver',
  'msexchclientaccessarray',
  'msexchclientaccessarraylegacy',
]);

/** Classes whose objects let every account list what is directly below them, even where they cannot be read themselves. */
const LISTING_CLASSES: ReadonlySet<string> = new Set([
  'container',
  'msexchconfigurationcontainer',
  'msexchorganizationcontainer',
  'msexchadmingroupcontainer',
  'msexchadmingroup',
  'msexchserverscontainer',
  'msexchmdbcontainer',
  'msexchmdbavailabilitygroupcontainer',
]);

export type AccessRules = {
  /** Whether the account finds and reads the entry. */
  sees(account: Entry, entry: Entry): boolean;
  /** Whether the account learns that the entry exists; where it does not see it too, it reads no attribute of it. */
  lists(account: Entry, entry: Entry): boolean;
  /** Whether the account may change the entry, or create and delete below it. */
  writes(account: Entry, entry: Entry): boolean;
};

/** Compiles the options. Accounts are known by name at start: renaming one takes its rights away. */
export function accessRules(options: AccessOptions, configurationKey: string | undefined): AccessRules {
  const keys = (names: readonly string[] = []) => new Set(names.map((name) => dnKey(parseDn(name))));
  const writers = keys(options.writers);
  const readers = keys(options.readers);
  const root =
    options.writeBelow === undefined
      ? `cn=microsoft exchange,cn=services,${configurationKey ?? ''}`
      : dnKey(parseDn(options.writeBelow));
  const sees = (account: Entry, entry: Entry): boolean =>
    options.open === true || readers.has(account.key) || writers.has(account.key) || isReadable(entry);
  return {
    sees,
    lists: (account, entry) =>
      sees(account, entry) || (entry.parent !== undefined && LISTING_CLASSES.has(structuralClass(entry.parent))),
    writes: (account, entry) => writers.has(account.key) && (root === '' || isBelow(entry, root)),
  };
}

function isReadable(entry: Entry): boolean {
  const name = structuralClass(entry);
  return READABLE_CLASSES.has(name) || !(name.startsWith('msexch') || name.startsWith('protocolcfg'));
}

/** The most derived class, in lower case: the directory stores objectClass from `top` down. */
function structuralClass(entry: Entry): string {
  return String(entry.get('objectclass').at(-1) ?? '').toLowerCase();
}

function isBelow(entry: Entry, rootKey: string): boolean {
  for (let at: Entry | undefined = entry; at; at = at.parent) if (at.key === rootKey) return true;
  return false;
}
