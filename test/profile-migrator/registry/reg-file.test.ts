import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { RegistryError } from '../../../src/profile-migrator/errors.ts';
import { entriesOf, type RegEntry, snapshotsOf, splitRoot } from '../../../src/profile-migrator/registry/reg-file.ts';
import { readRegFile } from '../../../src/profile-migrator/registry/reg-file-reader.ts';
import { renderRegFile, renderRegText } from '../../../src/profile-migrator/registry/reg-file-writer.ts';
import { RegType } from '../../../src/profile-migrator/registry/registry.ts';

const V5 = 'Windows Registry Editor Version 5.00\r\n\r\n[HKEY_CURRENT_USER\\k]\r\n';

function utf16(text: string): Buffer {
  return Buffer.from(`\uFEFF${text}`, 'utf16le');
}

/** The values below `[HKEY_CURRENT_USER\k]` of a version 5 file, as `name type hex`. */
function values(body: string | Buffer, codePage?: number): string[] {
  const bytes = typeof body === 'string' ? utf16(V5 + body) : body;
  return readRegFile(bytes, 'x.reg', codePage).entries.flatMap((entry) => {
    if (entry.kind === 'value') return [`${entry.value.name} ${entry.value.type} ${entry.value.data.toString('hex')}`];
    return entry.kind === 'delete-value' ? [`${entry.name} -`] : [];
  });
}

test('reads every form of value', () => {
  const good = (line: string, ...want: string[]) => assert.deepEqual(values(line), want, line);
  good('"a"="b"', 'a 1 62000000');
  good('@="b"', ' 1 62000000'); // default value
  good('"a"=""', 'a 1 0000');
  good('"a\\\\b\\"c"="d\\\\\\""', 'a\\b"c 1 64005c0022000000');
  good('"a"=dword:0000001f', 'a 4 1f000000');
  good('"a"=dword:1F', 'a 4 1f000000'); // fewer digits, upper case
  good('"a"=hex:', 'a 3 '); // empty data
  good('"a"=hex:01,aB', 'a 3 01ab');
  good('"a"=hex(2):41,00,00,00', 'a 2 41000000');
  good('"a"=hex(b):01,00,00,00,00,00,00,00', 'a 11 0100000000000000');
  good('"a"=hex(101f):01', 'a 4127 01'); // any type number
  good('"a"=hex(ffffffff):', 'a 4294967295 ');
  good('"a"=hex:01,\\\r\n  02,\\\r\n  03', 'a 3 010203');
  good('"a"=hex:01,\\\n02', 'a 3 0102'); // no indent, bare LF
  good('"a"=hex:01\\\r\n  ,02', 'a 3 0102');
  good('"a"=-', 'a -');
  good('  "a" = "b"  ; comment', 'a 1 62000000');
  good('"a"=hex:01 ; "b"=hex:02', 'a 3 01');
  good('; "a"="b"'); // comment line
  good('"a;b"="c;d"', 'a;b 1 63003b0064000000'); // no comment inside quotes
  good('"a"="x\r\ny"', 'a 1 78000d000a0079000000'); // Windows writes line breaks raw
  good('"a"="x\\r\\ny"', 'a 1 78000d000a0079000000'); // Wine escapes them
  good('"a"="\ud800"', 'a 1 00d80000'); // unpaired surrogate
  good('"a"="1"\r\n"b"="2"', 'a 1 31000000', 'b 1 32000000'); // no last line end
});

test('refuses what an import would skip, with line and column', () => {
  const bad = (line: string, where: string) =>
    assert.throws(
      () => values(line),
      (error) => error instanceof RegistryError && error.code === 'reg-syntax' && error.message.includes(where),
      line,
    );
  bad('garbage', 'line 4, column 1');
  bad('"a"', 'line 4, column 4'); // no =
  bad('"a"=hex:1', 'line 4, column 9'); // half a byte
  bad('"a"=hex:01,', 'line 4, column 12'); // nothing after the comma
  bad('"a"=hex:01 02', 'line 4, column 12');
  bad('"a"=hex:01,\\x', 'line 4, column 12'); // backslash inside a line
  bad('"a"=hex(z):01', 'line 4, column 5');
  bad('"a"=dword:123456789', 'line 4, column 11');
  bad('"a"=dword:', 'line 4, column 11');
  bad('"a"=qword:1', 'line 4, column 5');
  bad('"a"="b" c', 'line 4, column 9');
  bad('"a"="b', 'line 4, column 5'); // never closed
  bad('"a"="\\x"', 'line 4, column 6'); // escapes nothing
  bad('[HKEY_CURRENT_USER\\b', 'line 4, column 1');
  bad('[]', 'line 4');
  bad('[HKEY_CURRENT_USER\\\\b]', 'line 4'); // empty name
  bad('[HKEY_CURRENT_USER\\b\\]', 'line 4');
  bad('[HKEY_CURRENT_USER\\\\]', 'line 4');
  bad('[-HKEY_CURRENT_USER\\]', 'line 4'); // nobody writes that, and it would delete everything
});

test('the root key as hivex writes it, with a backslash behind it', () => {
  const file = readRegFile(
    Buffer.from(
      'Windows Registry Editor Version 5.00\n\n[HKEY_CURRENT_USER\\]\n"r"=hex:01\n\n[HKEY_CURRENT_USER\\k]\n"a"=hex:02\n',
    ),
    'x.reg',
  );
  assert.deepEqual(
    file.entries.flatMap((entry) => (entry.kind === 'key' ? [entry.path] : [])),
    ['HKEY_CURRENT_USER', 'HKEY_CURRENT_USER\\k'],
  );
  const snapshots = snapshotsOf(file);
  assert.equal(snapshots.length, 1);
  assert.equal(snapshots[0]?.rootPath, 'HKEY_CURRENT_USER');
  assert.deepEqual([...(snapshots[0]?.root.values.keys() ?? [])], ['R']);
  assert.deepEqual([...(snapshots[0]?.root.subkeys.keys() ?? [])], ['K']);
});

test('reads the dialects', () => {
  const lines = '"n\u00e9"="\u00fc"\n';
  const expected = ['n\u00e9 1 fc000000'];
  const head = 'Windows Registry Editor Version 5.00\n\n[HKEY_CURRENT_USER\\k]\n';
  assert.deepEqual(values(Buffer.from(head + lines)), expected); // hivex: UTF-8, LF, no mark
  assert.deepEqual(values(Buffer.from(`\uFEFF${head}${lines}`)), expected); // UTF-8 with mark
  assert.deepEqual(values(Buffer.from(head + lines, 'latin1')), expected); // chntpw: Latin-1
  assert.deepEqual(values(Buffer.from(head + lines, 'utf16le')), expected); // UTF-16 without mark
  assert.deepEqual(values(Buffer.from(`REGEDIT4\n\n[HKEY_CURRENT_USER\\k]\n${lines}`, 'latin1')), expected);
  assert.deepEqual(values(Buffer.from(`${head}"a"=hex(1):41,00,00,00`)), ['a 1 41000000']); // hivex: bytes are UTF-16
});

test('REGEDIT4 is read in its code page, text types in hex included', () => {
  const file = (body: string) => Buffer.from(`REGEDIT4\r\n\r\n[HKEY_CURRENT_USER\\k]\r\n${body}\r\n`, 'latin1');
  assert.deepEqual(values(file('"a"="\xe4"')), ['a 1 e4000000']);
  assert.deepEqual(values(file('"a"="\xe4"'), 1251), ['a 1 34040000']); // Cyrillic de
  assert.deepEqual(values(file('"a"=hex(2):e4,00'), 1251), ['a 2 34040000']);
  assert.deepEqual(values(file('"a"=hex:e4,00'), 1251), ['a 3 e400']); // binary stays
  assert.deepEqual(values(file('"\x83\x5c"="b"'), 932), ['\u30bd 1 62000000']); // a trail byte that is a backslash
  assert.equal(readRegFile(file('"a"="\xe4"'), 'x').codePage, 1252);
  assert.equal(readRegFile(file('"a"="b"'), 'x').codePage, undefined); // no byte above 0x7f: no page to name
  assert.throws(
    () => readRegFile(file('"a"="\x83\x5c"\r\n"b"="\xff"'), 'x', 932),
    (error) => error instanceof RegistryError && error.code === 'reg-encoding' && /line 5/.test(error.message),
  );
});

test('refuses what is no .reg file', () => {
  const bad = (bytes: Buffer, code: string) =>
    assert.throws(
      () => readRegFile(bytes, 'x.reg'),
      (error) => error instanceof RegistryError && error.code === code,
    );
  bad(Buffer.alloc(0), 'reg-syntax');
  bad(Buffer.from('regf'), 'reg-syntax');
  bad(Buffer.from('Windows Registry Editor Version 6.00\r\n'), 'reg-syntax');
  bad(Buffer.concat([utf16(V5), Buffer.from('a')]), 'reg-encoding'); // odd length
  bad(Buffer.from([0xfe, 0xff, 0, 0x57]), 'reg-encoding'); // big-endian
  bad(utf16('Windows Registry Editor Version 5.00\r\n"a"="b"\r\n'), 'reg-syntax'); // value before key
});

test('nothing is without a limit', () => {
  const bad = (line: string) =>
    assert.throws(
      () => values(line),
      (error) => error instanceof RegistryError && error.code === 'reg-limit' && /line 4/.test(error.message),
    );
  bad(`[HKEY_CURRENT_USER${'\\k'.repeat(512)}]`);
  bad(`[HKEY_CURRENT_USER\\${'k'.repeat(256)}]`);
  bad(`"${'n'.repeat(16_384)}"="x"`);
});

test('keys may contain brackets, and deletions are carried out in order', () => {
  const [snapshot] = snapshotsOf(
    readRegFile(
      utf16(
        `${V5}"a"="1"\r\n"b"="2"\r\n"a"=-\r\n[HKEY_CURRENT_USER\\x]y]\r\n"c"="3"\r\n[-HKEY_CURRENT_USER\\K]\r\n"lost"="4"\r\n`,
      ),
      'x',
    ),
  );
  assert.deepEqual([...(snapshot?.root.subkeys.keys() ?? [])], ['X]Y']);
});

test('each user of a file is a snapshot of its own', () => {
  const root = (path: string) => splitRoot(path).rootPath;
  assert.equal(root('HKEY_CURRENT_USER\\Software\\x'), 'HKEY_CURRENT_USER');
  assert.equal(root('HKCU\\Software'), 'HKCU'); // chntpw takes any prefix
  assert.equal(root('HKEY_USERS\\S-1-5-21-1\\Software'), 'HKEY_USERS\\S-1-5-21-1');
  assert.equal(root('HKEY_USERS'), 'HKEY_USERS');
  assert.equal(root('HKEY_LOCAL_MACHINE\\loaded\\SOFTWARE\\x'), 'HKEY_LOCAL_MACHINE\\loaded');
  assert.equal(root('\\Software\\Microsoft'), ''); // hivex without a prefix
  const file = readRegFile(
    utf16(
      'Windows Registry Editor Version 5.00\r\n[HKEY_USERS\\S-1\\k]\r\n[HKEY_USERS\\S-2\\k]\r\n[HKEY_USERS\\s-1\\l]\r\n',
    ),
    'x',
  );
  assert.deepEqual(
    snapshotsOf(file).map(({ rootPath, root: key }) => [rootPath, key.subkeys.size]),
    [
      ['HKEY_USERS\\S-1', 2],
      ['HKEY_USERS\\S-2', 1],
    ],
  );
});

test('breaks hex lines where regedit does', () => {
  const data = Buffer.alloc(60, 0x41);
  const text = renderRegText([
    { kind: 'key', path: 'k' },
    { kind: 'value', value: { name: 'name', type: 3, data } },
  ]);
  const lines = text.split('\r\n').filter((line) => line.includes('41'));
  assert.deepEqual(
    lines.map((line) => line.length),
    [78, 78, 40],
  ); // a line is broken once it is longer than 76
  const long = renderRegText([{ kind: 'value', value: { name: 'n'.repeat(100), type: 3, data: Buffer.from([1, 2]) } }]);
  assert.match(long, /=hex:01,\\\r\n {2}02\r\n/); // one byte stays beside a long name
});

const valueArbitrary = fc.record(
  {
    name: fc.string({ unit: 'binary', maxLength: 12 }).filter((name) => !name.includes('\0')),
    type: fc.oneof(fc.constantFrom(...Object.values(RegType)), fc.nat(0xffffffff)),
    data: fc.oneof(
      fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes)),
      fc.string({ unit: 'binary', maxLength: 20 }).map((text) => Buffer.from(`${text}\0`, 'utf16le')),
    ),
  },
  { noNullPrototype: true },
);

test('any values survive text and back', () => {
  fc.assert(
    fc.property(fc.array(valueArbitrary, { maxLength: 6 }), (list) => {
      const entries: RegEntry[] = [
        { kind: 'key', path: 'HKEY_CURRENT_USER\\k]' },
        ...list.map((value) => ({ kind: 'value', value }) as const),
      ];
      const bytes = renderRegFile(entries);
      const { entries: back } = readRegFile(bytes, 'x');
      assert.deepEqual(back, entries);
      assert.deepEqual(renderRegFile(back), bytes);
    }),
    { numRuns: 300 },
  );
});

test('a snapshot written out reads as itself', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(valueArbitrary, { maxLength: 6, selector: ({ name }) => name.toUpperCase() }),
      (list) => {
        const entries: RegEntry[] = [
          { kind: 'key', path: 'HKEY_CURRENT_USER' },
          { kind: 'key', path: 'HKEY_CURRENT_USER\\k' },
        ];
        entries.push(...list.map((value) => ({ kind: 'value', value }) as const));
        const [snapshot] = snapshotsOf({ entries, codePage: undefined });
        assert.ok(snapshot);
        assert.equal(entriesOf(snapshot).length <= entries.length, true);
        assert.deepEqual(snapshotsOf(readRegFile(renderRegFile(entriesOf(snapshot)), 'x'))[0], snapshot);
      },
    ),
    { numRuns: 100 },
  );
});
