import assert from 'node:assert/strict';
import test from 'node:test';
import { countedAddress, networkList } from '../../../../src/autodiscover/server/authentication/client-network.ts';

const COUNTED: readonly (readonly [string, string])[] = [
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'], // IPv4 on a dual-stack socket
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['', ''], // a socket that is gone
];

for (const [address, key] of COUNTED) {
  test(`${address || '(none)'} is counted as ${key || '(none)'}`, () => assert.equal(countedAddress(address), key));
}

test('networks hold their addresses, in either spelling', () => {
  const listed = networkList(['192.0.2.10', '198.51.100.0/24', '2001:db8::/32']);
  for (const yes of ['192.0.2.10', '::ffff:192.0.2.10', '198.51.100.77', '2001:db8:9::1'])
    assert.equal(listed(yes), true, yes);
  for (const no of ['192.0.2.11', '198.51.101.1', '2001:db9::1', '', 'nonsense', '::1'])
    assert.equal(listed(no), false, no);
});
