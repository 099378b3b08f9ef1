import assert from 'node:assert/strict';
import test from 'node:test';
import { normalizeAddress, normalizeDomain } from '../../../src/autodiscover/wire/address.ts';

const good = (written: string, address: string): void => {
  test(`reads ${JSON.stringify(written)}`, () => assert.deepEqual(normalizeAddress(written), { address }));
};
const bad = (written: string, why: string): void => {
  test(`refuses an address with ${why}`, () => assert.ok('reason' in normalizeAddress(written)));
};

good('alice@contoso.test', 'alice@contoso.test');
good('  Alice@Contoso.TEST\r\n', 'Alice@contoso.test'); // the local part stays as written
good('smtp:alice@contoso.test', 'alice@contoso.test');
good('SMTP: alice@contoso.test', 'alice@contoso.test');
good('mailto:alice@contoso.test', 'alice@contoso.test');
good("o'brien+tag=1/x@contoso.test", "o'brien+tag=1/x@contoso.test");
good('a&b@contoso.test', 'a&b@contoso.test');
good('*@contoso.test', '*@contoso.test'); // legal; escaping for LDAP is the directory's business
good('jürgen@contoso.test', 'jürgen@contoso.test');
good('taro@例え.test', 'taro@xn--r8jz45g.test');
good('taro@XN--R8JZ45G.test', 'taro@xn--r8jz45g.test');
good('alice@BÜCHER.test', 'alice@xn--bcher-kva.test');
good('alice@localhost', 'alice@localhost');
good('a@10.0.0.1.example', 'a@10.0.0.1.example');

bad('', 'nothing');
bad('smtp:', 'a prefix only');
bad('alice', 'no @');
bad('@contoso.test', 'nothing before @');
bad('alice@', 'nothing after @');
bad('a@b@contoso.test', 'two @');
bad('smtp:mailto:alice@contoso.test', 'two prefixes');
bad('x500:/o=a@contoso.test', 'another prefix');
bad('<alice@contoso.test>', 'angle brackets');
bad('Alice <alice@contoso.test>', 'a display name');
bad('"a b"@contoso.test', 'a quoted local part');
bad('a b@contoso.test', 'a blank');
bad('a\u0000b@contoso.test', 'NUL');
bad('a\u200bb@contoso.test', 'a zero width space');
bad('a\u202eb@contoso.test', 'a direction mark');
bad('a,b@contoso.test', 'a comma');
bad('a(b)@contoso.test', 'parentheses');
bad('a\\b@contoso.test', 'a backslash');
bad('alice@[10.0.0.1]', 'an address literal');
bad('alice@10.0.0.1', 'an IPv4 address');
bad('alice@0x7f.1', 'an IPv4 address in disguise');
bad('alice@1', 'a number');
bad('alice@contoso..test', 'an empty label');
bad('alice@contoso.test.', 'a final dot');
bad('alice@-contoso.test', 'a label that begins with a hyphen');
bad('alice@contoso.test/path', 'a path');
bad('alice@contoso.test:443', 'a port');
bad('alice@contoso%2etest', 'a percent escape');
bad('alice@contoso.test?x', 'a query');
bad(`alice@${'a'.repeat(64)}.test`, 'a label of 64 characters');
bad(`${'a'.repeat(320)}@contoso.test`, 'more than 320 characters');

test('no reason repeats the address', () => {
  const outcome = normalizeAddress('secret name@contoso.test');
  assert.ok('reason' in outcome && !outcome.reason.includes('secret'));
});

test('a domain alone', () => {
  assert.equal(normalizeDomain(' Contoso.Test '), 'contoso.test');
  for (const text of ['', ' ', 'a b', 'a@b', 'https://contoso.test', '*', '..'])
    assert.equal(normalizeDomain(text), undefined);
});
