// The credentials of a Basic header.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseBasic } from '../../../../src/autodiscover/server/authentication/basic.ts';

const encode = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding).toString('base64');
const good = (credentials: string, name: string, password: string) =>
  assert.deepEqual(parseBasic(credentials), { name, password });
const bad = (credentials: string) => assert.equal(parseBasic(credentials), undefined);

test('well-formed', () => {
  good(encode('alice:secret'), 'alice', 'secret');
  good(encode('CONTOSO\\alice:secret'), 'CONTOSO\\alice', 'secret');
  good(encode('alice:a:b::c'), 'alice', 'a:b::c'); // the first colon splits
  good(encode('alice:'), 'alice', ''); // refused later, before any bind
  good(encode('alice: secret '), 'alice', ' secret '); // blanks belong to a password
  good(encode(' alice :secret'), 'alice', 'secret'); // and not to a name
  good(encode('zoë:geheimnïs€'), 'zoë', 'geheimnïs€'); // phones: UTF-8
  good(encode('zoë:geheimnïs', 'latin1'), 'zoë', 'geheimnïs'); // Outlook: its code page
  good(encode('a:\ufeffb'), 'a', '\ufeffb'); // a byte order mark is no mark here
  good(encode(`a:${'p'.repeat(512)}`), 'a', 'p'.repeat(512));
});

test('malformed', () => {
  bad(''); // nothing
  bad('%%%'); // no Base64
  bad(`${encode('a:b')} x`); // text behind
  bad('a=b='); // padding in the middle
  bad(encode('alice')); // no colon
  bad(encode(':secret')); // no name
  bad(encode('  :secret')); // a name of blanks
  bad(encode('a\0lice:secret')); // NUL in a name
  bad(encode('alice:sec\0ret')); // NUL in a password
  bad(encode(`${'n'.repeat(513)}:p`)); // too long a name
  bad(encode(`a:${'p'.repeat(513)}`)); // too long a password
});

test('any name without a colon and any password come back as they were', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 60 }).filter((one) => !one.includes('\0'));
  const name = text.filter((one) => !one.includes(':') && one.trim() === one && one !== '' && one.length <= 512);
  fc.assert(
    fc.property(name, text, (who, password) => {
      assert.deepEqual(parseBasic(encode(`${who}:${password}`)), { name: who, password });
    }),
  );
});

test('any text is a value or nothing, never an exception', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseBasic(text)));
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseBasic(Buffer.from(bytes).toString('base64'))));
});
