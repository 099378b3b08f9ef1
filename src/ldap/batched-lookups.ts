// Look-ups of single people, several in one search when many come at a time. Most of what a search costs, here and at the controller, it
// costs whatever it finds. While few searches run, what came in one turn of the event loop is sent at its end; what comes later waits for
// the first of those to end, and then goes together. What each is given is exactly what its own search would have found: where that is
// not sure, its own search is made.

import { EqualityFilter, type Filter, OrFilter } from 'ldapts';
import { currentRequest, forRequest } from './correlation.ts';
import type { EntryReader } from './entry.ts';
import { DirectoryError } from './errors.ts';

/** One of the values by which somebody is looked for. */
export interface SoughtValue {
  readonly attribute: 'proxyAddresses' | 'userPrincipalName' | 'sAMAccountName';
  readonly value: string;
}

/** Whoever has one of these values, of whatever class. */
export interface Lookup {
  readonly base: string;
  readonly values: readonly SoughtValue[];
}

export interface BatchOptions {
  /** Searches for the entries below `base`, with every attribute that callers and this file read. */
  readonly search: (base: string, filter: Filter) => Promise<EntryReader[]>;
  /** Searches under way from which on further look-ups wait. */
  readonly running: number;
  /** Look-ups of one search. */
  readonly together: number;
  /** Milliseconds after which waiting look-ups are sent although no search has ended. */
  readonly waitMs: number;
}

interface Waiting {
  readonly lookup: Lookup;
  readonly request: string | undefined;
  readonly resolve: (entries: EntryReader[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Look-ups whose values a directory can only compare letter by letter, whatever its rules for other scripts and for blanks are. */
const PLAIN = /^[!-~]+$/;

export class BatchedLookups {
  readonly #options: BatchOptions;
  #running = 0;
  #waiting: Waiting[] = [];
  #turnEnd: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BatchOptions) {
    this.#options = options;
  }

  /** Rejects as the search does. */
  find(lookup: Lookup): Promise<EntryReader[]> {
    if (!lookup.values.every(({ value }) => PLAIN.test(value))) return this.#single(lookup);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ lookup, request: currentRequest(), resolve, reject });
      if (this.#waiting.length >= this.#options.together) this.#send();
      else if (this.#running < this.#options.running) this.#turnEnd ??= setImmediate(() => this.#send());
      else this.#timer ??= setTimeout(() => this.#send(), this.#options.waitMs);
    });
  }

  #single({ base, values }: Lookup): Promise<EntryReader[]> {
    return this.#counted(() => this.#options.search(base, anyOf(values)));
  }

  async #counted<T>(search: () => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await search();
    } finally {
      this.#running -= 1;
      if (this.#waiting.length > 0 && this.#running < this.#options.running) this.#send();
    }
  }

  /** Sends whatever waits: together where the base is the same. */
  #send(): void {
    clearImmediate(this.#turnEnd);
    clearTimeout(this.#timer);
    this.#turnEnd = undefined;
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const [base, group] of Map.groupBy(waiting, ({ lookup }) => lookup.base)) {
      const [first] = group;
      const work = () => void this.#batch(base, group);
      // What several requests share goes under the name of the first.
      if (first?.request === undefined) work();
      else forRequest(first.request, work);
    }
  }

  async #batch(base: string, group: readonly Waiting[]): Promise<void> {
    const apart = () => {
      for (const { lookup, resolve, reject } of group) this.#single(lookup).then(resolve, reject);
    };
    if (group.length === 1) return apart();
    try {
      const filter = anyOf(group.flatMap(({ lookup }) => lookup.values));
      const entries = await this.#counted(() => this.#options.search(base, filter));
      const shares = divide(
        entries,
        group.map(({ lookup }) => lookup),
      );
      if (!shares) return apart();
      for (const [at, { resolve }] of group.entries()) resolve(shares[at] ?? []);
    } catch (error) {
      // No controller answered: it would answer none of them. Anything else may be the search's size or shape.
      if (!(error instanceof DirectoryError)) return apart();
      for (const { reject } of group) reject(error);
    }
  }
}

function anyOf(values: readonly SoughtValue[]): Filter {
  const filters = values.map(({ attribute, value }) => new EqualityFilter({ attribute, value }));
  return (filters.length === 1 && filters[0]) || new OrFilter({ filters });
}

const NOBODY: readonly number[] = [];

/** By attribute and value in lower case: the places of the look-ups that seek it. */
type Seekers = Map<SoughtValue['attribute'], Map<string, number[]>>;

/**
 * The entries of each look-up, in the order they came; undefined when it cannot be said. A directory compares more generously than
 * letter by letter (accents, width): an entry that was found for nobody's value, or that has a value some directory may take for one
 * that was sought, leaves it open who would have found it. `found` says whether the search looked for more than these.
 */
export function divide(
  entries: readonly EntryReader[],
  lookups: readonly Lookup[],
  found: 'for these' | 'for others too' = 'for these',
): EntryReader[][] | undefined {
  const seekers: Seekers = new Map();
  for (const [at, { values }] of lookups.entries()) {
    for (const { attribute, value } of values) {
      const byValue = seekers.get(attribute) ?? new Map<string, number[]>();
      seekers.set(attribute, byValue);
      const key = value.toLowerCase();
      const known = byValue.get(key);
      if (!known) byValue.set(key, [at]);
      // The same value in two spellings is one value: whoever has it is found once.
      else if (known.at(-1) !== at) known.push(at);
    }
  }
  const shares: EntryReader[][] = lookups.map(() => []);
  for (const entry of entries) {
    const finders = findersOf(entry, seekers);
    if (!finders || (finders.length === 0 && found === 'for these')) return undefined;
    for (const at of finders) shares[at]?.push(entry);
  }
  return shares;
}

function findersOf(entry: EntryReader, seekers: Seekers): readonly number[] | undefined {
  let finders = NOBODY;
  for (const [attribute, byValue] of seekers) {
    for (const value of entry.many(attribute)) {
      const found = seekersOf(value, byValue);
      if (!found) return undefined;
      finders = union(finders, found);
    }
  }
  return finders;
}

/** Who seeks a value; undefined when some directory may take it for one that is sought. */
function seekersOf(value: string, byValue: ReadonlyMap<string, readonly number[]>): readonly number[] | undefined {
  if (PLAIN.test(value)) return byValue.get(value.toLowerCase()) ?? NOBODY;
  const folded = generously(value);
  return folded === undefined || byValue.has(folded) ? undefined : NOBODY;
}

function union(some: readonly number[], others: readonly number[]): readonly number[] {
  if (some.length === 0) return others;
  const more = others.filter((at) => !some.includes(at));
  return more.length === 0 ? some : [...some, ...more];
}

/** What shows nothing or stands above letters: directories may overlook it (RFC 4518 section 2.2, and accents). */
const OVERLOOKED = /[\p{M}\p{C}\p{Default_Ignorable_Code_Point}\s\uFFFC]/gu;

/** A value as generous comparison sees it; undefined when it holds Latin letters whose counterparts differ between directories (ß, æ). */
function generously(value: string): string | undefined {
  const folded = value.normalize('NFKD').replace(OVERLOOKED, '').toLowerCase();
  return /(?=\P{ASCII})\p{Script=Latin}/u.test(folded) ? undefined : folded;
}
