// Asks the controller in use every few seconds whether anything has changed, by its update sequence numbers, so that an administrator's
// change is answered without waiting for ages to run out. The numbers belong to one controller: on another one everything is to be asked
// anew. Deleted objects cannot be seen this way; ages bound how long they are known.

import { AndFilter, EqualityFilter, type Filter, GreaterThanEqualsFilter, OrFilter, PresenceFilter } from 'ldapts';
import type { EntryReader } from './entry.ts';
import type { Search } from './search.ts';

/** What happened since the last look. */
export type Changes =
  /** Nothing is known of it: the first look, another controller, or one that was set back. */
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'seen';
      /** Something below the Exchange organisation. */
      readonly organization: boolean;
      /** The changed people and groups with CHANGED_ATTRIBUTES, or `many`. */
      readonly recipients: readonly EntryReader[] | 'many';
    }
  /** The directory keeps no sequence numbers. */
  | { readonly kind: 'unsupported' };

export interface WatchedBases {
  readonly organization: string;
  readonly recipients: string;
}

interface Position {
  readonly server: string;
  readonly usn: number;
}

/** What tells under which names a changed object may be known. */
const CHANGED_ATTRIBUTES = [
  'proxyAddresses',
  'mail',
  'userPrincipalName',
  'legacyExchangeDN',
  'msExchDelegateListLink',
  'publicDelegates',
] as const;

/** Changed objects that are read at one look: every logon and every wrong password changes somebody. */
const MAX_CHANGED = 500;

const ofCategory = (value: string): Filter => new EqualityFilter({ attribute: 'objectCategory', value });

export class ChangeWatcher {
  #position: Position | undefined;

  /** Looks once, on one controller. Rejects as the searches do; the next look then covers the time since the last good one. */
  async look(search: Search, bases: WatchedBases | undefined): Promise<Changes> {
    const [root] = await search({
      base: '',
      scope: 'base',
      filter: new PresenceFilter({ attribute: 'objectClass' }),
      attributes: ['highestCommittedUSN', 'dsServiceName'],
    });
    const usn = root?.integer('highestCommittedUSN');
    const server = root?.one('dsServiceName');
    if (usn === undefined || server === undefined) return { kind: 'unsupported' };
    const last = this.#position;
    const here = { server, usn };
    if (!last || !bases || last.server !== server || usn < last.usn) {
      this.#position = here;
      return { kind: 'unknown' };
    }
    if (usn === last.usn) return { kind: 'seen', organization: false, recipients: [] };
    const changes = await changesSince(search, bases, last.usn + 1);
    this.#position = here;
    return changes;
  }
}

async function changesSince(search: Search, { organization, recipients }: WatchedBases, usn: number): Promise<Changes> {
  const changed = new GreaterThanEqualsFilter({ attribute: 'uSNChanged', value: String(usn) });
  const addressed = new OrFilter({
    filters: [ofCategory('person'), ofCategory('group'), new PresenceFilter({ attribute: 'proxyAddresses' })],
  });
  const [anywhere, people] = await Promise.all([
    search({ base: organization, scope: 'sub', filter: changed, attributes: ['1.1'], first: 1 }),
    search({
      base: recipients,
      scope: 'sub',
      filter: new AndFilter({ filters: [changed, addressed] }),
      attributes: CHANGED_ATTRIBUTES,
      first: MAX_CHANGED,
    }),
  ]);
  return {
    kind: 'seen',
    organization: anywhere.length > 0,
    recipients: people.length < MAX_CHANGED ? people : 'many',
  };
}
