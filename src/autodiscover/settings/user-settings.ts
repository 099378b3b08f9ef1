// The settings model: what one mailbox's client is told, independent of the dialect. Keys are the UserSettingName strings of the
// SOAP service ([WSREF] setting-soap Setting, and the EWS Managed API's enumeration), so that POX, SOAP and JSON print the same object.

/** One way into Outlook Web App. `authenticationMethods` is printed as a comma-space list. */
export interface WebClientUrl {
  readonly authenticationMethods: readonly string[];
  readonly url: string;
}

/** A POP3, IMAP4 or SMTP end point. */
export interface ProtocolConnection {
  readonly hostname: string;
  readonly port: number;
  /** `None`, `SSL` or `TLS`. */
  readonly encryptionMethod: string;
}

/** A further mailbox that Outlook opens beside the user's own: an archive, or one shared with him and auto-mapped. */
export interface AlternateMailbox {
  readonly type: 'Archive' | 'Delegate';
  readonly displayName: string;
  readonly legacyDn: string;
  /** FQDN of that mailbox's own RPC endpoint, which may differ from the user's. */
  readonly server: string;
  readonly smtpAddress: string | undefined;
  /** Primary address of the mailbox's owner; Exchange 2013 and later print it beside `SmtpAddress`. */
  readonly ownerSmtpAddress?: string | undefined;
}

/** How each known setting is typed on the SOAP wire. */
export type SettingKind = 'string' | 'webClientUrls' | 'protocolConnections' | 'alternateMailboxes';

/**
 * Every setting Exchange 2010 knows and this project can answer, with its kind. Names are case-sensitive on the wire.
 * Source: EWS Managed API, UserSettingName; `autodiscover/wire` maps the POX twins.
 */
export const USER_SETTINGS = {
  UserDisplayName: 'string',
  UserDN: 'string',
  UserDeploymentId: 'string',
  AutoDiscoverSMTPAddress: 'string',
  InternalMailboxServer: 'string',
  InternalRpcClientServer: 'string',
  InternalMailboxServerDN: 'string',
  MailboxDN: 'string',
  PublicFolderServer: 'string',
  ActiveDirectoryServer: 'string',
  InternalServerExclusiveConnect: 'string',
  InternalEwsUrl: 'string',
  InternalOABUrl: 'string',
  InternalUMUrl: 'string',
  InternalEcpUrl: 'string',
  InternalEcpVoicemailUrl: 'string',
  InternalEcpEmailSubscriptionsUrl: 'string',
  InternalEcpTextMessagingUrl: 'string',
  InternalEcpDeliveryReportUrl: 'string',
  InternalEcpRetentionPolicyTagsUrl: 'string',
  InternalEcpPublishingUrl: 'string',
  InternalWebClientUrls: 'webClientUrls',
  ExternalMailboxServer: 'string',
  ExternalMailboxServerRequiresSSL: 'string',
  ExternalMailboxServerAuthenticationMethods: 'string',
  ExternalServerExclusiveConnect: 'string',
  CertPrincipalName: 'string',
  ExternalEwsUrl: 'string',
  ExternalEwsVersion: 'string',
  ExternalOABUrl: 'string',
  ExternalUMUrl: 'string',
  ExternalEcpUrl: 'string',
  ExternalEcpVoicemailUrl: 'string',
  ExternalEcpEmailSubscriptionsUrl: 'string',
  ExternalEcpTextMessagingUrl: 'string',
  ExternalEcpDeliveryReportUrl: 'string',
  ExternalEcpRetentionPolicyTagsUrl: 'string',
  ExternalEcpPublishingUrl: 'string',
  ExternalWebClientUrls: 'webClientUrls',
  EcpVoicemailUrlFragment: 'string',
  EcpEmailSubscriptionsUrlFragment: 'string',
  EcpTextMessagingUrlFragment: 'string',
  EcpDeliveryReportUrlFragment: 'string',
  EcpRetentionPolicyTagsUrlFragment: 'string',
  EcpPublishingUrlFragment: 'string',
  CrossOrganizationSharingEnabled: 'string',
  AlternateMailboxes: 'alternateMailboxes',
  CasVersion: 'string',
  EwsSupportedSchemas: 'string',
  InternalPop3Connections: 'protocolConnections',
  ExternalPop3Connections: 'protocolConnections',
  InternalImap4Connections: 'protocolConnections',
  ExternalImap4Connections: 'protocolConnections',
  InternalSmtpConnections: 'protocolConnections',
  ExternalSmtpConnections: 'protocolConnections',
} as const satisfies Record<string, SettingKind>;

export type UserSettingName = keyof typeof USER_SETTINGS;

type ValueOf<K extends SettingKind> = K extends 'string'
  ? string
  : K extends 'webClientUrls'
    ? readonly WebClientUrl[]
    : K extends 'protocolConnections'
      ? readonly ProtocolConnection[]
      : readonly AlternateMailbox[];

/** What is known of one mailbox. An absent setting is simply absent, never empty. */
export type UserSettings = { readonly [N in UserSettingName]?: ValueOf<(typeof USER_SETTINGS)[N]> };

/** URLs of one MAPI over HTTP endpoint pair; answered only to a client that asked for it, and only when configured. */
export interface MapiHttpUrls {
  readonly version: number;
  readonly mailStore: { readonly internalUrl?: string; readonly externalUrl?: string };
  readonly addressBook: { readonly internalUrl?: string; readonly externalUrl?: string };
}

/**
 * The `EXHTTP` block that Exchange 2013 and later give a client which announces `ExHttpInfo`: Outlook Anywhere in one block for
 * both sides. Its URLs are those of EXPR, else of EXCH. Answered only to a client that asked for it, and only when configured.
 */
export interface ExHttpEndpoint {
  readonly server: string;
  readonly requiresSsl: boolean;
  /** As in EXPR: `Ntlm`, `Basic` or `Negotiate`. */
  readonly authPackage: string;
}

/** A mailbox's whole answer: the shared settings, and what only one dialect prints. */
export interface MailboxAnswer {
  readonly settings: UserSettings;
  /** POX `ServerVersion`: the endpoint's 32-bit versionNumber, printed as eight hex digits. */
  readonly serverVersion: number | undefined;
  /** POX `TTL` in hours, per protocol; the client's default is 1. */
  readonly ttlHours: { readonly exch?: number; readonly expr?: number; readonly web?: number };
  /** POX `SharingUrl`, present when federated sharing is on. */
  readonly sharingUrl: string | undefined;
  /** The mobilesync dialect's Server Url, and `Culture` as `ll:cc`. */
  readonly mobileSync: { readonly url: string | undefined; readonly culture: string };
  readonly mapiHttp: MapiHttpUrls | undefined;
  readonly exHttp?: ExHttpEndpoint | undefined;
}

/**
 * Why no settings can be given. Dialects translate: POX numbers, SOAP names ([MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode).
 * `unknown-address` 500, `not-a-mailbox` 501, `invalid-request` 600, `no-provider` 601, `misconfigured` 602, `server-error` 603.
 */
export const AUTODISCOVER_FAULTS = [
  'unknown-address',
  'not-a-mailbox',
  'invalid-request',
  'no-provider',
  'misconfigured',
  'server-error',
] as const;
export type AutodiscoverFault = (typeof AUTODISCOVER_FAULTS)[number];

/** The outcome for one address. `detail` is for the log, never for the client. */
export type DiscoverResult =
  | { readonly action: 'settings'; readonly answer: MailboxAnswer }
  | { readonly action: 'redirectAddr'; readonly address: string }
  | { readonly action: 'redirectUrl'; readonly url: string }
  | {
      readonly action: 'error';
      readonly fault: AutodiscoverFault;
      readonly detail: string;
      /** The directory could not be asked: the same question may be answered later. */
      readonly isTemporary?: boolean;
    };
