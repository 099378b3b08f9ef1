// Outlook's account manager (section 9375CFF0...): who the accounts are, as the user knows them. Only read: it holds no server name
// outside entry-ids.
import { findValue, type RegistryKey, type RegistryValue, RegType } from '../registry/registry.ts';

export interface ManagedAccount {
  /** Name of the account's key, such as `00000001`. */
  readonly id: string;
  readonly serviceUid: string | undefined;
  readonly name: string | undefined;
  readonly email: string | undefined;
  /** The values that hold entry-ids of this account, as found. */
  readonly entryIds: readonly RegistryValue[];
}

export function readManagedAccounts(section: RegistryKey | undefined): ManagedAccount[] {
  const accounts: ManagedAccount[] = [];
  for (const key of section?.subkeys.values() ?? []) {
    if (!/^[0-9a-f]{8}$/i.test(key.name)) continue;
    const uid = findValue(key, 'Service UID');
    const entryIds = ['Delivery Store EntryID', 'Delivery Folder EntryID'].map((name) => findValue(key, name));
    accounts.push({
      id: key.name,
      serviceUid: uid?.data.length === 16 ? uid.data.toString('hex') : undefined,
      name: accountText(findValue(key, 'Account Name')),
      email: accountText(findValue(key, 'Email')),
      entryIds: entryIds.filter((value) => value !== undefined),
    });
  }
  return accounts;
}

/** Outlook 2010 and 2013 keep these texts as REG_BINARY, Outlook 2016 as REG_SZ; both as UTF-16. */
function accountText(value: RegistryValue | undefined): string | undefined {
  if (value?.type !== RegType.SZ && value?.type !== RegType.BINARY) return undefined;
  const text = value.data.toString('utf16le').replace(/\0.*$/s, '');
  return text === '' ? undefined : text;
}
