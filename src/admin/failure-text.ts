// What a refused write means and what to do about it, in an administrator's words. Pure.

import type { GuardedChange } from '../ldap/change.ts';
import {
  type DistinguishedName,
  formatDn,
  isWithin,
  parentDn,
  parseDn,
  tryParseDn,
} from '../ldap/distinguished-name.ts';
import type { ForestDomain } from '../ldap/exchange-organization.ts';
import type { WriteRefusal } from '../ldap/writer.ts';

export interface WriteFailure {
  readonly change: GuardedChange;
  readonly refusal: WriteRefusal;
  /** The directory's own words. */
  readonly message: string;
  /** What the changed attributes hold now, as `name: value` lines; undefined when the entry is gone or was not asked. */
  readonly standing: readonly string[] | undefined;
  readonly url: string;
  readonly account: string;
  readonly domains: readonly ForestDomain[];
}

const VERBS = { add: 'creating', delete: 'deleting', modify: 'changing', modrdn: 'renaming' } as const;

export function failureText(failure: WriteFailure): string {
  const { change, message, url } = failure;
  const head = `${VERBS[change.change]} ${change.dn} on ${url}`;
  const said = `(the controller says: ${oneLine(message)})`;
  switch (failure.refusal) {
    case 'lost-race':
      return `${head}: somebody else changed it meanwhile; nothing was written. Now it holds:\n${list(failure.standing)}\nLook at it, then run the command again.`;
    case 'overwritten':
      return `${head}: the change was made, but somebody else changed the entry again at once. Now it holds:\n${list(failure.standing)}\nLook at it, and ask who else is at work there.`;
    case 'missing-right':
      return `${head}: ${failure.account} may not. Grant the right with:\n  ${dsaclsLine(failure)}\n${said}`;
    case 'schema':
      return `${head}: the directory's schema or its links do not allow it; nothing was written ${said}. A site or server that was named may be gone, or the Exchange schema is older than this command expects.`;
    case 'no-such-entry':
      return change.change === 'add'
        ? `${head}: the container above it does not exist on this controller ${said}. It may not have replicated yet: name another controller with --controller.`
        : `${head}: the entry is gone; nothing was written. Somebody removed or renamed it.`;
    case 'already-exists':
      return `${head}: an entry of that name exists already; nothing was written ${said}.`;
    case 'wrong-controller':
      return `${head}: this controller does not write here: it is read-only, or does not hold the forest's configuration ${said}. Name a writable one with --controller ldaps://HOST.`;
    case 'refused':
      return `${head}: refused; nothing was written ${said}.`;
    case 'unknown':
      return `${head}: the connection broke ${said}, and the controller could not be asked again whether the change was made. When it is back, look at the entry before you repeat the command; the undo file holds what undoes it.`;
  }
}

function list(lines: readonly string[] | undefined): string {
  if (lines === undefined) return '  (the entry is gone)';
  return lines.length === 0 ? '  (none of these attributes)' : lines.map((line) => `  ${line}`).join('\n');
}

function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the controller's text may end in NUL
  return text.replace(/[\u0000-\u001f]+/g, ' ').trim();
}

/** The dsacls command that grants what a change needs, and no more, to the account that tried. */
export function dsaclsLine({ change, account, domains }: Pick<WriteFailure, 'change' | 'account' | 'domains'>): string {
  const dn = parseDn(change.dn);
  const trustee = trusteeOf(account, domains);
  const databases = ancestorNamed(dn, 'databases');
  if (databases && change.change === 'modify') {
    const attributes = [...new Set(change.modifications.map(({ name }) => name))];
    const grants = attributes.map((name) => `/G "${trustee}:WP;${name};msExchPrivateMDB"`).join(' ');
    return `dsacls "${formatDn(databases)}" /I:S ${grants}`;
  }
  const container =
    ['arrays', 'servers', 'autodiscover', 'microsoft exchange autodiscover']
      .map((n) => ancestorNamed(dn, n))
      .find((found) => found !== undefined) ??
    parentDn(dn) ??
    dn;
  return `dsacls "${formatDn(container)}" /I:T /G "${trustee}:CCDCWPSD"`;
}

/** The outermost ancestor with this common name. */
function ancestorNamed(dn: DistinguishedName, name: string): DistinguishedName | undefined {
  for (let at = dn.length - 1; at >= 1; at--) {
    if (dn[at]?.[0]?.value.toLowerCase() === name) return dn.slice(at);
  }
  return undefined;
}

/** An account as dsacls takes it: `DOMAIN\name` or a UPN; a DN's common name is taken for the logon name. */
function trusteeOf(account: string, domains: readonly ForestDomain[]): string {
  const dn = account.includes('=') ? tryParseDn(account) : undefined;
  if (!dn) return account;
  const within = domains.flatMap((domain) => {
    const context = tryParseDn(domain.namingContext);
    return context && isWithin(dn, context) ? [{ domain, depth: context.length }] : [];
  });
  // A child domain's accounts lie below the parent's naming context, too.
  const domain = within.sort((a, b) => b.depth - a.depth)[0]?.domain;
  return `${domain?.netbiosName ?? 'DOMAIN'}\\${dn[0]?.[0]?.value ?? account}`;
}
