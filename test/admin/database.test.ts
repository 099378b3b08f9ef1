// `database` over the embedded directory: which databases are chosen, what is written to each, and what an administrator is told.
import assert from 'node:assert/strict';
import test from 'node:test';
import { parseLdif } from '../../src/ldap/ldif.ts';
import { DEMO_LDIF } from '../ldap/embedded/demo-directory.ts';
import { attribute, bench, databaseDn, mdb } from './bench.ts';
import { run } from './run-command.ts';

const SEA = 'outlook-sea.contoso.test';
const ALL = ['DUB-DB01', 'DUB-DB02', 'SEA-DB01', 'SEA-DB02', 'SEA-DB03'];

test('list tells what Outlook is told, and what is wrong', async (t) => {
  const { place } = await bench(t);
  const { out } = await run(['database', 'list', '--config', place.config, '--json']);
  const { databases } = JSON.parse(out);
  const short = databases.map((one: Record<string, unknown>) => [
    one.name,
    one.rpcClientAccessServer,
    one.kind,
    one.warning !== null,
  ]);
  assert.deepEqual(short, [
    ['DUB-DB01', 'outlook-dub.contoso.test', 'CAS array', false],
    ['DUB-DB02', 'outlook-dub.contoso.test', "fall-back: the site's CAS array", true],
    ['SEA-DB01', SEA, 'CAS array', false],
    ['SEA-DB02', 'sea-cas1.contoso.test', 'single server', true],
    ['SEA-DB03', SEA, "fall-back: the site's CAS array", true],
  ]);
  const dublin = await run(['database', 'list', '--config', place.config, '--site', 'dublin']);
  assert.match(dublin.out, /DUB-DB02/);
  assert.doesNotMatch(dublin.out, /^SEA-/m);
});

const choices: readonly (readonly [args: readonly string[], changed: readonly string[]])[] = [
  [['SEA-DB02'], ['SEA-DB02']],
  [
    ['sea-db02', databaseDn('SEA-DB03')],
    ['SEA-DB02', 'SEA-DB03'],
  ],
  [['SEA-DB02', 'SEA-DB02'], ['SEA-DB02']],
  [
    ['--site', 'Seattle'],
    ['SEA-DB02', 'SEA-DB03'],
  ],
  [['--all'], ['DUB-DB01', 'DUB-DB02', 'SEA-DB02', 'SEA-DB03']],
  [
    ['--all', '--site', 'Seattle'],
    ['SEA-DB02', 'SEA-DB03'],
  ],
  [['SEA-DB01'], []],
];
for (const [args, changed] of choices) {
  test(`set ${args.join(' ').slice(0, 60)} writes ${changed.join(', ') || 'nothing'}`, async (t) => {
    const { directory, place, write } = await bench(t);
    const before = new Map(ALL.map((name) => [name, attribute(directory, databaseDn(name), 'legacyExchangeDN')]));
    const set = await write(['database', 'set', ...args, '--rpc-client-access-server', SEA], 'undo.ldif');
    assert.equal(set.exitCode, 0, `${set.err}${set.error?.message}`);
    for (const name of ALL) {
      const wanted = changed.includes(name) ? [mdb(SEA)] : before.get(name);
      assert.deepEqual(attribute(directory, databaseDn(name), 'legacyExchangeDN'), wanted, name);
    }
    if (changed.length === 0) return;
    assert.equal((await write(['undo', place.path('undo.ldif')], 'redo.ldif')).exitCode, 0);
    for (const name of ALL)
      assert.deepEqual(attribute(directory, databaseDn(name), 'legacyExchangeDN'), before.get(name), name);
  });
}

const refused: readonly (readonly [args: readonly string[], code: number, why: RegExp])[] = [
  [['--rpc-client-access-server', SEA], 2, /which databases/],
  [['SEA-DB01', '--all', '--rpc-client-access-server', SEA], 2, /not both/],
  [['SEA-DB01'], 2, /rpc-client-access-server/],
  [
    ['SEA-DB99', '--rpc-client-access-server', SEA],
    1,
    /mailbox database "SEA-DB99": there is none; there are: DUB-DB01/,
  ],
  [['SEA-DB01', '--rpc-client-access-server', 'SEA-MBX1'], 1, /there is none; there are: .*SEA-CAS1/], // no Client Access role
  [['SEA-DB01', '--rpc-client-access-server', 'nobody.contoso.test'], 1, /there is none/],
  [['--site', 'Bergen', '--rpc-client-access-server', SEA], 1, /AD site "Bergen"/],
];
for (const [args, code, why] of refused) {
  test(`refuses database set ${args.join(' ')}`, async (t) => {
    const { directory, write } = await bench(t);
    const { exitCode, error } = await write(['database', 'set', ...args], 'undo.ldif');
    assert.equal(exitCode, code);
    assert.match(error?.message ?? '', why);
    assert.equal(directory.stats.writes, 0);
  });
}

/** The demo organisation with the server that owns Dublin's databases at another version of Exchange. */
const dublinAt = (major: number) =>
  parseLdif(DEMO_LDIF).map(({ dn, attributes }) => ({
    dn,
    attributes: attributes.map((one) =>
      one.name === 'versionNumber' && dn.startsWith('CN=DUB-MBX1,CN=Servers,')
        ? { ...one, values: [Buffer.from(String((7 << 28) | (major << 22) | (1 << 15)))] }
        : one,
    ),
  }));
for (const major of [6, 8, 15]) {
  test(`databases of Exchange ${major} are left as they are, and refused by name`, async (t) => {
    const { directory, write } = await bench(t, dublinAt(major));
    const before = ['DUB-DB01', 'DUB-DB02'].map((name) => attribute(directory, databaseDn(name), 'legacyExchangeDN'));
    const set = await write(['database', 'set', '--all', '--rpc-client-access-server', SEA], 'undo.ldif');
    assert.equal(set.exitCode, 0, set.error?.message);
    assert.match(set.out, /warning: DUB-DB01, DUB-DB02: owned by another version than Exchange 2010.*left as they are/);
    assert.deepEqual(attribute(directory, databaseDn('SEA-DB02'), 'legacyExchangeDN'), [mdb(SEA)]);
    for (const which of [
      ['DUB-DB01', 'SEA-DB03'],
      ['--site', 'Dublin'],
    ]) {
      const refused = await write(['database', 'set', ...which, '--rpc-client-access-server', SEA], 'no.ldif');
      assert.equal(refused.exitCode, 1);
      assert.match(refused.error?.message ?? '', /DUB-DB01.*: owned by another version/);
    }
    const after = ['DUB-DB01', 'DUB-DB02'].map((name) => attribute(directory, databaseDn(name), 'legacyExchangeDN'));
    assert.deepEqual(after, before);
  });
}

test('a single server and another site are warned about', async (t) => {
  const { write } = await bench(t);
  const set = await write(['database', 'set', 'DUB-DB01', '--rpc-client-access-server', 'SEA-CAS2'], 'undo.ldif');
  assert.equal(set.exitCode, 0);
  assert.match(set.out, /warning: SEA-CAS2 is a single server/);
  assert.match(set.out, /warning: DUB-DB01: the owning server is not in site Seattle/);
});
