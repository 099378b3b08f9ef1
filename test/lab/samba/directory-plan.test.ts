// What the lab makes of an organisation's LDIF before Samba sees it. Needs no Samba.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { parseLdif } from '../../../src/ldap/ldif.ts';
import { BIND_ERROR_ACCOUNTS, DEMO_PASSWORD, domainOf, planDirectory, READER, WRITER } from './directory-plan.ts';

const records = parseLdif(readFileSync(join(import.meta.dirname, '..', '..', '..', 'demo', 'contoso.ldif')));
const OPTIONS = { servicePrincipals: ['HTTP/autodiscover.contoso.test'], bindErrorAccounts: false, bulkUsers: 0 };
const plan = planDirectory(records, OPTIONS);

/** The planned entry whose sAMAccountName is `name`, its values as UTF-8. */
function account(name: string, entries = plan.entries): Record<string, string[]> {
  const decoded = entries.map(({ attributes }) =>
    Object.fromEntries(
      Object.entries(attributes).map(([key, values]) => [
        key,
        values.map((value) => Buffer.from(value, 'base64').toString()),
      ]),
    ),
  );
  return decoded.find(({ sAMAccountName }) => sAMAccountName?.[0] === name) ?? assert.fail(`no account ${name}`);
}

test('the domain is named by the file', () => {
  assert.deepEqual(domainOf(records), {
    baseDn: 'DC=contoso,DC=test',
    dnsName: 'contoso.test',
    realm: 'CONTOSO.TEST',
    netbiosName: 'CONTOSO',
    sites: ['Seattle', 'Dublin'],
  });
});

test('a file that does not begin with a domain is refused', () => {
  assert.throws(() => domainOf(parseLdif('dn: CN=x\ncn: x\n')), /first entry is "CN=x", expected DC=/);
});

test('a file without an Exchange organisation is refused', () => {
  assert.throws(() => planDirectory(parseLdif('dn: DC=a,DC=b\ndc: a\n'), OPTIONS), /no Exchange organisation/);
});

test('GUIDs and hashes are left out; every user has a password, the known one where the file has one', () => {
  assert.ok(plan.entries.every(({ attributes }) => !('objectGUID' in attributes) && !('userPassword' in attributes)));
  const password = (name: string) => Buffer.from(account(name).unicodePwd?.[0] ?? '', 'utf8').toString('utf16le');
  assert.equal(password('alice'), `"${DEMO_PASSWORD}"`);
  assert.notEqual(password('room101'), `"${DEMO_PASSWORD}"`);
});

test('a homeMDB without its database is left out, others stay', () => {
  assert.equal(account('mallory').homeMDB, undefined);
  assert.ok(account('mallory').msExchHomeServerName);
  assert.match(account('alice').homeMDB?.[0] ?? '', /^CN=SEA-DB01,/);
});

test('rights go to the reader for all, to the writer for reading and four places', () => {
  const places = (name: string) =>
    plan.grants.filter(({ aces }) => aces.includes(`{sid:${name}}`)).map(({ dn }) => dn.split(',')[0]);
  assert.deepEqual(places(READER), ['CN=Microsoft Exchange']);
  assert.deepEqual(places(WRITER).sort(), [
    'CN=Arrays',
    'CN=Client Access',
    'CN=Databases',
    'CN=Microsoft Exchange',
    'CN=Servers',
  ]);
});

test('the faulty accounts and bulk users are made on request only', () => {
  const more = planDirectory(records, { ...OPTIONS, bindErrorAccounts: true, bulkUsers: 3 }).entries;
  for (const name of [...Object.keys(BIND_ERROR_ACCOUNTS), 'bulk00001', 'bulk00003']) {
    assert.ok(account(name, more));
    assert.throws(() => account(name));
  }
});
