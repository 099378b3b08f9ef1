import assert from 'node:assert/strict';
import test from 'node:test';
import { addressSpellings } from '../../src/ldap/address-spellings.ts';
import { findByAddress } from '../../src/ldap/recipient.ts';
import type { SearchRequest } from '../../src/ldap/search.ts';

test('an international domain has two spellings, others one', () => {
  assert.deepEqual(addressSpellings('a@xn--bcher-kva.test'), ['a@xn--bcher-kva.test', 'a@b\u00fccher.test']);
  assert.deepEqual(addressSpellings('A@Contoso.test'), ['A@Contoso.test']);
  assert.deepEqual(addressSpellings('a@xn--\u00fc'), ['a@xn--\u00fc']); // no valid label: as given
  assert.deepEqual(addressSpellings('nobody'), ['nobody']);
});

test('a recipient is looked for under every spelling of the address', async () => {
  const asked: string[] = [];
  const search = async ({ filter }: SearchRequest) => {
    asked.push(String(filter));
    return [];
  };
  await findByAddress(search, 'DC=contoso,DC=test', 'a@xn--bcher-kva.test');
  assert.equal(asked.length, 2);
  for (const filter of asked) {
    assert.match(filter, /a@xn--bcher-kva\.test/);
    assert.match(filter, /a@b(?:\u00fc|\\c3\\bc)cher/);
  }
  await findByAddress(search, 'DC=contoso,DC=test', 'alice@contoso.test');
  assert.equal(asked[2], '(proxyAddresses=smtp:alice@contoso.test)');
});
