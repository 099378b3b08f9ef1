// Profile sections: registry keys named by the 16 bytes of a MAPIUID, and what each kind of section is.
import type { RegistryKey } from '../registry/registry.ts';

/** The sections whose MAPIUID is the same in every profile. */
export const WELL_KNOWN_SECTIONS = {
  profileTables: '9207f3e0a3b11019908b08002b2a56c2',
  exchangeGlobal: '13dbb0c8aa05101a9bb000aa002fc45a',
  fixedAddressBook: 'dca740c8c042101ab4b908002b2fe182',
  outlookGlobal: '0a0d020000000000c000000000000046',
  accountManager: '9375cff0413111d3b88a00104b2a6676',
} as const;

/** What a section is to an Exchange account. */
export type SectionRole =
  | 'account'
  | 'account-global'
  | 'address-book'
  | 'address-book-fixed'
  | 'private-store'
  | 'delegate-store'
  | 'public-store'
  | 'other-store'
  | 'transport'
  | 'address-book-provider'
  | 'outlook-global'
  | 'account-manager'
  | 'orphan'
  | 'redirect-servers'
  | 'autodiscover-settings';

export interface ProfileSection {
  readonly role: SectionRole;
  /** Below the user's root, as spelled there. */
  readonly keyPath: string;
  readonly key: RegistryKey;
  /** Whose mailbox a store shows, where the section says so. */
  readonly mailbox?: string;
}

/** PR_MDB_PROVIDER of Exchange stores (EdkMdb.h). */
const STORE_KINDS: Readonly<Record<string, SectionRole>> = {
  '5494a1c0297f101ba58708002b2a2517': 'private-store',
  '9eb4770074e411ce8c5e00aa004254e2': 'delegate-store',
  '78b2fa70aff711cd9bc800aa002fc45a': 'public-store',
};

/** PR_PROFILE_TYPE, for sections without a store kind (EdkMdb.h). */
const PROFILE_TYPES: Readonly<Record<number, SectionRole>> = {
  1: 'private-store',
  2: 'delegate-store',
  3: 'public-store',
};

const UID_BYTES = 16;

export function storeRole(mdbProvider: Buffer | undefined, profileType: number | undefined): SectionRole {
  if (mdbProvider) return STORE_KINDS[mdbProvider.toString('hex')] ?? 'other-store';
  return PROFILE_TYPES[profileType ?? 0] ?? 'other-store';
}

/** The section key a MAPIUID names: its bytes in memory order, no GUID swapping. */
function sectionNameOf(uid: Buffer): string {
  return uid.toString('hex');
}

/** A list of concatenated MAPIUIDs as section names; undefined when the length is no multiple of 16. */
export function splitUids(data: Buffer | undefined): string[] | undefined {
  if (!data) return [];
  if (data.length % UID_BYTES !== 0) return undefined;
  const names: string[] = [];
  for (let at = 0; at < data.length; at += UID_BYTES) names.push(sectionNameOf(data.subarray(at, at + UID_BYTES)));
  return names;
}

/** Other keys occur beside sections and are none of our business. */
export function isSectionName(name: string): boolean {
  return /^[0-9a-f]{32}$/i.test(name);
}
