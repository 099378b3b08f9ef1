// Which names an array may have, and which ones will give trouble. Pure, but for the resolver that is handed in.

import { isIP } from 'node:net';
import type { OrganizationIndex } from '../ldap/organization-index.ts';

/** Looks names up. An empty list means: no such name. Rejects when the resolver cannot be asked. */
export interface NameLookup {
  addresses(name: string): Promise<readonly string[]>;
  /** As a resolver outside the company sees the name, where one was given. */
  addressesOutside?(name: string): Promise<readonly string[]>;
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** Why a text is no FQDN (RFC 1123 2.1: letters, digits, hyphens; two labels at least); undefined when it is one. */
export function fqdnFault(text: string): string | undefined {
  if (isIP(text) !== 0) return 'it is an address, not a name';
  if (text.length > 253) return `it has ${text.length} characters, 253 are allowed`;
  const labels = text.split('.');
  if (labels.length < 2) return 'it is a short name; an array is always named in full, as outlook.contoso.test';
  const wrong = labels.find((label) => !LABEL.test(label));
  if (wrong === '') return 'it has an empty label (a dot too many)';
  if (wrong !== undefined)
    return `"${wrong}" is no DNS label: letters, digits and hyphens, at most 63, no hyphen at its ends`;
  if (/^\d+$/.test(labels.at(-1) ?? '')) return 'its last label is a number';
  return undefined;
}

/** Why a text cannot be an array's name (cn); undefined when it can. */
export function nameFault(text: string): string | undefined {
  if (text.trim() !== text || text === '') return 'it is empty or has blanks at its ends';
  if ([...text].length > 64) return `it has ${[...text].length} characters, 64 are allowed`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text)) return 'it has control characters';
  return undefined;
}

/** Hosts that clients reach over HTTPS, and what each serves: an array's name must not be among them. */
function webHosts(index: OrganizationIndex): Map<string, string> {
  const { organization } = index;
  const hosts = new Map<string, string>();
  // The Outlook provider EXPR may name another host than the virtual directories do.
  const provider = index.outlookProvider('EXPR')?.server;
  if (provider !== undefined) hosts.set(provider.toLowerCase(), 'Outlook Anywhere');
  const note = (url: string | undefined, what: string) => {
    if (url && URL.canParse(url) && !hosts.has(new URL(url).hostname)) hosts.set(new URL(url).hostname, what);
  };
  for (const { kind, internalUrl, externalUrl } of organization.virtualDirectories) {
    const what = kind === 'rpc' ? 'Outlook Anywhere' : `${kind} virtual directory`;
    note(externalUrl, what);
    note(internalUrl, what);
  }
  for (const { kind, bindingInformation } of organization.serviceConnectionPoints) {
    if (kind === 'url') note(bindingInformation, 'Autodiscover service connection point');
  }
  return hosts;
}

/** Warnings about an FQDN for an array. `lookup` undefined means that names are not looked up. */
export async function fqdnWarnings(
  fqdn: string,
  index: OrganizationIndex,
  lookup: NameLookup | undefined,
): Promise<string[]> {
  const web = webHosts(index).get(fqdn.toLowerCase());
  const warnings =
    web === undefined
      ? []
      : [
          `${fqdn} is also the host of the ${web}: such a name usually resolves outside, and Outlook outside would wait for an RPC connection before it tries HTTPS. Use a name that resolves inside only.`,
        ];
  return lookup ? [...warnings, ...(await lookupWarnings(fqdn, lookup))] : warnings;
}

async function lookupWarnings(fqdn: string, lookup: NameLookup): Promise<string[]> {
  const asked = async (ask: () => Promise<readonly string[]>, where: string) => {
    try {
      return await ask();
    } catch (error) {
      return `${fqdn} could not be looked up${where}: ${(error as Error).message}`;
    }
  };
  const warnings: string[] = [];
  const inside = await asked(() => lookup.addresses(fqdn), '');
  if (typeof inside === 'string') warnings.push(inside);
  else if (inside.length === 0)
    warnings.push(`${fqdn} does not resolve: add a DNS record for the load balancer (or the one server).`);
  else {
    const outside = inside.filter((address) => !isPrivateAddress(address));
    if (outside.length > 0)
      warnings.push(
        `${fqdn} resolves to ${outside.join(', ')}, which is no private address: it should resolve inside only.`,
      );
  }
  if (lookup.addressesOutside) {
    const outside = await asked(() => lookup.addressesOutside?.(fqdn) ?? Promise.resolve([]), ' outside');
    if (typeof outside === 'string') warnings.push(outside);
    else if (outside.length > 0)
      warnings.push(
        `${fqdn} resolves outside, to ${outside.join(', ')}: Outlook outside would try RPC first and wait.`,
      );
  }
  return warnings;
}

/** Addresses that are not routed on the Internet: RFC 1918, RFC 6598, loopback, link-local, RFC 4193. */
export function isPrivateAddress(address: string): boolean {
  if (isIP(address) === 6) {
    const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
    return mapped ? isPrivateAddress(mapped) : /^(::1$|f[cd]|fe[89ab])/i.test(address);
  }
  const [a = 0, b = 0] = address.split('.').map(Number);
  return (
    a === 10 ||
    a === 127 ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254) ||
    (a === 100 && b >= 64 && b <= 127)
  );
}
