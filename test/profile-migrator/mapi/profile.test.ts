import assert from 'node:assert/strict';
import test from 'node:test';
import { type MapiProfile, readProfiles } from '../../../src/profile-migrator/mapi/profile.ts';
import { type RegEntry, snapshotsOf } from '../../../src/profile-migrator/registry/reg-file.ts';
import { type AccountSpec, buildEntries, buildRegistry, type RegistrySpec, uid, wide } from '../build-profile.ts';

const nina: AccountSpec = { alias: 'nina', home: 'FS1', fqdn: 'fs1.fabrikam.test' };

function only(spec: RegistrySpec): MapiProfile {
  const [profile, ...others] = readProfiles(buildRegistry(spec));
  assert.ok(profile);
  assert.equal(others.length, 0);
  return profile;
}

/** The registry with some statements dropped or replaced. */
function altered(spec: RegistrySpec, change: (entry: RegEntry, key: string) => RegEntry | undefined): MapiProfile {
  let key = '';
  const entries = buildEntries(spec).flatMap((entry) => {
    if (entry.kind === 'key') key = entry.path;
    return change(entry, key) ?? [];
  });
  const [snapshot] = snapshotsOf({ entries, codePage: undefined });
  assert.ok(snapshot);
  const [profile] = readProfiles(snapshot);
  assert.ok(profile);
  return profile;
}

const value = (entry: RegEntry) => (entry.kind === 'value' ? entry.value.name : '');
const roles = ({ accounts }: MapiProfile) => accounts.map(({ sections }) => sections.map(({ role }) => role).join(' '));

test('finds an account by the service table, with all its sections', () => {
  const profile = only({
    profiles: [
      {
        name: 'Work',
        accounts: [
          {
            ...nina,
            stores: [
              { kind: 'private', server: 'FS1' },
              { kind: 'delegate', server: 'FS2', mailbox: 'sales' },
              { kind: 'public', server: 'PF1' },
              { kind: 'archive', server: 'FS1' },
            ],
          },
        ],
      },
    ],
  });
  assert.deepEqual(roles(profile), [
    'account address-book private-store delegate-store public-store other-store transport address-book-provider',
  ]);
  const [account] = profile.accounts;
  assert.equal(account?.smtpAddress, 'nina@fabrikam.test');
  assert.equal(account?.cachedMode, true);
  assert.equal(account?.rpcOverHttp, false);
  assert.equal(account?.sections.find(({ role }) => role === 'delegate-store')?.mailbox, 'sales');
  assert.equal(profile.isDefault, true);
  assert.deepEqual(profile.problems, []);
});

test('finds the profiles of every tree', () => {
  const trees = (['9x', 'shared', '15.0', '16.0'] as const).map((tree) =>
    only({ tree, profiles: [{ name: 'P', accounts: [nina] }] }),
  );
  assert.deepEqual(
    trees.map(({ outlook }) => outlook),
    ['9.0', '14.0', '15.0', '16.0'],
  );
  assert.deepEqual(
    trees.map(({ isDefault }) => isDefault),
    [true, true, true, true],
  );
});

test('an old Outlook keeps its account in the global section', () => {
  const profile = only({ profiles: [{ name: 'P', accounts: [{ ...nina, global: 'only' }] }] });
  assert.match(roles(profile)[0] ?? '', /^account-global address-book private-store/);
  assert.equal(profile.outlook, '12.0');
});

test('the global copy belongs to the account marked as legacy', () => {
  const profile = only({ profiles: [{ name: 'P', accounts: [nina, { ...nina, alias: 'otto', global: 'copy' }] }] });
  assert.deepEqual(
    roles(profile).map((text) => text.includes('account-global')),
    [false, true],
  );
});

test('no Exchange service, no account: the mere presence of sections proves nothing', () => {
  const profile = only({ profiles: [{ name: 'P', accounts: [], orphanServer: 'FS1' }] });
  assert.deepEqual(profile.accounts, []);
  assert.deepEqual(
    profile.orphans.map(({ role }) => role),
    ['orphan'],
  );
});

test('other services with the same value names are not Exchange', () => {
  const profile = altered({ profiles: [{ name: 'P', accounts: [nina] }] }, (entry, key) => {
    const isService = key.endsWith(uid('P service 0').toString('hex'));
    return isService && value(entry) === '001f3d09' && entry.kind === 'value'
      ? { ...entry, value: { ...entry.value, data: wide('EMABLT') } }
      : entry;
  });
  assert.deepEqual(profile.accounts, []);
});

test('a service without a name is taken for Exchange by its library, and said so', () => {
  const profile = altered({ profiles: [{ name: 'P', accounts: [nina] }] }, (entry, key) =>
    key.endsWith(uid('P service 0').toString('hex')) && value(entry) === '001f3d09' ? undefined : entry,
  );
  assert.equal(profile.accounts.length, 1);
  assert.match(profile.problems.join(), /emsui\.dll/);
});

test('damage is told and the rest goes on', () => {
  const table = (data: Buffer) =>
    altered({ profiles: [{ name: 'P', accounts: [nina] }] }, (entry) =>
      value(entry) === '01023d0e' && entry.kind === 'value' ? { ...entry, value: { ...entry.value, data } } : entry,
    );
  assert.match(table(Buffer.alloc(15)).problems.join(), /no list of section names/);
  const missing = table(Buffer.concat([uid('nowhere'), uid('P service 0')]));
  assert.match(missing.problems.join(), /does not exist/);
  assert.equal(missing.accounts.length, 1);
});

test('a provider that says it belongs to another service is left out', () => {
  const profile = altered({ profiles: [{ name: 'P', accounts: [nina] }] }, (entry, key) =>
    key.endsWith(uid('P 0 transport').toString('hex')) && value(entry) === '01023d0c' && entry.kind === 'value'
      ? { ...entry, value: { ...entry.value, data: uid('another') } }
      : entry,
  );
  assert.doesNotMatch(roles(profile)[0] ?? '', /transport/);
  assert.match(profile.problems.join(), /says it belongs to/);
});

test('deleted profiles and keys that are no sections are passed over', () => {
  const spec: RegistrySpec = {
    profiles: [
      { name: 'Deleted Profiles', accounts: [nina] },
      { name: 'P', accounts: [nina] },
    ],
  };
  assert.deepEqual(
    readProfiles(buildRegistry(spec)).map(({ name }) => name),
    ['P'],
  );
});

test('a default profile that does not exist is no profile', () => {
  assert.equal(only({ defaultProfile: 'gone', profiles: [{ name: 'P', accounts: [nina] }] }).isDefault, false);
  assert.equal(only({ defaultProfile: 'p', profiles: [{ name: 'P', accounts: [nina] }] }).isDefault, true); // without case
});
