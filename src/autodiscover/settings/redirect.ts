// Mail users and contacts: the client is sent to the address in targetAddress, unless that would send it in a circle.

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
 * A routing address is often stamped on the object itself as an alias, and is then answered by the other organisation: only the asked
 * address and the object's own primary address count as the object.
 */
async function leadsBack(
  directory: Directory,
  start: Recipient,
  firstTarget: string,
  askedAddress: string | undefined,
): Promise<boolean> {
  const seen = new Set(
    [askedAddress, start.primaryAddress]
      .filter((address) => address !== undefined)
      .map((address) => address.toLowerCase()),
  );
  const visited = new Set([start.distinguishedName]);
  let target = firstTarget;
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    if (seen.has(target.toLowerCase())) return true;
    const match = await directory.findRecipientByAddress(target);
    if (match.status !== 'found' || match.recipient.homeMdb !== undefined) return false;
    const { recipient } = match;
    if (visited.has(recipient.distinguishedName) || recipient.targetAddress === undefined) return false;
    const next = smtpTarget(recipient.targetAddress);
    if (next === undefined) return false;
    seen.add(target.toLowerCase());
    if (recipient.primaryAddress) seen.add(recipient.primaryAddress.toLowerCase());
    visited.add(recipient.distinguishedName);
    target = next;
  }
  return true;
}
