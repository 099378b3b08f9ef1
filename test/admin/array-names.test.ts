// Names an array may have, and warnings about names that will give trouble.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { fqdnFault, fqdnWarnings, isPrivateAddress, type NameLookup, nameFault } from '../../src/admin/array-names.ts';
import { type ControllerSession, openSession } from '../../src/admin/controller-session.ts';
import { type EmbeddedDirectory, startEmbeddedDirectory } from '../../src/ldap/embedded/server.ts';
import { OrganizationIndex } from '../../src/ldap/organization-index.ts';
import { DEMO_LDIF, PASSWORD, RIGHTS, WRITER } from '../ldap/embedded/demo-directory.ts';

const good = (text: string) => test(`takes ${text}`, () => assert.equal(fqdnFault(text), undefined));
const bad = (text: string, why: RegExp) =>
  test(`refuses ${JSON.stringify(text.slice(0, 60))}`, () => assert.match(fqdnFault(text) ?? '', why));

good('outlook.contoso.test');
good('a.b');
good('OUTLOOK-1.Contoso.Test');
good('xn--mnchen-3ya.contoso.test'); // an A-label
good(`${'a'.repeat(63)}.contoso.test`);
bad('outlook', /short name/);
bad('', /short name/);
bad('10.0.0.1', /address/);
bad('::1', /address/);
bad('outlook..contoso.test', /empty label/);
bad('outlook.contoso.test.', /empty label/); // the root's dot
bad('.contoso.test', /empty label/);
bad('out look.contoso.test', /no DNS label/);
bad('outlook_1.contoso.test', /no DNS label/); // underscore: no host name
bad('-outlook.contoso.test', /no DNS label/);
bad('outlook-.contoso.test', /no DNS label/);
bad(`${'a'.repeat(64)}.contoso.test`, /no DNS label/);
bad(`${'a.'.repeat(130)}test`, /253/);
bad('outlook.contoso.1', /number/);
bad('münchen.contoso.test', /no DNS label/); // to be written as an A-label
bad('a.b/cn=x', /no DNS label/); // would break out of the legacyExchangeDN
bad('a.b\u0000', /no DNS label/);

for (const name of ['Seattle CAS Array', 'a', 'x'.repeat(64), 'Größe, "quoted" + more']) {
  test(`takes the name ${name}`, () => assert.equal(nameFault(name), undefined));
}
for (const name of ['', ' a', 'a ', 'x'.repeat(65), 'a\nb', 'a\u0000']) {
  test(`refuses the name ${JSON.stringify(name)}`, () => assert.ok(nameFault(name)));
}

const addresses: readonly (readonly [address: string, isPrivate: boolean])[] = [
  ['10.1.2.3', true],
  ['172.16.0.1', true],
  ['172.31.255.255', true],
  ['172.32.0.1', false],
  ['192.168.1.1', true],
  ['192.169.1.1', false],
  ['127.0.0.1', true],
  ['169.254.1.1', true],
  ['100.64.0.1', true],
  ['100.128.0.1', false],
  ['8.8.8.8', false],
  ['::1', true],
  ['fd00::1', true],
  ['fe80::1', true],
  ['2001:db8::1', false],
  ['::ffff:10.0.0.1', true],
  ['::ffff:8.8.8.8', false],
];
for (const [address, isPrivate] of addresses) {
  test(`${address} is ${isPrivate ? 'private' : 'public'}`, () => assert.equal(isPrivateAddress(address), isPrivate));
}

let directory: EmbeddedDirectory;
let session: ControllerSession;
before(async () => {
  directory = await startEmbeddedDirectory({ entries: DEMO_LDIF, access: RIGHTS });
  const controller = {
    url: directory.url,
    startTls: false,
    ca: undefined,
    tlsServerName: undefined,
    connectTimeoutMs: 5_000,
    operationTimeoutMs: 5_000,
  };
  session = await openSession(controller, WRITER, PASSWORD);
});
after(async () => {
  session?.writer.close();
  await directory?.close();
});

const inside = (...list: string[]): NameLookup => ({ addresses: async () => list });
const warnings: readonly (readonly [
  what: string,
  fqdn: string,
  lookup: NameLookup | undefined,
  wanted: readonly RegExp[],
])[] = [
  ['a name inside', 'outlook9.contoso.test', inside('10.0.0.1'), []],
  ['no look-up', 'outlook9.contoso.test', undefined, []],
  ['a web host', 'mail.contoso.test', undefined, [/also the host of the .* directory/]],
  ['the Outlook Anywhere host in other case', 'MAIL.contoso.test', undefined, [/also the host/]],
  ['the SCP host', 'autodiscover-dublin.contoso.test', undefined, [/Autodiscover service connection point/]],
  ['no record', 'outlook9.contoso.test', inside(), [/does not resolve/]],
  ['a public address', 'outlook9.contoso.test', inside('10.0.0.1', '8.8.8.8'), [/resolves to 8\.8\.8\.8/]],
  [
    'seen outside',
    'outlook9.contoso.test',
    { ...inside('10.0.0.1'), addressesOutside: async () => ['8.8.4.4'] },
    [/resolves outside, to 8\.8\.4\.4/],
  ],
  ['not seen outside', 'outlook9.contoso.test', { ...inside('10.0.0.1'), addressesOutside: async () => [] }, []],
  [
    'a silent resolver',
    'outlook9.contoso.test',
    { addresses: () => Promise.reject(new Error('timed out')) },
    [/could not be looked up: timed out/],
  ],
];
for (const [what, fqdn, lookup, wanted] of warnings) {
  test(`warnings: ${what}`, async () => {
    const found = await fqdnWarnings(fqdn, session.index, lookup);
    assert.equal(found.length, wanted.length, found.join('\n'));
    wanted.forEach((pattern, at) => {
      assert.match(found[at] ?? '', pattern);
    });
  });
}

test('warnings: hosts of Outlook Anywhere alone, by its virtual directory and by its provider', async () => {
  const { organization } = session.index;
  const virtualDirectories = organization.virtualDirectories.map((one) =>
    one.kind === 'rpc' ? { ...one, externalUrl: 'https://anywhere.contoso.test/rpc' } : one,
  );
  const expr = session.index.outlookProvider('EXPR');
  assert.ok(expr, 'the demo has the provider');
  const outlookProviders = organization.outlookProviders.map((one) =>
    one === expr ? { ...one, server: 'Provider.contoso.test' } : one,
  );
  const index = new OrganizationIndex({ ...organization, virtualDirectories, outlookProviders });
  for (const fqdn of ['anywhere.contoso.test', 'provider.contoso.test'])
    assert.match((await fqdnWarnings(fqdn, index, undefined))[0] ?? '', /also the host of the Outlook Anywhere/, fqdn);
});
