// A mailbox's answer, put together once for what is known of him. It follows from immutable parts alone: the recipient as the directory's
// cache holds him, what his database is told, the mailboxes mapped for him. As long as they are the very same objects, so is the answer,
// and whoever renders it may keep the document beside it. There is no age here: the parts have theirs.

import { BoundedMap } from '../../ldap/bounded-map.ts';
import type { OrganizationIndex } from '../../ldap/organization-index.ts';
import type { Recipient } from '../../ldap/recipient.ts';
import { findAlternateMailboxes } from './alternate-mailboxes.ts';
import { type DatabaseAnswer, mailboxAnswer } from './build-settings.ts';
import {
  type ClientCapabilities,
  type NewerProtocols,
  type OfferedProtocols,
  offeredProtocols,
  offerNewerProtocols,
} from './protocol-policy.ts';
import { noteSharedPart } from './shared-part.ts';
import { Trace, type TraceStep } from './trace.ts';
import type { DiscoverResult } from './user-settings.ts';

/** Everything an answer follows from. */
export interface AnswerParts {
  readonly recipient: Recipient;
  readonly homeMdb: string;
  readonly shared: DatabaseAnswer;
  readonly index: OrganizationIndex;
  /** The recipients of `delegateMailboxDns`, as far as they exist. */
  readonly delegates: readonly (Recipient | undefined)[];
  readonly externalSite: string | undefined;
  readonly newerProtocols: NewerProtocols;
  readonly capabilities: ClientCapabilities;
}

/** Immutable: it is handed out again. */
export interface ResolvedAnswer {
  readonly result: Extract<DiscoverResult, { action: 'settings' }>;
  readonly steps: readonly TraceStep[];
}

interface Remembered {
  readonly parts: AnswerParts;
  /** By what is offered beyond Exchange 2010: four kinds at most. */
  readonly answers: Map<string, ResolvedAnswer>;
}

/** Recipients whose answers are remembered, with the documents made of them about 8 KiB each: enough for those who ask again at once. */
export const MAX_REMEMBERED = 1024;

/** By snapshot: what was known of an old one goes with it. */
const remembered = new WeakMap<OrganizationIndex, BoundedMap<Recipient, Remembered>>();

export function resolvedAnswer(parts: AnswerParts): ResolvedAnswer {
  const offered = offeredProtocols(parts.capabilities, parts.newerProtocols);
  const key = `${offered.mapiHttp} ${offered.exHttp}`;
  const known = rememberedOf(parts.index);
  const before = known.get(parts.recipient);
  const current = before && sameParts(before.parts, parts) ? before : { parts, answers: new Map() };
  const answer = current.answers.get(key);
  if (answer) return answer;
  const fresh = compose(parts, offered);
  current.answers.set(key, fresh);
  if (current !== before) known.set(parts.recipient, current);
  return fresh;
}

function rememberedOf(index: OrganizationIndex): BoundedMap<Recipient, Remembered> {
  const known = remembered.get(index);
  if (known) return known;
  const empty = new BoundedMap<Recipient, Remembered>(MAX_REMEMBERED);
  remembered.set(index, empty);
  return empty;
}

/** The same objects; capabilities and snapshot are told apart elsewhere. */
function sameParts(before: AnswerParts, now: AnswerParts): boolean {
  return (
    before.shared === now.shared &&
    before.externalSite === now.externalSite &&
    before.newerProtocols === now.newerProtocols &&
    before.delegates.length === now.delegates.length &&
    before.delegates.every((delegate, at) => delegate === now.delegates[at])
  );
}

function compose(parts: AnswerParts, offered: OfferedProtocols): ResolvedAnswer {
  const trace = new Trace();
  const alternateMailboxes = findAlternateMailboxes(parts, trace);
  const whole = mailboxAnswer(parts.shared, parts.recipient, alternateMailboxes);
  const answer = offerNewerProtocols(whole, parts.recipient, offered, parts.newerProtocols);
  noteSharedPart(answer, parts.shared);
  Object.freeze(answer.settings);
  return { result: Object.freeze({ action: 'settings', answer: Object.freeze(answer) }), steps: trace.steps };
}
