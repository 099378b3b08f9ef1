// Beside the profiles: Outlook's Autodiscover settings that name an old server, or may. Reported, never changed.
import type { ProfileSection } from '../mapi/profile-section.ts';
import { AUTODISCOVER_KEYS } from '../mapi/profile-trees.ts';
import { textOf } from '../registry/reg-file.ts';
import { locateKey, type RegistrySnapshot, type RegistryValue, RegType } from '../registry/registry.ts';
import type { Decision } from './decision.ts';
import type { Mapping } from './targets.ts';

export function decideSettings(snapshot: RegistrySnapshot, mapping: Mapping): Decision[] {
  return AUTODISCOVER_KEYS.flatMap((path) => [
    ...redirectHosts(snapshot, `${path}\\RedirectServers`, mapping),
    ...localFiles(snapshot, path),
  ]);
}

/** Each value's name is a host that Autodiscover may redirect to. */
function redirectHosts(snapshot: RegistrySnapshot, path: string, mapping: Mapping): Decision[] {
  const found = locateKey(snapshot.root, path);
  if (!found) return [];
  const section: ProfileSection = { role: 'redirect-servers', keyPath: found.path, key: found.key };
  return [...found.key.values.values()]
    .filter(({ name }) => mapping.has(name.toLowerCase()))
    .map(({ name }) => ({
      section,
      valueName: name,
      property: 'RedirectServers',
      action: 'report',
      reason: 'redirect-host',
      old: name,
    }));
}

/** A text named after a mail domain is the path of an Autodiscover answer kept in a file. */
function localFiles(snapshot: RegistrySnapshot, path: string): Decision[] {
  const found = locateKey(snapshot.root, path);
  if (!found) return [];
  const section: ProfileSection = { role: 'autodiscover-settings', keyPath: found.path, key: found.key };
  const isText = ({ type }: RegistryValue) => type === RegType.SZ || type === RegType.EXPAND_SZ;
  return [...found.key.values.values()]
    .filter((value) => isText(value) && value.name.includes('.') && /[\\/]/.test(textOf(value)))
    .map((value) => ({
      section,
      valueName: value.name,
      property: 'local XML',
      action: 'report',
      reason: 'local-file',
      old: textOf(value),
    }));
}
