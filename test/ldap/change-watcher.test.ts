// What changes in the directory is answered within a look, not when ages run out; and no flood of changes makes looking expensive.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Attribute, Change, Client } from 'ldapts';
import { type DirectoryEvent, type DirectoryOptions, openDirectory } from '../../src/ldap/directory.ts';
import type { EmbeddedDirectory } from '../../src/ldap/embedded/server.ts';
import {
  controllerAt,
  databaseDn,
  directoryOptions,
  eventually,
  LEGACY_GROUP,
  PASSWORD,
  READER,
  staffDn,
  startController,
  WRITER,
} from './demo-organization.ts';

const HOUR = 3_600_000;
const ALICE = 'alice@contoso.test';

async function scene(t: TestContext, options: Partial<DirectoryOptions> = {}, count = 1) {
  const controllers = await Promise.all(
    Array.from({ length: count }, (_, at) =>
      startController({ hostName: `DC${at + 1}`, access: { readers: [READER], writers: [WRITER], writeBelow: '' } }),
    ),
  );
  const [first] = controllers;
  assert.ok(first);
  const events: DirectoryEvent[] = [];
  const directory = await openDirectory(
    directoryOptions(
      controllers.map(({ url }) => controllerAt(url, { connectTimeoutMs: 500, operationTimeoutMs: 500 })),
      {
        ages: { freshMs: HOUR, missingMs: HOUR, outageMs: HOUR },
        watchIntervalMs: 30,
        retry: { firstMs: 30, longestMs: 100 },
        onEvent: (event) => void events.push(event),
        ...options,
      },
    ),
  );
  const writers = await Promise.all(controllers.map(writerOf));
  t.after(async () => {
    directory.close();
    await Promise.all(writers.map((writer) => writer.unbind()));
    await Promise.all(controllers.map((controller) => controller.close()));
  });
  const [writer] = writers;
  assert.ok(writer);
  const set = (dn: string, attribute: string, values: string[], by = writer) =>
    by.modify(dn, new Change({ operation: 'replace', modification: new Attribute({ type: attribute, values }) }));
  const find = async (address: string) => {
    const match = await directory.findRecipientByAddress(address);
    return match.status === 'found' ? match.recipient : undefined;
  };
  const changes = () => events.filter(({ type }) => type === 'changes-seen');
  return { directory, controllers, first, writers, set, find, events, changes };
}

async function writerOf({ url }: EmbeddedDirectory): Promise<Client> {
  const client = new Client({ url });
  await client.bind(WRITER, PASSWORD);
  return client;
}

test("a database's array is answered from the moment it is set, not when the organisation is due to be read", async (t) => {
  const { directory, set } = await scene(t);
  const dn = databaseDn('DUB-DB02');
  const value = `${LEGACY_GROUP}/cn=Configuration/cn=Servers/cn=outlook-dub.contoso.test/cn=Microsoft Private MDB`;
  assert.equal(directory.organization().database(dn)?.legacyDn, undefined);
  await set(dn, 'legacyExchangeDN', [value]);
  await eventually('the change is seen', () => directory.organization().database(dn)?.legacyDn === value);
});

test('a moved mailbox is asked for again, and nobody else', async (t) => {
  const { directory, first, set, find, changes } = await scene(t);
  const bob = await directory.findRecipientByAddress('bob@contoso.test');
  assert.equal((await find(ALICE))?.homeMdb, databaseDn('SEA-DB01'));
  await set(staffDn('Alice Adams'), 'homeMDB', [databaseDn('DUB-DB01')]);
  await eventually('it is seen', async () => (await find(ALICE))?.homeMdb === databaseDn('DUB-DB01'));
  assert.deepEqual(changes(), [{ type: 'changes-seen', organization: false, recipients: 1 }]);
  assert.equal(await directory.findRecipientByAddress('bob@contoso.test'), bob);
  assert.ok(first.stats.searches > 0);
});

test('an address that nobody had is found when somebody is given it, in any spelling', async (t) => {
  const { set, find } = await scene(t);
  for (const address of ['new@contoso.test', 'NEW@xn--bcher-kva.test']) assert.equal(await find(address), undefined);
  await set(staffDn('Bob Baker'), 'proxyAddresses', [
    'SMTP:bob@contoso.test',
    'smtp:New@Contoso.test',
    'smtp:new@bücher.test',
  ]);
  await eventually(
    'both are found',
    async () => Boolean(await find('new@contoso.test')) && Boolean(await find('NEW@xn--bcher-kva.test')),
  );
});

test('an address that was taken away is no longer found, and a legacyExchangeDN that was changed', async (t) => {
  const { directory, set, find } = await scene(t);
  const alice = await find(ALICE);
  assert.equal((await directory.findRecipientByLegacyDn(alice?.legacyDn ?? '')).status, 'found');
  await set(staffDn('Alice Adams'), 'proxyAddresses', ['SMTP:else@contoso.test']);
  await set(staffDn('Alice Adams'), 'mail', ['else@contoso.test']);
  await set(staffDn('Alice Adams'), 'userPrincipalName', ['else@contoso.test']);
  await set(staffDn('Alice Adams'), 'legacyExchangeDN', ['/o=Contoso/cn=else']);
  await eventually('it is gone', async () => (await find(ALICE)) === undefined);
  await eventually(
    'so is the name',
    async () => (await directory.findRecipientByLegacyDn(alice?.legacyDn ?? '')).status === 'none',
  );
});

test('who has a changed mailbox auto-mapped is asked for again, before and after it is taken away', async (t) => {
  const { set, find } = await scene(t);
  const mapped = async () => (await find('grace@contoso.test'))?.delegateMailboxDns.length;
  const sales = (await find('grace@contoso.test'))?.delegateMailboxDns[0] ?? '';
  assert.equal(await mapped(), 1);
  await set(sales, 'msExchDelegateListLink', []);
  await eventually('it is taken away', async () => (await mapped()) === 0);
  await set(sales, 'msExchDelegateListLink', [(await find('grace@contoso.test'))?.distinguishedName ?? '']);
  await eventually('it is given back', async () => (await mapped()) === 1);
});

test('a mailbox that is opened to somebody, or closed, is his or not by the next look', async (t) => {
  const { directory, set, find } = await scene(t);
  const bob = staffDn('Bob Baker');
  const opened = async () => (await directory.readOwnMailboxes(bob)).has(ALICE);
  const alice = (await find(ALICE))?.distinguishedName ?? '';
  assert.equal(await opened(), false);
  await set(alice, 'publicDelegates', [bob]);
  await eventually('it is opened', opened);
  await set(alice, 'publicDelegates', []);
  await eventually('it is closed', async () => !(await opened()));
});

test('a change that leaves the recipient as it was leaves the object as it was', async (t) => {
  const { directory, set, changes } = await scene(t);
  const before = await directory.findRecipientByAddress(ALICE);
  await set(staffDn('Alice Adams'), 'description', ['changed']);
  await eventually('the change is seen', () => changes().length === 1);
  const { misses } = directory.status().recipients;
  assert.equal(await directory.findRecipientByAddress(ALICE), before);
  assert.equal(directory.status().recipients.misses, misses + 1, 'it was asked for again');
});

test('without a change a look is one search, and nothing is asked again', async (t) => {
  const { directory, first, changes } = await scene(t, { watchIntervalMs: 10 });
  await directory.findRecipientByAddress(ALICE);
  const before = first.stats.searches;
  await eventually('ten looks', () => first.stats.searches >= before + 10);
  await directory.findRecipientByAddress(ALICE);
  assert.equal(directory.status().recipients.misses, 1);
  assert.deepEqual(changes(), []);
});

test('very many changes: everything is asked again, once, however many follow', async (t) => {
  const { directory, first, set, changes } = await scene(t, { watchIntervalMs: 1_000_000 });
  await directory.findRecipientByAddress(ALICE);
  const crowd = Array.from({ length: 500 }, (_, n) => `CN=Crowd ${n},OU=Staff,DC=contoso,DC=test`);
  const writer = await writerOf(first);
  for (const dn of crowd) await writer.add(dn, { objectClass: ['top', 'person', 'organizationalPerson', 'contact'] });
  await writer.unbind();
  const watch = (directory as unknown as { watch(): Promise<void> }).watch.bind(directory);
  await watch();
  assert.deepEqual(changes(), [{ type: 'changes-seen', organization: false, recipients: 'many' }]);
  await directory.findRecipientByAddress(ALICE);
  assert.equal(directory.status().recipients.misses, 2);
  for (const dn of crowd) await set(dn, 'description', ['again']);
  const before = first.stats.searches;
  await watch();
  assert.equal(first.stats.searches - before, 3, 'a look has the same cost however much changed');
  await directory.findRecipientByAddress(ALICE);
  assert.equal(directory.status().recipients.misses, 2);
});

test('another controller has other numbers: everything is asked again', async (t) => {
  const { directory, controllers, writers, set, find, changes } = await scene(t, {}, 2);
  const [first, second] = controllers;
  assert.ok(first && second);
  assert.equal((await find(ALICE))?.homeMdb, databaseDn('SEA-DB01'));
  await set(staffDn('Alice Adams'), 'homeMDB', [databaseDn('DUB-DB01')], writers[1]);
  await first.setFaults({ dead: 'refuse' });
  await eventually('the second one is believed', async () => (await find(ALICE))?.homeMdb === databaseDn('DUB-DB01'));
  assert.ok(changes().some((event) => event.type === 'changes-seen' && event.recipients === 'all'));
  await first.setFaults({});
  await eventually('the first one again', async () => (await find(ALICE))?.homeMdb === databaseDn('SEA-DB01'));
  assert.equal(directory.status().controllers[0]?.up, true);
});
