import assert from 'node:assert/strict';
import test from 'node:test';
import { Client } from 'ldapts';
import { type EmbeddedDirectory, startEmbeddedDirectory } from '../../../src/ldap/embedded/server.ts';
import { selfSigned } from '../../helpers/certificates.ts';
import { codeOf, connect, DEMO_LDIF, DOMAIN, PASSWORD, STAFF, start } from './demo-directory.ts';

const lookup = (client: Client) => client.search(STAFF, { filter: '(sAMAccountName=bob)', attributes: ['mail'] });

test('slow: the client times out, a patient one is answered', async (t) => {
  const directory = await start(t);
  // The root DSE needs no bind, so that only the delayed request runs against the clock.
  const hasty = await connect(t, directory, undefined, { timeout: 60 });
  const patient = await connect(t, directory, 'CONTOSO\\alice');
  await directory.setFaults({ delayMs: 600_000, operations: ['search'] });
  await assert.rejects(hasty.search('', { scope: 'base' }), /timed out/);
  assert.equal(await codeOf(patient.bind('CONTOSO\\alice', PASSWORD)), 0); // binds are not slow
  await directory.setFaults({ delayMs: 50 });
  assert.equal((await lookup(patient)).searchEntries.length, 1);
});

test('slow to refuse: a wrong password of an account waits, everything else is answered', async (t) => {
  const directory = await start(t);
  const client = await connect(t, directory, undefined, { timeout: 300 });
  await directory.setFaults({ refusedPasswordMs: [600_000, 600_000] });
  assert.equal(await codeOf(client.bind('CONTOSO\\alice', PASSWORD)), 0);
  assert.equal(await codeOf(client.bind('CONTOSO\\nobody', 'wrong')), 49);
  await assert.rejects(client.bind('CONTOSO\\alice', 'wrong'), /timed out/);
  await directory.setFaults({ refusedPasswordMs: [1, 5] });
  const next = await connect(t, directory);
  assert.equal(await codeOf(next.bind('CONTOSO\\alice', 'wrong')), 49);
});

test('hanging: accepted and never answered, until the fault ends', async (t) => {
  const directory = await start(t, { faults: { hang: true } });
  const client = await connect(t, directory, undefined, { timeout: 60 });
  await assert.rejects(client.bind('CONTOSO\\alice', PASSWORD), /timed out/);
  await directory.setFaults({});
  const next = await connect(t, directory, 'CONTOSO\\alice');
  assert.equal((await lookup(next)).searchEntries.length, 1);
});

test('reset in mid-answer', async (t) => {
  const directory = await start(t);
  const client = await connect(t, directory, 'CONTOSO\\alice');
  await directory.setFaults({ resetMidAnswer: true, operations: ['search'] });
  await assert.rejects(client.search(DOMAIN, { filter: '(objectClass=user)' }), /ECONNRESET|closed|Connection/i);
  await directory.setFaults({});
  const next = await connect(t, directory, 'CONTOSO\\alice');
  assert.equal((await lookup(next)).searchEntries.length, 1);
});

test('dead: nothing listens, then it is back on the same port', async (t) => {
  const directory = await start(t);
  const { port } = directory;
  const client = await connect(t, directory, 'CONTOSO\\alice');
  await directory.setFaults({ dead: 'refuse' });
  const late = await connect(t, directory);
  await assert.rejects(late.bind('CONTOSO\\alice', PASSWORD), { code: 'ECONNREFUSED' });
  assert.equal(directory.stats.openConnections, 0);
  await directory.setFaults({});
  assert.equal(directory.port, port);
  await late.bind('CONTOSO\\alice', PASSWORD);
  await client.bind('CONTOSO\\alice', PASSWORD);
  await directory.setFaults({ dead: 'close' });
  await assert.rejects(lookup(client));
  await directory.setFaults({});
  const dead = await start(t, { faults: { dead: 'refuse' } });
  await assert.rejects((await connect(t, dead)).bind('CONTOSO\\alice', PASSWORD), { code: 'ECONNREFUSED' });
});

test("lying: a result of the test's choice", async (t) => {
  const directory = await start(t);
  const client = await connect(t, directory, 'CONTOSO\\alice');
  for (const [result, code] of [
    ['busy', 51],
    ['unavailable', 52],
    ['referral', 10],
    ['insufficientAccessRights', 50],
  ] as const) {
    await directory.setFaults({ result, operations: ['search'] });
    assert.equal(await codeOf(lookup(client)), code);
  }
  await directory.setFaults({ result: 'unavailable', operations: ['bind'] });
  assert.equal(await codeOf(client.bind('CONTOSO\\alice', PASSWORD)), 52);
  assert.deepEqual(directory.faults, { result: 'unavailable', operations: ['bind'] });
});

test('LDAPS with verification, and certificates that must not be trusted', async (t) => {
  const certificate = selfSigned('dc1.contoso.test');
  const secure = (directory: EmbeddedDirectory, tlsOptions: object) => connect(t, directory, undefined, { tlsOptions });
  const directory = await start(t, { tls: certificate, requireTls: true });
  assert.match(directory.url, /^ldaps:/);
  const client = await secure(directory, { ca: certificate.cert, servername: 'dc1.contoso.test' });
  await client.bind('CONTOSO\\alice', PASSWORD);
  assert.equal((await lookup(client)).searchEntries.length, 1);
  const stranger = await secure(directory, { servername: 'dc1.contoso.test' });
  await assert.rejects(stranger.bind('CONTOSO\\alice', PASSWORD), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  const renamed = selfSigned('other.contoso.test');
  const impostor = await start(t, { tls: renamed });
  const careful = await secure(impostor, {
    ca: renamed.cert,
    servername: 'dc1.contoso.test',
    checkServerIdentity: undefined,
  });
  await assert.rejects(careful.bind('CONTOSO\\alice', PASSWORD));
  const old = selfSigned('dc1.contoso.test', { notBefore: new Date('2010-01-01'), notAfter: new Date('2012-01-01') });
  const expired = await secure(await start(t, { tls: old }), { ca: old.cert, servername: 'dc1.contoso.test' });
  await assert.rejects(expired.bind('CONTOSO\\alice', PASSWORD), { code: 'CERT_HAS_EXPIRED' });
});

test('StartTLS', async (t) => {
  const certificate = selfSigned('dc1.contoso.test');
  const directory = await start(t, { tls: { ...certificate, mode: 'start-tls' }, requireTls: true });
  assert.match(directory.url, /^ldap:/);
  const client = await connect(t, directory);
  const { searchEntries } = await client.search('', { scope: 'base', attributes: ['supportedExtension'] });
  assert.ok(String(searchEntries[0]?.supportedExtension).includes('1.3.6.1.4.1.1466.20037'));
  assert.equal(await codeOf(client.bind('CONTOSO\\alice', PASSWORD)), 8);
  await client.startTLS({ ca: certificate.cert, servername: 'dc1.contoso.test' });
  await client.bind('CONTOSO\\alice', PASSWORD);
  assert.equal((await lookup(client)).searchEntries.length, 1);
  const plain = await start(t);
  await assert.rejects((await connect(t, plain)).startTLS({ ca: certificate.cert })); // not offered there
});

test('starting: what cannot be served is said', async (t) => {
  const directory = await start(t);
  const bad = (options: Partial<Parameters<typeof startEmbeddedDirectory>[0]>, message: RegExp) =>
    assert.rejects(startEmbeddedDirectory({ entries: DEMO_LDIF, ...options }), { name: 'DirectoryError', message });
  await bad({ port: directory.port }, /cannot start the embedded directory on 127\.0\.0\.1:\d+: .*EADDRINUSE/);
  await bad(
    { entries: 'dn: CN=a\ncn: a\n\ndn: cn=A\ncn: a\n' },
    /cannot load 'cn=A': there are two entries of this name/,
  );
  await bad(
    { entries: 'dn: DC=a\ndc: a\n\ndn: CN=x,OU=b,DC=a\ncn: x\n' },
    /cannot load 'CN=x,OU=b,DC=a': its parent is missing below 'DC=a'/,
  );
  await bad({ entries: 'dn: nonsense\ncn: a\n' }, /distinguished name 'nonsense'/);
  await bad({ entries: 'cn: a\n' }, /LDIF line 1/);
  const reversed = await start(t, {
    entries: 'dn: CN=b,CN=a,DC=x\ncn: b\n\ndn: CN=a,DC=x\ncn: a\n\ndn: DC=x\ndc: x\n',
  });
  assert.equal(reversed.size, 3); // children before parents
});

test('closing ends connections and frees the port', async (t) => {
  const directory = await startEmbeddedDirectory({ entries: DEMO_LDIF });
  const client = new Client({ url: directory.url });
  t.after(() => client.unbind().catch(() => undefined));
  await client.bind('CONTOSO\\alice', PASSWORD);
  await directory.close();
  await assert.rejects(client.bind('CONTOSO\\alice', PASSWORD));
  await directory.close(); // twice is no fault
  const next = await start(t, { port: directory.port });
  assert.equal(next.port, directory.port);
});
