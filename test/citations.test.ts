// Citations of specifications, in the source and in names of tests: one form that a machine reads, documents that
// spec-documents.json lists. docs/conformance.md is made from them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { citationsOf, citedLines, clauseOf, faultsOf } from './conformance/citations.ts';

for (const [text, want] of [
  ['// [MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode', ['[MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode']],
  ['([MS-OXDSCLI] 3.1.4 X-MapiHttpCapability).', ['[MS-OXDSCLI] 3.1.4 X-MapiHttpCapability']],
  ['[C706] appendix O ept_map, [MS-RPCE] 2.2.2 PDUs', ['[C706] appendix O ept_map', '[MS-RPCE] 2.2.2 PDUs']],
  ['[RFC 7617] 2 Basic', ['[RFC 7617] 2 Basic']],
  ['[WSREF] errorcode-soap ErrorCode', ['[WSREF] errorcode-soap ErrorCode']],
  ['twice: [MS-DTYP] 2.4.2 SID and [MS-DTYP] 2.4.2 SID', ['[MS-DTYP] 2.4.2 SID']],
  ['no clause: [MS-OXNSPI], [MS-OXDSCLI] 3.1.4.', []],
  ['no document of ours: [1] 2.3 Foo [MS-NONE] 1 Foo', []],
] as const) {
  test(`reads ${text}`, () => assert.deepEqual(citationsOf(text).map(clauseOf), want));
}

for (const [text, fault] of [
  ['// [MS-OXDSCLI] 2.2.4.1.1.3.2 ErrorCode: six numbers', undefined],
  ['numbers from [MS-OXCRPC], [MS-OXABREF] and [MS-OXNSPI].', undefined],
  ['([MS-OXDSCLI] 3.1.4).', /needs section and element/],
  ['[MS-OXDSCLI] 3.1.4: the header', /needs section and element/],
  ['[MS-OXDSCLI] 3.1.4 and more', /needs section and element/],
  ['[WSREF] ErrorCode', /needs section and element/],
  ['[MS-OXDSCLY] 3.1.4 Foo', /not in test\/spec-documents\.json/],
  ['[RFC 1] 3.1.4 Foo', /not in test\/spec-documents\.json/],
] as const) {
  test(`${fault === undefined ? 'accepts' : 'refuses'} ${text}`, () => {
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
