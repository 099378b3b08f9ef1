// What every directory must answer alike: the embedded one and a real Active Directory. Where the two differ, the difference stands
// in DIFFERENCES as data; there are no others.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Attribute, Change, type Client } from 'ldapts';
import { type Directory, type DirectoryEvent, type DirectoryOptions, openDirectory } from '../../src/ldap/directory.ts';
import { dnKey, parseDn } from '../../src/ldap/distinguished-name.ts';
import type { RecipientMatch } from '../../src/ldap/recipient.ts';
import { databaseDn, eventually, LEGACY_GROUP, ORGANIZATION, PASSWORD, READER, WRITER } from './demo-organization.ts';

/** Every difference between the directories, by what it is about. */
export const DIFFERENCES = {
  embedded: {
    /** objectGUIDs: derived from the DN, so that they stay the same from start to start. */
    organizationGuid: '387f345e-1f55-52c2-96ab-e522de5d2226',
  },
  samba: {
    /** objectGUIDs: drawn at random when the entry is made. */
    organizationGuid: undefined,
  },
} as const;

/** A directory under test, filled with the demo organisation. */
export interface ContractBed {
  /** How the service would open it. */
  readonly options: DirectoryOptions;
  /** A client connected to the same controller and not yet bound, for writes by the administrators' account. */
  connect(): Client;
  close(): Promise<void>;
}

const SEA_DB01 = databaseDn('SEA-DB01');
const sameDn = (a: string, b: string) => assert.equal(dnKey(parseDn(a)), dnKey(parseDn(b)));

/** What was found, by display name: text for one, a list for several. */
function shown(match: RecipientMatch): string | readonly string[] {
  if (match.status === 'none') return 'nobody';
  if (match.status === 'found') return `${match.recipient.displayName}, by ${match.matchedBy}`;
  return match.distinguishedNames.map((dn) => parseDn(dn)[0]?.[0]?.value ?? '').sort();
}

const BY_ADDRESS: readonly (readonly [address: string, expected: string | readonly string[]])[] = [
  ['alice@contoso.test', 'Alice Adams, by address'], // primary
  ['ALICE@CONTOSO.TEST', 'Alice Adams, by address'], // any case
  ['a.adams@contoso.test', 'Alice Adams, by address'], // alias
  ['alice@contoso-sales.test', 'Alice Adams, by address'], // second domain
  ["erin.o'neill@contoso.test", "Erin O'Neill, by address"],
  ['trent+ops@contoso.test', 'Tate, Trent (Ops*) \\ Nights, by address'],
  ['taro.tanaka@contoso.test', '田中 太郎, by address'],
  ['peggy@ad.contoso.test', 'Peggy Park, by upn'], // a UPN that is no address
  ['erin@contoso.test', "Erin O'Neill, by upn"],
  ['ivan@contoso.test', 'Ivan Ives, by upn'], // without any mail
  ['judy@contoso.test', 'Judy Jones, by mail-or-upn'], // mail without proxyAddresses
  ['allstaff@contoso.test', 'All Staff, by address'], // a group is found; what it is, is judged later
  ['laura@contoso.test', 'Laura Lane, by address'], // a contact
  ['dup@contoso.test', ['Victor Vance', 'Victoria Vance']], // none is chosen
  ['nobody@contoso.test', 'nobody'],
  ['alice@fabrikam.test', 'nobody'],
  ['/o=OldOrg/ou=First Administrative Group/cn=Recipients/cn=aadams', 'nobody'], // X500 is another type
  ['*', 'nobody'],
  ['*@contoso.test', 'nobody'],
  ['alice*', 'nobody'],
  ['alice@contoso.test)(objectClass=*', 'nobody'],
  ['\\2a@contoso.test', 'nobody'],
  ['alice\0@contoso.test', 'nobody'],
  ['', 'nobody'],
];

const BY_LEGACY_DN: readonly (readonly [legacyDn: string, expected: string])[] = [
  [`${LEGACY_GROUP}/cn=Recipients/cn=alice`, 'Alice Adams, by legacyDn'],
  [`${LEGACY_GROUP}/cn=Recipients/cn=alice`.toLowerCase(), 'Alice Adams, by legacyDn'],
  ['/o=OldOrg/ou=First Administrative Group/cn=Recipients/cn=aadams', 'Alice Adams, by legacyDn'], // X500
  [`${LEGACY_GROUP}/cn=Recipients/cn=ken`, 'Ken Kent, by legacyDn'],
  [`${LEGACY_GROUP}/cn=Recipients/cn=nobody`, 'nobody'],
  [`${LEGACY_GROUP}/cn=Recipients/cn=*`, 'nobody'],
  ['/o=*', 'nobody'],
];

/** Logon names and the sAMAccountName behind them; undefined for nobody. */
const LOGONS: readonly (readonly [name: string, account: string | undefined])[] = [
  ['alice', 'Alice Adams'],
  ['ALICE', 'Alice Adams'],
  ['CONTOSO\\alice', 'Alice Adams'],
  ['contoso\\Alice', 'Alice Adams'],
  ['contoso.test\\alice', 'Alice Adams'],
  ['alice@contoso.test', 'Alice Adams'], // UPN
  ['a.adams@contoso.test', 'Alice Adams'], // alias
  ['alice@contoso-sales.test', 'Alice Adams'],
  ['alice@CONTOSO', 'Alice Adams'], // sam@NetBIOS
  ['peggy@ad.contoso.test', 'Peggy Park'], // UPN that is no address
  ['peggy@contoso.test', 'Peggy Park'],
  ['p.park@contoso.test', 'Peggy Park'],
  ['peggy', 'Peggy Park'],
  ['frank', 'Frank Fuchs'], // disabled: found, and refused at the bind
  ['EVIL\\alice', undefined],
  ['\\alice', undefined],
  ['CONTOSO\\', undefined],
  ['CONTOSO\\nobody', undefined],
  ['alice@evil.test', undefined],
  ['@contoso.test', undefined],
  ['nobody', undefined],
  ['dup@contoso.test', undefined], // two have it
  ['laura@contoso.test', undefined], // a contact
  ['allstaff@contoso.test', undefined], // a group
  ['allstaff', undefined],
  ['*', undefined],
  ['ali*', undefined],
  ['CONTOSO\\*', undefined],
  ['*\\alice', undefined],
  ['alice)(cn=*', undefined],
  ['', undefined],
];

/** Runs the suite; `open` makes the directory anew for it. */
export function directoryContract(kind: keyof typeof DIFFERENCES, open: () => Promise<ContractBed>): void {
  describe(`directory contract, ${kind}`, () => {
    let bed: ContractBed;
    let directory: Directory;
    before(async () => {
      bed = await open();
      directory = await openDirectory(bed.options);
    });
    after(async () => {
      directory?.close();
      await bed?.close();
    });

    for (const [address, expected] of BY_ADDRESS) {
      test(`by address ${JSON.stringify(address)}: ${expected}`, async () => {
        assert.deepEqual(shown(await directory.findRecipientByAddress(address)), expected);
      });
    }
    for (const [legacyDn, expected] of BY_LEGACY_DN) {
      test(`by legacy DN ${legacyDn}: ${expected}`, async () => {
        assert.deepEqual(shown(await directory.findRecipientByLegacyDn(legacyDn)), expected);
      });
    }
    for (const [name, expected] of LOGONS) {
      test(`logon name ${JSON.stringify(name)}: ${expected ?? 'nobody'}`, async () => {
        const account = await directory.findAccount(name);
        assert.equal(account && parseDn(account.distinguishedName)[0]?.[0]?.value, expected);
      });
    }

    recipientFacts(() => directory);
    binds(() => directory);
    snapshot(kind, () => directory);
    rights(() => bed);
    refreshing(() => bed);
  });
}

async function find(directory: Directory, address: string) {
  const match = await directory.findRecipientByAddress(address);
  assert.equal(match.status, 'found');
  if (match.status !== 'found') assert.fail();
  return match.recipient;
}

function recipientFacts(directory: () => Directory): void {
  test('a mailbox with all it has', async () => {
    const alice = await find(directory(), 'alice@contoso.test');
    assert.equal(alice.primaryAddress, 'alice@contoso.test');
    assert.equal(alice.userPrincipalName, 'alice@contoso.test');
    assert.equal(alice.legacyDn, `${LEGACY_GROUP}/cn=Recipients/cn=alice`);
    assert.equal(alice.homeServerLegacyDn, `${LEGACY_GROUP}/cn=Configuration/cn=Servers/cn=SEA-MBX1`);
    assert.equal(alice.recipientTypeDetails, 1);
    assert.equal(alice.culture, 'en-US');
    assert.equal(alice.isGroup, false);
    assert.equal(alice.targetAddress, undefined);
    assert.equal(alice.archive, undefined);
    sameDn(alice.homeMdb ?? '', SEA_DB01);
    const [shared, ...others] = alice.delegateMailboxDns;
    assert.equal(others.length, 0);
    assert.equal((await directory().readRecipient(shared ?? ''))?.primaryAddress, 'sales@contoso.test');
  });

  test('an archive, with its GUID as text ([MS-DTYP] 2.3.4.2 GUID)', async () => {
    const { archive } = await find(directory(), 'quinn@contoso.test');
    assert.equal(archive?.guid, '8483ba53-4b75-5ac1-a2ef-c63dfc38f996');
    assert.equal(archive?.name, 'Online Archive - Quinn Quist');
    sameDn(archive?.databaseDn ?? '', databaseDn('SEA-DB02'));
  });

  test('a group, a contact, a mail user', async () => {
    assert.equal((await find(directory(), 'allstaff@contoso.test')).isGroup, true);
    assert.equal((await find(directory(), 'laura@contoso.test')).targetAddress, 'SMTP:laura.lane@tailspin.test');
    const ken = await find(directory(), 'ken@contoso.test');
    assert.equal(ken.targetAddress, 'SMTP:ken@fabrikam.test');
    assert.equal(ken.homeMdb, undefined);
  });

  test('a name full of metacharacters can be read back by its DN', async () => {
    const trent = await find(directory(), 'trent+ops@contoso.test');
    const again = await directory().readRecipient(trent.distinguishedName);
    assert.deepEqual(again, trent);
  });

  test('nobody has a DN that is not there', async () => {
    assert.equal(await directory().readRecipient(`CN=Nobody,${ORGANIZATION}`), undefined);
  });

  test('some mailbox of a database', async () => {
    const address = await directory().findMailboxOf(SEA_DB01);
    sameDn((await find(directory(), address ?? '')).homeMdb ?? '', SEA_DB01);
    assert.equal(await directory().findMailboxOf(databaseDn('NO-SUCH')), undefined);
  });
}

function binds(directory: () => Directory): void {
  const check = async (name: string, password: string) =>
    directory().checkPassword(await directory().findAccount(name), password);

  test('the right password', async () => assert.deepEqual(await check('alice', PASSWORD), { outcome: 'accepted' }));
  test('the right password of a name full of metacharacters', async () =>
    assert.deepEqual(await check('trent', PASSWORD), { outcome: 'accepted' }));
  test('a wrong password', async () =>
    assert.deepEqual(await check('alice', 'wrong'), { outcome: 'rejected', reason: '52e' }));
  test('a wrong password beyond ASCII', async () =>
    assert.deepEqual(await check('alice', 'pässwörd€'), { outcome: 'rejected', reason: '52e' }));
  test('a disabled account with its right password', async () =>
    assert.deepEqual(await check('frank', PASSWORD), { outcome: 'rejected', reason: '533' }));
  test('a disabled account with a wrong one: nothing is told of it', async () =>
    assert.deepEqual(await check('frank', 'wrong'), { outcome: 'rejected', reason: '52e' }));
  test('nobody is refused as a wrong password is', async () =>
    assert.deepEqual(await directory().checkPassword(undefined, PASSWORD), { outcome: 'rejected', reason: '52e' }));
  test('an empty password never reaches the directory', () =>
    assert.rejects(check('alice', ''), { code: 'configuration' }));
}

function snapshot(kind: keyof typeof DIFFERENCES, directory: () => Directory): void {
  const organization = () => directory().organization().organization;
  const names = (items: readonly { readonly name: string }[]) => items.map(({ name }) => name);

  test('the organisation, its domain and sites', () => {
    const read = organization();
    assert.equal(read.name, 'Contoso');
    assert.equal(read.legacyDn, '/o=Contoso');
    assert.match(read.guid, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.notEqual(read.guid, '00000000-0000-0000-0000-000000000000');
    const { organizationGuid } = DIFFERENCES[kind];
    if (organizationGuid !== undefined) assert.equal(read.guid, organizationGuid);
    assert.equal(read.rootDse.dnsHostName?.toLowerCase(), 'dc1.contoso.test');
    const [domain, ...others] = read.domains;
    assert.equal(others.length, 0);
    assert.deepEqual([domain?.netbiosName, domain?.dnsName], ['CONTOSO', 'contoso.test']);
    assert.deepEqual(names(read.sites), ['Dublin', 'Seattle']);
  });

  test('arrays are no servers', () => {
    const { servers, arrays } = organization();
    assert.deepEqual(names(servers), ['DUB-CAS1', 'DUB-MBX1', 'SEA-CAS1', 'SEA-CAS2', 'SEA-MBX1']);
    assert.deepEqual(names(arrays), ['casarray-dublin', 'Seattle CAS Array']);
    assert.deepEqual(
      arrays.map(({ fqdn }) => fqdn),
      ['outlook-dub.contoso.test', 'outlook-sea.contoso.test'],
    );
    const server = servers.find(({ name }) => name === 'SEA-CAS1');
    assert.equal(server?.fqdn, 'sea-cas1.contoso.test');
    assert.equal(server?.roles, 36);
    assert.equal(server?.versionNumber, 1937997947);
    assert.equal(server?.revision, 4);
    assert.deepEqual(
      servers.map(({ hasRpcClientAccess }) => hasRpcClientAccess),
      servers.map(() => true),
    );
  });

  test('every configured controller is asked, the account may only read, nobody owns a name that nobody has', async () => {
    const controllers = await directory().checkControllers();
    assert.deepEqual(
      controllers.map(({ failure }) => failure),
      [undefined],
    );
    assert.deepEqual(await directory().accountRights(), { powerfulGroups: [], directGroups: [], writable: [] });
    assert.equal((await directory().servicePrincipalOwners(['HTTP/nobody.contoso.test'])).size, 0);
  });

  test('databases, with the endpoint each names', () => {
    const { databases, publicDatabases } = organization();
    assert.deepEqual(names(databases), ['DUB-DB01', 'DUB-DB02', 'SEA-DB01', 'SEA-DB02', 'SEA-DB03']);
    assert.equal(publicDatabases.length, 1);
    const legacyDn = (name: string) => databases.find((one) => one.name === name)?.legacyDn;
    const endpoint = (name: string) =>
      `${LEGACY_GROUP}/cn=Configuration/cn=Servers/cn=${name}/cn=Microsoft Private MDB`;
    assert.equal(legacyDn('SEA-DB01'), endpoint('outlook-sea.contoso.test'));
    assert.equal(legacyDn('SEA-DB02'), endpoint('SEA-CAS1'));
    assert.equal(legacyDn('DUB-DB02'), undefined);
  });

  test('virtual directories of every kind, with server, URLs and authentication', () => {
    const { virtualDirectories } = organization();
    const kinds = Map.groupBy(virtualDirectories, ({ kind: one }) => one);
    const counts = Object.fromEntries([...kinds].map(([one, all]) => [one, all.length]));
    assert.deepEqual(counts, { activesync: 3, autodiscover: 3, ecp: 3, ews: 3, oab: 3, owa: 3, rpc: 2 });
    const ews = virtualDirectories.find((one) => one.kind === 'ews' && one.serverDn.startsWith('CN=SEA-CAS1,'));
    assert.equal(ews?.internalUrl, 'https://mail-sea.contoso.test/EWS/Exchange.asmx');
    assert.equal(ews?.externalUrl, 'https://mail.contoso.test/EWS/Exchange.asmx');
    assert.equal(ews?.internalAuthentication, 146);
    assert.equal(directory().organization().server(ews?.serverDn)?.name, 'SEA-CAS1');
  });

  test('providers, the offline address book, service connection points', () => {
    const { outlookProviders, offlineAddressBooks, serviceConnectionPoints } = organization();
    assert.deepEqual(names(outlookProviders).toSorted(), ['EXCH', 'EXPR', 'WEB']);
    assert.equal(directory().organization().outlookProvider('EXPR')?.certPrincipalName, 'msstd:mail.contoso.test');
    assert.deepEqual(
      offlineAddressBooks.map(({ isDefault }) => isDefault),
      [true],
    );
    assert.match(offlineAddressBooks[0]?.guid ?? '', /^[0-9a-f]{8}-/);
    assert.equal(serviceConnectionPoints.length, 3);
    const point = serviceConnectionPoints.find(({ distinguishedName }) => distinguishedName.includes('CN=DUB-CAS1,'));
    assert.equal(point?.kind, 'url');
    assert.equal(point?.bindingInformation, 'https://autodiscover-dublin.contoso.test/Autodiscover/Autodiscover.xml');
    assert.ok(point?.keywords.includes('Site=Dublin'));
    assert.equal(point?.serviceDnsName, 'DUB-CAS1');
  });

  test('links within the snapshot compare as DNs, whatever their spelling', () => {
    const index = directory().organization();
    const database = index.database(SEA_DB01.toUpperCase().replaceAll(',', ', '));
    assert.equal(database?.name, 'SEA-DB01');
    const owner = index.server(database?.owningServerDn);
    assert.equal(owner?.name, 'SEA-MBX1');
    assert.equal(index.site(owner?.siteDn)?.name, 'Seattle');
    assert.deepEqual(names(index.arraysIn(owner?.siteDn)), ['Seattle CAS Array']);
    assert.deepEqual(names(index.serversIn(owner?.siteDn)), ['SEA-CAS1', 'SEA-CAS2', 'SEA-MBX1']);
    assert.equal(index.server(index.publicDatabase(database?.publicDatabaseDn)?.owningServerDn)?.name, 'SEA-MBX1');
    assert.ok(index.offlineAddressBook(database?.offlineAddressBookDn)?.isDefault);
  });

  test('the snapshot is one object until the next is read, and cannot be changed', () => {
    assert.equal(directory().organization(), directory().organization());
    assert.ok(Object.isFrozen(organization()));
  });
}

function rights(bed: () => ContractBed): void {
  test('an ordinary account as service account: an error that names what is missing and how to grant it', async () => {
    const opening = openDirectory({ ...bed().options, bindName: 'alice@contoso.test' });
    await assert.rejects(opening, (error: Error & { code?: string }) => {
      assert.equal(error.code, 'missing-right');
      assert.match(
        error.message,
        /as alice@contoso\.test: 5 servers are visible but no mailbox databases and no virtual directories/,
      );
      assert.match(error.message, /dsacls "CN=Contoso,CN=Microsoft Exchange,.*" \/I:T \/G/);
      return true;
    });
  });

  test('a service account with a wrong password: an error that names it and where to look', async () => {
    await assert.rejects(
      openDirectory({ ...bed().options, readPassword: async () => 'wrong' }),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'service-account-rejected');
        assert.match(error.message, /52e: wrong name or password.*directory\.bindDn/);
        assert.doesNotMatch(error.message, /'wrong'/);
        return true;
      },
    );
  });

  for (const bindName of [READER, 'svc-autodiscover@contoso.test', 'CONTOSO\\svc-autodiscover']) {
    test(`the service account as ${bindName}`, async () => {
      const directory = await openDirectory({ ...bed().options, bindName });
      directory.close();
    });
  }
}

function refreshing(bed: () => ContractBed): void {
  /** A database without an endpoint, one that could be set on it, and how both are changed and seen. */
  const databaseOf = (directory: Directory) => {
    const writer = bed().connect();
    const dn = databaseDn('DUB-DB02');
    const set = (values: string[]) =>
      writer.modify(
        dn,
        new Change({ operation: 'replace', modification: new Attribute({ type: 'legacyExchangeDN', values }) }),
      );
    const seen = () => directory.organization().database(dn)?.legacyDn;
    const value = `${LEGACY_GROUP}/cn=Configuration/cn=Servers/cn=outlook-dub.contoso.test/cn=Microsoft Private MDB`;
    return { writer, dn, set, seen, value };
  };

  test('a change made by an administrator is seen after a refresh, in a new snapshot', async () => {
    const events: DirectoryEvent[] = [];
    const directory = await openDirectory({
      ...bed().options,
      refreshIntervalMs: 100,
      onEvent: (event) => void events.push(event),
    });
    const { writer, dn, set, seen, value } = databaseOf(directory);
    try {
      await writer.bind(WRITER, PASSWORD);
      const old = directory.organization();
      assert.equal(seen(), undefined);
      await set([value]);
      await eventually('the change is seen', () => seen() === value);
      assert.notEqual(directory.organization(), old);
      assert.equal(old.database(dn)?.legacyDn, undefined, 'the old snapshot is as it was');
      await set([]);
      await eventually('the change back is seen', () => seen() === undefined);
      assert.ok(events.every(({ type }) => type === 'organization-read'));
    } finally {
      directory.close();
      await writer.unbind();
    }
  });

  test('a change is seen by the next look for changes, long before the organisation is due to be read', async () => {
    const events: DirectoryEvent[] = [];
    const directory = await openDirectory({
      ...bed().options,
      refreshIntervalMs: 3_600_000,
      watchIntervalMs: 100,
      onEvent: (event) => void events.push(event),
    });
    const { writer, set, seen, value } = databaseOf(directory);
    try {
      await writer.bind(WRITER, PASSWORD);
      await set([value]);
      await eventually('the change is seen', () => seen() === value);
      await set([]);
      await eventually('the change back is seen', () => seen() === undefined);
      assert.ok(events.some((event) => event.type === 'changes-seen' && event.organization));
      assert.ok(!events.some(({ type }) => type === 'changes-unseen'));
    } finally {
      directory.close();
      await writer.unbind();
    }
  });

  test('refreshes that are asked for at one time share a read, and none follows at once', async () => {
    let reads = 0;
    const onEvent = ({ type }: DirectoryEvent) => {
      if (type === 'organization-read') reads += 1;
    };
    const directory = await openDirectory({ ...bed().options, onEvent });
    try {
      assert.equal(reads, 1);
      const [first, second] = await Promise.all([directory.refresh(), directory.refresh()]);
      assert.equal(first, second);
      assert.equal(reads, 1, 'the first read was a moment ago');
    } finally {
      directory.close();
    }
  });
}
