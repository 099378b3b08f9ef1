// Targets of requests: which are any, and what of them is the path.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { originForm } from '../../../src/autodiscover/server/request-target.ts';

const GOOD: readonly (readonly [target: string, path: string, method?: string])[] = [
  ['/', '/'],
  ['/a?b=c#d', '/a?b=c#d'],
  ['//evil.test/a', '//evil.test/a'],
  ['/%', '/%'],
  ['*', '*', 'OPTIONS'],
  ['http://a.test', '/'],
  ['HTTPS://a.test?x=/y', '/?x=/y'],
  ['http://a.test#x', '/#x'],
  ['http://a.test:8080/b/../c?d', '/b/../c?d'],
  ['https://alice:x@a.test//b', '//b'],
  ['http://[::1]:80/a', '/a'],
];
for (const [target, path, method = 'GET'] of GOOD)
  test(`${method} ${target}`, () => assert.equal(originForm(method, target), path));

const BAD = [
  '',
  '*',
  'a',
  'a.test:443',
  'autodiscover/autodiscover.xml',
  'http:/a',
  'http:a',
  'http://',
  'http:///a',
  'http://?a',
  'http://[/',
  'http://a:99999/',
  'http://evil.test:bad/',
  'http://a%zz/',
  'http://[fe80::1%25]/',
  'http://1.2.3.4.5.6.999/',
  'ftp://a.test/b',
  'file:///etc/passwd',
  'javascript:alert(1)',
];
for (const target of BAD)
  test(`no target: ${JSON.stringify(target)}`, () => assert.equal(originForm('GET', target), undefined));

test('whatever comes, the result is a path or nothing', () => {
  fc.assert(
    fc.property(fc.constantFrom('', 'http://', 'https://', '/'), fc.string(), (start, rest) => {
      const path = originForm('GET', start + rest);
      assert.ok(path === undefined || path.startsWith('/'));
    }),
  );
});
