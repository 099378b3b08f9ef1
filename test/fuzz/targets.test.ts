// The fuzzed parsers take every committed input as they promise, those that once broke one among them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { mutate, seededRandom } from '../helpers/mutation.ts';
import { corpusOf, TARGETS } from './targets.ts';

for (const target of TARGETS) {
  test(`${target.name} answers its corpus and its damage with a value or a promised error`, () => {
    const random = seededRandom(7);
    const corpus = [...corpusOf(target).values()];
    assert.ok(corpus.length >= 2, 'seeds are committed');
    for (const data of [
      ...corpus,
      ...corpus.flatMap((seed) => Array.from({ length: 20 }, () => mutate(seed, random))),
    ]) {
      try {
        target.run(data);
      } catch (error) {
        if (!target.permits?.(error)) assert.fail(`${JSON.stringify(data.toString('latin1'))}: ${String(error)}`);
      }
    }
  });
}

test('some seed of every target is taken without an error', () => {
  const refused = TARGETS.filter((target) => {
    return [...corpusOf(target).values()].every((data) => {
      try {
        target.run(data);
        return false;
      } catch {
        return true;
      }
    });
  });
  // A configuration is good only where the files it names are.
  assert.deepEqual(
    refused.map(({ name }) => name),
    ['configuration'],
  );
});
