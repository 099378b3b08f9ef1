// The line an exchange of the SOAP service leaves in the log says what the client was told.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { basic, elementText, XML_TYPE } from '../bed.ts';
import { servedDemo } from '../served-demo.ts';
import { alice, envelope, userSettings, wanted } from '../wire/soap-samples.ts';

const of = (operation: string, content: string) =>
  `<a:${operation}RequestMessage><a:Request>${content}</a:Request></a:${operation}RequestMessage>`;
const domains = (names: string) => `<a:Domains>${names}</a:Domains>`;
const ours = '<a:Domain>contoso.test</a:Domain>';
const ews = `<a:RequestedSettings>${wanted('ExternalEwsUrl')}</a:RequestedSettings>`;

const ROWS: readonly (readonly [body: string, errorCode: string, outcome: string])[] = [
  [userSettings(alice, wanted('UserDN')), 'NoError', 'settings'],
  [userSettings('', wanted('UserDN')), 'InvalidRequest', 'invalid-request'],
  [of('GetDomainSettings', domains(ours) + ews), 'NoError', 'settings'],
  [of('GetDomainSettings', domains('') + ews), 'InvalidRequest', 'invalid-request'],
  [of('GetFederationInformation', ours), 'NotFederated', 'not federated'],
  [of('GetFederationInformation', ''), 'InvalidRequest', 'invalid-request'],
  [of('GetOrganizationRelationshipSettings', domains(ours)), 'NotFederated', 'not federated'],
  [of('GetOrganizationRelationshipSettings', domains('')), 'InvalidRequest', 'invalid-request'],
];

describe('the SOAP service', () => {
  const demo = servedDemo();
  for (const [body, errorCode, outcome] of ROWS) {
    const operation = /<a:(\w+)RequestMessage>/.exec(body)?.[1];
    test(`${operation}: ${errorCode} is logged as ${outcome} ([WSREF] errorcode-soap ErrorCode)`, async () => {
      const reply = await demo.send({
        path: '/autodiscover/autodiscover.svc',
        headers: { authorization: basic('alice@contoso.test'), 'content-type': XML_TYPE },
        body: envelope(body),
      });
      const line = demo.bed.log.at(-1);
      assert.deepEqual(
        [reply.status, elementText(reply.body, 'ErrorCode'), line?.operation, line?.outcome],
        [200, errorCode, operation, outcome],
      );
      assert.equal(line?.reason !== undefined, errorCode === 'InvalidRequest');
    });
  }
});
