// Every kind of rendered document beside its expected text in cases/. After a wanted change: `npm run golden`, then read the diff.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { UserSettingName } from '../../../src/autodiscover/settings/user-settings.ts';
import { AUTODISCOVER_FAULTS } from '../../../src/autodiscover/settings/user-settings.ts';
import { answerJsonRequest } from '../../../src/autodiscover/wire/json-redirect.ts';
import { renderPoxRequest } from '../../../src/autodiscover/wire/pox-request.ts';
import { renderPoxResponse } from '../../../src/autodiscover/wire/pox-response.ts';
import {
  renderDomainSettingsRequest,
  renderDomainSettingsResponse,
} from '../../../src/autodiscover/wire/soap-domain-settings.ts';
import { renderSoapFault } from '../../../src/autodiscover/wire/soap-envelope.ts';
import {
  renderFederationRequest,
  renderFederationResponse,
  renderOrganizationRelationshipRequest,
  renderOrganizationRelationshipResponse,
} from '../../../src/autodiscover/wire/soap-federation.ts';
import {
  renderUserSettingsRequest,
  renderUserSettingsResponse,
} from '../../../src/autodiscover/wire/soap-user-settings.ts';
import { renderServicePage, renderWsdl } from '../../../src/autodiscover/wire/soap-wsdl.ts';
import {
  exHttpAnswer,
  failure,
  fullAnswer,
  fullSettings,
  mapiHttpAnswer,
  minimalAnswer,
  mobileContext,
  poxContext,
  settings,
  soapContext,
} from './samples.ts';

const CASES = join(import.meta.dirname, 'cases');
const REWRITE = process.argv.includes('--rewrite-golden');

const everySetting = Object.keys(fullSettings) as UserSettingName[];
const redirectAddr = { action: 'redirectAddr', address: 'ken@fabrikam.test' } as const;
const redirectUrl = {
  action: 'redirectUrl',
  url: 'https://autodiscover.fabrikam.test/autodiscover/autodiscover.xml',
} as const;
const svc = 'https://autodiscover.contoso.test/autodiscover/autodiscover.svc';
const twoSettings = ['InternalRpcClientServer', 'ExternalEwsUrl'] as const;

const documents: Readonly<Record<string, () => string>> = {
  'pox-request.xml': () =>
    renderPoxRequest({ schema: 'outlook', emailAddress: 'alice@contoso.test', legacyDn: undefined }),
  'pox-request-legacy-dn.xml': () =>
    renderPoxRequest({ schema: 'outlook', emailAddress: undefined, legacyDn: fullSettings.UserDN }),
  'mobilesync-request.xml': () =>
    renderPoxRequest({ schema: 'mobilesync', emailAddress: 'alice@contoso.test', legacyDn: undefined }),
  'pox-full.xml': () => renderPoxResponse(settings(fullAnswer), poxContext),
  'pox-minimal.xml': () => renderPoxResponse(settings(minimalAnswer), poxContext),
  'pox-mapi-http.xml': () => renderPoxResponse(settings(mapiHttpAnswer), poxContext),
  'pox-ex-http.xml': () => renderPoxResponse(settings(exHttpAnswer), poxContext),
  'pox-redirect-addr.xml': () => renderPoxResponse(redirectAddr, poxContext),
  'pox-redirect-url.xml': () => renderPoxResponse(redirectUrl, poxContext),
  ...Object.fromEntries(
    AUTODISCOVER_FAULTS.flatMap((fault) => [
      [`pox-error-${fault}.xml`, () => renderPoxResponse(failure(fault), poxContext)],
      [`mobilesync-error-${fault}.xml`, () => renderPoxResponse(failure(fault), mobileContext)],
    ]),
  ),
  'mobilesync-full.xml': () => renderPoxResponse(settings(fullAnswer), mobileContext),
  'mobilesync-without-url.xml': () => renderPoxResponse(settings(minimalAnswer), mobileContext),
  'mobilesync-redirect.xml': () => renderPoxResponse(redirectAddr, mobileContext),
  'soap-user-settings-request.xml': () =>
    renderUserSettingsRequest(['alice@contoso.test', 'bob@contoso.test'], twoSettings, {
      to: svc,
      messageId: 'urn:uuid:6389558d-9e05-465e-ade9-aae14c4bcd10',
    }),
  'soap-user-settings.xml': () =>
    renderUserSettingsResponse({ results: [settings(fullAnswer)], settings: everySetting }, soapContext),
  'soap-user-settings-several.xml': () =>
    renderUserSettingsResponse(
      {
        results: [
          settings(minimalAnswer),
          redirectAddr,
          redirectUrl,
          ...AUTODISCOVER_FAULTS.map((fault) => failure(fault)),
        ],
        settings: twoSettings,
      },
      { ...soapContext, relatesTo: 'urn:uuid:6389558d-9e05-465e-ade9-aae14c4bcd10' },
    ),
  'soap-user-settings-invalid.xml': () =>
    renderUserSettingsResponse({ code: 'InvalidRequest', message: 'The request names no user.' }, soapContext),
  'soap-domain-settings-request.xml': () => renderDomainSettingsRequest(['contoso.test']),
  'soap-domain-settings.xml': () =>
    renderDomainSettingsResponse(
      {
        results: [
          { action: 'settings', settings: { ExternalEwsUrl: 'https://mail.contoso.test/EWS/Exchange.asmx' } },
          { action: 'redirectAddr', domain: 'fabrikam.test' },
          { action: 'error', fault: 'invalid-domain' },
          { action: 'error', fault: 'server-error' },
        ],
        settings: ['ExternalEwsUrl', 'ExternalEwsVersion'],
      },
      soapContext,
    ),
  'soap-federation-request.xml': () => renderFederationRequest('contoso.test', { to: svc }),
  'soap-federation.xml': () => renderFederationResponse(soapContext),
  'soap-organization-relationship-request.xml': () => renderOrganizationRelationshipRequest(['contoso.test']),
  'soap-organization-relationship.xml': () => renderOrganizationRelationshipResponse(soapContext),
  'soap-fault-1.1.xml': () => renderSoapFault({ code: 'Client', reason: 'The SOAP body is empty.', detail: '-' }),
  'soap-fault-1.2.xml': () =>
    renderSoapFault({ code: 'Client', reason: 'The SOAP body is empty.', detail: '-' }, '1.2'),
  'soap-fault-action.xml': () =>
    renderSoapFault({ code: 'ActionNotSupported', reason: 'The operation is not supported.', detail: '-' }, '1.2'),
  'service.wsdl': () => renderWsdl(svc),
  'service.html': () => renderServicePage(svc),
  'json-ews.json': () => json('Ews'),
  'json-unsupported.json': () => json('Rest<script>'),
};

function json(protocol: string): string {
  const urls = { Ews: 'https://mail.contoso.test/EWS/Exchange.asmx', ActiveSync: undefined };
  return answerJsonRequest({ address: 'alice@contoso.test', protocol, redirectCount: undefined }, urls).body;
}

/** Which clause a document is an example of, by the beginning of its name. */
const CLAUSES: readonly (readonly [RegExp, string])[] = [
  [/^pox-(full|minimal)/, '[MS-OXDSCLI] 2.2.4.1.1.2.6 Protocol, [MS-OXDSCLI] 2.2.4.1.1.2.5 AlternativeMailbox'],
  [/^pox-mapi-http/, '[MS-OXDSCLI] 3.1.4 X-MapiHttpCapability'],
  [/^pox-redirect-addr/, '[MS-OXDSCLI] 2.2.4.1.1.2.8 RedirectAddr'],
  [/^pox-redirect-url/, '[MS-OXDSCLI] 2.2.4.1.1.2.9 RedirectUrl'],
  [/^pox-error/, '[MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode'],
  [/^pox-request-legacy/, '[MS-OXDSCLI] 2.2.3.1.1.3 LegacyDN'],
  [/^pox-request\./, '[MS-OXDSCLI] 2.2.3.1.1.2 EMailAddress'],
  [/^mobilesync-request/, '[MS-ASCMD] 2.2.1.1 Autodiscover'],
  [/^mobilesync-redirect/, '[MS-ASCMD] 2.2.3.147 Redirect'],
  [/^mobilesync-error/, '[MS-ASCMD] 2.2.3.64 Error, [MS-ASCMD] 2.2.3.177.1 Status'],
  [/^mobilesync-full/, '[MS-ASCMD] 2.2.3.164 Server'],
  [/^soap-user-settings/, '[WSREF] getusersettings-operation-soap GetUserSettings'],
  [/^soap-domain-settings/, '[WSREF] getdomainsettings-operation-soap GetDomainSettings'],
  [/^soap-federation/, '[WSREF] getfederationinformation-operation-soap GetFederationInformation'],
];

function clausesOf(name: string): string {
  const clause = CLAUSES.find(([pattern]) => pattern.test(name))?.[1];
  return clause === undefined ? '' : ` (${clause})`;
}

for (const [name, render] of Object.entries(documents)) {
  test(`cases/${name} is what is rendered${clausesOf(name)}`, () => {
    const file = join(CASES, name);
    const text = render();
    if (REWRITE) writeFileSync(file, text);
    assert.ok(existsSync(file), `${name} is missing: npm run golden`);
    assert.equal(text, readFileSync(file, 'utf8'));
  });
}

test('cases/ holds no file that nothing renders', () => {
  assert.deepEqual(readdirSync(CASES).sort(), Object.keys(documents).sort());
});
