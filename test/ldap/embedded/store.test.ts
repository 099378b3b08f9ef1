import assert from 'node:assert/strict';
import test from 'node:test';
import { parseDn } from '../../../src/ldap/distinguished-name.ts';
import { compileFilter, planFilter } from '../../../src/ldap/embedded/evaluate.ts';
import type { Filter } from '../../../src/ldap/embedded/filter.ts';
import { deriveGuid, loadStore } from '../../../src/ldap/embedded/load.ts';
import { textOf, type Value, valueKey } from '../../../src/ldap/embedded/matching.ts';
import { applyModify } from '../../../src/ldap/embedded/modify.ts';
import { COMPUTED_ATTRIBUTES, type Store } from '../../../src/ldap/embedded/store.ts';
import { parseLdif } from '../../../src/ldap/ldif.ts';
import { seededRandom } from '../../helpers/mutation.ts';
import { DEMO_LDIF, DOMAIN, STAFF } from './demo-directory.ts';

const load = (): Store => loadStore(parseLdif(DEMO_LDIF), () => 0);

const ATTRIBUTES = [
  'objectclass',
  'objectcategory',
  'proxyaddresses',
  'homemdb',
  'mail',
  'msexchserversite',
  'member',
  'displayname',
  'sn',
  'distinguishedname',
  'name',
  'memberof',
];

/** A random filter whose assertions mostly hold for some entry of the store. */
function randomFilter(store: Store, random: () => number, depth = 0): Filter {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const parts = () => Array.from({ length: Math.floor(random() * 4) }, () => randomFilter(store, random, depth + 1));
  const kind = depth > 3 ? 4 : Math.floor(random() * 6);
  if (kind === 0) return { kind: 'and', filters: parts() };
  if (kind === 1) return { kind: 'or', filters: parts() };
  if (kind === 2) return { kind: 'not', filter: randomFilter(store, random, depth + 1) };
  const attribute = pick(ATTRIBUTES);
  if (kind === 3) return { kind: 'present', attribute };
  const values = [...store.entries()].flatMap((entry) => store.valuesOf(entry, attribute));
  const text = textOf(pick(values));
  return { kind: 'equality', attribute, value: Buffer.from(random() < 0.5 ? text.toUpperCase() : text) };
}

test('the entries an index offers are a superset of the entries a filter selects', () => {
  const store = load();
  const random = seededRandom(803);
  let planned = 0;
  for (let round = 0; round < 400; round++) {
    const filter = randomFilter(store, random);
    const plan = planFilter(filter, store);
    if (!plan) continue;
    planned += 1;
    const accepts = compileFilter(filter, store);
    const offered = new Set(plan.entries);
    assert.equal(offered.size, plan.size);
    for (const entry of store.entries()) {
      if (accepts(entry) === true)
        assert.ok(offered.has(entry), `round ${round}: ${JSON.stringify(filter)} ${entry.dn}`);
    }
  }
  assert.ok(planned > 100, `only ${planned} filters used an index`);
});

/** Every index entry the stored values ask for is there, and no other: looked at through lookups of all known keys. */
function assertConsistent(store: Store, keys: Map<string, Set<string>>): void {
  const wanted = new Map<string, Set<string>>();
  for (const entry of store.entries()) {
    for (const attribute of entry.names()) {
      if (!store.hasIndex(attribute)) continue;
      for (const value of entry.get(attribute)) {
        const key = valueKey(attribute, value);
        const place = `${attribute}\n${key}`;
        wanted.set(place, (wanted.get(place) ?? new Set()).add(entry.dn));
        keys.set(attribute, (keys.get(attribute) ?? new Set()).add(key));
      }
    }
  }
  for (const [attribute, known] of keys) {
    for (const key of known) {
      const found = store.lookup(attribute, key).map(({ dn }) => dn);
      assert.deepEqual(found.sort(), [...(wanted.get(`${attribute}\n${key}`) ?? [])].sort(), `${attribute} ${key}`);
    }
  }
}

test('indexes and names stay right under random changes', () => {
  const store = load();
  const random = seededRandom(68);
  const keys = new Map<string, Set<string>>();
  assertConsistent(store, keys);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  for (let round = 0; round < 300; round++) {
    const people = [...(store.find(parseDn(STAFF))?.children ?? [])];
    const one = pick(people);
    const other = pick(people);
    const choice = Math.floor(random() * 4);
    if (choice === 0) store.rename(one, [{ type: 'CN', value: `Person ${round}` }], one.parent);
    else if (choice === 1 && people.length > 10) store.remove(one);
    else {
      const operation = pick(['add', 'replace', 'delete'] as const);
      const name = pick(['proxyAddresses', 'publicDelegates', 'mail', 'altRecipient', 'member']);
      const value = /^(proxy|mail)/.test(name) ? `smtp:x${Math.floor(random() * 5)}@contoso.test` : other.dn;
      applyModify(store, one, [{ operation, name, values: [Buffer.from(value)] }]);
    }
    if (round % 20 === 0) assertConsistent(store, keys);
  }
  assertConsistent(store, keys);
  for (const entry of store.entries()) {
    assert.equal(store.find(parseDn(entry.dn)), entry, entry.dn);
    if (entry.parent) assert.ok(entry.parent.children?.has(entry), entry.dn);
  }
});

test('loading drops what the directory computes, and completes what is missing', () => {
  const ldif = `dn: DC=x
objectClass: domainDNS

dn: CN=a,DC=x
objectClass: user
distinguishedName: CN=wrong,DC=x
whenCreated: 19990101000000.0Z
memberOf: CN=nowhere,DC=x
homeMDBBL: CN=a,DC=x
userCertificate;binary:: AQID
displayName:: /w==
`;
  const store = loadStore(parseLdif(ldif), () => Date.UTC(2012, 2, 28));
  const entry = store.find(parseDn('cn=A,dc=X'));
  assert.ok(entry);
  const one = (attribute: string): Value | undefined => store.valuesOf(entry, attribute)[0];
  assert.equal(one('distinguishedname'), 'CN=a,DC=x');
  assert.equal(one('whencreated'), '20120328000000.0Z');
  assert.equal(one('memberof'), undefined);
  assert.equal(one('cn'), 'a');
  assert.deepEqual(one('objectguid'), deriveGuid('cn=a,dc=x'));
  assert.deepEqual(one('usercertificate'), Buffer.from([1, 2, 3]));
  assert.deepEqual(one('displayname'), Buffer.from([0xff])); // not UTF-8: kept as it is
  assert.ok(entry.names().every((name) => !COMPUTED_ATTRIBUTES.has(name)));
});

test('derived GUIDs have the form of a version 5 UUID and differ by name', () => {
  const guid = deriveGuid(`cn=alice adams,ou=staff,${DOMAIN.toLowerCase()}`);
  assert.equal((guid[7] as number) >> 4, 5);
  assert.equal((guid[8] as number) >> 6, 2);
  assert.notDeepEqual(guid, deriveGuid('cn=bob'));
});
