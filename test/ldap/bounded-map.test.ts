import assert from 'node:assert/strict';
import test from 'node:test';
import { BoundedMap } from '../../src/ldap/bounded-map.ts';
import { seededRandom } from '../helpers/mutation.ts';

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

test('whatever is set and deleted, it holds what was set last', () => {
  const random = seededRandom(2010);
  const below = (limit: number) => Math.floor(random() * limit);
  for (let round = 0; round < 200; round++) {
    const most = 1 + below(6);
    const map = new BoundedMap<number, number>(most);
    // Each setting takes a place, and what is set again or deleted leaves its own empty until its turn comes.
    const settings: (number | undefined)[] = [];
    for (let step = 0; step < 60; step++) {
      const key = below(8);
      const at = settings.indexOf(key);
      if (at >= 0) settings[at] = undefined;
      if (below(4) === 0) map.delete(key);
      else {
        settings.push(key);
        if (settings.length > most) settings.shift();
        map.set(key, step);
      }
      const held = settings.filter((one) => one !== undefined).sort();
      assert.deepEqual(
        [0, 1, 2, 3, 4, 5, 6, 7].filter((one) => map.get(one) !== undefined),
        held,
      );
      assert.equal(map.size, held.length);
    }
  }
});

test('few keys set again and again are all held, in the order they were set last', () => {
  const random = seededRandom(2011);
  const most = 1000;
  const map = new BoundedMap<number, number>(most);
  /** In the order of their last setting. */
  const model = new Map<number, number>();
  for (let step = 0; step < 20_000; step++) {
    const key = Math.floor(random() * 50);
    model.delete(key);
    if (random() < 0.1) map.delete(key);
    else {
      map.set(key, step);
      model.set(key, step);
    }
  }
  const held = () => [...model].filter(([key, step]) => map.get(key) === step).map(([key]) => key);
  assert.deepEqual(held(), [...model.keys()]);
  // Others come: who was set longest ago goes first, and nobody while there is plenty of room.
  const oldest = [...model.keys()];
  for (let n = 0; n < most; n++) {
    map.set(1_000_000 + n, n);
    assert.ok(map.size <= most);
    const left = held();
    assert.deepEqual(left, oldest.slice(oldest.length - left.length));
    if (n < most / 2) assert.equal(left.length, oldest.length);
  }
  assert.deepEqual([held(), map.size], [[], most]);
});
