// What is remembered by digest: at least what a plain list of the last settings has, whatever was set and deleted, and bounded.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { DatedDigests } from '../../../../src/autodiscover/server/authentication/dated-digests.ts';
import { seededRandom } from '../../../helpers/mutation.ts';

const digest = (text: unknown) => hash('sha256', String(text), 'binary');
/** Digests that meet in one place of any index, and differ in their last byte alone. */
const crowded = (n: number) => `${'\xff'.repeat(15)}${String.fromCharCode(n)}`;

test('a value is found under its digest, with its time', () => {
  const kept = new DatedDigests<string>(10);
  kept.set(digest('a'), 'first', 1.5);
  kept.set(digest('b'), 'second', 2);
  assert.deepEqual(kept.get(digest('a')), { value: 'first', since: 1.5 });
  assert.equal(kept.get(digest('c')), undefined);
  kept.set(digest('a'), 'third', 3);
  assert.deepEqual([kept.get(digest('a')), kept.size], [{ value: 'third', since: 3 }, 2]);
  kept.delete(digest('a'));
  kept.delete(digest('nobody'));
  assert.deepEqual([kept.get(digest('a')), kept.size], [undefined, 1]);
});

test('of many digests the last are kept, as many as are allowed', () => {
  const kept = new DatedDigests<number>(1000);
  for (let n = 0; n < 100_000; n++) kept.set(digest(n), n, n);
  assert.equal(kept.size, 1000);
  for (const n of [99_000, 99_999]) assert.equal(kept.get(digest(n))?.value, n);
  for (const n of [98_999, 0]) assert.equal(kept.get(digest(n)), undefined);
});

test('whatever is set and deleted, it holds what was set last', () => {
  const random = seededRandom(2010);
  const below = (limit: number) => Math.floor(random() * limit);
  for (let round = 0; round < 300; round++) {
    const most = 1 + below(round % 10 === 0 ? 600 : 12);
    const names = Math.min(most * 2, 256);
    const key = round % 2 === 0 ? crowded : digest;
    const kept = new DatedDigests<number>(most);
    // Each setting takes a place, and what is set again or deleted leaves its own empty until its turn comes.
    const settings: (number | undefined)[] = [];
    const values = new Map<number, number>();
    for (let step = 0; step < most * 6; step++) {
      const name = below(names);
      const at = settings.indexOf(name);
      if (at >= 0) settings[at] = undefined;
      if (below(4) === 0) {
        kept.delete(key(name));
        values.delete(name);
      } else {
        settings.push(name);
        if (settings.length > most) settings.shift();
        kept.set(key(name), step, step);
        values.set(name, step);
      }
    }
    const last = new Set(settings.filter((one) => one !== undefined));
    for (let name = 0; name < names; name++) {
      const value = kept.get(key(name))?.value;
      // What was set before the last settings may be held as well, where there is room.
      if (value !== undefined || last.has(name)) assert.equal(value, values.get(name), `round ${round}`);
    }
    assert.ok(kept.size >= last.size && kept.size <= most);
  }
});

test('few digests set again and again are all held', () => {
  const kept = new DatedDigests<number>(100_000);
  for (let n = 0; n < 20_000; n++) kept.set(digest(n % 50), n, n);
  assert.equal(kept.size, 50);
  for (let n = 19_950; n < 20_000; n++) assert.deepEqual(kept.get(digest(n % 50)), { value: n, since: n });
});
