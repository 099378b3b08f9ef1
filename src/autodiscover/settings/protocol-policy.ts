// Protocols newer than Exchange 2010: MAPI over HTTP and the EXHTTP block. Given only to a client that says it can use them, and only
// when an administrator configured them; otherwise one unasked block makes older clients reject the whole answer.

import type { Recipient } from '../../ldap/recipient.ts';
import type { ExHttpEndpoint, MailboxAnswer, MapiHttpUrls } from './user-settings.ts';

/** What a client announced in `X-MapiHttpCapability` and `X-ClientCanHandle`. */
export interface ClientCapabilities {
  /** Highest MAPI/HTTP version; 0 for none ([MS-OXDSCLI] 3.1.4 X-MapiHttpCapability). */
  readonly mapiHttpVersion: number;
  readonly exHttp: boolean;
}

export const NO_CAPABILITIES: ClientCapabilities = { mapiHttpVersion: 0, exHttp: false };

/** What an administrator offers; all off by default. */
export interface NewerProtocols {
  /** Base URLs of MAPI over HTTP, as `https://mail.contoso.test/mapi`. */
  readonly mapiHttp:
    | { readonly internalUrl?: string | undefined; readonly externalUrl?: string | undefined }
    | undefined;
  readonly exHttp: boolean;
}

export const NO_NEWER_PROTOCOLS: NewerProtocols = { mapiHttp: undefined, exHttp: false };

const MAPI_HTTP_VERSION = 1;

/** Reads the two request headers; what cannot be read counts as absent. */
export function readCapabilities(
  mapiHttp: string | undefined,
  clientCanHandle: string | undefined,
): ClientCapabilities {
  if (mapiHttp === undefined && clientCanHandle === undefined) return NO_CAPABILITIES;
  const version = mapiHttp !== undefined && /^\s*\d{1,3}\s*$/.test(mapiHttp) ? Number(mapiHttp) : 0;
  const words = (clientCanHandle ?? '').split(',').map((word) => word.trim().toLowerCase());
  return { mapiHttpVersion: version, exHttp: words.includes('exhttpinfo') };
}

/** What is both offered and asked for. */
export interface OfferedProtocols {
  readonly mapiHttp: boolean;
  readonly exHttp: boolean;
}

export function offeredProtocols(capabilities: ClientCapabilities, configured: NewerProtocols): OfferedProtocols {
  return {
    mapiHttp: capabilities.mapiHttpVersion >= MAPI_HTTP_VERSION && configured.mapiHttp !== undefined,
    exHttp: capabilities.exHttp && configured.exHttp,
  };
}

export function offerNewerProtocols(
  answer: MailboxAnswer,
  recipient: Recipient,
  offered: OfferedProtocols,
  configured: NewerProtocols,
): MailboxAnswer {
  const mapiHttp = offered.mapiHttp ? mapiHttpUrls(recipient, configured) : undefined;
  const exHttp = offered.exHttp ? exHttpEndpoint(answer) : undefined;
  return { ...answer, mapiHttp, exHttp };
}

function mapiHttpUrls(recipient: Recipient, { mapiHttp }: NewerProtocols): MapiHttpUrls | undefined {
  const domain = recipient.primaryAddress?.split('@')[1];
  if (!mapiHttp || !recipient.mailboxGuid || !domain) return undefined;
  const mailbox = `?MailboxId=${recipient.mailboxGuid}@${domain}`;
  const side = (endpoint: string) => ({
    ...(mapiHttp.internalUrl === undefined ? {} : { internalUrl: join(mapiHttp.internalUrl, endpoint, mailbox) }),
    ...(mapiHttp.externalUrl === undefined ? {} : { externalUrl: join(mapiHttp.externalUrl, endpoint, mailbox) }),
  });
  return { version: MAPI_HTTP_VERSION, mailStore: side('emsmdb'), addressBook: side('nspi') };
}

function join(base: string, endpoint: string, query: string): string {
  return `${base.replace(/\/+$/, '')}/${endpoint}/${query}`;
}

function exHttpEndpoint({ settings }: MailboxAnswer): ExHttpEndpoint | undefined {
  if (settings.ExternalMailboxServer === undefined) return undefined;
  return {
    server: settings.ExternalMailboxServer,
    requiresSsl: settings.ExternalMailboxServerRequiresSSL !== 'False',
    authPackage: settings.ExternalMailboxServerAuthenticationMethods ?? 'Negotiate',
  };
}
