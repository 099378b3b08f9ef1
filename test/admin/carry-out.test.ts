// Making changes when the controller misbehaves, and the words for what went wrong.
import assert from 'node:assert/strict';
import test from 'node:test';
import { carryOut } from '../../src/admin/carry-out.ts';
import { dsaclsLine, failureText } from '../../src/admin/failure-text.ts';
import { addEntry, type GuardedChange, replaceValues } from '../../src/ldap/change.ts';
import { DirectoryWriter, type WriteRefusal } from '../../src/ldap/writer.ts';
import { ADMIN_GROUP, PASSWORD, start, WRITER } from '../ldap/embedded/demo-directory.ts';
import { attribute, databaseDn, mdb } from './bench.ts';

const DATABASE = databaseDn('SEA-DB02');
const change = replaceValues(DATABASE, [
  { attribute: 'legacyExchangeDN', before: [mdb('SEA-CAS1')], after: [mdb('SEA-CAS2')] },
]);
const DOMAINS = [
  { netbiosName: 'CONTOSO', dnsName: 'contoso.test', namingContext: 'DC=contoso,DC=test' },
  { netbiosName: 'EMEA', dnsName: 'emea.contoso.test', namingContext: 'DC=emea,DC=contoso,DC=test' },
];

test('a controller that never answers the write is asked again what became of it: nothing', async (t) => {
  const directory = await start(t);
  const controller = {
    url: directory.url,
    startTls: false,
    ca: undefined,
    tlsServerName: undefined,
    connectTimeoutMs: 5_000,
    operationTimeoutMs: 1_000,
  };
  const writer = await DirectoryWriter.open(controller, WRITER, PASSWORD);
  t.after(() => writer.close());
  await directory.setFaults({ hang: true, operations: ['modify'] });
  const { done, failure } = await carryOut(writer, [change], DOMAINS);
  assert.deepEqual(done, []);
  assert.equal(failure?.refusal, 'refused');
  assert.match(failure?.text ?? '', /second look at the entry shows that nothing was written/);
  assert.deepEqual(attribute(directory, DATABASE, 'legacyExchangeDN'), [mdb('SEA-CAS1')]);
});

const failure = (refusal: WriteRefusal, standing?: readonly string[], which: GuardedChange = change) =>
  failureText({
    change: which,
    refusal,
    message: 'words\u0000\n of the server',
    standing,
    url: 'ldaps://dc1',
    account: WRITER,
    domains: DOMAINS,
  });

const texts: readonly (readonly [text: string, wanted: RegExp])[] = [
  [failure('lost-race', ['legacyExchangeDN: x']), /Now it holds:\n {2}legacyExchangeDN: x\n/],
  [failure('lost-race', []), /none of these attributes/],
  [failure('lost-race', undefined), /the entry is gone/],
  [failure('overwritten', ['legacyExchangeDN: x']), /the change was made, but somebody.*\n {2}legacyExchangeDN: x\n/],
  [failure('missing-right'), /^changing CN=SEA-DB02.*may not[\s\S]*dsacls "CN=Databases/],
  [failure('schema'), /nothing was written/],
  [failure('no-such-entry'), /Somebody removed or renamed it/],
  [
    failure('no-such-entry', undefined, addEntry('CN=a,CN=b,DC=test', { objectClass: ['container'] })),
    /container above it does not exist.*--controller/,
  ],
  [failure('already-exists'), /exists already/],
  [failure('wrong-controller'), /read-only.*--controller/],
  [failure('refused'), /refused; nothing was written/],
  [failure('unknown'), /connection broke.*undo file/],
];
for (const [text, wanted] of texts) {
  test(`says: ${wanted}`, () => {
    assert.match(text, wanted);
    assert.ok(text.includes(' on ldaps://dc1'));
    assert.ok(!text.includes('\u0000'));
  });
}

const grants: readonly (readonly [account: string, dn: string, line: RegExp])[] = [
  [WRITER, `CN=x,CN=Arrays,${ADMIN_GROUP}`, /^dsacls "CN=Arrays,[^"]*" \/I:T \/G "CONTOSO\\svc-exchadmin:CCDCWPSD"$/],
  ['CONTOSO\\joe', `CN=x,CN=Arrays,${ADMIN_GROUP}`, /"CONTOSO\\joe:CCDCWPSD"/],
  [
    'joe@contoso.test',
    `CN=S,CN=Autodiscover,CN=Protocols,CN=S,CN=Servers,${ADMIN_GROUP}`,
    /^dsacls "CN=Servers,CN=Exchange Admin[^"]*" \/I:T \/G "joe@contoso.test:CCDCWPSD"/,
  ],
  [
    'CN=joe,DC=elsewhere,DC=test',
    'CN=x,CN=AutoDiscover,CN=Client Access,CN=Contoso,DC=contoso,DC=test',
    /"CN=AutoDiscover,CN=Client Access[^"]*".*"DOMAIN\\joe:/,
  ],
  [
    WRITER,
    'CN=fabrikam.test,CN=Microsoft Exchange Autodiscover,CN=Services,CN=Configuration,DC=contoso,DC=test',
    /"CN=Microsoft Exchange Autodiscover,CN=Services/,
  ],
  ['CN=joe,DC=emea,DC=contoso,DC=test', `CN=x,CN=Arrays,${ADMIN_GROUP}`, /"EMEA\\joe:CCDCWPSD"/],
  [WRITER, 'CN=Arrays,CN=Group,DC=test', /^dsacls "CN=Group,DC=test"/], // the container itself is made in its parent
];
for (const [account, dn, line] of grants) {
  test(`grants to ${account} for ${dn.slice(0, 40)}`, () => {
    const added = addEntry(dn, { objectClass: ['container'] });
    assert.match(dsaclsLine({ change: added, account, domains: DOMAINS }), line);
  });
}
