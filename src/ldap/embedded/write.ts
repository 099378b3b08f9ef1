// Changes to the directory (RFC 4511 4.6-4.10): who may make them, and the tree operations add, delete and modifyDN. In
// memory only, each one whole or not at all.
import { type DistinguishedName, formatRdn, rdnKey, tryParseDn } from '../distinguished-name.ts';
import { type Contexts, hasClass } from './contexts.ts';
import type { Entry } from './entry.ts';
import { completeEntry, createEntry, toStored } from './load.ts';
import { assertionKey, type Value, valueKey } from './matching.ts';
import { applyModify } from './modify.ts';
import type { AttributeValues, Request } from './request.ts';
import { type Outcome, RESULT, refused, SUCCESS } from './result.ts';
import { classChain, classOf, LINKED_ATTRIBUTES, SECRET_ATTRIBUTES } from './schema.ts';
import { missing } from './search.ts';
import type { Service } from './service.ts';
import type { Store } from './store.ts';
import { checkValues } from './value-rules.ts';

export type WriteRequest = Extract<Request, { op: 'add' | 'modify' | 'delete' | 'modify-dn' }>;

/** systemFlags that allow changing names in the configuration partition ([MS-ADTS] 2.2.10 systemFlags). */
const ALLOW_RENAME = 0x4000_0000;
const ALLOW_MOVE = 0x2000_0000;
const DISALLOW_DELETE = 0x8000_0000;

/** Makes one change, or says why not. */
export function applyWrite(service: Service, account: Entry, request: WriteRequest): Outcome {
  const dn = tryParseDn(request.dn);
  if (!dn || dn.length === 0)
    return refused('invalidDnSyntax', `0000208F: NameErr: '${request.dn}' is no name of an entry`);
  if (request.op === 'add') return add(service, account, dn, request.attributes);
  const entry = findFor(service, account, dn);
  if ('code' in entry) return entry;
  if (!service.rules.writes(account, entry)) return NO_RIGHT;
  switch (request.op) {
    case 'modify': {
      const outcome = applyModify(service.store, entry, request.modifications);
      if (outcome.code === RESULT.success) touch(service, entry);
      return outcome;
    }
    case 'delete':
      return remove(service, entry);
    case 'modify-dn':
      return rename(service, account, entry, request);
  }
}

/** Compares a value with an entry's (RFC 4511 4.10). */
export function compareValue(
  service: Service,
  account: Entry,
  { dn: name, attribute, value }: Extract<Request, { op: 'compare' }>,
): Outcome {
  const dn = tryParseDn(name);
  if (!dn) return refused('invalidDnSyntax', '0000208F: NameErr: the entry to compare is no name');
  const entry = findFor(service, account, dn);
  if ('code' in entry) return entry;
  const readable = service.rules.sees(account, entry) && !SECRET_ATTRIBUTES.has(attribute);
  const values = readable ? service.store.valuesOf(entry, attribute) : [];
  if (values.length === 0) return refused('noSuchAttribute', `the entry has no ${attribute}`);
  const key = assertionKey(attribute, value);
  if (key === undefined) return refused('invalidAttributeSyntax', `the value is none of ${attribute}`);
  const equal = values.some((stored) => valueKey(attribute, stored) === key);
  return { code: equal ? RESULT.compareTrue : RESULT.compareFalse };
}

const NO_RIGHT = refused(
  'insufficientAccessRights',
  '00002098: SecErr: the account may not change this part of the directory',
);

function findFor({ store, rules, contexts, search }: Service, account: Entry, dn: DistinguishedName): Entry | Outcome {
  const entry = store.find(dn);
  return entry && rules.lists(account, entry) ? entry : missing(store, dn, contexts, search.referForeignBases);
}

function touch({ store, now }: Service, entry: Entry): void {
  entry.usnChanged = store.nextUsn();
  entry.changed = now();
}

function add(service: Service, account: Entry, dn: DistinguishedName, given: readonly AttributeValues[]): Outcome {
  const { store, rules, now } = service;
  const parent = findFor(service, account, dn.slice(1));
  if ('code' in parent) return parent;
  if (!rules.writes(account, parent)) return NO_RIGHT;
  if (store.find(dn)) return refused('entryAlreadyExists', '00002071: UpdErr: an entry of this name exists');
  if (dn[0]?.length !== 1)
    return refused('namingViolation', '00002089: UpdErr: the name of a new entry must have one part');
  const attributes = gather(given);
  if ('code' in attributes) return attributes;
  const chain = completeClasses(attributes, parent, service.contexts);
  if ('code' in chain) return chain;
  const wrong = checkNew(store, dn, attributes);
  if (wrong) return wrong;
  const entry = createEntry(store, dn, parent, now());
  for (const [name, { spelling, values }] of attributes) store.setValues(entry, name, values, spelling);
  completeEntry(store, entry);
  return SUCCESS;
}

type Gathered = Map<string, { readonly spelling: string; values: readonly Value[] }>;

function gather(given: readonly AttributeValues[]): Gathered | Outcome {
  const attributes: Gathered = new Map();
  for (const { name, values } of given) {
    const attribute = name.toLowerCase();
    if (attributes.has(attribute)) return refused('attributeOrValueExists', `${name} is given twice`);
    if (values.length === 0) return refused('invalidAttributeSyntax', `${name} is given without values`);
    attributes.set(attribute, { spelling: name, values: toStored(attribute, values) });
  }
  return attributes;
}

/** Fills objectClass up to `top`, sets the object category, and checks that the class may stand below the parent. */
function completeClasses(
  attributes: Gathered,
  parent: Entry,
  { configuration }: Contexts,
): Outcome | { chain: string[] } {
  const named = attributes.get('objectclass')?.values.map(String) ?? [];
  const chains = named.map(classChain);
  const unknown = named.find((_, i) => !chains[i]);
  if (named.length === 0 || unknown !== undefined) {
    return unknown === undefined
      ? refused('objectClassViolation', '0000207C: UpdErr: a new entry needs an objectClass')
      : refused('noSuchAttribute', `00000057: class '${unknown}' is not in the schema`);
  }
  const longest = (chains as string[][]).reduce((a, b) => (b.length > a.length ? b : a));
  const outsider = named.find((name) => !longest.some((one) => one.toLowerCase() === name.toLowerCase()));
  if (outsider)
    return refused('objectClassViolation', `0000207C: UpdErr: '${outsider}' is no superclass of '${longest.at(-1)}'`);
  const structural = classOf(longest.at(-1) as string);
  if (structural?.under && !structural.under.some((name) => hasClass(parent, name.toLowerCase()))) {
    return refused('namingViolation', `00002099: NameErr: ${structural.name} may not stand below '${parent.dn}'`);
  }
  attributes.set('objectclass', { spelling: 'objectClass', values: longest });
  if (!attributes.has('objectcategory') && configuration && structural) {
    const category = `CN=${structural.category},CN=Schema,${configuration.dn}`;
    attributes.set('objectcategory', { spelling: 'objectCategory', values: [category] });
  }
  return { chain: longest };
}

function checkNew(store: Store, dn: DistinguishedName, attributes: Gathered): Outcome | undefined {
  const { type = '', value = '' } = dn[0]?.[0] ?? {};
  const naming = attributes.get(type.toLowerCase());
  if (
    naming &&
    !naming.values.some((one) => valueKey(type.toLowerCase(), one) === valueKey(type.toLowerCase(), value))
  ) {
    return refused('namingViolation', `00002085: NameErr: ${type} does not hold the entry's name`);
  }
  if (!naming) attributes.set(type.toLowerCase(), { spelling: type, values: [value] });
  for (const [attribute, { spelling, values }] of attributes) {
    const wrong = checkValues(store, attribute, spelling, values);
    if (wrong) return wrong;
  }
  const sam = attributes.get('samaccountname')?.values[0];
  if (sam !== undefined && store.lookup('samaccountname', valueKey('samaccountname', sam)).length > 0) {
    return refused('entryAlreadyExists', `00000524: UpdErr: the account name '${String(sam)}' is taken`);
  }
  return undefined;
}

function remove({ store }: Service, entry: Entry): Outcome {
  if (entry.children && entry.children.size > 0) {
    return refused('notAllowedOnNonLeaf', '00002015: UpdErr: the entry has entries below it');
  }
  if (entry.isContextHead || (systemFlags(entry) & DISALLOW_DELETE) !== 0) {
    return refused('unwillingToPerform', '00002017: UpdErr: the entry may not be deleted');
  }
  // Links to the entry go with it; plain DN values elsewhere stay and dangle, as in the real directory.
  store.repoint(entry.key, undefined, LINKED_ATTRIBUTES);
  store.remove(entry);
  return SUCCESS;
}

function rename(
  service: Service,
  account: Entry,
  entry: Entry,
  { newRdn, deleteOldRdn, newSuperior }: Extract<Request, { op: 'modify-dn' }>,
): Outcome {
  const { store, rules, contexts } = service;
  const parsed = tryParseDn(newRdn);
  if (parsed?.length !== 1 || parsed[0]?.length !== 1)
    return refused('invalidDnSyntax', `'${newRdn}' is no relative name`);
  const rdn = parsed[0];
  const [part] = rdn;
  const [old] = entry.rdn;
  if (part?.type.toLowerCase() !== old?.type.toLowerCase()) {
    return refused('namingViolation', `0000208A: NameErr: entries of this class are named by ${old?.type}`);
  }
  if (!deleteOldRdn)
    return refused('unwillingToPerform', '00000057: the old name cannot stay (deleteOldRdn must be true)');
  let parent = entry.parent;
  if (newSuperior !== undefined) {
    const superior = tryParseDn(newSuperior);
    if (!superior) return refused('invalidDnSyntax', `'${newSuperior}' is no name of an entry`);
    const found = findFor(service, account, superior);
    if ('code' in found) return found;
    if (!rules.writes(account, found)) return NO_RIGHT;
    parent = found;
  }
  const hindrance = renameHindrance(entry, parent, rdn, contexts);
  if (hindrance) return hindrance;
  const wrong = checkValues(store, part?.type.toLowerCase() ?? '', part?.type ?? '', [part?.value ?? '']);
  if (wrong) return wrong;
  const taken = store.findKey(parent ? `${rdnKey(rdn)},${parent.key}` : rdnKey(rdn));
  if (taken && taken !== entry)
    return refused('entryAlreadyExists', '00002071: UpdErr: an entry of the new name exists');
  store.rename(entry, rdn, parent);
  store.setValues(entry, part?.type.toLowerCase() ?? '', [part?.value ?? ''], part?.type);
  touch(service, entry);
  return SUCCESS;
}

function renameHindrance(
  entry: Entry,
  parent: Entry | undefined,
  rdn: Entry['rdn'],
  { configuration }: Contexts,
): Outcome | undefined {
  if (entry.isContextHead)
    return refused('unwillingToPerform', '00002017: UpdErr: the head of a naming context keeps its name');
  for (let at = parent; at; at = at.parent) {
    if (at === entry) return refused('unwillingToPerform', '00002085: UpdErr: an entry cannot move below itself');
  }
  const inConfiguration = configuration !== undefined && isBelow(entry, configuration);
  if (parent && configuration && isBelow(parent, configuration) !== inConfiguration) {
    return refused('unwillingToPerform', '0000208D: UpdErr: an entry cannot move to another naming context');
  }
  if (!inConfiguration) return undefined;
  const flags = systemFlags(entry);
  if (parent !== entry.parent && (flags & ALLOW_MOVE) === 0) {
    return refused('unwillingToPerform', '00002014: UpdErr: systemFlags do not allow moving this entry');
  }
  if (formatRdn(rdn) !== formatRdn(entry.rdn) && (flags & ALLOW_RENAME) === 0) {
    return refused('unwillingToPerform', '00002014: UpdErr: systemFlags do not allow renaming this entry');
  }
  return undefined;
}

function isBelow(entry: Entry, top: Entry): boolean {
  for (let at: Entry | undefined = entry; at; at = at.parent) if (at === top) return true;
  return false;
}

function systemFlags(entry: Entry): number {
  return Number(entry.get('systemflags')[0] ?? 0) | 0;
}
