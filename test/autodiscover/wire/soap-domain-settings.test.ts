import assert from 'node:assert/strict';
import test from 'node:test';
import {
  parseDomainSettingsResponse,
  readDomainSettingsRequest,
  renderDomainSettingsRequest,
  renderDomainSettingsResponse,
  SOAP_DOMAIN_LIMIT,
} from '../../../src/autodiscover/wire/soap-domain-settings.ts';
import { soapContext } from './samples.ts';
import { envelope, open } from './soap-samples.ts';

const domains = (count: number, settings = ''): string =>
  `<a:GetDomainSettingsRequestMessage><a:Request><a:Domains>${'<a:Domain>contoso.test</a:Domain>'.repeat(count)}</a:Domains>${settings}</a:Request></a:GetDomainSettingsRequestMessage>`;
const invalid = (name: string, content: string, message: RegExp): void => {
  test(`answers InvalidRequest to ${name} ([WSREF] errorcode-soap ErrorCode)`, () => {
    const request = readDomainSettingsRequest(open(envelope(content)).body);
    if (!('invalid' in request)) assert.fail('accepted');
    assert.match(request.invalid, message);
  });
};

invalid('no Request', '<a:GetDomainSettingsRequestMessage/>', /no domain/);
invalid('no domains', domains(0), /no domain/);
invalid('101 domains', domains(SOAP_DOMAIN_LIMIT + 1), /more than 100 domains/);
invalid('domains without settings', domains(1), /no setting/);
invalid(
  'domains with blank settings',
  domains(1, '<a:RequestedSettings><a:Setting> </a:Setting></a:RequestedSettings>'),
  /no setting/,
);

test('settings of other servers are set aside', () => {
  const names =
    '<a:RequestedSettings><a:Setting>X</a:Setting><a:Setting>ExternalEwsVersion</a:Setting></a:RequestedSettings>';
  const request = readDomainSettingsRequest(open(envelope(domains(1, names))).body);
  assert.ok('domains' in request);
  assert.deepEqual([request.settings, request.unknownSettings], [['ExternalEwsVersion'], ['X']]);
});

test('GetDomainSettings goes there and back ([WSREF] getdomainsettings-operation-soap GetDomainSettings)', () => {
  const message = open(renderDomainSettingsRequest(['Contoso.test', 'b ad'], ['ExternalEwsUrl']));
  assert.equal(message.operation, 'GetDomainSettingsRequestMessage');
  const request = readDomainSettingsRequest(message.body);
  if ('invalid' in request) assert.fail(request.invalid);
  assert.deepEqual(request, {
    domains: [
      { written: 'Contoso.test', domain: 'contoso.test' },
      { written: 'b ad', domain: undefined },
    ],
    settings: ['ExternalEwsUrl'],
    unknownSettings: [],
  });
  const url = 'https://mail.contoso.test/EWS/Exchange.asmx';
  const xml = renderDomainSettingsResponse(
    {
      results: [
        { action: 'settings', settings: { ExternalEwsUrl: url, ExternalEwsVersion: '14.3' } },
        { action: 'error', fault: 'invalid-domain' },
        { action: 'redirectUrl', url: 'https://b.test/' },
      ],
      settings: request.settings,
    },
    soapContext,
  );
  const parsed = parseDomainSettingsResponse(xml);
  if (parsed.kind !== 'answer') assert.fail(JSON.stringify(parsed));
  assert.deepEqual(
    parsed.domains.map((entry) => [entry.error.code, entry.settings, entry.redirectTarget]),
    [
      ['NoError', { ExternalEwsUrl: url }, undefined],
      ['InvalidDomain', {}, undefined],
      ['RedirectUrl', {}, 'https://b.test/'],
    ],
  );
});
