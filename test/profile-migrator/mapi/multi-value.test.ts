import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { readMultiBinary, readMultiString, writeMultiString } from '../../../src/profile-migrator/mapi/multi-value.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const texts = (data: Buffer, unit: 1 | 2 = 1) => {
  const value = readMultiString(data, unit);
  return value && [value.pointerBytes, ...value.items.map((item) => item.toString(unit === 1 ? 'latin1' : 'utf16le'))];
};

test('reads lists of either bitness', () => {
  const good = (data: string, want: unknown, unit: 1 | 2 = 1) => assert.deepEqual(texts(hex(data), unit), want, data);
  good('01000000 08000000 636f6e7461622e646c6c00', [4, 'contab.dll']);
  good('01000000 0c00000000000000 636f6e7461622e646c6c00', [8, 'contab.dll']);
  good('02000000 0c000000 0e000000 6100 6200', [4, 'a', 'b']);
  good('02000000 1400000000000000 1600000000000000 6100 6200', [8, 'a', 'b']);
  good('01000000 08000000 61006200 0000', [4, 'ab'], 2); // PT_MV_UNICODE
  good('01000000 08000000 00', [4, '']); // one empty string
  good('00000000', [4]); // no item
});

test('leaves what it cannot write back byte for byte', () => {
  const bad = (data: string) => assert.equal(readMultiString(hex(data)), undefined, data);
  bad('');
  bad('010000'); // no whole count
  bad('01000000'); // no offset
  bad('01000000 09000000 0061 00'); // a gap after the header
  bad('01000000 08000000 61'); // not terminated
  bad('02000000 0c000000 0c000000 6100'); // two items at one place
  bad('02000000 0e000000 0c000000 6100 6200'); // descending
  bad('01000000 08000000 6100 00'); // something behind the last item
  bad('01000000 0c00000001000000 6100'); // high half set
  bad('01000000 ff000000 6100'); // outside
  bad('ffffffff 08000000 6100'); // absurd count
});

test('reads lists of binaries', () => {
  const items = (data: string) => readMultiBinary(hex(data))?.items.map((item) => item.toString('hex'));
  assert.deepEqual(items('01000000 02000000 0c000000 abcd0000'), ['abcd']);
  assert.deepEqual(items('01000000 0200000000000000 1400000000000000 abcd0000'), ['abcd']);
  assert.deepEqual(items('02000000 01000000 14000000 01000000 18000000 aa000000 bb000000'), ['aa', 'bb']);
  assert.equal(items('01000000 ff000000 0c000000 abcd0000'), undefined); // longer than the value
});

test('what is written is read', () => {
  const item = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 0)));
  fc.assert(
    fc.property(
      fc.array(item, { minLength: 1, maxLength: 5 }),
      fc.constantFrom(4 as const, 8 as const),
      (items, pointerBytes) => {
        assert.deepEqual(readMultiString(writeMultiString({ items, pointerBytes })), { items, pointerBytes });
      },
    ),
  );
});
