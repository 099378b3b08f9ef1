import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  attributeValue,
  childText,
  findChildren,
  parseXml,
  type XmlElement,
  type XmlFaultCode,
  type XmlLimits,
} from '../../../src/autodiscover/wire/xml.ts';
import { leaf, parent, writeXml, type XmlOutput } from '../../../src/autodiscover/wire/xml-writer.ts';
import { bytes } from './samples.ts';

const LIMITS: XmlLimits = { bytes: 200_000, depth: 8, elements: 100, attributesPerElement: 4, nameLength: 32 };

function root(body: Uint8Array | string, contentType?: string): XmlElement {
  const parsed = parseXml(body, LIMITS, contentType);
  if ('fault' in parsed) assert.fail(`${parsed.fault.code}: ${parsed.fault.message}`);
  return parsed.root;
}

const good = (name: string, body: Uint8Array | string, text: string, contentType?: string): void => {
  test(`reads ${name}`, () => assert.equal(root(body, contentType).text, text));
};
const bad = (
  name: string,
  body: Uint8Array | string,
  code: XmlFaultCode,
  message: RegExp,
  contentType?: string,
): void => {
  test(`refuses ${name}`, () => {
    const parsed = parseXml(body, LIMITS, contentType);
    if (!('fault' in parsed)) assert.fail('accepted');
    assert.equal(parsed.fault.code, code);
    assert.match(parsed.fault.message, message);
  });
};

const utf16 = (text: string, mark: readonly number[] = [], bigEndian = false): Uint8Array => {
  const little = Buffer.from(text, 'utf16le');
  return Uint8Array.from([...mark, ...(bigEndian ? little.swap16() : little)]);
};
const latin1 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

good('plain text', '<a>x</a>', 'x');
good('an empty element', '<a/>', '');
good('blanks inside tags', '<a \n b = "1"\t>x</a >', 'x');
good('text with its blanks', '<a> x\n </a>', ' x\n ');
good('blanks only', '<a>  </a>', '  ');
good('CR LF as one line feed', '<a>x\r\ny</a>', 'x\ny');
good('the five named references', '<a>&amp;&lt;&gt;&quot;&apos;</a>', '&<>"\'');
good('numeric references', '<a>&#65;&#x42;&#x1F600;</a>', 'AB😀');
good('a reference once only', '<a>&amp;lt;</a>', '&lt;');
good('CDATA', '<a>x<![CDATA[<&amp;>]]>y</a>', 'x<&amp;>y');
good('empty CDATA', '<a><![CDATA[]]></a>', '');
good('comments', '<!-- a --><a>x<!-- <b> & -->y</a><!-- z -->', 'xy');
good('a declaration', '<?xml version="1.0" encoding="utf-8"?>\n<a>x</a>', 'x');
good('a declaration with everything', `<?xml version='1.0' encoding = "UTF-8"\n standalone='yes' ?><a>x</a>`, 'x');
good('blanks before the declaration', '\n <?xml version="1.0"?><a>x</a>', 'x');
good('names outside ASCII', '<größe>x</größe>', 'x');
good('UTF-8', bytes('<a>é</a>'), 'é');
good('UTF-8 with byte order mark', Uint8Array.from([0xef, 0xbb, 0xbf, ...bytes('<a>é</a>')]), 'é');
good('UTF-16LE with byte order mark', utf16('<a>é😀</a>', [0xff, 0xfe]), 'é😀');
good('UTF-16BE with byte order mark', utf16('<a>é</a>', [0xfe, 0xff], true), 'é');
good('UTF-16LE without a mark', utf16('<?xml version="1.0"?><a>é</a>'), 'é');
good('UTF-16BE without a mark', utf16('<a>é</a>', [], true), 'é');
good('UTF-16 by charset parameter', utf16('<a>é</a>'), 'é', 'text/xml; charset=UTF-16');
good('UTF-8 mislabelled as UTF-16', bytes('<?xml version="1.0" encoding="utf-16"?><a>é</a>'), 'é');
good('Latin-1 by charset parameter', latin1('<a>é</a>'), 'é', 'text/xml;charset = "ISO-8859-1"');
good('Latin-1 by declaration', latin1('<?xml version="1.0" encoding="iso-8859-1"?><a>é</a>'), 'é');
good('charset utf8', bytes('<a>é</a>'), 'é', "text/xml; charset='UTF8'");
good(
  'a byte order mark against the charset parameter',
  utf16('<a>é</a>', [0xff, 0xfe]),
  'é',
  'text/xml; charset=utf-8',
);

bad('nothing', '', 'empty', /empty/);
bad('blanks', bytes(' \r\n'), 'empty', /empty/);
bad('a declaration alone', '<?xml version="1.0"?>', 'empty', /empty/);
bad('a DOCTYPE', '<!DOCTYPE a><a/>', 'doctype', /line 1: document type/);
bad('a DOCTYPE in lower case', '<!doctype a><a/>', 'doctype', /document type/);
bad(
  'an external entity',
  '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
  'doctype',
  /document type/,
);
bad('a DOCTYPE inside the root', '<a><!DOCTYPE b></a>', 'doctype', /document type/);
bad('an undeclared entity', '<a>&nbsp;</a>', 'malformed', /ampersand/);
bad('an unescaped ampersand', '<a>\n\na&b@contoso.test</a>', 'malformed', /line 3: an ampersand/);
bad('an unescaped ampersand in an attribute', '<a b="&"/>', 'malformed', /ampersand/);
bad('a reference to NUL', '<a>&#0;</a>', 'malformed', /reference to a character/);
bad('a reference to a surrogate', '<a>&#xD800;</a>', 'malformed', /reference to a character/);
bad('a reference beyond Unicode', '<a>&#x110000;</a>', 'malformed', /reference to a character/);
bad('a reference inside a prototype name', '<a>&constructor;</a>', 'malformed', /ampersand/);
bad('a control character', '<a>\u0007</a>', 'malformed', /control character/);
bad('half a surrogate pair', '<a>\ud800</a>', 'malformed', /surrogate/);
bad('mismatched tags', '<a><b></a></b>', 'malformed', /<\/a> where <\/b> was expected/);
bad('tags that differ in case', '<a></A>', 'malformed', /<\/A> where <\/a> was expected/);
bad('an unclosed root', '<a><b/>', 'malformed', /<a> is not closed/);
bad('a truncated start tag', '<a><b c="1', 'malformed', /no quoted value/);
bad('a truncated end tag', '<a></a', 'malformed', /not closed by/);
bad('a closing tag with attributes', '<a></a b="1">', 'malformed', /not closed by/);
bad('a self-closing end tag', '<a></a/>', 'malformed', /not closed by/);
bad('an end tag alone', '</a>', 'malformed', /closes nothing/);
bad('two roots', '<a/><b/>', 'malformed', /second root/);
bad('text after the root', '<a/>x', 'malformed', /outside the root/);
bad('text before the root', 'x<a/>', 'malformed', /outside the root/);
bad('CDATA after the root', '<a/><![CDATA[x]]>', 'malformed', /CDATA section outside/);
bad('no XML at all', '{"a":1}', 'malformed', /outside the root/);
bad('HTML', '<html><br></html>', 'malformed', /where <\/br> was expected/);
bad('an unclosed comment', '<a><!-- x</a>', 'malformed', /comment/);
bad('two hyphens in a comment', '<a><!-- x -- y --></a>', 'malformed', /comment/);
bad('unclosed CDATA', '<a><![CDATA[x</a>', 'malformed', /CDATA/);
bad('"]]>" in text', '<a>]]></a>', 'malformed', /CDATA/);
bad('a processing instruction', '<a><?php x ?></a>', 'malformed', /processing instruction/);
bad('a second declaration', '<?xml version="1.0"?><?xml version="1.0"?><a/>', 'malformed', /processing instruction/);
bad('a broken declaration', '<?xml version="1.0" encoding=utf-8?><a/>', 'malformed', /processing instruction/);
bad('a declaration without version', '<?xml encoding="utf-8"?><a/>', 'malformed', /processing instruction/);
bad('an endless declaration', `<?xml version="1.0"${' '.repeat(300)}?><a/>`, 'malformed', /processing instruction/);
bad('an attribute without value', '<a b/>', 'malformed', /no quoted value/);
bad('an attribute without quotes', '<a b=1/>', 'malformed', /no quoted value/);
bad('attributes without space between', '<a b="1"c="2"/>', 'malformed', /no space before/);
bad('an attribute given twice', '<a b="1" b="2"/>', 'malformed', /given twice/);
bad('"<" in an attribute', '<a b="<"/>', 'malformed', /no quoted value/);
bad('a space after "<"', '< a/>', 'malformed', /name was expected/);
bad('a name beginning with a digit', '<1a/>', 'malformed', /name was expected/);
bad('a name of three parts', '<a:b:c xmlns:a="x"/>', 'malformed', /not well formed|no space/);
bad('an unbound prefix', '<p:a/>', 'malformed', /prefix "p"/);
bad('an unbound attribute prefix', '<a p:b="1"/>', 'malformed', /prefix "p"/);
bad('a prefix that JavaScript would bind', '<constructor:a/>', 'malformed', /prefix "constructor"/);
bad('an element that would reach a prototype', '<__proto__><x/></__proto__>', 'malformed', /__proto__/);
bad('an attribute that would reach a prototype', '<a __proto__="x"/>', 'malformed', /__proto__/);
bad('20,000 levels', '<a>'.repeat(20_000), 'limit', /nested deeper than 8/);
bad('20,000 levels, closed', '<a>'.repeat(20_000) + '</a>'.repeat(20_000), 'limit', /nested deeper than 8/);
bad('one level too many', `${'<a>'.repeat(9)}${'</a>'.repeat(9)}`, 'limit', /nested deeper than 8/);
bad('too many elements', `<a>${'<b/>'.repeat(100)}</a>`, 'limit', /more than 100 elements/);
bad(
  'too many attributes',
  `<a ${Array.from({ length: 5 }, (_, i) => `b${i}="1"`).join(' ')}/>`,
  'limit',
  /more than 4 attr/,
);
bad(
  'an attribute bomb',
  `<a ${Array.from({ length: 20_000 }, (_, i) => `b${i}=""`).join(' ')}/>`,
  'limit',
  /attributes/,
);
bad('a long name', `<${'a'.repeat(33)}/>`, 'limit', /name longer than 32/);
bad('a long body', bytes(`<a>${'x'.repeat(200_000)}</a>`), 'limit', /longer than 200000/);
bad('5 MB', new Uint8Array(5_000_000).fill(0x20), 'limit', /longer than/);
bad(
  'invalid UTF-8',
  Uint8Array.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e]),
  'undecodable',
  /not valid utf-8/,
);
bad(
  'overlong UTF-8',
  Uint8Array.from([0x3c, 0x61, 0x3e, 0xc0, 0xbc, 0x2f, 0x61, 0x3e]),
  'undecodable',
  /not valid utf-8/,
);
bad('half a UTF-16 unit', Uint8Array.from([0xff, 0xfe, 0x3c]), 'undecodable', /not valid utf-16le/);
bad('UTF-32', Uint8Array.from([0xff, 0xfe, 0, 0, 0x3c, 0, 0, 0]), 'undecodable', /unknown character encoding "utf-32"/);
bad('UTF-7', bytes('<a/>'), 'undecodable', /unknown character encoding "utf-7"/, 'text/xml; charset=utf-7');
bad('EBCDIC', bytes('<?xml version="1.0" encoding="ibm037"?><a/>'), 'undecodable', /unknown character encoding/);

test('resolves namespaces, default, prefixed, redeclared and withdrawn', () => {
  const tree = root('<a xmlns="u:1" xmlns:p="u:2"><p:b p:c="1" d="2"/><e xmlns=""><f xmlns="u:3"/></e></a>');
  const [b, e] = tree.children;
  assert.deepEqual([tree.namespace, b?.namespace, e?.namespace, e?.children[0]?.namespace], ['u:1', 'u:2', '', 'u:3']);
  assert.deepEqual(b?.attributes, [
    { local: 'c', namespace: 'u:2', value: '1' },
    { local: 'd', namespace: '', value: '2' },
  ]);
});

test('keeps the order of children, and finds by local name without case', () => {
  const tree = root('<a><x>1</x><Y> 2 </Y><x>3</x></a>');
  assert.deepEqual(
    findChildren(tree, 'X').map((child) => child.text),
    ['1', '3'],
  );
  assert.equal(childText(tree, 'y'), '2');
  assert.equal(childText(tree, 'z'), undefined);
});

test('line breaks and tabs in attribute values are blanks', () => {
  assert.equal(attributeValue(root('<a b="1\r\n2\t3\n4"/>'), 'b'), '1 2 3 4');
});

test('attribute values keep references decoded', () => {
  assert.equal(attributeValue(root('<a b="&lt;&#10;&quot;"/>'), 'b'), '<\n"');
});

test('elements named like object members are elements like any other', () => {
  const tree = root('<a><hasOwnProperty>2</hasOwnProperty><toString toString="3"/></a>');
  assert.deepEqual(
    tree.children.map((child) => child.local),
    ['hasOwnProperty', 'toString'],
  );
  assert.equal(attributeValue(tree.children[1] ?? tree, 'toString'), '3');
});

test('the writer puts one element on a line', () => {
  const text = writeXml(parent('a', [leaf('b', 'x\ny', { c: '1' }), undefined, leaf('d', '')]), { declaration: true });
  assert.equal(text, '<?xml version="1.0" encoding="utf-8"?>\n<a>\n  <b c="1">x&#10;y</b>\n  <d />\n</a>\n');
});

test('the writer replaces what XML cannot carry, and nothing else', () => {
  const text = writeXml(leaf('a', 'x\u0000\u0008\ud800\ufffe\t\r😀', { b: '\u0001"\t\r\n<&>' }), {
    declaration: false,
  });
  assert.equal(text, '<a b="\ufffd&quot;&#9;&#13;&#10;&lt;&amp;&gt;">x\ufffd\ufffd\ufffd\ufffd\t&#13;😀</a>\n');
});

test('what is written is read back', () => {
  const text = fc
    .string({ unit: 'binary', maxLength: 20 })
    .map((value) => value.toWellFormed().replace(FORBIDDEN, '?'));
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { maxLength: 5 }), (pairs) => {
      const output: XmlOutput = parent(
        'root',
        pairs.map(([value, attribute]) => leaf('x', value, { y: attribute })),
      );
      const tree = root(writeXml(output, { declaration: true }));
      assert.deepEqual(
        tree.children.map((child) => [child.text, attributeValue(child, 'y')]),
        pairs,
      );
    }),
    { numRuns: 150 },
  );
});

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters XML 1.0 cannot carry
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;
