// Searches (RFC 4511 4.5, RFC 2696, [MS-ADTS] 3.1.1.3.1 LDAP): which entries, in what pages, with which attributes.
import { type DistinguishedName, formatDn, tryParseDn } from '../distinguished-name.ts';
import type { AccessRules } from './access.ts';
import { headOf } from './bind.ts';
import { type Contexts, dnsNameOf } from './contexts.ts';
import type { Entry } from './entry.ts';
import { compileFilter, planFilter } from './evaluate.ts';
import { nearestAncestor } from './load.ts';
import type { SearchRequest } from './request.ts';
import { type Outcome, RESULT, refused } from './result.ts';
import type { Store } from './store.ts';

export type SearchScope = { readonly store: Store; readonly contexts: Contexts; readonly rules: AccessRules };

export type SearchOptions = {
  /** Answer names outside the naming contexts with a referral, as Windows does, instead of noSuchObject, as Samba does. */
  readonly referForeignBases: boolean;
  /** Serve the empty base as the whole forest, as the global catalogue ports do. */
  readonly globalCatalog: boolean;
};

/** `withoutAttributes`: the account may know of the entry and read nothing of it. */
export type Found = {
  readonly entries: Iterable<Entry>;
  readonly references: readonly string[];
  readonly withoutAttributes?: boolean;
};

/** Finds the entries a search selects, lazily, as the account may see them. */
export function findEntries(
  directory: SearchScope,
  options: SearchOptions,
  request: SearchRequest,
  account: Entry,
): Found | Outcome {
  const { store, contexts, rules } = directory;
  const tops = resolveBase(directory, options, request, account);
  if ('code' in tops) return tops;
  if (request.scope === 'base' && isPresence(request.filter) && !tops.every((top) => rules.sees(account, top))) {
    return { entries: tops, references: [], withoutAttributes: true };
  }
  const test = compileFilter(request.filter, store);
  const plan = planFilter(request.filter, store);
  const accept = (entry: Entry): boolean => test(entry) === true && rules.sees(account, entry);
  const crossing = options.globalCatalog && request.base === '';
  return {
    entries: select(tops, request, accept, plan, crossing),
    references: crossing ? [] : referencesBelow(tops, request.scope, contexts),
  };
}

/** The filter that reads nothing: every entry has an objectClass. */
const isPresence = (filter: SearchRequest['filter']): boolean =>
  filter.kind === 'present' && filter.attribute === 'objectclass';

function* select(
  tops: readonly Entry[],
  { scope }: SearchRequest,
  accept: (entry: Entry) => boolean,
  plan: ReturnType<typeof planFilter>,
  crossing: boolean,
): Generator<Entry> {
  // A small scope is walked; a large one is answered from the index when the filter offers one.
  const walkable = scope === 'base' ? tops.length : scope === 'one' ? count(tops) : Number.POSITIVE_INFINITY;
  if (plan && plan.size < walkable) {
    for (const entry of plan.entries) if (inScope(entry, tops, scope, crossing) && accept(entry)) yield entry;
    return;
  }
  for (const entry of walk(tops, scope, crossing)) if (accept(entry)) yield entry;
}

const count = (tops: readonly Entry[]): number => tops.reduce((sum, top) => sum + (top.children?.size ?? 0), 0);

function* walk(tops: readonly Entry[], scope: SearchRequest['scope'], crossing: boolean): Generator<Entry> {
  if (scope === 'base') {
    yield* tops;
    return;
  }
  if (scope === 'one') {
    for (const top of tops) for (const child of top.children ?? []) if (!child.isContextHead) yield child;
    return;
  }
  // Iterators rather than lists: a container may have a few hundred thousand children, and a search often stops early.
  const open: Iterator<Entry>[] = [tops.values()];
  for (let innermost = open.at(-1); innermost; innermost = open.at(-1)) {
    const { value: entry, done } = innermost.next();
    if (done) {
      open.pop();
      continue;
    }
    const isTop = open.length === 1;
    if (!isTop && entry.isContextHead && !crossing) continue;
    if (scope === 'sub' || !isTop) yield entry;
    if (entry.children) open.push(entry.children.values());
  }
}

function inScope(entry: Entry, tops: readonly Entry[], scope: SearchRequest['scope'], crossing: boolean): boolean {
  if (scope === 'base') return tops.includes(entry);
  if (scope === 'one') return entry.parent !== undefined && !entry.isContextHead && tops.includes(entry.parent);
  if (scope === 'sub' && tops.includes(entry)) return true;
  for (let at = entry; at.parent && (crossing || !at.isContextHead); at = at.parent)
    if (tops.includes(at.parent)) return true;
  return false;
}

/** The entries a base name stands for: one, or all naming contexts for the empty base of a global catalogue. */
function resolveBase(
  { store, contexts, rules }: SearchScope,
  { referForeignBases, globalCatalog }: SearchOptions,
  { base }: SearchRequest,
  account: Entry,
): readonly Entry[] | Outcome {
  if (base === '' && globalCatalog) return contexts.heads.filter(({ parent }) => parent === undefined);
  const byGuid = /^<GUID=([0-9a-fA-F-]{32,36})>$/.exec(base);
  const dn = byGuid ? undefined : tryParseDn(base);
  if (!byGuid && !dn) return refused('invalidDnSyntax', `0000208F: NameErr: the base of the search is no name`);
  const entry = byGuid ? findByGuid(store, byGuid[1] as string) : dn && store.find(dn);
  if (entry && rules.lists(account, entry)) return [entry];
  return dn
    ? missing(store, dn, contexts, referForeignBases)
    : refused('noSuchObject', '0000208D: NameErr: no object of this GUID');
}

function findByGuid(store: Store, text: string): Entry | undefined {
  const hex = text.replaceAll('-', '');
  if (hex.length !== 32) return undefined;
  const raw = Buffer.from(hex, 'hex');
  // With hyphens the first three fields are printed big-endian; the bare form is the octet string itself.
  const octets = text.includes('-')
    ? Buffer.concat([
        raw.subarray(0, 4).reverse(),
        raw.subarray(4, 6).reverse(),
        raw.subarray(6, 8).reverse(),
        raw.subarray(8),
      ])
    : raw;
  return [...store.lookup('objectguid', octets.toString('latin1'))][0];
}

/** The answer for a name that is not there: noSuchObject with the deepest ancestor, or a referral out of the forest. */
export function missing(store: Store, dn: DistinguishedName, contexts: Contexts, refer: boolean): Outcome {
  const ancestor = nearestAncestor(store, dn);
  if (!ancestor && refer && dn.length > 0) {
    const text = formatDn(dn);
    const host = dnsNameOf(text) || contexts.dnsHostName;
    return { code: RESULT.referral, message: '0000202B: RefErr', referrals: [ldapUrl(host, text)] };
  }
  return refused('noSuchObject', '0000208D: NameErr: the object does not exist', ancestor?.dn ?? '');
}

/** URLs of the naming contexts that begin below the searched entries and are not searched with them. */
function referencesBelow(tops: readonly Entry[], scope: SearchRequest['scope'], contexts: Contexts): string[] {
  if (scope === 'base') return [];
  const host = contexts.domain ? dnsNameOf(contexts.domain.dn) : contexts.dnsHostName;
  return contexts.heads
    .filter((head) => head.parent && tops.some((top) => isContinuation(head, top, scope)))
    .map((head) => ldapUrl(host, head.dn) + (scope === 'one' ? '??base' : ''));
}

/** RFC 4516: the name is percent-encoded, its question marks and hashes too. */
function ldapUrl(host: string, dn: string): string {
  return `ldap://${host}/${encodeURI(dn).replaceAll('?', '%3F').replaceAll('#', '%23')}`;
}

function isContinuation(head: Entry, top: Entry, scope: SearchRequest['scope']): boolean {
  if (scope === 'one') return head.parent === top;
  // Only contexts directly under the searched one: deeper ones are that context's references.
  const outer = head.parent && headOf(head.parent);
  if (outer !== headOf(top)) return false;
  for (let at = head.parent; at; at = at.parent) if (at === top) return true;
  return false;
}
