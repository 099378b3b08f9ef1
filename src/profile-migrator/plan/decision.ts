// A decision: what happens to one value and why. The reasons are a closed list, so that reports of many desktops can be added up.
import type { ProfileSection } from '../mapi/profile-section.ts';
import type { ValueEdit } from '../registry/registry.ts';

export type Action = 'rewrite' | 'rewrite-dn' | 'rewrite-list' | 'delete' | 'leave' | 'report' | 'refuse';

/** Why a value is changed, left alone or reported. */
export type ValueReason =
  | 'names-old-server'
  | 'stale-address'
  | 'proxy-mapped'
  | 'public-folders-mapped'
  | 'names-array'
  | 'not-mapped'
  | 'directory-server'
  | 'proxy-not-mapped'
  | 'proxy-names-old-server'
  | 'public-folder-store'
  | 'unknown-store'
  | 'entry-id'
  | 'other-organisation'
  | 'no-account-changes'
  | 'several-arrays'
  | 'text-only'
  | 'mapi-over-http'
  | 'undocumented'
  | 'unreadable'
  | 'orphan'
  | 'redirect-host'
  | 'local-file'
  | AccountReason;

/** Why an account is left as it is or refused. */
export type AccountReason =
  | 'already-on-array'
  | 'home-not-mapped'
  | 'exchange-2013-home'
  | 'consumer-account'
  | 'no-server-named'
  | 'account-in-other-organisation'
  | 'half-mapped'
  | 'mixed-arrays'
  | 'several-organisations'
  | 'unreadable-home'
  | 'shared-section'
  | 'no-address'
  | 'autodiscover-failed';

export interface Decision {
  readonly section: ProfileSection;
  readonly valueName: string;
  readonly property: string;
  readonly action: Action;
  readonly reason: ValueReason;
  /** What the value says, for people; never a secret. */
  readonly old: string;
  readonly new?: string;
  /** Present for the four actions that change something. */
  readonly edit?: ValueEdit;
}

/** What a reason means, to somebody who has never seen a MAPI profile. */
export const REASON_TEXT: Readonly<Record<ValueReason, string>> = {
  'names-old-server': 'names a server the array replaces',
  'stale-address': 'remembered Autodiscover address on an old server; Outlook finds the current one again',
  'proxy-mapped': 'RPC proxy with a replacement of its own (--proxy)',
  'public-folders-mapped': 'public folders get the server given for them (--public-folders)',
  'names-array': 'already names the array',
  'not-mapped': 'does not name a server to be replaced',
  'directory-server': 'not a server to be replaced; a global catalog may stand here',
  'proxy-not-mapped': 'web name of the RPC proxy; only --proxy changes it',
  'proxy-names-old-server': 'RPC proxy that carries an old server name; decide with --proxy',
  'public-folder-store':
    'public folders are served by a mailbox server, not by the array; only --public-folders changes it',
  'unknown-store': 'a kind of store this program does not change',
  'entry-id': 'binary identity of a mailbox; it binds the offline file and the search index and works as it is',
  'other-organisation': 'belongs to another Exchange organisation (/o=) than the array',
  'no-account-changes': 'shared by the profile, none of whose accounts is changed',
  'several-arrays': 'the accounts of this profile move to different arrays',
  'text-only': 'display text; has no effect',
  'mapi-over-http': 'address of MAPI over HTTP, which Exchange 2010 does not use',
  undocumented: 'undocumented data that contains an old server name',
  unreadable: 'does not have the expected form, so it is not touched',
  orphan: 'in a section that no account uses',
  'redirect-host': 'a host that Autodiscover is allowed to redirect to',
  'local-file': 'a file Outlook takes as Autodiscover answer for this domain; look whether it names an old server',
  'already-on-array': 'the account already uses the array',
  'home-not-mapped': "the account's home server is none of those to be replaced",
  'exchange-2013-home': 'the account is on Exchange 2013 or later, which has no arrays',
  'consumer-account': 'an outlook.com account',
  'no-server-named': 'the account names no server to be replaced',
  'account-in-other-organisation': 'the account belongs to another Exchange organisation (/o=) than the array',
  'half-mapped':
    'only some of the names of its home server are to be replaced; changing them would tear the account apart',
  'mixed-arrays': 'the names of its home server lead to different arrays',
  'several-organisations': 'old names occur in several Exchange organisations (/o=); give --server-dn',
  'unreadable-home': 'the name of its home server cannot be read',
  'shared-section': 'two accounts of the profile use the same section',
  'no-address': 'it has no e-mail address to ask Autodiscover with',
  'autodiscover-failed': 'Autodiscover gave no array for it',
};

/** The changing actions. */
export function changes(decision: Decision): boolean {
  return decision.edit !== undefined;
}
