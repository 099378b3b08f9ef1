// One search as this project asks it, and its running on an open connection: used by the pool for reads and by the writer to read back.

import { type Client, type Filter, PresenceFilter, type SearchOptions } from 'ldapts';
import { EntryReader } from './entry.ts';

export interface SearchRequest {
  readonly base: string;
  readonly scope: 'base' | 'one' | 'sub';
  readonly filter: Filter;
  readonly attributes: readonly string[];
  /** Attributes whose values are bytes (GUIDs, SIDs). */
  readonly binaryAttributes?: readonly string[];
  /** Ask in pages; needed where more than 1000 entries may come. */
  readonly paged?: boolean;
  /** Fetch no more than the first entries, by asking for one page of this size: not every server honours a size limit. */
  readonly first?: number;
}

/** What every controller answers. */
export const ROOT_DSE: SearchRequest = {
  base: '',
  scope: 'base',
  filter: new PresenceFilter({ attribute: 'objectClass' }),
  attributes: ['dnsHostName'],
};

/** A search on the controller in use. Rejects as searchOn, or with DirectoryError when no controller answers. */
export type Search = (request: SearchRequest) => Promise<EntryReader[]>;

/** Runs a search, to its end or to its first page. Errors are ldapts' own. */
export async function searchOn(client: Client, request: SearchRequest): Promise<EntryReader[]> {
  const options: SearchOptions = {
    scope: request.scope,
    filter: request.filter,
    attributes: [...request.attributes],
    ...(request.binaryAttributes ? { explicitBufferAttributes: [...request.binaryAttributes] } : {}),
    ...(request.paged ? { paged: { pageSize: 500 } } : {}),
  };
  if (request.first !== undefined) {
    const pages = client.searchPaginated(request.base, { ...options, paged: { pageSize: request.first } });
    for await (const { searchEntries } of pages) return searchEntries.map((entry) => new EntryReader(entry));
    return [];
  }
  const { searchEntries } = await client.search(request.base, options);
  return searchEntries.map((entry) => new EntryReader(entry));
}
