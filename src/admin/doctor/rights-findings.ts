// The service account, judged by what the directory would let it do: it is to read, and nothing else. Pure.

import type { AccountRights, WritableObject } from '../../ldap/account-rights.ts';
import { ownName } from '../../ldap/distinguished-name.ts';
import { type Finding, finding } from './finding.ts';

const WHY =
  'whoever gets hold of the service or of its password file could do the same: lead every Outlook elsewhere, or take the domain over';

/** Objects that a finding names; the rest is counted. */
const NAMED = 3;

/** `account` is the configured name, `organization` the DN whose reading it needs. */
export function rightsFindings(rights: AccountRights, account: string, organization: string): readonly Finding[] {
  const { powerfulGroups } = rights;
  if (powerfulGroups.length > 0) {
    // What a powerful group may do goes with the membership; what is left is found when it is gone.
    return [
      finding('service-account-privileged', {
        object: account,
        what: `the service account ${account} is a member of ${powerfulGroups.map(({ name }) => name).join(', ')}, itself or through other groups`,
        why: WHY,
        remedy: `${leave(rights, account)}, then ${grant(organization, account)}`,
      }),
    ];
  }
  return [true, false].flatMap((isExchange) => {
    const writable = rights.writable.filter((one) => one.isExchange === isExchange);
    const [first] = writable;
    if (first === undefined) return [];
    const more = writable.length > NAMED ? `; and ${writable.length - NAMED} more` : '';
    return [
      finding('service-account-can-write', {
        object: first.distinguishedName,
        what: `the service account ${account} may change ${writable.slice(0, NAMED).map(whatOf).join('; ')}${more}`,
        why: WHY,
        remedy: `dsacls "${first.distinguishedName}" tells where the right comes from; there: dsacls "DN" /R "${account}", then ${grant(organization, account)}`,
      }),
    ];
  });
}

/** Out of the powerful groups that list the account itself; where none does, out of the one that leads there. */
function leave({ powerfulGroups, directGroups }: AccountRights, account: string): string {
  const powerful = directGroups.filter((dn) =>
    powerfulGroups.some(({ distinguishedName }) => distinguishedName === dn),
  );
  const lines = (dns: readonly string[]) => dns.map((dn) => `dsmod group "${dn}" -rmmbr "${account}"`);
  if (powerful.length > 0) return lines(powerful).join(' and ');
  if (directGroups.length > 0) return lines(directGroups).join(' or ');
  return `dsmod group "GROUP" -rmmbr "${account}"`;
}

function grant(organization: string, account: string): string {
  return `dsacls "${organization}" /I:T /G "${account}:GR"`;
}

function whatOf({ distinguishedName, attributes, createsChildren, changesPermissions }: WritableObject): string {
  const [first, second, ...others] = attributes;
  const names = [first, second].filter((name) => name !== undefined).join(', ');
  const rights = [
    ...(first === undefined ? [] : [others.length > 0 ? `${names} and ${others.length} more attributes` : names]),
    ...(createsChildren ? ['what is below it'] : []),
    ...(changesPermissions ? ['its permissions'] : []),
  ];
  return `${ownName(distinguishedName)} (${rights.join(', ')})`;
}
