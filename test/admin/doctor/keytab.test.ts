// Keytabs as MIT's and Samba's tools write them, and what is none.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import fc from 'fast-check';
import { KEYTAB_LIMITS, parseKeytab } from '../../../src/admin/doctor/keytab.ts';
import { renderHole, renderKeytab } from './render-keytab.ts';

const HTTP = { principal: 'HTTP/autodiscover.contoso.test', realm: 'CONTOSO.TEST' };

test('principals, realms and versions; keys are not kept', () => {
  const keytab = renderKeytab([
    { ...HTTP, keyVersion: 3, isWholeVersion: true },
    { principal: 'svc-http', realm: 'CONTOSO.TEST', keyVersion: 260, isWholeVersion: true },
    { ...HTTP, keyVersion: 4, isWholeVersion: false },
  ]);
  assert.deepEqual(parseKeytab(keytab), [
    { ...HTTP, keyVersion: 3, isWholeVersion: true },
    { principal: 'svc-http', realm: 'CONTOSO.TEST', keyVersion: 260, isWholeVersion: true },
    { ...HTTP, keyVersion: 4, isWholeVersion: false },
  ]);
  assert.deepEqual(parseKeytab(renderKeytab([])), []);
});

test('holes, which removed keys leave behind, are skipped; a length of nothing ends the file', () => {
  const one = renderKeytab([{ ...HTTP, keyVersion: 3, isWholeVersion: true }]);
  const other = renderKeytab([{ ...HTTP, keyVersion: 4, isWholeVersion: true }]).subarray(2);
  assert.deepEqual(
    parseKeytab(Buffer.concat([one, renderHole(20), other, Buffer.alloc(4), Buffer.from('rest')])).map(
      ({ keyVersion }) => keyVersion,
    ),
    [3, 4],
  );
});

test('the files of the corpus', () => {
  const read = (name: string) => readFileSync(new URL(`../../corpus/keytab/${name}`, import.meta.url));
  assert.equal(parseKeytab(read('two-keys.keytab')).length, 2);
  assert.equal(parseKeytab(read('hole.keytab')).length, 1);
});

for (const [why, bytes, message] of [
  ['nothing', Buffer.alloc(0), /offset 0: it does not begin/],
  ['version 1', Buffer.from([5, 1, 0, 0]), /offset 0/],
  ['text', Buffer.from('-----BEGIN'), /offset 0/],
  ['a length cut off', Buffer.from([5, 2, 0, 0]), /offset 2: a record's length is cut off/],
  ['a record cut off', Buffer.from([5, 2, 0, 0, 0, 9, 0]), /offset 6: a record of 9 bytes is cut off/],
  ['a record that ends too early', Buffer.from([5, 2, 0, 0, 0, 2, 0, 1]), /offset 8: the record ends too early/],
  ['a name of too many parts', Buffer.from([5, 2, 0, 0, 0, 2, 1, 0]), /offset 6: a name of 256 parts/],
  ['too much', Buffer.concat([Buffer.from([5, 2]), Buffer.alloc(KEYTAB_LIMITS.bytes)]), /larger than/],
] as const) {
  test(`no keytab: ${why}`, () => {
    assert.throws(() => parseKeytab(bytes), { name: 'RangeError', message });
  });
}

test('what is written is read', () => {
  const word = fc.string({ minLength: 1, maxLength: 20 }).filter((text) => !text.includes('/'));
  const entry = fc.record(
    {
      principal: fc.array(word, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
      realm: word,
      keyVersion: fc.integer({ min: 1, max: 255 }),
      isWholeVersion: fc.boolean(),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 8 }), (entries) => {
      assert.deepEqual(parseKeytab(renderKeytab(entries)), entries);
    }),
    { numRuns: 200 },
  );
});
