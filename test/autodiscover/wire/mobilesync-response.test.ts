import assert from 'node:assert/strict';
import test from 'node:test';
import { AUTODISCOVER_FAULTS } from '../../../src/autodiscover/settings/user-settings.ts';
import { poxError } from '../../../src/autodiscover/wire/error-codes.ts';
import {
  type MobileSyncResponse,
  parseMobileSyncResponse,
  renderMobileSyncResponse,
} from '../../../src/autodiscover/wire/mobilesync-response.ts';
import { parseXml, XML_LIMITS } from '../../../src/autodiscover/wire/xml.ts';
import { failure, fullAnswer, minimalAnswer, mobileContext, settings } from './samples.ts';

const MOBILESYNC = 'http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006';
const render = (result: Parameters<typeof renderMobileSyncResponse>[0]): string =>
  renderMobileSyncResponse(result, mobileContext);

test('settings are read back ([MS-ASCMD] 2.2.3.164 Server)', () => {
  const url = fullAnswer.mobileSync.url;
  assert.deepEqual(parseMobileSyncResponse(render(settings(fullAnswer))), {
    action: 'settings',
    culture: 'en:us',
    displayName: fullAnswer.settings.UserDisplayName,
    emailAddress: 'alice@contoso.test',
    servers: [{ type: 'MobileSync', url, name: url }],
  });
});

test('[MS-ASCMD] 2.2.1.1 Autodiscover: Response is in the mobilesync namespace', () => {
  const parsed = parseXml(render(settings(fullAnswer)), XML_LIMITS.response);
  assert.ok('root' in parsed);
  assert.equal(parsed.root.children[0]?.namespace, MOBILESYNC);
});

test('without an ActiveSync URL there is no provider ([MS-ASCMD] 2.2.3.64 Error)', () => {
  assert.deepEqual(parseMobileSyncResponse(render(settings(minimalAnswer))), {
    action: 'error',
    code: 601,
    message: 'Provider is not available',
  });
});

test('[MS-ASCMD] 2.2.3.147 Redirect: an address', () => {
  const xml = render({ action: 'redirectAddr', address: 'ken@fabrikam.test' });
  assert.deepEqual(parseMobileSyncResponse(xml), { action: 'redirectAddr', address: 'ken@fabrikam.test' });
});

test('a redirection to a URL, which this schema cannot say, is an error and names no URL', () => {
  const xml = render({ action: 'redirectUrl', url: 'https://b.test/' });
  assert.equal(parseMobileSyncResponse(xml).action, 'error');
  assert.ok(!xml.includes('b.test'));
});

for (const fault of AUTODISCOVER_FAULTS) {
  test(`${fault}: a number for the request's faults, Status 2 for the mailbox's ([MS-ASCMD] 2.2.3.64 Error, [MS-ASCMD] 2.2.3.177.1 Status)`, () => {
    const { code, message } = poxError(fault);
    const expected = code === 600 || code === 601 ? code : 2;
    assert.deepEqual(parseMobileSyncResponse(render(failure(fault))), { action: 'error', code: expected, message });
  });
}

const response = (content: string): string => `<Autodiscover><Response>${content}</Response></Autodiscover>`;
const good = (name: string, xml: string, expected: MobileSyncResponse): void => {
  test(`reads ${name}`, () => assert.deepEqual(parseMobileSyncResponse(xml), expected));
};
const bad = (name: string, xml: string, detail: RegExp): void => {
  test(`finds malformed: ${name}`, () => {
    const parsed = parseMobileSyncResponse(xml);
    if (parsed.action !== 'malformed') assert.fail(parsed.action);
    assert.match(parsed.detail, detail);
  });
};

good(
  'a certificate server beside ActiveSync',
  response(
    '<Action><Settings><Server><Type>MobileSync</Type><Url>u</Url></Server><Server><Type>CertEnroll</Type><Url>c</Url><Name/></Server></Settings></Action>',
  ),
  {
    action: 'settings',
    culture: undefined,
    displayName: undefined,
    emailAddress: undefined,
    servers: [
      { type: 'MobileSync', url: 'u', name: undefined },
      { type: 'CertEnroll', url: 'c', name: undefined },
    ],
  },
);
bad('nothing', '', /empty/);
bad('HTML', '<html><body/></html>', /not an Autodiscover response/);
bad('no Action', response('<Culture>en:us</Culture>'), /neither Settings, Redirect nor Error/);
bad('an empty Action', response('<Action/>'), /neither Settings/);
bad('an error without status', response('<Action><Error/></Action>'), /no numeric <Status>/);
bad('an error with a word', response('<Error><ErrorCode>many</ErrorCode></Error>'), /no numeric <ErrorCode>/);
