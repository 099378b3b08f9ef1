// An SMTP address as a client writes it into a request, brought to one spelling before anything looks it up.
import { domainToASCII } from 'node:url';

/** RFC 5321 4.5.3.1: 64 octets of local part, `@`, 255 of domain. */
export const ADDRESS_LENGTH_LIMIT = 320;

/** The address in its one spelling, or why the text is none; `reason` never repeats the text. */
export type NormalizedAddress = { readonly address: string } | { readonly reason: string };

// Anything that quotes, groups or separates addresses would make two readers see two addresses.
const LOCAL_PART = /^[^\s\p{Cc}\p{Cf}@"<>()[\]:;,\\]+$/u;
const UNICODE_DOMAIN = /^[^\s\p{Cc}@"<>()[\]:;,\\/?#%]+$/u;
const ASCII_DOMAIN =
  /^(?=.{1,255}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/**
 * Trims, strips one leading `smtp:` or `mailto:`, and turns the domain to lower-case A-labels; the local part stays as written.
 * Quoted local parts, address literals, angle brackets and lists are refused.
 */
export function normalizeAddress(text: string): NormalizedAddress {
  const bare = text
    .trim()
    .replace(/^(?:smtp|mailto):/i, '')
    .trim();
  if (bare === '') return { reason: 'the e-mail address is empty' };
  if (bare.length > ADDRESS_LENGTH_LIMIT)
    return { reason: `the e-mail address is longer than ${ADDRESS_LENGTH_LIMIT} characters` };
  const parts = bare.split('@');
  const [local, domain] = parts;
  if (parts.length !== 2 || !local || !domain) return { reason: 'the e-mail address is not of the form name@domain' };
  if (!LOCAL_PART.test(local)) return { reason: 'the part before @ holds a blank, a control character or a separator' };
  const ascii = normalizeDomain(domain);
  if (ascii === undefined) return { reason: 'the part after @ is not a domain name' };
  return { address: `${local}@${ascii}` };
}

/** A domain name as lower-case A-labels, or undefined for a text that is none. */
export function normalizeDomain(text: string): string | undefined {
  const domain = text.trim();
  if (domain.length > ADDRESS_LENGTH_LIMIT || !UNICODE_DOMAIN.test(domain)) return undefined;
  const ascii = domainToASCII(domain);
  // domainToASCII takes numbers for IPv4 addresses ("1" becomes 0.0.0.1); no domain ends in a label of digits.
  return ASCII_DOMAIN.test(ascii) && !/(?:^|\.)\d+$/.test(ascii) ? ascii : undefined;
}
