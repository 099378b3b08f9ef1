// OpenLDAP's command line tools against the embedded directory: a second implementation of the protocol, of DN and filter syntax and
// of LDIF reads what we write and is understood by us.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type EmbeddedDirectory, startEmbeddedDirectory } from '../../src/ldap/embedded/server.ts';
import { formatLdif, formatLdifChanges, type LdifChange, parseLdif, text, texts } from '../../src/ldap/ldif.ts';
import { selfSigned } from '../helpers/certificates.ts';
import {
  ADMIN_GROUP,
  CONFIGURATION,
  DEMO_LDIF,
  DOMAIN,
  PASSWORD,
  READER,
  STAFF,
  WRITER,
} from '../ldap/embedded/demo-directory.ts';
import { labSuite } from './requirements.ts';

labSuite('OpenLDAP tools and the embedded directory', ['ldap-tools'], () => {
  const certificate = selfSigned('localhost');
  let directory: EmbeddedDirectory;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ldap-tools-'));
    writeFileSync(join(folder, 'ca.pem'), certificate.cert);
    writeFileSync(join(folder, 'password'), PASSWORD, { mode: 0o600 });
    directory = await startEmbeddedDirectory({
      entries: DEMO_LDIF,
      access: { readers: [READER], writers: [WRITER], writeBelow: '' },
      limits: { maxPageSize: 25 },
      tls: { ...certificate, mode: 'start-tls' },
      requireTls: true,
    });
  });
  after(async () => {
    await directory?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs a tool over StartTLS, bound as `name`; resolves with its exit code (the LDAP result) and output. */
  function tool(program: string, name: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
    // By address: libldap checks `localhost` under the machine's own name.
    const connection = ['-x', '-H', directory.url, '-ZZ', '-D', name, '-y', join(folder, 'password')];
    const env = { ...process.env, LDAPTLS_CACERT: join(folder, 'ca.pem') };
    return new Promise((resolve) => {
      execFile(program, [...connection, ...args], { env, timeout: 20_000 }, (error, out, err) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err });
      });
    });
  }

  const search = (...args: string[]) => tool('ldapsearch', READER, '-LLL', '-o', 'ldif-wrap=76', ...args);

  test('what ldapsearch prints is what was loaded', async () => {
    const { code, out, err } = await search('-b', CONFIGURATION, '-E', 'pr=10/noprompt', '(objectClass=*)', '*');
    assert.equal(code, 0, err);
    const printed = new Map(parseLdif(out.replace(/^# .*\n/gm, '')).map((record) => [record.dn, record]));
    const loaded = parseLdif(DEMO_LDIF).filter(({ dn }) => dn.endsWith(CONFIGURATION));
    assert.equal(printed.size, loaded.length);
    for (const record of loaded) {
      const found = printed.get(record.dn);
      assert.ok(found, record.dn);
      for (const { name } of record.attributes)
        assert.deepEqual(texts(found, name), texts(record, name), `${record.dn} ${name}`);
    }
  });

  test('names, filters and limits as OpenLDAP writes them', async () => {
    const find = async (filter: string, ...attributes: string[]) => {
      const { code, out, err } = await search('-b', STAFF, filter, ...attributes);
      assert.equal(code, 0, err);
      return parseLdif(out);
    };
    const trent = await find('(cn=Tate, Trent \\28Ops\\2a\\29 \\5c Nights)', 'cn');
    assert.equal(trent.length, 1);
    assert.equal(text(trent[0] ?? { attributes: [] }, 'cn'), 'Tate, Trent (Ops*) \\ Nights');
    assert.equal((await find('(displayName=田中 太郎)', 'cn')).length, 1);
    assert.equal((await find('(&(objectCategory=person)(!(mail=*))(cn=*Ives))', 'cn')).length, 1);
    assert.equal((await find('(userAccountControl:1.2.840.113556.1.4.803:=2)', 'cn')).length, 4);
    assert.equal((await search('-b', `CN=Tate\\2C Trent \\28Ops*) \\5C Nights,${STAFF}`, '-s', 'base')).code, 0);
    assert.equal((await search('-b', STAFF, '-z', '3', '(objectClass=user)', 'cn')).code, 4);
    assert.equal((await search('-b', STAFF, '(objectClass=*)', 'cn')).code, 4); // MaxPageSize
    assert.equal((await search('-b', `CN=Nobody,${STAFF}`)).code, 32);
    assert.equal((await tool('ldapsearch', `CN=Nobody,${STAFF}`, '-b', DOMAIN)).code, 49);
    assert.match((await tool('ldapwhoami', READER)).out, /^u:CONTOSO\\svc-autodiscover$/m);
    assert.equal((await tool('ldapcompare', READER, `CN=Bob Baker,${STAFF}`, 'mail:BOB@contoso.test')).code, 6);
  });

  test('ldapmodify makes the changes we print', async () => {
    const array = `CN=Tools, "Array",CN=Arrays,${ADMIN_GROUP}`.replace('Tools, "Array"', 'Tools\\, \\"Array\\"');
    const value = (plain: string): Buffer => Buffer.from(plain);
    const apply = async (...changes: LdifChange[]) => {
      const file = join(folder, 'change.ldif');
      writeFileSync(file, formatLdifChanges(changes));
      return tool('ldapmodify', WRITER, '-f', file);
    };
    const created = await apply({
      change: 'add',
      dn: array,
      attributes: [
        { name: 'objectClass', values: [value('msExchClientAccessArray')] },
        { name: 'networkAddress', values: [value('ncacn_ip_tcp:tools.contoso.test')] },
        { name: 'displayName', values: [value(' Werkzeuge für <alle> ')] },
        { name: 'systemFlags', values: [value('1073741824')] },
      ],
    });
    assert.equal(created.code, 0, created.err);
    assert.deepEqual(directory.findEntry(array)?.attributes.get('displayName'), [' Werkzeuge für <alle> ']);
    const swap: LdifChange = {
      change: 'modify',
      dn: array,
      modifications: [
        { operation: 'delete', name: 'networkAddress', values: [value('ncacn_ip_tcp:tools.contoso.test')] },
        { operation: 'add', name: 'networkAddress', values: [value('ncacn_ip_tcp:new.contoso.test')] },
      ],
    };
    assert.equal((await apply(swap)).code, 0);
    assert.equal((await apply(swap)).code, 16); // compare-and-set: the old value is gone
    assert.equal((await apply({ change: 'modrdn', dn: array, newRdn: 'CN=Tools', deleteOldRdn: true })).code, 0);
    const renamed = `CN=Tools,CN=Arrays,${ADMIN_GROUP}`;
    assert.equal(directory.findEntry(array), undefined);
    assert.deepEqual(directory.findEntry(renamed)?.attributes.get('networkAddress'), ['ncacn_ip_tcp:new.contoso.test']);
    assert.equal((await apply({ change: 'delete', dn: renamed })).code, 0);
    assert.equal((await apply({ change: 'delete', dn: renamed })).code, 32);
  });

  test('ldapadd loads the entries we print', async () => {
    const file = join(folder, 'entries.ldif');
    const contact = {
      dn: `CN=Werk\\, Zeug,${STAFF}`,
      attributes: [
        { name: 'objectClass', values: [Buffer.from('contact')] },
        { name: 'description', values: [Buffer.from('x'.repeat(500)), Buffer.from('zwei\nZeilen')] },
      ],
    };
    writeFileSync(file, formatLdif([contact]));
    const added = await tool('ldapadd', WRITER, '-f', file);
    assert.equal(added.code, 0, added.err);
    assert.deepEqual(directory.findEntry(contact.dn)?.attributes.get('description'), ['x'.repeat(500), 'zwei\nZeilen']);
  });
});
