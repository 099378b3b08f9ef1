// From a request to its outcome: finds the recipient, decides what he is, gathers the facts and has them combined. The one place that
// the service, the explain command and the tests ask. Every step leaves its reason in the trace.

import { failureText } from '../../ldap/controller.ts';
import type { Directory } from '../../ldap/directory.ts';
import { isUnavailable } from '../../ldap/errors.ts';
import type { Recipient, RecipientMatch } from '../../ldap/recipient.ts';
import { MAX_DELEGATE_MAILBOXES } from './alternate-mailboxes.ts';
import { judgeDatabase } from './judged-database.ts';
import { type ClientCapabilities, type NewerProtocols, NO_CAPABILITIES } from './protocol-policy.ts';
import { findRedirect } from './redirect.ts';
import { resolvedAnswer } from './resolved-answers.ts';
import type { RpcEndpointDecision } from './rpc-endpoint.ts';
import { Trace } from './trace.ts';
import type { AutodiscoverFault, DiscoverResult } from './user-settings.ts';

export interface ResolveRequest {
  /** Normalised: no prefix, one `@`, domain in ASCII form. */
  readonly emailAddress: string | undefined;
  /** Wins over the address when both are given ([MS-OXDSCLI] 3.2.5 LegacyDN). */
  readonly legacyDn: string | undefined;
  /** What the client said it can do; nothing when undefined. */
  readonly capabilities?: ClientCapabilities;
}

export interface ResolveOptions {
  /** Site whose external URLs serve sites without any; the first by name when undefined. */
  readonly externalSite: string | undefined;
  /** Autodiscover URLs of other Exchange versions by their major number, for mailboxes that live there. */
  readonly otherVersionUrls: Readonly<Record<string, string>>;
  readonly newerProtocols: NewerProtocols;
}

export interface Resolution {
  readonly result: DiscoverResult;
  readonly trace: Trace;
  /** DN of the recipient that was found. */
  readonly target: string | undefined;
}

/** msExchRecipientTypeDetails of system mailboxes, which are nobody's business: arbitration and discovery. */
const SYSTEM_MAILBOXES = new Set([8_388_608, 536_870_912]);

/** msExchRecipientTypeDetails of a mail-enabled public folder. */
const PUBLIC_FOLDER = 4096;

/** Never rejects: a directory that cannot answer is the fault `server-error`. */
export async function resolve(
  directory: Directory,
  request: ResolveRequest,
  options: ResolveOptions,
): Promise<Resolution> {
  const trace = new Trace();
  let target: string | undefined;
  try {
    const match = await findRecipient(directory, request, trace);
    trace.facts.match = match;
    if (match.status === 'found') {
      target = match.recipient.distinguishedName;
      trace.info(`found ${target} by ${match.matchedBy}`);
    }
    return { result: await answer(directory, match, request, options, trace), trace, target };
  } catch (error) {
    trace.warn(`the directory did not answer: ${failureText(error)}`);
    const isTemporary = isUnavailable(error);
    const detail = failureText(error);
    return { result: { action: 'error', fault: 'server-error', detail, isTemporary }, trace, target };
  }
}

function answer(
  directory: Directory,
  match: RecipientMatch,
  request: ResolveRequest,
  options: ResolveOptions,
  trace: Trace,
): DiscoverResult | Promise<DiscoverResult> {
  if (match.status === 'none') return fault('unknown-address', 'nobody has this address');
  if (match.status === 'ambiguous') {
    const detail = `several objects have this address: ${match.distinguishedNames.join(' | ')}`;
    trace.warn(detail);
    return fault('server-error', detail);
  }
  const { recipient } = match;
  if (recipient.recipientTypeDetails !== undefined && SYSTEM_MAILBOXES.has(recipient.recipientTypeDetails)) {
    return fault('unknown-address', 'system mailboxes are never answered');
  }
  if (recipient.recipientTypeDetails === PUBLIC_FOLDER) return fault('not-a-mailbox', 'a public folder');
  if (recipient.homeMdb !== undefined) {
    return mailbox(directory, recipient, recipient.homeMdb, options, request.capabilities, trace);
  }
  return withoutMailbox(directory, recipient, match.matchedBy === 'upn', request, trace);
}

function fault(code: AutodiscoverFault, detail: string): DiscoverResult {
  return { action: 'error', fault: code, detail };
}

function findRecipient(directory: Directory, request: ResolveRequest, trace: Trace): Promise<RecipientMatch> {
  if (request.legacyDn !== undefined) {
    trace.info(`looking for legacyExchangeDN ${request.legacyDn}`);
    return directory.findRecipientByLegacyDn(request.legacyDn);
  }
  const address = request.emailAddress ?? '';
  trace.info(`looking for ${address}`);
  return directory.findRecipientByAddress(address);
}

/** Somebody without homeMDB: lives elsewhere, lost his database, or never had a mailbox. */
function withoutMailbox(
  directory: Directory,
  recipient: Recipient,
  foundByUpnOnly: boolean,
  request: ResolveRequest,
  trace: Trace,
): DiscoverResult | Promise<DiscoverResult> {
  if (recipient.homeServerLegacyDn !== undefined) {
    trace.warn(`${recipient.distinguishedName} has msExchHomeServerName but no homeMDB: the mailbox lost its database`);
    return { action: 'error', fault: 'misconfigured', detail: 'the mailbox lost its database' };
  }
  if (recipient.targetAddress !== undefined) return findRedirect(directory, recipient, request.emailAddress, trace);
  if (foundByUpnOnly) return { action: 'error', fault: 'unknown-address', detail: 'a logon name without any mailbox' };
  return {
    action: 'error',
    fault: 'not-a-mailbox',
    detail: recipient.isGroup ? 'a group' : 'no mailbox and no target address',
  };
}

async function mailbox(
  directory: Directory,
  recipient: Recipient,
  homeMdb: string,
  options: ResolveOptions,
  capabilities: ClientCapabilities | undefined,
  trace: Trace,
): Promise<DiscoverResult> {
  let index = directory.organization();
  // A database younger than the snapshot is looked for once more in a fresh one.
  if (!index.database(homeMdb) && !index.publicDatabase(homeMdb)) index = await directory.refresh();
  const database = index.database(homeMdb);
  trace.facts.index = index;
  // Objects of Exchange 2003 have no type.
  if (!database && recipient.recipientTypeDetails === undefined && index.publicDatabase(homeMdb))
    return { action: 'error', fault: 'not-a-mailbox', detail: 'a public folder' };
  if (!database) {
    const detail = `homeMDB of ${recipient.distinguishedName} names ${homeMdb}, which does not exist or is not readable`;
    trace.warn(detail);
    return { action: 'error', fault: 'misconfigured', detail };
  }
  const { endpoint, answer, steps, urls } = judgeDatabase(database, index, options.externalSite);
  trace.add(steps);
  trace.facts.database = database;
  trace.facts.endpoint = endpoint;
  trace.facts.urls = urls;
  if (endpoint.status === 'newer-version') return otherVersion(endpoint, options, trace);
  if (endpoint.status === 'none') {
    trace.warn(endpoint.reason);
    return { action: 'error', fault: 'misconfigured', detail: endpoint.reason };
  }
  if (!answer) {
    const detail = 'no site has an EWS virtual directory with a URL';
    trace.warn(detail);
    return { action: 'error', fault: 'misconfigured', detail };
  }
  const { result, steps: further } = resolvedAnswer({
    recipient,
    homeMdb,
    shared: answer,
    index,
    delegates: recipient.delegateMailboxDns.length === 0 ? [] : await readDelegates(directory, recipient),
    externalSite: options.externalSite,
    newerProtocols: options.newerProtocols,
    capabilities: capabilities ?? NO_CAPABILITIES,
  });
  trace.add(further);
  return result;
}

function readDelegates(
  directory: Directory,
  { delegateMailboxDns }: Recipient,
): Promise<readonly (Recipient | undefined)[]> {
  return Promise.all(delegateMailboxDns.slice(0, MAX_DELEGATE_MAILBOXES).map((dn) => directory.readRecipient(dn)));
}

function otherVersion(
  decision: Extract<RpcEndpointDecision, { status: 'newer-version' }>,
  options: ResolveOptions,
  trace: Trace,
): DiscoverResult {
  const url = options.otherVersionUrls[String(decision.major)];
  if (url !== undefined) return { action: 'redirectUrl', url };
  const detail = `${decision.reason}, and no Autodiscover URL is configured for that version (otherVersions.${decision.major})`;
  trace.warn(detail);
  return { action: 'error', fault: 'misconfigured', detail };
}
