import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { USER_SETTINGS, type UserSettingName } from '../../../src/autodiscover/settings/user-settings.ts';
import { serverVersionInfo } from '../../../src/autodiscover/wire/soap-envelope.ts';
import { renderFederationResponse } from '../../../src/autodiscover/wire/soap-federation.ts';
import { invalidRequest, isFailure } from '../../../src/autodiscover/wire/soap-message.ts';
import {
  parseUserSettingsResponse,
  readUserSettingsRequest,
  renderUserSettingsRequest,
  renderUserSettingsResponse,
  SOAP_USER_LIMIT,
  type UserSettingsRequest,
} from '../../../src/autodiscover/wire/soap-user-settings.ts';
import { failure, fullAnswer, settings, soapContext } from './samples.ts';
import { AUTODISCOVER, alice, envelope, open, user, userSettings, wanted } from './soap-samples.ts';

function readUsers(xml: string): UserSettingsRequest {
  const message = open(xml);
  assert.equal(message.operation, 'GetUserSettingsRequestMessage');
  const request = readUserSettingsRequest(message.body);
  if ('invalid' in request) assert.fail(request.invalid);
  return request;
}

const invalid = (name: string, content: string, message: RegExp): void => {
  test(`answers InvalidRequest to ${name} ([WSREF] errorcode-soap ErrorCode)`, () => {
    const request = readUserSettingsRequest(open(envelope(content)).body);
    if (!('invalid' in request)) assert.fail('accepted');
    assert.match(request.invalid, message);
    assert.deepEqual(invalidRequest(request), { code: 'InvalidRequest', message: request.invalid });
  });
};

test('reads a GetUserSettings request ([WSREF] getusersettings-operation-soap GetUserSettings)', () => {
  const request = readUsers(
    envelope(userSettings(alice + user(' SMTP:Bob@CONTOSO.test '), wanted('UserDN', 'ExternalEwsUrl', 'UserDN'))),
  );
  assert.deepEqual(request, {
    users: [
      { mailbox: 'alice@contoso.test', address: 'alice@contoso.test' },
      { mailbox: 'SMTP:Bob@CONTOSO.test', address: 'Bob@contoso.test' },
    ],
    settings: ['UserDN', 'ExternalEwsUrl'],
    unknownSettings: [],
    requestedVersion: undefined,
  });
});

test('a user that is no address keeps its place', () => {
  const request = readUsers(envelope(userSettings(`${alice}${user('nobody')}<a:User/>${alice}`, wanted('UserDN'))));
  assert.deepEqual(
    request.users.map(({ address }) => address),
    ['alice@contoso.test', undefined, undefined, 'alice@contoso.test'],
  );
});

test('settings of newer servers are set aside, not refused ([WSREF] requestedsettings-soap RequestedSettings)', () => {
  const request = readUsers(
    envelope(userSettings(alice, wanted('MapiHttpEnabled', 'userdn', 'constructor', 'UserDN', '__proto__'))),
  );
  assert.deepEqual(request.settings, ['UserDN']);
  assert.deepEqual(request.unknownSettings, ['MapiHttpEnabled', 'userdn', 'constructor', '__proto__']);
});

test('what docs/wire.md says is never answered may be asked for, and is not in the model ([WSREF] setting-soap Setting)', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'wire.md'), 'utf8');
  const rows = page.slice(page.indexOf('## Settings that are never answered')).matchAll(/^\| ([A-Z][\w, ]+?) +\|/gm);
  const names = [...rows].flatMap((row) => row[1]?.split(', ') ?? []);
  assert.ok(names.includes('InteropExternalEwsUrl') && names.includes('ShowGalAsDefaultView'), names.join());
  const request = readUsers(envelope(userSettings(alice, wanted('UserDN', ...names))));
  assert.deepEqual(request.settings, ['UserDN']);
  assert.deepEqual(request.unknownSettings, names);
});

test('every setting of the model can be asked for ([WSREF] requestedsettings-soap RequestedSettings)', () => {
  const names = Object.keys(USER_SETTINGS) as UserSettingName[];
  const request = readUsers(renderUserSettingsRequest(['alice@contoso.test'], names));
  assert.deepEqual(request.settings, names);
});

test('100 users are accepted, in order ([WSREF] getusersettings-operation-soap GetUserSettings)', () => {
  const mailboxes = Array.from({ length: SOAP_USER_LIMIT }, (_, index) => `u${index}@contoso.test`);
  const request = readUsers(renderUserSettingsRequest(mailboxes, ['UserDN']));
  assert.deepEqual(
    request.users.map(({ address }) => address),
    mailboxes,
  );
});

invalid('no users', userSettings('', wanted('UserDN')), /no user/);
invalid('no Users element', '<a:GetUserSettingsRequestMessage/>', /no user/);
invalid('101 users', userSettings(alice.repeat(101), wanted('UserDN')), /more than 100 users/);
invalid('no settings', userSettings(alice, ''), /no setting/);
invalid('blank settings', userSettings(alice, wanted(' ', '')), /no setting/);

test('answers of several users are read back in order, with their errors ([WSREF] userresponse-soap UserResponse)', () => {
  const results = [
    settings(fullAnswer),
    failure('unknown-address'),
    { action: 'redirectAddr' as const, address: 'ken@fabrikam.test' },
    { action: 'redirectUrl' as const, url: 'https://b.test/autodiscover/autodiscover.svc' },
    failure('server-error'),
  ];
  const names: UserSettingName[] = ['UserDisplayName', 'AlternateMailboxes'];
  const parsed = parseUserSettingsResponse(renderUserSettingsResponse({ results, settings: names }, soapContext));
  if (parsed.kind !== 'answer') assert.fail(JSON.stringify(parsed));
  assert.deepEqual(parsed.error, { code: 'NoError', message: '' });
  assert.deepEqual(
    parsed.users.map((entry) => [entry.error.code, entry.redirectTarget, Object.keys(entry.settings).length]),
    [
      ['NoError', undefined, 2],
      ['InvalidUser', undefined, 0],
      ['RedirectAddress', 'ken@fabrikam.test', 0],
      ['RedirectUrl', 'https://b.test/autodiscover/autodiscover.svc', 0],
      ['InternalServerError', undefined, 0],
    ],
  );
  assert.deepEqual(parsed.serverVersionInfo, serverVersionInfo(0x7383807b, 4));
});

test("another server's setting errors, unknown settings and a prefixed i:type are read", () => {
  const xml = envelope(
    `<GetUserSettingsResponseMessage xmlns="${AUTODISCOVER}"><Response xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:q="${AUTODISCOVER}"><ErrorCode>NoError</ErrorCode><ErrorMessage/><UserResponses><UserResponse><ErrorCode>NoError</ErrorCode><ErrorMessage/><RedirectTarget i:nil="true"/><UserSettingErrors><UserSettingError><ErrorCode>SettingIsNotAvailable</ErrorCode><ErrorMessage>m</ErrorMessage><SettingName>CasVersion</SettingName></UserSettingError></UserSettingErrors><UserSettings><UserSetting i:type="q:StringSetting"><Name>UserDN</Name><Value> /o=x </Value></UserSetting><UserSetting><Name>MobileMailboxPolicy</Name><Value>y</Value></UserSetting><UserSetting><Name>ExternalPop3Connections</Name><ProtocolConnections><ProtocolConnection><Hostname>p</Hostname><Port>99999</Port></ProtocolConnection></ProtocolConnections></UserSetting></UserSettings></UserResponse></UserResponses></Response></GetUserSettingsResponseMessage>`,
  );
  const parsed = parseUserSettingsResponse(xml);
  if (parsed.kind !== 'answer') assert.fail(JSON.stringify(parsed));
  assert.deepEqual(parsed.users[0], {
    error: { code: 'NoError', message: '' },
    redirectTarget: undefined,
    settings: { UserDN: '/o=x' },
    settingErrors: [{ code: 'SettingIsNotAvailable', message: 'm', setting: 'CasVersion' }],
  });
});

test('a refused request is read back as such', () => {
  const refused = parseUserSettingsResponse(
    renderUserSettingsResponse({ code: 'InvalidRequest', message: 'The request names no user.' }, soapContext),
  );
  assert.ok(refused.kind === 'answer' && isFailure(refused.error) && refused.users.length === 0);
});

test('an answer to another operation is malformed', () => {
  const parsed = parseUserSettingsResponse(renderFederationResponse(soapContext));
  assert.ok(parsed.kind === 'malformed' && /no answer to GetUserSettings/.test(parsed.detail));
  assert.equal(parseUserSettingsResponse('<html/>').kind, 'malformed');
});
