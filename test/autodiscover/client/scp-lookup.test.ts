import assert from 'node:assert/strict';
import test from 'node:test';
import {
  lookUpScps,
  orderScpUrls,
  SCP_HOP_LIMIT,
  type ScpRecords,
  type ScpUrl,
} from '../../../src/autodiscover/client/scp-lookup.ts';
import { scpRecords } from '../../../src/autodiscover/client/scp-records.ts';

function scp(name: string, sites: readonly string[] = [], year?: number): ScpUrl {
  return {
    url: `https://${name}.test/autodiscover/autodiscover.xml`,
    sites,
    distinguishedName: `CN=${name}`,
    ...(year !== undefined && { createdAt: new Date(Date.UTC(year, 0)) }),
  };
}

function order(urls: readonly ScpUrl[], site?: string): string {
  return orderScpUrls({ urls, site })
    .map((u) => u.distinguishedName.slice(3))
    .join(' ');
}

test('own site, then everybody’s, then other sites; oldest first in each ([MS-OXDISCO] 3.1.5.1 serviceConnectionPoint)', () => {
  const urls = [
    scp('other', ['Dublin']),
    scp('all-new', [], 2015),
    scp('all-old', [], 2010),
    scp('own-new', ['Seattle'], 2015),
    scp('own-old', ['Dublin', 'SEATTLE'], 2010),
    scp('all-undated'),
  ];
  assert.equal(order(urls, 'seattle'), 'own-old own-new all-old all-new all-undated other');
  assert.equal(order(urls), 'all-old all-new all-undated own-old own-new other');
});

test('doubles and URLs without TLS are left out', () => {
  const http = { ...scp('plain'), url: 'http://plain.test/autodiscover/autodiscover.xml' };
  const broken = { ...scp('broken'), url: 'not a URL' };
  const twice = { ...scp('twin'), url: scp('a').url.toUpperCase() };
  assert.equal(order([http, broken, scp('a'), twice]), 'a');
});

type Tree = Readonly<Record<string, Partial<ScpRecords>>>;

async function look(tree: Tree, domain = 'contoso.test') {
  const asked: (string | undefined)[] = [];
  const choice = await lookUpScps(
    domain,
    async (ldapUrl) => {
      asked.push(ldapUrl);
      const found = tree[ldapUrl ?? 'own'];
      if (found === undefined) throw new Error('no such directory');
      return { urls: [], pointers: [], site: undefined, ...found };
    },
    () => 0,
  );
  return { asked, urls: choice.urls.map((u) => u.distinguishedName), outcomes: choice.hops.map((hop) => hop.outcome) };
}

const pointer = (ldapUrl: string, ...domains: string[]) => ({
  ldapUrl,
  domains,
  distinguishedName: `CN=to ${ldapUrl}`,
});

test('a pointer for the domain wins over URLs, whatever the case ([MS-OXDISCO] 3.1.5.1 serviceConnectionPoint)', async () => {
  const found = await look({
    own: { urls: [scp('a')], pointers: [pointer('LDAP://other', 'CONTOSO.test')] },
    'LDAP://other': { urls: [scp('b')] },
  });
  assert.deepEqual(found, { asked: [undefined, 'LDAP://other'], urls: ['CN=b'], outcomes: ['record', 'record'] });
});

test('a pointer for another domain is not followed; one without domain only where there is no URL ([MS-OXDISCO] 3.1.5.1 serviceConnectionPoint)', async () => {
  assert.deepEqual((await look({ own: { urls: [scp('a')], pointers: [pointer('LDAP://x', 'fabrikam.test')] } })).urls, [
    'CN=a',
  ]);
  assert.deepEqual((await look({ own: { urls: [scp('a')], pointers: [pointer('LDAP://x')] } })).urls, ['CN=a']);
  const last = await look({
    own: { pointers: [pointer('LDAP://x', 'fabrikam.test'), pointer('LDAP://y')] },
    'LDAP://y': { urls: [scp('b')] },
  });
  assert.deepEqual(last.urls, ['CN=b']);
});

test('pointers in a circle, without end, or into the void', async () => {
  const circle = await look({
    own: { pointers: [pointer('LDAP://a')] },
    'LDAP://a': { pointers: [pointer('ldap://A')] },
  });
  assert.deepEqual([circle.urls, circle.outcomes], [[], ['record', 'no-record']]);
  let next = 0;
  const endless = await lookUpScps(
    'contoso.test',
    async () => ({ urls: [], pointers: [pointer(`LDAP://${++next}`)], site: undefined }),
    () => 0,
  );
  assert.equal(next, SCP_HOP_LIMIT);
  assert.equal(endless.hops.at(-1)?.outcome, 'lookup-failed');
  assert.deepEqual((await look({ own: { pointers: [pointer('LDAP://gone')] } })).outcomes, ['record', 'lookup-failed']);
  assert.deepEqual((await look({ own: {} })).outcomes, ['no-record']);
});

test('directory objects become records ([MS-OXDISCO] 3.1.5.1 serviceConnectionPoint)', () => {
  const base = { distinguishedName: 'CN=cas1', whenCreated: '20100305101500.0Z' };
  const records = scpRecords(
    [
      {
        ...base,
        kind: 'url',
        keywords: ['77378F46-2C66-4aa9-A6A6-3E7A48B19596', 'Site=Seattle', 'SITE=Dublin', 'Site='],
        bindingInformation: 'https://a.test/',
      },
      {
        ...base,
        kind: 'pointer',
        keywords: ['67661d7F-8FC4-4fa7-BFAC-E1D7794C1F68', 'Domain=fabrikam.test'],
        bindingInformation: 'LDAP://fabrikam.test',
      },
      { ...base, kind: 'url', keywords: [], bindingInformation: undefined },
      { ...base, kind: 'url', keywords: [], bindingInformation: 'https://b.test/', whenCreated: 'yesterday' },
    ],
    'Seattle',
  );
  assert.deepEqual(records, {
    urls: [
      {
        url: 'https://a.test/',
        sites: ['Seattle', 'Dublin'],
        distinguishedName: 'CN=cas1',
        createdAt: new Date('2010-03-05T10:15:00Z'),
      },
      { url: 'https://b.test/', sites: [], distinguishedName: 'CN=cas1' },
    ],
    pointers: [{ ldapUrl: 'LDAP://fabrikam.test', domains: ['fabrikam.test'], distinguishedName: 'CN=cas1' }],
    site: 'Seattle',
  });
});
