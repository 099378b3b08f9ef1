// The doctor and the verification against a real domain controller, a real DNS server, real listeners and real certificates: every kind
// of finding has a fault that causes it here, found on its object with its remedy, with nothing else found, and taken back.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { Attribute, Change, Client } from 'ldapts';
import { examine } from '../../src/admin/doctor/examine.ts';
import { FINDINGS, type Finding, type FindingCode } from '../../src/admin/doctor/finding.ts';
import { systemNetwork } from '../../src/admin/probe/network.ts';
import { interfaceFault, probeRpc } from '../../src/admin/probe/rpc-probe.ts';
import { type RunningService, startService } from '../../src/autodiscover/commands/service.ts';
import { configSchema } from '../../src/autodiscover/config-schema.ts';
import { createLogger } from '../../src/autodiscover/log.ts';
import { openDirectory } from '../../src/ldap/directory.ts';
import { type LdifRecord, parseLdif, text, texts } from '../../src/ldap/ldif.ts';
import { findRecord, SEEDS, type Seed } from '../admin/doctor/seeds.ts';
import { HEALTHY, OPTIONS } from '../admin/doctor/world.ts';
import { type DoctorBed, startDoctorBed } from './doctor-bed.ts';
import {
  ACCOUNT_SEEDS,
  type Expected,
  type LabPlace,
  mendNetwork,
  NETWORK_SEEDS,
  seedDuplicatePrincipal,
} from './doctor-seeds.ts';
import { labSuite } from './requirements.ts';
import { type SambaController, type SambaLab, startSambaLab } from './samba/samba-lab.ts';

const SERVICE_ACCOUNT = 'CN=svc-autodiscover,OU=Service Accounts,DC=contoso,DC=test';
const WRITER_ACCOUNT = 'CN=svc-exchadmin,OU=Service Accounts,DC=contoso,DC=test';

/** The faults that the demo organisation brings. */
const KNOWN = [
  'address-duplicate CN=Victor Vance',
  'database-endpoint-not-client-access CN=SEA-DB03',
  'database-single-server CN=SEA-DB02',
  'database-without-endpoint CN=DUB-DB02',
  'forwarding-to-itself CN=Loop Lopez',
  // A domain controller keeps no link to an object that does not exist.
  'mailbox-database-lost CN=Mallory Moss',
];
const inShort = ({ code, object }: Finding) => `${code} ${object.split(',')[0]}`;

labSuite('Doctor on a domain controller', ['samba', 'dns'], () => {
  let lab: SambaLab;
  let bed: DoctorBed;
  let admin: Client;
  let place: LabPlace;
  let service: RunningService;
  let records: readonly LdifRecord[];
  const seen = new Set<FindingCode>();

  const administrator = async (controller: SambaController): Promise<Client> => {
    const ca = [readFileSync(lab.caFile)];
    const tlsOptions = { ca, host: controller.address, servername: controller.host };
    const client = new Client({ url: controller.ldapsUrl, tlsOptions });
    await client.bind(`Administrator@${lab.domain.dnsName}`, lab.adminPassword);
    return client;
  };

  before(async () => {
    lab = await startSambaLab();
    bed = await startDoctorBed(lab.address);
    records = parseLdif(readFileSync(lab.paths.ldif, 'utf8'));
    admin = await administrator(lab);
    place = { lab, bed, admin };
    writeFileSync(join(bed.root, 'password'), lab.password);
    service = await startOwn();
  });
  after(async () => {
    await admin?.unbind().catch(() => undefined);
    await service?.stop();
    await bed?.stop();
    await lab?.stop();
  });

  const configOf = (more: { servers?: readonly string[]; bindDn?: string; authentication?: object } = {}) => ({
    directory: {
      servers: more.servers ?? [lab.ldapsUrl],
      // Every controller's certificate has the domain's name.
      serverName: lab.domain.dnsName,
      caFile: lab.caFile,
      bindDn: more.bindDn ?? SERVICE_ACCOUNT,
      passwordFile: join(bed.root, 'password'),
    },
    listen: { https: `${bed.addressOf('autodiscover.contoso.test')}:443` },
    publicUrl: 'https://autodiscover.contoso.test',
    tls: { certificates: [{ certificateFile: bed.web.certificate, keyFile: bed.web.key }] },
    ...(more.authentication && { authentication: more.authentication }),
  });
  const startOwn = (): Promise<RunningService> => {
    const config = configSchema.parse(configOf());
    const ca = [readFileSync(lab.caFile, 'utf8')];
    const settings = { config, ca, readPassword: async () => lab.password };
    return startService(settings, createLogger('silent', new PassThrough()));
  };
  const configFile = (more: Parameters<typeof configOf>[0] = {}): string => {
    const file = join(bed.root, 'config.yaml');
    writeFileSync(file, JSON.stringify(configOf(more)));
    return file;
  };
  const kerberos = () => ({ authentication: { schemes: ['negotiate', 'basic'], keytabFile: lab.keytab } });

  /** Runs the program; what it found, and all that it wrote. */
  const doctor = async (more: Parameters<typeof configOf>[0], ...flags: readonly string[]) => {
    const words = ['doctor', '--config', configFile(more), '--ca', bed.caFile, '--json', '--timeout', '5', ...flags];
    const run = await bed.autodiscover(...words);
    assert.notEqual(run.code, 2, run.stderr);
    const { findings } = JSON.parse(run.stdout) as { findings: readonly Finding[] };
    return { ...run, findings };
  };

  /** The known findings and the expected ones, and no others. */
  const check = (findings: readonly Finding[], known: readonly string[], expected: readonly Expected[]) => {
    const others = findings.filter((finding) => !known.includes(inShort(finding)));
    const list = JSON.stringify(others, undefined, 1);
    assert.deepEqual(others.map(({ code }) => code).sort(), expected.map(({ code }) => code).sort(), list);
    for (const { code, object, remedy } of expected) {
      const found = others.find((finding) => finding.code === code && finding.object.startsWith(object));
      assert.ok(found, `${code} on ${object}... in ${list}`);
      assert.match(found.remedy, remedy);
      seen.add(code);
    }
  };
  const withoutRecipients = KNOWN.filter((line) => line.startsWith('database-'));

  test('the demo organisation has its seeded faults here too, and every run prints the same', async () => {
    const [one, other] = await Promise.all([doctor({}), doctor({})]);
    assert.deepEqual(one.findings.map(inShort).sort(), KNOWN);
    assert.equal(one.code, 1);
    assert.equal(one.stdout, other.stdout);
  });

  describe('objects of the directory', () => {
    const find = async () => {
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
        bindName: SERVICE_ACCOUNT,
        readPassword: async () => lab.password,
        connections: 2,
        refreshIntervalMs: 600_000,
        searchBase: undefined,
      });
      try {
        return await examine(directory, { ...OPTIONS, skipNetwork: true }, HEALTHY);
      } finally {
        directory.close();
      }
    };

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
          seen.add(seed.code);
        } finally {
          await undo();
        }
      });
    }
  });

  test('remedies that are commands of this program mend, pasted as they are', async () => {
    const replace = (object: string, type: string, values: string[]) => {
      const modification = new Attribute({ type, values });
      return admin.modify(findRecord(records, object).dn, [new Change({ operation: 'replace', modification })]);
    };
    const single = SEEDS.find(({ code }) => code === 'database-single-server') ?? assert.fail();
    const scope = SEEDS.find(({ code }) => code === 'scp-wrong-site') ?? assert.fail();
    for (const { object, change } of [single, scope]) {
      for (const [type, values] of Object.entries(change ?? {})) await replace(object, type, [...values]);
    }
    const sick = await doctor({}, '--no-recipients', '--no-network');
    const who = ['--user', WRITER_ACCOUNT, '--password-file', join(bed.root, 'password'), '--yes'];
    for (const { code, object } of [single, scope]) {
      const found = sick.findings.find((finding) => finding.code === code && finding.object.startsWith(object));
      const { stderr, ...run } = await bed.paste(found?.remedy ?? '', ...who, '--undo-file', join(bed.root, code));
      assert.equal(run.code, 0, `${found?.remedy}\n${stderr}`);
    }
    const { findings } = await doctor({}, '--no-recipients', '--no-network');
    check(findings, withoutRecipients, []);
  });

  for (const { name, plant, expected } of NETWORK_SEEDS) {
    test(`the network, ${name}: ${expected.map(({ code }) => code).join(', ')}`, async () => {
      await plant(bed);
      try {
        const { findings } = await doctor({}, '--no-recipients');
        check(findings, withoutRecipients, expected);
      } finally {
        await mendNetwork(bed);
      }
    });
  }

  test('rights-missing: an ordinary account is told which right it lacks', async () => {
    const bindDn = text(findRecord(records, 'CN=Alice Adams,OU=Staff'), 'userPrincipalName') ?? '';
    const { findings } = await doctor({ bindDn });
    check(
      findings,
      [],
      [{ code: 'rights-missing', object: 'CN=Contoso,', remedy: /^dsacls "CN=Contoso,CN=Microsoft.*" \/I:T \/G "/ }],
    );
  });

  for (const { name, plant, expected } of ACCOUNT_SEEDS) {
    test(`accounts, ${name}: ${expected.map(({ code }) => code).join(', ')}`, async () => {
      const undo = await plant(place);
      try {
        const { findings } = await doctor(kerberos(), '--no-recipients', '--no-network');
        check(findings, withoutRecipients, expected);
      } finally {
        await undo();
      }
    });
  }

  test('an account that may only read, a name with one owner and its new keytab are no findings', async () => {
    const { findings, stderr } = await doctor(kerberos());
    check(findings, KNOWN, []);
    assert.equal(stderr, '');
  });

  describe('verification of every database', () => {
    test('fails for the seeded faults alone, with reports that can be compared', async () => {
      // Its reading of the directory may be from a time when a fault was seeded.
      await service.stop();
      service = await startOwn();
      const verify = async (junit: string) => {
        const from = ['--config', configFile(), '--ca', bed.caFile, '--server', 'https://autodiscover.contoso.test'];
        const who = ['--user', 'alice@contoso.test', '--password-file', join(bed.root, 'password')];
        const out = ['--json', '--junit', join(bed.root, junit)];
        const run = await bed.autodiscover('verify', '--all-databases', ...from, ...who, ...out);
        return { ...run, junit: readFileSync(join(bed.root, junit), 'utf8') };
      };
      const [one, other] = [await verify('one.xml'), await verify('other.xml')];
      assert.equal(one.code, 1, one.stderr);
      const { checks } = JSON.parse(one.stdout) as { checks: Record<'subject' | 'check' | 'outcome', string>[] };
      assert.ok(checks.length > 300, String(checks.length));
      const wrong = checks.filter(({ outcome }) => outcome !== 'passed');
      assert.deepEqual(wrong.map(({ subject, check }) => `${subject} ${check}`).sort(), [
        'carol@contoso.test directory',
        'dave@contoso.test directory',
        'olga@contoso.test directory',
      ]);
      assert.equal(one.stdout, other.stdout);
      assert.equal(one.junit, other.junit);
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

  test('controller-slow: the same controller at the end of a long way', async () => {
    const { hostname } = new URL(lab.ldapsUrl);
    const longWay = createServer((client) => {
      const there = connect(636, hostname);
      client.on('data', (chunk) => void setTimeout(() => there.destroyed || there.write(chunk), 250));
      there.pipe(client);
      for (const [one, other] of [[client, there] as const, [there, client] as const])
        one.on('error', () => undefined).on('close', () => other.destroy());
    });
    await new Promise<void>((resolve) => longWay.listen(0, hostname, resolve));
    const slow = `${lab.ldapsUrl}:${(longWay.address() as AddressInfo).port}`;
    try {
      const { findings } = await doctor({ servers: [lab.ldapsUrl, slow] }, '--no-recipients', '--no-network');
      check(findings, withoutRecipients, [{ code: 'controller-slow', object: slow, remedy: /^look at its load/ }]);
      assert.match(findings.find(({ object }) => object === slow)?.what ?? '', / takes 2\d\d ms for a look-up, /);
    } finally {
      longWay.close();
    }
  });

  test('with a second controller: principal-name-duplicate (each took one), controller-down (the first one died)', async () => {
    const second = await lab.addSecondController({ address: bed.addressOf('dc2.contoso.test'), inDns: false });
    const adminOfSecond = await administrator(second);
    const duplicate = await seedDuplicatePrincipal(place, second, adminOfSecond).finally(() => adminOfSecond.unbind());
    lab.kill('SIGKILL');
    // The dead one stands behind a good one, where no search comes by.
    const servers = [second.ldapsUrl, lab.ldapsUrl];
    const { findings } = await doctor({ servers }, '--no-recipients', '--no-network');
    const down = { code: 'controller-down', object: lab.ldapsUrl, remedy: /^start it, or take it out/ } as const;
    check(findings, withoutRecipients, [duplicate, down]);
  });

  test('every kind of finding was seeded here and found', () => {
    const kinds = Object.keys(FINDINGS) as FindingCode[];
    assert.deepEqual(
      kinds.filter((code) => !seen.has(code)),
      [],
    );
  });
});
