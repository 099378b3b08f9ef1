// Which rules apply in which kind of section: the whole of what this program ever changes, in one table. The same list tells the
// apply protocol which values an undo file or a journal may touch.
import type { ProfileSection, SectionRole } from '../mapi/profile-section.ts';
import {
  ACCOUNT_SECTION as A,
  ADDRESS_BOOK_SECTION as B,
  MAPI_HTTP as H,
  PROVIDER_SECTION as P,
  type PropertyTag,
  valueNameOf,
} from '../mapi/property-tags.ts';
import type { Decision } from './decision.ts';
import {
  bindingsRule,
  displayTextRule,
  entryIdRule,
  entryIdsInSection,
  foreignUrlRule,
  hostRule,
  opaqueRule,
  proxyRule,
  publicFolderRule,
  type RuleContext,
  rememberedUrlRule,
  serverDnRule,
  type ValueRule,
} from './value-rules.ts';

const PROXY: readonly ValueRule[] = [
  proxyRule(A.PR_ROH_PROXY_SERVER, '', A.PR_ROH_PROXY_SERVER),
  proxyRule(A.PR_ROH_PROXY_PRINCIPAL_NAME, 'msstd:', A.PR_ROH_PROXY_SERVER),
];

const MAPI_OVER_HTTP: readonly ValueRule[] = Object.values(H).map(foreignUrlRule);

const DISPLAY: readonly ValueRule[] = [displayTextRule(P.PR_DISPLAY_NAME_W), displayTextRule(P.PR_PROVIDER_DISPLAY_W)];

const ACCOUNT: readonly ValueRule[] = [
  hostRule(A.PR_PROFILE_UNRESOLVED_SERVER_W),
  hostRule(A.PR_PROFILE_UNRESOLVED_SERVER_A),
  hostRule(A.PR_PROFILE_HOME_SERVER),
  serverDnRule(A.PR_PROFILE_HOME_SERVER_DN),
  bindingsRule(A.PR_PROFILE_HOME_SERVER_ADDRS),
  hostRule(A.PR_PROFILE_HOME_SERVER_FQDN),
  ...PROXY,
  rememberedUrlRule(A.PR_PROFILE_LKG_AUTODISCOVER_URL),
  ...MAPI_OVER_HTTP,
  opaqueRule(A.PR_PROFILE_ADDR_INFO),
  ...DISPLAY,
];

const DIRECTORY: readonly ValueRule[] = [hostRule(B.PR_PROFILE_DIRECTORY_SERVER_FQDN, 'directory-server')];

const STORE: readonly ValueRule[] = [
  hostRule(P.PR_PROFILE_SERVER),
  serverDnRule(P.PR_PROFILE_SERVER_DN),
  hostRule(P.PR_PROFILE_SERVER_FQDN_W),
  serverDnRule(P.PR_MDB_DN_A),
  serverDnRule(P.PR_MDB_DN_W),
  ...PROXY,
  ...MAPI_OVER_HTTP,
  entryIdRule(P.PR_ENTRYID),
  ...DISPLAY,
];

const PUBLIC_STORE: readonly ValueRule[] = [
  publicFolderRule(P.PR_PROFILE_SERVER),
  publicFolderRule(P.PR_PROFILE_SERVER_DN),
  publicFolderRule(P.PR_PROFILE_SERVER_FQDN_W),
  publicFolderRule(P.PR_MDB_DN_A),
  publicFolderRule(P.PR_MDB_DN_W),
  entryIdRule(P.PR_ENTRYID),
];

const RULES: Readonly<Partial<Record<SectionRole, readonly ValueRule[]>>> = {
  account: ACCOUNT,
  'account-global': ACCOUNT,
  'address-book': DIRECTORY,
  'address-book-fixed': DIRECTORY,
  'private-store': STORE,
  'delegate-store': STORE,
  'other-store': STORE,
  'public-store': PUBLIC_STORE,
  transport: STORE,
  'address-book-provider': MAPI_OVER_HTTP,
  orphan: [...ACCOUNT, ...STORE],
};

/** What would become of every server-bearing value of the section. */
export function decideSection(section: ProfileSection, context: RuleContext): Decision[] {
  if (section.role === 'outlook-global' || section.role === 'account-manager')
    return entryIdsInSection(section, context);
  const decisions = (RULES[section.role] ?? []).flatMap((rule) => rule(section, context) ?? []);
  return section.role === 'other-store' ? decisions.map(withoutChange) : decisions;
}

/** Archives, local and unknown stores are looked at, never changed. */
function withoutChange(decision: Decision): Decision {
  const { edit, new: _, ...rest } = decision;
  return edit ? { ...rest, action: 'report', reason: 'unknown-store' } : rest;
}

const CHANGEABLE: readonly PropertyTag[] = [
  A.PR_PROFILE_UNRESOLVED_SERVER_W,
  A.PR_PROFILE_UNRESOLVED_SERVER_A,
  A.PR_PROFILE_HOME_SERVER,
  A.PR_PROFILE_HOME_SERVER_DN,
  A.PR_PROFILE_HOME_SERVER_ADDRS,
  A.PR_PROFILE_HOME_SERVER_FQDN,
  A.PR_ROH_PROXY_SERVER,
  A.PR_ROH_PROXY_PRINCIPAL_NAME,
  A.PR_PROFILE_LKG_AUTODISCOVER_URL,
  P.PR_PROFILE_SERVER,
  P.PR_PROFILE_SERVER_DN,
  P.PR_PROFILE_SERVER_FQDN_W,
  P.PR_MDB_DN_A,
  P.PR_MDB_DN_W,
];

/** The names of all values a change may touch, lower case. */
export const CHANGEABLE_VALUES: ReadonlyMap<string, PropertyTag> = new Map(
  CHANGEABLE.map((tag) => [valueNameOf(tag), tag]),
);
