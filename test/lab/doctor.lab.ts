// The doctor and the probe against a real domain controller: every fault that Active Directory allows is seeded by LDAP, found on its
// object with its remedy, and taken back. And the balancer's view of an endpoint mapper that is real, but not Exchange's.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, test } from 'node:test';
import { Attribute, Change, Client } from 'ldapts';
import { examine } from '../../src/admin/doctor/examine.ts';
import { systemNetwork } from '../../src/admin/probe/network.ts';
import { interfaceFault, probeRpc } from '../../src/admin/probe/rpc-probe.ts';
import { verify } from '../../src/admin/verify/verify.ts';
import { basicAuthenticator } from '../../src/autodiscover/client/authenticate.ts';
import { discover } from '../../src/autodiscover/client/discover.ts';
import { createHttpClient } from '../../src/autodiscover/client/http-client.ts';
import { resolveOptionsOf, startService } from '../../src/autodiscover/commands/service.ts';
import { configSchema } from '../../src/autodiscover/config-schema.ts';
import { createLogger } from '../../src/autodiscover/log.ts';
import { resolve } from '../../src/autodiscover/settings/resolve.ts';
import { labCertificate } from '../../src/autodiscover/tls/lab-certificate.ts';
import { type Directory, openDirectory } from '../../src/ldap/directory.ts';
import { type LdifRecord, parseLdif, text, texts } from '../../src/ldap/ldif.ts';
import { findRecord, SEEDS, type Seed } from '../admin/doctor/seeds.ts';
import { HEALTHY, OPTIONS } from '../admin/doctor/world.ts';
import { labSuite } from './requirements.ts';
import { type SambaLab, startSambaLab } from './samba/samba-lab.ts';

const SERVICE_ACCOUNT = 'CN=svc-autodiscover,OU=Service Accounts,DC=contoso,DC=test';

labSuite('Doctor on a domain controller', ['samba'], () => {
  let lab: SambaLab;
  let admin: Client;
  let records: readonly LdifRecord[];

  before(async () => {
    lab = await startSambaLab();
    records = parseLdif(readFileSync(lab.paths.ldif, 'utf8'));
    admin = new Client({
      url: lab.ldapsUrl,
      tlsOptions: { ca: [readFileSync(lab.caFile)], host: lab.address, servername: lab.host },
    });
    await admin.bind(`Administrator@${lab.domain.dnsName}`, lab.adminPassword);
  });
  after(async () => {
    await admin?.unbind();
    await lab?.stop();
  });

  const withDirectory = async <T>(
    task: (directory: Directory) => Promise<T>,
    bindName = SERVICE_ACCOUNT,
  ): Promise<T> => {
    const directory = await openDirectory({
      controllers: [
        {
          url: lab.ldapsUrl,
          startTls: false,
          ca: [readFileSync(lab.caFile, 'utf8')],
          tlsServerName: lab.host,
          connectTimeoutMs: 5000,
          operationTimeoutMs: 20_000,
        },
      ],
      bindName,
      readPassword: async () => lab.password,
      connections: 2,
      refreshIntervalMs: 600_000,
      searchBase: undefined,
    });
    try {
      return await task(directory);
    } finally {
      directory.close();
    }
  };
  const find = () => withDirectory((directory) => examine(directory, { ...OPTIONS, skipNetwork: true }, HEALTHY));

  const replace = (dn: string, values: Readonly<Record<string, readonly string[]>>) =>
    admin.modify(
      dn,
      Object.entries(values).map(
        ([type, list]) =>
          new Change({ operation: 'replace', modification: new Attribute({ type, values: [...list] }) }),
      ),
    );

  /** Makes the fault; the function that is given back takes it away again. */
  const plant = async ({ object, change }: Seed): Promise<() => Promise<void>> => {
    const record = findRecord(records, object);
    if (change === undefined) {
      const attributes = record.attributes
        .filter(({ name }) => !/^(?:objectCategory|cn|objectGUID)$/i.test(name))
        .map(
          ({ name, values }) => new Attribute({ type: name, values: values.map((value) => value.toString('utf8')) }),
        );
      await admin.del(record.dn);
      return () => admin.add(record.dn, attributes);
    }
    const before = Object.fromEntries(Object.keys(change).map((name) => [name, texts(record, name)]));
    await replace(record.dn, change);
    return () => replace(record.dn, before);
  };

  test('the demo organisation has its seeded faults here too', async () => {
    const findings = await find();
    assert.deepEqual(findings.map(({ code, object }) => `${code} ${object.split(',')[0]}`).sort(), [
      'address-duplicate CN=Victor Vance',
      'database-endpoint-not-client-access CN=SEA-DB03',
      'database-single-server CN=SEA-DB02',
      'database-without-endpoint CN=DUB-DB02',
      'forwarding-to-itself CN=Loop Lopez',
      // A domain controller keeps no link to an object that does not exist.
      'mailbox-database-lost CN=Mallory Moss',
    ]);
  });

  for (const seed of SEEDS) {
    test(`${seed.code}: found on ${seed.found ?? seed.object}`, async () => {
      const undo = await plant(seed);
      try {
        const findings = await find();
        const wanted = seed.found ?? seed.object;
        const found = findings.find(
          ({ code, object }) => code === seed.code && object.toLowerCase().startsWith(wanted.toLowerCase()),
        );
        assert.ok(found, JSON.stringify(findings, undefined, 1));
        assert.match(found.remedy, seed.remedy);
      } finally {
        await undo();
      }
    });
  }

  test('an ordinary account is told which right it lacks', async () => {
    const alice = text(findRecord(records, 'CN=Alice Adams,OU=Staff'), 'userPrincipalName') ?? '';
    await assert.rejects(withDirectory(find, alice), { code: 'missing-right', message: /dsacls "CN=Contoso,/ });
  });

  test('verification of every database through a service on this controller fails for the seeded faults alone', async () => {
    const certs = mkdtempSync(join(tmpdir(), 'verify-lab-'));
    const host = 'autodiscover.contoso.test';
    const { caFile, certificateFile, keyFile } = await labCertificate(certs, [host]);
    const config = configSchema.parse({
      directory: { servers: [lab.ldapsUrl], serverName: lab.host, bindDn: SERVICE_ACCOUNT, passwordFile: 'none' },
      listen: { https: '127.0.0.1:0' },
      publicUrl: `https://${host}`,
      tls: { certificates: [{ certificateFile, keyFile }] },
    });
    const settings = { config, ca: [readFileSync(lab.caFile, 'utf8')], readPassword: async () => lab.password };
    const service = await startService(settings, createLogger('silent', new PassThrough()));
    try {
      const { directory } = service;
      const port = Number(new URL(service.httpsUrl).port);
      const http = createHttpClient({
        timeoutMs: 20_000,
        ca: readFileSync(caFile, 'utf8'),
        connectTo: () => ({ host: '127.0.0.1', port }),
      });
      const found = await Promise.all(
        directory.organization().organization.databases.map((one) => directory.findMailboxOf(one.distinguishedName)),
      );
      const checks = await verify(
        { addresses: found.filter((address) => address !== undefined), index: directory.organization() },
        {
          discover: (address, dialect) =>
            discover(
              {
                address,
                dialect,
                server: new URL(`https://${host}/autodiscover/autodiscover.${dialect === 'pox' ? 'xml' : 'svc'}`),
              },
              {
                http,
                authenticators: [basicAuthenticator('alice@contoso.test', async () => lab.password)],
                resolveSrv: async () => [],
                readFile: async () => Buffer.alloc(0),
                askConsent: async () => false,
                clock: () => performance.now(),
              },
            ),
          expected: (address) =>
            resolve(directory, { emailAddress: address, legacyDn: undefined }, resolveOptionsOf(config)),
          clock: () => new Date(),
          probeRpc: HEALTHY.probeRpc,
          probeUrl: HEALTHY.probeUrl,
          tlsVersions: async () => ['TLSv1.2', 'TLSv1.3'],
          concurrency: 4,
        },
      );
      assert.ok(checks.length > 300, String(checks.length));
      const wrong = checks.filter(({ subject, outcome }) => outcome !== 'passed' && subject.includes('@'));
      assert.deepEqual(wrong.map(({ subject, check }) => `${subject} ${check}`).sort(), [
        'carol@contoso.test directory',
        'dave@contoso.test directory',
        'olga@contoso.test directory',
      ]);
    } finally {
      await service.stop();
      rmSync(certs, { recursive: true });
    }
  });

  test('a real endpoint mapper without Exchange is told as that', async () => {
    const probe = await probeRpc(systemNetwork({ ca: undefined, timeoutMs: 10_000 }), lab.address);
    assert.deepEqual(probe.interfaces.map(interfaceFault), [
      'the endpoint mapper answers, but knows no EMSMDB',
      'the endpoint mapper answers, but knows no RFR',
      'the endpoint mapper answers, but knows no NSPI',
    ]);
  });
});
