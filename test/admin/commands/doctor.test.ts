// `doctor` over the demo organisations, and over a directory that the service account cannot see.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { doctorCommand } from '../../../src/admin/commands/doctor.ts';
import { DEMO_PASSWORD } from '../../../src/autodiscover/commands/demo.ts';
import { labCertificate } from '../../../src/autodiscover/tls/lab-certificate.ts';
import { startEmbeddedDirectory } from '../../../src/ldap/embedded/server.ts';
import { type Run, runCommand } from '../../autodiscover/commands/run-command.ts';
import { bench } from '../bench.ts';

const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
after(() => rmSync(folder, { recursive: true }));

const doctor = (...args: readonly string[]): Promise<Run> =>
  runCommand(doctorCommand, [...args, '--certs', folder], {});

test('--demo finds exactly the seeded faults, the same in every run', async () => {
  const run = await doctor('--demo', '--json');
  assert.equal(run.error, undefined, run.error?.stack);
  assert.equal(run.exitCode, 1);
  const { findings } = JSON.parse(run.stdout);
  assert.deepEqual(
    findings.map(({ code, object }: { code: string; object: string }) => `${code} ${object.split(',')[0]}`),
    [
      'database-without-endpoint CN=DUB-DB02',
      'database-single-server CN=SEA-DB02',
      'database-endpoint-not-client-access CN=SEA-DB03',
      'mailbox-database-unknown CN=Mallory Moss',
      'address-duplicate CN=Victor Vance',
      'forwarding-to-itself CN=Loop Lopez',
    ],
  );
  assert.equal((await doctor('--demo', '--json')).stdout, run.stdout);
});

test('an organisation without faults has no finding', async () => {
  const run = await doctor('--demo', 'fabrikam');
  assert.equal(run.stdout, 'nothing found\n', run.error?.stack);
  assert.equal(run.exitCode, 0);
});

test('text says what, where, why and what mends it', async () => {
  const { stdout } = await doctor('--demo', '--no-network', '--no-recipients');
  assert.match(stdout, /^fault: database SEA-DB02 names the single server/m);
  assert.match(stdout, /^ {2}where {2}CN=SEA-DB02,/m);
  assert.match(stdout, /^ {2}why {4}when SEA-CAS1 stops/m);
  assert.match(
    stdout,
    /^ {2}mend {3}autodiscover database set SEA-DB02 --rpc-client-access-server outlook-sea\.contoso\.test --demo$/m,
  );
  assert.match(stdout, /\n3 findings: 3 faults, 0 warnings\n$/);
});

test('with --config it says what commands that write need besides', async (t) => {
  const { place } = await bench(t);
  const { stdout, error } = await doctor('--config', place.config, '--no-network', '--no-recipients');
  assert.match(
    stdout,
    /warnings\nadd to commands of this program: --user NAME, the account that writes\n$/,
    error?.stack,
  );
});

test('an account without rights is the finding, with the dsacls line', async () => {
  const entries = readFileSync(new URL('../../../demo/contoso.ldif', import.meta.url), 'utf8');
  const directory = await startEmbeddedDirectory({ entries }); // nobody is given any right
  try {
    const { certificateFile, keyFile } = await labCertificate(folder, ['localhost']);
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, DEMO_PASSWORD);
    const config = {
      directory: {
        servers: [directory.url],
        bindDn: 'CN=svc-autodiscover,OU=Service Accounts,DC=contoso,DC=test',
        passwordFile,
        allowPlainText: true,
      },
      listen: { https: '127.0.0.1:0' },
      publicUrl: 'https://autodiscover.contoso.test',
      tls: { certificates: [{ certificateFile, keyFile }] },
    };
    const file = join(folder, 'config.yaml');
    writeFileSync(file, JSON.stringify(config));
    const run = await doctor('--config', file, '--json');
    assert.equal(run.error, undefined, run.error?.message);
    const { findings } = JSON.parse(run.stdout);
    assert.deepEqual(
      findings.map(({ code }: { code: string }) => code),
      ['rights-missing'],
    );
    assert.match(findings[0].remedy, /^dsacls "CN=Contoso,CN=Microsoft Exchange,.*" \/I:T \/G "/);
    assert.equal(run.exitCode, 1);
  } finally {
    await directory.close();
  }
});

test('it needs a directory', async () => {
  const { error } = await doctor();
  assert.equal(error?.code, 'configuration');
});

test('--kinds lists every kind of finding', async () => {
  assert.match((await doctor('--kinds')).stdout, /^fault {4}database-single-server$/m);
});
