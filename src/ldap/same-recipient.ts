// Whether two readings of the directory say the same of somebody.

import type { Recipient, RecipientMatch } from './recipient.ts';

export function sameMatch(a: RecipientMatch, b: RecipientMatch): boolean {
  if (a.status === 'found') {
    return b.status === 'found' && a.matchedBy === b.matchedBy && sameRecipient(a.recipient, b.recipient);
  }
  if (a.status === 'none') return b.status === 'none';
  return b.status === 'ambiguous' && sameTexts(a.distinguishedNames, b.distinguishedNames);
}

/** Compares every field, whatever fields a Recipient has. */
export function sameRecipient(a: Recipient | undefined, b: Recipient | undefined): boolean {
  if (!a || !b) return a === b;
  for (const key in a) {
    const [left, right] = [a[key as keyof Recipient], b[key as keyof Recipient]];
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
