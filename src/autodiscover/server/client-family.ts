// Which kind of client sends a request, by its User-Agent: a closed list, because it becomes a label of metrics.

const FAMILIES: readonly (readonly [string, RegExp])[] = [
  ['outlook-mobile', /OutlookMobileCloudService|Outlook-(?:iOS|Android)/i],
  ['outlook', /Microsoft Office|Microsoft Outlook/i],
  ['outlook-mac', /MacOutlook/i],
  ['ews-managed-api', /ExchangeServicesClient/i],
  ['exchangelib', /exchangelib/i],
  ['evolution', /Evolution/i],
  ['thunderbird', /Thunderbird/i],
  ['apple', /^(?:Apple-|iOS|iPhone|iPad|Mac ?OS)|accountsd|dataaccessd/i],
  ['android', /Android|Nine/i],
  ['query', /autodiscover-query|exchange-autodiscover/i],
  ['axios', /^axios/i],
];

export const CLIENT_FAMILIES: readonly string[] = [...FAMILIES.map(([name]) => name), 'other', 'none'];

export function clientFamily(userAgent: string | undefined): string {
  if (!userAgent) return 'none';
  const head = userAgent.slice(0, 256);
  return FAMILIES.find(([, pattern]) => pattern.test(head))?.[0] ?? 'other';
}
