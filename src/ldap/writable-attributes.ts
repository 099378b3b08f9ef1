// Which attributes of an entry are somebody's work, and which the directory keeps itself: only the former are compared before a
// deletion and written back by its undo.

import type { LdifAttribute } from './ldif.ts';

/**
 * Attributes that the directory sets, computes or derives ([MS-ADTS] 3.1.1.5.2.4 Processing, [MS-ADTS] 3.1.1.4.5 Constructed, and the
 * class's defaults), in lower case. A re-created entry gets them anew.
 */
const KEPT_BY_DIRECTORY = new Set(
  `objectguid objectsid whencreated whenchanged usncreated usnchanged usnlastobjrem usndsalastobjremoved instancetype
   distinguishedname name cn objectcategory showinadvancedviewonly dscorepropagationdata ntsecuritydescriptor
   replpropertymetadata repluptodatevector createtimestamp modifytimestamp canonicalname structuralobjectclass
   subschemasubentry parentguid entryuuid entrycsn entrydn creatorsname modifiersname hassubordinates memberof
   msds-replattributemetadata msds-replvaluemetadata allowedattributes allowedattributeseffective allowedchildclasses
   allowedchildclasseseffective sdrightseffective islinked numsubordinates`.split(/\s+/),
);

/** Attributes written by this project that hold one value at most, in lower case: when that value is gone, nothing may be in its place. */
const SINGLE_VALUED = new Set(['legacyexchangedn', 'msexchserversite']);

export function isSingleValued(name: string): boolean {
  return SINGLE_VALUED.has(name.toLowerCase());
}

/** True for an attribute that a person or a program wrote. Back links (`...BL`) are the other entry's. */
export function isWritable(name: string): boolean {
  return !KEPT_BY_DIRECTORY.has(name.toLowerCase()) && !/BL$/.test(name);
}

/**
 * Whether an entry is as expected: the same attributes with the same values, in any order. Of classes only the named ones are asked
 * for, because the directory adds the superclasses, and of systemFlags only the given bits, because it adds bits of its own
 * ([MS-ADTS] 3.1.1.5.2.4 Processing).
 */
export function isAsExpected(expected: readonly LdifAttribute[], found: readonly LdifAttribute[]): boolean {
  return hasExpected(expected, found) && hasNothingElse(expected, found);
}

/** Whether an entry has at least the expected values. */
export function hasExpected(expected: readonly LdifAttribute[], found: readonly LdifAttribute[]): boolean {
  const present = valuesByName(found);
  return [...valuesByName(expected)].every(([name, values]) => {
    const these = present.get(name) ?? new Set();
    return name === SYSTEM_FLAGS ? hasBits(values, these) : [...values].every((value) => these.has(value));
  });
}

const SYSTEM_FLAGS = 'systemflags';

function hasNothingElse(expected: readonly LdifAttribute[], found: readonly LdifAttribute[]): boolean {
  const wanted = valuesByName(expected);
  return [...valuesByName(found)].every(([name, values]) => {
    if (name === 'objectclass' || name === SYSTEM_FLAGS) return true;
    const these = wanted.get(name) ?? new Set();
    return [...values].every((value) => these.has(value));
  });
}

function hasBits(wanted: ReadonlySet<string>, present: ReadonlySet<string>): boolean {
  const number = (values: ReadonlySet<string>) => Number(Buffer.from([...values][0] ?? '30', 'hex').toString()) | 0;
  return (number(wanted) & number(present)) === number(wanted);
}

/** Values by attribute name in lower case, as text that compares: bytes in hexadecimal, class names without case. */
function valuesByName(attributes: readonly LdifAttribute[]): Map<string, Set<string>> {
  const map = new Map<string, Set<string>>();
  for (const { name, values } of attributes) {
    if (!isWritable(name)) continue;
    const key = name.toLowerCase();
    const text = (value: Buffer) =>
      key === 'objectclass' ? value.toString('utf8').toLowerCase() : value.toString('hex');
    map.set(key, new Set([...(map.get(key) ?? []), ...values.map(text)]));
  }
  return map;
}
