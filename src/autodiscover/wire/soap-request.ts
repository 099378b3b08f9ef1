// A request to autodiscover.svc, whichever operation: the one entry for the server.

import { type DomainSettingsRequest, readDomainSettingsRequest } from './soap-domain-settings.ts';
import { parseSoapEnvelope, type SoapFault, type SoapMessage } from './soap-envelope.ts';
import {
  type FederationRequest,
  type OrganizationRelationshipRequest,
  readFederationRequest,
  readOrganizationRelationshipRequest,
} from './soap-federation.ts';
import type { InvalidSoapRequest } from './soap-message.ts';
import { readUserSettingsRequest, type UserSettingsRequest } from './soap-user-settings.ts';

/** What the headers of a request carry to its answer. */
export type SoapRequestHeader = Pick<SoapMessage, 'version' | 'messageId' | 'requestedServerVersion'>;

type Operation<Name extends string, Request> = {
  readonly operation: Name;
  readonly header: SoapRequestHeader;
  /** `invalid` is answered by InvalidRequest within the operation's own response. */
  readonly request: Request | InvalidSoapRequest;
};

export type SoapRequest =
  | Operation<'GetUserSettings', UserSettingsRequest>
  | Operation<'GetDomainSettings', DomainSettingsRequest>
  | Operation<'GetFederationInformation', FederationRequest>
  | Operation<'GetOrganizationRelationshipSettings', OrganizationRelationshipRequest>;

/** Reads a request, or says which Fault answers it (HTTP 500, `renderSoapFault`). */
export function parseSoapRequest(
  body: Uint8Array,
  contentType?: string,
): SoapRequest | { readonly soapFault: SoapFault; readonly header?: SoapRequestHeader } {
  const message = parseSoapEnvelope(body, contentType);
  if ('soapFault' in message) return message;
  const { version, messageId, requestedServerVersion } = message;
  const header = { version, messageId, requestedServerVersion };
  switch (message.operation) {
    case 'GetUserSettingsRequestMessage':
      return { operation: 'GetUserSettings', header, request: readUserSettingsRequest(message.body) };
    case 'GetDomainSettingsRequestMessage':
      return { operation: 'GetDomainSettings', header, request: readDomainSettingsRequest(message.body) };
    case 'GetFederationInformationRequestMessage':
      return { operation: 'GetFederationInformation', header, request: readFederationRequest(message.body) };
    case 'GetOrganizationRelationshipSettingsRequestMessage':
      return {
        operation: 'GetOrganizationRelationshipSettings',
        header,
        request: readOrganizationRelationshipRequest(message.body),
      };
    default: {
      const detail = `operation <${message.operation.slice(0, 80)}>`;
      return {
        soapFault: { code: 'ActionNotSupported', reason: 'The operation is not supported.', detail },
        header,
      };
    }
  }
}
