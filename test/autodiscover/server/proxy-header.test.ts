import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parseProxyHeader } from '../../../src/autodiscover/server/proxy-header.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
/** A version 2 header: command and version, family, length and the rest, all in hex. */
const v2 = (hex: string) => Buffer.from(SIGNATURE + hex.replaceAll(' ', ''), 'hex');
const v1 = (line: string) => Buffer.from(line, 'latin1');

const GOOD: readonly (readonly [why: string, bytes: Buffer, address: string | undefined])[] = [
  ['version 1, IPv4', v1('PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n'), '192.0.2.1'],
  ['version 1, IPv6', v1('PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n'), '2001:db8::1'],
  ['version 1, port 0', v1('PROXY TCP4 192.0.2.1 198.51.100.1 0 443\r\n'), '192.0.2.1'],
  ['version 1, unknown', v1('PROXY UNKNOWN\r\n'), undefined],
  ['version 1, unknown with words', v1('PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n'), undefined],
  ['version 2, IPv4', v2('21 11 000c c0000201 c6336401 dc04 01bb'), '192.0.2.1'],
  ['version 2, IPv4 with additions', v2('21 11 0013 c0000201 c6336401 dc04 01bb 04 0004 00000000'), '192.0.2.1'],
  ['version 2, IPv6', v2(`21 21 0024 20010db8${'00'.repeat(11)}01 ${'00'.repeat(16)} dc04 01bb`), '2001:db8::1'],
  [
    'version 2, IPv4 in IPv6',
    v2(`21 21 0024 ${'00'.repeat(10)}ffffc0000201 ${'00'.repeat(16)} dc04 01bb`),
    '192.0.2.1',
  ],
  ['version 2, local', v2('20 00 0000'), undefined],
  ['version 2, local with addresses, which do not count', v2('20 11 000c c0000201 c6336401 dc04 01bb'), undefined],
  ['version 2, unspecified family', v2('21 00 0000'), undefined],
  ['version 2, UNIX sockets', v2(`21 31 00d8 ${'41'.repeat(216)}`), undefined],
];
for (const [why, bytes, address] of GOOD) {
  test(`good: ${why}`, () => {
    const behind = Buffer.from('1603010200', 'hex');
    assert.deepEqual(parseProxyHeader(Buffer.concat([bytes, behind])), {
      state: 'complete',
      length: bytes.length,
      address,
    });
    for (let length = 0; length < bytes.length; length++)
      assert.equal(parseProxyHeader(bytes.subarray(0, length)).state, 'incomplete', `cut at ${length}`);
  });
}

const BAD: readonly (readonly [why: string, bytes: Buffer])[] = [
  ['a TLS handshake', Buffer.from('1603010200010001fc', 'hex')],
  ['HTTP', v1('POST /autodiscover/autodiscover.xml HTTP/1.1\r\n')],
  ['another word', v1('PROXIES TCP4 192.0.2.1 198.51.100.1 1 2\r\n')],
  ['small letters', v1('proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n')],
  ['a family nobody knows', v1('PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n')],
  ['an address of the other family', v1('PROXY TCP4 2001:db8::1 198.51.100.1 1 2\r\n')],
  ['a destination that is none', v1('PROXY TCP4 192.0.2.1 nobody 1 2\r\n')],
  ['an address with a zone', v1('PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n')],
  ['two spaces', v1('PROXY TCP4  192.0.2.1 198.51.100.1 1 2\r\n')],
  ['a port too many', v1('PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n')],
  ['a port that is too high', v1('PROXY TCP4 192.0.2.1 198.51.100.1 1 65536\r\n')],
  ['a port with a zero in front', v1('PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n')],
  ['a line without end', v1(`PROXY UNKNOWN ${'x'.repeat(100)}`)],
  ['version 3', v2('31 11 000c c0000201 c6336401 dc04 01bb')],
  ['an unknown command', v2('22 11 000c c0000201 c6336401 dc04 01bb')],
  ['an unknown family', v2('21 41 000c c0000201 c6336401 dc04 01bb')],
  ['IPv4 addresses cut short', v2('21 11 0004 c0000201')],
  ['IPv6 addresses cut short', v2('21 21 000c c0000201 c6336401 dc04 01bb')],
  ['a length beyond what anybody sends', v2('21 11 ffff c0000201')],
];
for (const [why, bytes] of BAD) {
  test(`bad: ${why}`, () => assert.equal(parseProxyHeader(bytes).state, 'broken'));
}

test('whatever comes, there is an answer, and never one that waits for more than a kilobyte', () => {
  const beginnings = fc.constantFrom(Buffer.alloc(0), Buffer.from(SIGNATURE, 'hex'), v1('PROXY TCP4 '), v2('21 11'));
  fc.assert(
    fc.property(beginnings, fc.uint8Array({ maxLength: 1100, minLength: 0 }), (beginning, rest) => {
      const bytes = Buffer.concat([beginning, rest]);
      const header = parseProxyHeader(bytes);
      if (header.state === 'incomplete') assert.ok(bytes.length < 1024);
      if (header.state === 'complete') assert.ok(header.length <= bytes.length);
    }),
  );
});
