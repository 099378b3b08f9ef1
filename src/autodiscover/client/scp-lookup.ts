// Chooses among the service connection points a directory publishes. The LDAP search itself is handed in: this file knows the
// client's rules, not attribute names. [MS-OXDISCO] 3.1.5.1 serviceConnectionPoint; rules as the EWS Managed API applies them.

/** A published URL. */
export interface ScpUrl {
  readonly url: string;
  /** Site names of its `Site=` keywords; empty for one that is for everybody. */
  readonly sites: readonly string[];
  readonly distinguishedName: string;
  /** When the object was created: within one priority the oldest is asked first. */
  readonly createdAt?: Date;
}

/** A pointer to another forest's directory. */
export interface ScpPointer {
  /** `LDAP://...` as published. */
  readonly ldapUrl: string;
  /** Mail domains of its `Domain=` keywords; empty for the pointer of last resort. */
  readonly domains: readonly string[];
  readonly distinguishedName: string;
}

/** Everything one directory publishes, and the site this computer is in, if it is known. */
export interface ScpRecords {
  readonly urls: readonly ScpUrl[];
  readonly pointers: readonly ScpPointer[];
  readonly site: string | undefined;
}

/** Searches the own directory, or the one a pointer names. Rejects when it cannot be read; `message` goes into the trace. */
export type ScpLookup = (ldapUrl: string | undefined) => Promise<ScpRecords>;

/** Directories visited at most, the own one included. */
export const SCP_HOP_LIMIT = 10;

/** What the search came to: the URLs to try in order, and one line per directory asked. */
export interface ScpChoice {
  readonly urls: readonly ScpUrl[];
  readonly hops: readonly ScpHop[];
}

export interface ScpHop {
  /** The pointer followed, or undefined for the own directory. */
  readonly ldapUrl: string | undefined;
  readonly outcome: 'record' | 'no-record' | 'lookup-failed';
  readonly detail: string;
  readonly elapsedMs: number;
}

/**
 * Follows pointers for the mail domain and returns the URLs of the directory it ends in. A pointer for the domain wins over URLs;
 * one without any domain is followed only where there are no URLs.
 */
export async function lookUpScps(domain: string, lookup: ScpLookup, clock: () => number): Promise<ScpChoice> {
  const hops: ScpHop[] = [];
  const visited = new Set<string>();
  let ldapUrl: string | undefined;
  while (hops.length < SCP_HOP_LIMIT) {
    const started = clock();
    let records: ScpRecords;
    try {
      records = await lookup(ldapUrl);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      hops.push({ ldapUrl, outcome: 'lookup-failed', detail, elapsedMs: clock() - started });
      return { urls: [], hops };
    }
    visited.add(ldapUrl?.toLowerCase() ?? '');
    const pointer = choosePointer(records, domain, visited);
    const urls = pointer === undefined ? orderScpUrls(records) : [];
    const outcome = pointer !== undefined || urls.length > 0 ? 'record' : 'no-record';
    hops.push({ ldapUrl, outcome, detail: describe(records, urls, pointer), elapsedMs: clock() - started });
    if (pointer === undefined) return { urls, hops };
    ldapUrl = pointer.ldapUrl;
  }
  hops.push({ ldapUrl, outcome: 'lookup-failed', detail: `more than ${SCP_HOP_LIMIT} pointers`, elapsedMs: 0 });
  return { urls: [], hops };
}

function choosePointer(records: ScpRecords, domain: string, visited: ReadonlySet<string>): ScpPointer | undefined {
  const fresh = records.pointers.filter((pointer) => !visited.has(pointer.ldapUrl.toLowerCase()));
  const forDomain = fresh.find((pointer) => pointer.domains.some((name) => sameName(name, domain)));
  if (forDomain !== undefined) return forDomain;
  return records.urls.length === 0 ? fresh.find((pointer) => pointer.domains.length === 0) : undefined;
}

/**
 * Orders the URLs: those for this computer's site, then those for everybody, then those of other sites; oldest first within each.
 * Without a known site the first group is empty. A URL that is not https is left out, and doubles are dropped.
 */
export function orderScpUrls({ urls, site }: Pick<ScpRecords, 'urls' | 'site'>): readonly ScpUrl[] {
  const priority = (scp: ScpUrl): number => {
    if (scp.sites.length === 0) return 1;
    return site !== undefined && scp.sites.some((name) => sameName(name, site)) ? 0 : 2;
  };
  const age = (scp: ScpUrl): number => scp.createdAt?.getTime() ?? Number.POSITIVE_INFINITY;
  const usable = urls.filter((scp) => URL.parse(scp.url)?.protocol === 'https:');
  const ordered = usable.toSorted((a, b) => priority(a) - priority(b) || compare(age(a), age(b)));
  return ordered.filter((scp, i) => ordered.findIndex((other) => sameName(other.url, scp.url)) === i);
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a - b; // two unknown ages: Infinity - Infinity is no number
}

function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function describe(records: ScpRecords, urls: readonly ScpUrl[], pointer: ScpPointer | undefined): string {
  if (pointer !== undefined) return `pointer to ${pointer.ldapUrl} (${pointer.distinguishedName})`;
  const site = records.site === undefined ? 'site unknown' : `site ${records.site}`;
  const dropped = records.urls.filter((scp) => URL.parse(scp.url)?.protocol !== 'https:').length;
  const note = dropped > 0 ? `, ${dropped} not https and left out` : '';
  return `${urls.length} URL${urls.length === 1 ? '' : 's'} published, ${site}${note}`;
}
