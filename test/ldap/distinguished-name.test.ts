import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  childDn,
  type DistinguishedName,
  DN_LIMITS,
  dnKey,
  escapeDnValue,
  foldText,
  formatDn,
  isWithin,
  ownName,
  parentDn,
  parseDn,
  sameDn,
  tryParseDn,
} from '../../src/ldap/distinguished-name.ts';
import { DirectoryError } from '../../src/ldap/errors.ts';
import { mutate, seededRandom } from '../helpers/mutation.ts';

test('parse and print', () => {
  /** `want` lists the values of the name; the printed form must be `printed`, or the text itself. */
  const good = (text: string, want: string[], printed = text) => {
    const dn = parseDn(text);
    assert.deepEqual(
      dn.map((rdn) => rdn.map(({ value }) => value).join('+')),
      want,
      text,
    );
    assert.equal(formatDn(dn), printed);
  };
  good('', []);
  good('  ', [], '');
  good('DC=contoso,DC=test', ['contoso', 'test']);
  good('cn = a , dc = b', ['a', 'b'], 'cn=a,dc=b'); // spaces around separators
  good('CN=a b  c,DC=x', ['a b  c', 'x']); // inner spaces stay
  good('CN=Tate\\, Trent (Ops*) \\\\ Nights,OU=Staff', ['Tate, Trent (Ops*) \\ Nights', 'Staff']);
  good('CN=a\\2Cb', ['a,b'], 'CN=a\\,b'); // hex for a special character
  good('CN=\\C3\\A9t\\C3\\A9', ['été'], 'CN=été'); // hex UTF-8
  good('CN=Zoë Müller', ['Zoë Müller']);
  good('CN=田中\u{1f600}', ['田中\u{1f600}']); // beyond the basic plane
  good('CN=\\ a\\ ', [' a '], 'CN=\\ a\\ ');
  good('CN=\\#a', ['#a']);
  good('CN=a#b=c', ['a#b=c']);
  good('CN=a\\=b', ['a=b'], 'CN=a=b');
  good('CN="a, b"', ['a, b'], 'CN=a\\, b'); // RFC 2253 quotes
  good('CN="a\\"b" ,DC=c', ['a"b', 'c'], 'CN=a\\"b,DC=c');
  good('CN=a\\"\\+\\;\\<\\>b', ['a"+;<>b']);
  good('CN=line\\0Abreak', ['line\nbreak']);
  good('CN=nul\\00', ['nul\0']);
  good('CN=a+SN=b,DC=c', ['a+b', 'c']);
  good('2.5.4.3=a', ['a']);
  good('OID.2.5.4.3=a', ['a'], '2.5.4.3=a');
  good('CN=#0C0161', ['a'], 'CN=a'); // BER UTF8String
  good('CN=#02010A', ['#02010a'], 'CN=#02010a'); // BER, but no string
  good('CN=,DC=x', ['', 'x']); // an empty value is a value

  const bad = (text: string, at: RegExp, code = 'dn-syntax') => {
    assert.throws(
      () => parseDn(text),
      (error) => error instanceof DirectoryError && error.code === code && at.test(error.message),
      text,
    );
    assert.equal(tryParseDn(text), undefined);
  };
  bad('alice', /character 1: expected type=value/);
  bad('CN=a,', /character 6: expected type=value/);
  bad(',CN=a', /character 1: ',CN' is no attribute type/);
  bad('CN=a,,DC=b', /',DC' is no attribute type/);
  bad('C N=a', /'C N' is no attribute type/);
  bad('-x=a', /'-x' is no attribute type/);
  bad('CN=a\\', /a backslash needs/);
  bad('CN=a\\z', /a backslash needs/);
  bad('CN=a\\C3', /not UTF-8/);
  bad('CN=a"b', /'"' must be escaped/);
  bad('CN=a;DC=b', /';' must be escaped/);
  bad('CN=a<b', /'<' must be escaped/);
  bad('CN="a', /does not end/);
  bad('CN="a"b', /text after the closing quote/);
  bad('CN=#0', /pairs of hex digits/);
  bad('CN=#zz', /pairs of hex digits/);
  bad('CN=a\0', /a NUL must be written/);
  bad(`CN=${'a'.repeat(DN_LIMITS.characters)}`, /characters, at most/, 'limit-exceeded');
  bad(Array.from({ length: DN_LIMITS.relativeNames + 1 }, () => 'CN=a').join(','), /more than 256 relative names/);
  bad(Array.from({ length: DN_LIMITS.components + 1 }, (_, i) => `CN=${i}`).join('+'), /more than 32 components/);
});

test('the key is the same for all spellings of a name, and only for these', () => {
  const same = (a: string, b: string) => {
    assert.equal(dnKey(parseDn(a)), dnKey(parseDn(b)), `${a} / ${b}`);
    assert.ok(sameDn(parseDn(a), parseDn(b)));
  };
  const different = (a: string, b: string) => assert.notEqual(dnKey(parseDn(a)), dnKey(parseDn(b)), `${a} / ${b}`);
  same('CN=Alice,DC=Test', 'cn=ALICE , dc=test');
  same('CN=a  b', 'CN=a b');
  same('CN=a\\,b', 'CN="a,b"');
  same('CN=\\41', 'cn=a');
  same('CN=a+SN=b', 'sn=B+cn=A');
  same('CN=ÉTÉ', 'CN=e\u0301te\u0301'); // composed and decomposed
  same('CN=ＡＢ', 'CN=ab'); // full-width letters
  different('CN=a,CN=b', 'CN=a\\,CN=b');
  different('CN=a+SN=b', 'CN=a\\+SN=b');
  different('CN=a', 'OU=a');
  different('CN=a,DC=b', 'CN=a,DC=b,DC=c');
  different('CN=#02010A', 'CN=\\#02010A');
  different('CN=e', 'CN=é'); // accents count
});

test('parents, children, ancestors', () => {
  const dn = parseDn('CN=a,OU=b,DC=c');
  assert.equal(formatDn(parentDn(dn) as DistinguishedName), 'OU=b,DC=c');
  assert.equal(parentDn([]), undefined);
  assert.equal(formatDn(childDn('CN', 'x, y', dn)), 'CN=x\\, y,CN=a,OU=b,DC=c');
  assert.ok(isWithin(dn, parseDn('ou=B, dc=C')));
  assert.ok(isWithin(dn, dn));
  assert.ok(isWithin(dn, []));
  assert.ok(!isWithin(parseDn('DC=c'), dn));
  assert.ok(!isWithin(parseDn('CN=a\\,DC=c'), parseDn('DC=c'))); // the comma belongs to the value
});

const VALUE = fc.string({ unit: 'binary', maxLength: 20 }).filter((value) => value.isWellFormed());
const COMPONENT = fc.record(
  { type: fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,8}$/), value: VALUE },
  { noNullPrototype: true },
);
const NAME = fc.array(fc.array(COMPONENT, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 5 });

test('what is printed is read back, and has the same key in any case', () => {
  fc.assert(
    fc.property(NAME, (dn) => {
      const back = parseDn(formatDn(dn));
      assert.deepEqual(back, dn);
      assert.equal(dnKey(back), dnKey(dn));
    }),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 30 }), (value) => {
      assert.equal(parseDn(`CN=${escapeDnValue(value)}`)[0]?.[0]?.value, value);
      assert.equal(foldText(foldText(value)), foldText(value));
    }),
    { numRuns: 300 },
  );
});

test('mutated names give a name or a coded error', () => {
  const random = seededRandom(4514);
  const seeds = [
    'CN=Tate\\, Trent (Ops*) \\\\ Nights,OU=Staff,DC=contoso,DC=test',
    'CN=#0C0161+SN="a\\C3\\A9",2.5.4.3=x',
  ];
  const rounds = Number(process.env.FUZZ_ROUNDS ?? 4000);
  for (let round = 0; round < rounds; round++) {
    const text = mutate(Buffer.from(seeds[round % 2] as string), random).toString('utf8');
    try {
      const dn = parseDn(text);
      assert.deepEqual(dnKey(parseDn(formatDn(dn))), dnKey(dn));
    } catch (error) {
      if (!(error instanceof DirectoryError)) assert.fail(`round ${round}: '${text}': ${String(error)}`);
    }
  }
});

test('the own name is unescaped; what is no DN is its own name', () => {
  assert.equal(ownName('CN=ops\\, \\+1,CN=Services,DC=test'), 'ops, +1');
  assert.equal(ownName('no name'), 'no name');
});
