// `array` over the embedded directory: what is written, what is refused and why, and that the undo brings everything back.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { parseLdif } from '../../src/ldap/ldif.ts';
import {
  ADMIN_GROUP,
  connect,
  DEMO_LDIF,
  LEGACY_ADMIN_GROUP,
  PASSWORD,
  WRITER,
} from '../ldap/embedded/demo-directory.ts';
import { attribute, bench } from './bench.ts';
import { run } from './run-command.ts';

const ARRAYS = `CN=Arrays,${ADMIN_GROUP}`;
const SITES = 'CN=Sites,CN=Configuration,DC=contoso,DC=test';
const SERVERS = `${LEGACY_ADMIN_GROUP}/cn=Configuration/cn=Servers`;

/** The demo with a further site, Oslo, that has neither servers nor an array. */
const withOslo = (ldif = DEMO_LDIF) => [
  ...parseLdif(ldif),
  { dn: `CN=Oslo,${SITES}`, attributes: [{ name: 'objectClass', values: [Buffer.from('site')] }] },
];

test('create writes the array as Exchange does, and its undo takes it away', async (t) => {
  const { directory, place, write } = await bench(t, withOslo());
  const size = directory.size;
  const made = await write(['array', 'create', 'outlook-oslo.contoso.test', '--site', 'oslo', '--no-dns'], 'undo.ldif');
  assert.equal(made.exitCode, 0, made.err);
  const dn = `CN=outlook-oslo,${ARRAYS}`;
  assert.deepEqual(attribute(directory, dn, 'objectClass'), [
    'top',
    'server',
    'msExchExchangeServer',
    'msExchClientAccessArray',
  ]);
  assert.deepEqual(attribute(directory, dn, 'networkAddress'), ['ncacn_ip_tcp:outlook-oslo.contoso.test']);
  assert.deepEqual(attribute(directory, dn, 'msExchServerSite'), [`CN=Oslo,${SITES}`]);
  assert.deepEqual(attribute(directory, dn, 'legacyExchangeDN'), [`${SERVERS}/cn=outlook-oslo.contoso.test`]);
  assert.deepEqual(attribute(directory, dn, 'msExchVersion'), ['4535486012416']);
  assert.deepEqual(attribute(directory, dn, 'systemFlags'), ['1073741824']);
  assert.ok(
    made.out.indexOf('changetype: add') < made.out.indexOf('done  add'),
    'the change is shown before it is made',
  );
  assert.match(made.out, /warning: site Oslo has no Exchange 2010 Client Access server/);
  const undone = await write(['undo', place.path('undo.ldif')], 'redo.ldif');
  assert.equal(undone.exitCode, 0, undone.err);
  assert.equal(directory.size, size);
  // And the undo can itself be undone.
  assert.equal((await write(['undo', place.path('redo.ldif')], 'undo2.ldif')).exitCode, 0);
  assert.deepEqual(attribute(directory, dn, 'networkAddress'), ['ncacn_ip_tcp:outlook-oslo.contoso.test']);
});

test('the container is created where the organisation lacks it', async (t) => {
  const entries = withOslo().filter(({ dn }) => !dn.includes('CN=Arrays,'));
  const { directory, place, write } = await bench(t, entries);
  const made = await write(
    ['array', 'create', 'outlook.contoso.test', '--site', 'Seattle', '--name', 'Seattle, all', '--no-dns'],
    'undo.ldif',
  );
  assert.equal(made.exitCode, 0, made.err);
  assert.deepEqual(attribute(directory, ARRAYS, 'objectClass'), ['top', 'container']);
  assert.deepEqual(attribute(directory, `CN=Seattle\\, all,${ARRAYS}`, 'cn'), ['Seattle, all']);
  assert.equal((await write(['undo', place.path('undo.ldif')], 'redo.ldif')).exitCode, 0);
  assert.equal(directory.findEntry(ARRAYS), undefined);
});

const refused: readonly (readonly [args: readonly string[], why: RegExp])[] = [
  [
    ['create', 'x.contoso.test', '--site', 'Seattle'],
    /site Seattle has the CAS array "Seattle CAS Array".*one at most/,
  ],
  [
    ['create', 'x.contoso.test', '--site', 'Bergen'],
    /AD site "Bergen": there is none; there are: Dublin, Oslo, Seattle/,
  ],
  [['create', 'outlook', '--site', 'Oslo'], /short name/],
  [['create', 'x.contoso.test', '--site', 'Oslo', '--name', 'y'.repeat(65)], /64 are allowed/],
  [
    ['create', 'x.contoso.test', '--site', 'Oslo', '--name', 'casarray-DUBLIN'],
    /name "casarray-DUBLIN" is taken by the CAS array/,
  ],
  [['create', 'x.contoso.test', '--site', 'Oslo', '--name', 'sea-cas1'], /taken by the server/],
  [
    ['create', 'SEA-CAS1.contoso.test', '--site', 'Oslo', '--name', 'x'],
    /FQDN SEA-CAS1.contoso.test is taken by the server/,
  ],
  [['create', 'Outlook-Dub.contoso.test', '--site', 'Oslo'], /FQDN .* is taken by the CAS array/],
  [['set', 'casarray-dublin', '--site', 'Seattle'], /site Seattle has the CAS array/],
  [['set', 'casarray-dublin', '--name', 'Seattle CAS Array'], /is taken by the CAS array/],
  [['set', 'casarray-dublin', '--fqdn', '10.0.0.1'], /address/],
  [
    ['set', 'nobody', '--name', 'x'],
    /CAS array "nobody": there is none; there are: casarray-dublin, Seattle CAS Array/,
  ],
  [['remove', 'casarray-dublin'], /databases name it \(DUB-DB01\).*database set DUB-DB01/],
  [['remove', 'SEA-CAS1'], /there is none/], // a server is no array
];
for (const [args, why] of refused) {
  test(`refuses array ${args.join(' ').slice(0, 90)}`, async (t) => {
    const { directory, place, write } = await bench(t, withOslo());
    const { exitCode, error } = await write(['array', ...args], 'undo.ldif');
    assert.equal(exitCode, 1);
    assert.match(error?.message ?? '', why);
    assert.equal(directory.stats.writes, 0);
    assert.equal(existsSync(place.path('undo.ldif')), false);
  });
}

const identities = [
  'Seattle CAS Array',
  'OUTLOOK-SEA.contoso.test',
  `CN=Seattle CAS Array,${ARRAYS}`,
  `cn=seattle cas array, ${ARRAYS}`,
  `${SERVERS}/cn=Outlook-Sea.contoso.test`,
];
for (const identity of identities) {
  test(`an array is found by ${identity.slice(0, 60)}`, async (t) => {
    const { directory, write } = await bench(t, withOslo());
    const set = await write(['array', 'set', identity, '--fqdn', 'new.contoso.test', '--no-dns'], 'undo.ldif');
    assert.equal(set.exitCode, 0, `${set.err}${set.error?.message}`);
    assert.deepEqual(attribute(directory, `CN=Seattle CAS Array,${ARRAYS}`, 'networkAddress'), [
      'ncacn_ip_tcp:new.contoso.test',
    ]);
    assert.deepEqual(attribute(directory, `CN=Seattle CAS Array,${ARRAYS}`, 'legacyExchangeDN'), [
      `${SERVERS}/cn=outlook-sea.contoso.test`,
    ]);
  });
}

test('an array is found by its GUID, in braces too', async (t) => {
  const { place, write } = await bench(t, withOslo());
  const listed = JSON.parse((await run(['array', 'list', '--config', place.config, '--json'])).out);
  const { guid } = listed.arrays[0];
  assert.match(guid, /^[0-9a-f-]{36}$/);
  assert.equal(
    (await write(['array', 'set', `{${guid.toUpperCase()}}`, '--name', 'a', '--dry-run'], 'u.ldif')).exitCode,
    0,
  );
});

test('set changes name, FQDN and site together, and undoes them together', async (t) => {
  const { directory, place, write } = await bench(t, withOslo());
  const before = directory.findEntry(`CN=casarray-dublin,${ARRAYS}`)?.attributes.get('networkAddress');
  const set = await write(
    [
      'array',
      'set',
      'casarray-dublin',
      '--name',
      'Oslo',
      '--fqdn',
      'outlook-oslo.contoso.test',
      '--site',
      'Oslo',
      '--no-dns',
    ],
    'undo.ldif',
  );
  assert.equal(set.exitCode, 0, set.err);
  assert.deepEqual(attribute(directory, `CN=Oslo,${ARRAYS}`, 'msExchServerSite'), [`CN=Oslo,${SITES}`]);
  assert.equal((await write(['undo', place.path('undo.ldif')], 'redo.ldif')).exitCode, 0);
  assert.deepEqual(directory.findEntry(`CN=casarray-dublin,${ARRAYS}`)?.attributes.get('networkAddress'), before);
});

test('an array made without systemFlags is not renamed, and it is said why', async (t) => {
  const entries = withOslo(DEMO_LDIF).map((record) =>
    record.dn.startsWith('CN=casarray-dublin')
      ? { ...record, attributes: record.attributes.filter(({ name }) => name !== 'systemFlags') }
      : record,
  );
  const { write } = await bench(t, entries);
  const { error } = await write(['array', 'set', 'casarray-dublin', '--name', 'x'], 'undo.ldif');
  assert.match(error?.message ?? '', /systemFlags/);
});

test('nothing is written when everything stands as asked', async (t) => {
  const { directory, place, write } = await bench(t, withOslo());
  const set = await write(
    [
      'array',
      'set',
      'casarray-dublin',
      '--fqdn',
      'outlook-dub.contoso.test',
      '--site',
      'Dublin',
      '--name',
      'casarray-dublin',
    ],
    'undo.ldif',
  );
  assert.equal(set.exitCode, 0);
  assert.match(set.out, /Nothing to do/);
  assert.equal(directory.stats.writes, 0);
  assert.equal(existsSync(place.path('undo.ldif')), false);
});

test('remove deletes an array that no database names; undo brings it back', async (t) => {
  const { directory, place, write } = await bench(t, withOslo());
  assert.equal(
    (await write(['database', 'set', 'DUB-DB01', '--rpc-client-access-server', 'DUB-CAS1'], 'a.ldif')).exitCode,
    0,
  );
  assert.equal((await write(['array', 'remove', 'casarray-dublin'], 'b.ldif')).exitCode, 0);
  assert.equal(directory.findEntry(`CN=casarray-dublin,${ARRAYS}`), undefined);
  assert.equal((await write(['undo', place.path('b.ldif')], 'c.ldif')).exitCode, 0);
  assert.deepEqual(attribute(directory, `CN=casarray-dublin,${ARRAYS}`, 'networkAddress'), [
    'ncacn_ip_tcp:outlook-dub.contoso.test',
  ]);
});

test('an array that is changed between the question and the answer is not removed', async (t) => {
  const { directory, place, write } = await bench(t, withOslo());
  await write(['database', 'set', 'DUB-DB01', '--rpc-client-access-server', 'DUB-CAS1'], 'a.ldif');
  const other = await connect(t, directory, WRITER);
  const removed = await write(['array', 'remove', 'casarray-dublin'], 'b.ldif', {
    answer: async () => {
      await other.modifyDN(`CN=casarray-dublin,${ARRAYS}`, 'CN=renamed');
      return 'yes';
    },
  });
  assert.equal(removed.exitCode, 1);
  assert.match(removed.error?.message ?? '', /CAS array "casarray-dublin": there is none; there are: renamed/);
  assert.ok(directory.findEntry(`CN=renamed,${ARRAYS}`));
  assert.deepEqual(
    readdirSync(place.folder).filter((name) => name === 'b.ldif'),
    [],
  );
});

test('the rules are checked again after the question: databases that name the array by then keep it', async (t) => {
  const { directory, write } = await bench(t, withOslo());
  await write(['database', 'set', 'DUB-DB01', '--rpc-client-access-server', 'DUB-CAS1'], 'a.ldif');
  const removed = await write(['array', 'remove', 'casarray-dublin'], 'b.ldif', {
    answer: async () => {
      await write(['database', 'set', 'DUB-DB02', '--rpc-client-access-server', 'casarray-dublin'], 'c.ldif');
      return 'yes';
    },
  });
  assert.equal(removed.exitCode, 1);
  assert.match(removed.error?.message ?? '', /databases name it \(DUB-DB02\)/);
  assert.ok(directory.findEntry(`CN=casarray-dublin,${ARRAYS}`));
});

test('of two arrays that replication made of one, either can be removed though databases name both', async (t) => {
  const original = parseLdif(DEMO_LDIF).find(({ dn }) => dn.startsWith('CN=casarray-dublin,')) ?? assert.fail();
  const dn = original.dn.replace('casarray-dublin', 'casarray-dublin\\0ACNF:550e8400-e29b-41d4-a716-446655440000');
  const attributes = original.attributes.filter(({ name }) => !['cn', 'objectGUID'].includes(name));
  const { directory, place, write } = await bench(t, [...withOslo(), { dn, attributes }]);
  const removed = await write(['array', 'remove', dn], '1.ldif');
  assert.equal(removed.exitCode, 0, removed.error?.message);
  assert.match(
    removed.out,
    /warning: databases name it \(DUB-DB01\); from now on they mean CN=casarray-dublin,CN=Arrays/,
  );
  assert.equal(directory.findEntry(dn), undefined);
  const last = await write(['array', 'remove', 'casarray-dublin'], '2.ldif');
  assert.match(last.error?.message ?? '', /databases name it \(DUB-DB01\); their users/);
  assert.equal((await write(['undo', place.path('1.ldif')], '3.ldif')).exitCode, 0);
  assert.ok(directory.findEntry(dn));
});

test('a name that changes by its letters only is changed, and its undo changes it back', async (t) => {
  const { directory, place, write } = await bench(t);
  const spelled = () => directory.findEntry(`CN=casarray-dublin,${ARRAYS}`)?.attributes.get('cn')?.map(String);
  assert.equal((await write(['array', 'set', 'casarray-dublin', '--name', 'CasArray-Dublin'], '1.ldif')).exitCode, 0);
  assert.deepEqual(spelled(), ['CasArray-Dublin']);
  const undone = await write(['undo', place.path('1.ldif')], '2.ldif');
  assert.equal(undone.exitCode, 0, undone.err);
  assert.deepEqual(spelled(), ['casarray-dublin']);
  assert.match((await write(['undo', place.path('1.ldif')], '3.ldif')).out, /Nothing to do/);
});

test('the undo file says what, when, where and as whom, and is not readable by others', async (t) => {
  const { place, write } = await bench(t, withOslo());
  await write(['array', 'set', 'casarray-dublin', '--fqdn', 'x.contoso.test', '--no-dns'], 'undo.ldif');
  const text = readFileSync(place.path('undo.ldif'), 'utf8');
  assert.match(
    text,
    /^# Undoes: change CAS array casarray-dublin\n# Made: \d{4}-\S+Z on ldap:\/\/127\.0\.0\.1:\d+ as CN=svc-exchadmin/,
  );
  assert.doesNotMatch(text, new RegExp(PASSWORD));
  writeFileSync(place.path('taken.ldif'), 'precious');
  const refusedWrite = await write(
    ['array', 'set', 'casarray-dublin', '--fqdn', 'y.contoso.test', '--no-dns'],
    'taken.ldif',
  );
  assert.equal(refusedWrite.exitCode, 2);
  assert.match(refusedWrite.error?.message ?? '', /never overwritten.*Nothing was changed/);
  assert.equal(readFileSync(place.path('taken.ldif'), 'utf8'), 'precious');
});
