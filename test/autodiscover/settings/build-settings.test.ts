// Settings out of directory facts: what is present, what is absent, and in which form.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mailboxAnswer } from '../../../src/autodiscover/settings/build-settings.ts';
import { judgeDatabase } from '../../../src/autodiscover/settings/judged-database.ts';
import type { ExchangeOrganization } from '../../../src/ldap/exchange-organization.ts';
import type { Recipient } from '../../../src/ldap/recipient.ts';
import { database, organization, SOUTH, server, version, virtualDirectory } from './organization-builder.ts';

const RECIPIENT: Recipient = {
  distinguishedName: 'CN=A,DC=x',
  isGroup: false,
  displayName: 'A',
  legacyDn: '/o=X/cn=a',
  primaryAddress: 'a@x.test',
  userPrincipalName: undefined,
  homeMdb: 'CN=DB1,DC=x',
  homeServerLegacyDn: undefined,
  targetAddress: undefined,
  recipientTypeDetails: 1,
  archive: undefined,
  delegateMailboxDns: [],
  mailboxGuid: undefined,
  culture: undefined,
};
const EWS = virtualDirectory('CAS1', 'ews', { internalUrl: 'https://i.x.test/EWS/Exchange.asmx' });

function answer(
  facts: Partial<ExchangeOrganization>,
  recipient: Partial<Recipient> = {},
  changes: Parameters<typeof database>[0] = {},
) {
  const index = organization({ virtualDirectories: [EWS], ...facts });
  const home = database(changes);
  const shared = judgeDatabase(home, index, undefined).answer;
  return shared && mailboxAnswer(shared, { ...RECIPIENT, ...recipient }, []);
}

test('without any EWS URL there is no answer', () => {
  assert.equal(answer({ virtualDirectories: [] }), undefined);
});

test('an external EWS URL alone serves both sides', () => {
  const found = answer({
    virtualDirectories: [{ ...EWS, internalUrl: undefined, externalUrl: 'https://e.x.test/ews' }],
  });
  assert.equal(found?.settings.InternalEwsUrl, 'https://e.x.test/ews');
  assert.equal(found?.settings.ExternalEwsUrl, 'https://e.x.test/ews');
});

test('what is not known is absent, never empty', () => {
  const found = answer({}, { displayName: '', legacyDn: undefined, primaryAddress: undefined });
  assert.ok(found);
  for (const [name, value] of Object.entries(found.settings)) assert.ok(value !== undefined && value !== '', name);
  const keys = Object.keys(found.settings);
  for (const name of [
    'UserDisplayName',
    'UserDN',
    'AutoDiscoverSMTPAddress',
    'ExternalMailboxServer',
    'InternalOABUrl',
    'InternalEcpUrl',
    'InternalUMUrl',
    'AlternateMailboxes',
    'PublicFolderServer',
  ]) {
    assert.ok(!keys.includes(name), name);
  }
  assert.deepEqual(found.ttlHours, {});
});

test('the version is that of the owning server, in the wire form and in the dotted one', () => {
  const owner = server('MBX1', { roles: 2, versionNumber: version(14, 1, 218) });
  const found = answer({ servers: [server('CAS1', { revision: 4 }), owner] });
  assert.equal(found?.serverVersion?.toString(16).toUpperCase(), '738180DA');
  assert.equal(found?.settings.CasVersion, '14.03.0123.004');
});

test('the schemas of EWS follow the service pack', () => {
  const of = (minor: number) =>
    answer({ servers: [server('CAS1', { versionNumber: version(14, minor) }), server('MBX1', { roles: 2 })] })?.settings
      .EwsSupportedSchemas;
  assert.equal(of(0), 'Exchange2007, Exchange2007_SP1, Exchange2010');
  assert.equal(of(1), 'Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1');
  assert.equal(of(3), 'Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1, Exchange2010_SP2');
});

test('where the site has no Client Access server, version and schemas are those of the site that serves it', () => {
  const cas = server('CAS1', { siteDn: SOUTH, versionNumber: version(14, 1, 218), revision: 15 });
  for (const owned of [version(14, 3), version(8, 3, 83)]) {
    const found = answer({ servers: [cas, server('MBX1', { roles: 2, versionNumber: owned })] });
    assert.equal(found?.settings.CasVersion, '14.01.0218.015');
    assert.equal(found?.settings.EwsSupportedSchemas, 'Exchange2007, Exchange2007_SP1, Exchange2010, Exchange2010_SP1');
    assert.equal(found?.serverVersion, owned);
  }
});

test('the offline address book: the named one, else the default one; with one slash between', () => {
  const book = (name: string, isDefault: boolean) => ({ distinguishedName: `CN=${name},DC=x`, guid: name, isDefault });
  const facts = {
    offlineAddressBooks: [book('named', false), book('default', true)],
    virtualDirectories: [EWS, virtualDirectory('CAS1', 'oab', { internalUrl: 'http://i.x.test/OAB/' })],
  };
  assert.equal(
    answer(facts, {}, { offlineAddressBookDn: 'cn=NAMED, dc=x' })?.settings.InternalOABUrl,
    'http://i.x.test/OAB/named/',
  );
  assert.equal(answer(facts)?.settings.InternalOABUrl, 'http://i.x.test/OAB/default/');
  assert.equal(
    answer(facts, {}, { offlineAddressBookDn: 'CN=gone,DC=x' })?.settings.InternalOABUrl,
    'http://i.x.test/OAB/default/',
  );
});

test('Outlook Anywhere: host, TLS and package from the directory, the provider before it ([MS-OXDSCLI] 2.2.4.1.1.2.6 TTL)', () => {
  const rpc = (externalUrl: string, externalAuthentication: number) =>
    virtualDirectory('CAS1', 'rpc', { externalUrl, externalAuthentication });
  const plain = answer({ virtualDirectories: [EWS, rpc('http://any.x.test/rpc', 1)] })?.settings;
  assert.equal(plain?.ExternalMailboxServer, 'any.x.test');
  assert.equal(plain?.ExternalMailboxServerRequiresSSL, 'False');
  assert.equal(plain?.ExternalMailboxServerAuthenticationMethods, 'Basic');
  const provider = { name: 'EXPR', server: 'expr.x.test', certPrincipalName: 'msstd:x', ttlHours: 0 };
  const named = answer({ virtualDirectories: [EWS, rpc('https://any.x.test/rpc', 2)], outlookProviders: [provider] });
  assert.equal(named?.settings.ExternalMailboxServer, 'expr.x.test');
  assert.equal(named?.settings.ExternalMailboxServerRequiresSSL, 'True');
  assert.equal(named?.settings.CertPrincipalName, 'msstd:x');
  assert.equal(named?.ttlHours.expr, 0, 'zero is a value');
});

test('Unified Messaging stands beside EWS where a server has the role', () => {
  const found = answer({ servers: [server('CAS1', { roles: 4 + 16 }), server('MBX1', { roles: 2 })] });
  assert.equal(found?.settings.InternalUMUrl, 'https://i.x.test/EWS/UM2007Legacy.asmx');
});

test('phones: the external URL, else the internal one, else none', () => {
  const sync = (urls: object) =>
    answer({ virtualDirectories: [EWS, virtualDirectory('CAS1', 'activesync', urls)] })?.mobileSync.url;
  assert.equal(sync({ internalUrl: 'https://i.x.test/as', externalUrl: 'https://e.x.test/as' }), 'https://e.x.test/as');
  assert.equal(sync({ internalUrl: 'https://i.x.test/as' }), 'https://i.x.test/as');
  assert.equal(answer({})?.mobileSync.url, undefined);
});

test('the culture is ll:cc, whatever the directory holds', () => {
  const of = (culture: string | undefined) => answer({}, { culture })?.mobileSync.culture;
  assert.equal(of('de-AT'), 'de:at');
  assert.equal(of(undefined), 'en:us');
  assert.equal(of('de-AT,en-US'), 'de:at');
  assert.equal(of('sr-Latn-CS'), 'sr:cs');
  for (const other of ['de', 'zh-CHT', 'es-419', 'x', '-', 'de-AT-1996']) assert.equal(of(other), 'en:us', other);
});

test('a database is judged once per snapshot and external site, and anew for another', () => {
  const index = organization({ virtualDirectories: [EWS] });
  const home = database({});
  assert.equal(judgeDatabase(home, index, undefined), judgeDatabase(home, index, undefined));
  assert.notEqual(judgeDatabase(home, index, 'Elsewhere'), judgeDatabase(home, index, undefined));
  assert.notEqual(
    judgeDatabase(home, organization({ virtualDirectories: [EWS] }), undefined),
    judgeDatabase(home, index, undefined),
  );
});
