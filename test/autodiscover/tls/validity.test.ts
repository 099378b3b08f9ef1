import assert from 'node:assert/strict';
import test from 'node:test';
import type { CertificateInfo } from '../../../src/autodiscover/tls/server-certificate.ts';
import { firstEnd, lacksName, validityFaults } from '../../../src/autodiscover/tls/validity.ts';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 0, 15);
const validity = (subject: string, from: number, until: number) => ({
  subject,
  notBefore: new Date(NOW + from * DAY_MS),
  notAfter: new Date(NOW + until * DAY_MS),
});
const certificate = (from: number, until: number, ...chain: [from: number, until: number][]): CertificateInfo => ({
  ...validity('CN=own', from, until),
  source: 'tls.pem',
  names: [],
  keyType: 'rsa',
  chain: chain.map(([begin, end], at) => validity(`CN=issuer ${at + 1}`, begin, end)),
});
const UNREAD: CertificateInfo = {
  ...certificate(0, 0),
  notBefore: undefined,
  notAfter: undefined,
};

const CASES: readonly (readonly [why: string, info: CertificateInfo, faults: readonly string[]])[] = [
  ['good for long', certificate(-1, 30, [-100, 400]), []],
  ['the last days', certificate(-1, 29.9), ['warn CN=own: the certificate expires soon, 29']],
  ['the last hours', certificate(-1, 0.1), ['warn CN=own: the certificate expires soon, 0']],
  ['over', certificate(-9, -0.1), ['error CN=own: the certificate has expired, -1']],
  ['not begun', certificate(0.5, 90), ['error CN=own: the certificate is not valid yet, 90']],
  [
    'an issuer that ended, and one that will',
    certificate(-1, 90, [-100, 5], [-100, -5]),
    [
      'warn CN=issuer 1: a certificate of the chain expires soon, 5',
      'error CN=issuer 2: a certificate of the chain has expired, -5',
    ],
  ],
  ['one that only node:tls can read', UNREAD, []],
];
for (const [why, info, expected] of CASES)
  test(`said of a certificate: ${why}`, () => {
    const faults = validityFaults(info, 30, NOW);
    assert.deepEqual(
      faults.map(({ level, subject, text, days }) => `${level} ${subject}: ${text}, ${days}`),
      expected,
    );
  });

test('the first end counts, whosever it is', () => {
  assert.deepEqual(firstEnd(certificate(-1, 90, [-1, 10], [-1, 400])), new Date(NOW + 10 * DAY_MS));
  assert.deepEqual(firstEnd(certificate(-1, 5, [-1, 10])), new Date(NOW + 5 * DAY_MS));
  assert.equal(firstEnd(UNREAD), undefined);
});

const NAMES: readonly (readonly [names: readonly string[], host: string, lacks: boolean])[] = [
  [['mail.contoso.test', 'Autodiscover.Contoso.test'], 'autodiscover.contoso.test', false],
  [['*.contoso.test'], 'autodiscover.contoso.test', false],
  [['*.contoso.test'], 'contoso.test', true],
  [['*.contoso.test'], 'a.b.contoso.test', true],
  [['contoso.test'], 'autodiscover.contoso.test', true],
  [[], 'autodiscover.contoso.test', true],
  [['192.0.2.7'], '192.0.2.7', false],
  [['192.0.2.7'], '192.0.2.8', true],
  [['2001:DB8:0:0:0:0:0:1'], '[2001:db8::1]', false],
];
for (const [names, host, lacks] of NAMES)
  test(`${names.join(', ') || 'no names'}: clients of ${host} ${lacks ? 'refuse it' : 'are content'}`, () => {
    assert.equal(lacksName({ ...certificate(-1, 90), names }, host), lacks);
    assert.equal(lacksName({ ...UNREAD, names, keyType: 'unknown' }, host), false);
  });
