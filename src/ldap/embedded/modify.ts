// Modify (RFC 4511 4.6): all changes of a request in order on a working copy, then the result at once. Deleting the old
// value and adding the new one in one request is the compare-and-set that administrators' commands rely on: somebody else's
// change in between makes it fail with noSuchAttribute or attributeOrValueExists.
import type { Entry } from './entry.ts';
import { toStored } from './load.ts';
import { type Value, valueKey } from './matching.ts';
import type { Modification } from './request.ts';
import { type Outcome, refused, SUCCESS } from './result.ts';
import { knowledgeOf } from './schema.ts';
import type { Store } from './store.ts';
import { checkValues, checkWritable } from './value-rules.ts';

/** Applies the changes to the entry, or none of them. The caller keeps time stamps. */
export function applyModify(store: Store, entry: Entry, modifications: readonly Modification[]): Outcome {
  if (modifications.length === 0) return refused('unwillingToPerform', '00000057: a modify without changes');
  const working = new Map<string, { spelling: string; values: readonly Value[] }>();
  for (const modification of modifications) {
    const attribute = modification.name.toLowerCase();
    const before = working.get(attribute)?.values ?? entry.get(attribute);
    const after = change(store, entry, attribute, before, modification);
    if (!Array.isArray(after)) return after as Outcome;
    working.set(attribute, { spelling: modification.name, values: after });
  }
  for (const [attribute, { spelling, values }] of working) {
    const wrong = checkValues(store, attribute, spelling, values);
    if (wrong) return wrong;
  }
  for (const [attribute, { spelling, values }] of working) store.setValues(entry, attribute, values, spelling);
  return SUCCESS;
}

/** The values after one change, or why it cannot be made. */
function change(
  store: Store,
  entry: Entry,
  attribute: string,
  before: readonly Value[],
  { operation, name, values: given }: Modification,
): Value[] | Outcome {
  const unwritable = checkWritable(store, attribute, name) ?? checkNaming(entry, attribute, name);
  if (unwritable) return unwritable;
  const values = toStored(attribute, given);
  const keys = values.map((value) => valueKey(attribute, value));
  const present = new Set(before.map((value) => valueKey(attribute, value)));
  switch (operation) {
    case 'replace':
      return values;
    case 'add': {
      if (values.length === 0) return refused('constraintViolation', `${name}: nothing to add`);
      const occupied = knowledgeOf(attribute)?.single === true && before.length > 0;
      if (occupied || keys.some((key) => present.has(key))) {
        return refused('attributeOrValueExists', `00002083: AtrErr: ${name} has a value already`);
      }
      return [...before, ...values];
    }
    case 'delete': {
      if (before.length === 0 || keys.some((key) => !present.has(key))) {
        return refused('noSuchAttribute', `00002085: AtrErr: ${name} does not have the value to delete`);
      }
      const gone = new Set(keys);
      return values.length === 0 ? [] : before.filter((value) => !gone.has(valueKey(attribute, value)));
    }
  }
}

function checkNaming(entry: Entry, attribute: string, name: string): Outcome | undefined {
  if (entry.rdn.some(({ type }) => type.toLowerCase() === attribute)) {
    return refused('notAllowedOnRdn', `00002016: UpdErr: ${name} names the entry; rename it instead`);
  }
  if (attribute === 'objectclass')
    return refused('objectClassModsProhibited', '0000207B: UpdErr: classes cannot change');
  return undefined;
}
