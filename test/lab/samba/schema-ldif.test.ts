// The lab's schema as text: names, order of the phases, links in pairs, and that it covers the demo organisation. Needs no Samba.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { parseLdif, texts } from '../../../src/ldap/ldif.ts';
import { schemaObjectName, schemaPhases } from './schema-ldif.ts';
import { ATTRIBUTES, BASE_CLASS_CHANGES, CLASSES } from './schema-table.ts';

const records = parseLdif(readFileSync(join(import.meta.dirname, '..', '..', '..', 'demo', 'contoso.ldif')));

const NAMES: readonly (readonly [name: string, object: string])[] = [
  ['msExchMDBCopy', 'ms-Exch-MDB-Copy'],
  ['msExchOWAVirtualDirectory', 'ms-Exch-OWA-Virtual-Directory'],
  ['msExchProtocolCfgHTTPContainer', 'ms-Exch-Protocol-Cfg-HTTP-Container'],
  ['msExchClientAccessArray', 'ms-Exch-Client-Access-Array'],
  ['protocolCfgSharedServer', 'Protocol-Cfg-Shared-Server'],
  ['mailRecipient', 'Mail-Recipient'],
  ['top', 'Top'],
];
for (const [name, object] of NAMES) {
  test(`${name} is stored as ${object}`, () => assert.equal(schemaObjectName(name), object));
}

test('attributes come first, a class never before its parent, possible superiors last', () => {
  const phases = schemaPhases('DC=contoso,DC=test');
  const phaseOf = (name: string) => phases.findIndex(({ ldif }) => ldif.includes(`lDAPDisplayName: ${name}\n`));
  for (const [name] of ATTRIBUTES) assert.equal(phaseOf(name), 0, name);
  for (const { name, parent, below } of CLASSES) {
    assert.ok(phaseOf(name) > phaseOf(parent), `${name} after ${parent}`);
    const own =
      phases[phaseOf(name)]?.ldif.split(/^(?=dn: )/m).find((text) => text.includes(`lDAPDisplayName: ${name}\n`)) ?? '';
    for (const superior of below) {
      const isNew = CLASSES.some((other) => other.name === superior);
      assert.equal(own.includes(`possSuperiors: ${superior}\n`), !isNew, `${name} below ${superior}`);
    }
  }
  assert.deepEqual([...new Set(phases.map(({ change }) => change))], ['add', 'modify']);
  assert.equal(phases.at(-1)?.change, 'modify');
});

test('names, OIDs and link numbers are unique; each link has its pair', () => {
  const unique = (values: readonly unknown[]) => assert.equal(new Set(values).size, values.length);
  unique([...ATTRIBUTES.map(([name]) => name), ...CLASSES.map(({ name }) => name)]);
  unique([...ATTRIBUTES.map(([, oid]) => oid), ...CLASSES.map(({ oid }) => oid)]);
  const links = ATTRIBUTES.flatMap(([, , , , , , link]) => (link === undefined ? [] : [link]));
  unique(links);
  for (const link of links) assert.ok(links.includes(link ^ 1), `the other end of link ${link}`);
  for (const [name, , syntax, , , , link] of ATTRIBUTES) if (link !== undefined) assert.equal(syntax, 'dn', name);
});

test('every Exchange class and attribute of the demo organisation is in the table', () => {
  const known = new Set([...ATTRIBUTES.map(([name]) => name), ...CLASSES.map(({ name }) => name), ...BASE]);
  const used = records.flatMap((record) => [
    ...record.attributes.map(({ name }) => name),
    ...texts(record, 'objectClass'),
  ]);
  const missing = [...new Set(used)].filter((name) => /^(msExch|protocolCfg)/.test(name) && !known.has(name));
  assert.deepEqual(missing, []);
});

test('every attribute of the table may be used somewhere', () => {
  const inClasses = CLASSES.flatMap(({ may = [], must = [] }) => [...may, ...must]);
  const used = new Set([...inClasses, ...BASE_CLASS_CHANGES.flatMap(({ may = [] }) => may)]);
  assert.deepEqual(
    ATTRIBUTES.map(([name]) => name).filter((name) => !used.has(name)),
    [],
  );
});

/** In the schema of every Active Directory. */
const BASE = ['msExchConfigurationContainer'];
