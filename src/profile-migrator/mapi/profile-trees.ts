// Where each Outlook keeps its profiles below a user's root, and which Outlooks a user has used.

import { textOf } from '../registry/reg-file.ts';
import { findKey, findValue, locateKey, type RegistryKey, type RegistrySnapshot } from '../registry/registry.ts';

export interface ProfileTree {
  /** Path of the Profiles key below the user's root, as this program spells it. */
  readonly profilesPath: string;
  /** The key whose `DefaultProfile` names the default profile. */
  readonly defaultAt: string;
  /** The Office versions whose Outlook uses this tree. */
  readonly office: readonly string[];
}

const OFFICE = 'Software\\Microsoft\\Office';
const NT_MESSAGING = 'Software\\Microsoft\\Windows NT\\CurrentVersion\\Windows Messaging Subsystem';
const MESSAGING = 'Software\\Microsoft\\Windows Messaging Subsystem';

/** Office versions by the number in their registry path, oldest first. */
export const OFFICE_VERSIONS: Readonly<Record<string, string>> = {
  '8.0': 'Outlook 97/98',
  '9.0': 'Outlook 2000',
  '10.0': 'Outlook 2002',
  '11.0': 'Outlook 2003',
  '12.0': 'Outlook 2007',
  '14.0': 'Outlook 2010',
  '15.0': 'Outlook 2013',
  '16.0': 'Outlook 2016 or later',
};

const SHARED_TREE_VERSIONS = ['8.0', '9.0', '10.0', '11.0', '12.0', '14.0'];

export const PROFILE_TREES: readonly ProfileTree[] = [
  { profilesPath: `${MESSAGING}\\Profiles`, defaultAt: `${MESSAGING}\\Profiles`, office: ['8.0', '9.0'] },
  { profilesPath: `${NT_MESSAGING}\\Profiles`, defaultAt: `${NT_MESSAGING}\\Profiles`, office: SHARED_TREE_VERSIONS },
  ownTree('15.0'),
  ownTree('16.0'),
];

/** What a store has to read for everything this program does: profiles of every Outlook and the Autodiscover settings. */
export const PROFILE_SUBTREES: readonly string[] = [
  MESSAGING,
  NT_MESSAGING,
  ...Object.keys(OFFICE_VERSIONS).map((version) => `${OFFICE}\\${version}\\Outlook`),
  ...Object.keys(OFFICE_VERSIONS).map(
    (version) => `Software\\Policies\\Microsoft\\Office\\${version}\\Outlook\\AutoDiscover`,
  ),
];

/** Where each Outlook, and group policy for it, keeps its Autodiscover settings. */
export const AUTODISCOVER_KEYS: readonly string[] = Object.keys(OFFICE_VERSIONS).flatMap((version) => [
  `${OFFICE}\\${version}\\Outlook\\AutoDiscover`,
  `Software\\Policies\\Microsoft\\Office\\${version}\\Outlook\\AutoDiscover`,
]);

/** The Office versions with Outlook settings in this registry, oldest first. Settings outlive an uninstallation. */
export function outlookVersionsIn(snapshot: RegistrySnapshot): string[] {
  return Object.keys(OFFICE_VERSIONS).filter((version) => findKey(snapshot.root, `${OFFICE}\\${version}\\Outlook`));
}

/** The default profile's name, if one is set; it need not exist. */
export function defaultProfileOf(snapshot: RegistrySnapshot, tree: ProfileTree): string | undefined {
  const value = findValue(findKey(snapshot.root, tree.defaultAt), 'DefaultProfile');
  if (!value) return undefined;
  try {
    return textOf(value) || undefined;
  } catch {
    return undefined;
  }
}

/** The profile keys of a tree. `Deleted Profiles` collects what Outlook could not delete while it was in use. */
export function profileKeysOf(snapshot: RegistrySnapshot, tree: ProfileTree): { key: RegistryKey; path: string }[] {
  const profiles = locateKey(snapshot.root, tree.profilesPath);
  if (!profiles) return [];
  return [...profiles.key.subkeys.values()]
    .filter((key) => key.name.toLowerCase() !== 'deleted profiles')
    .map((key) => ({ key, path: `${profiles.path}\\${key.name}` }));
}

function ownTree(version: string): ProfileTree {
  const outlook = `${OFFICE}\\${version}\\Outlook`;
  return { profilesPath: `${outlook}\\Profiles`, defaultAt: outlook, office: [version] };
}
