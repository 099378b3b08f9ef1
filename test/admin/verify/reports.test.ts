// Comparison of settings, baselines and JUnit.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { compareChecks, parseBaseline, renderBaseline } from '../../../src/admin/verify/baseline.ts';
import type { Check } from '../../../src/admin/verify/check.ts';
import { compareSettings } from '../../../src/admin/verify/compare-settings.ts';
import { renderJunit } from '../../../src/admin/verify/junit.ts';
import { wrapped } from '../../../src/admin/verify/report-text.ts';
import { parseXml, XML_LIMITS } from '../../../src/autodiscover/wire/xml.ts';

test('settings are compared one by one', () => {
  const checks = compareSettings(
    'a@b',
    'pox',
    { InternalRpcClientServer: 'array', MailboxDN: '/o=x', ActiveDirectoryServer: 'dc1', UserDN: 'u' },
    { InternalRpcClientServer: 'server', ActiveDirectoryServer: 'dc2', UserDN: 'u', CasVersion: '14' },
  );
  assert.deepEqual(
    checks.map(({ check, outcome, expected, served }) => [check, outcome, expected, served]),
    [
      ['pox UserDN', 'passed', 'u', 'u'],
      ['pox InternalRpcClientServer', 'failed', 'array', 'server'],
      ['pox MailboxDN', 'failed', '/o=x', undefined],
      ['pox CasVersion', 'warning', undefined, '14'],
    ],
  );
});

test("lists are compared without their order, which is nobody's", () => {
  const mailbox = (displayName: string) =>
    ({ type: 'Delegate', displayName, legacyDn: '/o=x', server: 'array', smtpAddress: undefined }) as const;
  const urls = (hosts: readonly string[]) => hosts.map((url) => ({ url, authenticationMethods: ['Ntlm', 'Basic'] }));
  const of = (...names: readonly string[]) => ({
    AlternateMailboxes: names.map(mailbox),
    InternalWebClientUrls: urls(names.map((name) => `https://${name}/owa`)),
  });
  const outcomes = (one: readonly string[], other: readonly string[]) =>
    compareSettings('a@b', 'soap', of(...one), of(...other)).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes(['a', 'b'], ['b', 'a']), ['passed', 'passed']);
  assert.deepEqual(outcomes(['a', 'b'], ['b', 'c']), ['failed', 'failed']);
  assert.deepEqual(outcomes(['a', 'b'], ['a', 'b', 'b']), ['failed', 'failed']);
});

const check = (name: string, outcome: Check['outcome'], detail = 'd'): Check => ({
  subject: 's',
  check: name,
  outcome,
  detail,
});

test('a baseline reads back as it was written', () => {
  const checks = [check('a', 'passed'), { ...check('b', 'failed'), expected: 'x', served: 'y' }];
  assert.deepEqual(parseBaseline(renderBaseline(checks)), checks);
});

for (const text of ['', '{}', '[]', 'null', '{"format":"exchange-autodiscover verify 1","checks":[{"subject":1}]}']) {
  test(`no baseline: ${text || '(empty)'}`, () => {
    assert.ok('reason' in parseBaseline(text));
  });
}

test('changes: what is new, what is worse, what is gone', () => {
  const before = [
    check('same', 'passed'),
    check('broke', 'passed'),
    check('gone', 'passed'),
    check('mended', 'failed'),
  ];
  const after = [
    check('same', 'passed'),
    check('broke', 'failed', 'e'),
    check('mended', 'passed'),
    check('new', 'failed'),
  ];
  assert.deepEqual(
    compareChecks(before, after).map((change) => [change.check, change.before, change.after, change.worse]),
    [
      ['broke', 'passed: d', 'failed: e', true],
      ['mended', 'failed: d', 'passed: d', false],
      ['new', undefined, 'failed: d', true],
      ['gone', 'passed: d', undefined, false],
    ],
  );
});

test('JUnit is XML, whatever the details hold', () => {
  const text = renderJunit('n', [
    check('a<b', 'failed', '"&\u0000'),
    check('c', 'skipped'),
    check('d', 'warning'),
    check('e', 'passed'),
  ]);
  const parsed = parseXml(text, XML_LIMITS.response);
  assert.ok('root' in parsed, JSON.stringify(parsed));
  const [suite] = parsed.root.children;
  assert.deepEqual(
    suite?.children.map((testCase) => testCase.children[0]?.local),
    ['failure', 'skipped', 'system-out', undefined],
  );
});

test('lines are wrapped between words, and within longer ones; nothing but blanks is lost', () => {
  assert.equal(
    wrapped('names the server\nexpected CN=DB01,CN=Databases', 12),
    'names the\nserver\nexpected\nCN=DB01,CN=D\natabases',
  );
  const texts = fc.array(fc.string({ maxLength: 30 }), { maxLength: 8 }).map((words) => words.join(' '));
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 40 }), (text, width) => {
      const lines = wrapped(text, width).split('\n');
      assert.ok(lines.every((line) => line.length <= width));
      assert.equal(lines.join('').replaceAll(' ', ''), text.replace(/[ \n]/g, ''));
    }),
  );
});
