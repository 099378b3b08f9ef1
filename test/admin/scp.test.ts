// `scp` over the embedded directory: publishing is idempotent, keeps what it was not asked to change, and can be undone.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Attribute, Change } from 'ldapts';
import { openSession } from '../../src/admin/controller-session.ts';
import { planPublishScp } from '../../src/admin/plan-scp.ts';
import { parseLdif } from '../../src/ldap/ldif.ts';
import { OrganizationIndex } from '../../src/ldap/organization-index.ts';
import {
  ADMIN_GROUP,
  CONFIGURATION,
  connect,
  DEMO_LDIF,
  PASSWORD,
  start,
  WRITER,
} from '../ldap/embedded/demo-directory.ts';
import { attribute, bench } from './bench.ts';
import { run, workplace } from './run-command.ts';

const URL_NEW = 'https://autodiscover.contoso.test/Autodiscover/Autodiscover.xml';
const GUID = '77378F46-2C66-4aa9-A6A6-3E7A48B19596';
const scp = (server: string) => `CN=${server},CN=Autodiscover,CN=Protocols,CN=${server},CN=Servers,${ADMIN_GROUP}`;
const url = 'serviceBindingInformation';

test('publish replaces the URL of one server, keeps its scope, and is idempotent', async (t) => {
  const { directory, place, write } = await bench(t);
  const publish = ['scp', 'publish', URL_NEW, '--server', 'sea-cas1'];
  const before = attribute(directory, scp('SEA-CAS1'), url);
  assert.equal((await write(publish, '1.ldif')).exitCode, 0);
  assert.deepEqual(attribute(directory, scp('SEA-CAS1'), url), [URL_NEW]);
  assert.deepEqual(attribute(directory, scp('SEA-CAS1'), 'keywords'), [GUID, 'Site=Seattle']);
  assert.match((await write(publish, '2.ldif')).out, /Nothing to do/);
  assert.equal((await write(['undo', place.path('1.ldif')], '3.ldif')).exitCode, 0);
  assert.deepEqual(attribute(directory, scp('SEA-CAS1'), url), before);
});

test('publish makes a missing SCP with its container; undo takes both away', async (t) => {
  const entries = parseLdif(DEMO_LDIF).filter(({ dn }) => !dn.includes('CN=Autodiscover,CN=Protocols,CN=DUB-CAS1'));
  const { directory, place, write } = await bench(t, entries);
  const size = directory.size;
  const made = await write(['scp', 'publish', URL_NEW, '--all-servers', '--site', 'dublin'], '1.ldif');
  assert.equal(made.exitCode, 0, made.err);
  assert.deepEqual(attribute(directory, scp('DUB-CAS1'), 'keywords'), [GUID, 'Site=Dublin']);
  assert.deepEqual(attribute(directory, scp('DUB-CAS1'), 'serviceDNSName'), ['DUB-CAS1']);
  assert.deepEqual(attribute(directory, scp('DUB-CAS1'), 'serviceClassName'), ['ms-Exchange-AutoDiscover-Service']);
  assert.deepEqual(attribute(directory, scp('SEA-CAS1'), 'keywords'), [GUID, 'Site=Dublin']);
  assert.equal((await write(['undo', place.path('1.ldif')], '2.ldif')).exitCode, 0);
  assert.equal(directory.size, size);
  assert.deepEqual(attribute(directory, scp('SEA-CAS1'), 'keywords'), [GUID, 'Site=Seattle']);
});

test('a service of its own gets an SCP that belongs to no server', async (t) => {
  const { directory, write } = await bench(t);
  assert.equal((await write(['scp', 'publish', URL_NEW, '--name', 'linux1'], '1.ldif')).exitCode, 0);
  const dn = `CN=linux1,CN=AutoDiscover,CN=Client Access,CN=Contoso,CN=Microsoft Exchange,CN=Services,${CONFIGURATION}`;
  assert.deepEqual(attribute(directory, dn, url), [URL_NEW]);
  assert.deepEqual(attribute(directory, dn, 'keywords'), [GUID]);
});

test('scope sets the sites of several SCPs, in the spelling of the directory, and can widen to the forest', async (t) => {
  const { directory, write } = await bench(t);
  assert.equal(
    (await write(['scp', 'scope', 'SEA-CAS1', 'SEA-CAS2', '--site', 'SEATTLE', 'dublin'], '1.ldif')).exitCode,
    0,
  );
  for (const server of ['SEA-CAS1', 'SEA-CAS2']) {
    assert.deepEqual(attribute(directory, scp(server), 'keywords'), [GUID, 'Site=Seattle', 'Site=Dublin']);
  }
  assert.equal((await write(['scp', 'scope', 'SEA-CAS1', '--whole-forest'], '2.ldif')).exitCode, 0);
  assert.deepEqual(attribute(directory, scp('SEA-CAS1'), 'keywords'), [GUID]);
});

test('a pointer sends domains of another forest there; it is changed, listed and removed', async (t) => {
  const directory = await start(t, {
    access: { readers: [], writers: [WRITER], writeBelow: `CN=Services,${CONFIGURATION}`, open: true },
  });
  const place = await workplace(t, { servers: [directory.url], password: PASSWORD });
  const write = (args: readonly string[], undo: string) =>
    run([
      ...args,
      '--config',
      place.config,
      '--user',
      WRITER,
      '--password-file',
      place.passwordFile,
      '--yes',
      '--undo-file',
      place.path(undo),
    ]);
  const dn = `CN=fabrikam.test,CN=Microsoft Exchange Autodiscover,CN=Services,${CONFIGURATION}`;
  assert.equal(
    (await write(['scp', 'point', 'LDAP://fabrikam.test', '--domain', 'fabrikam.test'], '1.ldif')).exitCode,
    0,
  );
  const again = ['scp', 'point', 'LDAP://dc1.fabrikam.test', '--domain', 'fabrikam.test', 'fabrikam-sales.test'];
  assert.equal((await write(again, '2.ldif')).exitCode, 0);
  assert.deepEqual(attribute(directory, dn, 'keywords'), [
    '67661d7F-8FC4-4fa7-BFAC-E1D7794C1F68',
    'Domain=fabrikam.test',
    'Domain=fabrikam-sales.test',
  ]);
  const listed = JSON.parse(
    (await run(['scp', 'list', '--config', place.config, '--json'])).out,
  ).serviceConnectionPoints;
  const pointer = listed.find(({ kind }: { kind: string }) => kind === 'pointer');
  assert.deepEqual(
    [pointer.target, pointer.domains],
    ['LDAP://dc1.fabrikam.test', ['fabrikam.test', 'fabrikam-sales.test']],
  );
  const scoped = await write(['scp', 'scope', 'fabrikam.test', '--whole-forest'], '3.ldif');
  assert.match(scoped.error?.message ?? '', /pointer to another forest/);
  assert.equal((await write(['scp', 'remove', 'fabrikam.test'], '4.ldif')).exitCode, 0);
  assert.equal(directory.findEntry(dn), undefined);
});

test('a point named twice is changed once; a server without the role is warned about', async (t) => {
  const { directory, write } = await bench(t);
  const twice = await write(['scp', 'publish', URL_NEW, '--server', 'SEA-CAS1', 'sea-cas1.contoso.test'], '1.ldif');
  assert.equal(twice.exitCode, 0, twice.err);
  assert.equal((await write(['scp', 'scope', 'SEA-CAS1', 'sea-cas1', '--whole-forest'], '2.ldif')).exitCode, 0);
  const mailbox = await write(['scp', 'publish', 'https://x.contoso.test/elsewhere', '--server', 'SEA-MBX1'], '3.ldif');
  assert.equal(mailbox.exitCode, 0, mailbox.err);
  assert.match(mailbox.out, /SEA-MBX1 has no Client Access role[\s\S]*expect the path/);
  assert.deepEqual(attribute(directory, scp('SEA-MBX1'), url), ['https://x.contoso.test/elsewhere']);
});

test('a site or a domain named twice is written once', async (t) => {
  const entries = parseLdif(DEMO_LDIF).filter(({ dn }) => !dn.includes('CN=Autodiscover,CN=Protocols,CN=DUB-CAS1'));
  const { directory, write } = await bench(t, entries);
  const twice = ['--site', 'Dublin', 'dublin'];
  const scoped = await write(['scp', 'scope', 'SEA-CAS1', ...twice], '1.ldif');
  assert.equal(scoped.exitCode, 0, scoped.err);
  const made = await write(['scp', 'publish', URL_NEW, '--server', 'DUB-CAS1', ...twice], '2.ldif');
  assert.equal(made.exitCode, 0, made.err);
  for (const server of ['SEA-CAS1', 'DUB-CAS1'])
    assert.deepEqual(attribute(directory, scp(server), 'keywords'), [GUID, 'Site=Dublin']);
  const pointed = ['scp', 'point', 'LDAP://x.test', '--domain', 'x.test', 'X.test', '--dry-run'];
  assert.match((await write(pointed, '3.ldif')).out, /\nkeywords: Domain=X\.test\nservice/);
});

test('publish gives a point that lost its keyword the keyword that clients search for', async (t) => {
  const { directory, place, write } = await bench(t);
  const other = await connect(t, directory, WRITER);
  const values = ['Site=Seattle'];
  const modification = new Attribute({ type: 'keywords', values });
  await other.modify(scp('SEA-CAS1'), new Change({ operation: 'replace', modification }));
  assert.equal((await write(['scp', 'publish', URL_NEW, '--server', 'SEA-CAS1'], '1.ldif')).exitCode, 0);
  assert.deepEqual(attribute(directory, scp('SEA-CAS1'), 'keywords')?.toSorted(), [GUID, 'Site=Seattle']);
  assert.equal((await write(['undo', place.path('1.ldif')], '2.ldif')).exitCode, 0);
  assert.deepEqual(attribute(directory, scp('SEA-CAS1'), 'keywords'), values);
});

test('a name that something else has is refused: a container, a pointer', async (t) => {
  const { directory, write } = await bench(t);
  const container = await write(['scp', 'publish', URL_NEW, '--name', 'Outlook'], '1.ldif');
  assert.match(container.error?.message ?? '', /CN=Outlook,.* is no service connection point: choose another name/);
  const other = await connect(t, directory, WRITER);
  const modification = new Attribute({ type: 'keywords', values: ['67661d7F-8FC4-4fa7-BFAC-E1D7794C1F68'] });
  await other.modify(scp('SEA-CAS1'), new Change({ operation: 'replace', modification }));
  const pointer = await write(['scp', 'publish', URL_NEW, '--server', 'SEA-CAS1'], '2.ldif');
  assert.match(pointer.error?.message ?? '', /is a pointer to another forest/);
  assert.deepEqual([container.exitCode, pointer.exitCode, directory.stats.writes], [1, 1, 1]);
});

test('a point that the directory spells otherwise than this program is changed once', async (t) => {
  const { directory } = await bench(t);
  const options = { url: directory.url, startTls: false, ca: undefined, tlsServerName: undefined };
  const limits = { connectTimeoutMs: 5_000, operationTimeoutMs: 5_000 };
  const { writer, index } = await openSession({ ...options, ...limits }, WRITER, PASSWORD);
  t.after(() => writer.close());
  const { organization } = index;
  const serviceConnectionPoints = organization.serviceConnectionPoints.map((point) => ({
    ...point,
    distinguishedName: point.distinguishedName.replace('CN=Contoso,', 'CN=\\43ontoso,'),
  }));
  const wish = { url: URL_NEW, servers: [], all: true, name: undefined, sites: undefined };
  const respelled = new OrganizationIndex({ ...organization, serviceConnectionPoints });
  const { changes } = await planPublishScp({ writer, index: respelled }, wish);
  assert.deepEqual(changes.map(({ dn }) => dn.split(',')[0]).sort(), ['CN=DUB-CAS1', 'CN=SEA-CAS1', 'CN=SEA-CAS2']);
});

test('removing the last SCP with a URL is warned about', async (t) => {
  const { write } = await bench(t);
  for (const [at, name] of ['SEA-CAS1', 'SEA-CAS2', 'DUB-CAS1'].entries()) {
    const removed = await write(['scp', 'remove', name], `${at}.ldif`);
    assert.equal(removed.exitCode, 0);
    assert.equal(/warning: it is the last one/.test(removed.out), at === 2);
  }
});

const refused: readonly (readonly [args: readonly string[], code: number, why: RegExp])[] = [
  [['publish', URL_NEW], 2, /where is the URL to be published/],
  [['publish', URL_NEW, '--all-servers', '--name', 'x'], 2, /Give one of/],
  [
    ['publish', 'http://autodiscover.contoso.test/Autodiscover/Autodiscover.xml', '--all-servers'],
    1,
    /https URLs with a path only/,
  ],
  [['publish', 'autodiscover.contoso.test', '--all-servers'], 1, /https URLs with a path only/],
  [['publish', 'https://autodiscover.contoso.test', '--name', 'x'], 1, /https URLs with a path only/], // no path
  [['publish', URL_NEW, '--server', 'nobody'], 1, /Exchange server "nobody": there is none/],
  [['publish', URL_NEW, '--all-servers', '--site', 'Bergen'], 1, /AD site "Bergen"/],
  [['publish', URL_NEW, '--name', 'x'.repeat(65)], 1, /64 are allowed/],
  [['scope', 'SEA-CAS1'], 2, /--site SITE... or --whole-forest/],
  [['scope', 'SEA-CAS1', '--site', 'Dublin', '--whole-forest'], 2, /either/],
  [['scope', 'nobody', '--whole-forest'], 1, /service connection point "nobody": there is none/],
  [['remove', 'nobody'], 1, /there is none/],
  [['point', 'https://fabrikam.test', '--domain', 'fabrikam.test'], 1, /no LDAP URL/],
  [['point', 'LDAP://fabrikam.test', '--domain', 'fabrikam'], 1, /no mail domain/],
];
for (const [args, code, why] of refused) {
  test(`refuses scp ${args.join(' ').slice(0, 90)}`, async (t) => {
    const { directory, write } = await bench(t);
    const { exitCode, error } = await write(['scp', ...args], 'undo.ldif');
    assert.equal(exitCode, code);
    assert.match(error?.message ?? '', why);
    assert.equal(directory.stats.writes, 0);
  });
}
