import assert from 'node:assert/strict';
import test from 'node:test';
import { AndFilter, type Client, EqualityFilter, ExtensibleFilter, OrFilter } from 'ldapts';
import {
  ADMIN_GROUP,
  bound,
  CONFIGURATION,
  codeOf,
  connect,
  DEMO_LDIF,
  DOMAIN,
  LEGACY_ADMIN_GROUP,
  READER,
  STAFF,
  start,
  WRITER,
} from './demo-directory.ts';

const one = (value: unknown): string => (Array.isArray(value) ? `[${value.join()}]` : String(value));

test('root DSE ([MS-ADTS] 3.1.1.3.2 rootDSE)', async (t) => {
  const directory = await start(t);
  const client = await connect(t, directory);
  const { searchEntries } = await client.search('', { scope: 'base' });
  const [dse] = searchEntries;
  assert.equal(dse?.defaultNamingContext, DOMAIN);
  assert.equal(dse?.rootDomainNamingContext, DOMAIN);
  assert.equal(dse?.configurationNamingContext, CONFIGURATION);
  assert.equal(dse?.schemaNamingContext, `CN=Schema,${CONFIGURATION}`);
  assert.deepEqual(dse?.namingContexts, [DOMAIN, CONFIGURATION]);
  assert.equal(dse?.dnsHostName, 'dc1.contoso.test');
  assert.equal(dse?.isSynchronized, 'TRUE');
  assert.equal(dse?.isGlobalCatalogReady, 'TRUE');
  assert.match(one(dse?.dsServiceName), /^CN=NTDS Settings,CN=DC1,CN=Servers,CN=Seattle,CN=Sites,/);
  const few = await client.search('', { scope: 'base', attributes: ['DEFAULTNAMINGCONTEXT', 'supportedControl'] });
  assert.deepEqual(Object.keys(few.searchEntries[0] ?? {}).sort(), ['defaultNamingContext', 'dn', 'supportedControl']);
});

test('filters ([MS-ADTS] 3.1.1.3.4.4 LDAP_MATCHING_RULE_BIT_AND)', async (t) => {
  const { client } = await bound(t);
  /** Runs a filter below the staff and compares the logon names found. */
  const finds = async (filter: string | AndFilter | OrFilter, ...sams: string[]) => {
    const { searchEntries } = await client.search(STAFF, { filter, attributes: ['sAMAccountName'] });
    assert.deepEqual(searchEntries.map((entry) => one(entry.sAMAccountName)).sort(), sams.sort(), filter.toString());
  };
  await finds('(sAMAccountName=ALICE)', 'alice');
  await finds('(proxyAddresses=smtp:alice@contoso.test)', 'alice'); // finds SMTP: too
  await finds('(proxyAddresses=SMTP:A.ADAMS@contoso.test)', 'alice');
  await finds('(proxyAddresses=smtp:dup@contoso.test)', 'victor', 'victoria');
  await finds('(proxyAddresses=smtp:\\2a@contoso.test)'); // an escaped asterisk is a character
  await finds("(mail=erin.o'neill@contoso.test)", 'erin');
  await finds('(cn=Tate, Trent \\28Ops\\2a\\29 \\5c Nights)', 'trent');
  await finds('(displayName=Zoë  MÜLLER)', 'zoe'); // case, inner spaces
  await finds('(displayName=Мария Иванова)', 'maria');
  await finds('(displayName=Rhodes & Daughters <Ruth>)', 'ruth');
  await finds('(cn=Ali*)', 'alice');
  await finds('(cn=*adams)', 'alice');
  await finds('(cn=a*i*e*d*ms)', 'alice');
  await finds('(cn=*o*lse*)', 'olga');
  await finds('(cn=Alice Adams*Adams)'); // pieces do not overlap
  await finds('(&(sn=Vance)(givenName=Victor))', 'victor');
  await finds('(|(givenName=Bob)(givenName=Carol))', 'bob', 'carol');
  await finds('(&(sn=Vance)(!(givenName=Victor)))', 'victoria');
  await finds('(&(objectCategory=person)(|(mail=p.park@contoso.test)(userPrincipalName=x)))', 'peggy');
  await finds('(msExchArchiveName=*)', 'quinn');
  await finds('(deliverAndRedirect=true)', 'walter');
  await finds('(msExchHideFromAddressLists=TRUE)', 'erin');
  await finds('(msExchHideFromAddressLists=maybe)'); // no boolean: Undefined
  await finds('(!(msExchHideFromAddressLists=maybe))'); // and Undefined stays so when negated
  await finds('(userAccountControl=0514)', 'frank', 'nina', 'room101', 'sales'); // numbers, not texts
  await finds('(userAccountControl:1.2.840.113556.1.4.803:=2)', 'frank', 'nina', 'room101', 'sales');
  await finds('(msExchRecipientTypeDetails:1.2.840.113556.1.4.804:=20)', 'room101', 'sales');
  await finds('(msExchRecipientTypeDetails:1.2.840.113556.1.4.803:=20)');
  await finds('(&(msExchRecipientTypeDetails>=2)(msExchRecipientTypeDetails<=16))', 'nina', 'room101', 'sales');
  await finds('(msExchRecipientTypeDetails>=256)', 'allstaff'); // 1073741824 is no neighbour of 1
  await finds('(msExchVersion>=44220983382017)'); // beyond 2^32
  await finds('(sAMAccountName~=alice)', 'alice');
  await finds('(cn:=alice adams)', 'alice'); // extensible without a rule
  await finds('(cn:1.2.3.4:=alice adams)'); // unknown rule
  await finds('(noSuchAttribute=*)');
  await finds('(!(noSuchAttribute=*))'); // unknown attribute: Undefined either way
  await finds('(userPassword=*)'); // never looked at
  await finds('(!(userPassword=*))');
  await finds('(member=cn=ALICE adams,ou=staff,dc=CONTOSO,dc=test)', 'allstaff'); // names as names
  await finds('(member=nonsense)');
  await finds('(msExchDelegateListBL=CN=Sales Desk,OU=Staff,DC=contoso,DC=test)', 'alice', 'grace'); // back link
  await finds(`(homeMDB=cn=sea-db03,CN=Databases,${ADMIN_GROUP.replace('(', '\\28').replace(')', '\\29')})`, 'olga');
  await finds(
    `(legacyExchangeDN=${LEGACY_ADMIN_GROUP.toUpperCase().replace('(', '\\28').replace(')', '\\29')}/cn=recipients/cn=bob)`,
    'bob',
  );
  await finds(`(distinguishedName=CN=Bob Baker,${STAFF})`, 'bob');
  await finds('(name=BOB baker)', 'bob'); // computed, and so without an index
  await finds(new AndFilter({ filters: [] }), ...(await allSams(client))); // the absolute true filter (RFC 4526)
  await finds(new OrFilter({ filters: [] })); // and false
});

async function allSams(client: Client): Promise<string[]> {
  const { searchEntries } = await client.search(STAFF, { attributes: ['sAMAccountName'] });
  return searchEntries.map((entry) => one(entry.sAMAccountName));
}

test('binary values ([MS-DTYP] 2.3.4 GUID)', async (t) => {
  const { client } = await bound(t);
  const attributes = ['objectGUID', 'msExchMailboxGuid', 'cn'];
  const { searchEntries } = await client.search(STAFF, {
    filter: '(sAMAccountName=alice)',
    attributes,
    explicitBufferAttributes: attributes.slice(0, 2),
  });
  const guid = searchEntries[0]?.objectGUID as Buffer;
  const mailbox = searchEntries[0]?.msExchMailboxGuid as Buffer;
  assert.equal(guid.length, 16);
  const hits = async (filter: EqualityFilter | string) =>
    (await client.search(DOMAIN, { filter })).searchEntries.map(({ dn }) => dn);
  const alice = [`CN=Alice Adams,${STAFF}`];
  assert.deepEqual(await hits(new EqualityFilter({ attribute: 'objectGUID', value: guid })), alice);
  assert.deepEqual(await hits(new EqualityFilter({ attribute: 'msExchMailboxGuid', value: mailbox })), alice);
  const hex = guid.toString('hex');
  const text = [
    hex.slice(6, 8) + hex.slice(4, 6) + hex.slice(2, 4) + hex.slice(0, 2),
    hex.slice(10, 12) + hex.slice(8, 10),
  ].concat(hex.slice(14, 16) + hex.slice(12, 14), hex.slice(16, 20), hex.slice(20));
  assert.deepEqual(await hits(`(objectGUID=${text.join('-')})`), alice);
  for (const base of [`<GUID=${text.join('-')}>`, `<GUID=${hex}>`]) {
    assert.deepEqual((await client.search(base, { scope: 'base' })).searchEntries[0]?.dn, alice[0]);
  }
  assert.equal(await codeOf(client.search('<GUID=00000000-0000-0000-0000-000000000000>', { scope: 'base' })), 32);
});

test('GUIDs the entries lack are derived from their names, alike in every run', async (t) => {
  const read = async () => {
    const { client } = await bound(t);
    const { searchEntries } = await client.search(STAFF, {
      filter: '(objectClass=user)',
      attributes: ['objectGUID'],
      explicitBufferAttributes: ['objectGUID'],
    });
    return searchEntries.map((entry) => (entry.objectGUID as Buffer).toString('hex'));
  };
  const [first, second] = [await read(), await read()];
  assert.deepEqual(first, second);
  assert.equal(new Set(first).size, first.length);
});

test('scopes, bases and naming contexts', async (t) => {
  const { client } = await bound(t);
  const dns = async (base: string, scope: 'base' | 'one' | 'sub' | 'children', filter = '(objectClass=*)') =>
    (await client.search(base, { scope, filter, attributes: ['1.1'] })).searchEntries.map(({ dn }) => dn);
  const arrays = `CN=Arrays,${ADMIN_GROUP}`;
  assert.deepEqual(await dns(arrays, 'base'), [arrays]);
  assert.deepEqual(await dns(arrays.toLowerCase(), 'one'), [
    `CN=Seattle CAS Array,${arrays}`,
    `CN=casarray-dublin,${arrays}`,
  ]);
  assert.equal((await dns(arrays, 'sub')).length, 3);
  assert.equal((await dns(arrays, 'children')).length, 2);
  assert.deepEqual(await dns(arrays, 'base', '(cn=nothing)'), []);
  // The configuration is a naming context of its own: searched by itself, referred to from the domain.
  const fromDomain = await client.search(DOMAIN, { filter: '(|(objectClass=site)(cn=Alice Adams))' });
  assert.deepEqual(
    fromDomain.searchEntries.map(({ dn }) => dn),
    [`CN=Alice Adams,${STAFF}`],
  );
  assert.deepEqual(fromDomain.searchReferences, [`ldap://contoso.test/${CONFIGURATION}`]);
  assert.equal((await dns(CONFIGURATION, 'sub', '(objectClass=site)')).length, 2);
  assert.equal((await dns(CONFIGURATION, 'base')).length, 1);
  assert.ok(!(await dns(DOMAIN, 'one')).includes(CONFIGURATION));
  for (const [base, code] of [
    [`CN=Nobody,${STAFF}`, 32],
    ['DC=fabrikam,DC=test', 32],
    ['no name', 34],
    ['CN=a"b', 34],
    ['', 32],
  ] as const) {
    assert.equal(await codeOf(client.search(base, { scope: 'sub' })), code, base);
  }
});

test('as Windows: referral for a foreign base; as a global catalogue: the whole forest from the empty base', async (t) => {
  const { client } = await bound(t, READER, { referForeignBases: true, globalCatalog: true });
  assert.equal(await codeOf(client.search('DC=fabrikam,DC=test', {})), 10);
  assert.equal(await codeOf(client.search(`CN=Nobody,${STAFF}`, {})), 32);
  const { searchEntries, searchReferences } = await client.search('', {
    filter: '(|(objectClass=site)(cn=Alice Adams))',
  });
  assert.equal(searchEntries.length, 3);
  assert.deepEqual(searchReferences, []);
});

test('object categories by short name', async (t) => {
  const { client } = await bound(t);
  const count = async (filter: string, base = CONFIGURATION) =>
    (await client.search(base, { filter, attributes: ['1.1'] })).searchEntries.length;
  assert.equal(await count('(objectCategory=msExchExchangeServer)'), 5); // arrays excluded
  assert.equal(await count('(objectClass=msExchExchangeServer)'), 7); // arrays included
  assert.equal(await count('(objectCategory=msExchClientAccessArray)'), 2);
  assert.equal(await count('(objectCategory=msExchPrivateMDB)'), 5);
  assert.equal(await count('(objectCategory=serviceConnectionPoint)'), 3);
  assert.equal(await count(`(objectCategory=CN=Site,CN=Schema,${CONFIGURATION})`), 2);
  assert.equal(await count('(objectCategory=noSuchClass)'), 0);
  const people = await count('(objectCategory=person)', STAFF);
  assert.equal(await count('(objectCategory=user)', STAFF), people); // both are categorised as Person
  assert.equal(people, (await count('(objectClass=user)', STAFF)) + (await count('(objectClass=contact)', STAFF)));
});

test('filters built by ldapts', async (t) => {
  const { client } = await bound(t);
  const site = `CN=Seattle,CN=Sites,${CONFIGURATION}`;
  const members = new AndFilter({
    filters: [
      new EqualityFilter({ attribute: 'objectCategory', value: 'msExchExchangeServer' }),
      new EqualityFilter({ attribute: 'msExchServerSite', value: site }),
      new ExtensibleFilter({ matchType: 'msExchCurrentServerRoles', rule: '1.2.840.113556.1.4.803', value: '4' }),
    ],
  });
  const { searchEntries } = await client.search(CONFIGURATION, { filter: members, attributes: ['cn'] });
  assert.deepEqual(searchEntries.map((entry) => one(entry.cn)).sort(), ['SEA-CAS1', 'SEA-CAS2']);
  const hostile = 'a*)(objectClass=*';
  const escaped = new OrFilter({ filters: [new EqualityFilter({ attribute: 'mail', value: hostile })] });
  assert.deepEqual((await client.search(DOMAIN, { filter: escaped })).searchEntries, []);
});

test('attribute selection', async (t) => {
  const { client } = await bound(t);
  const names = async (attributes: string[], more: { returnAttributeValues?: boolean } = {}) => {
    const { searchEntries } = await client.search(`CN=Alice Adams,${STAFF}`, { scope: 'base', attributes, ...more });
    return searchEntries[0] ?? { dn: '' };
  };
  const every = await names([]);
  for (const name of ['sAMAccountName', 'objectGUID', 'whenChanged', 'uSNChanged', 'distinguishedName', 'name']) {
    assert.ok(name in every, name);
  }
  for (const name of ['userPassword', 'msExchDelegateListBL', 'memberOf', 'canonicalName'])
    assert.ok(!(name in every), name);
  assert.deepEqual(Object.keys(await names(['1.1'])).sort(), ['1.1', 'dn']); // ldapts adds what it asked for
  assert.deepEqual(await names(['MAIL']), { dn: `CN=Alice Adams,${STAFF}`, mail: 'alice@contoso.test' }); // the schema's spelling
  assert.deepEqual((await names(['userPassword'])).userPassword, []); // asked for, not given
  assert.equal(one((await names(['+'])).canonicalName), 'contoso.test/Staff/Alice Adams');
  const both = await names(['*', 'memberOf']);
  assert.equal(both.memberOf, `CN=All Staff,${STAFF}`);
  assert.ok('mail' in both);
  assert.deepEqual((await names(['mail', 'proxyAddresses'], { returnAttributeValues: false })).mail, []); // types only
  assert.match(one(every.whenCreated), /^\d{14}\.0Z$/);
});

test('back links are computed from links, by name only', async (t) => {
  const { client } = await bound(t);
  const read = async (dn: string, attribute: string) => {
    const { searchEntries } = await client.search(dn, { scope: 'base', attributes: [attribute] });
    return [searchEntries[0]?.[attribute] ?? []].flat().map(String).sort();
  };
  const database = `CN=SEA-DB03,CN=Databases,${ADMIN_GROUP}`;
  assert.deepEqual(await read(database, 'homeMDBBL'), [`CN=Olga Olsen,${STAFF}`]);
  assert.deepEqual(await read(`CN=Grace Gray,${STAFF}`, 'msExchDelegateListBL'), [`CN=Sales Desk,${STAFF}`]);
  assert.deepEqual(await read(`CN=Grace Gray,${STAFF}`, 'publicDelegatesBL'), [`CN=Heidi Hahn,${STAFF}`]);
  assert.deepEqual(await read(`CN=Bob Baker,${STAFF}`, 'altRecipientBL'), [`CN=Walter West,${STAFF}`]);
  assert.equal((await read(`CN=Seattle,CN=Sites,${CONFIGURATION}`, 'msExchServerSiteBL')).length, 4);
  const { searchEntries } = await client.search(database, { scope: 'base' });
  assert.ok(!('homeMDBBL' in (searchEntries[0] ?? {})));
});

test('ordinary accounts see servers, arrays and connection points, and read nothing of databases and directories', async (t) => {
  const directory = await start(t);
  const count = async (client: Client, filter: string) =>
    (await client.search(CONFIGURATION, { filter, attributes: ['1.1'] })).searchEntries.length;
  const table: [filter: string, alice: number, reader: number][] = [
    ['(objectClass=msExchExchangeServer)', 7, 7],
    ['(objectClass=serviceConnectionPoint)', 3, 3],
    ['(objectClass=msExchPrivateMDB)', 0, 5],
    ['(objectClass=msExchPublicMDB)', 0, 1],
    ['(objectClass=msExchMDBCopy)', 0, 7],
    ['(objectClass=msExchVirtualDirectory)', 0, 20],
    ['(objectClass=msExchAutoDiscoverConfig)', 0, 3],
    ['(objectClass=msExchOAB)', 0, 1],
    ['(objectClass=msExchAdminGroup)', 0, 1],
    ['(objectClass=msExchMDBAvailabilityGroup)', 0, 1],
    ['(&(objectClass=container)(cn=Arrays))', 1, 1],
  ];
  const alice = await connect(t, directory, 'CONTOSO\\alice');
  const reader = await connect(t, directory, READER);
  const writer = await connect(t, directory, WRITER);
  for (const [filter, few, all] of table) {
    assert.equal(await count(alice, filter), few, `alice ${filter}`);
    assert.equal(await count(reader, filter), all, `reader ${filter}`);
    assert.equal(await count(writer, filter), all, `writer ${filter}`);
  }
  const database = `CN=SEA-DB01,CN=Databases,${ADMIN_GROUP}`;
  // Listed by its container, and nothing of it readable: an entry without attributes, not "no such object".
  assert.deepEqual((await alice.search(database, { scope: 'base' })).searchEntries, [{ dn: database }]);
  assert.deepEqual((await alice.search(database, { scope: 'base', filter: '(cn=SEA-DB01)' })).searchEntries, []);
  assert.equal(await codeOf(alice.compare(database, 'cn', 'SEA-DB01')), 16);
  const directories = `CN=HTTP,CN=Protocols,CN=SEA-CAS1,CN=Servers,${ADMIN_GROUP}`;
  assert.equal(await codeOf(alice.search(directories, { scope: 'base' })), 32);
  const open = await start(t, { access: { open: true } });
  assert.equal(await count(await connect(t, open, 'CONTOSO\\alice'), '(objectClass=msExchPrivateMDB)'), 5);
});

/** A domain with `count` users and a group of all of them. */
function crowd(count: number): string {
  const users = Array.from(
    { length: count },
    (_, i) => `dn: CN=user${i},${STAFF}\nobjectClass: user\nsAMAccountName: user${i}\n`,
  );
  const members = Array.from({ length: count }, (_, i) => `member: CN=user${i},${STAFF}\n`).join('');
  return `${DEMO_LDIF}\n${users.join('\n')}\ndn: CN=Crowd,${STAFF}\nobjectClass: group\nsAMAccountName: crowd\n${members}`;
}

test('page size, size limit and paging ([MS-ADTS] 3.1.1.3.4.6 Policies)', async (t) => {
  const { client } = await bound(t, READER, { entries: crowd(45), limits: { maxPageSize: 20 } });
  const filter = '(sAMAccountName=user*)';
  await assert.rejects(client.search(STAFF, { filter }), { code: 4 }); // more than MaxPageSize
  // ldapts takes the partial answer when it asked for a limit itself.
  assert.equal((await client.search(STAFF, { filter, sizeLimit: 5 })).searchEntries.length, 5);
  assert.equal(
    (await client.search(STAFF, { filter: '(sAMAccountName=user1)', sizeLimit: 1 })).searchEntries.length,
    1,
  ); // exactly
  for (const pageSize of [1, 7, 20, 45, 1000]) {
    const { searchEntries } = await client.search(STAFF, { filter, paged: { pageSize } });
    assert.equal(searchEntries.length, 45, `pages of ${pageSize}`);
    assert.equal(new Set(searchEntries.map(({ dn }) => dn)).size, 45);
  }
  const pages: number[] = [];
  for await (const page of client.searchPaginated(STAFF, { filter, paged: { pageSize: 30 } }))
    pages.push(page.searchEntries.length);
  assert.deepEqual(pages, [20, 20, 5]); // the client asked for 30
});

test('long attributes come in ranges ([MS-ADTS] 3.1.1.3.1.3.3 Range)', async (t) => {
  const { client } = await bound(t, READER, { entries: crowd(25), limits: { maxValRange: 10 } });
  const read = async (attribute: string) => {
    const { searchEntries } = await client.search(`CN=Crowd,${STAFF}`, { scope: 'base', attributes: [attribute] });
    return Object.entries(searchEntries[0] ?? {})
      .filter(([name, values]) => name !== 'dn' && values.length > 0)
      .map(([name, values]) => `${name} ${[values].flat().length}`);
  };
  assert.deepEqual(await read('member'), ['member;range=0-9 10']);
  assert.deepEqual(await read('member;range=10-*'), ['member;range=10-19 10']);
  assert.deepEqual(await read('member;range=20-*'), ['member;range=20-* 5']);
  assert.deepEqual(await read('member;range=3-4'), ['member;range=3-4 2']);
  assert.deepEqual(await read('member;range=25-*'), []);
  assert.deepEqual(await read('cn'), ['cn 1']);
});

test('compare and who am I', async (t) => {
  const { client } = await bound(t, 'CONTOSO\\alice');
  const alice = `CN=Alice Adams,${STAFF}`;
  assert.equal(await client.compare(alice, 'mail', 'ALICE@contoso.test'), true);
  assert.equal(await client.compare(alice, 'mail', 'bob@contoso.test'), false);
  assert.equal(await codeOf(client.compare(alice, 'userPassword', 'x')), 16);
  assert.equal(await codeOf(client.compare(`CN=Nobody,${STAFF}`, 'cn', 'x')), 32);
  assert.equal((await client.exop('1.3.6.1.4.1.4203.1.11.3')).value, 'u:CONTOSO\\alice');
  assert.equal(await codeOf(client.exop('1.2.3')), 2);
});
