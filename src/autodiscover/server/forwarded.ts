// What proxies say of the client in the headers of a request: X-Forwarded-For, or Forwarded (RFC 7239). Each proxy appends the address it
// was asked from, so only what trusted ones wrote is believed: read from the right, until an address that is not one of theirs.

import { isIP } from 'node:net';

export type ForwardedHeader = 'x-forwarded-for' | 'forwarded';

/** Hops that are looked at, and characters of the header. Chains are short; longer ones are somebody's invention. */
const LIMITS = { hops: 32, characters: 4096 } as const;

/**
 * The client's address. `peer` is the other end of the connection, `value` the header's, `trusted` tells the proxies. What cannot be read
 * ends the chain: the client is then the last address that a trusted proxy vouched for.
 */
export function clientBehind(
  peer: string,
  header: ForwardedHeader,
  value: string | undefined,
  trusted: (address: string) => boolean,
): string {
  if (value === undefined || !trusted(peer)) return peer;
  // The end counts; what a client put in front of it may be as long as it likes.
  const end = value.slice(-LIMITS.characters);
  const hops = header === 'forwarded' ? forwardedHops(end) : end.split(',');
  let client = peer;
  for (const hop of hops.slice(-LIMITS.hops).reverse()) {
    const address = hopAddress(hop);
    if (address === undefined) return client;
    client = address;
    if (!trusted(address)) return client;
  }
  return client;
}

/** `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`; undefined for `unknown` and for names made up by a proxy. */
export function hopAddress(text: string): string | undefined {
  const hop = text.trim();
  const bare = /^\[([^\]]*)\](?::\w+)?$/.exec(hop)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\w+$/.exec(hop)?.[1] ?? hop;
  return isIP(bare) === 0 || bare.includes('%') ? undefined : bare;
}

/** The `for` of each element; the empty text where there is none that can be read (RFC 7239 4). */
function forwardedHops(value: string): string[] {
  return splitOutsideQuotes(value, ',').map((element) => {
    for (const pair of splitOutsideQuotes(element, ';')) {
      const [, quoted, token] = /^\s*for=(?:"((?:[^"\\]|\\.)*)"|([^\s",;=]+))\s*$/i.exec(pair) ?? [];
      if (quoted !== undefined) return quoted.replace(/\\(.)/g, '$1');
      if (token !== undefined) return token;
    }
    return '';
  });
}

/** Splits at `separator`, but not inside quoted strings (RFC 9110 5.6.4). A quote that never ends takes the rest with it. */
function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let from = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quoted && character === '\\') at += 1;
    else if (character === '"') quoted = !quoted;
    else if (character === separator && !quoted) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}
