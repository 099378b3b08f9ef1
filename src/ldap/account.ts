// Which account a logon name means: the values to look for, and the choice among those who have them. One search serves, however many
// attributes are meant.

import type { SoughtValue } from './batched-lookups.ts';
import type { EntryReader } from './entry.ts';
import type { Account } from './recipient.ts';

/** Values a logon name may be, by attribute; `smtp` is an address of any form. */
export interface LogonNames {
  readonly userPrincipalName?: string;
  readonly smtp?: string;
  readonly sAMAccountName?: string;
}

/** The values to look for: userPrincipalName goes before addresses, and those before sAMAccountName. */
export function soughtValues({ userPrincipalName, smtp, sAMAccountName }: LogonNames): SoughtValue[] {
  const values: SoughtValue[] = [];
  if (userPrincipalName !== undefined) values.push({ attribute: 'userPrincipalName', value: userPrincipalName });
  if (smtp !== undefined) values.push({ attribute: 'proxyAddresses', value: `smtp:${smtp}` });
  if (sAMAccountName !== undefined) values.push({ attribute: 'sAMAccountName', value: sAMAccountName });
  return values;
}

/**
 * The account among those who have one of the wanted values; who is no user is none. Several matches by the same attribute count as
 * none: guessing an account would test a password against the wrong one.
 */
export function chooseAccount(entries: readonly EntryReader[], wanted: readonly SoughtValue[]): Account | undefined {
  const found = entries.filter((entry) => entry.hasClass('user'));
  const [only] = found;
  if (wanted.length === 1) return found.length === 1 && only ? { distinguishedName: only.dn } : undefined;
  for (const { attribute, value } of wanted) {
    const matches = found.filter((entry) => entry.many(attribute).some((held) => sameName(held, value)));
    if (matches.length > 1) return undefined;
    if (matches[0]) return { distinguishedName: matches[0].dn };
  }
  // The directory compares more generously than we do; a single match is still the one it means.
  return found.length === 1 && only ? { distinguishedName: only.dn } : undefined;
}

function sameName(a: string, b: string): boolean {
  return a === b || a.normalize('NFKC').toLowerCase() === b.normalize('NFKC').toLowerCase();
}
