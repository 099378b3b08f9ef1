// What one process remembers of people as it tells another: JSON, and read back with a look at every field. Both run the same program,
// but not always of the same day: workers are exchanged one by one after it was replaced.

import { OwnMailboxes } from './own-mailboxes.ts';
import type { Account, Recipient, RecipientMatch } from './recipient.ts';

/** What is remembered, by the memory that it is in. */
export interface Remembered {
  readonly matches: RecipientMatch;
  readonly byName: Recipient | undefined;
  readonly accounts: Account | undefined;
  readonly ownMailboxes: OwnMailboxes;
}

export type Memory = keyof Remembered;

/** What another process is asked: what it knows under this key of a memory. */
export interface RecallQuestion<M extends Memory = Memory> {
  readonly memory: M;
  readonly key: string;
}

/** How a value is told; `read` returns undefined for what is no such value. */
export interface Form<V> {
  write(value: V): unknown;
  read(form: unknown): { readonly value: V } | undefined;
}

export const FORMS: { readonly [M in Memory]: Form<Remembered[M]> } = {
  matches: {
    write: plainMatch,
    read: (form) => (isMatch(form) ? { value: plainMatch(form) } : undefined),
  },
  byName: {
    write: (recipient) => recipient && plain(recipient),
    read: (form) => (form === undefined || isRecipient(form) ? { value: form && plain(form) } : undefined),
  },
  accounts: {
    write: (account) => account,
    read: (form) => (form === undefined || hasShape(form, ACCOUNT) ? { value: form } : undefined),
  },
  ownMailboxes: {
    write: ({ form }) => form,
    read: (form) => (hasShape(form, OWN_MAILBOXES) ? { value: new OwnMailboxes(form) } : undefined),
  },
};

interface FieldTypes {
  readonly text: string;
  readonly flag: boolean;
  readonly texts: readonly string[];
  readonly 'text?': string | undefined;
  readonly 'number?': number | undefined;
  readonly 'archive?': Recipient['archive'];
}

type Shape = Readonly<Record<string, keyof FieldTypes>>;
type Shaped<S extends Shape> = { readonly [Field in keyof S]: FieldTypes[S[Field]] };

const ACCOUNT = { distinguishedName: 'text' } as const;
const OWN_MAILBOXES = { entries: 'texts', names: 'texts' } as const;
const ARCHIVE = { guid: 'text', name: 'text?', databaseDn: 'text?' } as const;
const RECIPIENT = {
  distinguishedName: 'text',
  isGroup: 'flag',
  displayName: 'text',
  legacyDn: 'text?',
  primaryAddress: 'text?',
  userPrincipalName: 'text?',
  homeMdb: 'text?',
  homeServerLegacyDn: 'text?',
  targetAddress: 'text?',
  recipientTypeDetails: 'number?',
  archive: 'archive?',
  delegateMailboxDns: 'texts',
  mailboxGuid: 'text?',
  culture: 'text?',
} as const satisfies Record<keyof Recipient, keyof FieldTypes>;
const MATCHED_BY: readonly unknown[] = ['address', 'mail-or-upn', 'upn', 'legacyDn'];

const isText = (value: unknown) => typeof value === 'string';
const IS: { readonly [T in keyof FieldTypes]: (value: unknown) => boolean } = {
  text: isText,
  flag: (value) => typeof value === 'boolean',
  texts: (value) => Array.isArray(value) && value.every(isText),
  'text?': (value) => value === undefined || isText(value),
  'number?': (value) => value === undefined || typeof value === 'number',
  'archive?': (value) => value === undefined || hasShape(value, ARCHIVE),
};

function hasShape<S extends Shape>(value: unknown, shape: S): value is Shaped<S> {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(shape).every(([field, type]) => IS[type]((value as Record<string, unknown>)[field]));
}

function isRecipient(value: unknown): value is Recipient {
  return hasShape(value, RECIPIENT);
}

function isMatch(value: unknown): value is RecipientMatch {
  const { status, recipient, matchedBy, distinguishedNames } = (value ?? {}) as Record<string, unknown>;
  if (status === 'found') return isRecipient(recipient) && MATCHED_BY.includes(matchedBy);
  return status === 'none' || (status === 'ambiguous' && IS.texts(distinguishedNames));
}

/** Every fact by its name: kept recipients have them behind getters, and what JSON leaves out is undefined. */
function plain(recipient: Recipient): Recipient {
  const facts = Object.fromEntries(Object.keys(RECIPIENT).map((field) => [field, recipient[field as keyof Recipient]]));
  const { archive } = recipient;
  const kept = archive && { guid: archive.guid, name: archive.name, databaseDn: archive.databaseDn };
  return { ...(facts as unknown as Recipient), archive: kept };
}

function plainMatch(match: RecipientMatch): RecipientMatch {
  if (match.status !== 'found') return match;
  const { status, recipient, matchedBy } = match;
  return { status, recipient: plain(recipient), matchedBy };
}
