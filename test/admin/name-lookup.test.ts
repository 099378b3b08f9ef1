// Looking names up: no such name is an answer, a silent resolver is an error.
import assert from 'node:assert/strict';
import test from 'node:test';
import { systemLookup } from '../../src/admin/name-lookup.ts';

test('the system knows localhost', async () => {
  const lookup = systemLookup(undefined);
  const local = await lookup.addresses('localhost');
  assert.ok(
    local.some((address) => address === '127.0.0.1' || address === '::1'),
    String(local),
  );
  assert.equal(lookup.addressesOutside, undefined);
});

test('an outside resolver is an address', () => {
  for (const text of ['dns.contoso.test', '', '1.2.3']) {
    assert.throws(() => systemLookup(text), { code: 'configuration' });
  }
  assert.ok(systemLookup('127.0.0.1').addressesOutside);
  assert.ok(systemLookup('::1').addressesOutside);
});
