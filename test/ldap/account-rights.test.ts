// What is read out of a controller's word about the bound account. The lab asks a real one: test/lab/doctor.lab.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AccountRights, readAccountRights, sidText } from '../../src/ldap/account-rights.ts';
import { EntryReader } from '../../src/ldap/entry.ts';
import type { SearchRequest } from '../../src/ldap/search.ts';

const DOMAIN = 'DC=x,DC=test';
const ORGANIZATION = `CN=X,CN=Microsoft Exchange,CN=Services,CN=Configuration,${DOMAIN}`;
const ACCOUNT = `CN=svc,${DOMAIN}`;
const SCOPE = { organization: ORGANIZATION, domain: DOMAIN, account: ACCOUNT };

/** Bytes of S-1-5 and these sub-authorities. */
function sid(...parts: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 + 4 * parts.length);
  bytes.set([1, parts.length, 0, 0, 0, 0, 0, 5]);
  parts.forEach((part, at) => void bytes.writeUInt32LE(part, 8 + 4 * at));
  return bytes;
}
const inDomain = (relative: number) => sid(21, 1, 2, 3, relative);

interface World {
  readonly token?: readonly Buffer[];
  readonly accountToken?: readonly Buffer[];
  readonly memberOf?: readonly string[];
  readonly groups?: Readonly<Record<string, Buffer>>;
  readonly exchange?: readonly Entry[];
  readonly head?: Omit<Entry, 'dn'>;
  readonly people?: readonly Entry[];
}
type Entry = { readonly dn: string } & Readonly<Record<string, string | Buffer | readonly string[]>>;

function rightsIn(world: World): Promise<AccountRights> {
  const entries = ({ base, scope, filter, attributes }: SearchRequest): object[] => {
    if (base === '') return [{ dn: '', tokenGroups: world.token ?? [] }];
    if (base === ACCOUNT && attributes.includes('tokenGroups'))
      return [{ dn: base, tokenGroups: world.accountToken ?? [] }];
    if (base === ACCOUNT) return [{ dn: base, memberOf: world.memberOf ?? [] }];
    if (base === ORGANIZATION) return [...(world.exchange ?? [])];
    if (base === DOMAIN && scope === 'base') return [{ dn: base, ...world.head }];
    if (scope === 'base') return (world.people ?? []).filter(({ dn }) => dn === base);
    if (attributes.includes('cn')) return (world.people ?? []).map(({ dn }) => ({ dn }));
    return Object.entries(world.groups ?? {})
      .filter(([, bytes]) => filter.toString().includes(`(objectSid=${sidText(bytes)})`))
      .map(([sAMAccountName, objectSid]) => ({
        dn: `CN=${sAMAccountName},${DOMAIN}`,
        sAMAccountName,
        objectSid,
        objectClass: ['top', 'group'],
      }));
  };
  return readAccountRights(async (request) => entries(request).map((one) => new EntryReader(one as never)), SCOPE);
}

for (const [bytes, expected] of [
  [inDomain(512), 'S-1-5-21-1-2-3-512'],
  [sid(32, 544), 'S-1-5-32-544'],
  [sid(4294967295), 'S-1-5-4294967295'],
  [sid(), 'S-1-5'],
  [Buffer.alloc(0), undefined],
  [Buffer.alloc(8), undefined],
  [sid(32, 544).subarray(0, 12), undefined],
  [Buffer.concat([sid(32), Buffer.alloc(1)]), undefined],
] as const) {
  test(`SID ${bytes.toString('hex') || 'of no bytes'}: ${expected}`, () => assert.equal(sidText(bytes), expected));
}

test('an ordinary account has nothing', async () => {
  const token = [inDomain(1103), inDomain(513), sid(11), sid(32, 545), sid(32, 554)];
  const nothing = { allowedAttributesEffective: [], allowedChildClassesEffective: [], sDRightsEffective: '0' };
  const rights = await rightsIn({
    token,
    groups: { 'Domain Users': inDomain(513), Users: sid(32, 545) },
    exchange: [{ dn: `CN=DB,${ORGANIZATION}`, ...nothing }],
    head: nothing,
    people: [{ dn: `CN=A,${DOMAIN}`, ...nothing }],
  });
  assert.deepEqual(rights, { powerfulGroups: [], directGroups: [], writable: [] });
});

test('groups with a fixed identifier are known in any language, and when they cannot be found', async () => {
  const { powerfulGroups } = await rightsIn({
    token: [inDomain(512), inDomain(519), sid(32, 544), inDomain(2000)],
    groups: { 'Domänen-Admins': inDomain(512), Anybody: inDomain(2000) },
  });
  assert.deepEqual(powerfulGroups, [
    { name: 'Administrators', distinguishedName: undefined },
    { name: 'Domänen-Admins', distinguishedName: `CN=Domänen-Admins,${DOMAIN}` },
    { name: 'Enterprise Admins', distinguishedName: undefined },
  ]);
});

test("Exchange's groups are known by name; those that only read are not meant", async () => {
  const { powerfulGroups } = await rightsIn({
    token: [inDomain(2001), inDomain(2002)],
    groups: { 'ORGANIZATION management': inDomain(2001), 'View-Only Organization Management': inDomain(2002) },
  });
  assert.deepEqual(
    powerfulGroups.map(({ name }) => name),
    ['ORGANIZATION management'],
  );
});

test('a token of hundreds of groups is looked up in parts', async () => {
  const many = Array.from({ length: 230 }, (_, at) => inDomain(5000 + at));
  const { powerfulGroups } = await rightsIn({ token: many, groups: { DnsAdmins: inDomain(5229) } });
  assert.deepEqual(
    powerfulGroups.map(({ name }) => name),
    ['DnsAdmins'],
  );
});

test('where the root DSE tells no token, the account itself does', async () => {
  const { powerfulGroups, directGroups } = await rightsIn({
    accountToken: [inDomain(512)],
    memberOf: ['CN=B', 'CN=A'],
  });
  assert.deepEqual(
    powerfulGroups.map(({ name }) => name),
    ['Domain Admins'],
  );
  assert.deepEqual(directGroups, ['CN=A', 'CN=B']);
});

test('what may be changed: attributes with the decisive ones first, children, permissions', async () => {
  const { writable } = await rightsIn({
    exchange: [
      { dn: 'CN=c', allowedAttributesEffective: ['cn', 'LegacyExchangeDN', 'description'], sDRightsEffective: '0' },
      { dn: 'CN=b', allowedChildClassesEffective: 'msExchClientAccessArray' },
      { dn: 'CN=audit', sDRightsEffective: '8' },
    ],
    head: { sDRightsEffective: '15' },
  });
  const nothing = { attributes: [], createsChildren: false, changesPermissions: false };
  assert.deepEqual(writable, [
    { ...nothing, distinguishedName: 'CN=b', isExchange: true, createsChildren: true },
    {
      ...nothing,
      distinguishedName: 'CN=c',
      isExchange: true,
      attributes: ['legacyExchangeDN', 'cn', 'description'],
    },
    { ...nothing, distinguishedName: DOMAIN, isExchange: false, changesPermissions: true },
  ]);
});

test('its own object is no finding: everybody may change some of his own', async () => {
  const allowedAttributesEffective = ['telephoneNumber'];
  const { writable } = await rightsIn({
    token: [inDomain(1103)],
    people: [
      { dn: `CN=own,OU=A,${DOMAIN}`, objectSid: inDomain(1103), allowedAttributesEffective },
      { dn: `CN=other,OU=B,${DOMAIN}`, objectSid: inDomain(1104), allowedAttributesEffective },
    ],
  });
  assert.deepEqual(
    writable.map(({ distinguishedName }) => distinguishedName),
    [`CN=other,OU=B,${DOMAIN}`],
  );
});

test('of each container the first mailbox is looked at, in whatever order they come', async () => {
  const allowedAttributesEffective = ['mail'];
  const people = ['CN=c,OU=A', 'CN=b\\, x,ou=a', 'CN=d,OU=B', 'CN=a,OU=C,OU=B'].map((name) => ({
    dn: `${name},${DOMAIN}`,
    allowedAttributesEffective,
  }));
  for (const order of [people, people.toReversed()]) {
    const { writable } = await rightsIn({ people: order });
    assert.deepEqual(
      writable.map(({ distinguishedName }) => distinguishedName.replace(`,${DOMAIN}`, '')),
      ['CN=a,OU=C,OU=B', 'CN=b\\, x,ou=a', 'CN=d,OU=B'],
    );
  }
});
