// The profile migrator's policy out of the directory: for each array its FQDN, its server DN, and the names profiles may hold in its
// place. Pure. The migrator checks the same rules again when it reads the file.

import { clientAccessServers } from '../autodiscover/settings/rpc-endpoint.ts';
import type { ClientAccessArray } from '../ldap/exchange-organization.ts';
import type { OrganizationIndex } from '../ldap/organization-index.ts';
import { membersOf } from './plan-array.ts';

/** The policy file, version 1. */
export interface PolicyFile {
  readonly version: 1;
  /** Day (YYYY-MM-DD) after which the migrator does nothing any more. */
  readonly until?: string;
  readonly arrays: readonly PolicyArray[];
}

export interface PolicyArray {
  readonly fqdn: string;
  readonly serverDn: string;
  /** Short names and FQDNs of the Client Access servers of the array's site. */
  readonly replaces: readonly string[];
}

export interface PolicyResult {
  readonly policy: PolicyFile;
  /** Arrays that were left out, and why. */
  readonly leftOut: readonly string[];
}

export function policyOf(
  index: OrganizationIndex,
  arrays: readonly ClientAccessArray[],
  until: string | undefined,
): PolicyResult {
  const leftOut: string[] = [];
  const listed: PolicyArray[] = [];
  const arrayNames = new Set(index.organization.arrays.flatMap(({ fqdn }) => fqdn?.toLowerCase() ?? []));
  for (const array of arrays) {
    // A server that lost its RPC service is no member, and the profiles that name it need the array all the more.
    const replaced =
      membersOf(index, array.siteDn).length === 0 ? [] : clientAccessServers(index.serversIn(array.siteDn));
    const names = replaced.flatMap(({ name, fqdn }) => [name, ...(fqdn === undefined ? [] : [fqdn])]);
    // A member whose own name became the array's is not replaced by it.
    const replaces = [...new Map(names.map((name) => [name.toLowerCase(), name])).values()].filter(
      (name) => !arrayNames.has(name.toLowerCase()),
    );
    const { fqdn, legacyDn } = array;
    if (fqdn === undefined || legacyDn === undefined || replaces.length === 0) {
      const why = replaces.length === 0 ? 'no members' : fqdn === undefined ? 'no FQDN' : 'no legacyExchangeDN';
      leftOut.push(`${array.name} is left out: it has ${why}`);
      continue;
    }
    listed.push({ fqdn, serverDn: legacyDn, replaces });
  }
  // The migrator takes no name that two arrays replace, and which of them is right nobody can tell it.
  const disputed = listed.filter((one) => listed.some((other) => other !== one && replacesSame(one, other)));
  for (const { fqdn } of disputed)
    leftOut.push(
      `${fqdn} is left out: another array replaces the same names (its site has several); choose with --array`,
    );
  const sound = listed.filter((one) => !disputed.includes(one));
  return { policy: { version: 1, ...(until === undefined ? {} : { until }), arrays: sound }, leftOut };
}

function replacesSame(one: PolicyArray, other: PolicyArray): boolean {
  const names = new Set(other.replaces.map((name) => name.toLowerCase()));
  return one.replaces.some((name) => names.has(name.toLowerCase()));
}
