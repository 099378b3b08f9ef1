// The words output uses for what a profile consists of, for readers who have never seen one.
import type { ProfileSection, SectionRole } from '../mapi/profile-section.ts';
import { OFFICE_VERSIONS } from '../mapi/profile-trees.ts';

const ROLE_TEXT: Readonly<Record<SectionRole, string>> = {
  account: 'Account settings',
  'account-global': 'Account settings (global section of older Outlooks)',
  'address-book': 'Address book of the account',
  'address-book-fixed': 'Address book of the profile',
  'private-store': "The user's own mailbox",
  'delegate-store': 'Additional mailbox',
  'public-store': 'Public folders',
  'other-store': 'Another store',
  transport: 'Sending mail (transport)',
  'address-book-provider': 'Address book provider',
  'outlook-global': "Outlook's own lists",
  'account-manager': 'Account list',
  orphan: 'Section that no account uses',
  'redirect-servers': 'Hosts Autodiscover may redirect to',
  'autodiscover-settings': 'Autodiscover settings',
};

/** What a property means, beside its name in Microsoft's headers. */
const PROPERTY_TEXT: Readonly<Record<string, string>> = {
  PR_PROFILE_HOME_SERVER: 'server Outlook connects to',
  PR_PROFILE_HOME_SERVER_FQDN: 'the same server in full, for Kerberos',
  PR_PROFILE_HOME_SERVER_DN: "the same server's name in the directory",
  PR_PROFILE_HOME_SERVER_ADDRS: 'network addresses of the server',
  PR_PROFILE_UNRESOLVED_SERVER: 'server name as once typed',
  'PR_PROFILE_HOME_SERVER_FQDN (directory server)': 'server the address book is read from',
  PR_PROFILE_SERVER: 'server of this store',
  PR_PROFILE_SERVER_FQDN: 'server of this store, in full',
  PR_PROFILE_SERVER_DN: "directory name of this store's server or database",
  PR_MDB_DN: 'directory name of the database',
  PR_PROFILE_LKG_AUTODISCOVER_URL: 'Autodiscover address that worked last',
  PR_ROH_PROXY_SERVER: 'RPC proxy for connections over HTTP',
  PR_ROH_PROXY_PRINCIPAL_NAME: 'name the RPC proxy must prove',
  PR_ENTRYID: 'identity of the store',
  'entry-id': 'identity of the store mail is delivered to',
  'list of entry-ids': 'list of stores',
};

export function describeSection({ role, mailbox, key }: ProfileSection): string {
  const whose = mailbox === undefined || role !== 'delegate-store' ? '' : ` (${mailbox})`;
  return `${ROLE_TEXT[role]}${whose}, section ${key.name}`;
}

export function describeProperty(property: string, valueName: string): string {
  const meaning = PROPERTY_TEXT[property];
  if (meaning === undefined) return valueName === property ? property : `${property}, ${valueName}`;
  return property.startsWith('PR_')
    ? `${meaning} (${property.split(' ')[0]}, ${valueName})`
    : `${meaning} (${valueName})`;
}

export function describeOutlook(version: string): string {
  return OFFICE_VERSIONS[version] ?? 'Outlook';
}

export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}
