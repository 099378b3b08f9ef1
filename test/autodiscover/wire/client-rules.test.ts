// What real clients impose on an answer, client by client. Each test fails when a change would break that client.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { AUTODISCOVER_FAULTS, type UserSettingName } from '../../../src/autodiscover/settings/user-settings.ts';
import { POX_CONTENT_TYPE, renderPoxResponse } from '../../../src/autodiscover/wire/pox-response.ts';
import { renderSoapFault } from '../../../src/autodiscover/wire/soap-envelope.ts';
import { renderUserSettingsResponse } from '../../../src/autodiscover/wire/soap-user-settings.ts';
import { parseXml, XML_LIMITS, type XmlElement } from '../../../src/autodiscover/wire/xml.ts';
import { mailboxAnswer } from './arbitrary.ts';
import {
  exHttpAnswer,
  failure,
  fullAnswer,
  fullSettings,
  mapiHttpAnswer,
  minimalAnswer,
  poxContext,
  settings,
  soapContext,
} from './samples.ts';

const BASE = 'http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006';
const OUTLOOK = 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a';
const RUNS = { numRuns: 100 };

const answers = [fullAnswer, minimalAnswer, mapiHttpAnswer, exHttpAnswer];
const documents = [
  ...answers.map((answer) => renderPoxResponse(settings(answer), poxContext)),
  renderPoxResponse({ action: 'redirectAddr', address: 'ken@fabrikam.test' }, poxContext),
  ...AUTODISCOVER_FAULTS.map((fault) => renderPoxResponse(failure(fault), poxContext)),
];

/** The element tree, with every element in one flat list. */
function elements(xml: string): readonly XmlElement[] {
  const parsed = parseXml(xml, XML_LIMITS.response);
  if ('fault' in parsed) assert.fail(parsed.fault.message);
  const found: XmlElement[] = [parsed.root];
  for (const element of found) found.push(...element.children);
  return found;
}

const named = (xml: string, local: string): readonly XmlElement[] => elements(xml).filter((e) => e.local === local);
const childTexts = (element: XmlElement, local: string): readonly string[] =>
  element.children.filter((child) => child.local === local).map((child) => child.text);

test('DavMail: the Content-Type is this string and no other', () => {
  assert.equal(POX_CONTENT_TYPE, 'text/xml; charset=utf-8');
});

test('EWS Managed API, exchangelib: every POX document starts with an XML declaration', () => {
  for (const xml of documents) assert.match(xml, /^<\?xml version="1\.0" encoding="utf-8"\?>\n<Autodiscover /);
});

test('exchangelib: settings are in the outlook namespace under a root in the base one, both http:', () => {
  for (const answer of answers) {
    const [root, response] = elements(renderPoxResponse(settings(answer), poxContext));
    assert.deepEqual([root?.local, root?.namespace], ['Autodiscover', BASE]);
    assert.deepEqual([response?.local, response?.namespace], ['Response', OUTLOOK]);
  }
});

test('exchangelib: Response and Error of an error answer are in the base namespace ([MS-OXDSCLI] 2.2.4.1.1.3 Error)', () => {
  for (const fault of AUTODISCOVER_FAULTS) {
    for (const element of elements(renderPoxResponse(failure(fault), poxContext)))
      assert.equal(element.namespace, BASE);
  }
});

test('exchangelib: an unknown mailbox is code 500 with the text it looks for ([MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode)', () => {
  const xml = renderPoxResponse(failure('unknown-address'), poxContext);
  assert.equal(named(xml, 'ErrorCode')[0]?.text, '500');
  assert.equal(named(xml, 'Message')[0]?.text, 'The e-mail address cannot be found.');
});

test('EWS Managed API: one block each of EXCH, EXPR, WEB, and one of any other kind ([MS-OXDSCLI] 2.2.4.1.1.2.6 Protocol)', () => {
  fc.assert(
    fc.property(mailboxAnswer, (answer) => {
      const account = named(renderPoxResponse(settings(answer), poxContext), 'Account')[0];
      const blocks = account?.children.filter((child) => child.local === 'Protocol') ?? [];
      const kinds = blocks.map((block) => childTexts(block, 'Type')[0] ?? block.attributes[0]?.value);
      assert.deepEqual(kinds, [...new Set(kinds)]);
      assert.equal(kinds[0], 'EXCH');
    }),
    RUNS,
  );
});

test('EWS Managed API: no mapiHttp block unless the answer holds one ([MS-OXDSCLI] 2.2.4.1.1.2.6 Protocol)', () => {
  for (const answer of [fullAnswer, minimalAnswer, exHttpAnswer]) {
    const blocks = named(renderPoxResponse(settings(answer), poxContext), 'Protocol');
    assert.ok(blocks.every((block) => block.attributes.length === 0 && childTexts(block, 'Type').length === 1));
  }
});

test('EWS Managed API: no empty Internal, External or Protocol, nor any other empty element', () => {
  fc.assert(
    fc.property(mailboxAnswer, (answer) => {
      const xml = renderPoxResponse(
        settings({ ...answer, settings: { ...answer.settings, InternalWebClientUrls: [] } }),
        poxContext,
      );
      for (const element of elements(xml)) {
        assert.ok(element.children.length > 0 || element.text !== '', `<${element.local}> is empty`);
      }
    }),
    RUNS,
  );
});

test('exchangelib, DavMail, Evolution: EwsUrl and ASUrl in every EXCH, EXPR and EXHTTP once any EWS URL is known ([MS-OXDSCLI] 2.2.4.1.1.2.6 Protocol)', () => {
  fc.assert(
    fc.property(mailboxAnswer, (answer) => {
      if (!answer.settings.InternalEwsUrl && !answer.settings.ExternalEwsUrl) return;
      const account = named(renderPoxResponse(settings(answer), poxContext), 'Account')[0];
      for (const block of account?.children.filter((child) => child.local === 'Protocol') ?? []) {
        if (!['EXCH', 'EXPR', 'EXHTTP'].includes(childTexts(block, 'Type')[0] ?? '')) continue;
        assert.equal(childTexts(block, 'EwsUrl').length, 1);
        assert.deepEqual(childTexts(block, 'EwsUrl'), childTexts(block, 'ASUrl'));
      }
    }),
    RUNS,
  );
});

test('DavMail: EwsUrl opens and closes on one line', () => {
  for (const answer of answers) {
    assert.match(renderPoxResponse(settings(answer), poxContext), /^\s*<EwsUrl>[^<\n]+<\/EwsUrl>$/m);
  }
});

test('Thunderbird: a side of the WEB block is printed only with an OWAUrl ([MS-OXDSCLI] 2.2.4.1.1.2.6 OWAUrl)', () => {
  fc.assert(
    fc.property(mailboxAnswer, (answer) => {
      const xml = renderPoxResponse(settings(answer), poxContext);
      for (const side of [...named(xml, 'Internal'), ...named(xml, 'External')]) {
        assert.ok(childTexts(side, 'OWAUrl').length > 0);
      }
    }),
    RUNS,
  );
});

test('EWS Managed API: Action is spelled exactly ([MS-OXDSCLI] 2.2.4.1.1.2.2 Action)', () => {
  const action = (xml: string): string | undefined => named(xml, 'Action')[0]?.text;
  assert.equal(action(renderPoxResponse(settings(minimalAnswer), poxContext)), 'settings');
  assert.equal(action(renderPoxResponse({ action: 'redirectAddr', address: 'a@b.test' }, poxContext)), 'redirectAddr');
  assert.equal(action(renderPoxResponse({ action: 'redirectUrl', url: 'https://b.test' }, poxContext)), 'redirectUrl');
});

test('EWS Managed API, exchangelib: the error stamp has seven decimals, and an unsigned number ([MS-OXDSCLI] 2.2.4.1.1.3 Error)', () => {
  const error = named(renderPoxResponse(failure('server-error'), { ...poxContext, serverId: -1 }), 'Error')[0];
  assert.deepEqual(
    error?.attributes.map((attribute) => attribute.value),
    ['09:41:27.0310000', '4294967295'],
  );
});

test('no error answer repeats the reason kept for the log ([MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode)', () => {
  for (const fault of AUTODISCOVER_FAULTS) {
    for (const schema of ['outlook', 'mobilesync'] as const) {
      assert.ok(!renderPoxResponse(failure(fault), { ...poxContext, schema }).includes('CN=DB1'));
    }
    const soap = renderUserSettingsResponse({ results: [failure(fault)], settings: ['UserDN'] }, soapContext);
    assert.ok(!soap.includes('CN=DB1'));
  }
});

const everySetting = Object.keys(fullSettings) as UserSettingName[];
const soap = renderUserSettingsResponse({ results: [settings(fullAnswer)], settings: everySetting }, soapContext);

test('exchangelib: a SOAP answer begins with <s:Envelope, faults included', () => {
  const fault = renderSoapFault({ code: 'Client', reason: 'x', detail: 'y' });
  for (const xml of [soap, fault]) assert.ok(xml.startsWith('<s:Envelope'));
});

test('EWS Managed API, ews-javascript-api: a SOAP answer has a Header ([WSREF] serverversioninfo-soap ServerVersionInfo)', () => {
  for (const xml of [soap, renderSoapFault({ code: 'Server', reason: 'x', detail: 'y' })]) {
    assert.deepEqual(
      elements(xml)[0]?.children.map((child) => child.local),
      ['Header', 'Body'],
    );
  }
});

test('EWS Managed API, ews-javascript-api: i:type is never prefixed ([WSREF] usersetting-soap UserSetting)', () => {
  const types = named(soap, 'UserSetting').map((element) => element.attributes[0]?.value);
  assert.equal(types.length, everySetting.length);
  assert.deepEqual([...new Set(types)].sort(), [
    'AlternateMailboxCollectionSetting',
    'ProtocolConnectionCollectionSetting',
    'StringSetting',
    'WebClientUrlCollectionSetting',
  ]);
});

test('EWS Managed API: one UserResponse per user, in order ([WSREF] userresponse-soap UserResponse)', () => {
  const results = Array.from({ length: 100 }, (_, index) =>
    index % 3 === 0
      ? failure('unknown-address')
      : { action: 'redirectAddr' as const, address: `u${index}@contoso.test` },
  );
  const xml = renderUserSettingsResponse({ results, settings: ['UserDN'] }, soapContext);
  assert.deepEqual(
    named(xml, 'UserResponse').map((response) => childTexts(response, 'RedirectTarget')[0]),
    results.map((result) => (result.action === 'redirectAddr' ? result.address : '')),
  );
});

test('exchangelib 4.9: UserSettingErrors stays empty though settings are missing ([WSREF] usersettingerror-soap UserSettingError)', () => {
  const xml = renderUserSettingsResponse({ results: [settings(minimalAnswer)], settings: everySetting }, soapContext);
  assert.deepEqual(
    named(xml, 'UserSettingErrors').map((element) => element.children.length),
    [0],
  );
});

test('exchangelib: no setting comes that was not asked for ([WSREF] requestedsettings-soap RequestedSettings)', () => {
  const wanted: UserSettingName[] = ['UserDN', 'InternalPop3Connections'];
  const xml = renderUserSettingsResponse({ results: [settings(fullAnswer)], settings: wanted }, soapContext);
  assert.deepEqual(
    named(xml, 'Name').map((element) => element.text),
    wanted,
  );
});
