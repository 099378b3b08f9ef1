import assert from 'node:assert/strict';
import test from 'node:test';
import {
  parseFederationResponse,
  parseOrganizationRelationshipResponse,
  readFederationRequest,
  readOrganizationRelationshipRequest,
  renderFederationRequest,
  renderFederationResponse,
  renderOrganizationRelationshipRequest,
  renderOrganizationRelationshipResponse,
} from '../../../src/autodiscover/wire/soap-federation.ts';
import { soapContext } from './samples.ts';
import { AUTODISCOVER, envelope, open } from './soap-samples.ts';

test('requests without a domain are invalid', () => {
  const none = open(envelope('<a:X><a:Request><a:Domain>..</a:Domain></a:Request></a:X>')).body;
  assert.deepEqual(readFederationRequest(none), { invalid: 'The request names no domain.' });
  assert.deepEqual(readOrganizationRelationshipRequest(none), { invalid: 'The request names no domain.' });
});

test('the federation operations answer NotFederated, and are read back ([WSREF] getfederationinformation-operation-soap GetFederationInformation)', () => {
  const federation = open(renderFederationRequest('Contoso.test'));
  assert.equal(federation.operation, 'GetFederationInformationRequestMessage');
  assert.deepEqual(readFederationRequest(federation.body), { domain: 'contoso.test' });
  const information = parseFederationResponse(renderFederationResponse(soapContext));
  assert.ok(information.kind === 'answer' && information.error.code === 'NotFederated');
  const relationship = open(renderOrganizationRelationshipRequest(['contoso.test', '..', 'Fabrikam.test']));
  assert.equal(relationship.operation, 'GetOrganizationRelationshipSettingsRequestMessage');
  assert.deepEqual(readOrganizationRelationshipRequest(relationship.body), {
    domains: ['contoso.test', 'fabrikam.test'],
  });
  const settingsOf = parseOrganizationRelationshipResponse(renderOrganizationRelationshipResponse(soapContext));
  assert.ok(settingsOf.kind === 'answer' && settingsOf.error.code === 'NotFederated');
});

test("a federated server's answer is read", () => {
  const xml = envelope(
    `<GetFederationInformationResponseMessage xmlns="${AUTODISCOVER}"><Response><ErrorCode>NoError</ErrorCode><ErrorMessage/><ApplicationUri>fabrikam.test</ApplicationUri><TokenIssuers><TokenIssuer><Endpoint>https://sts.test/</Endpoint><Uri>urn:federation:x</Uri></TokenIssuer></TokenIssuers><Domains><Domain>fabrikam.test</Domain></Domains></Response></GetFederationInformationResponseMessage>`,
  );
  assert.deepEqual(parseFederationResponse(xml), {
    kind: 'answer',
    error: { code: 'NoError', message: '' },
    applicationUri: 'fabrikam.test',
    tokenIssuers: [{ endpoint: 'https://sts.test/', uri: 'urn:federation:x' }],
    domains: ['fabrikam.test'],
  });
});
