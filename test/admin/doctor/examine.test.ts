// Every kind of finding has a fault that causes it, found on the right object with the right remedy; and an organisation without faults
// has no finding.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { controllerFindings } from '../../../src/admin/doctor/controller-findings.ts';
import { type ExamineDeps, examine } from '../../../src/admin/doctor/examine.ts';
import { FINDINGS, type Finding, type FindingCode } from '../../../src/admin/doctor/finding.ts';
import type { ServiceKeytab } from '../../../src/admin/doctor/kerberos-findings.ts';
import type { AccountRights } from '../../../src/ldap/account-rights.ts';
import type { Directory } from '../../../src/ldap/directory.ts';
import { startEmbeddedDirectory } from '../../../src/ldap/embedded/server.ts';
import { parseLdif } from '../../../src/ldap/ldif.ts';
import { plant, SEEDS } from './seeds.ts';
import { answering, HEALTHY, OPTIONS, webAnswer, withDirectory } from './world.ts';

const RECORDS = parseLdif(readFileSync(new URL('../../../demo/contoso.ldif', import.meta.url)));
const seen = new Set<FindingCode>();

/** The findings that the demo organisation has without further faults. */
const KNOWN: readonly (readonly [FindingCode, string])[] = [
  ['database-without-endpoint', 'CN=DUB-DB02'],
  ['database-single-server', 'CN=SEA-DB02'],
  ['database-endpoint-not-client-access', 'CN=SEA-DB03'],
  ['mailbox-database-unknown', 'CN=Mallory Moss'],
  ['address-duplicate', 'CN=Victor Vance'],
  ['forwarding-to-itself', 'CN=Loop Lopez'],
];

test('the demo organisation has exactly its seeded faults', async () => {
  const findings = await withDirectory(RECORDS, (directory) => examine(directory, OPTIONS, HEALTHY));
  assert.deepEqual(
    findings.map(({ code, object }) => [code, object.split(',')[0]]),
    KNOWN,
  );
});

test("every URL of Autodiscover is asked, the service's own among them, and one of every other host", async () => {
  const scp = RECORDS.find(({ dn }) => dn.startsWith('CN=DUB-CAS1,CN=Autodiscover,')) ?? assert.fail();
  const url = 'https://AUTODISCOVER-seattle.contoso.test/Other/Autodiscover.xml';
  const records = plant(RECORDS, {
    ...(SEEDS[0] ?? assert.fail()),
    object: scp.dn,
    change: { serviceBindingInformation: [url] },
  });
  const asked: string[] = [];
  const probeUrl = async ({ href }: URL) => {
    asked.push(href);
    return webAnswer(href.includes('/Other/') ? 404 : 401, 'Jun 11 00:00:00 2026 GMT');
  };
  const findings = await withDirectory(records, (directory) => examine(directory, OPTIONS, { ...HEALTHY, probeUrl }));
  assert.deepEqual(asked.map((href) => href.replace(/^https:\/\//, '')).sort(), [
    'autodiscover-seattle.contoso.test/Autodiscover/Autodiscover.xml',
    'autodiscover-seattle.contoso.test/Other/Autodiscover.xml',
    'autodiscover.contoso.test/autodiscover/autodiscover.xml',
    'mail-dub.contoso.test/EWS/Exchange.asmx',
    'mail-sea.contoso.test/EWS/Exchange.asmx',
    'mail.contoso.test/EWS/Exchange.asmx',
  ]);
  const told = (code: FindingCode) => findings.filter((one) => one.code === code).map(({ what }) => what);
  assert.equal(told('certificate-ends-soon').length, 5, 'once for each host');
  assert.match(told('web-unreachable').join(), /^https:\S+\/Other\/Autodiscover\.xml answers HTTP 404$/);
});

test('contacts as Exchange makes them and mail-enabled public folders are no faults', async () => {
  const ken = { object: 'CN=Ken Kent,OU=Staff', remedy: /x/ } as const;
  const contact = {
    ...ken,
    code: 'forwarding-to-itself',
    change: { proxyAddresses: ['SMTP:ken@fabrikam.test', 'smtp:ken@contoso.test'] },
  } as const;
  const folder = {
    ...ken,
    code: 'mailbox-database-unknown',
    change: { homeMDB: ['CN=Public Folders,CN=Folder Hierarchies,DC=x'], msExchRecipientTypeDetails: ['4096'] },
  } as const;
  for (const harmless of [contact, folder]) {
    const records = plant(RECORDS, harmless);
    const findings = await withDirectory(records, (directory) => examine(directory, OPTIONS, HEALTHY));
    assert.deepEqual(
      findings.filter(({ object }) => object.startsWith(ken.object)),
      [],
      harmless.code,
    );
  }
});

for (const seed of SEEDS) {
  test(`${seed.code}: found on ${seed.found ?? seed.object}, with its remedy`, async () => {
    const findings = await withDirectory(plant(RECORDS, seed), (directory) => examine(directory, OPTIONS, HEALTHY));
    const found = findings.find(
      ({ code, object }) => code === seed.code && object.startsWith(seed.found ?? seed.object),
    );
    assert.ok(found, JSON.stringify(findings, undefined, 1));
    assert.match(found.remedy, seed.remedy);
    assert.equal(found.severity, FINDINGS[seed.code]);
    seen.add(seed.code);
  });
}

/** What the network shows, by the name of what is asked. */
const NETWORK: readonly (readonly [FindingCode, string, Partial<ExamineDeps>, RegExp])[] = [
  [
    'name-unresolved',
    'CN=Seattle CAS Array',
    {
      probeRpc: async (host) =>
        host.startsWith('outlook-sea') ? { host, addresses: [], interfaces: [] } : answering(host),
    },
    /DNS, inside only, with the address of the load balancer/,
  ],
  [
    'endpoint-mapper',
    'CN=SEA-CAS2',
    {
      probeRpc: async (host) => {
        const good = answering(host);
        if (!host.startsWith('sea-cas2')) return good;
        const silent = { outcome: 'unreachable', reason: 'connection-refused', detail: '' } as const;
        return {
          ...good,
          interfaces: good.interfaces.map((one) => ({ ...one, answer: silent, ports: [], connects: undefined })),
        };
      },
    },
    /start MSExchangeRPC and MSExchangeAB on SEA-CAS2/,
  ],
  [
    'ports-differ',
    'CN=Seattle CAS Array',
    { probeRpc: async (host) => answering(host, host.startsWith('sea-cas2') ? 40_001 : 59_531) },
    /autodiscover balancer ports/,
  ],
  [
    'array-address-is-member',
    'CN=Seattle CAS Array',
    { probeRpc: async (host) => answering(host, 1, 2, [/^(outlook-sea|sea-cas1)/.test(host) ? '10.1.0.11' : host]) },
    /autodiscover balancer haproxy --array outlook-sea\.contoso\.test/,
  ],
  [
    'array-address-shared',
    'CN=casarray-dublin',
    { probeRpc: async (host) => answering(host, 1, 2, [host.startsWith('outlook-') ? '10.1.0.10' : host]) },
    /outlook-(dub|sea)\.contoso\.test an address of its own/,
  ],
  ['web-unreachable', 'CN=', { probeUrl: async () => webAnswer(503) }, /mend the application on/],
  ['certificate-name', 'CN=', failing('certificate-name'), /put a certificate with the name/],
  ['certificate-untrusted', 'CN=', failing('certificate-untrusted'), /from an authority that clients trust/],
  ['certificate-expired', 'CN=', failing('certificate-expired'), /put a certificate/],
  [
    'certificate-ends-soon',
    'CN=',
    { probeUrl: async () => webAnswer(401, 'Jun 11 00:00:00 2026 GMT') },
    /put a certificate/,
  ],
];

function failing(reason: 'certificate-name' | 'certificate-untrusted' | 'certificate-expired'): Partial<ExamineDeps> {
  return { probeUrl: async () => ({ kind: 'failed', reason, detail: 'as the handshake says' }) };
}

for (const [code, object, spoilt, remedy] of NETWORK) {
  test(`${code}: found from what the network shows`, async () => {
    const deps = { ...HEALTHY, ...spoilt };
    const findings = await withDirectory(RECORDS, (directory) => examine(directory, OPTIONS, deps));
    const own = findings.filter((finding) => finding.code === code);
    const found: Finding | undefined = own.find((finding) => finding.object.startsWith(object)) ?? own[0];
    assert.ok(found, JSON.stringify(findings, undefined, 1));
    assert.match(found.remedy, remedy);
    const others = findings.filter(
      (finding) => finding.code !== code && !KNOWN.some(([known]) => known === finding.code),
    );
    assert.deepEqual(others, [], 'and nothing else');
    seen.add(code);
  });
}

test('scp-stale: a record of a server that is gone', async () => {
  const scp = RECORDS.find(({ dn }) => dn.startsWith('CN=DUB-CAS1,CN=Autodiscover,')) ?? assert.fail();
  const parents = ['CN=OLD-CAS', 'CN=Protocols,CN=OLD-CAS', 'CN=Autodiscover,CN=Protocols,CN=OLD-CAS'];
  const servers = scp.dn.slice(scp.dn.indexOf(',CN=Servers,'));
  const container = [{ name: 'objectClass', values: [Buffer.from('top'), Buffer.from('container')] }];
  const records = [
    ...RECORDS,
    ...parents.map((dn) => ({ dn: `${dn}${servers}`, attributes: container })),
    { dn: `CN=OLD-CAS,${parents[2]}${servers}`, attributes: scp.attributes.filter(({ name }) => name !== 'cn') },
  ];
  const findings = await withDirectory(records, (directory) => examine(directory, OPTIONS, HEALTHY));
  const found = findings.find(({ code }) => code === 'scp-stale') ?? assert.fail(JSON.stringify(findings));
  assert.match(found.remedy, /^autodiscover scp remove "CN=OLD-CAS,/);
  seen.add('scp-stale');
});

test('controller-down: a domain controller that does not answer, behind one that does', async () => {
  const dead = 'ldap://127.0.0.1:1';
  const findings = await withDirectory(RECORDS, (directory) => examine(directory, OPTIONS, HEALTHY), [dead]);
  assert.equal(findings[0]?.code, 'controller-down');
  assert.equal(findings[0]?.object, dead);
  seen.add('controller-down');
});

test('an array that replication renamed is named by its DN in remedies', async () => {
  const original = RECORDS.find(({ dn }) => dn.startsWith('CN=casarray-dublin,')) ?? assert.fail();
  const dn = original.dn.replace('casarray-dublin', 'casarray-dublin\\0ACNF:550e8400-e29b-41d4-a716-446655440000');
  const attributes = original.attributes.filter(({ name }) => !['cn', 'objectGUID'].includes(name));
  const findings = await withDirectory([...RECORDS, { dn, attributes }], (directory) =>
    examine(directory, OPTIONS, HEALTHY),
  );
  const several = findings.find(({ code }) => code === 'site-with-several-arrays');
  assert.equal(several?.object, dn);
  assert.ok(several?.remedy.includes(`autodiscover array remove "${dn}"`), several?.remedy);
});

test('controller-slow: one that takes far longer for a look-up than another, wherever it stands', async (t) => {
  const slow = await startEmbeddedDirectory({ entries: RECORDS, access: { readers: [OPTIONS.account] } });
  t.after(() => slow.close());
  const seen: (readonly Finding[])[] = [];
  const look = async (directory: Directory) => void seen.push(await examine(directory, OPTIONS, HEALTHY));
  await withDirectory(RECORDS, look, [slow.url]);
  await slow.setFaults({ delayMs: 250, operations: ['search'] });
  await withDirectory(RECORDS, look, [slow.url]);
  const [before, after] = seen.map((findings) => findings.filter(({ code }) => code.startsWith('controller-')));
  assert.deepEqual(before, [], 'as fast as the other');
  assert.deepEqual(
    after?.map(({ code, object }) => [code, object]),
    [['controller-slow', slow.url]],
  );
  assert.match(
    after?.[0]?.what ?? '',
    /takes 2\d\d ms for a look-up, ldap:\/\/127\.0\.0\.1:\d+ takes (less than 1|\d+) ms$/,
  );
});

for (const [checks, slow] of [
  [[199, 1], []],
  [[900, 301], []],
  [[301, 100], ['dc0']],
  [
    [1, 900, undefined, 700],
    ['dc1', 'dc3'],
  ],
  [[900], []],
  [[900, undefined], []],
] as const satisfies readonly (readonly [readonly (number | undefined)[], readonly string[]])[]) {
  test(`controller-slow: look-ups of ${checks.join(', ')} ms`, () => {
    const controllers = checks.map((lookUpMs, at) =>
      lookUpMs === undefined ? { url: `dc${at}`, failure: 'gone' } : { url: `dc${at}`, lookUpMs },
    );
    const found = controllerFindings(controllers).filter(({ code }) => code === 'controller-slow');
    assert.deepEqual(
      found.map(({ object }) => object),
      slow,
    );
    for (const { code } of found) seen.add(code);
  });
}

test('controller-down: a domain controller that refuses the service account, behind one that lets it in', async (t) => {
  const entries = RECORDS.filter(({ dn }) => dn !== OPTIONS.account);
  const other = await startEmbeddedDirectory({ entries });
  t.after(() => other.close());
  const findings = await withDirectory(RECORDS, (directory) => examine(directory, OPTIONS, HEALTHY), [other.url]);
  assert.equal(findings[0]?.code, 'controller-down');
  assert.match(findings[0]?.what ?? '', /refused/);
  assert.equal(findings.length, KNOWN.length + 1, 'everything else is examined all the same');
});

for (const [code, rights, remedy] of [
  [
    'service-account-privileged',
    { powerfulGroups: [{ name: 'Domain Admins', distinguishedName: 'CN=DA' }], directGroups: ['CN=DA'], writable: [] },
    /^dsmod group "CN=DA" -rmmbr "CN=svc-autodiscover,/,
  ],
  [
    'service-account-can-write',
    {
      powerfulGroups: [],
      directGroups: [],
      writable: [
        {
          distinguishedName: 'CN=DB',
          isExchange: true,
          attributes: ['cn'],
          createsChildren: false,
          changesPermissions: false,
        },
      ],
    },
    /^dsacls "CN=DB" tells/,
  ],
] as const satisfies readonly (readonly [FindingCode, AccountRights, RegExp])[]) {
  test(`${code}: from what the directory says of the account`, async () => {
    const findings = await withDirectory(RECORDS, (directory) =>
      examine(answeringRights(directory, rights), OPTIONS, HEALTHY),
    );
    const found = findings.find((finding) => finding.code === code) ?? assert.fail(JSON.stringify(findings));
    assert.match(found.remedy, remedy);
    seen.add(code);
  });
}

/** The same directory, with another answer about the account: the embedded one computes no effective rights. */
function answeringRights(directory: Directory, rights: AccountRights): Directory {
  return new Proxy(directory, {
    get: (target, name) => {
      if (name === 'accountRights') return async () => rights;
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const owning = (...names: readonly string[]) =>
  RECORDS.map((record) =>
    names.some((name) => record.dn.startsWith(`CN=${name},OU=Service Accounts,`))
      ? {
          ...record,
          attributes: [
            ...record.attributes,
            { name: 'servicePrincipalName', values: [Buffer.from('http/Autodiscover.contoso.test')] },
          ],
        }
      : record,
  );

for (const [code, owners, remedy, keytab] of [
  [
    'principal-name-duplicate',
    ['svc-autodiscover', 'svc-exchadmin'],
    /setspn -D HTTP\/autodiscover\.contoso\.test svc-autodiscover; setspn -D HTTP\/.* svc-exchadmin/,
    undefined,
  ],
  ['principal-name-missing', [], /^setspn -S HTTP\/autodiscover\.contoso\.test /, undefined],
  ['keytab-mismatch', ['svc-exchadmin'], /^make the keytab anew from svc-exchadmin/, { file: 'F', entries: [] }],
] as const satisfies readonly (readonly [FindingCode, readonly string[], RegExp, ServiceKeytab | undefined])[]) {
  test(`${code}: owned by ${owners.join(' and ') || 'nobody'}`, async () => {
    const service = { ...OPTIONS.service, negotiate: true, keytab };
    const findings = await withDirectory(owning(...owners), (directory) =>
      examine(directory, { ...OPTIONS, service }, HEALTHY),
    );
    const found = findings.find((finding) => finding.code === code) ?? assert.fail(JSON.stringify(findings));
    assert.match(found.remedy, remedy);
    seen.add(code);
  });
}

test('recipients and network can be left out', async () => {
  const refuse = () => assert.fail('nothing may be asked');
  const findings = await withDirectory(RECORDS, (directory) =>
    examine(
      directory,
      { ...OPTIONS, skipRecipients: true, skipNetwork: true },
      { ...HEALTHY, probeRpc: refuse, probeUrl: refuse },
    ),
  );
  assert.deepEqual(
    findings.map(({ code }) => code),
    KNOWN.slice(0, 3).map(([code]) => code),
  );
});

test('every kind of finding was seen', () => {
  // rights-missing is a refusal at the start: test/admin/commands/doctor.test.ts.
  const unseen = Object.keys(FINDINGS).filter((code) => code !== 'rights-missing' && !seen.has(code as FindingCode));
  assert.deepEqual(unseen, []);
});
