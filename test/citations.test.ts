// Citations of specifications, in the source and in names of tests: one form that a machine reads, documents that
// spec-documents.json lists. docs/conformance.md is made from them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { citationsOf, citedLines, clauseOf, faultsOf } from './conformance/citations.ts';

// The names of these tests must not quote the citations: the page would take them for proofs.
for (const [what, text, want] of [
  ['a comment', '// [MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode', ['[MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode']],
  ['one in brackets', '([MS-OXDSCLI] 3.1.4 X-MapiHttpCapability).', ['[MS-OXDSCLI] 3.1.4 X-MapiHttpCapability']],
  [
    'appendices, and two on a line',
    '[C706] appendix O ept_map, [MS-RPCE] 2.2.2 PDUs',
    ['[C706] appendix O ept_map', '[MS-RPCE] 2.2.2 PDUs'],
  ],
  ['an RFC', '[RFC 7617] 2 Basic', ['[RFC 7617] 2 Basic']],
  ['a page', '[WSREF] errorcode-soap ErrorCode', ['[WSREF] errorcode-soap ErrorCode']],
  ['the same one once', '[MS-DTYP] 2.4.2 SID and [MS-DTYP] 2.4.2 SID', ['[MS-DTYP] 2.4.2 SID']],
  ['no clause without section and element', 'no clause: [MS-OXNSPI], [MS-OXDSCLI] 3.1.4.', []],
  ['no document that is not listed', '[1] 2.3 Foo [MS-NONE] 1 Foo', []],
] as const) {
  test(`reads ${what}`, () => assert.deepEqual(citationsOf(text).map(clauseOf), want));
}

for (const [what, text, fault] of [
  ['a citation', '// [MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode: six numbers', undefined],
  ['a list of documents', 'numbers from [MS-OXCRPC], [MS-OXABREF] and [MS-OXNSPI].', undefined],
  ['a section alone', '([MS-OXDSCLI] 3.1.4).', /needs section and element/],
  ['a section and a colon', '[MS-OXDSCLI] 3.1.4: the header', /needs section and element/],
  ['a section in a sentence', '[MS-OXDSCLI] 3.1.4 and more', /needs section and element/],
  ['an element without a page', '[WSREF] ErrorCode', /needs section and element/],
  ['a document with a slip of the pen', '[MS-OXDSCLY] 3.1.4 Foo', /not in test\/spec-documents\.json/],
  ['an RFC that is not listed', '[RFC 1] 3.1.4 Foo', /not in test\/spec-documents\.json/],
] as const) {
  test(`${fault === undefined ? 'accepts' : 'refuses'} ${what}`, () => {
    const faults = faultsOf(text);
    if (fault === undefined) assert.deepEqual(faults, []);
    else assert.match(faults.join(), fault);
  });
}

test('every citation has its form and a listed document', () => {
  const own = 'test/citations.test.ts';
  const lines = citedLines('src', 'test').filter(({ file }) => file !== own);
  assert.ok(lines.length > 50, 'the source cites');
  const faults = lines.flatMap(({ file, line, text }) => faultsOf(text).map((fault) => `${file}:${line}: ${fault}`));
  assert.deepEqual(faults, []);
});
