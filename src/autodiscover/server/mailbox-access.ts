// Who may be told about whose mailbox. Exchange tells every authenticated caller about every address; where that is not wanted, a caller
// is told about his own mailboxes alone. Decided before anything is looked up by the name that is asked for: a name of somebody else
// and a name of nobody cost the same work, because it is the same work, and give the same answer.

import { failureText } from '../../ldap/controller.ts';
import type { Directory } from '../../ldap/directory.ts';
import { entryKey, type OwnMailboxes } from '../../ldap/own-mailboxes.ts';
import type { Account } from '../../ldap/recipient.ts';
import { type Resolution, type ResolveOptions, type ResolveRequest, resolve } from '../settings/resolve.ts';
import { Trace } from '../settings/trace.ts';
import type { AutodiscoverFault } from '../settings/user-settings.ts';

/** Answers which mailboxes a caller may ask for, where callers are held to their own. */
export class MailboxAccess {
  readonly #directory: Pick<Directory, 'readOwnMailboxes'>;
  readonly #unrestricted: ReadonlySet<string>;

  /** `unrestricted` are DNs of accounts that may ask for every mailbox: programs that act for other people. */
  constructor(directory: Pick<Directory, 'readOwnMailboxes'>, unrestricted: readonly string[]) {
    this.#directory = directory;
    this.#unrestricted = new Set(unrestricted.map(entryKey));
  }

  isUnrestricted({ distinguishedName }: Account): boolean {
    return this.#unrestricted.size > 0 && this.#unrestricted.has(entryKey(distinguishedName));
  }

  /** Rejects with DirectoryError when the directory cannot be asked. */
  ownMailboxes({ distinguishedName }: Account): Promise<OwnMailboxes> {
    return this.#directory.readOwnMailboxes(distinguishedName);
  }
}

export interface ResolveParts {
  readonly directory: Directory;
  readonly resolveOptions: ResolveOptions;
  /** Undefined where everybody may ask for everybody. */
  readonly mailboxAccess?: MailboxAccess | undefined;
}

/** What the caller is answered: as resolve() does it, within what he may know. Never rejects. */
export async function resolveFor(
  account: Account,
  request: ResolveRequest,
  { directory, resolveOptions, mailboxAccess }: ResolveParts,
): Promise<Resolution> {
  if (mailboxAccess === undefined || mailboxAccess.isUnrestricted(account))
    return resolve(directory, request, resolveOptions);
  let own: OwnMailboxes;
  try {
    own = await mailboxAccess.ownMailboxes(account);
  } catch (error) {
    return refused('server-error', failureText(error));
  }
  if (!own.has(request.legacyDn ?? request.emailAddress ?? '')) return refused('unknown-address', NOT_HIS);
  const resolution = await resolve(directory, request, resolveOptions);
  // What the search found decides, not what it was asked with.
  if (resolution.target === undefined || own.hasEntry(resolution.target)) return resolution;
  return refused('unknown-address', NOT_HIS);
}

const NOT_HIS = "no mailbox of the caller's has this name (answers.othersMailboxes: deny)";

function refused(fault: AutodiscoverFault, detail: string): Resolution {
  const trace = new Trace();
  trace.info(detail);
  return { result: { action: 'error', fault, detail }, trace, target: undefined };
}
