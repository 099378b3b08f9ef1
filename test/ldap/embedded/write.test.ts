import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { Attribute, Change, type Client } from 'ldapts';
import { guidBytes } from '../../../src/ldap/embedded/matching.ts';
import {
  ADMIN_GROUP,
  bound,
  CONFIGURATION,
  codeOf,
  connect,
  DOMAIN,
  LEGACY_ADMIN_GROUP,
  READER,
  STAFF,
  start,
  WRITER,
} from './demo-directory.ts';

const ARRAYS = `CN=Arrays,${ADMIN_GROUP}`;
const DATABASE = `CN=SEA-DB02,CN=Databases,${ADMIN_GROUP}`;
const SITE = `CN=Dublin,CN=Sites,${CONFIGURATION}`;
const MDB = '/cn=Microsoft Private MDB';

type Step = ['add' | 'delete' | 'replace', type: string, ...values: (string | Buffer)[]];

const changes = (...steps: Step[]): Change[] =>
  steps.map(
    ([operation, type, ...values]) =>
      new Change({ operation, modification: new Attribute({ type, values: values as string[] }) }),
  );

/** A writer that may write everywhere, and a reader of what came of it. */
async function everywhere(t: TestContext) {
  const { directory, client } = await bound(t, WRITER, { access: { writers: [WRITER], writeBelow: '' } });
  const values = (dn: string, attribute: string) =>
    (directory.findEntry(dn)?.attributes.get(attribute) ?? []).map(String);
  return { directory, client, values };
}

const array = (fqdn: string, more: Record<string, string> = {}): Record<string, string> => ({
  objectClass: 'msExchClientAccessArray',
  networkAddress: `ncacn_ip_tcp:${fqdn}`,
  msExchServerSite: SITE,
  legacyExchangeDN: `${LEGACY_ADMIN_GROUP}/cn=Configuration/cn=Servers/cn=${fqdn}`,
  msExchVersion: '4535486012416',
  systemFlags: '1073741824',
  ...more,
});

test('delete-old and add-new in one request is compare-and-set', async (t) => {
  const { client, values } = await everywhere(t);
  const [old] = values(DATABASE, 'legacyExchangeDN');
  const next = `${LEGACY_ADMIN_GROUP}/cn=Configuration/cn=Servers/cn=outlook-sea.contoso.test${MDB}`;
  const swap = (from: string, to: string) =>
    client.modify(DATABASE, changes(['delete', 'legacyExchangeDN', from], ['add', 'legacyExchangeDN', to]));
  await swap(String(old).toUpperCase(), next); // values compare as the directory compares them
  assert.deepEqual(values(DATABASE, 'legacyExchangeDN'), [next]);
  assert.equal(await codeOf(swap(String(old), `${next}x`)), 16); // somebody was faster
  assert.deepEqual(values(DATABASE, 'legacyExchangeDN'), [next]);
  assert.equal(await codeOf(client.modify(DATABASE, changes(['add', 'legacyExchangeDN', `${next}x`]))), 20); // it has one
  await client.modify(DATABASE, changes(['delete', 'legacyExchangeDN']));
  assert.deepEqual(values(DATABASE, 'legacyExchangeDN'), []);
  await client.modify(DATABASE, changes(['add', 'legacyExchangeDN', next]));
  assert.deepEqual(values(DATABASE, 'legacyExchangeDN'), [next]);
});

test('modify: result codes, and nothing of a failed request stays', async (t) => {
  const { client, values } = await everywhere(t);
  const alice = `CN=Alice Adams,${STAFF}`;
  const modify = (...steps: Step[]) => codeOf(client.modify(alice, changes(...steps)));
  const table: [code: number, ...steps: Step[]][] = [
    [0, ['add', 'proxyAddresses', 'smtp:new@contoso.test']],
    [20, ['add', 'proxyAddresses', 'SMTP:NEW@contoso.test']], // there already, case-blind
    [20, ['add', 'otherMailbox', 'a', 'A']], // twice in one request
    [16, ['delete', 'proxyAddresses', 'smtp:absent@contoso.test']],
    [16, ['delete', 'targetAddress']],
    [0, ['replace', 'targetAddress']], // replacing nothing by nothing
    [0, ['replace', 'title', 'a']],
    [19, ['replace', 'title', 'a', 'b']], // single-valued
    [20, ['add', 'title', 'b']],
    [0, ['delete', 'title', 'A'], ['add', 'title', 'B']],
    [34, ['replace', 'homeMDB', 'no name']],
    [19, ['replace', 'homeMDB', `CN=SEA-DB98,CN=Databases,${ADMIN_GROUP}`]], // links must lead somewhere
    [0, ['replace', 'homeMDB', `CN=DUB-DB01,CN=Databases,${ADMIN_GROUP}`]],
    [21, ['replace', 'deliverAndRedirect', 'yes']],
    [21, ['replace', 'userAccountControl', '0x200']],
    [21, ['replace', 'msExchMailboxGuid', Buffer.from('short')]],
    [0, ['replace', 'msExchMailboxGuid', Buffer.alloc(16, 0xfe)]],
    [21, ['replace', 'description', '']],
    [16, ['replace', 'noSuchAttribute', 'x']],
    [19, ['replace', 'objectGUID', Buffer.alloc(16)]],
    [19, ['replace', 'whenChanged', '20120101000000.0Z']],
    [19, ['add', 'memberOf', `CN=All Staff,${STAFF}`]],
    [53, ['replace', 'userPassword', 'x']],
    [67, ['replace', 'cn', 'Other']],
    [69, ['add', 'objectClass', 'computer']],
    [53], // no change at all
  ];
  for (const [code, ...steps] of table) assert.equal(await modify(...steps), code, JSON.stringify(steps));
  assert.equal(await modify(['replace', 'title', 'C'], ['delete', 'company']), 16);
  assert.deepEqual(values(alice, 'title'), ['B']); // the first change of the failed request is undone
  assert.equal(await codeOf(client.modify(`CN=Nobody,${STAFF}`, changes(['replace', 'title', 'x']))), 32);
  assert.equal(await codeOf(client.modify('no name', changes(['replace', 'title', 'x']))), 34);
});

test('changes are found by searches, and counted', async (t) => {
  const { directory, client } = await everywhere(t);
  const find = async (filter: string) => (await client.search(DOMAIN, { filter })).searchEntries.map(({ dn }) => dn);
  const stamps = async () => {
    const attributes = ['uSNChanged', 'uSNCreated', 'whenChanged', 'whenCreated'];
    const { searchEntries } = await client.search(`CN=Bob Baker,${STAFF}`, { scope: 'base', attributes });
    return searchEntries[0] as Record<string, string>;
  };
  const before = await stamps();
  await client.modify(`CN=Bob Baker,${STAFF}`, changes(['replace', 'proxyAddresses', 'SMTP:robert@contoso.test']));
  assert.deepEqual(await find('(proxyAddresses=smtp:robert@contoso.test)'), [`CN=Bob Baker,${STAFF}`]);
  assert.deepEqual(await find('(proxyAddresses=smtp:bob@contoso.test)'), []);
  const after = await stamps();
  assert.ok(Number(after.uSNChanged) > Number(before.uSNChanged));
  assert.equal(after.uSNCreated, before.uSNCreated);
  assert.equal(after.whenCreated, before.whenCreated);
  const failed = await codeOf(client.modify(`CN=Bob Baker,${STAFF}`, changes(['delete', 'title'])));
  assert.equal(failed, 16);
  assert.deepEqual(await stamps(), after);
  assert.equal(directory.stats.writes, 2);
});

test('whenChanged follows the clock', async (t) => {
  let now = Date.parse('2012-03-28T10:15:00Z');
  const { client } = await bound(t, WRITER, { access: { writers: [WRITER], writeBelow: '' }, now: () => now });
  now = Date.parse('2012-03-29T11:16:17Z');
  const bob = `CN=Bob Baker,${STAFF}`;
  await client.modify(bob, changes(['replace', 'title', 'x']));
  const { searchEntries } = await client.search(bob, { scope: 'base', attributes: ['whenCreated', 'whenChanged'] });
  assert.deepEqual(searchEntries, [{ dn: bob, whenCreated: '20120328101500.0Z', whenChanged: '20120329111617.0Z' }]);
});

test('add completes classes, category and naming attribute', async (t) => {
  const { directory, client, values } = await everywhere(t);
  const dn = `CN=New Array,${ARRAYS}`;
  await client.add(dn, array('outlook-new.contoso.test'));
  assert.deepEqual(values(dn, 'objectClass'), ['top', 'server', 'msExchExchangeServer', 'msExchClientAccessArray']);
  assert.deepEqual(values(dn, 'objectCategory'), [`CN=ms-Exch-Client-Access-Array,CN=Schema,${CONFIGURATION}`]);
  assert.deepEqual(values(dn, 'cn'), ['New Array']);
  assert.equal(directory.findEntry(dn)?.attributes.get('objectGUID')?.[0]?.length, 16);
  const search = (filter: string) => client.search(CONFIGURATION, { filter, attributes: ['1.1'] });
  assert.equal((await search('(objectCategory=msExchClientAccessArray)')).searchEntries.length, 3);
  assert.equal(
    (
      await search(
        `(legacyExchangeDN=${LEGACY_ADMIN_GROUP.replace(/[()]/g, (c) => `\\${c.charCodeAt(0).toString(16)}`)}/cn=Configuration/cn=Servers/cn=OUTLOOK-new.contoso.test)`,
      )
    ).searchEntries.length,
    1,
  );
});

test('add: result codes', async (t) => {
  const { client } = await everywhere(t);
  const add = (dn: string, attributes: Record<string, string | string[]>) => codeOf(client.add(dn, attributes));
  assert.equal(await add(`CN=casarray-DUBLIN,${ARRAYS}`, array('x.contoso.test')), 68);
  assert.equal(await add(`CN=x,CN=Absent,${ADMIN_GROUP}`, array('x.contoso.test')), 32);
  assert.equal(
    await add(`CN=x,${ARRAYS}`, array('x.contoso.test', { msExchServerSite: `CN=Oslo,CN=Sites,${CONFIGURATION}` })),
    19,
  );
  assert.equal(await add(`CN=${'x'.repeat(65)},${ARRAYS}`, array('x.contoso.test')), 19); // cn holds 64 characters
  assert.equal(await add(`CN=${'x'.repeat(64)},${ARRAYS}`, array('x.contoso.test')), 0);
  assert.equal(await add(`CN=x,${ARRAYS}`, array('x.contoso.test', { cn: 'y' })), 64); // not its name
  assert.equal(await add(`CN=x,${ARRAYS}`, array('x.contoso.test', { objectClass: 'noSuchClass' })), 16);
  assert.equal(await add(`CN=x,${ARRAYS}`, { networkAddress: 'x' }), 65); // no class
  assert.equal(await add(`CN=x,${ARRAYS}`, { objectClass: ['msExchClientAccessArray', 'user'] }), 65);
  assert.equal(await add(`CN=x,${ADMIN_GROUP}`, array('x.contoso.test')), 64); // wrong parent
  assert.equal(await add(`CN=x,${ARRAYS}`, array('x.contoso.test', { noSuchAttribute: 'x' })), 16);
  assert.equal(await add(`CN=x,${ARRAYS}`, array('x.contoso.test', { objectGUID: 'x' })), 19);
  assert.equal(await add(`CN=x+SN=y,${STAFF}`, { objectClass: 'contact' }), 64);
  assert.equal(await add(`CN=x,${STAFF}`, { objectClass: 'user', sAMAccountName: 'ALICE' }), 68); // logon names are unique
  assert.equal(await add('CN=x', { objectClass: 'container' }), 32);
  assert.equal(await add('no name', { objectClass: 'container' }), 34);
});

test('delete: leaves only, and links to the entry go with it', async (t) => {
  const { client, values } = await everywhere(t);
  assert.equal(await codeOf(client.del(`CN=Nobody,${STAFF}`)), 32);
  assert.equal(await codeOf(client.del(DATABASE)), 66); // it has a copy below it
  assert.equal(await codeOf(client.del(STAFF)), 66);
  await client.del(`CN=SEA-MBX1,${DATABASE}`);
  await client.del(DATABASE);
  assert.deepEqual(values(`CN=Carol Chen,${STAFF}`, 'homeMDB'), []); // "mailbox lost its database"
  assert.equal(values(`CN=Carol Chen,${STAFF}`, 'msExchHomeServerName').length, 1);
  assert.deepEqual(values(`CN=Quinn Quist,${STAFF}`, 'msExchArchiveDatabaseLink'), []);
  await client.del(`CN=Alice Adams,${STAFF}`);
  assert.deepEqual(values(`CN=All Staff,${STAFF}`, 'member'), [`CN=Bob Baker,${STAFF}`]);
  // A plain DN value is no link: it stays and leads nowhere.
  await client.del(`CN=PFDB01,CN=Databases,${ADMIN_GROUP}`);
  assert.equal(values(`CN=SEA-DB01,CN=Databases,${ADMIN_GROUP}`, 'msExchHomePublicMDB').length, 1);
  assert.equal(await codeOf(client.bind('CONTOSO\\alice', 'Demo-Passw0rd!')), 49);
});

test('rename: names below and values elsewhere follow', async (t) => {
  const { client, values, directory } = await everywhere(t);
  const renamed = `CN=SEA-DB77,CN=Databases,${ADMIN_GROUP}`;
  await client.modifyDN(DATABASE, 'CN=SEA-DB77');
  assert.equal(directory.findEntry(DATABASE), undefined);
  assert.deepEqual(values(renamed, 'cn'), ['SEA-DB77']);
  assert.ok(directory.findEntry(`CN=SEA-MBX1,${renamed}`));
  assert.deepEqual(values(`CN=Carol Chen,${STAFF}`, 'homeMDB'), [renamed]);
  const { searchEntries } = await client.search(renamed, { scope: 'base', attributes: ['homeMDBBL', 'objectGUID'] });
  assert.equal(searchEntries[0]?.homeMDBBL, `CN=Carol Chen,${STAFF}`);
  await client.modifyDN(`CN=Carol Chen,${STAFF}`, `CN=Carol Chen-Dunn,OU=Service Accounts,${DOMAIN}`);
  assert.ok(directory.findEntry(`CN=Carol Chen-Dunn,OU=Service Accounts,${DOMAIN}`));
  await client.modifyDN(renamed, 'CN=sea-db77'); // in case only
  assert.equal(directory.findEntry(renamed)?.dn, `CN=sea-db77,CN=Databases,${ADMIN_GROUP}`);
});

test('rename: result codes ([MS-ADTS] 2.2.10 systemFlags)', async (t) => {
  const { client } = await everywhere(t);
  const rename = (dn: string, to: string) => codeOf(client.modifyDN(dn, to));
  assert.equal(await rename(`CN=DAG1,CN=Database Availability Groups,${ADMIN_GROUP}`, 'CN=DAG2'), 53); // no systemFlags
  assert.equal(await rename(ARRAYS, 'CN=Other'), 53);
  assert.equal(await rename(`CN=Seattle CAS Array,${ARRAYS}`, 'CN=casarray-dublin'), 68);
  assert.equal(await rename(`CN=Seattle CAS Array,${ARRAYS}`, `CN=x,CN=Servers,${ADMIN_GROUP}`), 53); // may be renamed, not moved
  assert.equal(await rename(`CN=Seattle CAS Array,${ARRAYS}`, 'OU=x'), 64);
  assert.equal(await rename(`CN=Alice Adams,${STAFF}`, `CN=Alice Adams,OU=Absent,${DOMAIN}`), 32);
  assert.equal(await rename(STAFF, `OU=Staff,OU=Inner,${STAFF}`), 32);
  assert.equal(await rename(`CN=Alice Adams,${STAFF}`, `CN=Alice Adams,CN=Services,${CONFIGURATION}`), 53); // another naming context
  assert.equal(await rename(DOMAIN, 'DC=fabrikam'), 53);
  assert.equal(await rename(`CN=Nobody,${STAFF}`, 'CN=x'), 32);
  assert.equal(await rename(`CN=Seattle CAS Array,${ARRAYS}`, 'CN=Seattle'), 0);
});

test('who may write', async (t) => {
  const directory = await start(t);
  const write = async (client: Client, dn: string) =>
    codeOf(client.modify(dn, changes(['replace', 'adminDisplayName', 'x'])));
  const writer = await connect(t, directory, WRITER);
  const reader = await connect(t, directory, READER);
  const alice = await connect(t, directory, 'CONTOSO\\alice');
  assert.equal(await write(writer, DATABASE), 0);
  assert.equal(await write(reader, DATABASE), 50);
  assert.equal(await write(alice, DATABASE), 50);
  const directories = `CN=HTTP,CN=Protocols,CN=SEA-CAS1,CN=Servers,${ADMIN_GROUP}`;
  assert.equal(await write(alice, directories), 32); // she does not learn that it exists
  assert.equal(await write(alice, `CN=Seattle CAS Array,${ARRAYS}`), 50);
  assert.equal(await write(writer, `CN=Alice Adams,${STAFF}`), 50); // outside Exchange's configuration
  assert.equal(await codeOf(writer.add(`CN=x,${ARRAYS}`, array('x.contoso.test'))), 0);
  assert.equal(await codeOf(reader.add(`CN=y,${ARRAYS}`, array('y.contoso.test'))), 50);
  assert.equal(await codeOf(writer.add(`CN=x,CN=Services,${CONFIGURATION}`, { objectClass: 'container' })), 50);
  assert.equal(await codeOf(reader.del(`CN=x,${ARRAYS}`)), 50);
  assert.equal(await codeOf(reader.modifyDN(`CN=x,${ARRAYS}`, 'CN=y')), 50);
  const anonymous = await connect(t, directory);
  assert.equal(await write(anonymous, DATABASE), 1);
});

test('a GUID in text is the same as its bytes', () => {
  assert.equal(guidBytes('550e8400-e29b-41d4-a716-446655440000')?.toString('hex'), '00840e559be2d441a716446655440000');
  assert.equal(guidBytes('550e8400e29b41d4a716446655440000'), undefined);
});
