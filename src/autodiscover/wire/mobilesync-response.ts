// The mobilesync answer (Exchange ActiveSync): who the user is and where ActiveSync lives, rendered and read back.
import type { AutodiscoverFault, DiscoverResult } from '../settings/user-settings.ts';
import { poxError } from './error-codes.ts';
import { POX_MOBILESYNC_RESPONSE, POX_RESPONSE_BASE } from './namespaces.ts';
import { type ErrorStamp, errorElement, readPoxError, renderPoxError } from './pox-error.ts';
import { childText, findChild, findChildren, parseXml, XML_LIMITS, type XmlElement } from './xml.ts';
import { leaf, optionalLeaf, optionalParent, parent, writeXml, type XmlOutput } from './xml-writer.ts';

/** What a mobilesync answer says. `malformed` is a document that is no such answer; `error` codes below 100 are its Status. */
export type MobileSyncResponse =
  | {
      readonly action: 'settings';
      readonly culture: string | undefined;
      readonly displayName: string | undefined;
      readonly emailAddress: string | undefined;
      readonly servers: readonly MobileSyncServer[];
    }
  | { readonly action: 'redirectAddr'; readonly address: string }
  | { readonly action: 'error'; readonly code: number; readonly message: string }
  | { readonly action: 'malformed'; readonly detail: string };

/** One `Server`: `MobileSync` or `CertEnroll`. */
export interface MobileSyncServer {
  readonly type: string;
  readonly url: string | undefined;
  readonly name: string | undefined;
}

/** [MS-ASCMD] 2.2.3.177.1 Status (Autodiscover): 2 is "protocol error", the only failure there is. */
const STATUS_PROTOCOL_ERROR = 2;
const DEFAULT_CULTURE = 'en:us';

/** Renders an answer. `requestedAddress` is repeated in an error's User element when given. */
export function renderMobileSyncResponse(
  result: DiscoverResult,
  context: ErrorStamp & { readonly requestedAddress?: string | undefined },
): string {
  switch (result.action) {
    case 'settings': {
      const { settings, mobileSync } = result.answer;
      // Without an ActiveSync URL there is no provider for this schema.
      if (!mobileSync.url) return renderFault('no-provider', undefined, context);
      // [MS-ASCMD] 2.2.3.164 Server
      const server = [leaf('Type', 'MobileSync'), leaf('Url', mobileSync.url), leaf('Name', mobileSync.url)];
      return document(mobileSync.culture, user(settings.UserDisplayName, settings.AutoDiscoverSMTPAddress), [
        parent('Settings', [parent('Server', server)]),
      ]);
    }
    case 'redirectAddr':
      // [MS-ASCMD] 2.2.3.147 Redirect
      return document(DEFAULT_CULTURE, user(undefined, context.requestedAddress), [leaf('Redirect', result.address)]);
    case 'redirectUrl':
      // This schema cannot say a URL: the server redirects by HTTP, and this is what is left should it be asked all the same.
      return renderFault('server-error', context.requestedAddress, context);
    case 'error':
      return renderFault(result.fault, context.requestedAddress, context);
  }
}

function renderFault(fault: AutodiscoverFault, address: string | undefined, stamp: ErrorStamp): string {
  if (fault === 'invalid-request') return renderPoxError(fault, stamp);
  if (fault === 'no-provider') {
    // [MS-ASCMD] 2.2.3.64 Error: beside Action, and in the mobilesync namespace.
    const response = parent('Response', [errorElement(fault, stamp)], { xmlns: POX_MOBILESYNC_RESPONSE });
    return writeXml(parent('Autodiscover', [response], { xmlns: POX_RESPONSE_BASE }), { declaration: true });
  }
  const error = [
    leaf('Status', String(STATUS_PROTOCOL_ERROR)),
    leaf('Message', poxError(fault).message),
    leaf('DebugData', ''),
  ];
  return document(DEFAULT_CULTURE, user(undefined, address), [parent('Error', error)]);
}

function user(displayName: string | undefined, address: string | undefined): XmlOutput | undefined {
  return optionalParent('User', [optionalLeaf('DisplayName', displayName), optionalLeaf('EMailAddress', address)]);
}

function document(culture: string, who: XmlOutput | undefined, action: readonly XmlOutput[]): string {
  const response = parent('Response', [leaf('Culture', culture), who, parent('Action', action)], {
    xmlns: POX_MOBILESYNC_RESPONSE,
  });
  return writeXml(parent('Autodiscover', [response], { xmlns: POX_RESPONSE_BASE }), { declaration: true });
}

/** Reads a mobilesync answer. */
export function parseMobileSyncResponse(xml: Uint8Array | string, contentType?: string): MobileSyncResponse {
  const parsed = parseXml(xml, XML_LIMITS.response, contentType);
  if ('fault' in parsed) return malformed(parsed.fault.message);
  const response = findChild(parsed.root, 'Response');
  if (parsed.root.local !== 'Autodiscover' || !response) return malformed('not an Autodiscover response');
  const outer = findChild(response, 'Error');
  if (outer) return readPoxError(outer);
  const action = findChild(response, 'Action');
  const redirect = childText(action, 'Redirect');
  if (redirect) return { action: 'redirectAddr', address: redirect };
  const inner = findChild(action, 'Error');
  if (inner) {
    const status = childText(inner, 'Status');
    if (!status || !/^\d{1,9}$/.test(status)) return malformed('<Error> has no numeric <Status>');
    return { action: 'error', code: Number(status), message: childText(inner, 'Message') ?? '' };
  }
  const settings = findChild(action, 'Settings');
  return settings ? readSettings(response, settings) : malformed('<Action> holds neither Settings, Redirect nor Error');
}

function readSettings(response: XmlElement, settings: XmlElement): MobileSyncResponse {
  const who = findChild(response, 'User');
  return {
    action: 'settings',
    culture: childText(response, 'Culture'),
    displayName: findChild(who, 'DisplayName')?.text || undefined,
    emailAddress: childText(who, 'EMailAddress'),
    servers: findChildren(settings, 'Server').map((server) => ({
      type: childText(server, 'Type') ?? '',
      url: childText(server, 'Url'),
      name: childText(server, 'Name'),
    })),
  };
}

function malformed(detail: string): { action: 'malformed'; detail: string } {
  return { action: 'malformed', detail };
}
