// The chain behind one answer, from the address to the RPC endpoint, as values: what was asked where, what was found, what follows.
// It runs the same resolve() as the service and only reads its trace; nothing is decided here.

import { type ResolveOptions, type ResolveRequest, resolve } from '../autodiscover/settings/resolve.ts';
import type { Trace, TraceFacts } from '../autodiscover/settings/trace.ts';
import type { DiscoverResult } from '../autodiscover/settings/user-settings.ts';
import type { Directory, DirectoryStatus } from '../ldap/directory.ts';
import { lastCommonName } from '../ldap/legacy-dn.ts';
import type { OrganizationIndex } from '../ldap/organization-index.ts';
import { addressFilters, legacyDnFilter } from '../ldap/recipient.ts';

export interface Explanation {
  readonly asked: string;
  readonly directory: {
    /** URL of the controller that answered. */
    readonly controller: string;
    readonly organization: string;
    /** Milliseconds since the organisation was read. */
    readonly snapshotAgeMs: number;
  };
  readonly search: { readonly base: string; readonly filters: readonly string[] };
  readonly found: readonly string[];
  readonly matchedBy: string | null;
  readonly mailbox: {
    readonly distinguishedName: string;
    readonly displayName: string;
    readonly primaryAddress: string | null;
    readonly legacyDn: string | null;
    readonly homeMdb: string | null;
    readonly targetAddress: string | null;
  } | null;
  readonly database: {
    readonly distinguishedName: string;
    readonly name: string;
    readonly owner: string | null;
    /** The stored value behind RpcClientAccessServer. */
    readonly legacyDn: string | null;
  } | null;
  readonly endpoint: {
    readonly status: string;
    /** The object that the database names; null when no object has that name. */
    readonly distinguishedName: string | null;
    readonly objectClass: string | null;
    readonly named: string | null;
    readonly source: string | null;
    readonly fqdn: string | null;
    readonly site: string | null;
    readonly reason: string;
  } | null;
  readonly urls: readonly {
    readonly kind: string;
    readonly side: string;
    readonly url: string;
    readonly site: string;
    readonly distinguishedName: string;
  }[];
  readonly steps: readonly { readonly level: string; readonly text: string }[];
  readonly warnings: readonly string[];
  readonly answer: DiscoverResult;
}

export interface ExplainDeps {
  readonly directory: Directory;
  readonly options: ResolveOptions;
  /** Where recipients are searched, when it is configured. */
  readonly searchBase: string | undefined;
  readonly now: () => number;
}

/** Never rejects: a directory that does not answer is part of the explanation. */
export async function explain(request: ResolveRequest, deps: ExplainDeps): Promise<Explanation> {
  const { directory } = deps;
  const { result, trace } = await resolve(directory, request, deps.options);
  const index = trace.facts.index ?? directory.organization();
  const { organization } = index;
  return {
    asked: request.legacyDn ?? request.emailAddress ?? '',
    directory: {
      // A controller that failed is marked down by the very request.
      controller: inUse(directory.status().controllers)?.url ?? 'none answers',
      organization: organization.name,
      snapshotAgeMs: Math.max(0, deps.now() - organization.readAt),
    },
    search: {
      base: deps.searchBase ?? organization.rootDse.defaultNamingContext,
      filters: filtersOf(request, trace.facts),
    },
    ...personOf(trace.facts),
    ...chainOf(trace.facts, index),
    urls: urlsOf(trace, index),
    steps: trace.steps,
    warnings: trace.warnings,
    answer: result,
  };
}

/** The second filter is asked only when the first finds nothing. */
function filtersOf(request: ResolveRequest, { match }: TraceFacts): string[] {
  if (request.legacyDn !== undefined) return [legacyDnFilter(request.legacyDn).toString()];
  const filters = addressFilters(request.emailAddress ?? '').map(String);
  return match?.status === 'found' && match.matchedBy === 'address' ? filters.slice(0, 1) : filters;
}

function personOf({ match }: TraceFacts): Pick<Explanation, 'found' | 'matchedBy' | 'mailbox'> {
  if (match?.status !== 'found') {
    return { found: match?.status === 'ambiguous' ? match.distinguishedNames : [], matchedBy: null, mailbox: null };
  }
  const { recipient } = match;
  return {
    found: [recipient.distinguishedName],
    matchedBy: match.matchedBy,
    mailbox: {
      distinguishedName: recipient.distinguishedName,
      displayName: recipient.displayName,
      primaryAddress: recipient.primaryAddress ?? null,
      legacyDn: recipient.legacyDn ?? null,
      homeMdb: recipient.homeMdb ?? null,
      targetAddress: recipient.targetAddress ?? null,
    },
  };
}

function chainOf(
  { database, endpoint }: TraceFacts,
  index: OrganizationIndex,
): Pick<Explanation, 'database' | 'endpoint'> {
  if (!database || !endpoint) return { database: null, endpoint: null };
  const decided = endpoint.status === 'endpoint' ? endpoint : undefined;
  const object = decided && index.endpoint(decided.serverDn);
  return {
    database: {
      distinguishedName: database.distinguishedName,
      name: database.name,
      owner: index.server(database.owningServerDn)?.name ?? null,
      legacyDn: database.legacyDn ?? null,
    },
    endpoint: {
      status: endpoint.status,
      distinguishedName: object?.distinguishedName ?? null,
      objectClass: object?.objectClass ?? null,
      named: object?.name ?? (decided && lastCommonName(decided.serverDn)) ?? null,
      source: decided?.source ?? null,
      fqdn: decided?.fqdn ?? null,
      site: index.site(decided?.siteDn)?.name ?? null,
      reason: endpoint.reason,
    },
  };
}

function urlsOf({ facts }: Trace, index: OrganizationIndex): Explanation['urls'] {
  const chosen = facts.urls.map(({ kind, side, url, siteDn, distinguishedName }) => ({
    kind,
    side,
    url,
    site: index.site(siteDn)?.name ?? 'unknown',
    distinguishedName,
  }));
  return [...new Map(chosen.map((one) => [`${one.kind} ${one.side}`, one])).values()];
}

/** The controller that is asked first: slow ones only when there is no other. */
function inUse(controllers: DirectoryStatus['controllers']): DirectoryStatus['controllers'][number] | undefined {
  return controllers.find(({ up, slow }) => up && !slow) ?? controllers.find(({ up }) => up);
}
