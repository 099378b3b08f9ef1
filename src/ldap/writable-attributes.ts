// Which attributes of an entry are somebody's work, and which the directory keeps itself: only the former are compared before a
// deletion and written back by its undo.

import type { LdifAttribute } from './ldif.ts';

/**
 * Attributes that the directory sets, computes or derives ([MS-ADTS] 3.1.1.5.2.4 and 3.1.1.4.5, and the class's defaults), in lower case.
 * A re-created entry gets them anew.
 */
const KEPT_BY_DIRECTORY = new Set(
  `objectguid objectsid whencreated whenchanged usncreated usnchanged usnlastobjrem usndsalastobjremoved instancetype
   distinguishedname name cn objectcategory showinadvancedviewonly dscorepropagationdata ntsecuritydescriptor
   replpropertymetadata repluptodatevector createtimestamp modifytimestamp canonicalname structuralobjectclass
   subschemasubentry parentguid entryuuid entrycsn entrydn creatorsname modifiersname hassubordinates memberof
   msds-replattributemetadata msds-replvaluemetadata allowedattributes allowedattributeseffective allowedchildclasses
   allowedchildclasseseffective sdrightseffective islinked numsubordinates`.split(/\s+/),
);

/** True for an attribute that a person or a program wrote. Back links (`...BL`) are the other entry's. */
export function isWritable(name: string): boolean {
  return !KEPT_BY_DIRECTORY.has(name.toLowerCase()) && !/BL$/.test(name);
}

/**
 * Whether an entry is as expected: the same attributes with the same values, in any order. Of classes only the named ones are asked
 * for, because the directory adds the superclasses.
 */
export function isAsExpected(expected: readonly LdifAttribute[], found: readonly LdifAttribute[]): boolean {
  const wanted = valuesByName(expected);
  const present = valuesByName(found);
  for (const name of new Set([...wanted.keys(), ...present.keys()])) {
    const these = wanted.get(name) ?? new Set();
    const those = present.get(name) ?? new Set();
    if (name === 'objectclass' ? !isSubset(these, those) : !(isSubset(these, those) && these.size === those.size))
      return false;
  }
  return true;
}

function isSubset(part: ReadonlySet<string>, whole: ReadonlySet<string>): boolean {
  return [...part].every((value) => whole.has(value));
}

function valuesByName(attributes: readonly LdifAttribute[]): Map<string, Set<string>> {
  const map = new Map<string, Set<string>>();
  for (const { name, values } of attributes) {
    if (!isWritable(name)) continue;
    const key = name.toLowerCase();
    const fold = (value: Buffer) =>
      key === 'objectclass' ? value.toString('utf8').toLowerCase() : value.toString('hex');
    map.set(key, new Set([...(map.get(key) ?? []), ...values.map(fold)]));
  }
  return map;
}
