// `verify` at services whose TLS is not good: every fault of names, chains, dates and versions is found as what it is.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { verifyCommand } from '../../../src/admin/commands/verify.ts';
import { acceptedTlsVersions } from '../../../src/admin/probe/tls-probe.ts';
import type { Check } from '../../../src/admin/verify/check.ts';
import { serverCertificate, TEST_CA, TEST_KEY } from '../../autodiscover/client/test-certificates.ts';
import { runCommand } from '../../autodiscover/commands/run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'bad-tls-'));
const ca = join(folder, 'ca.pem');
writeFileSync(ca, TEST_CA);
const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

/** Checks of a server with this TLS, which answers everything with 404. */
async function verify(options: ServerOptions): Promise<{ origin: string; checks: readonly Check[] }> {
  const server = createServer(
    { key: TEST_KEY, cert: serverCertificate(['127.0.0.1'], 60), ...options },
    (_, response) => response.writeHead(404).end(),
  );
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const args = ['someone@nowhere.invalid', '--server', origin, '--ca', ca, '--timeout', '5', '--json'];
  const run = await runCommand(verifyCommand, args, { env: { AUTODISCOVER_PASSWORD: 'x' } });
  assert.equal(run.exitCode, 1, run.error?.stack);
  return { origin, checks: JSON.parse(run.stdout).checks };
}

const find = (checks: readonly Check[], subject: string, check: string) =>
  checks.find((one) => one.subject === subject && one.check === check);

const CERTIFICATES: readonly (readonly [string, string, RegExp])[] = [
  ['another name', serverCertificate(['mail.contoso.test'], 60), /certificate-name/],
  ['a chain that ends at nobody we trust', serverCertificate(['127.0.0.1'], 60, 'Other CA'), /certificate-untrusted/],
  [
    'an intermediate that is not sent',
    serverCertificate(['127.0.0.1'], 60, 'Test Intermediate'),
    /certificate-untrusted/,
  ],
  ['an end that is past', serverCertificate(['127.0.0.1'], -1), /certificate-expired/],
];
for (const [what, cert, reason] of CERTIFICATES) {
  test(`a certificate with ${what}`, async () => {
    const { origin, checks } = await verify({ cert });
    for (const dialect of ['pox', 'soap']) {
      assert.equal(find(checks, 'someone@nowhere.invalid', `${dialect} answer`)?.outcome, 'failed');
      const bad = find(checks, 'someone@nowhere.invalid', `${dialect} certificate`);
      assert.equal(bad?.outcome, 'failed');
      assert.match(bad?.detail ?? '', reason);
      assert.match(bad?.detail ?? '', new RegExp(`POST ${origin}/autodiscover/autodiscover\\.`));
    }
    // Its versions are told all the same.
    assert.equal(find(checks, origin, 'TLS versions')?.outcome, 'passed');
  });
}

const OLD = 'DEFAULT@SECLEVEL=0';
const VERSIONS: readonly (readonly [ServerOptions, RegExp])[] = [
  [{ minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: OLD }, /^TLSv1: .* refuse every version before TLS 1\.2/],
  [{ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: OLD }, /^TLSv1, TLSv1\.1: /],
];
for (const [options, detail] of VERSIONS) {
  test(`a server that takes no version after ${options.maxVersion}`, async () => {
    const { origin, checks } = await verify(options);
    const answer = find(checks, 'someone@nowhere.invalid', 'pox answer');
    assert.equal(answer?.outcome, 'failed');
    assert.match(answer?.detail ?? '', /server tls/);
    const versions = find(checks, origin, 'TLS versions');
    assert.equal(versions?.outcome, 'failed');
    assert.match(versions?.detail ?? '', detail);
  });
}

test('each version is tried by itself', async () => {
  const network = {
    addressesOf: async () => [],
    route: (host: string, port: number) => ({ host, port }),
    ca: undefined,
    timeoutMs: 5000,
  };
  const cert = serverCertificate(['127.0.0.1'], 60);
  for (const [minVersion, maxVersion, expected] of [
    ['TLSv1', 'TLSv1.3', ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']],
    ['TLSv1.2', 'TLSv1.2', ['TLSv1.2']],
    ['TLSv1.3', 'TLSv1.3', ['TLSv1.3']],
  ] as const) {
    const server = createServer({
      key: TEST_KEY,
      cert,
      minVersion,
      maxVersion,
      ciphers: `${OLD}:TLS_AES_128_GCM_SHA256`,
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    assert.deepEqual(await acceptedTlsVersions(network, '127.0.0.1', port), expected);
  }
  assert.equal(await acceptedTlsVersions(network, '127.0.0.1', 1), undefined);
});
