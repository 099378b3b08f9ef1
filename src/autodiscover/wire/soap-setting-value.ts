// One UserSetting element: its value class by the kind of the setting, both directions. [WSREF] usersetting-soap UserSetting
import {
  type AlternateMailbox,
  type ProtocolConnection,
  type SettingKind,
  USER_SETTINGS,
  type UserSettingName,
  type UserSettings,
  type WebClientUrl,
} from '../settings/user-settings.ts';
import { mailboxChildren, readMailbox } from './pox-alternative-mailbox.ts';
import { splitMethods } from './pox-web.ts';
import { childText, findChild, findChildren, type XmlElement } from './xml.ts';
import { leaf, parent, type XmlOutput } from './xml-writer.ts';

/**
 * The `i:type` of each kind.
 * EWS Managed API and ews-javascript-api: drop a setting whose type carries a prefix.
 */
const SETTING_CLASSES: Readonly<Record<SettingKind, string>> = {
  string: 'StringSetting',
  webClientUrls: 'WebClientUrlCollectionSetting',
  protocolConnections: 'ProtocolConnectionCollectionSetting',
  alternateMailboxes: 'AlternateMailboxCollectionSetting',
};

/** The element for a setting, or undefined when it has no value: absent, an empty string, an empty list. */
export function renderUserSetting(name: UserSettingName, value: UserSettings[UserSettingName]): XmlOutput | undefined {
  if (value === undefined || value.length === 0) return undefined;
  const kind = USER_SETTINGS[name];
  return parent('UserSetting', [leaf('Name', name), renderValue(kind, value)], { 'i:type': SETTING_CLASSES[kind] });
}

function renderValue(kind: SettingKind, value: NonNullable<UserSettings[UserSettingName]>): XmlOutput {
  switch (kind) {
    case 'string':
      return leaf('Value', value as string);
    case 'webClientUrls':
      return parent('WebClientUrls', (value as readonly WebClientUrl[]).map(renderWebClientUrl));
    case 'protocolConnections':
      return parent('ProtocolConnections', (value as readonly ProtocolConnection[]).map(renderConnection));
    case 'alternateMailboxes':
      return parent('AlternateMailboxes', (value as readonly AlternateMailbox[]).map(renderMailbox));
  }
}

function renderWebClientUrl({ authenticationMethods, url }: WebClientUrl): XmlOutput {
  return parent('WebClientUrl', [leaf('AuthenticationMethods', authenticationMethods.join(', ')), leaf('Url', url)]);
}

function renderConnection({ hostname, port, encryptionMethod }: ProtocolConnection): XmlOutput {
  return parent('ProtocolConnection', [
    leaf('Hostname', hostname),
    leaf('Port', String(port)),
    leaf('EncryptionMethod', encryptionMethod),
  ]);
}

function renderMailbox(mailbox: AlternateMailbox): XmlOutput {
  return parent('AlternateMailbox', mailboxChildren(mailbox));
}

/** Reads a UserSettings element; settings unknown to this project, and values of the wrong class, are passed over. */
export function readUserSettings(element: XmlElement | undefined): UserSettings {
  const read: Record<string, unknown> = {};
  for (const setting of findChildren(element, 'UserSetting')) {
    const name = childText(setting, 'Name') ?? '';
    if (!Object.hasOwn(USER_SETTINGS, name)) continue;
    const value = readValue(name as UserSettingName, setting);
    if (value.length > 0) read[name] = value;
  }
  return read;
}

function readValue(name: UserSettingName, setting: XmlElement): string | readonly unknown[] {
  switch (USER_SETTINGS[name]) {
    case 'string': {
      const text = findChild(setting, 'Value')?.text ?? '';
      // A display name keeps its blanks, here as in POX.
      return name === 'UserDisplayName' ? text : text.trim();
    }
    case 'webClientUrls':
      return findChildren(findChild(setting, 'WebClientUrls'), 'WebClientUrl').flatMap(readWebClientUrl);
    case 'protocolConnections':
      return findChildren(findChild(setting, 'ProtocolConnections'), 'ProtocolConnection').flatMap(readConnection);
    case 'alternateMailboxes':
      return findChildren(findChild(setting, 'AlternateMailboxes'), 'AlternateMailbox').flatMap(readMailbox);
  }
}

function readWebClientUrl(element: XmlElement): readonly WebClientUrl[] {
  const url = childText(element, 'Url');
  return url ? [{ authenticationMethods: splitMethods(childText(element, 'AuthenticationMethods') ?? ''), url }] : [];
}

function readConnection(element: XmlElement): readonly ProtocolConnection[] {
  const hostname = childText(element, 'Hostname');
  const port = Number(childText(element, 'Port') ?? Number.NaN);
  if (!hostname || !Number.isInteger(port) || port < 1 || port > 65_535) return [];
  return [{ hostname, port, encryptionMethod: childText(element, 'EncryptionMethod') ?? 'None' }];
}
