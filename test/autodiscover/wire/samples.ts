// Answers used by several tests of this folder: one with every setting that any dialect can print, one with next to nothing.
import type { DiscoverResult, MailboxAnswer, UserSettings } from '../../../src/autodiscover/settings/user-settings.ts';
import { ECP_PAGES } from '../../../src/autodiscover/wire/pox-settings-map.ts';
import { serverVersionInfo } from '../../../src/autodiscover/wire/soap-envelope.ts';

const ADMIN_GROUP = '/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)';
const FRAGMENTS: Readonly<Record<string, string>> = {
  'EcpUrl-um': '?p=customize/voicemail.aspx&exsvurl=1',
  'EcpUrl-aggr': '?p=personalsettings/EmailSubscriptions.slab&exsvurl=1',
  'EcpUrl-mt': 'PersonalSettings/DeliveryReport.aspx?exsvurl=1&IsOWA=<IsOWA>&MsgID=<MsgID>&Mbx=<Mbx>',
  'EcpUrl-ret': '?p=organize/retentionpolicytags.slab&exsvurl=1',
  'EcpUrl-sms': '?p=sms/textmessaging.slab&exsvurl=1',
  'EcpUrl-publish': 'customize/calendarpublishing.slab?exsvurl=1&FldID=<FldID>',
};

function ecpSettings(internal: string, external: string): UserSettings {
  const settings: Record<string, string> = { InternalEcpUrl: internal, ExternalEcpUrl: external };
  for (const page of ECP_PAGES) {
    const fragment = FRAGMENTS[page.element] ?? '';
    Object.assign(settings, {
      [page.fragment]: fragment,
      [page.internal]: internal + fragment,
      [page.external]: external + fragment,
    });
  }
  return settings;
}

export const fullSettings: UserSettings = {
  UserDisplayName: 'Zoë "Z" <Example> & Sons',
  UserDN: `${ADMIN_GROUP}/cn=Recipients/cn=alice`,
  UserDeploymentId: '5d0c1f6e-6a52-4f35-9a55-0f6a7c1c2d3e',
  AutoDiscoverSMTPAddress: 'alice@contoso.test',
  InternalMailboxServer: 'sea-mbx1.contoso.test',
  InternalRpcClientServer: 'outlook-sea.contoso.test',
  InternalMailboxServerDN: `${ADMIN_GROUP}/cn=Configuration/cn=Servers/cn=outlook-sea.contoso.test`,
  MailboxDN: `${ADMIN_GROUP}/cn=Configuration/cn=Servers/cn=outlook-sea.contoso.test/cn=Microsoft Private MDB`,
  PublicFolderServer: 'sea-mbx1.contoso.test',
  ActiveDirectoryServer: 'dc1.contoso.test',
  InternalServerExclusiveConnect: 'Off',
  InternalEwsUrl: 'https://mail-in.contoso.test/EWS/Exchange.asmx',
  InternalOABUrl: 'https://mail-in.contoso.test/OAB/9a7e1c0e-7b0f-4a53-8f5c-1d2e3f4a5b6c/',
  InternalUMUrl: 'https://mail-in.contoso.test/EWS/UM2007Legacy.asmx',
  ...ecpSettings('https://mail-in.contoso.test/ecp/', 'https://mail.contoso.test/ecp/'),
  InternalWebClientUrls: [
    { authenticationMethods: ['Basic', 'Fba'], url: 'https://mail-in.contoso.test/owa/' },
    { authenticationMethods: ['WindowsIntegrated'], url: 'https://owa-in.contoso.test/owa/' },
  ],
  ExternalMailboxServer: 'mail.contoso.test',
  ExternalMailboxServerRequiresSSL: 'True',
  ExternalMailboxServerAuthenticationMethods: 'Ntlm',
  ExternalServerExclusiveConnect: 'On',
  CertPrincipalName: 'msstd:mail.contoso.test',
  ExternalEwsUrl: 'https://mail.contoso.test/EWS/Exchange.asmx',
  ExternalEwsVersion: '14.03.0123.004',
  ExternalOABUrl: 'https://mail.contoso.test/OAB/9a7e1c0e-7b0f-4a53-8f5c-1d2e3f4a5b6c/',
  ExternalUMUrl: 'https://mail.contoso.test/EWS/UM2007Legacy.asmx',
  ExternalWebClientUrls: [{ authenticationMethods: ['Fba'], url: 'https://mail.contoso.test/owa/' }],
  CrossOrganizationSharingEnabled: 'True',
  AlternateMailboxes: [
    {
      type: 'Archive',
      displayName: 'Online archive',
      legacyDn: `${ADMIN_GROUP}/cn=Recipients/cn=alice-archive`,
      server: 'outlook-dub.contoso.test',
      smtpAddress: undefined,
    },
    {
      type: 'Delegate',
      displayName: 'Sales & desk',
      legacyDn: `${ADMIN_GROUP}/cn=Recipients/cn=sales`,
      server: 'outlook-sea.contoso.test',
      smtpAddress: 'sales@contoso.test',
      ownerSmtpAddress: 'sales@contoso.test',
    },
  ],
  CasVersion: '14.03.0123.004',
  EwsSupportedSchemas: 'Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1, Exchange2010_SP2',
  InternalPop3Connections: [{ hostname: 'pop-in.contoso.test', port: 110, encryptionMethod: 'TLS' }],
  ExternalPop3Connections: [{ hostname: 'pop.contoso.test', port: 995, encryptionMethod: 'SSL' }],
  InternalImap4Connections: [{ hostname: 'imap-in.contoso.test', port: 143, encryptionMethod: 'TLS' }],
  ExternalImap4Connections: [{ hostname: 'imap.contoso.test', port: 993, encryptionMethod: 'SSL' }],
  InternalSmtpConnections: [{ hostname: 'smtp-in.contoso.test', port: 25, encryptionMethod: 'None' }],
  ExternalSmtpConnections: [{ hostname: 'smtp.contoso.test', port: 587, encryptionMethod: 'TLS' }],
};

export const fullAnswer: MailboxAnswer = {
  settings: fullSettings,
  serverVersion: 0x7383807b,
  ttlHours: { exch: 1, expr: 2, web: 0 },
  sharingUrl: 'https://mail.contoso.test/EWS/Exchange.asmx',
  mobileSync: { url: 'https://mail.contoso.test/Microsoft-Server-ActiveSync', culture: 'en:us' },
  mapiHttp: undefined,
};

/** What Exchange 2010 prints for an ordinary mailbox behind a CAS array: no archive, no sharing, nothing optional. */
export const minimalAnswer: MailboxAnswer = {
  settings: {
    UserDisplayName: 'Bob Example',
    UserDN: `${ADMIN_GROUP}/cn=Recipients/cn=bob`,
    AutoDiscoverSMTPAddress: 'bob@contoso.test',
    UserDeploymentId: '5d0c1f6e-6a52-4f35-9a55-0f6a7c1c2d3e',
    InternalRpcClientServer: 'outlook-dub.contoso.test',
    InternalMailboxServerDN: `${ADMIN_GROUP}/cn=Configuration/cn=Servers/cn=outlook-dub.contoso.test`,
    MailboxDN: `${ADMIN_GROUP}/cn=Configuration/cn=Servers/cn=outlook-dub.contoso.test/cn=Microsoft Private MDB`,
    ActiveDirectoryServer: 'dc1.contoso.test',
    InternalEwsUrl: 'https://mail-dub.contoso.test/EWS/Exchange.asmx',
    CrossOrganizationSharingEnabled: 'False',
  },
  serverVersion: 0x7383807b,
  ttlHours: {},
  sharingUrl: undefined,
  mobileSync: { url: undefined, culture: 'en:us' },
  mapiHttp: undefined,
};

export const mapiHttpAnswer: MailboxAnswer = {
  ...minimalAnswer,
  mapiHttp: {
    version: 1,
    mailStore: {
      internalUrl: 'https://mail-in.contoso.test/mapi/emsmdb/?MailboxId=1@contoso.test',
      externalUrl: 'https://mail.contoso.test/mapi/emsmdb/?MailboxId=1@contoso.test',
    },
    addressBook: { internalUrl: 'https://mail-in.contoso.test/mapi/nspi/?MailboxId=1@contoso.test' },
  },
};

export const exHttpAnswer: MailboxAnswer = {
  ...minimalAnswer,
  exHttp: { server: 'mail.contoso.test', requiresSsl: true, authPackage: 'Negotiate' },
};

export const settings = (answer: MailboxAnswer): DiscoverResult => ({ action: 'settings', answer });
export const failure = (fault: Extract<DiscoverResult, { action: 'error' }>['fault']): DiscoverResult => ({
  action: 'error',
  fault,
  detail: 'CN=DB1,CN=Databases,DC=contoso,DC=test has no owner',
});

export const stamp = { now: new Date('2011-03-04T09:41:27.031Z'), serverId: 2477272013 };
export const poxContext = { ...stamp, schema: 'outlook' as const };
export const mobileContext = { ...stamp, schema: 'mobilesync' as const, requestedAddress: 'alice@contoso.test' };
export const soapContext = { serverVersionInfo: serverVersionInfo(0x7383807b, 4) };
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
