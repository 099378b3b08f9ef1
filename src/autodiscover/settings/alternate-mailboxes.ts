// The mailboxes that Outlook opens beside the user's own: his archive, and those auto-mapped for him. Pure.

import type { OrganizationIndex } from '../../ldap/organization-index.ts';
import type { Recipient } from '../../ldap/recipient.ts';
import { judgeDatabase } from './judged-database.ts';
import type { Trace } from './trace.ts';
import type { AlternateMailbox } from './user-settings.ts';

/** A user with more auto-mapped mailboxes than this gets the first ones. */
export const MAX_DELEGATE_MAILBOXES = 100;

export interface AlternateMailboxFacts {
  readonly recipient: Recipient;
  readonly homeMdb: string;
  readonly index: OrganizationIndex;
  readonly externalSite: string | undefined;
  /** The recipients of `delegateMailboxDns`, as far as they exist. */
  readonly delegates: readonly (Recipient | undefined)[];
}

/** Sorted by display name. One whose server cannot be told is left out, and the trace says so. */
export function findAlternateMailboxes(
  { recipient, homeMdb, index, externalSite, delegates }: AlternateMailboxFacts,
  trace: Trace,
): AlternateMailbox[] {
  const serverOf = (databaseDn: string | undefined): string | undefined => {
    const database = databaseDn === undefined ? undefined : index.database(databaseDn);
    const decision = database && judgeDatabase(database, index, externalSite).endpoint;
    return decision?.status === 'endpoint' ? decision.fqdn : undefined;
  };
  const found: AlternateMailbox[] = [];
  const add = (
    box: Omit<AlternateMailbox, 'server' | 'legacyDn'>,
    legacyDn: string | undefined,
    databaseDn: string | undefined,
  ) => {
    const server = serverOf(databaseDn);
    if (server && legacyDn) found.push({ ...box, legacyDn, server });
    else
      trace.warn(
        `${box.type.toLowerCase()} mailbox "${box.displayName}" is left out: it has no endpoint or no legacyExchangeDN`,
      );
  };
  if (recipient.archive) {
    const { guid, name, databaseDn } = recipient.archive;
    const displayName = name ?? `Personal Archive - ${recipient.displayName}`;
    const legacyDn = recipient.legacyDn && `${recipient.legacyDn}/guid=${guid}`;
    add({ type: 'Archive', displayName, smtpAddress: undefined }, legacyDn, databaseDn ?? homeMdb);
  }
  for (const shared of delegates) {
    if (!shared?.homeMdb) continue;
    const box = { type: 'Delegate', displayName: shared.displayName, smtpAddress: shared.primaryAddress } as const;
    add(box, shared.legacyDn, shared.homeMdb);
  }
  return found.sort((a, b) => a.displayName.localeCompare(b.displayName, 'en'));
}
