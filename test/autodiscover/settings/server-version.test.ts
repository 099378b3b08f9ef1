import assert from 'node:assert/strict';
import test from 'node:test';
import {
  casVersion,
  decodeVersionNumber,
  encodeVersionNumber,
  parseCasVersion,
  parseServerVersionHex,
  serverVersionHex,
} from '../../../src/autodiscover/settings/server-version.ts';

// Product, version, the hex that Exchange prints.
for (const [product, version, hex] of [
  ['Exchange 2007', '8.0.647', '72008287'],
  ['Exchange 2010', '14.0.639', '7380827F'],
  ['Exchange 2010 SP1', '14.1.218', '738180DA'],
  ['Exchange 2010 SP2', '14.2.247', '738280F7'],
  ['Exchange 2010 SP3', '14.3.123', '7383807B'],
  ['Exchange 2010 SP3 with a late rollup', '14.3.513', '73838201'],
  ['Exchange 2013', '15.0.516', '73C08204'],
  ['Exchange 2013 SP1', '15.0.847', '73C0834F'],
] as const) {
  test(`${product} is ${hex} ([MS-OXDSCLI] 2.2.4.1.1.2.6 Protocol)`, () => {
    const [major = 0, minor = 0, build = 0] = version.split('.').map(Number);
    const number = encodeVersionNumber({ major, minor, build });
    assert.equal(serverVersionHex(number), hex);
    assert.equal(parseServerVersionHex(hex.toLowerCase()), number);
    assert.deepEqual(decodeVersionNumber(number), { major, minor, build });
  });
}

test('a directory holds the number signed; it is printed the same', () => {
  assert.equal(serverVersionHex(-1), 'FFFFFFFF');
  assert.equal(serverVersionHex(1), '00000001');
});

for (const text of ['', '14.3.123', '7383807', '7383807BB', '0x738380', 'ghijklmn']) {
  test(`${JSON.stringify(text)} is no ServerVersion`, () => assert.equal(parseServerVersionHex(text), undefined));
}

test('CasVersion is zero padded', () => {
  assert.equal(casVersion(0x7383807b, 4), '14.03.0123.004');
  assert.equal(casVersion(0x7383807b), '14.03.0123.000');
  assert.deepEqual(parseCasVersion('14.03.0123.004'), { major: 14, minor: 3, build: 123, revision: 4 });
  assert.deepEqual(parseCasVersion('15.1.2507.6'), { major: 15, minor: 1, build: 2507, revision: 6 });
  for (const text of ['', '14.3.123', '14.3.123.4.5', '14.3.x.4']) assert.equal(parseCasVersion(text), undefined);
});
