// GetUserSettings: the SOAP twin of a POX request, for several users at once. Requests and answers, rendered and read.
// [WSREF] getusersettings-operation-soap GetUserSettings
import {
  type DiscoverResult,
  USER_SETTINGS,
  type UserSettingName,
  type UserSettings,
} from '../settings/user-settings.ts';
import { normalizeAddress } from './address.ts';
import { type SoapErrorText, soapError } from './error-codes.ts';
import { KeptDocuments } from './kept-documents.ts';
import { renderSoapRequest, type ServerVersionInfo, type SoapContext } from './soap-envelope.ts';
import {
  type InvalidSoapRequest,
  openAnswer,
  readError,
  renderSubjectResponses,
  requestBody,
  type SoapErrorReading,
  type SoapFailure,
  SUBJECT_DEPTH,
  type SubjectOutcome,
  subjectResponse,
} from './soap-message.ts';
import { readUserSettings, renderUserSetting } from './soap-setting-value.ts';
import { childText, findChild, findChildren, type XmlElement } from './xml.ts';
import { leaf, parent, writtenXml, type XmlOutput } from './xml-writer.ts';

const OPERATION = 'GetUserSettings';

/** Users in one request; more are answered with InvalidRequest. Exchange has such a limit, too; its figure is not published. */
export const SOAP_USER_LIMIT = 100;

/** One requested user: the address normalised, or undefined when what was written is none (answered with InvalidUser). */
export interface RequestedUser {
  readonly mailbox: string;
  readonly address: string | undefined;
}

/** What was asked. Names this project does not know are not an error: newer clients ask for everything they know. */
export interface UserSettingsRequest {
  readonly users: readonly RequestedUser[];
  readonly settings: readonly UserSettingName[];
  readonly unknownSettings: readonly string[];
  readonly requestedVersion: string | undefined;
}

/** One user's part of an answer as read. `error.code` is NoError when settings came. */
export interface UserSettingsReading {
  readonly error: SoapErrorReading;
  readonly redirectTarget: string | undefined;
  readonly settings: UserSettings;
  readonly settingErrors: readonly (SoapErrorReading & { readonly setting: string })[];
}

export type UserSettingsResponse =
  | {
      readonly kind: 'answer';
      /** Of the whole request; `users` is empty unless the code is NoError. */
      readonly error: SoapErrorReading;
      readonly users: readonly UserSettingsReading[];
      readonly serverVersionInfo: ServerVersionInfo | undefined;
    }
  | SoapFailure;

/** Reads the request from the body's first element. */
export function readUserSettingsRequest(body: XmlElement): UserSettingsRequest | InvalidSoapRequest {
  const request = findChild(body, 'Request');
  const users = findChildren(findChild(request, 'Users'), 'User');
  if (users.length === 0) return { invalid: 'The request names no user.' };
  if (users.length > SOAP_USER_LIMIT) return { invalid: `The request names more than ${SOAP_USER_LIMIT} users.` };
  // [WSREF] requestedsettings-soap RequestedSettings
  const names = findChildren(findChild(request, 'RequestedSettings'), 'Setting').map((setting) => setting.text.trim());
  const wanted = [...new Set(names.filter((name) => name !== ''))];
  if (wanted.length === 0) return { invalid: 'The request names no setting.' };
  return {
    users: users.map(readUser),
    settings: wanted.filter(isUserSettingName),
    unknownSettings: wanted.filter((name) => !isUserSettingName(name)),
    requestedVersion: childText(request, 'RequestedVersion'),
  };
}

function readUser(user: XmlElement): RequestedUser {
  const mailbox = childText(user, 'Mailbox') ?? '';
  const normalized = normalizeAddress(mailbox);
  return { mailbox, address: 'address' in normalized ? normalized.address : undefined };
}

/** True for a name of USER_SETTINGS, spelled exactly. */
function isUserSettingName(name: string): name is UserSettingName {
  return Object.hasOwn(USER_SETTINGS, name);
}

/** Renders a request for one or more mailboxes. */
export function renderUserSettingsRequest(
  mailboxes: readonly string[],
  settings: readonly UserSettingName[],
  options: { readonly to?: string; readonly messageId?: string } = {},
): string {
  const body = requestBody(OPERATION, [
    parent(
      'Users',
      mailboxes.map((mailbox) => parent('User', [leaf('Mailbox', mailbox)])),
    ),
    parent(
      'RequestedSettings',
      settings.map((name) => leaf('Setting', name)),
    ),
  ]);
  return renderSoapRequest(OPERATION, body, options);
}

/**
 * Renders the answer: one UserResponse per result, in order, each with exactly those requested settings that have a value.
 * EWS Managed API: pairs users with answers by position. exchangelib: breaks on settings it did not ask for, and version 4.9 on
 * any entry in UserSettingErrors, so what is not available is left out without a word.
 */
export function renderUserSettingsResponse(
  outcome:
    | { readonly results: readonly DiscoverResult[]; readonly settings: readonly UserSettingName[] }
    | SoapErrorText,
  context: SoapContext,
): string {
  if (!('results' in outcome)) return renderSubjectResponses(OPERATION, 'User', outcome, context);
  const variant = outcome.settings.join();
  const responses = outcome.results.map((result) => userResponse(result, outcome.settings, variant));
  return renderSubjectResponses(OPERATION, 'User', { responses }, context);
}

/** The lists of settings that clients ask for are few. */
const REMEMBERED_LISTS = 4;
const written = new KeptDocuments<DiscoverResult, XmlOutput>(REMEMBERED_LISTS);

/** One user's part depends on his result and the settings asked for alone: for a mailbox it is kept with the result, as written. */
function userResponse(result: DiscoverResult, wanted: readonly UserSettingName[], variant: string): XmlOutput {
  const response = () => subjectResponse('User', userOutcome(result, wanted));
  return result.action === 'settings'
    ? written.of(result, variant, () => writtenXml(response(), SUBJECT_DEPTH))
    : response();
}

// [WSREF] userresponse-soap UserResponse, [WSREF] usersettingerror-soap UserSettingError
function userOutcome(result: DiscoverResult, wanted: readonly UserSettingName[]): SubjectOutcome {
  switch (result.action) {
    case 'settings':
      return { settings: wanted.map((name) => renderUserSetting(name, result.answer.settings[name])) };
    case 'redirectAddr':
      return { redirect: 'RedirectAddress', target: result.address };
    case 'redirectUrl':
      return { redirect: 'RedirectUrl', target: result.url };
    case 'error':
      return { error: soapError(result.fault) };
  }
}

/** Reads an answer, ours or another server's; a Fault and a document that is no answer are values as well. */
export function parseUserSettingsResponse(xml: Uint8Array | string, contentType?: string): UserSettingsResponse {
  const opened = openAnswer(OPERATION, xml, contentType);
  if (opened.kind !== 'answer') return opened;
  const { response, serverVersionInfo } = opened;
  const users = findChildren(findChild(response, 'UserResponses'), 'UserResponse').map(readUserResponse);
  return { kind: 'answer', error: readError(response), users, serverVersionInfo };
}

function readUserResponse(element: XmlElement): UserSettingsReading {
  const errors = findChildren(findChild(element, 'UserSettingErrors'), 'UserSettingError');
  return {
    error: readError(element),
    redirectTarget: childText(element, 'RedirectTarget'),
    settings: readUserSettings(findChild(element, 'UserSettings')),
    settingErrors: errors.map((error) => ({ ...readError(error), setting: childText(error, 'SettingName') ?? '' })),
  };
}
