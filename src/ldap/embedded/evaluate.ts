// Filters applied to entries: three-valued logic (RFC 4511 4.5.1.7) compiled once per search, and the choice of an index.
import type { Entry } from './entry.ts';
import type { Filter } from './filter.ts';
import {
  assertionKey,
  compareValues,
  foldPiece,
  integerBits,
  isBinary,
  matchesSubstrings,
  type SubstringPattern,
  valueKey,
} from './matching.ts';
import { SECRET_ATTRIBUTES, syntaxOf } from './schema.ts';
import type { Store } from './store.ts';

/** `undefined` is the third value: the assertion makes no sense for this directory. Only `true` selects an entry. */
export type Verdict = boolean | undefined;

/** [MS-ADTS] 3.1.1.3.4.4 LDAP_MATCHING_RULE_BIT_AND and _BIT_OR. */
const BIT_AND = '1.2.840.113556.1.4.803';
const BIT_OR = '1.2.840.113556.1.4.804';

/** Compiles a filter to a test of entries of this store. */
export function compileFilter(filter: Filter, store: Store): (entry: Entry) => Verdict {
  switch (filter.kind) {
    case 'and':
      return all(filter.filters.map((part) => compileFilter(part, store)));
    case 'or':
      return any(filter.filters.map((part) => compileFilter(part, store)));
    case 'not': {
      const inner = compileFilter(filter.filter, store);
      return (entry) => negate(inner(entry));
    }
    case 'extensible':
      return compileExtensible(filter, store);
    default:
      return isUsable(filter.attribute, store) ? compileAssertion(filter, store) : () => undefined;
  }
}

const negate = (verdict: Verdict): Verdict => (verdict === undefined ? undefined : !verdict);

function all(parts: ((entry: Entry) => Verdict)[]): (entry: Entry) => Verdict {
  return (entry) => {
    let result: Verdict = true;
    for (const part of parts) {
      const verdict = part(entry);
      if (verdict === false) return false;
      if (verdict === undefined) result = undefined;
    }
    return result;
  };
}

function any(parts: ((entry: Entry) => Verdict)[]): (entry: Entry) => Verdict {
  return (entry) => {
    let result: Verdict = false;
    for (const part of parts) {
      const verdict = part(entry);
      if (verdict === true) return true;
      if (verdict === undefined) result = undefined;
    }
    return result;
  };
}

const isUsable = (attribute: string, store: Store): boolean =>
  !SECRET_ATTRIBUTES.has(attribute) && store.isKnown(attribute);

type Assertion = Exclude<Filter, { kind: 'and' | 'or' | 'not' | 'extensible' }>;

function compileAssertion(filter: Assertion, store: Store): (entry: Entry) => Verdict {
  const { attribute } = filter;
  switch (filter.kind) {
    case 'present':
      return (entry) => store.valuesOf(entry, attribute).length > 0;
    case 'equality':
    case 'approximate':
      return equality(attribute, assertedKeys(attribute, filter.value, store), store);
    case 'greater-or-equal':
      return ordering(attribute, filter.value, (order) => order >= 0, store);
    case 'less-or-equal':
      return ordering(attribute, filter.value, (order) => order <= 0, store);
    case 'substrings':
      return substrings(filter, store);
  }
}

/** The keys an equality assertion accepts: one, or all of a short category name; undefined when malformed. */
function assertedKeys(attribute: string, value: Buffer, store: Store): ReadonlySet<string> | undefined {
  if (attribute === 'objectcategory' && !value.includes('=')) return store.categoryKeys(value.toString('utf8'));
  const key = assertionKey(attribute, value);
  return key === undefined ? undefined : new Set([key]);
}

function equality(attribute: string, keys: ReadonlySet<string> | undefined, store: Store): (entry: Entry) => Verdict {
  if (keys === undefined) return () => undefined;
  return (entry) => store.valuesOf(entry, attribute).some((value) => keys.has(valueKey(attribute, value)));
}

function ordering(
  attribute: string,
  asserted: Buffer,
  accept: (order: number) => boolean,
  store: Store,
): (entry: Entry) => Verdict {
  if (syntaxOf(attribute) === 'integer' && assertionKey(attribute, asserted) === undefined) return () => undefined;
  if (['dn', 'boolean'].includes(syntaxOf(attribute))) return () => undefined;
  return (entry) =>
    store.valuesOf(entry, attribute).some((value) => {
      const order = compareValues(attribute, value, asserted);
      return order !== undefined && accept(order);
    });
}

function substrings(filter: Extract<Filter, { kind: 'substrings' }>, store: Store): (entry: Entry) => Verdict {
  const { attribute, initial, final } = filter;
  const syntax = syntaxOf(attribute);
  // Names, numbers and truth values have no substring rule in the directory's schema.
  if (syntax === 'dn' || syntax === 'integer' || syntax === 'boolean') return () => undefined;
  const fold = isBinary(syntax) ? (piece: Buffer) => piece.toString('latin1') : foldPiece;
  const pattern: SubstringPattern = {
    any: filter.any.map(fold),
    ...(initial ? { initial: fold(initial) } : {}),
    ...(final ? { final: fold(final) } : {}),
  };
  return (entry) =>
    store.valuesOf(entry, attribute).some((value) => matchesSubstrings(valueKey(attribute, value), pattern));
}

function compileExtensible(filter: Extract<Filter, { kind: 'extensible' }>, store: Store): (entry: Entry) => Verdict {
  const { attribute, rule, value } = filter;
  if (attribute === undefined || !isUsable(attribute, store)) return () => undefined;
  if (rule === undefined) return equality(attribute, assertedKeys(attribute, value, store), store);
  if ((rule !== BIT_AND && rule !== BIT_OR) || syntaxOf(attribute) !== 'integer') return () => undefined;
  const mask = integerBits(value);
  if (mask === undefined) return () => undefined;
  const test = rule === BIT_AND ? (bits: bigint) => (bits & mask) === mask : (bits: bigint) => (bits & mask) !== 0n;
  return (entry) =>
    store.valuesOf(entry, attribute).some((stored) => {
      const bits = integerBits(stored);
      return bits !== undefined && test(bits);
    });
}

/** A superset of the entries a filter can select, found through the indexes. */
export type Candidates = { readonly size: number; readonly entries: Iterable<Entry> };

/** The smallest candidate set the indexes offer; undefined when only looking at every entry will do. */
export function planFilter(filter: Filter, store: Store): Candidates | undefined {
  switch (filter.kind) {
    case 'equality':
    case 'approximate':
      return planEquality(filter.attribute, filter.value, store);
    case 'and': {
      const plans = filter.filters.map((part) => planFilter(part, store)).filter((plan) => plan !== undefined);
      return plans.reduce<Candidates | undefined>(
        (best, plan) => (best && best.size <= plan.size ? best : plan),
        undefined,
      );
    }
    case 'or': {
      const plans = filter.filters.map((part) => planFilter(part, store));
      if (plans.length === 0 || plans.includes(undefined)) return undefined;
      const merged = new Set((plans as Candidates[]).flatMap(({ entries }) => [...entries]));
      return { size: merged.size, entries: merged };
    }
    default:
      return undefined;
  }
}

const NOTHING: Candidates = { size: 0, entries: [] };

function planEquality(attribute: string, value: Buffer, store: Store): Candidates | undefined {
  if (!isUsable(attribute, store)) return NOTHING;
  const keys = assertedKeys(attribute, value, store);
  if (keys === undefined) return NOTHING;
  if (attribute === 'distinguishedname') {
    const entry = [...keys].map((key) => store.findKey(key)).filter((one) => one !== undefined);
    return { size: entry.length, entries: entry };
  }
  if (!store.hasIndex(attribute)) return undefined;
  const sets = [...keys].map((key) => store.lookup(attribute, key));
  if (sets.length === 1 && sets[0]) return { size: sets[0].length, entries: sets[0] };
  const merged = new Set(sets.flatMap((set) => [...set]));
  return { size: merged.size, entries: merged };
}
