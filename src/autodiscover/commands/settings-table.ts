// The settings of an answer as a table for people.
import Table from 'cli-table3';
import type { DiscoveryResult } from '../client/discovery.ts';
import { inModelOrder, printable } from '../client/discovery-report.ts';
import { decodeVersionNumber } from '../settings/server-version.ts';
import type { UserSettings } from '../settings/user-settings.ts';

/** The settings as a table of name and value, in the order of the settings model, then what only POX carries. */
export function settingsTable(result: Extract<DiscoveryResult, { outcome: 'found' }>): string {
  const table = new Table({
    head: ['Setting', 'Value'],
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  for (const [name, value] of Object.entries(inModelOrder(result.settings))) {
    table.push([name, settingLines(value).map(printable).join('\n')]);
  }
  const { serverVersion, ttlHours, mapiHttp } = result.pox ?? {};
  if (serverVersion !== undefined) {
    const { major, minor, build } = decodeVersionNumber(serverVersion);
    table.push(['ServerVersion', `${major}.${minor}.${build}`]);
  }
  if (ttlHours?.exch !== undefined) table.push(['TTL', `${ttlHours.exch} h`]);
  for (const url of [mapiHttp?.mailStore, mapiHttp?.addressBook].flatMap((urls) => Object.values(urls ?? {}))) {
    table.push(['MAPI over HTTP', printable(url)]);
  }
  return table.toString();
}

type SettingValue = UserSettings[keyof UserSettings];

function settingLines(value: SettingValue): readonly string[] {
  if (value === undefined) return [];
  if (typeof value === 'string') return [value];
  return value.map((item) => {
    if ('url' in item) return `${item.url} (${item.authenticationMethods.join(', ')})`;
    if ('port' in item) return `${item.hostname}:${item.port} ${item.encryptionMethod}`;
    return `${item.type} ${item.displayName} on ${item.server}`;
  });
}
