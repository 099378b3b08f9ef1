// What the schema demands of values a client writes: a known attribute, the right syntax, one value where there may be one
// only, links to entries that exist.
import { isWellFormed, textOf, type Value, valueKey } from './matching.ts';
import { type Outcome, refused } from './result.ts';
import { forwardLinkOf, knowledgeOf, SECRET_ATTRIBUTES } from './schema.ts';
import type { Store } from './store.ts';

/** Longest values the schema allows where a command can meet the bound (rangeUpper). */
const LONGEST: Record<string, number> = { cn: 64, ou: 64, samaccountname: 256, displayname: 256, mailnickname: 64 };

/** Checks all values an attribute is to have. Undefined when they are fine. */
export function checkValues(
  store: Store,
  attribute: string,
  name: string,
  values: readonly Value[],
): Outcome | undefined {
  const unwritable = checkWritable(store, attribute, name);
  if (unwritable) return unwritable;
  const knowledge = knowledgeOf(attribute);
  if (knowledge?.single && values.length > 1) {
    return refused('constraintViolation', `00002081: AtrErr: ${name} takes one value`);
  }
  const seen = new Set<string>();
  for (const value of values) {
    if (value.length === 0 || !isWellFormed(knowledge?.syntax ?? 'text', value)) {
      const code = knowledge?.syntax === 'dn' ? 'invalidDnSyntax' : 'invalidAttributeSyntax';
      return refused(code, `00000057: a value is none of ${name} (${knowledge?.syntax ?? 'text'})`);
    }
    const longest = LONGEST[attribute];
    if (longest !== undefined && [...textOf(value)].length > longest) {
      return refused('constraintViolation', `00002082: AtrErr: ${name} takes at most ${longest} characters`);
    }
    const key = valueKey(attribute, value);
    if (seen.has(key)) return refused('attributeOrValueExists', `00002083: AtrErr: ${name} has a value twice`);
    seen.add(key);
    // The schema's own entries are not in here, so a category cannot be looked up.
    if (knowledge?.syntax === 'dn' && attribute !== 'objectcategory' && !store.findKey(key)) {
      return refused('constraintViolation', `000020B5: AtrErr: ${name} names an entry that does not exist`);
    }
  }
  return undefined;
}

/** Refuses attributes that are unknown, secret, computed or kept by the directory. */
export function checkWritable(store: Store, attribute: string, name: string): Outcome | undefined {
  if (SECRET_ATTRIBUTES.has(attribute))
    return refused('unwillingToPerform', `0000001F: SvcErr: ${name} cannot be set here`);
  if (knowledgeOf(attribute)?.system || forwardLinkOf(attribute)) {
    return refused('constraintViolation', `0000209A: SecErr: ${name} is kept by the directory`);
  }
  if (!store.isKnown(attribute)) return refused('noSuchAttribute', `00000057: attribute ${name} is not in the schema`);
  return undefined;
}
