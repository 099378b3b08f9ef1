// What is to be moved where: old server names and the CAS array that takes their place. Names match whole and without case; an FQDN
// does not imply its short name, nor the reverse.
import { UsageError } from '../errors.ts';
import { parseServerDn } from './server-dn.ts';

/** A CAS array and the servers whose place it takes. */
export interface ArrayTarget {
  /** Always the FQDN: an array has no computer object and so no short name. */
  readonly fqdn: string;
  /** legacyExchangeDN of the array; without it the usual form is derived from each account's own organisation. */
  readonly serverDn?: string;
  readonly replaces: readonly string[];
}

/** Everything the operator decided, checked by `checkTargets`. */
export interface Targets {
  readonly arrays: readonly ArrayTarget[];
  /** RPC proxy names (RPC over HTTP), old name in lower case to new name; never derived from the arrays. */
  readonly proxies: ReadonlyMap<string, string>;
  /** FQDN of the server that holds public folders, when public-folder stores are to be changed at all. */
  readonly publicFolders?: string;
}

/** Finds the array that replaces a name. */
export type Mapping = ReadonlyMap<string, ArrayTarget>;

export function mappingOf(arrays: readonly ArrayTarget[]): Mapping {
  return new Map(arrays.flatMap((array) => array.replaces.map((name) => [name.toLowerCase(), array] as const)));
}

/** What values call the array: its FQDN, and the name in its DN, which stays the old one when an array is renamed. */
export function namesOfArray({ fqdn, serverDn }: ArrayTarget): string[] {
  const own = parseServerDn(serverDn ?? '')?.server;
  return own === undefined || sameName(own, fqdn) ? [fqdn] : [fqdn, own];
}

export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;

export function isServerName(name: string): boolean {
  return name.length <= 255 && name.split('.').every((label) => LABEL.test(label)) && !/^[\d.]+$/.test(name);
}

export function isFqdn(name: string): boolean {
  return isServerName(name) && name.includes('.');
}

/** RPC proxy names by old name in lower case. @throws UsageError `target` when two that differ only in case have two replacements. */
export function proxiesOf(pairs: readonly (readonly [string, string])[]): Map<string, string> {
  const proxies = new Map<string, string>();
  for (const [old, replacement] of pairs) {
    const other = proxies.get(old.toLowerCase());
    if (other !== undefined && !sameName(other, replacement)) {
      throw new UsageError('target', `proxy "${old}" has two replacements, ${other} and ${replacement}`);
    }
    proxies.set(old.toLowerCase(), replacement);
  }
  return proxies;
}

/** @throws UsageError `target`, naming every contradiction at once. */
export function checkTargets(targets: Targets): Targets {
  const problems = [...arrayProblems(targets.arrays), ...otherProblems(targets)];
  if (problems.length > 0) throw new UsageError('target', problems.join('\n'));
  return targets;
}

function arrayProblems(arrays: readonly ArrayTarget[]): string[] {
  const problems: string[] = [];
  const owners = new Map<string, string>();
  const arrayNames = new Set(arrays.flatMap(namesOfArray).map((name) => name.toLowerCase()));
  for (const { fqdn, serverDn, replaces } of arrays) {
    const twin = arrays.find((other) => sameName(other.fqdn, fqdn));
    if (serverDn !== undefined && twin?.serverDn !== undefined && !sameName(twin.serverDn, serverDn))
      problems.push(`array "${fqdn}" has two DNs, ${twin.serverDn} and ${serverDn}`);
    if (!isFqdn(fqdn))
      problems.push(`"${fqdn}" is no FQDN: an array is always named in full, as in outlook.contoso.com`);
    if (serverDn !== undefined && parseServerDn(serverDn)?.tail !== '') {
      problems.push(`"${serverDn}" is no server DN: expected /o=.../ou=.../cn=Configuration/cn=Servers/cn=<array>`);
    }
    for (const name of replaces) {
      const folded = name.toLowerCase();
      const owner = owners.get(folded) ?? fqdn;
      if (!isServerName(name)) problems.push(`"${name}" is no server name`);
      if (arrayNames.has(folded)) problems.push(`"${name}" is both an old server and an array`);
      if (!sameName(owner, fqdn)) problems.push(`"${name}" is replaced by two arrays, ${owner} and ${fqdn}`);
      owners.set(folded, fqdn);
    }
  }
  return problems;
}

function otherProblems({ arrays, proxies, publicFolders }: Targets): string[] {
  const problems = [...proxies]
    .flat()
    .filter((name) => !isFqdn(name))
    .map((name) => `proxy "${name}" is no FQDN`);
  for (const name of new Set(proxies.values())) {
    // A second run would replace it again.
    if (proxies.has(name.toLowerCase())) problems.push(`proxy "${name}" is both an old name and a new one`);
  }
  if (publicFolders === undefined) return problems;
  if (!isFqdn(publicFolders)) problems.push(`public-folder server "${publicFolders}" is no FQDN`);
  if (mappingOf(arrays).has(publicFolders.toLowerCase())) {
    problems.push(`public-folder server "${publicFolders}" is itself an old server`);
  }
  return problems;
}
