import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  USER_SETTINGS,
  type UserSettingName,
  type UserSettings,
} from '../../../src/autodiscover/settings/user-settings.ts';
import { parsePoxResponse, renderPoxResponse } from '../../../src/autodiscover/wire/pox-response.ts';
import { POX_SETTINGS } from '../../../src/autodiscover/wire/pox-settings-map.ts';
import {
  parseUserSettingsResponse,
  renderUserSettingsResponse,
} from '../../../src/autodiscover/wire/soap-user-settings.ts';
import { mailboxAnswer } from './arbitrary.ts';
import { fullSettings, poxContext, settings, soapContext } from './samples.ts';

const NAMES = Object.keys(USER_SETTINGS) as UserSettingName[];
const RUNS = { numRuns: 120 };

const only = (found: UserSettings, keep: (name: UserSettingName) => boolean): Record<string, unknown> =>
  Object.fromEntries(Object.entries(found).filter(([name]) => keep(name as UserSettingName)));

function viaPox(answer: Parameters<typeof settings>[0]) {
  const parsed = parsePoxResponse(renderPoxResponse(settings(answer), poxContext));
  if (parsed.action !== 'settings') assert.fail(JSON.stringify(parsed));
  return parsed.answer;
}

function viaSoap(answer: Parameters<typeof settings>[0], wanted: readonly UserSettingName[]): UserSettings {
  const outcome = { results: [settings(answer)], settings: wanted };
  const parsed = parseUserSettingsResponse(renderUserSettingsResponse(outcome, soapContext));
  if (parsed.kind !== 'answer' || !parsed.users[0]) assert.fail(JSON.stringify(parsed));
  return parsed.users[0].settings;
}

test('a POX answer read back is the answer that was rendered ([MS-OXDSCLI] 2.2.4.1.1.2.6 Protocol)', () => {
  fc.assert(
    fc.property(mailboxAnswer, (answer) => {
      const { mobileSync: _, ...expected } = answer;
      assert.deepEqual(viaPox(answer), {
        ...expected,
        settings: only(expected.settings, (name) => POX_SETTINGS.has(name)),
      });
    }),
    RUNS,
  );
});

test('a SOAP answer read back is the settings that were rendered ([WSREF] usersetting-soap UserSetting)', () => {
  fc.assert(
    fc.property(mailboxAnswer, (answer) => assert.deepEqual(viaSoap(answer, NAMES), answer.settings)),
    RUNS,
  );
});

test('POX read back equals SOAP read back, for every setting both carry ([MS-OXDSCLI] 2.2.4.1.1.2.6 Protocol, [WSREF] usersetting-soap UserSetting)', () => {
  fc.assert(
    fc.property(mailboxAnswer, (answer) => {
      const pox = viaPox(answer).settings;
      const soap = viaSoap(answer, NAMES);
      for (const name of POX_SETTINGS) assert.deepEqual(pox[name], soap[name], name);
    }),
    RUNS,
  );
});

test('SOAP never says more than was asked ([WSREF] requestedsettings-soap RequestedSettings)', () => {
  fc.assert(
    fc.property(mailboxAnswer, fc.subarray(NAMES, { minLength: 1 }), (answer, wanted) => {
      const expected = only(answer.settings, (name) => wanted.includes(name));
      assert.deepEqual(viaSoap(answer, wanted), expected);
    }),
    RUNS,
  );
});

test('the sample with everything has everything, so that no setting goes untested', () => {
  assert.deepEqual(
    NAMES.filter((name) => !(name in fullSettings)),
    [],
  );
});

test('the settings of SOAP alone are these', () => {
  assert.deepEqual(NAMES.filter((name) => !POX_SETTINGS.has(name)).sort(), [
    'CasVersion',
    'EwsSupportedSchemas',
    'ExternalEwsVersion',
    'ExternalImap4Connections',
    'ExternalPop3Connections',
    'ExternalSmtpConnections',
    'InternalImap4Connections',
    'InternalMailboxServer',
    'InternalPop3Connections',
    'InternalSmtpConnections',
  ]);
});
