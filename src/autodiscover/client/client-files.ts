// What an administrator hands out so that clients find the service: the local XML, registry values, and DNS records. Pure: options in,
// files out. Sources: [MS-OXDISCO] 3.1.5.3 SRV for the records; Microsoft KB 2212902 and KB 3211279 for the registry values.
import { renderPoxResponse } from '../wire/pox-response.ts';

/** Outlook versions by their registry key. */
export const OFFICE_VERSIONS = { '12.0': '2007', '14.0': '2010', '15.0': '2013', '16.0': '2016 and later' } as const;
export type OfficeVersion = keyof typeof OFFICE_VERSIONS;

export interface ClientFileOptions {
  /** The mail domain, an A-label name without final dot. */
  readonly domain: string;
  /** The POX service. */
  readonly url: URL;
  /** Addresses of the service's host, for A and AAAA records. Without any, the records are written as comments to fill in. */
  readonly addresses: readonly string[];
  readonly versions: readonly OfficeVersion[];
  /** Where the local XML will lie on the desktops; a full path, since REG_SZ is not expanded. */
  readonly xmlPath: string;
}

/** One file: its name, what it is for in a few words, and its bytes. */
export interface ClientFile {
  readonly name: string;
  readonly purpose: string;
  readonly content: Uint8Array;
}

/** The default place of the local XML on a desktop. */
export function defaultXmlPath(domain: string): string {
  return `C:\\ProgramData\\Autodiscover\\${domain}.xml`;
}

/** All files for one mail domain. */
export function clientFiles(options: ClientFileOptions): readonly ClientFile[] {
  const { domain } = options;
  const preferences = String.raw`HKEY_CURRENT_USER\Software\Microsoft\Office`;
  const policies = String.raw`HKEY_CURRENT_USER\Software\Policies\Microsoft\Office`;
  return [
    { name: `${domain}.xml`, purpose: 'local XML for Outlook', content: Buffer.from(localXml(options)) },
    {
      name: `${domain}.user.reg`,
      purpose: 'registry values, for one user',
      content: regBytes(regText(options, preferences)),
    },
    {
      name: `${domain}.policy.reg`,
      purpose: 'the same values as policy',
      content: regBytes(regText(options, policies)),
    },
    { name: `${domain}.zone`, purpose: 'DNS records', content: Buffer.from(zoneText(options)) },
  ];
}

function localXml({ domain, url, xmlPath }: ClientFileOptions): string {
  const xml = renderPoxResponse(
    { action: 'redirectUrl', url: url.href },
    { schema: 'outlook', now: new Date(0), serverId: 0 }, // only errors carry these,
  );
  const comment = `<!--
  Sends Outlook, for addresses at ${domain}, straight to
  ${url.href.replaceAll('--', '%2D%2D')}
  Copy this file to ${xmlPath.replaceAll('--', '- -')} and import one of the .reg files, which names it.
-->
`;
  return xml.replace(/^(<\?xml[^>]*\?>\n)/, `$1${comment}`);
}

/** DWORDs under the AutoDiscover key that are offered as comments: each takes a discovery step away. */
const SWITCHES: readonly (readonly [name: string, meaning: string])[] = [
  ['ExcludeScpLookup', 'do not search Active Directory for service connection points'],
  ['ExcludeHttpsRootDomain', 'do not ask https://<domain>/: when a web site there answers in the way'],
  ['ExcludeHttpsAutoDiscoverDomain', 'do not ask https://autodiscover.<domain>/'],
  ['ExcludeHttpRedirect', 'do not ask http://autodiscover.<domain>/ for a redirection'],
  ['ExcludeSrvRecord', 'do not look for the SRV record'],
  ['ExcludeLastKnownGoodURL', 'do not go to the URL that worked last (Outlook 2010 with updates, and later)'],
  ['ExcludeExplicitO365Endpoint', 'do not ask Office 365 first (Outlook 2016 from 16.0.6741)'],
];

function regText({ domain, versions, xmlPath, url }: ClientFileOptions, root: string): string {
  const lines = [
    'Windows Registry Editor Version 5.00',
    '',
    `; Outlook finds the settings of ${domain} through the local XML at`,
    `; ${xmlPath}, which leads to ${url.href}`,
    '; The value named after the domain is the path of that file; PreferLocalXML has it read before anything else is asked.',
    '; Group Policy: the same values as Registry items under User Configuration, Preferences, Windows Settings.',
    '; To take a discovery step away, remove the semicolon before its line.',
  ];
  for (const version of versions) {
    lines.push('', `; Outlook ${OFFICE_VERSIONS[version]}`, `[${root}\\${version}\\Outlook\\AutoDiscover]`);
    lines.push(`"${domain}"="${xmlPath.replaceAll(/["\\]/g, '\\$&')}"`, '"PreferLocalXML"=dword:00000001');
    for (const [name, meaning] of SWITCHES) {
      if (name === 'ExcludeExplicitO365Endpoint' && version !== '16.0') continue;
      lines.push(`; ${meaning}:`, `;"${name}"=dword:00000001`);
    }
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** As Registry Editor writes it: UTF-16LE with byte order mark. */
function regBytes(text: string): Uint8Array {
  return Buffer.from(`\ufeff${text}`, 'utf16le');
}

function zoneText({ domain, url, addresses }: ClientFileOptions): string {
  const host = url.hostname;
  const own = `autodiscover.${domain}`;
  const lines = [
    `; DNS records by which clients find the Autodiscover service of ${domain}: ${url.href}`,
    '; Add them to the zone inside and, for clients outside, to the public one.',
    '',
    `; 1. The name every client asks. The certificate of the service must carry ${own}.`,
    ...(host === own ? addressRecords(own, addresses) : [`${own}. 3600 IN CNAME ${host}.`]),
  ];
  if (host !== own && addresses.length > 0) lines.push('', `; The host behind it.`, ...addressRecords(host, addresses));
  lines.push(
    '',
    `; 2. The last resort, used when nothing answers at the names ${domain} and ${own}. Let this be the only record of`,
    '; its name. Outlook ignores the port, other clients take no other than 443. A target outside the mail domain makes Outlook ask',
    '; the user for consent.',
  );
  if (url.port !== '') lines.push(`; Not possible here: the service is on port ${url.port}.`);
  lines.push(`${url.port === '' ? '' : ';'}_autodiscover._tcp.${domain}. 3600 IN SRV 0 0 443 ${host}.`);
  return `${lines.join('\n')}\n`;
}

function addressRecords(name: string, addresses: readonly string[]): readonly string[] {
  if (addresses.length === 0) return [`; put the address of the service here:`, `;${name}. 3600 IN A 192.0.2.1`];
  return addresses.map((address) => `${name}. 3600 IN ${address.includes(':') ? 'AAAA' : 'A'} ${address}`);
}
