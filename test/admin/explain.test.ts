// `explain` over the embedded directory: the whole chain for a mailbox, and where it ends for everybody else.
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import test from 'node:test';
import { withDirectory } from '../../src/admin/commands/directory-flags.ts';
import { type Explanation, explain } from '../../src/admin/explain.ts';
import type { CommandIo } from '../../src/autodiscover/commands/command-io.ts';
import { resolveOptionsOf } from '../../src/autodiscover/commands/service.ts';
import { ADMIN_GROUP, LEGACY_ADMIN_GROUP } from '../ldap/embedded/demo-directory.ts';
import { bench } from './bench.ts';
import { run } from './run-command.ts';

async function explained(address: string): Promise<{ explanation: Explanation; exitCode: number; text: string }> {
  const { out, exitCode } = await run(['explain', address, '--demo', '--json']);
  return { explanation: JSON.parse(out), exitCode, text: (await run(['explain', address, '--demo'])).out };
}

test('a mailbox behind an array: every link of the chain', async () => {
  const { explanation, exitCode, text } = await explained('SMTP:Alice@CONTOSO.test');
  assert.equal(exitCode, 0);
  assert.deepEqual(explanation.search, {
    base: 'DC=contoso,DC=test',
    filters: ['(proxyAddresses=smtp:Alice@contoso.test)'],
  });
  assert.deepEqual(explanation.found, ['CN=Alice Adams,OU=Staff,DC=contoso,DC=test']);
  assert.equal(explanation.matchedBy, 'address');
  assert.match(explanation.directory.controller, /^ldap:\/\/127\.0\.0\.1:\d+$/);
  assert.ok(explanation.directory.snapshotAgeMs >= 0 && explanation.directory.snapshotAgeMs < 60_000);
  assert.equal(explanation.mailbox?.homeMdb, `CN=SEA-DB01,CN=Databases,${ADMIN_GROUP}`);
  assert.equal(
    explanation.database?.legacyDn,
    `${LEGACY_ADMIN_GROUP}/cn=Configuration/cn=Servers/cn=outlook-sea.contoso.test/cn=Microsoft Private MDB`,
  );
  assert.equal(explanation.database?.owner, 'SEA-MBX1');
  assert.deepEqual(
    { ...explanation.endpoint, reason: undefined },
    {
      status: 'endpoint',
      distinguishedName: `CN=Seattle CAS Array,CN=Arrays,${ADMIN_GROUP}`,
      objectClass: 'msExchClientAccessArray',
      named: 'Seattle CAS Array',
      source: 'array',
      fqdn: 'outlook-sea.contoso.test',
      site: 'Seattle',
      reason: undefined,
    },
  );
  const ews = explanation.urls.find(({ kind, side }) => kind === 'ews' && side === 'internal');
  assert.equal(ews?.url, 'https://mail-sea.contoso.test/EWS/Exchange.asmx');
  assert.match(ews?.distinguishedName ?? '', /^CN=EWS \(Default Web Site\),CN=HTTP,CN=Protocols,CN=SEA-CAS1,/);
  assert.equal(ews?.site, 'Seattle');
  assert.deepEqual(explanation.warnings, []);
  for (const part of [
    'filter        (proxyAddresses=',
    'homeMDB',
    'class msExchClientAccessArray',
    'read 0 s ago',
    'answer        outlook-sea.contoso.test',
  ]) {
    assert.ok(text.includes(part), `${part}\n${text}`);
  }
});

test('the second explanation from one snapshot has the URLs too', async () => {
  const io = { stderr: new PassThrough() } as unknown as CommandIo;
  const both = await withDirectory({ demo: true }, io, async (directory, { config }) => {
    const deps = { directory, options: resolveOptionsOf(config), searchBase: undefined, now: Date.now };
    const ask = () => explain({ emailAddress: 'alice@contoso.test', legacyDn: undefined }, deps);
    return [await ask(), await ask()];
  });
  assert.ok((both[0]?.urls.length ?? 0) >= 8);
  assert.deepEqual(both[1]?.urls, both[0]?.urls);
});

test('a legacyExchangeDN is explained as well', async () => {
  const { explanation } = await explained(`${LEGACY_ADMIN_GROUP}/cn=Recipients/cn=alice`);
  assert.equal(explanation.matchedBy, 'legacyDn');
  assert.match(explanation.search.filters[0] ?? '', /^\(\|\(legacyExchangeDN=.*X500:/);
});

test('nobody: both filters are shown, and the exit code is 1', async () => {
  const { explanation, exitCode, text } = await explained('nobody.here@contoso.test');
  assert.equal(exitCode, 1);
  assert.equal(explanation.search.filters.length, 2);
  assert.match(
    explanation.search.filters[1] ?? '',
    /objectCategory=person.*mail=nobody\.here@contoso\.test.*userPrincipalName=/,
  );
  assert.deepEqual([explanation.found, explanation.mailbox, explanation.endpoint], [[], null, null]);
  assert.match(text, /found {9}nobody\n/);
  assert.match(text, /answer {8}error unknown-address/);
});

test('a database on a single server is explained with its warning', async (t) => {
  const { write, place } = await bench(t);
  await write(['database', 'set', 'SEA-DB01', '--rpc-client-access-server', 'SEA-CAS1'], 'u.ldif');
  const { out, exitCode } = await run(['explain', 'alice@contoso.test', '--config', place.config]);
  assert.equal(exitCode, 0);
  assert.match(out, /class msExchExchangeServer/);
  assert.match(out, /warning {7}database .* is not associated with a CAS array/);
});

test('an address that is none is a usage error', async () => {
  for (const text of ['not an address', 'a@b@c', '@contoso.test', '']) {
    assert.equal((await run(['explain', text, '--demo'])).exitCode, 2, text);
  }
});

test('a directory that stops answering is said, with exit code 1', async (t) => {
  const { directory, place } = await bench(t);
  await directory.setFaults({ dead: 'refuse' });
  const { exitCode, error } = await run(['explain', 'alice@contoso.test', '--config', place.config]);
  assert.equal(exitCode, 1);
  assert.match(error?.message ?? '', /no domain controller answered/);
});
