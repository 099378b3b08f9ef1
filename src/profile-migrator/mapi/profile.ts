// A MAPI profile as data: its Exchange accounts and, for each, the sections that belong to it. Accounts are found from the service
// table, never from the mere presence of a section: the global Exchange section exists in profiles without Exchange, and the same
// value names mean other things in other services' sections.
import { findKey, foldName, type RegistryKey, type RegistrySnapshot } from '../registry/registry.ts';
import { readManagedAccounts } from './account-manager.ts';
import { type ExchangeService, findExchangeServices } from './exchange-service.ts';
import {
  isSectionName,
  type ProfileSection,
  type SectionRole,
  splitUids,
  storeRole,
  WELL_KNOWN_SECTIONS,
} from './profile-section.ts';
import {
  defaultProfileOf,
  outlookVersionsIn,
  PROFILE_TREES,
  type ProfileTree,
  profileKeysOf,
} from './profile-trees.ts';
import { ACCOUNT_SECTION as A, PROVIDER_SECTION as P, valueNameOf } from './property-tags.ts';
import { binaryIn, booleanIn, longIn, textIn } from './property-value.ts';

export interface ExchangeAccount {
  /** The section name of its message service; unique in its profile. */
  readonly service: string;
  readonly displayName: string | undefined;
  readonly smtpAddress: string | undefined;
  /** legacyExchangeDN of the mailbox. */
  readonly mailboxDn: string | undefined;
  readonly cachedMode: boolean;
  /** Connects through RPC over HTTP. */
  readonly rpcOverHttp: boolean;
  /** Takes Kerberos and nothing else (PR_PROFILE_AUTH_PACKAGE 16). */
  readonly kerberosOnly: boolean;
  /** Asks for RPC without encryption (PR_PROFILE_CONNECT_FLAGS 2). */
  readonly unencrypted: boolean;
  /** An outlook.com account behind the Exchange service. */
  readonly consumer: boolean;
  /** Account-wide sections, address book and providers; all that decisions about the account are made on. */
  readonly sections: readonly ProfileSection[];
}

export interface MapiProfile {
  readonly name: string;
  readonly keyPath: string;
  readonly key: RegistryKey;
  readonly isDefault: boolean;
  /** The Office version whose Outlook most likely uses it, such as `15.0`. */
  readonly outlook: string;
  readonly tree: ProfileTree;
  readonly accounts: readonly ExchangeAccount[];
  /** Sections of the profile, not of one account, that name servers: the fixed address book, Outlook's own, the account manager. */
  readonly sharedSections: readonly ProfileSection[];
  /** Sections that look like Exchange but that no service claims. */
  readonly orphans: readonly ProfileSection[];
  /** What in the profile is damaged, in words. */
  readonly problems: readonly string[];
}

/** Every profile of every tree, in the order of the trees and of the registry. */
export function readProfiles(snapshot: RegistrySnapshot): MapiProfile[] {
  const installed = outlookVersionsIn(snapshot);
  return PROFILE_TREES.flatMap((tree) => {
    const defaultName = defaultProfileOf(snapshot, tree);
    return profileKeysOf(snapshot, tree).map(({ key, path }) => readProfile(key, path, tree, defaultName, installed));
  });
}

function readProfile(
  key: RegistryKey,
  keyPath: string,
  tree: ProfileTree,
  defaultName: string | undefined,
  installed: readonly string[],
): MapiProfile {
  const { services, claimed, problems } = findExchangeServices(key);
  const accounts = services.map((service) => readAccount(key, keyPath, service));
  return {
    name: key.name,
    keyPath,
    key,
    isDefault: defaultName !== undefined && foldName(defaultName) === foldName(key.name),
    outlook: likelyOutlook(tree, services, installed),
    tree,
    accounts,
    sharedSections: readSharedSections(key, keyPath),
    orphans: readOrphans(key, keyPath, claimed),
    problems,
  };
}

function readAccount(profile: RegistryKey, profilePath: string, service: ExchangeService): ExchangeAccount {
  const section = (name: string, role: SectionRole): ProfileSection[] => {
    const key = findKey(profile, name);
    return key ? [{ role, keyPath: `${profilePath}\\${key.name}`, key }] : [];
  };
  const accountSections = [
    ...service.accountSections.flatMap((name) => section(name, 'account')),
    ...(service.usesGlobalSection ? section(WELL_KNOWN_SECTIONS.exchangeGlobal, 'account-global') : []),
  ];
  const isShared = (name: string) => foldName(name) === foldName(WELL_KNOWN_SECTIONS.fixedAddressBook);
  const addressBooks = accountSections
    .flatMap(({ key }) => splitUids(binaryIn(key, A.PR_EMSABP_USER_UID)) ?? [])
    .filter((name) => !isShared(name)); // the profile's, whichever accounts name it: decided on once, with the accounts
  const stores = service.stores.flatMap((name) => section(name, 'other-store')).map(asStore);
  const first = <T>(read: (key: RegistryKey) => T | undefined): T | undefined =>
    accountSections.map(({ key }) => read(key)).find((found) => found !== undefined);
  const managed = readManagedAccounts(findKey(profile, WELL_KNOWN_SECTIONS.accountManager));
  const own = managed.find(({ serviceUid }) => serviceUid === service.name);
  const smtp =
    first((key) => textIn(key, A.PR_PROFILE_USER_SMTP_EMAIL_ADDRESS_W, A.PR_PROFILE_USER_EMAIL_W)) ?? own?.email;
  return {
    service: service.name,
    displayName: own?.name ?? first((key) => textIn(key, A.PR_PROFILE_ACCOUNT_NAME_W)),
    smtpAddress: smtp?.replace(/^smtp:/i, ''),
    mailboxDn: first((key) => textIn(key, A.PR_PROFILE_USER)),
    cachedMode: ((first((key) => longIn(key, A.PR_PROFILE_CONFIG_FLAGS)) ?? 0) & 0x180) !== 0,
    rpcOverHttp: ((first((key) => longIn(key, A.PR_ROH_FLAGS)) ?? 0) & 1) !== 0,
    kerberosOnly: first((key) => longIn(key, A.PR_PROFILE_AUTH_PACKAGE)) === 16,
    unencrypted: ((first((key) => longIn(key, A.PR_PROFILE_CONNECT_FLAGS)) ?? 0) & 2) !== 0,
    consumer: accountSections.some(({ key }) => booleanIn(key, A.PR_EXCHANGE_CONSUMER_ACCOUNT)),
    sections: withoutRepeats([
      ...accountSections,
      ...addressBooks.flatMap((name) => section(name, 'address-book')),
      ...stores,
      ...service.transports.flatMap((name) => section(name, 'transport')),
      ...service.addressBookProviders.flatMap((name) => section(name, 'address-book-provider')),
    ]),
  };
}

/** A section listed twice is one section, in its first role. */
function withoutRepeats(sections: readonly ProfileSection[]): ProfileSection[] {
  return [...new Map(sections.map((section) => [section.keyPath, section])).keys()].flatMap(
    (path) => sections.find(({ keyPath }) => keyPath === path) ?? [],
  );
}

function asStore(section: ProfileSection): ProfileSection {
  const { key } = section;
  const role = storeRole(binaryIn(key, P.PR_MDB_PROVIDER), longIn(key, P.PR_PROFILE_TYPE));
  const mailbox = textIn(key, P.PR_PROFILE_MAILBOX)?.split('/cn=').at(-1);
  return mailbox === undefined ? { ...section, role } : { ...section, role, mailbox };
}

function readSharedSections(profile: RegistryKey, profilePath: string): ProfileSection[] {
  const sections: ProfileSection[] = [];
  const shared: [string, SectionRole][] = [
    [WELL_KNOWN_SECTIONS.fixedAddressBook, 'address-book-fixed'],
    [WELL_KNOWN_SECTIONS.outlookGlobal, 'outlook-global'],
  ];
  for (const [name, role] of shared) {
    const key = findKey(profile, name);
    if (key) sections.push({ role, keyPath: `${profilePath}\\${key.name}`, key });
  }
  const manager = findKey(profile, WELL_KNOWN_SECTIONS.accountManager);
  for (const key of manager?.subkeys.values() ?? []) {
    sections.push({ role: 'account-manager', keyPath: `${profilePath}\\${manager?.name}\\${key.name}`, key });
  }
  return sections;
}

/** Sections with Exchange server values that hang on no listed service: left-overs, or another program's. */
function readOrphans(profile: RegistryKey, profilePath: string, claimed: ReadonlySet<string>): ProfileSection[] {
  const marks = [A.PR_PROFILE_HOME_SERVER, A.PR_PROFILE_HOME_SERVER_DN, P.PR_PROFILE_SERVER, P.PR_PROFILE_SERVER_DN];
  return [...profile.subkeys.values()]
    .filter((key) => isSectionName(key.name) && !claimed.has(foldName(key.name)))
    .filter((key) => marks.some((mark) => key.values.has(foldName(valueNameOf(mark)))))
    .map((key) => ({ role: 'orphan', keyPath: `${profilePath}\\${key.name}`, key }));
}

/**
 * The shared tree does not say which Outlook wrote it. Sections of their own for accounts exist since 2010; else the newest Outlook
 * with settings in this registry; else the newest that still keeps accounts in the global section.
 */
function likelyOutlook(tree: ProfileTree, services: readonly ExchangeService[], installed: readonly string[]): string {
  const present = tree.office.filter((version) => installed.includes(version)).at(-1);
  if (present !== undefined) return present;
  const oldLayout = services.length > 0 && services.every(({ accountSections }) => accountSections.length === 0);
  const candidates = oldLayout ? tree.office.filter((version) => Number(version) <= 12) : tree.office;
  return candidates.at(-1) ?? '';
}
