// The header of the PROXY protocol, versions 1 and 2, by which a balancer that passes TLS through tells whose connection it is
// (haproxy.org, "The PROXY protocol", 2.1 and 2.2). Pure; the bytes may be cut anywhere.

import { isIP } from 'node:net';

export type ProxyHeader =
  /** More bytes are needed. */
  | { readonly state: 'incomplete' }
  /** What is there is no such header. */
  | { readonly state: 'broken'; readonly reason: string }
  /** `length` bytes were the header; `address` is the client's, undefined when the connection is the balancer's own. */
  | { readonly state: 'complete'; readonly length: number; readonly address: string | undefined };

/** Bytes. The first is the protocol's own limit; the second is more than addresses and the usual additions need. */
const LIMITS = { version1: 107, version2: 1024 } as const;

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const PREFIX = Buffer.from('PROXY ', 'latin1');
const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');
const INCOMPLETE = { state: 'incomplete' } as const;
const broken = (reason: string) => ({ state: 'broken', reason }) as const;

export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (beginsLike(bytes, SIGNATURE)) return bytes.length < 16 ? INCOMPLETE : version2(bytes);
  if (beginsLike(bytes, PREFIX)) return version1(bytes);
  return broken('no PROXY header');
}

/** True while the bytes that are there are the beginning of `expected`, or begin with it. */
function beginsLike(bytes: Buffer, expected: Buffer): boolean {
  const length = Math.min(bytes.length, expected.length);
  return bytes.subarray(0, length).equals(expected.subarray(0, length));
}

/** `PROXY TCP4 <source> <destination> <port> <port>\r\n`. */
function version1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, LIMITS.version1).indexOf('\r\n', 0, 'latin1');
  if (end < 0) return bytes.length < LIMITS.version1 ? INCOMPLETE : broken('the PROXY line does not end');
  const line = bytes.toString('latin1', 0, end);
  const length = end + 2;
  // Whatever stands behind UNKNOWN is to be ignored.
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) return { state: 'complete', length, address: undefined };
  const [, family, source = '', destination = '', ...ports] =
    /^PROXY TCP([46]) (\S+) (\S+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/.exec(line) ?? [];
  const wanted = Number(family);
  if (isIP(source) !== wanted || isIP(destination) !== wanted || source.includes('%')) return broken('the PROXY line');
  if (ports.some((port) => Number(port) > 65_535)) return broken('a port of the PROXY line');
  return { state: 'complete', length, address: source };
}

/** 12 bytes signature, version and command, family and transport, two bytes of length, addresses and additions. */
function version2(bytes: Buffer): ProxyHeader {
  const [versionAndCommand = 0, familyAndTransport = 0] = bytes.subarray(12, 14);
  const length = 16 + bytes.readUInt16BE(14);
  if (versionAndCommand >> 4 !== 2) return broken('the version of the PROXY header');
  if (length > LIMITS.version2) return broken('the PROXY header is too long');
  if (bytes.length < length) return INCOMPLETE;
  const command = versionAndCommand & 0xf;
  // LOCAL: the balancer asks for itself, as its health checks do; addresses are to be ignored.
  if (command === 0) return { state: 'complete', length, address: undefined };
  if (command !== 1) return broken('the command of the PROXY header');
  const family = familyAndTransport >> 4;
  // Neither unspecified nor UNIX sockets tell an address.
  if (family === 0 || family === 3) return { state: 'complete', length, address: undefined };
  if (family === 1 && length >= 16 + 12)
    return { state: 'complete', length, address: bytes.subarray(16, 20).join('.') };
  if (family === 2 && length >= 16 + 36) return { state: 'complete', length, address: ipv6(bytes.subarray(16, 32)) };
  return broken('the addresses of the PROXY header');
}

function ipv6(bytes: Buffer): string {
  // An IPv4 client in the clothes of IPv6 (RFC 4291 2.5.5.2).
  if (bytes.subarray(0, 12).equals(MAPPED)) return bytes.subarray(12).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  // Through URL, which writes the canonical form (RFC 5952).
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}
