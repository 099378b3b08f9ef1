// Recipients as they are kept by the tens of thousands: texts that many have in common are kept once.

import type { Recipient, RecipientMatch } from './recipient.ts';

/** Different texts that are recognised again; a new set is begun when there are more. */
const MAX_TEXTS = 10_000;
const NONE: readonly string[] = [];

export class SharedTexts {
  #texts = new Map<string, string>();

  /** An equal recipient with the databases, servers and mapped mailboxes of others. */
  compact(recipient: Recipient): Recipient {
    const { archive, primaryAddress, userPrincipalName, delegateMailboxDns } = recipient;
    return {
      ...recipient,
      // The primary address is mostly the logon name, and else a piece of a longer text that it would keep alive.
      primaryAddress: primaryAddress === userPrincipalName ? userPrincipalName : primaryAddress,
      homeMdb: this.#shared(recipient.homeMdb),
      homeServerLegacyDn: this.#shared(recipient.homeServerLegacyDn),
      culture: this.#shared(recipient.culture),
      archive: archive && { ...archive, databaseDn: this.#shared(archive.databaseDn) },
      delegateMailboxDns:
        delegateMailboxDns.length === 0 ? NONE : delegateMailboxDns.map((dn) => this.#shared(dn) ?? dn),
    };
  }

  compactMatch(match: RecipientMatch): RecipientMatch {
    return match.status === 'found' ? { ...match, recipient: this.compact(match.recipient) } : match;
  }

  #shared(text: string | undefined): string | undefined {
    if (text === undefined) return undefined;
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size >= MAX_TEXTS) this.#texts = new Map();
    this.#texts.set(text, text);
    return text;
  }
}
