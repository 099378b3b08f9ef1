// Paged searches of one connection (RFC 2696) and the limits on any answer's length.
import type { Entry } from './entry.ts';
import type { SearchRequest } from './request.ts';
import { type Outcome, RESULT, refused, SUCCESS } from './result.ts';
import type { Found } from './search.ts';

export type Page = { readonly size: number; readonly cookie: Buffer };

type Open = {
  readonly entries: readonly Entry[];
  readonly references: readonly string[];
  readonly signature: string;
  position: number;
};

/** The part of a search that one answer carries. Iterate `entries` first: the rest depends on it. */
export type Turn = {
  entries(): Iterable<Entry>;
  references(): readonly string[];
  outcome(): Outcome;
  cookie(): Buffer;
};

export class PagedSearches {
  private readonly open_ = new Map<string, Open>();
  private readonly most: number;
  private lastId = 0;

  constructor(most: number) {
    this.most = most;
  }

  clear(): void {
    this.open_.clear();
  }

  /** Continues the search a cookie names, or starts one. */
  open(
    request: SearchRequest,
    page: Page | undefined,
    start: () => Found | Outcome,
  ): (Found & { resumed?: Open }) | Outcome {
    if (!page || page.cookie.length === 0) return start();
    const key = page.cookie.toString('latin1');
    const known = this.open_.get(key);
    this.open_.delete(key);
    if (!known || known.signature !== signatureOf(request)) {
      return refused(
        'unwillingToPerform',
        '00002040: SvcErr: the paging cookie belongs to no search of this connection',
      );
    }
    return { entries: [], references: known.references, resumed: known };
  }

  /** Cuts the next answer off a search. `maxPageSize` bounds it whatever the client asked; 0 = no bound. */
  take(found: Found & { resumed?: Open }, request: SearchRequest, page: Page | undefined, maxPageSize: number): Turn {
    return page ? this.takePage(found, request, page, maxPageSize) : takeWhole(found, request, maxPageSize);
  }

  private takePage(found: Found & { resumed?: Open }, request: SearchRequest, page: Page, maxPageSize: number): Turn {
    const search: Open = found.resumed ?? {
      entries: [...found.entries],
      references: found.references,
      signature: signatureOf(request),
      position: 0,
    };
    const from = search.position;
    const size = maxPageSize > 0 ? Math.min(page.size, maxPageSize) : page.size;
    const limit = request.sizeLimit > 0 ? request.sizeLimit : Number.POSITIVE_INFINITY;
    const to = Math.min(from + size, search.entries.length, limit);
    search.position = to;
    const over = to === limit && to < search.entries.length;
    const done = over || to >= search.entries.length || page.size === 0;
    return {
      // Entries deleted since the first page are gone from the tree.
      entries: () => search.entries.slice(from, to).filter(isThere),
      references: () => (done ? search.references : []),
      outcome: () => (over ? TOO_MANY : SUCCESS),
      cookie: () => (done ? Buffer.alloc(0) : this.keep(search)),
    };
  }

  private keep(search: Open): Buffer {
    if (this.open_.size >= this.most) this.open_.delete(this.open_.keys().next().value as string);
    this.lastId += 1;
    const cookie = Buffer.from(`page ${this.lastId}`);
    this.open_.set(cookie.toString('latin1'), search);
    return cookie;
  }
}

function takeWhole({ entries, references }: Found, request: SearchRequest, maxPageSize: number): Turn {
  const limits = [request.sizeLimit, maxPageSize].filter((limit) => limit > 0);
  const limit = limits.length > 0 ? Math.min(...limits) : Number.POSITIVE_INFINITY;
  let outcome = SUCCESS;
  function* cut(): Generator<Entry> {
    let sent = 0;
    for (const entry of entries) {
      if (sent >= limit) {
        outcome = TOO_MANY;
        return;
      }
      sent += 1;
      yield entry;
    }
  }
  return { entries: cut, references: () => references, outcome: () => outcome, cookie: () => Buffer.alloc(0) };
}

const TOO_MANY: Outcome = {
  code: RESULT.sizeLimitExceeded,
  message: '00002023: SvcErr: more entries than the size limit',
};

const isThere = (entry: Entry): boolean => entry.parent === undefined || entry.parent.children?.has(entry) === true;

function signatureOf({ base, scope, filter }: SearchRequest): string {
  return JSON.stringify([base.toLowerCase(), scope, filter]);
}
