// The settings of an answer as a table for people.
import type { DiscoveryResult } from '../client/discovery.ts';
import { inModelOrder } from '../client/discovery-report.ts';
import { printable } from '../printable.ts';
import { decodeVersionNumber } from '../settings/server-version.ts';
import type { UserSettings } from '../settings/user-settings.ts';

/** Settings, in the order of the settings model, then what only POX carries: two columns without a frame, which wrap on any terminal. */
export function settingsTable(result: Extract<DiscoveryResult, { outcome: 'found' }>): string {
  const rows = settingRows(result.settings);
  const { serverVersion, ttlHours, mapiHttp } = result.pox ?? {};
  if (serverVersion !== undefined) {
    const { major, minor, build } = decodeVersionNumber(serverVersion);
    rows.push(['ServerVersion', `${major}.${minor}.${build}`]);
  }
  if (ttlHours?.exch !== undefined) rows.push(['TTL', `${ttlHours.exch} h`]);
  for (const url of [mapiHttp?.mailStore, mapiHttp?.addressBook].flatMap((urls) => Object.values(urls ?? {}))) {
    rows.push(['MAPI over HTTP', url]);
  }
  return columns(rows);
}

/** Names and values for people; a list has a row for each of its members, the name on the first. */
export function settingRows(settings: UserSettings): [name: string, value: string][] {
  return Object.entries(inModelOrder(settings)).flatMap(([name, value]) =>
    settingLines(value).map((line, at): [string, string] => [at === 0 ? name : '', line]),
  );
}

/** The rows under each other, `indent` in front. */
export function columns(rows: readonly (readonly [string, string])[], indent = ''): string {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${indent}${name.padEnd(width)}  ${printable(value)}`).join('\n');
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
