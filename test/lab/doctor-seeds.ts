// The faults that the directory's objects alone do not make (those are in test/admin/doctor/seeds.ts): names, addresses, ports and
// certificates, rights, Kerberos names, controllers. Each is made on real components, and what makes it also takes it back.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { Attribute, Change, type Client } from 'ldapts';
import type { FindingCode } from '../../src/admin/doctor/finding.ts';
import { sidText } from '../../src/ldap/account-rights.ts';
import { ADDRESS_BOOK_PORT, type DoctorBed, RPC_PORT } from './doctor-bed.ts';
import { sambaEnvironment } from './samba/controller.ts';
import { HTTP_ACCOUNT, READER, WRITER } from './samba/directory-plan.ts';
import { addPermission } from './samba/permission.ts';
import type { SambaController, SambaLab } from './samba/samba-lab.ts';

export interface LabPlace {
  readonly lab: SambaLab;
  readonly bed: DoctorBed;
  /** Bound as the domain's administrator. */
  readonly admin: Client;
}

export interface Expected {
  readonly code: FindingCode;
  /** How the finding's object begins. */
  readonly object: string;
  readonly remedy: RegExp;
}

const WEB_REMEDY = (name: string) => new RegExp(`^put a certificate with the name ${name.replaceAll('.', '\\.')}`);

/** Faults of the network that do not disturb each other; each group is one run of the program. */
export const NETWORK_SEEDS: readonly {
  readonly name: string;
  plant(bed: DoctorBed): Promise<void>;
  readonly expected: readonly Expected[];
}[] = [
  {
    name: 'servers, ports and certificates',
    async plant(bed) {
      await bed.setNames({
        // One member's address in place of the load balancer's, and a host where nothing listens on 443.
        'outlook-sea.contoso.test': bed.addressOf('sea-cas1.contoso.test'),
        'autodiscover-dublin.contoso.test': bed.addressOf('dub-cas1.contoso.test'),
      });
      await bed.setRpc('sea-cas2.contoso.test', { rpc: 40_001, book: 40_002 });
      await bed.setRpc('dub-cas1.contoso.test', undefined);
      bed.setCertificate('mail.contoso.test', 'wrong-name');
      bed.setCertificate('mail-sea.contoso.test', 'expired');
      bed.setCertificate('mail-dub.contoso.test', 'foreign-authority');
      bed.setCertificate('autodiscover-seattle.contoso.test', 'ends-soon');
    },
    expected: [
      {
        code: 'array-address-is-member',
        object: 'CN=Seattle CAS Array,',
        remedy:
          /point outlook-sea\.contoso\.test to a load balancer .* balancer haproxy --array outlook-sea\.contoso\.test/,
      },
      { code: 'ports-differ', object: 'CN=Seattle CAS Array,', remedy: /autodiscover balancer ports$/ },
      { code: 'endpoint-mapper', object: 'CN=DUB-CAS1,', remedy: /^start MSExchangeRPC and MSExchangeAB on DUB-CAS1/ },
      { code: 'certificate-name', object: 'CN=', remedy: WEB_REMEDY('mail.contoso.test') },
      { code: 'certificate-expired', object: 'CN=', remedy: WEB_REMEDY('mail-sea.contoso.test') },
      { code: 'certificate-untrusted', object: 'CN=', remedy: WEB_REMEDY('mail-dub.contoso.test') },
      {
        code: 'certificate-ends-soon',
        object: 'CN=SEA-CAS1,CN=Autodiscover,',
        remedy: WEB_REMEDY('autodiscover-seattle.contoso.test'),
      },
      {
        code: 'web-unreachable',
        object: 'CN=DUB-CAS1,CN=Autodiscover,',
        remedy: /^start what should answer on autodiscover-dublin\.contoso\.test/,
      },
    ],
  },
  {
    name: 'names',
    async plant(bed) {
      await bed.setNames({
        'sea-cas2.contoso.test': undefined,
        'outlook-dub.contoso.test': bed.addressOf('outlook-sea.contoso.test'),
      });
    },
    expected: [
      {
        code: 'name-unresolved',
        object: 'CN=SEA-CAS2,',
        remedy: /^add sea-cas2\.contoso\.test to the DNS.*the server$/,
      },
      {
        code: 'array-address-shared',
        object: 'CN=Seattle CAS Array,',
        remedy: /^give outlook-(?:dub|sea)\.contoso\.test an address of its own/,
      },
    ],
  },
];

/** Everything of the network as it should be. */
export async function mendNetwork(bed: DoctorBed): Promise<void> {
  await bed.setNames({});
  for (const host of ['sea-cas2.contoso.test', 'dub-cas1.contoso.test'] as const)
    await bed.setRpc(host, { rpc: RPC_PORT, book: ADDRESS_BOOK_PORT });
  for (const host of ['mail', 'mail-sea', 'mail-dub', 'autodiscover-seattle'] as const)
    bed.setCertificate(`${host}.contoso.test`, 'good');
}

const DOMAIN = 'DC=contoso,DC=test';
const ORGANIZATION = `CN=Contoso,CN=Microsoft Exchange,CN=Services,CN=Configuration,${DOMAIN}`;
const READER_DN = `CN=${READER},OU=Service Accounts,${DOMAIN}`;
const HTTP_DN = `CN=${HTTP_ACCOUNT},OU=Lab,${DOMAIN}`;
const PRINCIPAL = 'HTTP/autodiscover.contoso.test';

/** Faults of accounts, likewise in groups, over a configuration that offers Negotiate with the lab's keytab. */
export const ACCOUNT_SEEDS: readonly {
  readonly name: string;
  /** Makes the faults; what is given back takes them away. */
  plant(place: LabPlace): Promise<() => Promise<void>>;
  readonly expected: readonly Expected[];
}[] = [
  {
    name: 'a member of Domain Admins through another group; no owner of the service principal name',
    async plant({ admin }) {
      const between = `CN=Backup Jobs,OU=Service Accounts,${DOMAIN}`;
      const admins = `CN=Domain Admins,CN=Users,${DOMAIN}`;
      await admin.add(between, { objectClass: 'group', sAMAccountName: 'Backup Jobs', member: READER_DN });
      await changeMember(admin, 'add', admins, between);
      await setPrincipals(admin, HTTP_DN, []);
      return async () => {
        await changeMember(admin, 'delete', admins, between);
        await admin.del(between);
        await setPrincipals(admin, HTTP_DN, [PRINCIPAL]);
      };
    },
    expected: [
      {
        code: 'service-account-privileged',
        object: READER_DN,
        remedy: new RegExp(
          `^dsmod group "CN=Backup Jobs,.*" -rmmbr "${READER_DN}", then dsacls "${ORGANIZATION}" /I:T /G "${READER_DN}:GR"$`,
        ),
      },
      {
        code: 'principal-name-missing',
        object: PRINCIPAL,
        remedy: /^setspn -S HTTP\/autodiscover\.contoso\.test /,
      },
    ],
  },
  {
    name: "a member of Organization Management; the password was changed after the keytab's export",
    async plant({ admin, lab }) {
      const group = `CN=Organization Management,OU=Service Accounts,${DOMAIN}`;
      // Universal, as Exchange makes it.
      const attributes = { objectClass: 'group', sAMAccountName: 'Organization Management', groupType: '-2147483640' };
      await admin.add(group, { ...attributes, member: READER_DN });
      const values = [Buffer.from('"An0ther-Passw0rd!"', 'utf16le')];
      const modification = new Attribute({ type: 'unicodePwd', values });
      await admin.modify(HTTP_DN, [new Change({ operation: 'replace', modification })]);
      return async () => {
        await admin.del(group);
        // The remedy itself, as Samba spells it.
        rmSync(lab.keytab);
        const words = ['domain', 'exportkeytab', lab.keytab, `--principal=${PRINCIPAL}`, `--configfile=${lab.smbConf}`];
        execFileSync('samba-tool', words, { env: sambaEnvironment(lab.paths.root), stdio: 'pipe' });
      };
    },
    expected: [
      {
        code: 'service-account-privileged',
        object: READER_DN,
        remedy: /^dsmod group "CN=Organization Management,[^"]*" -rmmbr "CN=svc-autodiscover,/,
      },
      {
        code: 'keytab-mismatch',
        object: '/',
        remedy: /^make the keytab anew from svc-http, the owner of HTTP\/autodiscover\.contoso\.test/,
      },
    ],
  },
  {
    name: 'write property on the databases; full control of people',
    async plant(place) {
      const group = `CN=Exchange Administrative Group (FYDIBOHF23SPDLT),CN=Administrative Groups,${ORGANIZATION}`;
      const undo = [await grant(place, `CN=Databases,${group}`, 'WP'), await grant(place, `OU=Staff,${DOMAIN}`, 'GA')];
      return async () => undo.forEach((restore) => void restore());
    },
    expected: [
      {
        code: 'service-account-can-write',
        object: 'CN=DUB-DB01,CN=Databases,',
        remedy: /^dsacls "CN=DUB-DB01,.*" tells where .* dsacls "DN" \/R "CN=svc-autodiscover,/,
      },
      {
        code: 'service-account-can-write',
        object: 'CN=Alice Adams,OU=Staff,',
        remedy: /^dsacls "CN=[^"]*,OU=Staff,DC=contoso,DC=test" tells/,
      },
    ],
  },
];

/**
 * One service principal name on two accounts. A controller refuses the second one; two controllers that have not heard of each other
 * take one each, and replication brings them together. That is how it happens.
 */
export async function seedDuplicatePrincipal(
  { lab, admin }: LabPlace,
  second: SambaController,
  adminOfSecond: Client,
): Promise<Expected> {
  const name = 'HTTP/autodiscover-seattle.contoso.test';
  await setPrincipals(admin, `CN=${WRITER},OU=Service Accounts,${DOMAIN}`, [name]);
  await setPrincipals(adminOfSecond, READER_DN, [name]);
  await lab.replicate(second, [DOMAIN]);
  return {
    code: 'principal-name-duplicate',
    object: READER_DN,
    remedy: new RegExp(`^all but one of: setspn -D ${name} ${READER}; setspn -D ${name} ${WRITER} `),
  };
}

function setPrincipals(admin: Client, dn: string, values: readonly string[]): Promise<void> {
  const modification = new Attribute({ type: 'servicePrincipalName', values: [...values] });
  return admin.modify(dn, [new Change({ operation: 'replace', modification })]);
}

function changeMember(admin: Client, operation: 'add' | 'delete', group: string, member: string): Promise<void> {
  const modification = new Attribute({ type: 'member', values: [member] });
  return admin.modify(group, [new Change({ operation, modification })]);
}

/** Gives the reader an inherited right (SDDL's letters) below an object. */
async function grant({ lab, admin }: LabPlace, dn: string, rights: string): Promise<() => void> {
  const { searchEntries } = await admin.search(READER_DN, {
    scope: 'base',
    attributes: ['objectSid'],
    explicitBufferAttributes: ['objectSid'],
  });
  const ace = `(A;CI;${rights};;;${sidText(searchEntries[0]?.objectSid as Buffer)})`;
  return addPermission(lab, dn, ace);
}
