// Random mailbox answers for property tests: consistent in themselves, as build-settings makes them, and otherwise wild.
import fc from 'fast-check';
import type { MailboxAnswer, UserSettings } from '../../../src/autodiscover/settings/user-settings.ts';
import { ECP_PAGES } from '../../../src/autodiscover/wire/pox-settings-map.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters XML 1.0 cannot carry
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

/** Any text XML can carry, never empty. */
const anyText = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 12 })
  .map((text) => text.toWellFormed().replace(FORBIDDEN, '\ufffd'));
/** The same without blanks at either end, which readers trim. */
const text = fc
  .oneof(anyText, fc.constantFrom('a<b>&"c\'', ']]>', '<![CDATA[x', '&amp;'))
  .map((value) => value.trim() || 'x');
const url = text.map((path) => `https://mail.contoso.test/${path}`);
const bool = fc.constantFrom('True', 'False');
const methods = fc.array(fc.constantFrom('Basic', 'Fba', 'Ntlm', 'WindowsIntegrated'), { maxLength: 3 });
const webClientUrls = fc.array(fc.record({ authenticationMethods: methods, url }), { minLength: 1, maxLength: 3 });
const connections = fc.array(
  fc.record({ hostname: text, port: fc.integer({ min: 1, max: 65_535 }), encryptionMethod: text }),
  { minLength: 1, maxLength: 2 },
);
const mailboxes = fc.array(
  fc
    .record({
      type: fc.constantFrom('Archive' as const, 'Delegate' as const),
      displayName: anyText,
      legacyDn: text,
      server: text,
      smtpAddress: fc.option(text, { nil: undefined }),
      ownerSmtpAddress: fc.option(text, { nil: undefined }),
    })
    .map(({ ownerSmtpAddress, ...rest }) => (ownerSmtpAddress ? { ...rest, ownerSmtpAddress } : rest)),
  { minLength: 1, maxLength: 3 },
);

type Part = fc.Arbitrary<UserSettings>;

const user = fc.record(
  { UserDisplayName: anyText, UserDN: text, UserDeploymentId: text, AutoDiscoverSMTPAddress: text },
  { requiredKeys: [] },
);
const exch = fc.record(
  {
    InternalRpcClientServer: text,
    InternalMailboxServerDN: text,
    MailboxDN: text,
    PublicFolderServer: text,
    ActiveDirectoryServer: text,
    InternalServerExclusiveConnect: fc.constantFrom('On', 'Off'),
    InternalOABUrl: url,
    InternalUMUrl: url,
    InternalWebClientUrls: webClientUrls,
  },
  { requiredKeys: [] },
);
/** EXPR's settings exist only with its server. */
const expr = fc.record(
  {
    ExternalMailboxServer: text,
    ExternalMailboxServerRequiresSSL: bool,
    ExternalMailboxServerAuthenticationMethods: text,
    ExternalServerExclusiveConnect: fc.constantFrom('On', 'Off'),
    CertPrincipalName: text,
    ExternalOABUrl: url,
    ExternalUMUrl: url,
    ExternalWebClientUrls: webClientUrls,
  },
  { requiredKeys: ['ExternalMailboxServer'] },
);
const soapOnly = fc.record(
  {
    InternalMailboxServer: text,
    ExternalEwsVersion: text,
    CasVersion: text,
    EwsSupportedSchemas: text,
    InternalPop3Connections: connections,
    ExternalPop3Connections: connections,
    InternalImap4Connections: connections,
    ExternalImap4Connections: connections,
    InternalSmtpConnections: connections,
    ExternalSmtpConnections: connections,
  },
  { requiredKeys: [] },
);

/** EWS on both sides where there is an EXPR, since each block borrows what it lacks from the other. */
const ews = (outside: boolean): Part =>
  outside
    ? fc.oneof(fc.record({ InternalEwsUrl: url, ExternalEwsUrl: url }), fc.constant({}))
    : fc.record({ InternalEwsUrl: url }, { requiredKeys: [] });

/** The control panel's URLs joined from base and fragments, as every reader joins them. */
const ecp = (outside: boolean): Part =>
  fc
    .record({
      internal: fc.option(url, { nil: undefined }),
      external: outside ? fc.option(url, { nil: undefined }) : fc.constant(undefined),
      fragments: fc.array(fc.option(text, { nil: undefined }), { minLength: 6, maxLength: 6 }),
    })
    .map(({ internal, external, fragments }) => {
      const settings: Record<string, string> = {};
      if (internal) settings.InternalEcpUrl = internal;
      if (external) settings.ExternalEcpUrl = external;
      for (const [index, page] of ECP_PAGES.entries()) {
        const fragment = fragments[index];
        if (!fragment || (!internal && !external)) continue;
        settings[page.fragment] = fragment;
        if (internal) settings[page.internal] = internal + fragment;
        if (external) settings[page.external] = external + fragment;
      }
      return settings;
    });

const hours = fc.integer({ min: 0, max: 999_999 });
const urlPair = fc.record({ internalUrl: url, externalUrl: url }, { requiredKeys: [] });

/** A whole answer; `mobileSync` is not varied. */
export const mailboxAnswer: fc.Arbitrary<MailboxAnswer> = fc.boolean().chain((outside) =>
  fc
    .record({
      parts: fc.tuple(user, exch, outside ? expr : fc.constant({}), soapOnly, ews(outside), ecp(outside)),
      alternates: fc.option(mailboxes, { nil: undefined }),
      serverVersion: fc.option(fc.integer({ min: 0, max: 0xffff_ffff }), { nil: undefined }),
      ttlHours: outside
        ? fc.record({ exch: hours, expr: hours }, { requiredKeys: [] })
        : fc.record({ exch: hours }, { requiredKeys: [] }),
      sharingUrl: fc.option(url, { nil: undefined }),
      mapiHttp: fc.option(
        fc.record({
          version: fc.integer({ min: 1, max: 9 }),
          mailStore: fc.record({ internalUrl: url }),
          addressBook: urlPair,
        }),
        { nil: undefined },
      ),
      exHttp: fc.option(fc.record({ server: text, requiresSsl: fc.boolean(), authPackage: text }), { nil: undefined }),
    })
    .map(({ parts, alternates, ...answer }) => ({
      ...answer,
      settings: {
        ...Object.assign({}, ...parts),
        ...(alternates ? { AlternateMailboxes: alternates } : {}),
        // Said in EXCH and EXPR alike, so known whenever there is an answer at all.
        CrossOrganizationSharingEnabled: answer.sharingUrl ? 'True' : 'False',
      },
      mobileSync: { url: undefined, culture: 'en:us' },
    }))
    // fast-check's records may have no prototype; a clone always has the usual one.
    .map((answer) => structuredClone(answer)),
);
