// POST /autodiscover/autodiscover.svc: envelope -> operation -> resolve -> envelope. Dispatches on the body's first element; headers and
// SOAPAction are optional. GET shows the service description.

import type { Account } from '../../ldap/recipient.ts';
import { organizationUrls, organizationVersion, servesDomain } from '../settings/organization-facts.ts';
import { casVersion } from '../settings/server-version.ts';
import type { DiscoverResult } from '../settings/user-settings.ts';
import type { SoapErrorText } from '../wire/error-codes.ts';
import { inDialect } from '../wire/service-file.ts';
import {
  type DomainResult,
  readDomainSettingsRequest,
  renderDomainSettingsResponse,
} from '../wire/soap-domain-settings.ts';
import {
  renderSoapFault,
  type SoapContext,
  type SoapFault,
  type SoapMessage,
  type SoapVersion,
  serverVersionInfo,
  soapContentType,
} from '../wire/soap-envelope.ts';
import {
  readFederationRequest,
  readOrganizationRelationshipRequest,
  renderFederationResponse,
  renderOrganizationRelationshipResponse,
} from '../wire/soap-federation.ts';
import { type InvalidSoapRequest, invalidRequest } from '../wire/soap-message.ts';
import { renderUserSettingsResponse } from '../wire/soap-user-settings.ts';
import { renderServicePage, renderWsdl } from '../wire/soap-wsdl.ts';
import type { AppDependencies } from './dependencies.ts';
import {
  accountOf,
  bodyOf,
  contextOf,
  type ExchangeRecord,
  type Request,
  type Response,
  targetOf,
} from './exchange-context.ts';
import { askAgainLater, type Route } from './gate.ts';
import { resolveFor } from './mailbox-access.ts';
import { logFields } from './pox-route.ts';
import { endWith } from './send.ts';
import { readSoapEnvelope, readUsers } from './soap-reading.ts';

export function soapRoute(dependencies: AppDependencies): Route {
  return async (request, response) => {
    const { record } = contextOf(request);
    record.dialect = 'soap';
    response.setHeader('Cache-Control', 'private');
    if (request.method !== 'POST') return describe(request, response, dependencies.publicUrl, record);
    const message = readSoapEnvelope(bodyOf(request), request.headers['content-type']);
    if ('soapFault' in message) return sendFault(response, message.soapFault, '1.1', record);
    const later = (results: readonly DiscoverResult[]) => askAgainLater(response, results);
    const xml = await answer(message, dependencies, record, accountOf(request), later);
    if (typeof xml !== 'string') return sendFault(response, xml, message.version, record);
    send(response, 200, xml, message.version);
  };
}

/** The answer's text, or the Fault for an operation that does not exist. */
async function answer(
  message: SoapMessage,
  dependencies: AppDependencies,
  record: ExchangeRecord,
  account: Account,
  onResults: (results: readonly DiscoverResult[]) => void,
): Promise<string | SoapFault> {
  const { versionNumber, revision } = organizationVersion(dependencies.directory.organization());
  const context: SoapContext = {
    serverVersionInfo: serverVersionInfo(versionNumber, revision),
    version: message.version,
    relatesTo: message.messageId,
  };
  record.operation = message.operation.replace(/RequestMessage$/, '');
  switch (message.operation) {
    case 'GetUserSettingsRequestMessage':
      return userSettings(message, dependencies, context, record, account, onResults);
    case 'GetDomainSettingsRequestMessage':
      return domainSettings(message, dependencies, context, record);
    case 'GetFederationInformationRequestMessage': {
      const asked = readFederationRequest(message.body);
      if ('invalid' in asked) return renderFederationResponse(context, refused(asked, record));
      record.outcome = 'not federated';
      return renderFederationResponse(context);
    }
    case 'GetOrganizationRelationshipSettingsRequestMessage': {
      const asked = readOrganizationRelationshipRequest(message.body);
      if ('invalid' in asked) return renderOrganizationRelationshipResponse(context, refused(asked, record));
      record.outcome = 'not federated';
      return renderOrganizationRelationshipResponse(context);
    }
    default:
      return {
        code: 'ActionNotSupported',
        reason: 'The operation is not supported by this service.',
        detail: `unknown operation ${message.operation.slice(0, 100)}`,
      };
  }
}

/** Content that cannot be used, whatever the operation. */
function refused(asked: InvalidSoapRequest, record: ExchangeRecord): SoapErrorText {
  Object.assign(record, { outcome: 'invalid-request', reason: asked.invalid });
  return invalidRequest(asked);
}

async function userSettings(
  message: SoapMessage,
  dependencies: AppDependencies,
  context: SoapContext,
  record: ExchangeRecord,
  account: Account,
  onResults: (results: readonly DiscoverResult[]) => void,
): Promise<string> {
  const asked = readUsers(message.body);
  if ('invalid' in asked) return renderUserSettingsResponse(refused(asked, record), context);
  const resolutions = await Promise.all(
    asked.users.map(async ({ address }) => {
      if (address === undefined) return { result: NOT_AN_ADDRESS, trace: undefined };
      return resolveFor(account, { emailAddress: address, legacyDn: undefined }, dependencies);
    }),
  );
  record.target = asked.users.map((user) => user.address ?? '(no address)').join(', ');
  const results = resolutions.map(({ result }) => inSoap(result));
  onResults(results);
  if (results.length === 1 && results[0]) Object.assign(record, logFields(results[0]));
  else record.outcome = summary(results);
  record.trace = resolutions.flatMap(({ trace }) => trace?.steps ?? []);
  return renderUserSettingsResponse({ results, settings: asked.settings }, context);
}

const NOT_AN_ADDRESS: DiscoverResult = { action: 'error', fault: 'unknown-address', detail: 'not an e-mail address' };

/** The configured URL of another version is that of its POX service as a rule. */
function inSoap(result: DiscoverResult): DiscoverResult {
  return result.action === 'redirectUrl' ? { ...result, url: inDialect(new URL(result.url), 'soap').href } : result;
}

/** `98 settings, 2 unknown-address`. */
function summary(results: readonly DiscoverResult[]): string {
  const counts = Map.groupBy(results, (result) => (result.action === 'error' ? result.fault : result.action));
  return [...counts].map(([outcome, group]) => `${group.length} ${outcome}`).join(', ');
}

function domainSettings(
  message: SoapMessage,
  { directory, resolveOptions, domains }: AppDependencies,
  context: SoapContext,
  record: ExchangeRecord,
): string {
  const asked = readDomainSettingsRequest(message.body);
  if ('invalid' in asked) return renderDomainSettingsResponse(refused(asked, record), context);
  const index = directory.organization();
  const { ews } = organizationUrls(index, resolveOptions.externalSite);
  const { versionNumber, revision } = organizationVersion(index);
  const settings =
    ews === undefined ? {} : { ExternalEwsUrl: ews, ExternalEwsVersion: casVersion(versionNumber, revision) };
  const results = asked.domains.map(({ domain }): DomainResult => {
    if (domain !== undefined && servesDomain(index, domain, domains)) return { action: 'settings', settings };
    return { action: 'error', fault: 'invalid-domain' };
  });
  record.target = asked.domains.map(({ domain }) => domain ?? '(no domain)').join(', ');
  record.outcome = results.every(({ action }) => action === 'settings') ? 'settings' : 'invalid-domain';
  return renderDomainSettingsResponse({ results, settings: asked.settings }, context);
}

function describe(request: Request, response: Response, publicUrl: string, record: ExchangeRecord): void {
  const url = new URL('/autodiscover/autodiscover.svc', publicUrl).href;
  const query = new URLSearchParams(/\?(.*)/s.exec(targetOf(request))?.[1]);
  const wsdl = [...query.keys()].some((name) => ['wsdl', 'singlewsdl'].includes(name.toLowerCase()));
  record.outcome = wsdl ? 'service description' : 'service page';
  const page = wsdl ? renderWsdl(url) : renderServicePage(url);
  const headers = { 'Content-Type': wsdl ? 'text/xml; charset=utf-8' : 'text/html; charset=utf-8' };
  endWith(response, 200, headers, Buffer.from(page));
}

function sendFault(response: Response, fault: SoapFault, version: SoapVersion, record: ExchangeRecord): void {
  Object.assign(record, { outcome: 'fault', reason: fault.detail });
  send(response, 500, renderSoapFault(fault, version), version);
}

function send(response: Response, status: number, xml: string, version: SoapVersion): void {
  endWith(response, status, { 'Content-Type': soapContentType(version) }, Buffer.from(xml));
}
