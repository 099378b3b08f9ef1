import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import test from 'node:test';
import fc from 'fast-check';
import { networkList } from '../../../src/autodiscover/server/authentication/client-network.ts';
import { clientBehind, type ForwardedHeader, hopAddress } from '../../../src/autodiscover/server/forwarded.ts';

const PROXY = '10.0.0.1';
const OUTER = '10.0.0.2';
const STRANGER = '203.0.113.9';
const trusted = networkList(['10.0.0.0/24', '2001:db8:ffff::/48']);

const X: ForwardedHeader = 'x-forwarded-for';
const F: ForwardedHeader = 'forwarded';
const CASES: readonly (readonly [string, string, ForwardedHeader, string | undefined, string])[] = [
  ['no header', PROXY, X, undefined, PROXY],
  ['one hop', PROXY, X, '192.0.2.7', '192.0.2.7'],
  ['a stranger who says so', STRANGER, X, '192.0.2.7', STRANGER],
  ['what the client said before the proxy', PROXY, X, '192.0.2.66, 192.0.2.7', '192.0.2.7'],
  ['two proxies', PROXY, X, `192.0.2.66, 192.0.2.7, ${OUTER}`, '192.0.2.7'],
  ['proxies only', PROXY, X, `${OUTER}`, OUTER],
  ['IPv6', PROXY, X, '2001:db8::7', '2001:db8::7'],
  ['with ports', PROXY, X, '192.0.2.66:1, [2001:db8::7]:443', '2001:db8::7'],
  ['unknown ends the chain', PROXY, X, `192.0.2.7, unknown, ${OUTER}`, OUTER],
  ['rubbish', PROXY, X, 'alice', PROXY],
  ['nothing', PROXY, X, '', PROXY],
  ['an empty last hop', PROXY, X, '192.0.2.7, ', PROXY],
  ['Forwarded', PROXY, F, 'for=192.0.2.7;proto=https;by=10.0.0.1', '192.0.2.7'],
  ['Forwarded in any case', PROXY, F, 'Proto=https; For="192.0.2.7:4711"', '192.0.2.7'],
  ['Forwarded, IPv6', PROXY, F, 'for="[2001:db8::7]:4711"', '2001:db8::7'],
  ['Forwarded, several', PROXY, F, `for=192.0.2.66, for=192.0.2.7, for=${OUTER}`, '192.0.2.7'],
  ['Forwarded with a comma in quotes', PROXY, F, 'for=192.0.2.7;host="a, for=192.0.2.66"', '192.0.2.7'],
  [
    'Forwarded with an escaped quote',
    PROXY,
    F,
    'for=192.0.2.66, host="\\", for=192.0.2.66";for=192.0.2.7',
    '192.0.2.7',
  ],
  ['Forwarded, hidden', PROXY, F, 'for=192.0.2.66, for=_hidden', PROXY],
  ['Forwarded without for', PROXY, F, 'for=192.0.2.66, proto=https', PROXY],
  ['Forwarded with a quote that does not end', PROXY, F, 'for=192.0.2.7, host="for=192.0.2.66', PROXY],
  ['the peer as IPv6', '::ffff:10.0.0.1', X, '192.0.2.7', '192.0.2.7'],
];
for (const [why, peer, header, value, client] of CASES) {
  test(why, () => assert.equal(clientBehind(peer, header, value, trusted), client));
}

test('a chain of any length ends soon', () => {
  const value = `192.0.2.66${`, ${OUTER}`.repeat(10_000)}`;
  assert.equal(clientBehind(PROXY, X, value, trusted), OUTER);
});

test('whatever a client sends in front, the proxy has the last word', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.equal(clientBehind(PROXY, X, `${text}, 192.0.2.7`, trusted), '192.0.2.7');
      assert.equal(clientBehind(STRANGER, X, text, trusted), STRANGER);
      assert.notEqual(isIP(clientBehind(PROXY, F, text, trusted)), 0);
    }),
  );
});

test('hops', () => {
  assert.equal(hopAddress(' 192.0.2.7 '), '192.0.2.7');
  for (const text of ['', '1.2.3', '1.2.3.4:', 'fe80::1%eth0', '[::1', '[alice]:1', '1.2.3.4:80:80'])
    assert.equal(hopAddress(text), undefined, text);
});
