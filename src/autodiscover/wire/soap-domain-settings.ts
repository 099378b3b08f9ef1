// GetDomainSettings: what is known of whole domains, which is the external EWS URL and its version. Requests and answers.
// [WSREF] getdomainsettings-operation-soap GetDomainSettings
import { normalizeDomain } from './address.ts';
import type { SoapErrorText } from './error-codes.ts';
import { renderSoapRequest, type ServerVersionInfo, type SoapContext } from './soap-envelope.ts';
import {
  type InvalidSoapRequest,
  openAnswer,
  readError,
  renderSubjectResponses,
  requestBody,
  type SoapErrorReading,
  type SoapFailure,
  type SubjectOutcome,
  subjectResponse,
} from './soap-message.ts';
import { childText, findChild, findChildren, type XmlElement } from './xml.ts';
import { leaf, parent, type XmlOutput } from './xml-writer.ts';

const OPERATION = 'GetDomainSettings';

/** Domains in one request; more are answered with InvalidRequest. */
export const SOAP_DOMAIN_LIMIT = 100;

/** Source: EWS Managed API, DomainSettingName. */
const DOMAIN_SETTINGS = ['ExternalEwsUrl', 'ExternalEwsVersion'] as const;
export type DomainSettingName = (typeof DOMAIN_SETTINGS)[number];
export type DomainSettings = { readonly [N in DomainSettingName]?: string };

/** One requested domain in A-labels, or undefined when what was written is none (answered with InvalidDomain). */
export interface RequestedDomain {
  readonly written: string;
  readonly domain: string | undefined;
}

export interface DomainSettingsRequest {
  readonly domains: readonly RequestedDomain[];
  readonly settings: readonly DomainSettingName[];
  readonly unknownSettings: readonly string[];
}

/** The outcome for one domain. `invalid-domain` is a domain this organisation does not serve. */
export type DomainResult =
  | { readonly action: 'settings'; readonly settings: DomainSettings }
  | { readonly action: 'redirectAddr'; readonly domain: string }
  | { readonly action: 'redirectUrl'; readonly url: string }
  | { readonly action: 'error'; readonly fault: 'invalid-domain' | 'server-error' };

export interface DomainSettingsReading {
  readonly error: SoapErrorReading;
  readonly redirectTarget: string | undefined;
  readonly settings: DomainSettings;
}

export type DomainSettingsResponse =
  | {
      readonly kind: 'answer';
      readonly error: SoapErrorReading;
      readonly domains: readonly DomainSettingsReading[];
      readonly serverVersionInfo: ServerVersionInfo | undefined;
    }
  | SoapFailure;

const DOMAIN_ERRORS: Readonly<Record<'invalid-domain' | 'server-error', SoapErrorText>> = {
  'invalid-domain': { code: 'InvalidDomain', message: 'The domain is not served here.' },
  'server-error': { code: 'InternalServerError', message: 'The request could not be processed. Try again later.' },
};

/** Reads the request from the body's first element. */
export function readDomainSettingsRequest(body: XmlElement): DomainSettingsRequest | InvalidSoapRequest {
  const request = findChild(body, 'Request');
  const domains = findChildren(findChild(request, 'Domains'), 'Domain').map((domain) => domain.text.trim());
  if (domains.length === 0) return { invalid: 'The request names no domain.' };
  if (domains.length > SOAP_DOMAIN_LIMIT)
    return { invalid: `The request names more than ${SOAP_DOMAIN_LIMIT} domains.` };
  const names = findChildren(findChild(request, 'RequestedSettings'), 'Setting').map((setting) => setting.text.trim());
  const wanted = [...new Set(names.filter((name) => name !== ''))];
  if (wanted.length === 0) return { invalid: 'The request names no setting.' };
  return {
    domains: domains.map((written) => ({ written, domain: normalizeDomain(written) })),
    settings: DOMAIN_SETTINGS.filter((name) => wanted.includes(name)),
    unknownSettings: wanted.filter((name) => !DOMAIN_SETTINGS.some((known) => known === name)),
  };
}

export function renderDomainSettingsRequest(
  domains: readonly string[],
  settings: readonly DomainSettingName[] = DOMAIN_SETTINGS,
  options: { readonly to?: string; readonly messageId?: string } = {},
): string {
  const body = requestBody(OPERATION, [
    parent(
      'Domains',
      domains.map((domain) => leaf('Domain', domain)),
    ),
    parent(
      'RequestedSettings',
      settings.map((name) => leaf('Setting', name)),
    ),
  ]);
  return renderSoapRequest(OPERATION, body, options);
}

/** Renders the answer: one DomainResponse per result, in order. */
export function renderDomainSettingsResponse(
  outcome:
    | { readonly results: readonly DomainResult[]; readonly settings: readonly DomainSettingName[] }
    | SoapErrorText,
  context: SoapContext,
): string {
  if (!('results' in outcome)) return renderSubjectResponses(OPERATION, 'Domain', outcome, context);
  const responses = outcome.results.map((result) => subjectResponse('Domain', domainOutcome(result, outcome.settings)));
  return renderSubjectResponses(OPERATION, 'Domain', { responses }, context);
}

function domainOutcome(result: DomainResult, wanted: readonly DomainSettingName[]): SubjectOutcome {
  switch (result.action) {
    case 'settings':
      return { settings: wanted.map((name) => renderSetting(name, result.settings[name])) };
    case 'redirectAddr':
      return { redirect: 'RedirectAddress', target: result.domain };
    case 'redirectUrl':
      return { redirect: 'RedirectUrl', target: result.url };
    case 'error':
      return { error: DOMAIN_ERRORS[result.fault] };
  }
}

function renderSetting(name: DomainSettingName, value: string | undefined): XmlOutput | undefined {
  if (!value) return undefined;
  return parent('DomainSetting', [leaf('Name', name), leaf('Value', value)], { 'i:type': 'DomainStringSetting' });
}

export function parseDomainSettingsResponse(xml: Uint8Array | string, contentType?: string): DomainSettingsResponse {
  const opened = openAnswer(OPERATION, xml, contentType);
  if (opened.kind !== 'answer') return opened;
  const { response, serverVersionInfo } = opened;
  const domains = findChildren(findChild(response, 'DomainResponses'), 'DomainResponse').map(readDomainResponse);
  return { kind: 'answer', error: readError(response), domains, serverVersionInfo };
}

function readDomainResponse(element: XmlElement): DomainSettingsReading {
  const settings: { [N in DomainSettingName]?: string } = {};
  for (const setting of findChildren(findChild(element, 'DomainSettings'), 'DomainSetting')) {
    const name = DOMAIN_SETTINGS.find((known) => known === childText(setting, 'Name'));
    const value = childText(setting, 'Value');
    if (name && value) settings[name] = value;
  }
  return { error: readError(element), redirectTarget: childText(element, 'RedirectTarget'), settings };
}
