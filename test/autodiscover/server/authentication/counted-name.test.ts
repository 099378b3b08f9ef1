import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { countedName } from '../../../../src/autodiscover/server/authentication/counted-name.ts';
import { foldText } from '../../../../src/ldap/distinguished-name.ts';

const NAMES: readonly (readonly [string, string])[] = [
  ['alice', 'alice'],
  ['Alice', 'alice'],
  ['CONTOSO\\alice', 'alice'],
  ['contoso.test\\Alice', 'alice'],
  ['alice@contoso.test', 'alice'],
  ['alice@nowhere.invalid', 'alice'],
  [' alice ', 'alice'],
  ['nobody@contoso.test', 'nobody'],
  ['@contoso.test', '@contoso.test'],
  ['a'.repeat(1000), 'a'.repeat(256)],
  // Width, marks, ligatures, signs that are written with others.
  ['ａｌｉｃｅ', 'alice'],
  ['ＡＬＩＣＥ＠contoso.test', 'alice'],
  ['CONTOSO＼alice', 'alice'],
  ['álicë', 'alice'],
  ['a\u0301lice\u0308', 'alice'],
  ['al\u200bi\u00adce\u2060', 'alice'],
  ['al\u0001i\u007fce', 'alice'],
  ['\u202ealice', 'alice'],
  ['al\ufe0fi\u034fce', 'alice'],
  ['al\u0378ice', 'alice'],
  ['ⓐⓛⓘⓒⓔ', 'alice'],
  ['𝐚𝓁𝔦𝖈𝚎', 'alice'],
  ['oﬃce', 'office'],
  ['STRAẞE', 'strasse'],
  ['straße', 'strasse'],
  ['Łukasz', 'lukasz'],
  ['Ærø', 'aero'],
  ['ΣΟΦΟΣ', 'σοφοσ'],
  ['σοφος', 'σοφοσ'],
  ['ｱｲ', 'アイ'],
  ['あい', 'アイ'],
  ['アイ', 'アイ'],
  ['a\u00a0 b', 'a b'],
  ['a\u3000b', 'a b'],
  ['İstanbul', 'istanbul'],
  [`${'\u200b'.repeat(500)}alice`, 'alice'],
];
for (const [typed, counted] of NAMES) {
  test(`${JSON.stringify(typed.slice(0, 40))} is counted as ${counted.slice(0, 20)}`, () => {
    assert.equal(countedName(typed), counted);
  });
}

test('whatever the directory takes for one name is counted as one, and counting it again changes nothing', () => {
  const letters = fc.constantFrom(...'aAáÁａＡbBßẞøØｱアあİıﬁſ²㍿Å\u0301\u200b');
  const names = fc.oneof(fc.string({ unit: letters, maxLength: 12 }), fc.string({ unit: 'grapheme', maxLength: 12 }));
  fc.assert(
    fc.property(names, (name) => {
      const counted = countedName(name);
      if (/[\\@]/.test(foldText(name))) return;
      assert.equal(countedName(counted), counted);
      for (const spelling of [name.normalize('NFC'), name.normalize('NFKC'), name.toLowerCase(), foldText(name)])
        assert.equal(countedName(spelling), counted, JSON.stringify([name, spelling]));
    }),
    { numRuns: 2000 },
  );
});

test('the longest names take bounded time and space', () => {
  // U+FDFA decomposes into eighteen characters.
  assert.equal(countedName('\ufdfa'.repeat(100_000)).length, 256);
});
