// The administrators' commands against a real domain controller: an array is made, databases are associated, an SCP is published, a
// running service answers the new name, and undoing all of it leaves the directory as it was, but for USNs and times.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Attribute, Change, Client } from 'ldapts';
import { carryOut } from '../../src/admin/carry-out.ts';
import { type ControllerSession, openSession } from '../../src/admin/controller-session.ts';
import type { Plan } from '../../src/admin/plan.ts';
import { planCreateArray } from '../../src/admin/plan-array.ts';
import { planSetDatabases } from '../../src/admin/plan-database.ts';
import { startService } from '../../src/autodiscover/commands/service.ts';
import { configSchema } from '../../src/autodiscover/config-schema.ts';
import { createLogger } from '../../src/autodiscover/log.ts';
import { labCertificate } from '../../src/autodiscover/tls/lab-certificate.ts';
import { formatLdif, type LdifRecord, parseLdif, text } from '../../src/ldap/ldif.ts';
import { type Run, type RunOptions, run, type Workplace, workplace } from '../admin/run-command.ts';
import { labSuite } from './requirements.ts';
import { READER, WRITER } from './samba/directory-plan.ts';
import { addPermission } from './samba/permission.ts';
import { type SambaLab, startSambaLab } from './samba/samba-lab.ts';

const exec = promisify(execFile);
const DEMO = join(import.meta.dirname, '..', '..', 'demo', 'contoso.ldif');
const ARRAY = 'outlook-dub.contoso.test';
const URL_NEW = 'https://autodiscover.contoso.test/Autodiscover/Autodiscover.xml';

/** The demo organisation without Dublin's array, its database on a single server: what the commands are to mend. */
function withoutDublinArray(): string {
  const records = parseLdif(readFileSync(DEMO, 'utf8')).filter(({ dn }) => !dn.startsWith('CN=casarray-dublin,'));
  const mended = records.map((record): LdifRecord => {
    if (!record.dn.startsWith('CN=DUB-DB01,CN=Databases')) return record;
    const attributes = record.attributes.map((attribute) =>
      attribute.name === 'legacyExchangeDN'
        ? { ...attribute, values: attribute.values.map((v) => Buffer.from(v.toString().replace(ARRAY, 'DUB-CAS1'))) }
        : attribute,
    );
    return { ...record, attributes };
  });
  return formatLdif(mended);
}

labSuite('Administrators commands on Samba', ['samba'], () => {
  let lab: SambaLab;
  let place: Workplace;
  let folder: string;
  const cleaners: (() => unknown)[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'admin-lab-'));
    writeFileSync(join(folder, 'organisation.ldif'), withoutDublinArray());
    lab = await startSambaLab({ ldif: join(folder, 'organisation.ldif') });
    place = await workplace(
      { after: (clean) => void cleaners.push(clean as () => unknown) },
      { servers: [lab.ldapsUrl], bindDn: `${READER}@contoso.test`, password: lab.password, caFile: lab.caFile },
    );
  });
  after(async () => {
    await lab?.stop();
    for (const clean of cleaners) await clean();
    rmSync(folder, { recursive: true, force: true });
  });

  const writer = (undo: string, account = WRITER) => [
    '--config',
    place.config,
    '--user',
    `${account}@contoso.test`,
    '--password-file',
    place.passwordFile,
    '--undo-file',
    place.path(undo),
  ];
  const write = (args: readonly string[], undo: string, options: RunOptions = {}) =>
    run([...args, ...writer(undo), ...(options.answer ? [] : ['--yes'])], options);
  const succeed = ({ exitCode, out, err, error }: Run) => {
    assert.equal(exitCode, 0, `${out}\n${err}\n${error?.message}`);
    return out;
  };

  /** Every entry of the configuration and domain partitions with every attribute, but for what a write changes by itself. */
  async function contents(): Promise<ReadonlyMap<string, string>> {
    writeFileSync(join(folder, 'admin-password'), lab.adminPassword, { mode: 0o600 });
    const found = new Map<string, string>();
    for (const base of [`CN=Configuration,${lab.domain.baseDn}`, lab.domain.baseDn]) {
      const bind = ['-x', '-H', lab.ldapsUrl, '-D', 'Administrator@contoso.test', '-y', join(folder, 'admin-password')];
      const ask = [
        '-LLL',
        '-o',
        'ldif-wrap=no',
        '-E',
        'pr=500/noprompt',
        '-b',
        base,
        '(objectClass=*)',
        '*',
        'nTSecurityDescriptor',
      ];
      const { stdout } = await exec('ldapsearch', [...bind, ...ask], {
        env: { ...process.env, LDAPTLS_CACERT: lab.caFile },
        maxBuffer: 256 << 20,
      });
      // Logons of the test's own accounts are recorded on them; they are no work of the commands.
      const moving =
        /^(uSNChanged|uSNCreated|whenChanged|dSCorePropagationData|replUpToDateVector|lastLogon\w*|logonCount|badP\w+|rIDNextRID|rIDPreviousAllocationPool|modifiedCount\w*)$/i;
      for (const { dn, attributes } of parseLdif(stdout.replace(/^ref: .*$/gm, ''))) {
        const lines = attributes
          .filter(({ name }) => !moving.test(name))
          .flatMap(({ name, values }) => values.map((value) => `${name}:${value.toString('base64')}`));
        found.set(dn, lines.sort().join('\n'));
      }
    }
    assert.ok(found.size > 100, 'the whole directory is read');
    return found;
  }

  async function startAnswering() {
    const { certificateFile, keyFile, caFile } = await labCertificate(folder, [
      'autodiscover.contoso.test',
      '127.0.0.1',
    ]);
    const config = configSchema.parse({
      directory: {
        servers: [lab.ldapsUrl],
        bindDn: `${READER}@contoso.test`,
        passwordFile: 'unused',
        refreshSeconds: 5,
      },
      listen: { https: '127.0.0.1:0' },
      publicUrl: 'https://autodiscover.contoso.test',
      tls: { certificates: [{ certificateFile, keyFile }] },
    });
    const settings = { config, ca: [readFileSync(lab.caFile, 'utf8')], readPassword: async () => lab.password };
    const service = await startService(settings, createLogger('error', process.stderr));
    const ca = readFileSync(caFile);
    const server = (address: string): Promise<string | undefined> =>
      new Promise((resolve, reject) => {
        const body = `<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>${address}</EMailAddress><AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>`;
        const headers = { 'content-type': 'text/xml' };
        const auth = `${address}:${lab.password}`;
        const post = request(
          `${service.httpsUrl}/autodiscover/autodiscover.xml`,
          { method: 'POST', ca, auth, headers },
          (answer) => {
            let xml = '';
            answer.setEncoding('utf8').on('data', (part) => {
              xml += part;
            });
            answer.on('end', () => resolve(/<Type>EXCH<\/Type>[\s\S]*?<Server>([^<]*)<\/Server>/.exec(xml)?.[1]));
          },
        );
        post.on('error', reject).end(body);
      });
    return { service, server };
  }

  /** Somebody with a password whose mailbox is in this database. */
  function somebodyIn(database: string): string {
    const found = parseLdif(readFileSync(lab.paths.ldif, 'utf8')).find(
      (record) =>
        text(record, 'homeMDB')?.startsWith(`CN=${database},`) &&
        text(record, 'userPassword') !== undefined &&
        text(record, 'userAccountControl') === '512',
    );
    return (found && text(found, 'userPrincipalName')) ?? assert.fail(`nobody lives in ${database}`);
  }

  test('make an array, associate its databases, publish, see a running service answer it, and undo everything', async () => {
    const before = await contents();
    const { service, server } = await startAnswering();
    try {
      const address = somebodyIn('DUB-DB01');
      assert.equal(await server(address), 'dub-cas1.contoso.test');

      succeed(await write(['array', 'create', ARRAY, '--site', 'Dublin', '--no-dns'], '1.ldif'));
      succeed(await write(['database', 'set', '--site', 'Dublin', '--rpc-client-access-server', ARRAY], '2.ldif'));
      succeed(await write(['scp', 'publish', URL_NEW, '--all-servers'], '3.ldif'));
      succeed(await write(['scp', 'scope', 'DUB-CAS1', '--site', 'Dublin', 'Seattle'], '4.ldif'));
      succeed(await write(['array', 'set', ARRAY, '--name', 'Dublin, renamed'], '5.ldif'));

      const listed = JSON.parse((await run(['array', 'list', '--config', place.config, '--json'])).out);
      const made = listed.arrays.find((array: { fqdn: string }) => array.fqdn === ARRAY);
      assert.deepEqual([made.name, made.site, made.databases], ['Dublin, renamed', 'Dublin', ['DUB-DB01', 'DUB-DB02']]);
      const explained = await run(['explain', address, '--config', place.config, '--json']);
      assert.equal(JSON.parse(explained.out).endpoint.fqdn, ARRAY);
      assert.equal(JSON.parse(explained.out).endpoint.objectClass, 'msExchClientAccessArray');

      let told = await server(address);
      for (let tries = 0; tries < 60 && told !== ARRAY; tries++) {
        await sleep(500);
        told = await server(address);
      }
      assert.equal(told, ARRAY, 'the service answers the array without a restart');

      for (const file of ['5.ldif', '4.ldif', '3.ldif', '2.ldif', '1.ldif']) {
        succeed(await write(['undo', place.path(file)], `redo-${file}`));
      }
    } finally {
      await service.stop();
    }
    const after = await contents();
    assert.deepEqual([...after.keys()].sort(), [...before.keys()].sort());
    for (const [dn, lines] of before) assert.equal(after.get(dn), lines, dn);
  });

  test('a removed SCP comes back as it was, but for its GUID', async () => {
    const values = async () =>
      JSON.parse((await run(['scp', 'list', '--config', place.config, '--json'])).out)
        .serviceConnectionPoints.map(({ created, ...rest }: { created: string }) => (created ? rest : undefined))
        .sort((a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name));
    const before = await values();
    succeed(await write(['scp', 'remove', 'SEA-CAS2'], 'scp.ldif'));
    assert.equal((await values()).length, before.length - 1);
    succeed(await write(['undo', place.path('scp.ldif')], 'scp-redo.ldif'));
    assert.deepEqual(await values(), before);
  });

  test('the reading account is refused, told which right is missing, and leaves no undo file', async () => {
    const files = readdirSync(place.folder).sort();
    const tries: [string[], RegExp][] = [
      [
        ['array', 'create', ARRAY, '--site', 'Dublin', '--no-dns'],
        /dsacls "CN=Arrays,CN=Exchange Administrative Group[^"]*" \/I:T \/G "svc-autodiscover@contoso\.test:CCDCWPSD"/,
      ],
      [
        ['database', 'set', 'SEA-DB02', '--rpc-client-access-server', 'outlook-sea.contoso.test'],
        /dsacls "CN=Databases,[^"]*" \/I:S \/G "svc-autodiscover@contoso\.test:WP;legacyExchangeDN;msExchPrivateMDB"/,
      ],
      [['scp', 'scope', 'SEA-CAS1', '--whole-forest'], /dsacls "CN=Servers,[^"]*" \/I:T/],
    ];
    for (const [args, line] of tries) {
      const { exitCode, err, out } = await run([...args, ...writer('refused.ldif', READER), '--yes']);
      assert.equal(exitCode, 1, out);
      assert.match(err, line);
    }
    assert.deepEqual(readdirSync(place.folder).sort(), files);
  });

  test('granting what the message says is enough', async () => {
    const publish = ['scp', 'publish', URL_NEW, '--name', 'autodiscover'];
    const refused = await write(publish, 'own.ldif');
    const [, container = ''] = /dsacls "([^"]+)" \/I:T \/G "[^"]+:CCDCWPSD"/.exec(refused.err) ?? [];
    assert.match(container, /^CN=AutoDiscover,CN=Client Access,/, refused.err);
    const sid = await sidOf(WRITER);
    addPermission(lab, container, `(A;CI;CCDCWPSD;;;${sid})`);
    succeed(await write(publish, 'own.ldif'));
    succeed(await write(['undo', place.path('own.ldif')], 'own-redo.ldif'));
  });

  async function sidOf(account: string): Promise<string> {
    return withAdministrator(async (client) => {
      const { searchEntries } = await client.search(lab.domain.baseDn, {
        filter: `(sAMAccountName=${account})`,
        attributes: ['objectSid'],
        explicitBufferAttributes: ['objectSid'],
      });
      const sid = searchEntries[0]?.objectSid as Buffer;
      const parts = Array.from({ length: sid[1] ?? 0 }, (_, at) => sid.readUInt32LE(8 + 4 * at));
      return `S-1-${sid.readUIntBE(2, 6)}-${parts.join('-')}`;
    });
  }

  async function withAdministrator<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = new Client({ url: lab.ldapsUrl, tlsOptions: { ca: readFileSync(lab.caFile) } });
    try {
      await client.bind('Administrator@contoso.test', lab.adminPassword);
      return await work(client);
    } finally {
      await client.unbind();
    }
  }

  /** A plan, and what becomes of it when somebody changes the directory between planning and writing. */
  async function overtaken(plan: (session: ControllerSession) => Promise<Plan>, meanwhile: () => Promise<unknown>) {
    const controller = {
      url: lab.ldapsUrl,
      startTls: false,
      ca: [readFileSync(lab.caFile, 'utf8')],
      tlsServerName: undefined,
      connectTimeoutMs: 5_000,
      operationTimeoutMs: 10_000,
    };
    const session = await openSession(controller, `${WRITER}@contoso.test`, lab.password);
    try {
      const { changes } = await plan(session);
      await meanwhile();
      return await carryOut(session.writer, changes, session.index.organization.domains);
    } finally {
      session.writer.close();
    }
  }

  test('a change made between plan and write wins and is shown; one made while the administrator is asked is seen before', async () => {
    const { databases } = JSON.parse((await run(['database', 'list', '--config', place.config, '--json'])).out);
    const { distinguishedName, legacyDn } = databases.find(({ name }: { name: string }) => name === 'SEA-DB02');
    const set = (value: string) =>
      withAdministrator((client) =>
        client.modify(
          distinguishedName,
          new Change({
            operation: 'replace',
            modification: new Attribute({ type: 'legacyExchangeDN', values: [value] }),
          }),
        ),
      );
    const others = legacyDn.replace('SEA-CAS1', 'SEA-CAS2');
    const array = 'outlook-sea.contoso.test';
    const outcome = await write(['database', 'set', 'SEA-DB02', '--rpc-client-access-server', array], 'race.ldif', {
      answer: async () => {
        await set(others);
        return 'y';
      },
    });
    assert.equal(outcome.exitCode, 1);
    assert.match(outcome.error?.message ?? '', /while you were asked, somebody else changed.*nothing was written/);
    assert.equal(existsSync(place.path('race.ldif')), false);
    await set(legacyDn);
    const choice = { names: ['SEA-DB02'], all: false, site: undefined };
    const { failure } = await overtaken(
      async ({ index }) => planSetDatabases(index, choice, array),
      () => set(others),
    );
    assert.equal(failure?.refusal, 'lost-race');
    assert.ok(failure.text.includes(`legacyExchangeDN: ${others}`), failure.text);
    await set(legacyDn);
  });

  test('a site that vanishes between plan and write is a schema refusal, not a race', async () => {
    const site = `CN=Nowhere,CN=Sites,CN=Configuration,${lab.domain.baseDn}`;
    await withAdministrator((client) => client.add(site, { objectClass: 'site' }));
    const wish = { fqdn: 'outlook-no.contoso.test', site: 'Nowhere', name: undefined };
    const { failure } = await overtaken(
      (session) => planCreateArray(session, wish, undefined),
      () => withAdministrator((client) => client.del(site)),
    );
    assert.match(failure?.text ?? '', /schema or its links do not allow it/);
  });

  test('an array that was changed after it was made is not deleted by the undo', async () => {
    succeed(await write(['array', 'create', ARRAY, '--site', 'Dublin', '--no-dns'], 'made.ldif'));
    succeed(await write(['array', 'set', ARRAY, '--fqdn', 'outlook-dub2.contoso.test', '--no-dns'], 'changed.ldif'));
    const refused = await write(['undo', place.path('made.ldif')], 'never.ldif');
    assert.equal(refused.exitCode, 1);
    assert.match(refused.err, /deleting .* somebody else changed it meanwhile/);
    succeed(await write(['undo', place.path('changed.ldif')], 'changed-redo.ldif'));
    succeed(await write(['undo', place.path('made.ldif')], 'made-redo.ldif'));
  });
});
