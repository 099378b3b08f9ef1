// A policy that cannot be used: every fault at once, with its place, in words for people.
import assert from 'node:assert/strict';
import test from 'node:test';
import { POLICY_EXAMPLE, parsePolicy } from '../../../src/profile-migrator/plan/policy-file.ts';

const ARRAY = '{"fqdn": "a.contoso.test", "replaces": ["CAS01"]}';
const bad: readonly (readonly [text: string, faults: readonly string[]])[] = [
  ['[]', ['(the whole): must be an object']],
  ['{}', ['version: is missing', 'arrays: is missing']],
  [`{"version": 2, "arrays": [${ARRAY}]}`, ['version: must be 1']],
  [`{"version": 1, "until": "soon", "arrays": [${ARRAY}]}`, ['until: must be a day, as "2027-03-31"']],
  ['{"version": 1, "arrays": []}', ['arrays: must have an array at least']],
  [
    '{"version": 1, "arrays": [{"fqdn": 5, "replaces": "x", "y": 1}, {"replaces": []}], "foo": 1}',
    [
      'arrays.0.fqdn: must be text',
      'arrays.0.replaces: must be a list of names',
      'arrays.0.y: unknown field',
      'arrays.1.fqdn: is missing',
      'arrays.1.replaces: must have a name at least',
      'foo: unknown field',
    ],
  ],
];

test('the example that --help prints can be used', () => {
  assert.equal(parsePolicy(POLICY_EXAMPLE, 'x.json').targets.arrays.length, 1);
});

for (const [text, faults] of bad) {
  test(`refused: ${text}`, () => {
    assert.throws(() => parsePolicy(text, 'x.json'), {
      code: 'policy-file',
      message: `cannot read policy x.json:${faults.map((fault) => `\n  - ${fault}`).join('')}`,
    });
  });
}
