// GetFederationInformation and GetOrganizationRelationshipSettings. An Exchange 2010 organisation without a federation trust says
// NotFederated to both, and that is all this service has to say; the reader understands a federated server's answer as well.
// [WSREF] getfederationinformation-operation-soap GetFederationInformation
import { normalizeDomain } from './address.ts';
import type { SoapErrorText } from './error-codes.ts';
import { renderSoapAnswer, renderSoapRequest, type SoapContext } from './soap-envelope.ts';
import {
  type InvalidSoapRequest,
  openAnswer,
  readError,
  requestBody,
  responseBody,
  type SoapErrorReading,
  type SoapFailure,
} from './soap-message.ts';
import { childText, findChild, findChildren, type XmlElement } from './xml.ts';
import { leaf, parent } from './xml-writer.ts';

const FEDERATION = 'GetFederationInformation';
const RELATIONSHIP = 'GetOrganizationRelationshipSettings';

/** The error both operations end in here. */
const NOT_FEDERATED: SoapErrorText = { code: 'NotFederated', message: 'The organization is not federated.' };

export interface FederationRequest {
  /** In A-labels. */
  readonly domain: string;
}

export interface OrganizationRelationshipRequest {
  /** In A-labels; what is no domain name is left out. */
  readonly domains: readonly string[];
}

export interface TokenIssuer {
  readonly endpoint: string | undefined;
  readonly uri: string | undefined;
}

export type FederationResponse =
  | {
      readonly kind: 'answer';
      readonly error: SoapErrorReading;
      readonly applicationUri: string | undefined;
      readonly tokenIssuers: readonly TokenIssuer[];
      readonly domains: readonly string[];
    }
  | SoapFailure;

export type OrganizationRelationshipResponse =
  | { readonly kind: 'answer'; readonly error: SoapErrorReading }
  | SoapFailure;

export function readFederationRequest(body: XmlElement): FederationRequest | InvalidSoapRequest {
  const domain = normalizeDomain(childText(findChild(body, 'Request'), 'Domain') ?? '');
  return domain ? { domain } : { invalid: 'The request names no domain.' };
}

export function renderFederationRequest(domain: string, options: { readonly to?: string } = {}): string {
  return renderSoapRequest(FEDERATION, requestBody(FEDERATION, [leaf('Domain', domain)]), options);
}

/** Renders NotFederated, or the error given. */
export function renderFederationResponse(context: SoapContext, error: SoapErrorText = NOT_FEDERATED): string {
  return renderSoapAnswer(`${FEDERATION}Response`, responseBody(FEDERATION, error, []), context);
}

export function parseFederationResponse(xml: Uint8Array | string, contentType?: string): FederationResponse {
  const opened = openAnswer(FEDERATION, xml, contentType);
  if (opened.kind !== 'answer') return opened;
  const { response } = opened;
  return {
    kind: 'answer',
    error: readError(response),
    applicationUri: childText(response, 'ApplicationUri'),
    tokenIssuers: findChildren(findChild(response, 'TokenIssuers'), 'TokenIssuer').map((issuer) => ({
      endpoint: childText(issuer, 'Endpoint'),
      uri: childText(issuer, 'Uri'),
    })),
    domains: findChildren(findChild(response, 'Domains'), 'Domain').map((domain) => domain.text.trim()),
  };
}

export function readOrganizationRelationshipRequest(
  body: XmlElement,
): OrganizationRelationshipRequest | InvalidSoapRequest {
  const written = findChildren(findChild(findChild(body, 'Request'), 'Domains'), 'Domain');
  const domains = written.map((domain) => normalizeDomain(domain.text)).filter((domain) => domain !== undefined);
  return domains.length > 0 ? { domains } : { invalid: 'The request names no domain.' };
}

export function renderOrganizationRelationshipRequest(
  domains: readonly string[],
  options: { readonly to?: string } = {},
): string {
  const body = requestBody(RELATIONSHIP, [
    parent(
      'Domains',
      domains.map((domain) => leaf('Domain', domain)),
    ),
  ]);
  return renderSoapRequest(RELATIONSHIP, body, options);
}

/** Renders NotFederated, or the error given. */
export function renderOrganizationRelationshipResponse(
  context: SoapContext,
  error: SoapErrorText = NOT_FEDERATED,
): string {
  return renderSoapAnswer(`${RELATIONSHIP}Response`, responseBody(RELATIONSHIP, error, []), context);
}

export function parseOrganizationRelationshipResponse(
  xml: Uint8Array | string,
  contentType?: string,
): OrganizationRelationshipResponse {
  const opened = openAnswer(RELATIONSHIP, xml, contentType);
  return opened.kind === 'answer' ? { kind: 'answer', error: readError(opened.response) } : opened;
}
