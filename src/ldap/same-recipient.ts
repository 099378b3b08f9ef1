// Whether two readings of the directory say the same of somebody.

import type { Recipient, RecipientMatch } from './recipient.ts';

export function sameMatch(a: RecipientMatch, b: RecipientMatch): boolean {
  if (a.status === 'found') {
    return b.status === 'found' && a.matchedBy === b.matchedBy && sameRecipient(a.recipient, b.recipient);
  }
  if (a.status === 'none') return b.status === 'none';
  return b.status === 'ambiguous' && sameTexts(a.distinguishedNames, b.distinguishedNames);
}

/** Every field, so that none is forgotten here when another is added. */
const FIELDS = Object.keys({
  distinguishedName: true,
  isGroup: true,
  displayName: true,
  legacyDn: true,
  primaryAddress: true,
  userPrincipalName: true,
  homeMdb: true,
  homeServerLegacyDn: true,
  targetAddress: true,
  recipientTypeDetails: true,
  archive: true,
  delegateMailboxDns: true,
  mailboxGuid: true,
  culture: true,
} satisfies Record<keyof Recipient, true>) as readonly (keyof Recipient)[];

/** Compares every field, in whatever form the two are kept. */
export function sameRecipient(a: Recipient | undefined, b: Recipient | undefined): boolean {
  if (!a || !b) return a === b;
  for (const field of FIELDS) {
    const left = a[field];
    const right = b[field];
    if (left !== right && !sameParts(left, right)) return false;
  }
  return true;
}

/** Values that are no single texts or numbers: the list of delegates and the archive. */
function sameParts(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return sameTexts(a, b);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  return sameTexts(Object.values(a), Object.values(b));
}

function sameTexts(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at]);
}
