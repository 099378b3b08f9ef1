// Mail users and contacts: the client is sent to the address in targetAddress, unless that would send it in a circle.

import { domainToASCII } from 'node:url';
import type { Directory } from '../../ldap/directory.ts';
import type { Recipient } from '../../ldap/recipient.ts';
import type { Trace } from './trace.ts';
import type { DiscoverResult } from './user-settings.ts';

/** Clients give up after ten redirects as well. */
const MAX_HOPS = 10;

/** The SMTP address of a targetAddress value, or undefined when it is of another kind (X400, NOTES). */
export function smtpTarget(targetAddress: string): string | undefined {
  const match = /^(?:smtp:)?([^\s:@]+@[^\s@]+)$/i.exec(targetAddress.trim());
  return match?.[1];
}

/**
 * The outcome for a recipient with a targetAddress: `redirectAddr`; `not-a-mailbox` when the target is no SMTP address; or
 * `misconfigured` when following targets inside this directory leads back to an address already seen.
 */
export async function findRedirect(
  directory: Directory,
  recipient: Recipient,
  askedAddress: string | undefined,
  trace: Trace,
): Promise<DiscoverResult> {
  const target = recipient.targetAddress === undefined ? undefined : smtpTarget(recipient.targetAddress);
  if (target === undefined) {
    return {
      action: 'error',
      fault: 'not-a-mailbox',
      detail: `target address ${recipient.targetAddress} is no SMTP address`,
    };
  }
  trace.info(`${recipient.distinguishedName} has target address ${target}`);
  if (await leadsBack(directory, recipient, target, askedAddress)) {
    const detail = `target address ${target} of ${recipient.distinguishedName} leads back to itself`;
    trace.warn(detail);
    return { action: 'error', fault: 'misconfigured', detail };
  }
  return { action: 'redirectAddr', address: target };
}

/**
 * A target is often one of the object's own addresses (a routing address stamped on a mail user, the primary address of a mail contact),
 * and is then answered by the other organisation: only the asked address leads back at once. Behind the first target the object's primary
 * address does as well.
 */
async function leadsBack(
  directory: Directory,
  start: Recipient,
  firstTarget: string,
  askedAddress: string | undefined,
): Promise<boolean> {
  const seen = new Set(askedAddress === undefined ? [] : [comparable(askedAddress)]);
  const visited = new Set([start.distinguishedName]);
  let target = firstTarget;
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    if (seen.has(comparable(target))) return true;
    if (hop === 0 && start.primaryAddress) seen.add(comparable(start.primaryAddress));
    const match = await directory.findRecipientByAddress(target);
    if (match.status !== 'found' || match.recipient.homeMdb !== undefined) return false;
    const { recipient } = match;
    if (visited.has(recipient.distinguishedName) || recipient.targetAddress === undefined) return false;
    const next = smtpTarget(recipient.targetAddress);
    if (next === undefined) return false;
    seen.add(comparable(target));
    if (recipient.primaryAddress) seen.add(comparable(recipient.primaryAddress));
    visited.add(recipient.distinguishedName);
    target = next;
  }
  return true;
}

/** Case does not count, and an international domain is the same in either spelling: requests bring A-labels, the directory has what was typed. */
function comparable(address: string): string {
  const at = address.lastIndexOf('@') + 1;
  const domain = address.slice(at);
  return (address.slice(0, at) + (domainToASCII(domain) || domain)).toLowerCase();
}
