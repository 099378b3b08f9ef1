// Which attributes of an entry go into the answer, and how much of them (RFC 4511 4.5.1.8, RFC 3673, [MS-ADTS] 3.1.1.3.1.3.3 Range).
import type { Entry } from './entry.ts';
import type { Value } from './matching.ts';
import type { EntryAnswer } from './response.ts';
import { SECRET_ATTRIBUTES } from './schema.ts';
import type { Store } from './store.ts';

/** Computed attributes that belong to every plain answer; the others come with `+` or by name. */
const BY_DEFAULT = [
  'distinguishedname',
  'name',
  'whencreated',
  'whenchanged',
  'usncreated',
  'usnchanged',
  'instancetype',
];
const OPERATIONAL = ['createtimestamp', 'modifytimestamp', 'canonicalname', 'structuralobjectclass'];

type Wanted = { readonly attribute: string; readonly range?: { readonly low: number; readonly high: number } };

export type Selection = { readonly all: boolean; readonly operational: boolean; readonly named: readonly Wanted[] };

/** Reads the attribute list of a search: none means all, `1.1` means none, `*` and `+` add, `;range=a-b` asks for a part. */
export function readSelection(attributes: readonly string[]): Selection {
  const named: Wanted[] = [];
  for (const description of attributes) {
    if (description === '*' || description === '+' || description === '1.1') continue;
    const [name = '', ...options] = description.toLowerCase().split(';');
    const range = options.map((option) => /^range=(\d{1,9})-(\d{1,9}|\*)$/.exec(option)).find(Boolean);
    if (named.some(({ attribute }) => attribute === name)) continue;
    named.push({
      attribute: name,
      ...(range
        ? { range: { low: Number(range[1]), high: range[2] === '*' ? Number.POSITIVE_INFINITY : Number(range[2]) } }
        : {}),
    });
  }
  return { all: attributes.length === 0 || attributes.includes('*'), operational: attributes.includes('+'), named };
}

/** The answer for one entry. `maxValues` is MaxValRange: longer attributes are cut and marked with their range; 0 = no limit. */
export function selectAttributes(
  store: Store,
  entry: Entry,
  selection: Selection,
  options: { typesOnly: boolean; maxValues: number },
): EntryAnswer {
  const wanted = new Map<string, Wanted>();
  if (selection.all) for (const attribute of [...entry.names(), ...BY_DEFAULT]) wanted.set(attribute, { attribute });
  if (selection.operational) for (const attribute of OPERATIONAL) wanted.set(attribute, { attribute });
  for (const one of selection.named) wanted.set(one.attribute, one);
  const attributes: [string, readonly Value[]][] = [];
  for (const { attribute, range } of wanted.values()) {
    if (SECRET_ATTRIBUTES.has(attribute)) continue;
    const values = store.valuesOf(entry, attribute);
    if (values.length === 0) continue;
    const answer = cut(store.spelling(attribute), values, range, options.maxValues);
    if (answer) attributes.push([answer[0], options.typesOnly ? [] : answer[1]]);
  }
  return { dn: entry.dn, attributes };
}

/** A whole attribute, or the asked or allowed part of it under a name with its range. */
function cut(
  name: string,
  values: readonly Value[],
  range: Wanted['range'],
  maxValues: number,
): [string, readonly Value[]] | undefined {
  const most = maxValues > 0 ? maxValues : values.length;
  if (!range) {
    return values.length <= most ? [name, values] : [`${name};range=0-${most - 1}`, values.slice(0, most)];
  }
  const { low, high } = range;
  if (low >= values.length || high < low) return undefined;
  const end = Math.min(high + 1, low + most, values.length);
  return [`${name};range=${low}-${end === values.length ? '*' : end - 1}`, values.slice(low, end)];
}
