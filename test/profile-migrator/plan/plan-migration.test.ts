import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { readProfiles } from '../../../src/profile-migrator/mapi/profile.ts';
import { decisionsOf, type MigrationPlan, planMigration } from '../../../src/profile-migrator/plan/plan-migration.ts';
import type { ArrayTarget, Targets } from '../../../src/profile-migrator/plan/targets.ts';
import { applyPatch, diffSnapshots, invertPatch } from '../../../src/profile-migrator/registry/patch.ts';
import { type RegEntry, snapshotsOf, stringData } from '../../../src/profile-migrator/registry/reg-file.ts';
import { findValue, type RegistrySnapshot, RegType } from '../../../src/profile-migrator/registry/registry.ts';
import {
  type AccountSpec,
  buildEntries,
  buildRegistry,
  type ProfileSpec,
  type RegistrySpec,
  serverDn,
} from '../build-profile.ts';

const ARRAY = 'outlook.fabrikam.test';
const OLD = ['FS1', 'fs1.fabrikam.test'];
const nina: AccountSpec = { alias: 'nina', home: 'FS1', fqdn: 'fs1.fabrikam.test' };

function plan(
  accounts: AccountSpec[],
  targets: Partial<Targets> & { replaces?: string[]; dn?: string } = {},
  more: Partial<ProfileSpec> = {},
): { snapshot: RegistrySnapshot; plan: MigrationPlan } {
  return planOf({ profiles: [{ name: 'P', accounts, ...more }] }, targets);
}

function planOf(
  spec: RegistrySpec,
  { replaces = OLD, dn, ...targets }: Partial<Targets> & { replaces?: string[]; dn?: string } = {},
) {
  const snapshot = buildRegistry(spec);
  const array: ArrayTarget = { fqdn: ARRAY, replaces, ...(dn === undefined ? {} : { serverDn: dn }) };
  const options = { targets: { arrays: [array], proxies: new Map(), ...targets } };
  return { snapshot, plan: planMigration(snapshot, readProfiles(snapshot), options) };
}

const verdicts = (of: MigrationPlan) =>
  of.profiles.flatMap(({ accounts }) =>
    accounts.map(({ verdict }) => (verdict.kind === 'migrate' ? 'migrate' : `${verdict.kind} ${verdict.reason}`)),
  );

/** What was decided about the values of one name: `role action new`. */
const about = (of: MigrationPlan, valueName: string) =>
  of.profiles
    .flatMap(decisionsOf)
    .filter((decision) => decision.valueName === valueName)
    .map(({ section, action, reason, new: text }) => `${section.role} ${action} ${text ?? reason}`);

test('the verdict on an account', () => {
  const good = (account: Partial<AccountSpec>, want: string, replaces = OLD, dn?: string) =>
    assert.deepEqual(
      verdicts(plan([{ ...nina, ...account }], dn === undefined ? { replaces } : { replaces, dn }).plan),
      [want],
      JSON.stringify(account),
    );
  good({}, 'migrate');
  good({ home: 'fs1', fqdn: 'FS1.Fabrikam.TEST' }, 'migrate'); // without case
  good({}, 'refuse half-mapped', ['FS1']); // the short name alone
  good({}, 'refuse half-mapped', ['fs1.fabrikam.test']); // the FQDN alone
  good({ dnServer: 'FS9' }, 'refuse half-mapped'); // only the DN differs
  good({ home: ARRAY, dnServer: ARRAY }, 'migrate'); // an earlier attempt stopped half-way: the rest is mapped
  good({ home: ARRAY, fqdn: ARRAY }, 'leave already-on-array');
  good({ home: 'FS2', fqdn: 'fs2.fabrikam.test' }, 'leave home-not-mapped');
  good({ home: 'FS10', fqdn: 'fs10.fabrikam.test' }, 'leave home-not-mapped'); // FS1 is no prefix match
  good({ home: '8c8b7d1e-6d3f-4c7b-9a1e-0f3d2c1b0a99@fabrikam.test' }, 'leave exchange-2013-home');
  good({ consumer: true }, 'leave consumer-account');
  good({ org: 'Other' }, 'leave account-in-other-organisation', OLD, serverDn(ARRAY));
  good({ org: 'FABRIKAM' }, 'migrate', OLD, serverDn(ARRAY)); // without case
  good({ home: '', fqdn: '', unresolved: 'FS1' }, 'migrate'); // never connected: only what was typed
  const typed = { home: '', fqdn: '', unresolved: 'FS1', stores: [] };
  good({ ...typed, org: 'Other' }, 'leave account-in-other-organisation', OLD, serverDn(ARRAY));
  const renamed = serverDn('first.fabrikam.test'); // the DN of an array keeps the name it was created with
  good({}, 'migrate', OLD, renamed);
  good({ home: ARRAY, fqdn: ARRAY, dnServer: 'first.fabrikam.test' }, 'leave already-on-array', OLD, renamed);
  good({ dnServer: 'first.fabrikam.test' }, 'migrate', OLD, renamed);
});

test('values that Outlook never refreshes, and other stores, do not hold an account back', () => {
  const { plan: found } = plan([
    {
      ...nina,
      unresolved: 'OLDEST',
      bindings: ['ncacn_np:OLDEST'],
      stores: [
        { kind: 'private', server: 'FS1' },
        { kind: 'delegate', server: 'FS7' },
      ],
    },
  ]);
  assert.deepEqual(verdicts(found), ['migrate']);
  assert.deepEqual(about(found, '001e6608'), ['account leave not-mapped']);
  assert.deepEqual(about(found, '101e6613'), ['account leave not-mapped']);
  assert.deepEqual(about(found, '001e660c'), [
    `private-store rewrite ${ARRAY}`,
    'delegate-store leave not-mapped',
    `transport rewrite ${ARRAY}`,
  ]);
});

test('a refused account keeps every value and names what is missing', () => {
  const { plan: found } = plan([nina], { replaces: ['FS1'] });
  const [verdict] = found.profiles[0]?.accounts.map((account) => account.verdict) ?? [];
  assert.ok(verdict?.kind === 'refuse');
  assert.deepEqual(verdict.missing, ['fs1.fabrikam.test']);
  assert.deepEqual(found.patch.edits, []);
  assert.deepEqual(about(found, '001e6602'), ['account refuse half-mapped']);
});

test('an account already on the array keeps even old names', () => {
  const { plan: found } = plan([{ ...nina, home: ARRAY, fqdn: ARRAY, unresolved: 'FS1' }]);
  assert.deepEqual(found.patch.edits, []);
  assert.deepEqual(about(found, '001e6608'), ['account leave already-on-array']);
});

test('accounts of one profile are decided one by one', () => {
  const { plan: found } = plan([
    nina,
    { alias: 'otto', home: 'FS2', fqdn: 'fs2.fabrikam.test' },
    { alias: 'pia', home: 'FS1', fqdn: 'fs9.fabrikam.test' },
  ]);
  assert.deepEqual(verdicts(found), ['migrate', 'leave home-not-mapped', 'refuse half-mapped']);
});

test('the shared address book follows the accounts that move', () => {
  const shared = { sharedDirectoryServer: 'fs1.fabrikam.test' };
  assert.deepEqual(about(plan([nina], {}, shared).plan, '001f662a').at(-1), `address-book-fixed rewrite ${ARRAY}`);
  assert.deepEqual(
    about(plan([nina], { replaces: ['FS1', 'FS2'] }, shared).plan, '001f662a').at(-1),
    'address-book-fixed leave directory-server',
  );
  const refused = plan([{ ...nina, dnServer: 'FS9' }], {}, shared).plan;
  assert.deepEqual(about(refused, '001f662a').at(-1), 'address-book-fixed report no-account-changes');
  const gc = plan([nina], {}, { sharedDirectoryServer: 'dc1.fabrikam.test' }).plan;
  assert.deepEqual(about(gc, '001f662a').at(-1), 'address-book-fixed leave directory-server');
});

test('two arrays', () => {
  const arrays: ArrayTarget[] = [
    { fqdn: 'north.fabrikam.test', replaces: OLD },
    { fqdn: 'south.fabrikam.test', replaces: ['FS2', 'fs2.fabrikam.test'] },
  ];
  const otto: AccountSpec = {
    alias: 'otto',
    home: 'FS2',
    fqdn: 'fs2.fabrikam.test',
    stores: [
      { kind: 'private', server: 'FS2' },
      { kind: 'delegate', server: 'FS1', mailbox: 'sales' },
    ],
  };
  const { plan: found } = plan([nina, otto], { arrays }, { sharedDirectoryServer: 'fs2.fabrikam.test' });
  assert.deepEqual(about(found, '001e6602'), [
    'account rewrite north.fabrikam.test',
    'account rewrite south.fabrikam.test',
  ]);
  assert.match(about(found, '001e660c').join(), /delegate-store rewrite north/);
  assert.match(about(found, '001f662a').join(), /address-book-fixed rewrite south/);
  assert.deepEqual(verdicts(plan([{ ...nina, fqdn: 'fs2.fabrikam.test' }], { arrays }).plan), ['refuse mixed-arrays']);
});

test('a server DN is replaced up to the name, its tail kept, its administrative group not', () => {
  const { plan: found } = plan([nina]);
  assert.deepEqual(about(found, '001e6614')[0], `private-store rewrite-dn ${serverDn(ARRAY)}/cn=Microsoft Private MDB`);
  const dn = '/o=Fabrikam/ou=Elsewhere/cn=Configuration/cn=Servers/cn=outlook.fabrikam.test';
  assert.deepEqual(about(plan([nina], { dn }).plan, '001e6612'), [`account rewrite-dn ${dn}`]);
});

test('derived DNs need one organisation in the source', () => {
  const spec: RegistrySpec = {
    profiles: [
      { name: 'P', accounts: [nina] },
      { name: 'Q', accounts: [{ ...nina, alias: 'otto', org: 'Other' }] },
      { name: 'R', accounts: [{ ...nina, home: 'FS2', fqdn: 'fs2.fabrikam.test', org: 'Third' }] },
    ],
  };
  assert.deepEqual(verdicts(planOf(spec).plan), [
    'refuse several-organisations',
    'refuse several-organisations',
    'leave home-not-mapped',
  ]);
  const { plan: given } = planOf(spec, { dn: serverDn(ARRAY) });
  assert.deepEqual(verdicts(given), ['migrate', 'leave account-in-other-organisation', 'leave home-not-mapped']);
});

test('only arrays without a DN of their own need one organisation', () => {
  const arrays: ArrayTarget[] = [
    { fqdn: 'north.fabrikam.test', replaces: OLD, serverDn: serverDn('north.fabrikam.test') },
    { fqdn: 'south.fabrikam.test', replaces: ['FS2', 'fs2.fabrikam.test'] },
  ];
  const otto: AccountSpec = { alias: 'otto', home: 'FS2', fqdn: 'fs2.fabrikam.test', org: 'Other' };
  assert.deepEqual(verdicts(plan([nina, otto], { arrays }).plan), ['migrate', 'migrate']);
});

test('a store in another organisation is reported, not rewritten', () => {
  const { plan: found } = plan([
    {
      ...nina,
      stores: [
        { kind: 'private', server: 'FS1' },
        { kind: 'delegate', server: 'FS1', org: 'Other' },
      ],
    },
  ]);
  for (const name of ['001e660c', '001e6614', '001f662b'])
    assert.match(about(found, name).join(), /delegate-store report other-organisation/, name);
});

test('a store in another organisation moves to the array of that organisation', () => {
  const arrays: ArrayTarget[] = [
    { fqdn: ARRAY, replaces: OLD, serverDn: serverDn(ARRAY) },
    { fqdn: 'south.other.test', replaces: ['FS7'], serverDn: serverDn('south.other.test', 'Other') },
  ];
  const stores: AccountSpec['stores'] = [
    { kind: 'private', server: 'FS1' },
    { kind: 'delegate', server: 'FS7', org: 'Other' },
  ];
  const { plan: found } = plan([{ ...nina, unresolved: 'FS7', bindings: ['ncacn_http:FS7'], stores }], { arrays });
  for (const name of ['001e660c', '001e6614', '001f662b'])
    assert.match(about(found, name).join(), /delegate-store rewrite[^,]*south\.other\.test/, name);
  // The account itself has nothing to do with that array.
  assert.deepEqual(about(found, '001e6608'), ['account report other-organisation']);
  assert.deepEqual(about(found, '101e6613'), ['account leave not-mapped']);
});

test('an account that names the address book of the whole profile as its own', () => {
  const fixed = 'dca740c8c042101ab4b908002b2fe182';
  const build = (accounts: AccountSpec[]) => {
    const spec = { profiles: [{ name: 'P', accounts, sharedDirectoryServer: 'fs1.fabrikam.test' }] };
    const entries = buildEntries(spec).map((entry): RegEntry => {
      if (entry.kind !== 'value' || entry.value.name !== '01023d1a') return entry;
      return { kind: 'value', value: { ...entry.value, data: Buffer.from(fixed, 'hex') } };
    });
    const [snapshot] = snapshotsOf({ entries, codePage: undefined });
    assert.ok(snapshot);
    return snapshot;
  };
  const targets = { arrays: [{ fqdn: ARRAY, replaces: OLD }], proxies: new Map() };
  for (const accounts of [[nina], [nina, { ...nina, alias: 'otto' }]]) {
    const snapshot = build(accounts);
    const found = planMigration(snapshot, readProfiles(snapshot), { targets });
    assert.deepEqual(
      verdicts(found),
      accounts.map(() => 'migrate'),
    );
    assert.equal(found.patch.edits.filter(({ keyPath }) => keyPath.endsWith(fixed)).length, 1);
    const after = applyPatch(snapshot, found.patch);
    assert.deepEqual(planMigration(after, readProfiles(after), { targets }).patch.edits, []);
  }
});

test('an account whose DNs lie in two organisations is refused', () => {
  const snapshot = buildRegistry({ profiles: [{ name: 'P', accounts: [{ ...nina, global: 'copy' }] }] });
  const at = readProfiles(snapshot)[0]?.accounts[0]?.sections.find(({ role }) => role === 'account-global');
  const before = findValue(at?.key, '001e6612');
  assert.ok(at && before);
  const after = { ...before, data: stringData(serverDn('FS1', 'Other')) };
  const edits = [{ keyPath: at.keyPath, name: before.name, before, after }];
  const torn = applyPatch(snapshot, { rootPath: snapshot.rootPath, edits });
  const options = { targets: { arrays: [{ fqdn: ARRAY, replaces: OLD }], proxies: new Map() } };
  const found = planMigration(torn, readProfiles(torn), options);
  assert.deepEqual(verdicts(found), ['refuse unreadable-home']);
});

test('binding lists are rewritten in their layout and merged', () => {
  for (const pointerBytes of [4, 8] as const) {
    const bindings = [
      'ncacn_ip_tcp:FS1',
      'ncacn_ip_tcp:fs1.fabrikam.test',
      'ncacn_http:fs1.fabrikam.test[6001]',
      'ncacn_np:FS9',
      'odd',
    ];
    const { plan: found } = plan([{ ...nina, bindings }], {}, { pointerBytes });
    assert.deepEqual(about(found, '101e6613'), [
      `account rewrite-list ncacn_ip_tcp:${ARRAY}, ncacn_http:${ARRAY}[6001], ncacn_np:FS9, odd`,
    ]);
    const edit = found.patch.edits.find(({ name }) => name === '101e6613');
    assert.equal(edit?.after?.data.readUInt32LE(4), 4 + 4 * pointerBytes);
  }
});

test('the remembered Autodiscover address goes when it leads to an old server', () => {
  const url = (lastUrl: string) => about(plan([{ ...nina, lastUrl }]).plan, '001f664a');
  assert.deepEqual(url('https://FS1.fabrikam.test:443/autodiscover/autodiscover.xml'), [
    'account delete stale-address',
  ]);
  assert.deepEqual(url('https://autodiscover.fabrikam.test/autodiscover/autodiscover.xml'), [
    'account leave not-mapped',
  ]);
  assert.deepEqual(url('not a url'), ['account leave not-mapped']);
});

test('proxies have their own mapping, and the principal follows the proxy', () => {
  const account = { ...nina, proxy: 'owa.fabrikam.test', proxyPrincipal: 'msstd:owa.fabrikam.test', rpcOverHttp: true };
  const proxies = new Map([['owa.fabrikam.test', 'mail.fabrikam.test']]);
  assert.deepEqual(about(plan([account]).plan, '001f6622'), ['account leave proxy-not-mapped']);
  assert.deepEqual(about(plan([account], { proxies }).plan, '001f6622'), ['account rewrite mail.fabrikam.test']);
  assert.deepEqual(about(plan([account], { proxies }).plan, '001f6625'), ['account rewrite msstd:mail.fabrikam.test']);
  const otherPrincipal = { ...account, proxy: 'other.fabrikam.test' };
  assert.deepEqual(about(plan([otherPrincipal], { proxies }).plan, '001f6625'), ['account leave proxy-not-mapped']);
  const { snapshot } = plan([account]);
  const at = readProfiles(snapshot)[0]?.accounts[0]?.sections.find(({ role }) => role === 'account');
  const before = findValue(at?.key, '001f6622');
  assert.ok(at && before);
  const odd = { ...before, data: before.data.subarray(1) }; // not readable: it stays, and so must what follows it
  const edits = [{ keyPath: at.keyPath, name: before.name, before, after: odd }];
  const damaged = applyPatch(snapshot, { rootPath: snapshot.rootPath, edits });
  const options = { targets: { arrays: [{ fqdn: ARRAY, replaces: OLD }], proxies } };
  const found = planMigration(damaged, readProfiles(damaged), options);
  assert.deepEqual(about(found, '001f6622'), ['account report unreadable']);
  assert.deepEqual(about(found, '001f6625'), ['account leave proxy-not-mapped']);
  const named = { ...account, proxy: 'fs1.fabrikam.test' };
  assert.deepEqual(about(plan([named]).plan, '001f6622'), ['account report proxy-names-old-server']);
});

test('public folders stay unless they are given a server of their own', () => {
  const account: AccountSpec = {
    ...nina,
    stores: [
      { kind: 'private', server: 'FS1' },
      { kind: 'public', server: 'FS1', fqdn: 'fs1.fabrikam.test' },
    ],
  };
  assert.match(about(plan([account]).plan, '001e660c').join(), /public-store leave public-folder-store/);
  const { plan: found } = plan([account], { publicFolders: 'Mbx1.fabrikam.test' });
  assert.match(about(found, '001e660c').join(), /public-store rewrite Mbx1,/); // the old name was a short one
  assert.match(about(found, '001f662b').join(), /public-store rewrite Mbx1\.fabrikam\.test/);
  assert.match(
    about(found, '001e6614').join(),
    /public-store rewrite-dn \/o=Fabrikam.*\/cn=Servers\/cn=Mbx1\/cn=Microsoft Public MDB/,
  );
});

test('archives and stores of unknown kind are reported, never changed', () => {
  const { plan: found } = plan([{ ...nina, stores: [{ kind: 'archive', server: 'FS1' }] }]);
  assert.match(about(found, '001e660c').join(), /other-store report unknown-store/);
});

test('orphans and redirect hosts are reported', () => {
  const { plan: found } = planOf({
    profiles: [{ name: 'P', accounts: [nina], orphanServer: 'FS1' }],
    redirectServers: ['FS1.fabrikam.test', 'other.test'],
  });
  assert.match(about(found, '001e6602').join(), /orphan report orphan/);
  assert.deepEqual(
    found.settings.map(({ action, reason, old }) => `${action} ${reason} ${old}`),
    ['report redirect-host FS1.fabrikam.test'],
  );
});

test('targets of one account', () => {
  const snapshot = buildRegistry({ profiles: [{ name: 'P', accounts: [nina, { ...nina, alias: 'otto' }] }] });
  const found = planMigration(snapshot, readProfiles(snapshot), {
    targets: { arrays: [], proxies: new Map() },
    accountTargets: (_profile, account) =>
      account.smtpAddress?.startsWith('nina')
        ? { kind: 'arrays', arrays: [{ fqdn: ARRAY, replaces: OLD }] }
        : { kind: 'refuse', reason: 'autodiscover-failed', detail: 'no service' },
  });
  assert.deepEqual(verdicts(found), ['migrate', 'refuse autodiscover-failed']);
});

const names = fc.constantFrom(
  'FS1',
  'fs1.fabrikam.test',
  'FS2',
  'fs2.fabrikam.test',
  ARRAY,
  'FS10',
  'dc1.fabrikam.test',
);
const accountArbitrary: fc.Arbitrary<AccountSpec> = fc.record(
  {
    alias: fc.constantFrom('nina', 'FS1', 'otto'),
    home: names,
    fqdn: names,
    dnServer: names,
    unresolved: names,
    bindings: fc.array(
      names.map((name) => `ncacn_ip_tcp:${name}`),
      { maxLength: 3 },
    ),
    directoryServer: names,
    lastUrl: names.map((name) => `https://${name}/autodiscover/autodiscover.xml`),
    proxy: names,
    proxyPrincipal: names.map((name) => `msstd:${name}`),
    org: fc.constantFrom('Fabrikam', 'Fabrikam', 'Other'),
    stores: fc.array(
      fc.record({
        kind: fc.constantFrom('private', 'delegate', 'public', 'archive'),
        server: names,
        fqdn: names,
        org: fc.constantFrom('Fabrikam', 'Other'),
      }),
      { maxLength: 3 },
    ),
    global: fc.constantFrom('copy', 'only'),
  },
  { requiredKeys: ['alias', 'home'], noNullPrototype: true },
) as fc.Arbitrary<AccountSpec>;

test('whatever the profiles say: applied and inverted gives back every byte, and a second plan is empty', () => {
  const spec = fc.record({
    accounts: fc.array(accountArbitrary, { minLength: 1, maxLength: 3 }),
    shared: names,
    pointerBytes: fc.constantFrom(4 as const, 8 as const),
    replaces: fc.subarray(['FS1', 'fs1.fabrikam.test', 'FS2', 'fs2.fabrikam.test'], { minLength: 1 }),
    dn: fc.constantFrom(undefined, serverDn(ARRAY), serverDn('first.fabrikam.test')),
  });
  fc.assert(
    fc.property(spec, ({ accounts, shared, pointerBytes, replaces, dn }) => {
      const profile: ProfileSpec = {
        name: 'P',
        accounts,
        pointerBytes,
        sharedDirectoryServer: shared,
        orphanServer: 'FS1',
      };
      const { snapshot, plan: first } = planOf(
        { profiles: [profile] },
        { replaces, ...(dn === undefined ? {} : { dn }) },
      );
      const after = applyPatch(snapshot, first.patch);
      const back = applyPatch(after, invertPatch(first.patch));
      assert.deepEqual(diffSnapshots(snapshot, back), { edits: [], addedKeys: [], removedKeys: [] });
      const arrays = [{ fqdn: ARRAY, replaces, ...(dn === undefined ? {} : { serverDn: dn }) }];
      const options = { targets: { arrays, proxies: new Map() } };
      const second = planMigration(after, readProfiles(after), options);
      assert.deepEqual(second.patch.edits, []);
      // No section is half moved.
      const moved = new Set(first.patch.edits.map(({ keyPath }) => keyPath));
      for (const { section, old, property } of second.profiles.flatMap(decisionsOf)) {
        if (!moved.has(section.keyPath) || !/^PR_PROFILE_(?:HOME_|UNRESOLVED_)?SERVER/.test(property)) continue;
        const name = old.match(/\/cn=Servers\/cn=([^/]+)/)?.[1] ?? old;
        for (const server of replaces) assert.notEqual(name.toLowerCase(), server.toLowerCase(), property);
      }
      for (const { verdict, decisions } of first.profiles.flatMap((found) => found.accounts)) {
        if (verdict.kind !== 'migrate') assert.ok(decisions.every(({ edit }) => !edit));
      }
    }),
    { numRuns: 300 },
  );
});

test('a local Autodiscover file is reported', () => {
  const path = 'HKEY_CURRENT_USER\\Software\\Microsoft\\Office\\16.0\\Outlook\\AutoDiscover';
  const text = (name: string, data: string): RegEntry => ({
    kind: 'value',
    value: { name, type: RegType.SZ, data: stringData(data) },
  });
  const entries = [
    { kind: 'key' as const, path },
    text('fabrikam.test', 'C:\\xml\\answer.xml'),
    text('Other', 'C:\\x'),
    text('x.test', ''),
  ];
  const [snapshot] = snapshotsOf({ entries, codePage: undefined });
  assert.ok(snapshot);
  const { settings } = planMigration(snapshot, [], { targets: { arrays: [], proxies: new Map() } });
  assert.deepEqual(
    settings.map(({ reason, old }) => `${reason} ${old}`),
    ['local-file C:\\xml\\answer.xml'],
  );
});
