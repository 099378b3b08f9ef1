// What counts when an entry is compared with what was expected of it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { hasExpected, isAsExpected, isWritable } from '../../src/ldap/writable-attributes.ts';

const entry = (record: Record<string, readonly string[]>) =>
  Object.entries(record).map(([name, values]) => ({ name, values: values.map((value) => Buffer.from(value)) }));
type Row = readonly [
  what: string,
  expected: Record<string, string[]>,
  found: Record<string, string[]>,
  exactly: boolean,
  atLeast: boolean,
];

const rows: readonly Row[] = [
  ['the same', { keywords: ['a', 'b'] }, { keywords: ['b', 'a'] }, true, true],
  ['names in other case', { Keywords: ['a'] }, { keywords: ['a'] }, true, true],
  ['values in other case', { keywords: ['a'] }, { keywords: ['A'] }, false, false],
  ['one value more', { keywords: ['a'] }, { keywords: ['a', 'b'] }, false, true],
  ['one value less', { keywords: ['a', 'b'] }, { keywords: ['a'] }, false, false],
  ['one attribute more', { keywords: ['a'] }, { keywords: ['a'], description: ['x'] }, false, true],
  ['one attribute less', { keywords: ['a'], description: ['x'] }, { keywords: ['a'] }, false, false],
  [
    'what the directory keeps',
    { keywords: ['a'] },
    {
      keywords: ['a'],
      objectGUID: ['1'],
      whenChanged: ['2'],
      uSNChanged: ['3'],
      cn: ['x'],
      showInAdvancedViewOnly: ['TRUE'],
      msExchServerSiteBL: ['y'],
    },
    true,
    true,
  ],
  ['the classes above', { objectClass: ['container'] }, { objectClass: ['top', 'CONTAINER'] }, true, true],
  ['another class', { objectClass: ['container'] }, { objectClass: ['top', 'site'] }, false, false],
  ['the same flags', { systemFlags: ['1073741824'] }, { systemFlags: ['1073741824'] }, true, true],
  ['more flags', { systemFlags: ['1073741824'] }, { systemFlags: ['1375731712'] }, true, true],
  ['a negative number of flags', { systemFlags: ['1073741824'] }, { systemFlags: ['-1073741824'] }, true, true],
  ['a missing flag', { systemFlags: ['1073741824'] }, { systemFlags: ['33554432'] }, false, false],
  ['no flags', { systemFlags: ['1073741824'] }, {}, false, false],
];
for (const [what, expected, found, exactly, atLeast] of rows) {
  test(what, () => {
    assert.equal(isAsExpected(entry(expected), entry(found)), exactly);
    assert.equal(hasExpected(entry(expected), entry(found)), atLeast);
  });
}

test('binary values count byte by byte', () => {
  const of = (...bytes: number[]) => [{ name: 'photo', values: [Buffer.from(bytes)] }];
  assert.ok(isAsExpected(of(0xff, 0xfe), of(0xff, 0xfe)));
  assert.ok(!isAsExpected(of(0xff, 0xfe), of(0xff, 0xff)));
});

test("back links and computed attributes are nobody's work", () => {
  for (const name of ['homeMDBBL', 'memberOf', 'objectGUID', 'name', 'nTSecurityDescriptor', 'replUpToDateVector'])
    assert.ok(!isWritable(name), name);
  for (const name of ['networkAddress', 'description', 'keywords', 'objectClass', 'systemFlags'])
    assert.ok(isWritable(name), name);
});
