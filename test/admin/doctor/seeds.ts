// A fault for every kind of finding that the directory alone shows: which object, what is changed, which command must mend it. The
// embedded directory gets them before it starts, the lab by LDAP.

import type { FindingCode } from '../../../src/admin/doctor/finding.ts';
import type { LdifRecord } from '../../../src/ldap/ldif.ts';

export interface Seed {
  readonly code: FindingCode;
  /** How the DN of the changed object begins. */
  readonly object: string;
  /** New values by attribute; an empty list takes the attribute away. `undefined` takes the object away. */
  readonly change: Readonly<Record<string, readonly string[]>> | undefined;
  /** How the DN of the finding begins, where that is another object. */
  readonly found?: string;
  readonly remedy: RegExp;
}

const GROUP = '/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Configuration/cn=Servers';
const URL_KEYWORD = '77378F46-2C66-4aa9-A6A6-3E7A48B19596';
const SITE = (name: string) => `CN=${name},CN=Sites,CN=Configuration,DC=contoso,DC=test`;
const PUBLIC_DATABASE =
  'CN=PFDB01,CN=Databases,CN=Exchange Administrative Group (FYDIBOHF23SPDLT),CN=Administrative Groups,CN=Contoso,' +
  'CN=Microsoft Exchange,CN=Services,CN=Configuration,DC=contoso,DC=test';
const SEATTLE_ARRAY = 'CN=Seattle CAS Array,CN=Arrays';
const DUBLIN_ARRAY = 'CN=casarray-dublin,CN=Arrays';
const DB = 'CN=SEA-DB01,CN=Databases';
const mendDatabase =
  /^autodiscover database set SEA-DB01 --rpc-client-access-server outlook-sea\.contoso\.test --config F$/;
const endpoint = (name: string) => [`${GROUP}/cn=${name}/cn=Microsoft Private MDB`];

export const SEEDS: readonly Seed[] = [
  {
    code: 'database-single-server',
    object: DB,
    change: { legacyExchangeDN: endpoint('SEA-CAS2') },
    remedy: mendDatabase,
  },
  { code: 'database-without-endpoint', object: DB, change: { legacyExchangeDN: [] }, remedy: mendDatabase },
  {
    code: 'database-malformed-endpoint',
    object: DB,
    change: { legacyExchangeDN: ['/o=Contoso/cn=Other'] },
    remedy: mendDatabase,
  },
  {
    code: 'database-unknown-endpoint',
    object: DB,
    change: { legacyExchangeDN: endpoint('gone.contoso.test') },
    remedy: mendDatabase,
  },
  {
    code: 'database-endpoint-not-client-access',
    object: DB,
    change: { legacyExchangeDN: endpoint('SEA-MBX1') },
    remedy: mendDatabase,
  },
  {
    code: 'database-endpoint-in-other-site',
    object: DB,
    change: { legacyExchangeDN: endpoint('outlook-dub.contoso.test') },
    remedy: mendDatabase,
  },
  {
    code: 'database-endpoint-without-name',
    object: SEATTLE_ARRAY,
    change: { networkAddress: [] },
    found: DB,
    remedy:
      /^autodiscover array set "Seattle CAS Array" --fqdn outlook-seattle\.\S+ .*&& autodiscover database set SEA-DB01 /,
  },
  {
    code: 'array-without-name',
    object: SEATTLE_ARRAY,
    change: { networkAddress: [] },
    remedy: /^autodiscover array set "Seattle CAS Array" --fqdn FQDN --config F$/,
  },
  {
    code: 'array-without-site',
    object: DUBLIN_ARRAY,
    change: { msExchServerSite: [] },
    remedy: /^autodiscover array set casarray-dublin --site SITE --config F$/,
  },
  {
    code: 'array-without-members',
    object: 'CN=DUB-CAS1,CN=Servers',
    change: { msExchServerSite: [SITE('Seattle')] },
    found: DUBLIN_ARRAY,
    remedy:
      /^autodiscover array set casarray-dublin --site SITE --config F, or .* autodiscover array remove casarray-dublin/,
  },
  {
    code: 'array-name-taken',
    object: DUBLIN_ARRAY,
    change: { networkAddress: ['ncacn_ip_tcp:outlook-sea.contoso.test'] },
    remedy: /^autodiscover array set casarray-dublin --fqdn FQDN/,
  },
  {
    code: 'array-name-is-web-name',
    object: DUBLIN_ARRAY,
    change: { networkAddress: ['ncacn_ip_tcp:mail.contoso.test'] },
    remedy: /^autodiscover array set casarray-dublin --fqdn FQDN/,
  },
  {
    code: 'site-with-several-arrays',
    object: DUBLIN_ARRAY,
    change: { msExchServerSite: [SITE('Seattle')] },
    found: 'CN=Seattle CAS Array,CN=Arrays',
    remedy:
      /^associate its databases with outlook-dub\.contoso\.test, then autodiscover array remove "Seattle CAS Array"/,
  },
  {
    code: 'server-without-rpc-service',
    object: 'CN=RpcClientAccess,CN=Protocols,CN=SEA-CAS2',
    change: undefined,
    found: 'CN=SEA-CAS2,CN=Servers',
    remedy: /^New-RpcClientAccess -Server SEA-CAS2,/,
  },
  {
    code: 'mailbox-database-lost',
    object: 'CN=Alice Adams,OU=Staff',
    change: { homeMDB: [] },
    remedy: /^Connect-Mailbox to 'CN=Alice Adams,/,
  },
  {
    code: 'address-duplicate',
    object: 'CN=Bob Baker,OU=Staff',
    change: { proxyAddresses: ['SMTP:bob@contoso.test', 'smtp:alice@contoso.test'] },
    found: 'CN=Alice Adams,OU=Staff',
    remedy: /^Set-Mailbox 'CN=Bob Baker,.*-EmailAddresses @\{Remove='smtp:alice@contoso\.test'\}/,
  },
  {
    code: 'forwarding-to-itself',
    object: 'CN=Ken Kent,OU=Staff',
    change: { targetAddress: ['SMTP:ken@contoso.test'] },
    remedy: /-ExternalEmailAddress/,
  },
  {
    code: 'scp-unusable',
    object: 'CN=DUB-CAS1,CN=Autodiscover,CN=Protocols',
    change: { serviceBindingInformation: ['http://autodiscover-dublin.contoso.test/Autodiscover/Autodiscover.xml'] },
    remedy: /^autodiscover scp publish https:\/\/HOST\/Autodiscover\/Autodiscover\.xml --server DUB-CAS1 --config F$/,
  },
  {
    code: 'scp-stale',
    object: 'CN=DUB-CAS1,CN=Autodiscover,CN=Protocols',
    change: { serviceDNSName: ['DUB-CAS0'] },
    remedy: /^autodiscover scp remove "CN=DUB-CAS1,CN=Autodiscover,/,
  },
  {
    code: 'scp-unknown-site',
    object: 'CN=DUB-CAS1,CN=Autodiscover,CN=Protocols',
    change: { keywords: [URL_KEYWORD, 'Site=Atlantis'] },
    remedy: /^autodiscover scp scope .* --site Dublin --config F$/,
  },
  {
    code: 'scp-wrong-site',
    object: 'CN=DUB-CAS1,CN=Autodiscover,CN=Protocols',
    change: { keywords: [URL_KEYWORD, 'Site=Seattle'] },
    remedy: /^autodiscover scp scope .* --site Dublin --config F$/,
  },
  {
    code: 'virtual-directory-missing',
    object: 'CN=ecp (Default Web Site),CN=HTTP,CN=Protocols,CN=DUB-CAS1',
    change: undefined,
    found: 'CN=DUB-CAS1,CN=Servers',
    remedy: /^New-EcpVirtualDirectory -Server DUB-CAS1 /,
  },
  {
    code: 'virtual-directory-without-url',
    object: 'CN=EWS (Default Web Site),CN=HTTP,CN=Protocols,CN=DUB-CAS1',
    change: { msExchInternalHostName: [] },
    remedy: /^Set-WebServicesVirtualDirectory 'DUB-CAS1\\EWS \(Default Web Site\)' -InternalUrl https:\/\/dub-cas1\./,
  },
  {
    // Domain controllers drop a link to what is deleted, so the wrong object must exist: a public folder database.
    code: 'mailbox-database-unknown',
    object: 'CN=Bob Baker,OU=Staff',
    change: { homeMDB: [PUBLIC_DATABASE] },
    remedy: /^Disable-Mailbox 'CN=Bob Baker,/,
  },
];

/** The record whose DN begins so. */
export function findRecord(records: readonly LdifRecord[], object: string): LdifRecord {
  const found = records.filter(({ dn }) => dn.startsWith(`${object},`) || dn.startsWith(object));
  const [record] = found.sort((a, b) => a.dn.length - b.dn.length);
  if (record === undefined) throw new Error(`no record begins with ${object}`);
  return record;
}

/** The records with a seed in them. */
export function plant(records: readonly LdifRecord[], { object, change }: Seed): readonly LdifRecord[] {
  const target = findRecord(records, object);
  if (change === undefined) return records.filter((record) => record !== target);
  return records.map((record) => {
    if (record !== target) return record;
    const names = Object.keys(change).map((name) => name.toLowerCase());
    const kept = record.attributes.filter(({ name }) => !names.includes(name.toLowerCase()));
    const added = Object.entries(change)
      .filter(([, values]) => values.length > 0)
      .map(([name, values]) => ({ name, values: values.map((value) => Buffer.from(value)) }));
    return { dn: record.dn, attributes: [...kept, ...added] };
  });
}
