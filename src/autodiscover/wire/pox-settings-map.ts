// One table per kind of POX block: which element holds which setting, in the order Exchange 2010 prints them. Rendering and
// parsing both walk these tables, so a setting that is printed is read back by construction.
import type { USER_SETTINGS, UserSettingName } from '../settings/user-settings.ts';

/** Settings whose value is one string. */
export type StringSettingName = {
  [N in UserSettingName]: (typeof USER_SETTINGS)[N] extends 'string' ? N : never;
}[UserSettingName];

/** How an element's text becomes the setting's: blanks trimmed, blanks kept, or `On`/`Off` for `True`/`False`. */
export type PoxEncoding = 'text' | 'verbatim' | 'on-off';

/** An element that holds one string setting. */
export interface PoxElement {
  readonly element: string;
  readonly setting: StringSettingName;
  readonly encoding?: PoxEncoding;
}

/** Children of `User`, in order. */
export const USER_ELEMENTS: readonly PoxElement[] = [
  { element: 'DisplayName', setting: 'UserDisplayName', encoding: 'verbatim' },
  { element: 'LegacyDN', setting: 'UserDN' },
  { element: 'AutoDiscoverSMTPAddress', setting: 'AutoDiscoverSMTPAddress' },
  { element: 'DeploymentId', setting: 'UserDeploymentId' },
];

/** A page of the Exchange Control Panel: POX prints its fragment, SOAP also the fragment joined to each base URL. */
export interface EcpPage {
  readonly element: string;
  readonly fragment: StringSettingName;
  readonly internal: StringSettingName;
  readonly external: StringSettingName;
}

/** In the order Exchange 2010 prints them after EcpUrl. */
export const ECP_PAGES: readonly EcpPage[] = [
  page('EcpUrl-um', 'Voicemail'),
  page('EcpUrl-aggr', 'EmailSubscriptions'),
  page('EcpUrl-mt', 'DeliveryReport'),
  page('EcpUrl-ret', 'RetentionPolicyTags'),
  page('EcpUrl-sms', 'TextMessaging'),
  page('EcpUrl-publish', 'Publishing'),
];

type EcpPageName =
  | 'Voicemail'
  | 'EmailSubscriptions'
  | 'DeliveryReport'
  | 'RetentionPolicyTags'
  | 'TextMessaging'
  | 'Publishing';

function page(element: string, name: EcpPageName): EcpPage {
  return {
    element,
    fragment: `Ecp${name}UrlFragment`,
    internal: `InternalEcp${name}Url`,
    external: `ExternalEcp${name}Url`,
  };
}

/** Where the two kinds of RPC block differ and agree; elements without a setting of their own are named by `special`. */
export type ProtocolSlot =
  | PoxElement
  | { readonly special: 'server-version' | 'ews-url' | 'sharing-url' | 'ecp-fragments' | 'oof-url' | 'ttl' };

/** EXCH and EXPR: their `Type`, the settings behind their URLs, and their elements in order. */
export interface ProtocolMap {
  readonly type: 'EXCH' | 'EXPR';
  readonly ewsUrl: 'InternalEwsUrl' | 'ExternalEwsUrl';
  readonly ecpUrl: 'InternalEcpUrl' | 'ExternalEcpUrl';
  /** Which member of an EcpPage holds the joined URL. */
  readonly ecpSide: 'internal' | 'external';
  readonly slots: readonly ProtocolSlot[];
}

// [MS-OXDSCLI] 2.2.4.1.1.2.6 Protocol
export const EXCH: ProtocolMap = {
  type: 'EXCH',
  ewsUrl: 'InternalEwsUrl',
  ecpUrl: 'InternalEcpUrl',
  ecpSide: 'internal',
  slots: [
    // The CAS array's FQDN, where the mailbox database names one.
    { element: 'Server', setting: 'InternalRpcClientServer' },
    { element: 'ServerDN', setting: 'InternalMailboxServerDN' },
    { special: 'server-version' },
    { element: 'MdbDN', setting: 'MailboxDN' },
    { element: 'PublicFolderServer', setting: 'PublicFolderServer' },
    { element: 'AD', setting: 'ActiveDirectoryServer' },
    { special: 'ews-url' },
    { special: 'sharing-url' },
    { element: 'EcpUrl', setting: 'InternalEcpUrl' },
    { special: 'ecp-fragments' },
    { special: 'oof-url' },
    { element: 'UMUrl', setting: 'InternalUMUrl' },
    { element: 'OABUrl', setting: 'InternalOABUrl' },
    { element: 'ServerExclusiveConnect', setting: 'InternalServerExclusiveConnect' },
    { special: 'ttl' },
  ],
};

export const EXPR: ProtocolMap = {
  type: 'EXPR',
  ewsUrl: 'ExternalEwsUrl',
  ecpUrl: 'ExternalEcpUrl',
  ecpSide: 'external',
  slots: [
    { element: 'Server', setting: 'ExternalMailboxServer' },
    { element: 'SSL', setting: 'ExternalMailboxServerRequiresSSL', encoding: 'on-off' },
    { element: 'AuthPackage', setting: 'ExternalMailboxServerAuthenticationMethods' },
    { special: 'ews-url' },
    { special: 'sharing-url' },
    { element: 'EcpUrl', setting: 'ExternalEcpUrl' },
    { special: 'ecp-fragments' },
    { special: 'oof-url' },
    { element: 'UMUrl', setting: 'ExternalUMUrl' },
    { element: 'OABUrl', setting: 'ExternalOABUrl' },
    { element: 'ServerExclusiveConnect', setting: 'ExternalServerExclusiveConnect' },
    { element: 'CertPrincipalName', setting: 'CertPrincipalName' },
    { special: 'ttl' },
  ],
};

/** A setting's text as the element prints it. */
export function toPoxText(value: string, encoding: PoxEncoding = 'text'): string {
  if (encoding !== 'on-off') return value;
  return /^(?:true|on)$/i.test(value) ? 'On' : 'Off';
}

/** An element's text as the setting spells it; undefined when it is blank. */
export function fromPoxText(text: string, encoding: PoxEncoding = 'text'): string | undefined {
  const bare = encoding === 'verbatim' ? text : text.trim();
  if (bare === '' || encoding !== 'on-off') return bare || undefined;
  return /^(?:true|on)$/i.test(bare) ? 'True' : 'False';
}

/** Names of all settings a POX answer carries in some element; the others exist in SOAP alone. */
export const POX_SETTINGS: ReadonlySet<UserSettingName> = new Set<UserSettingName>([
  ...USER_ELEMENTS.map(({ setting }) => setting),
  ...[EXCH, EXPR].flatMap((map) => [
    map.ewsUrl,
    ...map.slots.flatMap((slot) => ('setting' in slot ? [slot.setting] : [])),
    ...ECP_PAGES.flatMap((page) => [page.fragment, page[map.ecpSide]]),
  ]),
  'InternalWebClientUrls',
  'ExternalWebClientUrls',
  'CrossOrganizationSharingEnabled',
  'AlternateMailboxes',
]);
