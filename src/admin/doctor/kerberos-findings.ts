// Service principal names of the hosts that clients are sent to, and the service's own keytab beside them. Pure.

import type { OrganizationIndex } from '../../ldap/organization-index.ts';
import type { PrincipalOwner } from '../../ldap/service-principals.ts';
import { type Finding, finding } from './finding.ts';
import type { KeytabEntry } from './keytab.ts';

/** The service as its configuration has it. */
export interface ServiceIdentity {
  readonly publicUrl: URL;
  /** Whether clients are offered Kerberos tickets. */
  readonly negotiate: boolean;
  /** Undefined where there is none or it cannot be read from here. */
  readonly keytab: ServiceKeytab | undefined;
}

/** A keytab's entries, or why it is none. */
export type ServiceKeytab = { readonly file: string } & (
  | { readonly entries: readonly KeytabEntry[] }
  | { readonly fault: string }
);

type Owners = ReadonlyMap<string, readonly PrincipalOwner[]>;

/** Hosts whose owners matter: the service's own, and those of every service connection point; in lower case, the own one first. */
export function principalHosts(index: OrganizationIndex, service: ServiceIdentity | undefined): readonly string[] {
  const points = index.organization.serviceConnectionPoints
    .filter(({ kind }) => kind === 'url')
    .flatMap(({ bindingInformation }) => URL.parse(bindingInformation ?? '')?.hostname || []);
  return [
    ...new Set([...(service ? [service.publicUrl.hostname] : []), ...points.sort()].map((host) => host.toLowerCase())),
  ];
}

/** The names to be looked up for these hosts: HTTP is asked for, and a computer's HOST stands for it where nobody has HTTP. */
export function principalNames(hosts: readonly string[]): readonly string[] {
  return hosts.flatMap((host) => [`HTTP/${host}`, `HOST/${host}`]);
}

export function kerberosFindings(
  hosts: readonly string[],
  owners: Owners,
  service: ServiceIdentity | undefined,
): readonly Finding[] {
  return [
    ...hosts.flatMap((host) => duplicate(host, owners)),
    ...(service?.negotiate ? [...missing(service, owners), ...keytabFaults(service, owners)] : []),
  ];
}

/** Who the controller issues tickets for: the owners of HTTP, else those of HOST ([MS-DRSR] 4.1.4.2.19 MapSPN). */
function ownersOf(host: string, owners: Owners): readonly PrincipalOwner[] {
  const http = owners.get(`http/${host.toLowerCase()}`) ?? [];
  return http.length > 0 ? http : (owners.get(`host/${host.toLowerCase()}`) ?? []);
}

function duplicate(host: string, owners: Owners): readonly Finding[] {
  const own = ownersOf(host, owners);
  if (own.length < 2) return [];
  const lines = own.map(({ accountName }) => `setspn -D HTTP/${host} ${accountName}`);
  return [
    finding('principal-name-duplicate', {
      object: own.map(({ distinguishedName }) => distinguishedName).join(' | '),
      what: `${own.length} accounts own HTTP/${host}: ${own.map(({ accountName }) => accountName).join(', ')}`,
      why: 'the domain controllers issue no Kerberos ticket for a name with several owners: clients fall back to NTLM or ask for a password',
      remedy: `all but one of: ${lines.join('; ')} (the account whose keys the server at ${host} has keeps it; setspn -Q HTTP/${host} shows them)`,
    }),
  ];
}

function missing({ publicUrl, keytab }: ServiceIdentity, owners: Owners): readonly Finding[] {
  const host = publicUrl.hostname;
  if (ownersOf(host, owners).length > 0) return [];
  const account = keytab && 'entries' in keytab ? accountOf(keytab.entries) : undefined;
  return [
    finding('principal-name-missing', {
      object: `HTTP/${host}`,
      what: `the service offers Negotiate, but no account owns HTTP/${host}`,
      why: 'no client gets a Kerberos ticket for it: they fall back to NTLM or ask for a password',
      remedy: `setspn -S HTTP/${host} ${account ?? 'ACCOUNT'}, with the account whose keytab the service has`,
    }),
  ];
}

function keytabFaults(service: ServiceIdentity, owners: Owners): readonly Finding[] {
  const { keytab } = service;
  const host = service.publicUrl.hostname;
  if (keytab === undefined) return [];
  const [owner, ...others] = ownersOf(host, owners);
  // With several owners, or none, there is nothing that the keys could be compared with.
  if (owner === undefined || others.length > 0) return [];
  const fault = keytabFault(keytab, host, owner);
  if (fault === undefined) return [];
  return [
    finding('keytab-mismatch', {
      object: keytab.file,
      what: `${keytab.file} ${fault}`,
      why: 'the service cannot open the tickets that clients bring: Negotiate fails for everybody',
      remedy: `make the keytab anew from ${owner.accountName}, the owner of HTTP/${host}: ktpass -princ HTTP/${host}@REALM -mapuser ${owner.accountName} -crypto AES256-SHA1 -ptype KRB5_NT_PRINCIPAL -pass * -out http.keytab`,
    }),
  ];
}

function keytabFault(keytab: ServiceKeytab, host: string, owner: PrincipalOwner): string | undefined {
  if ('fault' in keytab) return `is no keytab: ${keytab.fault}`;
  const name = `HTTP/${host}`.toLowerCase();
  const own = keytab.entries.filter(({ principal }) => principal.toLowerCase() === name);
  if (own.length === 0) return `has no key for HTTP/${host}`;
  const account = accountOf(keytab.entries);
  if (account !== undefined && account.toLowerCase() !== owner.accountName.toLowerCase())
    return `has the keys of ${account}, but HTTP/${host} is owned by ${owner.accountName}`;
  const { keyVersion } = owner;
  if (keyVersion === undefined || own.some((entry) => sameVersion(entry, keyVersion))) return undefined;
  const versions = [...new Set(own.map((entry) => entry.keyVersion))].sort((a, b) => a - b).join(', ');
  return `has version ${versions} of the keys for HTTP/${host}, but ${owner.accountName} is at version ${keyVersion}: its password was changed since, or they are another account's`;
}

function sameVersion(entry: KeytabEntry, version: number): boolean {
  return entry.isWholeVersion ? entry.keyVersion === version : entry.keyVersion === (version & 0xff);
}

/** The account that a keytab is of, where it holds keys for the account's own name besides those for services. */
function accountOf(entries: readonly KeytabEntry[]): string | undefined {
  return entries.find(({ principal }) => principal !== '' && !principal.includes('/'))?.principal;
}
