// Served against expected, setting by setting. What is expected goes through the dialect's own renderer and parser first, so that only
// what the dialect can carry is missed when it is not served. Pure.

import type { Dialect } from '../../autodiscover/client/discovery.ts';
import { readServiceAnswer } from '../../autodiscover/client/service-answer.ts';
import {
  type AutodiscoverFault,
  type DiscoverResult,
  type MailboxAnswer,
  USER_SETTINGS,
  type UserSettingName,
  type UserSettings,
} from '../../autodiscover/settings/user-settings.ts';
import { renderPoxResponse } from '../../autodiscover/wire/pox-response.ts';
import type { SoapContext } from '../../autodiscover/wire/soap-envelope.ts';
import { renderUserSettingsResponse } from '../../autodiscover/wire/soap-user-settings.ts';
import type { Check, CheckOutcome } from './check.ts';

const NAMES = Object.keys(USER_SETTINGS) as UserSettingName[];

/** Settings that may differ between two good answers: any domain controller is a right one. */
const NOT_COMPARED: ReadonlySet<UserSettingName> = new Set(['ActiveDirectoryServer']);

/** What a client of the dialect reads out of our own rendering of a result: settings, or the code of an error. */
function readBack(dialect: Dialect, result: DiscoverResult): ReturnType<typeof readServiceAnswer> {
  const text =
    dialect === 'pox'
      ? renderPoxResponse(result, { schema: 'outlook', now: new Date(0), serverId: 0 })
      : renderUserSettingsResponse({ results: [result], settings: NAMES }, SOAP_CONTEXT);
  return readServiceAnswer(dialect, Buffer.from(text));
}

/** What a dialect carries of an answer. */
export function carriedBy(dialect: Dialect, answer: MailboxAnswer): UserSettings {
  const read = readBack(dialect, { action: 'settings', answer });
  if (read.action !== 'settings') throw new Error(`our own ${dialect} answer cannot be read: ${read.action}`);
  return read.settings;
}

/** The error code that stands for a fault in a dialect; several faults may share one. */
export function codeOf(dialect: Dialect, fault: AutodiscoverFault): string | undefined {
  const read = readBack(dialect, { action: 'error', fault, detail: '' });
  return read.action === 'error' ? read.code : undefined;
}

/** What an envelope says of its server is not compared. */
const SOAP_CONTEXT: SoapContext = {
  serverVersionInfo: { major: 14, minor: 3, majorBuild: 0, minorBuild: 0, version: 'Exchange2010_SP2' },
};

/** One check per setting that is expected or served, in the order of the settings model. */
export function compareSettings(
  subject: string,
  dialect: Dialect,
  expected: UserSettings,
  served: UserSettings,
): readonly Check[] {
  return NAMES.flatMap((name): readonly Check[] => {
    if (NOT_COMPARED.has(name)) return [];
    return compareTexts(subject, `${dialect} ${name}`, settingText(expected[name]), settingText(served[name]));
  });
}

/** One value against the other; no check when there is neither. */
export function compareTexts(
  subject: string,
  check: string,
  want: string | undefined,
  got: string | undefined,
): readonly Check[] {
  if (want === undefined && got === undefined) return [];
  const both = { ...(want !== undefined && { expected: want }), ...(got !== undefined && { served: got }) };
  const make = (outcome: CheckOutcome, detail: string): readonly Check[] => [
    { subject, check, outcome, detail, ...both },
  ];
  if (want === got) return make('passed', 'as the directory says');
  if (got === undefined) return make('failed', 'not served');
  if (want === undefined) return make('warning', 'served, but not to be expected from the directory');
  return make('failed', 'differs');
}

/** A setting's value as one line; no order of a list means anything. */
function settingText(value: UserSettings[UserSettingName]): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  return value
    .map((item) => {
      if ('url' in item) return `${item.url} (${[...item.authenticationMethods].sort().join(', ')})`;
      if ('port' in item) return `${item.hostname}:${item.port} ${item.encryptionMethod}`;
      return `${item.type} ${item.displayName} on ${item.server}`;
    })
    .sort()
    .join('; ');
}
