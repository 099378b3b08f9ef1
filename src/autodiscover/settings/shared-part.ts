// What all mailboxes of a database are told alike, known beside their answers and not in them: what they say is printed and compared whole.

import type { DatabaseAnswer } from './build-settings.ts';
import type { MailboxAnswer } from './user-settings.ts';

const sharedParts = new WeakMap<MailboxAnswer, DatabaseAnswer>();

/** The answer says all that `shared` says, and more about its mailbox alone. */
export function noteSharedPart(answer: MailboxAnswer, shared: DatabaseAnswer): void {
  sharedParts.set(answer, shared);
}

/** The same object for all mailboxes of a database: what is made of it alone may be kept with it. Undefined where none was noted. */
export function sharedPartOf(answer: MailboxAnswer): DatabaseAnswer | undefined {
  return sharedParts.get(answer);
}
