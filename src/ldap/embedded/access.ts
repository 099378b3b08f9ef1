// Who may see and write what: the rights of Exchange's configuration as a real organisation grants them. Ordinary accounts
// see servers, arrays and service connection points, and no databases, virtual directories, providers or address books.
import { dnKey, parseDn } from '../distinguished-name.ts';
import { hasClass } from './contexts.ts';
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

/** Classes whose default security descriptor grants an ordinary account nothing, in lower case. */
const HIDDEN_CLASSES = [
  'msexchmdb',
  'msexchmdbcopy',
  'msexchvirtualdirectory',
  'msexchprotocolcfgsharedcontainer',
  'msexchautodiscoverconfig',
  'msexchoab',
];

export type AccessRules = {
  /** Whether the account finds and reads the entry. */
  sees(account: Entry, entry: Entry): boolean;
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
  return {
    sees: (account, entry) =>
      options.open === true || readers.has(account.key) || writers.has(account.key) || !isHidden(entry),
    writes: (account, entry) => writers.has(account.key) && (root === '' || isBelow(entry, root)),
  };
}

function isHidden(entry: Entry): boolean {
  for (let at: Entry | undefined = entry; at && !at.isContextHead; at = at.parent) {
    if (HIDDEN_CLASSES.some((name) => hasClass(at as Entry, name))) return true;
  }
  return false;
}

function isBelow(entry: Entry, rootKey: string): boolean {
  for (let at: Entry | undefined = entry; at; at = at.parent) if (at.key === rootKey) return true;
  return false;
}
