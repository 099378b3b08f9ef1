// The fence around every change, whether planned now or read back from a journal or a result: only this user's profiles, only
// section keys, only the values the plan knows, only in their proper type.
import { RegistryError } from '../errors.ts';
import { isSectionName } from '../mapi/profile-section.ts';
import { PROFILE_TREES } from '../mapi/profile-trees.ts';
import { PropType } from '../mapi/property-tags.ts';
import { CHANGEABLE_VALUES } from '../plan/section-rules.ts';
import {
  foldName,
  type RegistryPatch,
  type RegistryValue,
  RegType,
  splitKeyPath,
  type ValueEdit,
} from '../registry/registry.ts';

const MAX_VALUE_BYTES = 64 * 1024;

/** @throws RegistryError `journal-invalid`, naming the first edit that must not be made. */
export function requireInScope(patch: RegistryPatch, rootPath: string, where: string): void {
  if (foldName(patch.rootPath) !== foldName(rootPath)) {
    throw new RegistryError(
      'journal-invalid',
      `${where} is about ${patch.rootPath}, not about ${rootPath}; nothing was changed`,
    );
  }
  for (const edit of patch.edits) {
    const problem = problemOf(edit);
    if (problem) {
      const value = `value "${edit.name}" of ${edit.keyPath}`;
      throw new RegistryError('journal-invalid', `${where} would change ${value}: ${problem}; nothing was changed`);
    }
  }
}

/** Whether the key lies below the Profiles key of some Outlook. */
export function isInProfile(keyPath: string): boolean {
  const folded = foldName(keyPath);
  return PROFILE_TREES.some(({ profilesPath }) => folded.startsWith(`${foldName(profilesPath)}\\`));
}

function problemOf({ keyPath, name, before, after }: ValueEdit): string | undefined {
  const folded = foldName(keyPath);
  const tree = PROFILE_TREES.find(({ profilesPath }) => folded.startsWith(`${foldName(profilesPath)}\\`));
  if (!tree) return 'the key is in no MAPI profile';
  const [profile, section, ...deeper] = splitKeyPath(keyPath.slice(tree.profilesPath.length + 1));
  if (!profile || !section || !isSectionName(section) || deeper.length > 0) return 'the key is no profile section';
  const tag = CHANGEABLE_VALUES.get(name.toLowerCase());
  if (!tag) return 'this program never changes such a value';
  const type = tag.type === PropType.STRING8 ? RegType.SZ : RegType.BINARY;
  const fits = (value: RegistryValue | undefined) =>
    !value || (value.type === type && value.data.length <= MAX_VALUE_BYTES);
  if (!fits(before) || !fits(after)) return 'its type or size is not that of the property';
  return before || after ? undefined : 'it neither sets nor removes anything';
}
