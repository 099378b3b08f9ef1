import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { DirectoryError } from '../../src/ldap/errors.ts';
import {
  bytes,
  formatLdif,
  formatLdifChanges,
  formatLdifLine,
  LDIF_LIMITS,
  type LdifChange,
  parseLdif,
  parseLdifChanges,
  text,
  texts,
} from '../../src/ldap/ldif.ts';
import { mutate, seededRandom } from '../helpers/mutation.ts';

const DEMO = readFileSync(join(import.meta.dirname, '../../demo/contoso.ldif'));

/** One record as `dn | name=value,value | ...`, bytes shown as latin1. */
function shown(source: string | Buffer): string[] {
  return parseLdif(source).map(({ dn, attributes }) =>
    [dn, ...attributes.map(({ name, values }) => `${name}=${values.map((v) => v.toString('latin1')).join(',')}`)].join(
      '|',
    ),
  );
}

test('content records', () => {
  const good = (source: string | Buffer, ...want: string[]) =>
    assert.deepEqual(shown(source), want, JSON.stringify(source));
  const bad = (source: string | Buffer, message: RegExp, code = 'ldif-syntax') =>
    assert.throws(
      () => parseLdif(source),
      (error) => error instanceof DirectoryError && error.code === code && message.test(error.message),
      JSON.stringify(source),
    );
  good(''); // no records is a file
  good('version: 1\n');
  good('dn: cn=a\ncn: a\n', 'cn=a|cn=a');
  good('version: 1\n\ndn: cn=a\ncn: a', 'cn=a|cn=a'); // no line end at the end
  good('dn: cn=a\r\ncn: a\r\n\r\n\r\ndn: cn=b\r\ncn: b\r\n', 'cn=a|cn=a', 'cn=b|cn=b'); // CRLF, two blank lines
  good('\uFEFFdn: cn=a\ncn: a\n', 'cn=a|cn=a'); // byte order mark
  good('dn: cn=a\ncn: a\nCN: b\nsn: c\n', 'cn=a|cn=a,b|sn=c'); // names case-blind, gathered
  good('dn: cn=a\ncn: a\n b\n  c\n', 'cn=a|cn=ab c'); // folding drops one space only
  good('dn: c\n n=a\ncn: a\n', 'cn=a|cn=a'); // folded dn
  good('# c\n omment\ndn: cn=a\n# x\ncn: a\n', 'cn=a|cn=a'); // a folded comment
  good('dn: cn=a\ncn:a\nsn:   b \n', 'cn=a|cn=a|sn=b '); // spaces before, not after
  good('dn: cn=a\ncn:\n', 'cn=a|cn='); // empty value
  good('dn:: Y249YQ==\ncn:: AAH/\n', 'cn=a|cn=\0\x01\xff'); // base64, binary
  good('dn: cn=a\ncn:: YW\n Jj\n', 'cn=a|cn=abc'); // folded base64
  good('dn: cn=a\nuserCertificate;binary:: AA==\n1.2.3: x\n', 'cn=a|userCertificate;binary=\0|1.2.3=x');
  good('dn: cn=é\ncn: é\n', 'cn=é|cn=\xc3\xa9'); // raw UTF-8 is tolerated
  bad('cn: a\n', /line 1: a record must begin with dn:/);
  bad('dn: cn=a\n', /line 1: entry 'cn=a' has no attributes/);
  bad('dn: cn=a\ncn: a\n\nsn: b\n', /line 4: a record must begin with dn:/);
  bad('dn: cn=a\ncn a\n', /line 2: expected 'name: value'/);
  bad('dn: cn=a\nc n: a\n', /line 2: 'c n' is no attribute name/);
  bad('dn: cn=a\ncn:: a\n', /line 2: cn: not base64/);
  bad('dn: cn=a\ncn:: YW=j\n', /line 2: cn: not base64/);
  bad('dn: cn=a\ncn:< file:///etc/passwd\n', /line 2: cn: values by URL are not read/);
  bad('dn: cn=a\ncn: a\ndn: cn=b\ncn: b\n', /line 3: a second dn:/); // missing blank line
  bad('dn: cn=a\nchangetype: delete\n', /line 2: a change record in a file of entries/);
  bad(' dn: cn=a\n', /line 1: a continuation line with nothing to continue/);
  bad('dn: cn=a\ncn: a\n-\n', /line 3: a '-' line outside/);
  bad('version: 2\n\ndn: cn=a\ncn: a\n', /line 1: only version 1/);
  bad('dn:: /w==\ncn: a\n', /line 1: not UTF-8/);
  bad(Buffer.from([0x64, 0x6e, 0x3a, 0xff]), /LDIF: not UTF-8/);
});

test('limits name the line', () => {
  const limits = { ...LDIF_LIMITS, records: 1, lineCharacters: 20, linesPerRecord: 3 };
  const bad = (source: string, message: RegExp) =>
    assert.throws(
      () => parseLdif(source, limits),
      (error) => error instanceof DirectoryError && error.code === 'limit-exceeded' && message.test(error.message),
    );
  bad('dn: cn=a\ncn: a\n\ndn: cn=b\ncn: b\n', /line 4: more than 1 records/);
  bad(`dn: cn=a\ncn: ${'a'.repeat(30)}\n`, /line 2: a line of more than 20 characters/);
  bad('dn: cn=a\ncn: 0123456789\n 0123456789\n', /line 2: a line of more than 20 characters/);
  bad('dn: cn=a\ncn: a\ncn: b\ncn: c\n', /line 4: a record of more than 3 lines/);
  assert.throws(() => parseLdif('dn: cn=a\ncn: a\n', { ...limits, characters: 5 }), /more than 5 characters/);
});

test('change records', () => {
  const good = (source: string, want: string) => assert.equal(describeChanges(parseLdifChanges(source)), want, source);
  const bad = (source: string, message: RegExp) =>
    assert.throws(
      () => parseLdifChanges(source),
      (error) => error instanceof DirectoryError && message.test(error.message),
      source,
    );
  good('dn: cn=a\nchangetype: add\ncn: a\n', 'add cn=a cn=a');
  good('dn: cn=a\ncn: a\n', 'add cn=a cn=a'); // without changetype an entry is added
  good('dn: cn=a\nchangetype: delete\n', 'delete cn=a');
  good('dn: cn=a\nChangeType: Modify\nadd: x\nx: 1\nx: 2\n-\n', 'modify cn=a add x=1,2');
  good('dn: cn=a\nchangetype: modify\ndelete: x\n-\nreplace: y\n-\n', 'modify cn=a delete x= replace y=');
  good('dn: cn=a\nchangetype: modify\ndelete: x\nx: 1\n-\nadd: x\nx: 2\n', 'modify cn=a delete x=1 add x=2'); // last '-' left out
  good('dn: cn=a\nchangetype: modrdn\nnewrdn: cn=b\ndeleteoldrdn: 1\n', 'modrdn cn=a cn=b true undefined');
  good('dn: cn=a\nchangetype: moddn\nnewrdn: cn=b\ndeleteoldrdn: 0\nnewsuperior: o=c\n', 'modrdn cn=a cn=b false o=c');
  bad('dn: cn=a\nchangetype: remove\n', /line 2: changetype 'remove'/);
  bad('dn: cn=a\nchangetype: delete\ncn: a\n', /line 3: text after changetype: delete/);
  bad('dn: cn=a\nchangetype: add\n', /line 2: the new entry/);
  bad('dn: cn=a\nchangetype: modify\n', /line 2: changetype: modify without changes/);
  bad('dn: cn=a\nchangetype: modify\nadd: x\n-\n', /line 3: add: x without values/);
  bad(
    'dn: cn=a\nchangetype: modify\nadd: x\nx: 1\nreplace: y\n',
    /line 5: value of 'replace' inside the change of 'x'/,
  );
  bad('dn: cn=a\nchangetype: modify\nx: 1\n-\n', /line 3: expected add:, delete: or replace:/);
  bad('dn: cn=a\nchangetype: modrdn\nnewrdn: cn=b\n', /line 2: deleteoldrdn:/);
  bad('dn: cn=a\nchangetype: modrdn\nnewrdn: cn=b\nnewrdn: cn=c\ndeleteoldrdn: 1\n', /line 4: newrdn is given twice/);
  bad('dn: cn=a\nchangetype: modrdn\ndeleteoldrdn: 1\n', /line 2: newrdn: is missing/);
  bad('dn: cn=a\ncontrol: 1.2.3\nchangetype: delete\n', /line 2: controls/);
  bad('dn: cn=a\n', /line 1: record 'cn=a' is empty/);
});

function describeChanges(changes: readonly LdifChange[]): string {
  return changes.map(describeChange).join('\n');
}

function describeChange(change: LdifChange): string {
  const list = (values: readonly Buffer[]) => values.map(String).join(',');
  switch (change.change) {
    case 'add':
      return ['add', change.dn, ...change.attributes.map(({ name, values }) => `${name}=${list(values)}`)].join(' ');
    case 'delete':
      return `delete ${change.dn}`;
    case 'modify': {
      const steps = change.modifications.map(({ operation, name, values }) => `${operation} ${name}=${list(values)}`);
      return ['modify', change.dn, ...steps].join(' ');
    }
    case 'modrdn':
      return `modrdn ${change.dn} ${change.newRdn} ${change.deleteOldRdn} ${change.newSuperior}`;
  }
}

test('lines: base64 where a value is no SAFE-STRING, folding at 76 bytes', () => {
  const line = (value: string | Buffer, want: string) => assert.equal(formatLdifLine('cn', value), want);
  line('plain', 'cn: plain\n');
  line('', 'cn:\n');
  line(' leading', 'cn:: IGxlYWRpbmc=\n');
  line(':colon', 'cn:: OmNvbG9u\n');
  line('<less', 'cn:: PGxlc3M=\n');
  line('a: <b', 'cn: a: <b\n'); // only the first character matters
  line('trailing ', 'cn:: dHJhaWxpbmcg\n');
  line('é', 'cn:: w6k=\n');
  line('a\nb', 'cn:: YQpi\n');
  line(Buffer.from([0]), 'cn:: AA==\n');
  line('x'.repeat(72), `cn: ${'x'.repeat(72)}\n`);
  line('x'.repeat(73), `cn: ${'x'.repeat(72)}\n x\n`);
  for (const part of formatLdifLine('cn', 'y'.repeat(1000)).split('\n')) assert.ok(part.length <= 76);
});

/** Plain objects, as the reader makes them. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(model, { noNullPrototype: true });

const NAME = fc
  .stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,20}$/)
  .filter((name) => !/^(dn|version|changetype|control)$/i.test(name));
const VALUE = fc
  .oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ unit: 'grapheme', maxLength: 120 }))
  .map((value) => Buffer.from(value as never));
const ATTRIBUTES = fc.uniqueArray(record({ name: NAME, values: fc.array(VALUE, { minLength: 1, maxLength: 4 }) }), {
  minLength: 1,
  maxLength: 5,
  selector: ({ name }) => name.toLowerCase(),
});
const DN = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 100 }).filter((dn) => dn.isWellFormed());

test('what is written is read back', () => {
  fc.assert(
    fc.property(fc.array(record({ dn: DN, attributes: ATTRIBUTES }), { maxLength: 4 }), (records) => {
      assert.deepEqual(parseLdif(formatLdif(records)), records);
    }),
    { numRuns: 150 },
  );
  const modification = record({
    operation: fc.constantFrom('add' as const, 'delete' as const, 'replace' as const),
    name: NAME,
    values: fc.array(VALUE, { minLength: 1, maxLength: 3 }),
  });
  const change: fc.Arbitrary<LdifChange> = fc.oneof(
    record({ change: fc.constant('add' as const), dn: DN, attributes: ATTRIBUTES }),
    record({ change: fc.constant('delete' as const), dn: DN }),
    record({
      change: fc.constant('modify' as const),
      dn: DN,
      modifications: fc.array(modification, { minLength: 1, maxLength: 4 }),
    }),
    fc.record(
      { change: fc.constant('modrdn' as const), dn: DN, newRdn: DN, deleteOldRdn: fc.boolean(), newSuperior: DN },
      { requiredKeys: ['change', 'dn', 'newRdn', 'deleteOldRdn'], noNullPrototype: true },
    ),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
      assert.deepEqual(parseLdifChanges(formatLdifChanges(changes)), changes);
    }),
    { numRuns: 150 },
  );
});

test('the demo organisation reads, and reads the same after writing', () => {
  const records = parseLdif(DEMO);
  assert.ok(records.length > 100);
  assert.deepEqual(parseLdif(formatLdif(records)), records);
  const zoe = records.find((record) => text(record, 'samaccountname') === 'zoe');
  assert.ok(zoe);
  assert.equal(text(zoe, 'CN'), 'Zoë Müller');
  assert.deepEqual(texts(zoe, 'objectClass'), ['top', 'person', 'organizationalPerson', 'user']);
  assert.equal(bytes(zoe, 'msExchMailboxGuid')[0]?.length, 16);
  assert.equal(text(zoe, 'absent'), undefined);
});

test('mutated files give records or a coded error', () => {
  const random = seededRandom(20100);
  const source = DEMO.subarray(0, 20_000);
  const rounds = Number(process.env.FUZZ_ROUNDS ?? 400);
  for (let round = 0; round < rounds; round++) {
    const broken = mutate(source, random);
    for (const parse of [parseLdif, parseLdifChanges]) {
      try {
        parse(broken);
      } catch (error) {
        if (!(error instanceof DirectoryError)) assert.fail(`round ${round}: ${String(error)}`);
      }
    }
  }
});
