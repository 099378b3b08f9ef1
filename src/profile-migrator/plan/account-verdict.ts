// Whether an account as a whole is migrated, left as it is, or refused. Decided before any of its values: an account is changed
// completely or not at all.

import type { ExchangeAccount } from '../mapi/profile.ts';
import { ACCOUNT_SECTION as A, PROVIDER_SECTION as P } from '../mapi/property-tags.ts';
import { readText, textIn } from '../mapi/property-value.ts';
import type { AccountReason } from './decision.ts';
import { isMailboxHome, organisationOf, parseServerDn } from './server-dn.ts';
import { type ArrayTarget, type Mapping, mappingOf, namesOfArray, sameName } from './targets.ts';

/** The arrays that count for one account, or why none can be told. */
export type AccountTargets =
  | { readonly kind: 'arrays'; readonly arrays: readonly ArrayTarget[] }
  | { readonly kind: 'refuse'; readonly reason: AccountReason; readonly detail: string };

export type Verdict =
  | {
      readonly kind: 'migrate';
      readonly mapping: Mapping;
      /** Where the home server moves; undefined when the account names none. */
      readonly array: ArrayTarget | undefined;
      readonly organisation: string | undefined;
    }
  | {
      readonly kind: 'leave' | 'refuse';
      readonly reason: AccountReason;
      readonly detail: string;
      readonly missing: readonly string[];
    };

export interface HomeServer {
  /** PR_PROFILE_HOME_SERVER, its FQDN, and the server in its DN, as far as present; without duplicates. */
  readonly names: readonly string[];
  readonly organisation: string | undefined;
  /** What about them cannot be read. */
  readonly problems: readonly string[];
}

/** The three values that together say where Outlook connects, from every account-wide section. */
export function readHomeServer(account: ExchangeAccount): HomeServer {
  const names: string[] = [];
  const problems: string[] = [];
  const organisations: (string | undefined)[] = [];
  const accountSections = account.sections.filter(({ role }) => role === 'account' || role === 'account-global');
  for (const { key } of accountSections) {
    for (const tag of [A.PR_PROFILE_HOME_SERVER, A.PR_PROFILE_HOME_SERVER_FQDN, A.PR_PROFILE_HOME_SERVER_DN]) {
      const found = readText(key, tag);
      if (found.kind === 'malformed') problems.push(`${tag.name}: ${found.problem}`);
      if (found.kind !== 'text' || found.text === '') continue;
      const dn = tag === A.PR_PROFILE_HOME_SERVER_DN ? parseServerDn(found.text) : undefined;
      if (dn) organisations.unshift(dn.organisation);
      else if (tag === A.PR_PROFILE_HOME_SERVER_DN) problems.push(`${tag.name}: "${found.text}" is no server DN`);
      names.push(dn?.server ?? found.text);
    }
  }
  if (new Set(organisations.map((found) => found?.toLowerCase())).size > 1) {
    problems.push(`its DNs lie in several organisations: ${organisations.map((found) => `/o=${found}`).join(', ')}`);
  }
  organisations.push(organisationOf(account.mailboxDn));
  for (const { key } of account.sections) organisations.push(organisationOf(textIn(key, P.PR_PROFILE_SERVER_DN)));
  const distinct = names.filter((name, i) => names.findIndex((other) => sameName(name, other)) === i);
  return { names: distinct, organisation: organisations.find((found) => found !== undefined), problems };
}

export function judgeAccount(account: ExchangeAccount, targets: AccountTargets): Verdict {
  const home = readHomeServer(account);
  if (account.consumer) return leave('consumer-account', '');
  const mailbox = home.names.find(isMailboxHome);
  if (mailbox !== undefined) return leave('exchange-2013-home', mailbox);
  if (targets.kind === 'refuse') return refuse(targets.reason, targets.detail);

  const mapping = mappingOf(targets.arrays);
  const arrayNamed = (name: string) =>
    targets.arrays.find((array) => namesOfArray(array).some((own) => sameName(own, name)));
  const isArray = (name: string) => arrayNamed(name) !== undefined;
  if (home.names.length > 0 && home.names.every(isArray)) return leave('already-on-array', home.names[0] ?? '');
  const known = home.names.filter((name) => mapping.has(name.toLowerCase()) || isArray(name));
  if (home.names.length > 0 && known.length === 0) return leave('home-not-mapped', home.names.join(', '));
  if (home.problems.length > 0) return refuse('unreadable-home', home.problems.join('; '));
  const missing = home.names.filter((name) => !known.includes(name));
  if (missing.length > 0) return { ...refuse('half-mapped', `no replacement for ${missing.join(', ')}`), missing };

  const arrays = new Set(
    known.map((name) => (mapping.get(name.toLowerCase()) ?? arrayNamed(name))?.fqdn.toLowerCase() ?? ''),
  );
  if (arrays.size > 1) return refuse('mixed-arrays', [...arrays].join(', '));
  const array = targets.arrays.find(({ fqdn }) => arrays.has(fqdn.toLowerCase()));
  // Without a home server any of the arrays may be meant.
  const expected = (array ? [array] : targets.arrays).map(({ serverDn }) => organisationOf(serverDn));
  const isOwn = (found: string | undefined) =>
    found === undefined || home.organisation === undefined || sameName(found, home.organisation);
  if (expected.length > 0 && !expected.some(isOwn)) {
    return leave('account-in-other-organisation', `/o=${home.organisation}, the array is in /o=${expected[0]}`);
  }
  return { kind: 'migrate', mapping, array, organisation: home.organisation };
}

function leave(reason: AccountReason, detail: string): Verdict {
  return { kind: 'leave', reason, detail, missing: [] };
}

function refuse(reason: AccountReason, detail: string): Verdict & { kind: 'leave' | 'refuse' } {
  return { kind: 'refuse', reason, detail, missing: [] };
}
