// What the service asks of recipients and accounts, and how often it asks the directory for that.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { CacheAges } from '../../src/ldap/aged-cache.ts';
import { type Directory, openDirectory } from '../../src/ldap/directory.ts';
import { directoryOptions, startController } from './demo-organization.ts';

const HOUR = 3_600_000;

async function scene(t: TestContext, ages: Partial<CacheAges> = {}, changes = '') {
  const controller = await startController({ changes });
  let passed = 0;
  const directory = await openDirectory(
    directoryOptions([controller], {
      ages: { freshMs: 60_000, missingMs: 10_000, outageMs: HOUR, ...ages },
      now: () => performance.now() + passed,
    }),
  );
  t.after(async () => {
    directory.close();
    await controller.close();
  });
  /** Searches that the work cost. */
  const cost = async (work: (directory: Directory) => Promise<unknown>) => {
    const before = controller.stats.searches;
    await work(directory);
    return controller.stats.searches - before;
  };
  const pass = (ms: number) => {
    passed += ms;
  };
  return { controller, directory, cost, pass };
}

test('an address is searched once, in any case; so is a legacyExchangeDN, and a DN', async (t) => {
  const { directory, cost, pass } = await scene(t);
  const alice = await directory.findRecipientByAddress('alice@contoso.test');
  assert.ok(alice.status === 'found');
  const { legacyDn = '', distinguishedName } = alice.recipient;
  assert.equal(await cost((d) => d.findRecipientByAddress('Alice@CONTOSO.test')), 0);
  assert.equal(await cost((d) => d.findRecipientByLegacyDn(legacyDn)), 1);
  assert.equal(await cost((d) => d.findRecipientByLegacyDn(legacyDn.toUpperCase())), 0);
  assert.equal(await cost((d) => d.readRecipient(distinguishedName)), 1);
  assert.equal(await cost((d) => d.readRecipient(distinguishedName.toLowerCase())), 0);
  pass(60_000);
  assert.equal(await cost((d) => d.findRecipientByAddress('alice@contoso.test')), 1);
  assert.equal(
    await directory.findRecipientByAddress('ALICE@contoso.test'),
    alice,
    'the same object while it says the same',
  );
});

test('letters outside ASCII do not join two addresses under one key', async (t) => {
  const { directory, cost } = await scene(t);
  // KELVIN SIGN becomes k when it is lower-cased.
  await directory.findRecipientByAddress('\u212aen@contoso.test');
  assert.equal(await cost((d) => d.findRecipientByAddress('ken@contoso.test')), 1);
});

test('nobody, and several, are remembered for a shorter time', async (t) => {
  const { cost, pass } = await scene(t);
  for (const [address, searches] of [
    ['nobody@contoso.test', 2],
    ['dup@contoso.test', 1],
  ] as const) {
    assert.equal(await cost((d) => d.findRecipientByAddress(address)), searches);
    assert.equal(await cost((d) => d.findRecipientByAddress(address)), 0);
    pass(10_000);
    assert.equal(await cost((d) => d.findRecipientByAddress(address)), searches);
  }
});

for (const freshMs of [60_000, 0]) {
  test(`a logon by address and the look-up after it are one search, with recipients kept ${freshMs} ms`, async (t) => {
    const { directory, cost } = await scene(t, { freshMs });
    assert.equal(await cost((d) => d.findAccount('alice@contoso.test')), 1);
    assert.equal(await cost((d) => d.findRecipientByAddress('alice@contoso.test')), 0);
    const alone = await scene(t);
    assert.deepEqual(
      await directory.findRecipientByAddress('alice@contoso.test'),
      await alone.directory.findRecipientByAddress('alice@contoso.test'),
    );
  });
}

const SAME_AS_ALONE: readonly (readonly [why: string, name: string])[] = [
  ['an address of two people', 'dup@contoso.test'],
  ['an address of a contact', 'laura@contoso.test'],
  ['an address of a group', 'allstaff@contoso.test'],
  ['a logon name that is no address', 'peggy@ad.contoso.test'],
  ["the address of somebody else's logon name", 'grace@contoso.test'],
  ['nobody', 'nobody@contoso.test'],
];
// The account grace has the address of heidi, who is found for it.
const SWAPPED = `dn: CN=Grace Gray,OU=Staff,DC=contoso,DC=test
changetype: modify
replace: proxyAddresses
proxyAddresses: SMTP:gray@contoso.test
-

dn: CN=Heidi Hahn,OU=Staff,DC=contoso,DC=test
changetype: modify
add: proxyAddresses
proxyAddresses: smtp:grace@contoso.test
-
`;
for (const [why, name] of SAME_AS_ALONE) {
  test(`what a logon found is what a look-up finds: ${why}`, async (t) => {
    const [after, alone] = [await scene(t, {}, SWAPPED), await scene(t, {}, SWAPPED)];
    await after.directory.findAccount(name);
    assert.deepEqual(
      await after.directory.findRecipientByAddress(name),
      await alone.directory.findRecipientByAddress(name),
    );
  });
}

test('accounts are asked for at every logon, and known ones are found in an outage', async (t) => {
  const { controller, directory, cost } = await scene(t);
  const alice = await directory.findWindowsAccount('CONTOSO\\alice');
  assert.equal(await cost((d) => d.findWindowsAccount('CONTOSO\\alice')), 1);
  assert.equal((await directory.findPrincipal('alice@CONTOSO.TEST'))?.distinguishedName, alice?.distinguishedName);
  await directory.findWindowsAccount('CONTOSO\\nobody');
  await controller.setFaults({ dead: 'refuse' });
  assert.deepEqual(await directory.findWindowsAccount('contoso\\ALICE'), alice);
  assert.deepEqual(await directory.findPrincipal('alice@CONTOSO.TEST'), alice);
  assert.equal(await directory.findWindowsAccount('CONTOSO\\nobody'), undefined);
  await assert.rejects(directory.findAccount('bob'), { code: 'unreachable' });
  await assert.rejects(directory.findPrincipal('bob@CONTOSO.TEST'), { code: 'unreachable' });
});

test('many look-ups at a time are few searches, and each finds its own', async (t) => {
  const { directory, cost } = await scene(t);
  const addresses = ['alice', 'bob', 'carol', 'dave', 'quinn', 'grace', 'heidi', 'walter', 'frank'];
  const found: string[] = [];
  const searches = await cost(() =>
    Promise.all(
      addresses.map(async (name, at) => {
        const match = await directory.findRecipientByAddress(`${name}@contoso.test`);
        found[at] = match.status === 'found' ? (match.recipient.primaryAddress ?? '') : match.status;
      }),
    ),
  );
  assert.ok(searches <= 5, `${searches} searches for ${addresses.length} look-ups`);
  assert.deepEqual(
    found.map((address) => address.split('@')[0]),
    addresses,
  );
});
