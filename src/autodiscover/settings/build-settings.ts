// Directory facts in, settings out. Pure: it asks nobody, it only combines one recipient, his endpoint and the organisation's snapshot.

import type { ExchangeServer, MailboxDatabase } from '../../ldap/exchange-organization.ts';
import { SERVER_ROLE } from '../../ldap/exchange-organization.ts';
import type { OrganizationIndex } from '../../ldap/organization-index.ts';
import type { Recipient } from '../../ldap/recipient.ts';
import { announcedServer, highestClientAccessServer, type RpcEndpointDecision } from './rpc-endpoint.ts';
import { casVersion, decodeVersionNumber } from './server-version.ts';
import {
  authPackage,
  type ChosenDirectory,
  chooseUrl,
  owaMethods,
  type Side,
  urlsOfSite,
  withTrailingSlash,
} from './site-urls.ts';
import type { Trace } from './trace.ts';
import type { AlternateMailbox, MailboxAnswer, UserSettings, WebClientUrl } from './user-settings.ts';

/** What every mailbox of one database is told, in one snapshot of the organisation. */
export interface DatabaseAnswer {
  readonly settings: UserSettings;
  readonly serverVersion: number | undefined;
  readonly ttlHours: MailboxAnswer['ttlHours'];
  readonly mobileSyncUrl: string | undefined;
}

export interface DatabaseFacts {
  readonly database: MailboxDatabase;
  readonly endpoint: Extract<RpcEndpointDecision, { status: 'endpoint' }>;
  readonly index: OrganizationIndex;
  readonly externalSite: string | undefined;
}

/**
 * Fragments that clients append to EcpUrl. The bracketed words are filled in by the client
 * ([MS-OXDSCLI] 2.2.4.1.1.2.6 EcpUrl-um and its siblings).
 */
const ECP_FRAGMENTS = {
  Voicemail: '?p=customize/voicemail.aspx&exsvurl=1',
  EmailSubscriptions: '?p=personalsettings/EmailSubscriptions.slab&exsvurl=1',
  DeliveryReport: 'PersonalSettings/DeliveryReport.aspx?exsvurl=1&IsOWA=<IsOWA>&MsgID=<MsgID>&Mbx=<Mbx>',
  RetentionPolicyTags: '?p=organize/retentionpolicytags.slab&exsvurl=1',
  TextMessaging: '?p=sms/textmessaging.slab&exsvurl=1',
  Publishing: 'customize/calendarpublishing.slab?exsvurl=1&FldID=<FldID>',
} as const;

/** What a database's mailboxes share, or undefined when no web service URL is known anywhere: such an answer would break clients. */
export function databaseAnswer(facts: DatabaseFacts, trace: Trace): DatabaseAnswer | undefined {
  const { database, endpoint, index } = facts;
  const choice = { siteDn: endpoint.siteDn, externalSite: facts.externalSite };
  const url = (kind: Parameters<typeof chooseUrl>[1], side: Side) => chooseUrl(index, kind, side, choice, trace);

  const externalEws = url('ews', 'external');
  const internalEws = url('ews', 'internal') ?? externalEws;
  if (!internalEws) return undefined;
  const version = announcedServer(database, endpoint.siteDn, index);
  const settings: UserSettings = definedOnly({
    UserDeploymentId: index.organization.guid,
    InternalMailboxServer: index.server(database.owningServerDn)?.fqdn ?? endpoint.fqdn,
    InternalRpcClientServer: endpoint.fqdn,
    InternalMailboxServerDN: endpoint.serverDn,
    MailboxDN: endpoint.mdbDn,
    PublicFolderServer: index.server(index.publicDatabase(database.publicDatabaseDn)?.owningServerDn)?.fqdn,
    ActiveDirectoryServer: index.organization.rootDse.dnsHostName,
    InternalEwsUrl: internalEws.url,
    // exchangelib uses this one alone, so it is always answered.
    ExternalEwsUrl: (externalEws ?? internalEws).url,
    InternalUMUrl: umUrl(internalEws, index),
    ExternalUMUrl: externalEws && umUrl(externalEws, index),
    InternalOABUrl: oabUrl(url('oab', 'internal'), database, index),
    ExternalOABUrl: oabUrl(url('oab', 'external'), database, index),
    ...ecpSettings(url('ecp', 'internal'), url('ecp', 'external')),
    InternalWebClientUrls: webClientUrls(url('owa', 'internal'), 'internal', index),
    ExternalWebClientUrls: webClientUrls(url('owa', 'external'), 'external', index),
    ...outlookAnywhere(url('rpc', 'external'), index, trace),
    CrossOrganizationSharingEnabled: 'False',
    ...versionSettings(
      // A site without Client Access servers is served by those of the site that its URLs are from.
      highestClientAccessServer(endpoint.siteDn, index) ??
        highestClientAccessServer(internalEws.site.distinguishedName, index),
    ),
  });
  return {
    settings,
    serverVersion: version?.versionNumber,
    ttlHours: definedOnly({
      exch: ttlHours(index, 'EXCH'),
      expr: ttlHours(index, 'EXPR'),
      web: ttlHours(index, 'WEB'),
    }),
    mobileSyncUrl: (url('activesync', 'external') ?? url('activesync', 'internal'))?.url,
  };
}

/** The whole answer for one mailbox: what its database shares, and what is the user's own. */
export function mailboxAnswer(
  shared: DatabaseAnswer,
  recipient: Recipient,
  alternateMailboxes: readonly AlternateMailbox[],
): MailboxAnswer {
  const own: UserSettings = definedOnly({
    UserDisplayName: recipient.displayName,
    UserDN: recipient.legacyDn,
    AutoDiscoverSMTPAddress: recipient.primaryAddress,
    AlternateMailboxes: alternateMailboxes.length > 0 ? alternateMailboxes : undefined,
  });
  return {
    settings: { ...shared.settings, ...own },
    serverVersion: shared.serverVersion,
    ttlHours: shared.ttlHours,
    sharingUrl: undefined,
    mobileSync: { url: shared.mobileSyncUrl, culture: cultureOf(recipient) },
    mapiHttp: undefined,
  };
}

/** `ll:cc` and nothing else: of several languages the first, without its script; `en:us` for one without a country. */
function cultureOf({ culture }: Recipient): string {
  const [, language, country] = /^([a-z]{2,3})-(?:[a-z]{4}-)?([a-z]{2})(?![a-z0-9-])/i.exec(culture ?? '') ?? [];
  return language && country ? `${language}:${country}`.toLowerCase() : 'en:us';
}

/** Only what differs from the client's default of one hour is worth saying ([MS-OXDSCLI] 2.2.4.1.1.2.6 TTL). */
function ttlHours(index: OrganizationIndex, provider: 'EXCH' | 'EXPR' | 'WEB'): number | undefined {
  const hours = index.outlookProvider(provider)?.ttlHours;
  return hours === 1 ? undefined : hours;
}

/** EXPR and its settings: only where Outlook Anywhere is enabled, which the existence of an external Rpc directory tells. */
function outlookAnywhere(rpc: ChosenDirectory | undefined, index: OrganizationIndex, trace: Trace): UserSettings {
  if (!rpc) {
    trace.info('no site has Outlook Anywhere: no EXPR block');
    return {};
  }
  const provider = index.outlookProvider('EXPR');
  const host = provider?.server ?? new URL(rpc.url).hostname;
  return definedOnly({
    ExternalMailboxServer: host,
    ExternalMailboxServerRequiresSSL: rpc.url.toLowerCase().startsWith('https:') ? 'True' : 'False',
    ExternalMailboxServerAuthenticationMethods: authPackage(rpc.authentication),
    CertPrincipalName: provider?.certPrincipalName,
  });
}

function oabUrl(
  directory: ChosenDirectory | undefined,
  database: MailboxDatabase,
  index: OrganizationIndex,
): string | undefined {
  const book = index.offlineAddressBook(database.offlineAddressBookDn);
  return directory && book ? `${withTrailingSlash(directory.url)}${book.guid}/` : undefined;
}

/** The 2007-style Unified Messaging service stands beside EWS; there is one only where a server has the role. */
function umUrl(ews: ChosenDirectory, index: OrganizationIndex): string | undefined {
  const offered = index.organization.servers.some((server) => (server.roles & SERVER_ROLE.UNIFIED_MESSAGING) !== 0);
  return offered ? new URL('UM2007Legacy.asmx', ews.url).href : undefined;
}

function webClientUrls(
  chosen: ChosenDirectory | undefined,
  side: Side,
  index: OrganizationIndex,
): readonly WebClientUrl[] | undefined {
  if (!chosen) return undefined;
  return urlsOfSite(index, 'owa', side, chosen.site).map((owa) => ({
    authenticationMethods: owaMethods(owa.authentication),
    url: withTrailingSlash(owa.url),
  }));
}

function ecpSettings(internal: ChosenDirectory | undefined, external: ChosenDirectory | undefined): UserSettings {
  if (!internal && !external) return {};
  const pages = Object.entries(ECP_FRAGMENTS);
  const side = (name: 'Internal' | 'External', directory: ChosenDirectory | undefined) => {
    if (!directory) return [];
    const base = withTrailingSlash(directory.url);
    const each = pages.map(([page, fragment]) => [`${name}Ecp${page}Url`, `${base}${fragment}`]);
    return [[`${name}EcpUrl`, base], ...each];
  };
  return Object.fromEntries([
    ...side('Internal', internal),
    ...side('External', external),
    ...pages.map(([page, fragment]) => [`Ecp${page}UrlFragment`, fragment]),
  ]) as UserSettings;
}

function versionSettings(server: ExchangeServer | undefined): UserSettings {
  const number = server?.versionNumber;
  if (number === undefined) return {};
  const { minor } = decodeVersionNumber(number);
  const schemas = ['Exchange2007', 'Exchange2007_SP1', 'Exchange2010', 'Exchange2010_SP1', 'Exchange2010_SP2'];
  return {
    CasVersion: casVersion(number, server?.revision),
    ExternalEwsVersion: casVersion(number, server?.revision),
    EwsSupportedSchemas: schemas.slice(0, 3 + Math.min(minor, 2)).join(', '),
  };
}

/** Drops undefined members: an absent setting is absent, never empty. */
function definedOnly<T extends object>(
  settings: { [K in keyof T]: T[K] | undefined },
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined && value !== '')) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
