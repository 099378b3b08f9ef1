// HTTP, TLS and paths: framing, smuggling, targets, methods, headers, slow senders, bombs.
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { poxBody } from '../../../helpers/running-service.ts';
import { ALICE, type HostileCase, http } from './raw.ts';

export const POX = '/autodiscover/autodiscover.xml';
export const SVC = '/autodiscover/autodiscover.svc';
export const GOOD = poxBody('alice@contoso.test');

const after = (ms: number, act: () => void): void => {
  setTimeout(act, ms).unref();
};
const lines = (...rows: readonly string[]): string => `${rows.join('\r\n')}\r\n\r\n`;
const HOST = 'Host: a.test';
const AUTH = `Authorization: ${ALICE}`;
const CLOSE = 'Connection: close';
const LENGTH = `Content-Length: ${GOOD.length}`;
/** Sent without a body: who waits to be invited sends none. */
const EXPECTING = ['Expect: 100-continue'];
const pox = (fields: Parameters<typeof http>[2] = {}, body: Buffer | string = GOOD): Buffer => http(POX, body, fields);
const chunked = (...parts: readonly string[]): string =>
  lines(`POST ${POX} HTTP/1.1`, HOST, AUTH, CLOSE, 'Transfer-Encoding: chunked') + parts.join('');
const hex = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

const FRAMING: readonly HostileCase[] = [
  { name: 'a good request', send: pox(), status: [200], says: 'settings' },
  { name: 'chunked body', send: chunked(hex(GOOD), '0\r\n\r\n'), status: [200], says: 'settings' },
  {
    name: 'chunk extension',
    send: chunked(`${GOOD.length.toString(16)};a=b\r\n${GOOD}\r\n`, '0\r\n\r\n'),
    status: [200],
    says: 'settings',
  },
  {
    name: 'trailers',
    send: chunked(hex(GOOD), '0\r\nAuthorization: Basic eDp5\r\n\r\n'),
    status: [200],
    says: 'settings',
  },
  { name: 'one-byte chunks', send: chunked(...[...GOOD].map(hex), '0\r\n\r\n'), status: [200], says: 'settings' },
  { name: 'negative chunk', send: chunked('-1\r\n', GOOD), status: [400] },
  { name: 'chunk size is no number', send: chunked('zz\r\n', GOOD), status: [400] },
  { name: 'chunk size of 20 digits', send: chunked('FFFFFFFFFFFFFFFFFFFF\r\n', GOOD), status: [400] },
  { name: 'chunk size with 0x', send: chunked(`0x${GOOD.length.toString(16)}\r\n${GOOD}\r\n`), status: [400] },
  { name: 'chunk without its end', send: chunked(`5\r\n${GOOD}`), status: [400] },
  { name: 'endless chunk extension', send: chunked(`5;${'a'.repeat(100_000)}\r\n`), status: [413] },
  { name: 'length and chunks together', send: pox({ headers: ['Transfer-Encoding: chunked'] }), status: [400] },
  {
    name: 'unknown transfer coding',
    send: pox({ headers: ['Transfer-Encoding: gzip'], length: false }),
    status: [400],
  },
  {
    name: 'chunked twice',
    send: pox({ headers: ['Transfer-Encoding: chunked, chunked'], length: false }),
    status: [400],
  },
  { name: 'obfuscated transfer coding', send: pox({ headers: ['Transfer-Encoding: \x0bchunked'] }), status: [400] },
  {
    name: 'chunks in HTTP/1.0, and a request behind them',
    send: Buffer.concat([
      Buffer.from(
        chunked(hex(GOOD), '0\r\n\r\n').replace('HTTP/1.1', 'HTTP/1.0').replace(CLOSE, 'Connection: keep-alive'),
      ),
      pox(),
    ]),
    status: [400],
  },
  { name: 'two lengths that differ', send: pox({ headers: ['Content-Length: 3'] }), status: [400] },
  { name: 'two lengths that agree', send: pox({ headers: [LENGTH] }), status: [400] },
  { name: 'length list', send: pox({ length: '5, 5' }), status: [400] },
  { name: 'negative length', send: pox({ length: '-1' }), status: [400] },
  { name: 'length with plus', send: pox({ length: '+5' }), status: [400] },
  { name: 'length in hex', send: pox({ length: '0x10' }), status: [400] },
  { name: 'length of 30 digits', send: pox({ length: '9'.repeat(30) }), status: [400] },
  { name: 'length beyond the limit', send: pox({ length: 99_999_999 }), status: [413] },
  { name: 'body beyond the limit', send: pox({}, 'x'.repeat(70_000)), status: [413] },
  { name: 'chunked body beyond the limit', send: chunked(hex('x'.repeat(70_000)), '0\r\n\r\n'), status: [413] },
  { name: 'body shorter than its length, then silence', send: pox({ length: GOOD.length + 1 }), status: [408] },
  {
    name: 'body shorter than its length, then the end',
    send: pox({ length: GOOD.length + 1 }),
    status: [400],
    halfClose: true,
  },
  { name: 'body longer than its length', send: pox({ length: 10 }), status: [200], says: 'pox 600' },
  { name: 'body of a GET', send: http(POX, GOOD, { method: 'GET' }), status: [200], says: 'settings' },
  { name: 'no length and no chunks', send: pox({ length: false }), status: [200], says: 'pox 600' },
  { name: 'bare LF lines', send: `POST ${POX} HTTP/1.1\nHost: a\n\n`, status: [400] },
  { name: 'bare CR lines', send: `GET ${POX} HTTP/1.1\rHost: a\r\r`, status: [400] },
  { name: 'blank line first', send: Buffer.concat([Buffer.from('\r\n'), pox()]), status: [200], says: 'settings' },
  { name: 'folded header', send: pox({ headers: ['X-A: 1\r\n 2'] }), status: [400] },
  { name: 'space before the colon', send: pox({ headers: ['X-A : 1'] }), status: [400] },
  { name: 'space before the first header', send: lines(`GET ${POX} HTTP/1.1`, ' Host: a', HOST), status: [400] },
  { name: 'header without colon', send: pox({ headers: ['nonsense'] }), status: [400] },
  { name: 'empty header name', send: pox({ headers: [': x'] }), status: [400] },
  { name: 'NUL in a header', send: pox({ headers: ['X-A: a\0b'] }), status: [400] },
  { name: 'CR in a header', send: pox({ headers: ['X-A: a\rb'] }), status: [400] },
  { name: 'control bytes in a header name', send: pox({ headers: ['X\x01A: a'] }), status: [400] },
  { name: 'high bytes in a header', send: pox({ headers: ['X-A: \xff\xfe'] }), status: [200], says: 'settings' },
  {
    name: '100 headers',
    send: pox({ headers: Array.from({ length: 96 }, (_, n) => `X-${n}: 1`) }),
    status: [200],
    says: 'settings',
  },
  { name: '101 headers', send: pox({ headers: Array.from({ length: 97 }, (_, n) => `X-${n}: 1`) }), status: [431] },
  { name: '2,000 headers', send: pox({ headers: Array.from({ length: 2000 }, (_, n) => `X-${n}: 1`) }), status: [431] },
  { name: 'header of 90 KiB', send: pox({ headers: [`X-A: ${'a'.repeat(90_000)}`] }), status: [200], says: 'settings' },
  { name: 'headers of 200 KiB', send: pox({ headers: [`X-A: ${'a'.repeat(200_000)}`] }), status: [431] },
  { name: 'request line of 200 KiB', send: http(`${POX}?${'a'.repeat(200_000)}`), status: [431] },
  {
    name: '__proto__ as header',
    send: pox({ headers: ['__proto__: x', 'constructor: y'] }),
    status: [200],
    says: 'settings',
  },
  {
    name: 'Expect: 100-continue',
    send: pox({ headers: ['Expect: 100-continue'] }),
    status: [100, 200],
    says: 'settings',
  },
  {
    name: 'Expect: 100-continue, chunked',
    send: Buffer.from(chunked(hex(GOOD), '0\r\n\r\n').replace(CLOSE, `${CLOSE}\r\nExpect: 100-continue`)),
    status: [100, 200],
    says: 'settings',
  },
  {
    name: 'Expect: 100-continue without credentials',
    send: pox({ headers: EXPECTING, authorization: false, connection: 'keep-alive' }, ''),
    status: [401],
  },
  {
    name: 'Expect: 100-continue with a wrong password',
    send: pox({ headers: EXPECTING, authorization: `Basic ${btoa('alice:no')}`, connection: 'keep-alive' }, ''),
    status: [401],
  },
  {
    name: 'Expect: 100-continue with a length beyond the limit',
    send: pox({ headers: EXPECTING, length: 99_999_999, connection: 'keep-alive' }, ''),
    status: [413],
  },
  {
    name: 'Expect: 100-continue at no path',
    send: http('/x', '', { method: 'POST', length: 5, headers: EXPECTING, connection: 'keep-alive' }),
    status: [404],
  },
  {
    name: 'Expect: 100-continue twice',
    send: pox({ headers: [...EXPECTING, ...EXPECTING] }),
    status: [100, 200],
    says: 'settings',
  },
  { name: 'Expect: nonsense', send: pox({ headers: ['Expect: nonsense'] }), status: [417] },
  {
    name: 'Upgrade to h2c',
    send: pox({ connection: 'close, Upgrade', headers: ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'] }),
    status: [200],
    says: 'settings',
  },
  {
    name: 'Upgrade to websocket',
    send: http(POX, '', {
      connection: 'Upgrade',
      headers: ['Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: x'],
    }),
    status: [200],
    says: 'pox 600',
  },
  {
    name: 'a request behind one with Upgrade',
    send: Buffer.concat([
      http(POX, '', { connection: 'Upgrade', headers: ['Upgrade: websocket'] }),
      http(POX, GOOD, { connection: 'keep-alive' }),
    ]),
    status: [200],
    says: 'pox 600',
  },
];

const VERSIONS: readonly HostileCase[] = [
  { name: 'HTTP/1.0', send: pox({ version: 'HTTP/1.0' }), status: [200], says: 'settings' },
  { name: 'HTTP/1.0 without Host', send: pox({ version: 'HTTP/1.0', host: false }), status: [200], says: 'settings' },
  { name: 'HTTP/1.1 without Host', send: pox({ host: false }), status: [400] },
  { name: 'two Host headers', send: pox({ headers: ['Host: evil.test'] }), status: [400] },
  { name: 'empty Host', send: pox({ host: '' }), status: [200], says: 'settings' },
  { name: 'Host with a path', send: pox({ host: 'a.test/../x' }), status: [200], says: 'settings' },
  { name: 'Host with spaces', send: pox({ host: 'a b c' }), status: [200], says: 'settings' },
  { name: 'HTTP/0.9', send: `GET ${POX}\r\n\r\n`, status: [401] },
  { name: 'HTTP/2 preface', send: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', status: [400] },
  { name: 'HTTP/9.9', send: pox({ version: 'HTTP/9.9' }), status: [400] },
  { name: 'HTTQ/1.1', send: pox({ version: 'HTTQ/1.1' }), status: [400] },
  { name: 'lower-case http/1.1', send: pox({ version: 'http/1.1' }), status: [400] },
  { name: 'no version', send: `POST ${POX} \r\n\r\n`, status: [400] },
  { name: 'random bytes', send: Buffer.from(Array.from({ length: 500 }, (_, n) => (n * 7919) & 0xff)), status: [400] },
  { name: 'a TLS hello inside TLS', send: Buffer.from('16030100c8010000c40303', 'hex'), status: [400] },
  { name: 'an LDAP bind', send: Buffer.from('300c020101600702010304008000', 'hex'), status: [400] },
  { name: 'an SMTP greeting', send: 'EHLO x\r\nMAIL FROM:<a>\r\n', status: [400] },
  { name: 'nothing, then the end', send: '', status: [], halfClose: true },
  { name: 'clear text on the TLS port', send: pox(), status: [], plain: true },
  { name: 'random bytes on the TLS port', send: Buffer.alloc(300, 0x5a), status: [], plain: true },
  { name: 'half a TLS hello', send: Buffer.from('16030100c8010000c40303', 'hex'), status: [], plain: true },
  {
    name: 'SSLv2 hello',
    send: Buffer.from('802e0100020015000000100100800200800300800400800500800600400700c0', 'hex'),
    status: [],
    plain: true,
  },
  { name: 'TLS record of the wrong version', send: Buffer.from('16090100020000', 'hex'), status: [], plain: true },
  {
    name: 'TLS record beyond its limit',
    send: Buffer.concat([Buffer.from('160301ffff', 'hex'), Buffer.alloc(0xffff)]),
    status: [],
    says: 'alert record_overflow',
    plain: true,
  },
  { name: 'connection that says nothing without TLS', send: '', status: [], plain: true },
];

const methods: readonly (readonly [string, number])[] = [
  ['PUT', 405],
  ['DELETE', 405],
  ['PATCH', 405],
  ['TRACE', 405],
  ['PROPFIND', 405],
  ['LOCK', 405],
  ['M-SEARCH', 405],
  ['OPTIONS', 204],
  ['GARBAGE', 400],
  ['get', 400],
  ['G', 400],
  ['', 400],
  ['POST\t', 400],
  ['A'.repeat(5000), 400],
];
const METHODS: readonly HostileCase[] = [
  ...methods.map(([method, status]) => ({
    name: `method ${JSON.stringify(method.slice(0, 10))}`,
    send: http(POX, '', { method }),
    status: [status],
  })),
  { name: 'OPTIONS of everything', send: http('*', '', { method: 'OPTIONS' }), status: [404] },
  { name: 'CONNECT', send: http('evil.test:443', '', { method: 'CONNECT' }), status: [] },
  { name: 'HEAD', send: http(POX, '', { method: 'HEAD' }), status: [200] },
  { name: 'PUT without credentials', send: http(POX, 'x', { method: 'PUT', authorization: false }), status: [401] },
  {
    name: 'method override header',
    send: http(POX, '', { method: 'GET', headers: ['X-HTTP-Method-Override: DELETE'] }),
    status: [200],
    says: 'pox 600',
  },
];

const targets: readonly (readonly [string, number, string?])[] = [
  ['/AutoDiscover/AutoDiscover.XML', 200, 'settings'],
  ['//autodiscover//autodiscover.xml//', 200, 'settings'],
  ['/autodiscover/x/autodiscover.xml', 200, 'settings'],
  [`${POX}?a=b#c`, 200, 'settings'],
  [`${POX}?${'a=b&'.repeat(5000)}`, 200, 'settings'],
  [`${POX}?__proto__[x]=1&constructor.prototype=2`, 200, 'settings'],
  [`${POX}?a=%`, 200, 'settings'],
  [`https://evil.test${POX}`, 200, 'settings'],
  [`http://169.254.169.254${POX}`, 200, 'settings'],
  ['https://evil.test/', 404],
  [`https://alice:x@evil.test${POX}`, 200, 'settings'],
  [`//evil.test${POX}`, 404],
  ['/autodiscover/%252e%252e/autodiscover.xml', 200, 'settings'],
  ['/autodiscover/%c0%ae%c0%ae/autodiscover.xml', 200, 'settings'],
  ['*', 400],
  ['http://[/', 400],
  [`http://[${POX}`, 400],
  [`http://a:99999${POX}`, 400],
  [`http://evil.test:bad${POX}`, 400],
  [`http://[fe80::1%25]${POX}`, 400],
  [`http://1.2.3.4.5.6.999${POX}`, 400],
  [`http://${POX}`, 400],
  [`ftp://evil.test${POX}`, 400],
  ['http://a:99999/autodiscover/autodiscover.json?x', 400],
  ['http://a/autodiscover/autodiscover.json?Email=alice%40contoso.test', 405],
  ['https://evil.test', 404],
  [`https://evil.test?${POX}`, 404],
  ['autodiscover/autodiscover.xml', 400],
  ['evil.test:443', 400],
  ['/autodiscover/../autodiscover/autodiscover.xml', 404],
  ['/autodiscover/%2e%2e/autodiscover.xml', 200, 'settings'],
  ['/autodiscover/../../etc/passwd', 404],
  ['/autodiscover/..%2f..%2fetc%2fpasswd', 404],
  ['/autodiscover%2fautodiscover.xml', 404],
  ['/autodiscover/autodiscover%2exml', 404],
  ['/autodiscover\\autodiscover.xml', 404],
  ['/autodiscover/%5cautodiscover.xml', 404],
  ['/autodiscover/autodiscover.xml%00.json', 404],
  ['/autodiscover/autodiscover.xml%0d%0aX-A:b', 404],
  ['/autodiscover/autodiscover.xml;x=y', 404],
  ['/autodiscover/autodiscover.xml/extra', 404],
  ['/autodiscover/autodiscover.json@evil.test/autodiscover.xml', 200, 'settings'],
  ['/autodiscover/a/b/autodiscover.xml', 404],
  ['/%61utodiscover/autodiscover.xml', 404],
  ['/%E0%A4%A/autodiscover.xml', 404],
  ['/%', 404],
  ['/', 404],
  ['/owa/', 404],
  ['/ecp/default.flt', 404],
  ['/powershell/', 404],
  ['/mapi/nspi/', 404],
  ['/EWS/Exchange.asmx', 404],
  ['/metrics', 404],
  ['/autodiscover', 404],
  ['/autodiscover/', 404],
  ['/autodiscover/autodiscover', 404],
  ['/autodiscover/autodiscover.xm', 404],
  [`/autodiscover/${'a/'.repeat(20_000)}autodiscover.xml`, 404],
  [`/${'/'.repeat(50_000)}autodiscover`, 404],
  [`/autodiscover/${'a'.repeat(50_000)}/autodiscover.xml`, 200, 'settings'],
];
const TARGETS: readonly HostileCase[] = targets.map(([target, status, says]) => ({
  name: `target ${target.slice(0, 70)}`,
  send: http(target, GOOD),
  status: [status],
  ...(says === undefined ? {} : { says }),
}));

/** Credentials must be asked for before anything of the body is looked at, on every spelling of the paths. */
const UNAUTHENTICATED: readonly HostileCase[] = [
  ...[
    POX,
    SVC,
    '/AUTODISCOVER/AUTODISCOVER.SVC/',
    '/autodiscover/autodiscover.json@x/autodiscover.xml',
    '//autodiscover/x/autodiscover.svc',
  ].map((target) => ({
    name: `no credentials: ${target}`,
    send: http(target, GOOD, { authorization: false }),
    status: [401],
  })),
  {
    name: 'no credentials and a broken body',
    send: http(POX, '<!DOCTYPE a>', { authorization: false }),
    status: [401],
  },
  {
    name: 'no credentials and a huge body',
    send: http(POX, 'x'.repeat(200_000), { authorization: false }),
    status: [401],
  },
  {
    name: 'no credentials and a length beyond the limit',
    send: http(POX, 'x', { authorization: false, length: 9_999_999 }),
    status: [401],
    halfClose: true,
  },
  {
    name: 'forged identity headers',
    send: http(POX, GOOD, {
      authorization: false,
      headers: ['X-Forwarded-User: alice', 'X-Remote-User: alice', 'X-AnonResource: true', 'X-BEResource: a@b'],
    }),
    status: [401],
  },
  {
    name: 'an Exchange back-end cookie',
    send: http(POX, GOOD, {
      authorization: false,
      headers: ['Cookie: X-BEResource=localhost/x?~3; Email=autodiscover/autodiscover.json?a@b'],
    }),
    status: [401],
  },
];

const bomb = gzipSync(Buffer.alloc(20_000_000, 0x20));
const ENCODINGS: readonly HostileCase[] = [
  { name: 'gzip', send: pox({ headers: ['Content-Encoding: gzip'] }, gzipSync(GOOD)), status: [200], says: 'settings' },
  {
    name: 'deflate',
    send: pox({ headers: ['Content-Encoding: deflate'] }, deflateSync(GOOD)),
    status: [200],
    says: 'settings',
  },
  {
    name: 'brotli',
    send: pox({ headers: ['Content-Encoding: br'] }, brotliCompressSync(GOOD)),
    status: [200],
    says: 'settings',
  },
  { name: 'gzip bomb of 20 MB', send: pox({ headers: ['Content-Encoding: gzip'] }, bomb), status: [413] },
  {
    name: 'deflate bomb',
    send: pox({ headers: ['Content-Encoding: deflate'] }, deflateSync(Buffer.alloc(20_000_000))),
    status: [413],
  },
  {
    name: 'brotli bomb',
    send: pox({ headers: ['Content-Encoding: br'] }, brotliCompressSync(Buffer.alloc(2_000_000))),
    status: [413],
  },
  {
    name: 'gzip in gzip',
    send: pox({ headers: ['Content-Encoding: gzip, gzip'] }, gzipSync(gzipSync(GOOD))),
    status: [415],
  },
  {
    name: 'gzip twice in one header, a bomb',
    send: pox({ headers: ['Content-Encoding: gzip'] }, gzipSync(bomb)),
    status: [200],
    says: 'pox 600',
  },
  { name: 'unknown coding', send: pox({ headers: ['Content-Encoding: zip'] }), status: [415] },
  { name: 'gzip that is none', send: pox({ headers: ['Content-Encoding: gzip'] }), status: [400] },
  {
    name: 'gzip cut off',
    send: pox({ headers: ['Content-Encoding: gzip'] }, gzipSync(GOOD).subarray(0, 60)),
    status: [400],
  },
  {
    name: 'gzip with damage',
    send: pox(
      { headers: ['Content-Encoding: gzip'] },
      Buffer.concat([gzipSync(GOOD).subarray(0, 40), Buffer.alloc(60, 1)]),
    ),
    status: [400],
  },
];

const SLOW: readonly HostileCase[] = [
  { name: 'headers that never end', send: lines(`GET ${POX} HTTP/1.1`, HOST).slice(0, -2), status: [408] },
  {
    name: 'a header line every 100 ms',
    send: (socket) => {
      socket.write(`GET ${POX} HTTP/1.1\r\nHost: a\r\n`);
      for (let n = 0; n < 60; n++) after(n * 100, () => socket.writable && socket.write(`X-${n}: 1\r\n`));
    },
    status: [408],
  },
  {
    name: 'a body byte every 100 ms',
    send: (socket) => {
      socket.write(lines(`POST ${POX} HTTP/1.1`, HOST, AUTH, 'Content-Length: 1000'));
      for (let n = 0; n < 60; n++) after(n * 100, () => socket.writable && socket.write('x'));
    },
    status: [408],
  },
  {
    name: 'a chunk every 100 ms, for ever',
    send: (socket) => {
      socket.write(chunked());
      for (let n = 0; n < 60; n++) after(n * 100, () => socket.writable && socket.write('1\r\nx\r\n'));
    },
    status: [408],
  },
  { name: 'TLS and then silence', send: () => undefined, status: [408] },
  { name: 'one letter', send: 'P', status: [408] },
  {
    name: 'a request whose sender resets',
    send: (socket) => void socket.write(pox(), () => socket.destroy()),
    status: [],
  },
  {
    name: 'half a request whose sender resets',
    send: (socket) => void socket.write('POST /auto', () => socket.destroy()),
    status: [],
  },
  {
    name: 'half a body whose sender resets',
    send: (socket) => void socket.write(pox({ length: 5000 }), () => after(50, () => socket.destroy())),
    status: [],
  },
];

const keep = (target: string, body: string): Buffer => http(target, body, { connection: 'keep-alive' });
const PIPELINES: readonly HostileCase[] = [
  { name: 'two in a pipeline', send: Buffer.concat([keep(POX, GOOD), pox()]), status: [200, 200], says: 'settings' },
  {
    name: 'as many in a pipeline as are allowed',
    send: Buffer.concat([...Array.from({ length: 31 }, () => keep(POX, GOOD)), pox()]),
    status: Array(32).fill(200),
    says: 'settings',
  },
  { name: 'one more in a pipeline', send: keep(POX, '').toString().repeat(33), status: [] },
  { name: 'ten thousand in a pipeline', send: keep(POX, '').toString().repeat(10_000), status: [] },
  {
    name: 'ten thousand in a pipeline behind a body that is awaited',
    send: Buffer.concat([
      http(POX, GOOD, { connection: 'keep-alive' }).subarray(0, -1),
      Buffer.from(`>${'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(10_000)}`),
    ]),
    status: [],
  },
  {
    name: 'good, unknown path, good',
    send: Buffer.concat([keep(POX, GOOD), keep('/x', 'a'), pox()]),
    status: [200, 404, 200],
    says: 'settings',
  },
  {
    name: 'credentials are not kept for the next in the pipeline',
    send: Buffer.concat([keep(POX, GOOD), pox({ authorization: false })]),
    status: [200, 401],
    says: 'settings',
  },
  {
    name: 'good, then nonsense',
    send: Buffer.concat([keep(POX, GOOD), Buffer.from('nonsense\r\n\r\n')]),
    status: [200, 400],
    says: 'settings',
  },
  {
    name: 'a smuggled request in a body',
    send: http(POX, http(POX, GOOD).toString(), {}),
    status: [200],
    says: 'pox 600',
  },
  { name: 'a request behind Connection: close', send: Buffer.concat([pox(), pox()]), status: [200], says: 'settings' },
];

export const HTTP_CASES: readonly HostileCase[] = [
  ...FRAMING,
  ...VERSIONS,
  ...METHODS,
  ...TARGETS,
  ...UNAUTHENTICATED,
  ...ENCODINGS,
  ...SLOW,
  ...PIPELINES,
];
