import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { Client } from 'ldapts';
import { hashPassword, verifyPassword } from '../../../src/ldap/embedded/password.ts';
import { bound, codeOf, connect, DEMO_LDIF, DOMAIN, PASSWORD, STAFF, start } from './demo-directory.ts';

const data = (reason: string): RegExp => new RegExp(`data ${reason},`);

test('names a domain controller knows, and names it does not ([MS-ADTS] 5.1.1.1.1 Simple)', async (t) => {
  const directory = await start(t);
  const client = await connect(t, directory);
  const good = async (name: string) => assert.equal(await codeOf(client.bind(name, PASSWORD)), 0, name);
  const bad = async (name: string, password = PASSWORD) =>
    assert.rejects(client.bind(name, password), { code: 49, message: data('52e') }, `${name} ${password}`);
  await good(`CN=Alice Adams,${STAFF}`);
  await good(`cn=alice adams , ou=STAFF, dc=contoso,dc=test`);
  await good(`CN=Tate\\, Trent (Ops*) \\\\ Nights,${STAFF}`);
  await good(`CN=Zoë Müller,${STAFF}`);
  await good('alice@contoso.test');
  await good('ALICE@Contoso.Test');
  await good('CONTOSO\\alice');
  await good('contoso\\ALICE');
  await good('peggy@ad.contoso.test'); // her UPN
  await good('peggy@contoso.test'); // sam@dnsdomain
  await good('peggy@CONTOSO'); // sam@NETBIOS
  await bad('alice'); // bare sAMAccountName
  await bad('p.park@contoso.test'); // an address that is no UPN
  await bad('a.adams@contoso.test');
  await bad('contoso.test\\alice'); // DNS name before the backslash
  await bad('EVIL\\alice');
  await bad('nobody@contoso.test');
  await bad(`CN=Nobody,${STAFF}`);
  await bad('CONTOSO\\*'); // no wildcards
  await bad('CONTOSO\\');
  await bad('@contoso.test');
  await bad(`OU=Staff,${DOMAIN}`); // no password of its own
  await bad('alice@contoso.test', 'demo-passw0rd!'); // passwords have case
  await bad('alice@contoso.test', `${PASSWORD} `);
  await bad('CONTOSO\\frank', 'wrong'); // disabled is only told with the right password
  assert.equal(directory.stats.binds, directory.stats.failedBinds + 11);
});

test('an empty password is refused, the anonymous bind is not', async (t) => {
  const directory = await start(t);
  const client = await connect(t, directory);
  await assert.rejects(client.bind('alice@contoso.test', ''), { code: 49, message: data('52e') });
  await client.bind('', '');
  assert.equal(await codeOf(client.search(DOMAIN, { scope: 'base' })), 1);
});

test('account states told with result 49 ([MS-ADTS] 2.2.16 userAccountControl)', async (t) => {
  const ticks = (iso: string): string => String((BigInt(Date.parse(iso)) + 11_644_473_600_000n) * 10_000n);
  const person = (sam: string, ...lines: string[]): string =>
    [
      `dn: CN=${sam},${STAFF}`,
      'objectClass: top',
      'objectClass: user',
      `sAMAccountName: ${sam}`,
      `userPassword: ${hashPassword(PASSWORD, Buffer.from(sam))}`,
      ...lines,
      '',
      '',
    ].join('\n');
  const normal = 'userAccountControl: 512';
  const ldif = [
    `${DEMO_LDIF}\n`,
    person('expired', normal, `accountExpires: ${ticks('2012-03-28T00:00:00Z')}`),
    person('expires-later', normal, `accountExpires: ${ticks('2012-03-30T00:00:00Z')}`),
    person('never', normal, 'accountExpires: 9223372036854775807'),
    person('must-change', normal, 'pwdLastSet: 0'),
    person('never-changes', 'userAccountControl: 66048', 'pwdLastSet: 0'),
    person('locked', normal, `lockoutTime: ${ticks('2012-03-28T00:00:00Z')}`),
    person('unlocked', normal, 'lockoutTime: 0'),
    person('password-expired', 'userAccountControl: 8389120', `pwdLastSet: ${ticks('2012-01-01T00:00:00Z')}`),
    person('no-hours', normal, `logonHours:: ${Buffer.alloc(21).toString('base64')}`),
    person('all-hours', normal, `logonHours:: ${Buffer.alloc(21, 0xff).toString('base64')}`),
    person('elsewhere', normal, 'userWorkstations: NOWHERE'),
    person('disabled', 'userAccountControl: 514', 'pwdLastSet: 0'),
  ].join('');
  const directory = await start(t, { entries: ldif, now: () => Date.parse('2012-03-29T12:00:00Z') });
  const client = await connect(t, directory);
  const state = async (sam: string, reason: string | undefined, password = PASSWORD) => {
    if (reason === undefined) assert.equal(await codeOf(client.bind(`CONTOSO\\${sam}`, password)), 0, sam);
    else await assert.rejects(client.bind(`CONTOSO\\${sam}`, password), { code: 49, message: data(reason) }, sam);
  };
  await state('frank', '533');
  await state('disabled', '533'); // before the password's age is looked at
  await state('expired', '701');
  await state('expires-later', undefined);
  await state('never', undefined);
  await state('must-change', '773');
  await state('never-changes', undefined);
  await state('locked', '775');
  await state('locked', '775', 'wrong'); // told whatever the password
  await state('unlocked', undefined);
  await state('password-expired', '532');
  await state('no-hours', '530');
  await state('all-hours', undefined);
  await state('elsewhere', '531');
  await state('expired', '52e', 'wrong');
});

test('a password older than the domain allows has expired', async (t) => {
  const set = (iso: string): string => String((BigInt(Date.parse(iso)) + 11_644_473_600_000n) * 10_000n);
  // 42 days.
  const entries = DEMO_LDIF.replace('dc: contoso\n', 'dc: contoso\nmaxPwdAge: -36288000000000\n').replace(
    'sAMAccountName: alice\n',
    `sAMAccountName: alice\npwdLastSet: ${set('2012-01-01T00:00:00Z')}\n`,
  );
  let now = Date.parse('2012-02-11T00:00:00Z');
  const directory = await start(t, { entries, now: () => now });
  const client = await connect(t, directory);
  assert.equal(await codeOf(client.bind('CONTOSO\\alice', PASSWORD)), 0);
  now = Date.parse('2012-02-13T00:00:00Z');
  await assert.rejects(client.bind('CONTOSO\\alice', PASSWORD), { code: 49, message: data('532') });
  assert.equal(await codeOf(client.bind('CONTOSO\\bob', PASSWORD)), 0); // pwdLastSet unknown
});

test('searching needs a bind, and a failed bind ends the one before', async (t) => {
  const { client } = await bound(t);
  const search = () => codeOf(client.search(DOMAIN, { scope: 'base', filter: '(objectClass=*)' }));
  assert.equal(await search(), 0);
  assert.equal(await codeOf(client.bind('alice@contoso.test', 'wrong')), 49);
  assert.equal(await search(), 1);
  const { searchEntries } = await client.search('', { scope: 'base' });
  assert.equal(searchEntries.length, 1); // the root DSE is for everybody
});

test('SASL and old protocol versions are refused', async (t) => {
  const directory = await start(t);
  const client = new Client({ url: directory.url });
  t.after(() => client.unbind());
  assert.equal(await codeOf(client.bind('PLAIN', PASSWORD)), 7);
});

test('plain binds can be refused without TLS', async (t) => {
  const directory = await start(t, { requireTls: true });
  const client = await connect(t, directory);
  assert.equal(await codeOf(client.bind('alice@contoso.test', PASSWORD)), 8);
});

test('password hashes', () => {
  const good = (stored: string, password = PASSWORD) =>
    assert.ok(verifyPassword(Buffer.from(password), stored), stored);
  const bad = (stored: string, password = PASSWORD) =>
    assert.ok(!verifyPassword(Buffer.from(password), stored), stored);
  const salted = (algorithm: string, salt: string): string =>
    Buffer.concat([createHash(algorithm).update(PASSWORD).update(salt).digest(), Buffer.from(salt)]).toString('base64');
  good(hashPassword(PASSWORD, Buffer.from('salt')));
  good(hashPassword('пароль', Buffer.from('x')), 'пароль');
  good(`{SHA}${createHash('sha1').update(PASSWORD).digest('base64')}`);
  good(`{ssha}${salted('sha1', 'abcdefgh')}`);
  good(`{SSHA256}${salted('sha256', 'abc')}`);
  good(`{SSHA512}${salted('sha512', 'abc')}`);
  bad(hashPassword(PASSWORD, Buffer.from('salt')), 'other');
  bad(PASSWORD); // clear text is no hash
  bad(`{CLEARTEXT}${PASSWORD}`);
  bad('{SSHA}');
  bad('{SSHA}AAAA'); // too short
  bad(`{SSHA256}${salted('sha1', 'abc')}`);
  bad(`{constructor}${salted('sha1', 'abc')}`);
});
