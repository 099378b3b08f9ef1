// The lab's own domain controller behaves as the tests that stand on it assume: TLS, bind forms and refusals, rights, Kerberos
// keys, the endpoint mapper, NTLM, a second controller. Where one of these fails, so will others, less clearly.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Attribute, Change, Client, type Entry, ResultCodeError, type SearchOptions } from 'ldapts';
import { labSuite } from './requirements.ts';
import { READER, WRITER } from './samba/directory-plan.ts';
import { type SambaController, type SambaLab, startSambaLab } from './samba/samba-lab.ts';

const run = promisify(execFile);

labSuite('Samba lab', ['samba'], () => {
  let lab: SambaLab;
  let organisation: string;

  before(async () => {
    lab = await startSambaLab({ bindErrorAccounts: true });
    organisation = `CN=Microsoft Exchange,CN=Services,CN=Configuration,${lab.domain.baseDn}`;
  });
  after(() => lab?.stop());

  /** Runs `work` on a connection bound as `name`, closed afterwards. */
  async function as<T>(name: string, work: (client: Client) => Promise<T>, options: BindOptions = {}): Promise<T> {
    const { controller = lab, password = lab.password, url = controller.ldapsUrl } = options;
    const tlsOptions = { ca: options.trust === false ? [] : readFileSync(lab.caFile) };
    const timeout = options.timeout ?? 5000;
    // ldapts speaks TLS whenever it is given options for it, whatever the URL says.
    const tls = url.startsWith('ldaps:') ? { tlsOptions } : {};
    const client = new Client({ url, ...tls, connectTimeout: timeout, timeout });
    try {
      if (options.startTls) await client.startTLS(tlsOptions);
      await client.bind(name, password);
      return await work(client);
    } finally {
      await client.unbind().catch(() => undefined);
    }
  }

  /** The `data` code of a refused bind. */
  async function refusal(name: string, password?: string): Promise<string> {
    const error = await as(name, async () => undefined, password === undefined ? {} : { password }).then(
      () => assert.fail(`${name} was let in`),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ResultCodeError, String(error));
    assert.equal(error.code, 49);
    return /, data ([0-9a-f]+),/.exec(error.message)?.[1] ?? error.message;
  }

  const find = (client: Client, base: string, filter: string, more: SearchOptions = {}): Promise<Entry[]> =>
    client.search(base, { filter, attributes: ['cn'], ...more }).then(({ searchEntries }) => searchEntries);

  test('LDAPS is verified by the lab authority and refused without it', async () => {
    const filter = '(proxyAddresses=smtp:alice@contoso-sales.test)';
    const found = await as('alice@contoso.test', (c) => find(c, lab.domain.baseDn, filter, { attributes: ['mail'] }));
    assert.deepEqual(
      found.map(({ mail }) => mail),
      ['alice@contoso.test'],
    );
    await assert.rejects(
      as('alice@contoso.test', async () => undefined, { trust: false }),
      (error: NodeJS.ErrnoException) => /UNABLE_TO_VERIFY|SELF_SIGNED/.test(error.code ?? ''),
    );
  });

  test('plain LDAP refuses a simple bind before it looks at the password', async () => {
    await assert.rejects(
      as('alice@contoso.test', async () => undefined, { url: lab.ldapUrl }),
      { code: 8 },
    );
  });

  for (const name of [
    'alice@contoso.test',
    'CONTOSO\\alice',
    'alice@CONTOSO',
    'peggy@ad.contoso.test',
    'peggy@contoso.test',
  ]) {
    test(`binds as ${name}`, () => as(name, async () => undefined));
  }

  test('binds by DN', async () => {
    const [alice] = await as(`${READER}@contoso.test`, (c) => find(c, lab.domain.baseDn, '(sAMAccountName=alice)'));
    assert.ok(alice);
    await as(alice.dn, async () => undefined);
  });

  const REFUSED: readonly (readonly [name: string, data: string, password?: string])[] = [
    ['alice', '52e'], // not a form AD takes
    ['p.park@contoso.test', '52e'], // an address that is not the UPN
    ['alice@contoso.test', '52e', 'wrong'],
    ['nobody@contoso.test', '52e'],
    ['out-of-hours@contoso.test', '530'],
    ['other-workstation@contoso.test', '531'],
    ['disabled@contoso.test', '533'],
    ['frank@contoso.test', '533'],
    ['expired@contoso.test', '701'],
    ['must-change@contoso.test', '773'],
  ];
  for (const [name, data, password] of REFUSED) {
    test(`refuses ${name}${password === undefined ? '' : ' with a wrong password'} with data ${data}`, async () => {
      assert.equal(await refusal(name, password), data);
    });
  }

  test('locks an account out after five wrong passwords and says so even for the right one', async () => {
    for (let attempt = 0; attempt < 5; attempt++) {
      assert.equal(await refusal('locked-out@contoso.test', 'wrong'), '52e');
    }
    assert.equal(await refusal('locked-out@contoso.test'), '775');
  });

  test('the reader sees databases, virtual directories and providers; an ordinary account none, without an error', async () => {
    const count = (account: string, objectClass: string) =>
      as(`${account}@contoso.test`, async (c) => (await find(c, organisation, `(objectClass=${objectClass})`)).length);
    const expected = countClasses(readFileSync(lab.paths.ldif, 'utf8'));
    for (const name of ['msExchPrivateMDB', 'msExchVirtualDirectory', 'msExchAutoDiscoverConfig', 'msExchOAB']) {
      assert.ok((expected.get(name) ?? 0) > 0, name);
      assert.equal(await count(READER, name), expected.get(name), `${READER}: ${name}`);
      assert.equal(await count('alice', name), 0, `alice: ${name}`);
    }
    for (const name of ['msExchExchangeServer', 'serviceConnectionPoint']) {
      assert.equal(await count('alice', name), expected.get(name), `alice: ${name}`);
    }
  });

  test('back links are kept', async () => {
    const shared = await as(`${READER}@contoso.test`, (c) =>
      find(c, lab.domain.baseDn, '(sAMAccountName=grace)', { attributes: ['msExchDelegateListBL'] }),
    );
    assert.match(String(shared[0]?.msExchDelegateListBL), /^CN=.*,OU=Staff,DC=contoso,DC=test/);
  });

  test('the writer makes, renames and deletes an array and points a database at it; the reader may not', async () => {
    const [arrays, databases] = await as(
      `${WRITER}@contoso.test`,
      async (c) =>
        [
          (await find(c, organisation, '(cn=Arrays)'))[0]?.dn ?? '',
          await find(c, organisation, '(objectClass=msExchPrivateMDB)', { attributes: ['legacyExchangeDN'] }),
        ] as const,
    );
    const database = databases.find(({ legacyExchangeDN }) => typeof legacyExchangeDN === 'string');
    assert.ok(database);
    const group = '/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)';
    const array = {
      objectClass: 'msExchClientAccessArray',
      legacyExchangeDN: `${group}/cn=Configuration/cn=Servers/cn=new.contoso.test`,
      networkAddress: 'ncacn_ip_tcp:new.contoso.test',
      msExchServerSite: `CN=Seattle,CN=Sites,CN=Configuration,${lab.domain.baseDn}`,
      // FLAG_CONFIG_ALLOW_RENAME: nothing in the configuration can be renamed without it.
      systemFlags: '1073741824',
    };
    const point = (value: string) =>
      new Change({ operation: 'replace', modification: new Attribute({ type: 'legacyExchangeDN', values: [value] }) });
    const old = String(database.legacyExchangeDN);
    const next = `${array.legacyExchangeDN}/cn=Microsoft Private MDB`;

    await as(`${READER}@contoso.test`, async (c) => {
      await assert.rejects(c.add(`CN=New,${arrays}`, array), { code: 50 });
      await assert.rejects(c.modify(database.dn, point(next)), { code: 50 });
    });
    await as(`${WRITER}@contoso.test`, async (c) => {
      await c.add(`CN=New,${arrays}`, array);
      await c.modifyDN(`CN=New,${arrays}`, `CN=Newer,${arrays}`);
      await c.modify(database.dn, point(next));
      const [changed] = await find(c, database.dn, '(objectClass=*)', {
        scope: 'base',
        attributes: ['legacyExchangeDN'],
      });
      assert.equal(changed?.legacyExchangeDN, next);
      await c.modify(database.dn, point(old));
      await c.del(`CN=Newer,${arrays}`);
      assert.equal((await find(c, arrays, '(cn=Newer)')).length, 0);
    });
    // Nor may the writer do more than the commands need.
    await as(`${WRITER}@contoso.test`, (c) => assert.rejects(c.del(database.dn), { code: 50 }));
  });

  test('the keytab holds AES keys of the service principal, and a ticket for it can be had', async () => {
    const environment = {
      ...process.env,
      KRB5_CONFIG: lab.krb5Conf,
      KRB5CCNAME: `FILE:${join(lab.paths.root, 'ticket')}`,
    };
    const { stdout } = await run('klist', ['-ke', lab.keytab], { env: environment });
    assert.match(stdout, /HTTP\/autodiscover\.contoso\.test@CONTOSO\.TEST \(aes256-cts/);
    assert.doesNotMatch(stdout, /arcfour/);
    const kinit = run('kinit', ['alice@CONTOSO.TEST'], { env: environment });
    kinit.child.stdin?.end(`${lab.password}\n`);
    await kinit;
    const ticket = await run('kvno', ['HTTP/autodiscover.contoso.test'], { env: environment });
    assert.match(ticket.stdout, /kvno = \d+/);
  });

  test('ntlm_auth tells a right password from a wrong one', async () => {
    const check = (password: string) =>
      run(lab.paths.ntlmAuth, ['--username=alice', '--domain=CONTOSO', `--password=${password}`]);
    await check(lab.password);
    await assert.rejects(check('wrong'), (error: { code: number; stdout: string; stderr: string }) => {
      assert.match(error.stdout + error.stderr, /NT_STATUS_(LOGON_FAILURE|WRONG_PASSWORD)|0xc000006[ad]/);
      return true;
    });
  });

  for (const [port, service] of [
    [135, 'RPC endpoint mapper'],
    [88, 'Kerberos'],
    [53, 'DNS'],
    [3269, 'global catalogue'],
  ] as const) {
    test(`${service} listens on port ${port}`, () => connects(lab.address, port));
  }

  test('survives a kill and a restart', async () => {
    lab.kill('SIGKILL');
    await assert.rejects(as('alice@contoso.test', async () => undefined));
    await lab.restart();
    await as('alice@contoso.test', async () => undefined);
  });

  test('a second controller serves the same domain when the first is silent, and takes its changes on demand', async () => {
    const second: SambaController = await lab.addSecondController();
    await as('alice@contoso.test', async () => undefined, { controller: second });
    lab.kill('SIGSTOP');
    await assert.rejects(as('alice@contoso.test', async () => undefined, { timeout: 300 }));
    await as('alice@contoso.test', async () => undefined, { controller: second });
    lab.kill('SIGCONT');
    const description = (controller: SambaController) =>
      as(
        `${WRITER}@contoso.test`,
        async (c) => {
          const [entry] = await find(c, organisation, '(objectClass=msExchClientAccessArray)', {
            attributes: ['adminDisplayName'],
          });
          return entry ?? assert.fail('no array');
        },
        { controller },
      );
    const { dn } = await description(lab);
    await as(`${WRITER}@contoso.test`, (c) =>
      c.modify(
        dn,
        new Change({
          operation: 'replace',
          modification: new Attribute({ type: 'adminDisplayName', values: ['changed'] }),
        }),
      ),
    );
    assert.deepEqual((await description(second)).adminDisplayName, []);
    await lab.replicate(second, [`CN=Configuration,${lab.domain.baseDn}`]);
    assert.equal((await description(second)).adminDisplayName, 'changed');
  });
});

type BindOptions = {
  controller?: SambaController;
  password?: string;
  url?: string;
  trust?: boolean;
  timeout?: number;
  startTls?: boolean;
};

/** How many entries of the file have each class. */
function countClasses(ldif: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [, name = ''] of ldif.matchAll(/^objectClass: (.+)$/gm)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function connects(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: 3000 });
    socket.once('connect', () => resolve(void socket.destroy()));
    socket.once('error', reject);
    socket.once('timeout', () => reject(new Error(`${host}:${port} does not answer`)));
  });
}
