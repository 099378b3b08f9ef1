// Changes as data: what is printed can be read back, what is done can be undone, and nothing blind is ever read from a file.
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  addEntry,
  changesAsLdif,
  deleteEntry,
  type GuardedChange,
  inverseOf,
  invert,
  isEmpty,
  nameAfter,
  readUndoFile,
  renameEntry,
  replaceValues,
} from '../../src/ldap/change.ts';
import { mutate, seededRandom } from '../helpers/mutation.ts';

const DN = 'CN=outlook,CN=Arrays,DC=contoso,DC=test';
const value = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 });
const values = fc.uniqueArray(value, { maxLength: 4 });
const attributes = fc.dictionary(
  fc.constantFrom('networkAddress', 'keywords', 'description'),
  fc.uniqueArray(value, { minLength: 1, maxLength: 4 }),
  { minKeys: 1 },
);
const bytesOf = (record: Record<string, string[]>) =>
  Object.entries(record).map(([name, list]) => ({ name, values: list.map((one) => Buffer.from(one)) }));
const anyChange: fc.Arbitrary<GuardedChange> = fc.oneof(
  fc.tuple(values, values).map(([before, after]) => replaceValues(DN, [{ attribute: 'keywords', before, after }])),
  attributes.map((record) => addEntry(DN, record)),
  attributes.map((record) => deleteEntry(DN, bytesOf(record))),
  fc.string({ minLength: 1, maxLength: 20 }).map((name) => renameEntry(DN, name)),
);

test('undoing the undoing is the change itself', () => {
  fc.assert(
    fc.property(anyChange, (change) => {
      const again = invert(invert(change));
      // Names come back in the escaping of this program.
      assert.deepEqual(nameAfter(again), nameAfter(change));
      if (change.change !== 'modrdn') assert.deepEqual(again, change);
    }),
    { numRuns: 200 },
  );
});

test('what is printed is read back, expectations included', () => {
  fc.assert(
    fc.property(fc.array(anyChange, { minLength: 1, maxLength: 4 }), (changes) => {
      const wanted = changes.filter((change) => !isEmpty(change));
      fc.pre(wanted.length > 0);
      assert.deepEqual(readUndoFile(changesAsLdif(wanted)), wanted);
    }),
    { numRuns: 200 },
  );
});

test('several changes are undone in the other order', () => {
  const first = replaceValues(DN, [
    { attribute: 'networkAddress', before: ['ncacn_ip_tcp:a.b'], after: ['ncacn_ip_tcp:c.d'] },
  ]);
  const second = renameEntry(DN, 'new, name');
  assert.deepEqual(
    inverseOf([first, second]).map(({ change, dn }) => [change, dn]),
    [
      ['modrdn', 'CN=new\\, name,CN=Arrays,DC=contoso,DC=test'],
      ['modify', DN],
    ],
  );
});

test('only the difference is written', () => {
  const change = replaceValues(DN, [
    { attribute: 'keywords', before: ['a', 'b'], after: ['b', 'c'] },
    { attribute: 'description', before: ['same'], after: ['same'] },
  ]);
  assert.ok(change.change === 'modify');
  assert.deepEqual(
    change.modifications.map(({ operation, name, values }) => [operation, name, values.map(String)]),
    [
      ['delete', 'keywords', ['a']],
      ['add', 'keywords', ['c']],
    ],
  );
  assert.ok(isEmpty(replaceValues(DN, [{ attribute: 'keywords', before: ['a'], after: ['a'] }])));
});

const head = `version: 1\n\ndn: ${DN}\n`;
const bad: readonly (readonly [text: string, why: RegExp])[] = [
  ['', /no change/], // empty
  ['version: 1\n', /no change/],
  [`${head}changetype: delete\n`, /whatever it holds.*expects/], // nothing says what is expected
  [`${head}changetype: modify\nreplace: keywords\nkeywords: x\n-\n`, /whatever it holds/], // blind replacement
  [`${head}changetype: modify\ndelete: keywords\n-\n`, /whatever it holds/], // deletes all values
  [`${head}changetype: modrdn\nnewrdn: CN=x\ndeleteoldrdn: 0\n`, /keeps its old name/],
  [`${head}changetype: modrdn\nnewrdn: CN=x\ndeleteoldrdn: 1\nnewsuperior: DC=test\n`, /moves the entry/],
  [`# expects: nonsense\n${head}changetype: delete\n`, /./], // an expectation that is none
  [`${head}changetype: burn\n`, /none of add, delete/],
  ['x'.repeat(70_000), /characters/], // one endless line
];
for (const [text, why] of bad) {
  test(`refuses ${JSON.stringify(text.slice(0, 110))}`, () => {
    assert.throws(
      () => readUndoFile(text),
      (error: Error & { code?: string }) => {
        assert.match(String(error.code), /^(ldif-syntax|limit-exceeded|dn-syntax)$/);
        assert.match(error.message, why);
        return true;
      },
    );
  });
}

test('a damaged undo file is a value or a coded error, never a blind change', () => {
  const random = seededRandom(20_261_122);
  const sound = Buffer.from(
    changesAsLdif([
      deleteEntry(DN, bytesOf({ networkAddress: ['ncacn_ip_tcp:a.b'], keywords: ['ü', 'Site=X'] })),
      replaceValues(DN, [{ attribute: 'keywords', before: ['a'], after: ['b'] }]),
      renameEntry(DN, 'other'),
    ]),
  );
  for (let round = 0; round < 3_000; round++) {
    try {
      for (const change of readUndoFile(mutate(sound, random).toString('utf8'))) {
        if (change.change === 'delete') assert.ok(change.expects.length > 0);
        if (change.change === 'modify')
          assert.ok(change.modifications.every((one) => one.operation !== 'replace' && one.values.length > 0));
      }
    } catch (error) {
      assert.match(
        String((error as { code?: unknown }).code),
        /^(ldif-syntax|limit-exceeded|dn-syntax)$/,
        `round ${round}: ${error}`,
      );
    }
  }
});
