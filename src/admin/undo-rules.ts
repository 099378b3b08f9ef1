// What has come about since a change was made, and speaks against undoing it: the values that the guard compares may stand as they were
// left while others took the place of what would come back, or refer to what would go. Pure.

import type { GuardedChange } from '../ldap/change.ts';
import type { LdifAttribute } from '../ldap/ldif.ts';
import { rpcEndpointDn } from '../ldap/legacy-dn.ts';
import { dnTextKey, type OrganizationIndex } from '../ldap/organization-index.ts';
import { refuseNamedArray } from './plan-array.ts';

/**
 * Warnings about what would come back. Throws AdminError `rule` where an array would go that databases name by now: their users would be
 * told a name that is no object any more.
 */
export function undoWarnings(change: GuardedChange, index: OrganizationIndex): readonly string[] {
  const same = ({ distinguishedName }: { readonly distinguishedName: string }) =>
    dnTextKey(distinguishedName) === dnTextKey(change.dn);
  const array = index.organization.arrays.find(same);
  if (change.change === 'delete' && array) refuseNamedArray(array, index);
  const added = addedBy(change);
  const isNewArray = change.change === 'add' && has(added, 'objectClass', /^msExchClientAccessArray/i);
  return (array !== undefined || isNewArray ? arrayWarnings(added, index, same) : databaseWarnings(added, index)).map(
    (text) => `${change.dn}: ${text}`,
  );
}

type Same = (one: { readonly distinguishedName: string }) => boolean;

/** Two arrays in one site, or of one name, are what `array create` and `array set` refuse. */
function arrayWarnings(added: readonly LdifAttribute[], index: OrganizationIndex, same: Same): readonly string[] {
  const { arrays, servers } = index.organization;
  const others = [...arrays, ...servers].filter((one) => !same(one));
  const fqdns = valuesOf(added, 'networkAddress').flatMap((value) => /^ncacn_ip_tcp:(.+)$/i.exec(value)?.[1] ?? []);
  return [
    ...valuesOf(added, 'msExchServerSite')
      .flatMap((site) => index.arraysIn(site).filter((one) => !same(one)))
      .map((other) => `its site has the array ${other.distinguishedName} by now, and a site has one at most`),
    ...fqdns.flatMap((fqdn) =>
      others
        .filter((other) => other.fqdn?.toLowerCase() === fqdn.toLowerCase())
        .map((other) => `${other.distinguishedName} has the FQDN ${fqdn} by now`),
    ),
  ];
}

function databaseWarnings(added: readonly LdifAttribute[], index: OrganizationIndex): readonly string[] {
  return valuesOf(added, 'legacyExchangeDN').flatMap((value) => {
    const endpoint = rpcEndpointDn(value);
    if (endpoint === undefined || index.endpoint(endpoint) !== undefined) return [];
    return [`it will name ${endpoint}, which no array or server has as its legacyExchangeDN: was it removed since?`];
  });
}

function addedBy(change: GuardedChange): readonly LdifAttribute[] {
  if (change.change === 'add') return change.attributes;
  return change.change === 'modify' ? change.modifications.filter(({ operation }) => operation === 'add') : [];
}

function valuesOf(attributes: readonly LdifAttribute[], wanted: string): readonly string[] {
  return attributes
    .filter(({ name }) => name.toLowerCase() === wanted.toLowerCase())
    .flatMap(({ values }) => values.map((value) => value.toString('utf8')));
}

function has(attributes: readonly LdifAttribute[], name: string, pattern: RegExp): boolean {
  return valuesOf(attributes, name).some((value) => pattern.test(value));
}
