// `policy`: what it prints is what the profile migrator reads.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { parseLdif } from '../../src/ldap/ldif.ts';
import { parsePolicy } from '../../src/profile-migrator/plan/policy-file.ts';
import { DEMO_LDIF, LEGACY_ADMIN_GROUP } from '../ldap/embedded/demo-directory.ts';
import { bench } from './bench.ts';
import { run } from './run-command.ts';

test('each array replaces the short names and FQDNs of its members, and the migrator takes the file', async () => {
  const { out, err, exitCode } = await run(['policy', '--demo', '--until', '2027-03-31']);
  assert.equal(exitCode, 0);
  assert.equal(err, '');
  const { targets, until } = parsePolicy(out, 'policy.json');
  assert.deepEqual(targets.arrays, [
    {
      fqdn: 'outlook-dub.contoso.test',
      serverDn: `${LEGACY_ADMIN_GROUP}/cn=Configuration/cn=Servers/cn=outlook-dub.contoso.test`,
      replaces: ['DUB-CAS1', 'dub-cas1.contoso.test'],
    },
    {
      fqdn: 'outlook-sea.contoso.test',
      serverDn: `${LEGACY_ADMIN_GROUP}/cn=Configuration/cn=Servers/cn=outlook-sea.contoso.test`,
      replaces: ['SEA-CAS1', 'sea-cas1.contoso.test', 'SEA-CAS2', 'sea-cas2.contoso.test'],
    },
  ]);
  assert.equal(until?.toISOString(), '2027-03-31T23:59:59.000Z');
});

test('one array alone, into a new file that is never overwritten', async (t) => {
  const { place } = await bench(t);
  const args = ['policy', '--config', place.config, '--array', 'casarray-dublin', '--out', place.path('policy.json')];
  assert.equal((await run(args)).exitCode, 0);
  const text = readFileSync(place.path('policy.json'), 'utf8');
  assert.deepEqual(
    parsePolicy(text, 'policy.json').targets.arrays.map(({ fqdn }) => fqdn),
    ['outlook-dub.contoso.test'],
  );
  const other = ['policy', '--config', place.config, '--json', '--out', place.path('other.json')];
  const told = JSON.parse((await run(other)).out);
  assert.deepEqual([told.file, told.policy.arrays.length], [place.path('other.json'), 2]);
  const again = await run(args);
  assert.equal(again.exitCode, 2);
  assert.equal(readFileSync(place.path('policy.json'), 'utf8'), text);
});

test('arrays that replace the same names are left out, because the migrator takes no such file', async (t) => {
  const entries = parseLdif(DEMO_LDIF).map((record) => ({
    dn: record.dn,
    attributes: record.attributes.map((one) =>
      one.name === 'msExchServerSite' && record.dn.startsWith('CN=casarray-dublin,')
        ? { ...one, values: [Buffer.from('CN=Seattle,CN=Sites,CN=Configuration,DC=contoso,DC=test')] }
        : one,
    ),
  }));
  const { place } = await bench(t, entries);
  const both = await run(['policy', '--config', place.config]);
  assert.equal(both.exitCode, 1);
  assert.match(both.err, /outlook-dub\.contoso\.test is left out: another array replaces the same names/);
  const { out, exitCode } = await run(['policy', '--config', place.config, '--array', 'casarray-dublin']);
  assert.equal(exitCode, 0);
  assert.equal(parsePolicy(out, 'policy.json').targets.arrays.length, 1);
});

test('an array whose FQDN changed keeps the server DN that profiles know', async (t) => {
  const { place, write } = await bench(t);
  await write(['array', 'set', 'casarray-dublin', '--fqdn', 'outlook9.contoso.test', '--no-dns'], 'u.ldif');
  const { out } = await run(['policy', '--config', place.config, '--array', 'casarray-dublin']);
  const [array] = parsePolicy(out, 'policy.json').targets.arrays;
  assert.deepEqual(
    [array?.fqdn, array?.serverDn?.endsWith('/cn=outlook-dub.contoso.test')],
    ['outlook9.contoso.test', true],
  );
});

for (const [flags, why, code] of [
  [['--until', 'tomorrow'], /must be a day/, 2],
  [['--until', '2027-02-30'], /must be a day/, 2],
  [['--array', 'nobody'], /CAS array "nobody": there is none/, 1],
] as const) {
  test(`refuses policy ${flags.join(' ')}`, async () => {
    const { exitCode, error } = await run(['policy', '--demo', ...flags]);
    assert.equal(exitCode, code);
    assert.match(error?.message ?? '', why);
  });
}

test('an array without members is left out, and it is said', async (t) => {
  const oslo = {
    dn: 'CN=Oslo,CN=Sites,CN=Configuration,DC=contoso,DC=test',
    attributes: [{ name: 'objectClass', values: [Buffer.from('site')] }],
  };
  const { place, write } = await bench(t, [...parseLdif(DEMO_LDIF), oslo]);
  assert.equal((await write(['array', 'set', 'casarray-dublin', '--site', 'Oslo'], 'a.ldif')).exitCode, 0);
  const { out, err } = await run(['policy', '--config', place.config]);
  assert.match(err, /casarray-dublin is left out: it has no members/);
  assert.deepEqual(
    parsePolicy(out, 'policy.json').targets.arrays.map(({ fqdn }) => fqdn),
    ['outlook-sea.contoso.test'],
  );
  const alone = await run(['policy', '--config', place.config, '--array', 'casarray-dublin']);
  assert.equal(alone.exitCode, 1);
  assert.match(alone.error?.message ?? '', /nothing to migrate/);
});

test('a server that lost its RPC service is no member, and its name is replaced all the same', async (t) => {
  const entries = parseLdif(DEMO_LDIF).filter(
    ({ dn }) => !dn.startsWith('CN=RpcClientAccess,CN=Protocols,CN=SEA-CAS2,'),
  );
  const { place } = await bench(t, entries);
  const { out } = await run(['array', 'list', '--config', place.config, '--json']);
  const { arrays }: { arrays: { fqdn: string; members: { name: string }[] }[] } = JSON.parse(out);
  const members = arrays.find(({ fqdn }) => fqdn.startsWith('outlook-sea'))?.members.map(({ name }) => name);
  assert.deepEqual(members, ['SEA-CAS1']);
  const policy = await run(['policy', '--config', place.config, '--array', 'Seattle CAS Array']);
  const [array] = parsePolicy(policy.out, 'policy.json').targets.arrays;
  assert.ok(array?.replaces.includes('sea-cas2.contoso.test'), policy.out);
});
