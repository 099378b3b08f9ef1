// The forms of single values in the configuration file: what they look like, and what is said of those that look otherwise.

import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { z } from 'zod';

export const file = z.string().min(1);
export const count = (fallback: number, min: number, max: number) =>
  z.number().int().min(min).max(max).default(fallback);
export const seconds = (fallback: number, min = 1, max = 86_400) =>
  z.number().int().min(min).max(max).default(fallback);

/** `HOST:PORT` of a listener. */
export const hostPort = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):\d{1,5}$/, {
    error: 'must be HOST:PORT, as 0.0.0.0:443 or [::]:443',
    abort: true,
  })
  .refine((text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535, 'the port is above 65535');

/** Whether two listeners would take the same port. Port 0 is another one each time. */
export function isSamePort(one: string | undefined, other: string | undefined): boolean {
  const canonical = (text: string) => text.toLowerCase().replace(/:0*(\d+)$/, ':$1');
  if (one === undefined || other === undefined || canonical(one).endsWith(':0')) return false;
  return canonical(one) === canonical(other);
}

function holdsNoUser(text: string): boolean {
  const { username, password } = new URL(text);
  return username === '' && password === '';
}

export const ldapUrl = z
  .string()
  .regex(/^ldaps?:\/\/[^/?#\s]+\/?$/i, { error: 'must be ldaps://HOST[:PORT] (or ldap:// with startTls)', abort: true })
  .refine((text) => URL.canParse(text), { error: 'is no URL', abort: true })
  .refine(holdsNoUser, 'must hold no user name or password: logs show this URL');

export const httpsUrl = z
  .string()
  .regex(/^https:\/\/[^/\s]+/i, { error: 'must be an https URL', abort: true })
  .refine((text) => URL.canParse(text), { error: 'is no URL', abort: true })
  .refine(holdsNoUser, 'must hold no user name or password: clients are told this URL');

/** A URL to which a path is appended. */
export const baseUrl = httpsUrl.refine((text) => !/[?#]/.test(text), 'must end with its path: more of it is appended');

/** Nothing but host and port counts; the service's own path may stand behind. */
export const ownUrl = httpsUrl.refine((text) => {
  const url = URL.parse(text);
  return url === null || /^https:\/\/[^/]*\/(?:autodiscover\/autodiscover\.(?:xml|svc))?$/i.test(url.href);
}, 'must be a host, and a port where it is not 443: the paths are those of Autodiscover');

/** In either spelling of an international name. */
export const mailDomain = z
  .string()
  .refine(
    (text) => !/^\.|\.$|[\s@:/*]/.test(text) && domainToASCII(text) !== '',
    'must be a mail domain, as contoso.test',
  );

/** `ADDRESS` or `ADDRESS/BITS`. */
function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

export const network = z.string().refine(isNetwork, 'must be an address or a network, as 192.0.2.10 or 192.0.2.0/24');

export const workersSetting = z.union([z.number().int().min(1).max(64), z.literal('cores')], {
  error: 'must be a number from 1 to 64, or cores',
});

export const certificate = z.union(
  [
    z.strictObject({ certificateFile: file, keyFile: file, passphraseFile: file.optional() }),
    z.strictObject({ pfxFile: file, passphraseFile: file.optional() }),
  ],
  { error: 'must give either certificateFile and keyFile, or pfxFile (each with an optional passphraseFile)' },
);
