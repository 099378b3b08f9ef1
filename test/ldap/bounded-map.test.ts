import assert from 'node:assert/strict';
import test from 'node:test';
import { BoundedMap } from '../../src/ldap/bounded-map.ts';

const keys = (map: BoundedMap<string, number>, names: string) =>
  [...names].filter((name) => map.get(name) !== undefined).join('');

test('what was set longest ago is forgotten', () => {
  const map = new BoundedMap<string, number>(3);
  for (const [at, name] of [...'abcd'].entries()) map.set(name, at);
  assert.deepEqual([keys(map, 'abcd'), map.size, map.get('d')], ['bcd', 3, 3]);
  map.set('b', 9); // set again, so that it is the youngest
  map.set('e', 5);
  assert.deepEqual([keys(map, 'abcde'), map.get('b')], ['bde', 9]);
});

test('a deleted key makes no other one go in its place', () => {
  const map = new BoundedMap<string, number>(3);
  for (const name of 'abc') map.set(name, 1);
  map.delete('a');
  map.set('d', 1);
  assert.equal(keys(map, 'abcd'), 'bcd');
  map.delete('nobody');
  assert.equal(map.size, 3);
});

test('a million keys take as much as is allowed', () => {
  const map = new BoundedMap<number, number>(1000);
  for (let n = 0; n < 1_000_000; n++) map.set(n, n);
  assert.deepEqual([map.size, map.get(999_000), map.get(998_999)], [1000, 999_000, undefined]);
});
