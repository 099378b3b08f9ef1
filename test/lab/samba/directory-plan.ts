// Decides what goes into the lab's Active Directory: which entries of the demo organisation, changed how, with which rights.
// Pure: build-directory.py carries the plan out.
import { randomBytes } from 'node:crypto';
import { bytes, type LdifRecord, text, texts } from '../../../src/ldap/ldif.ts';
import { type SchemaPhase, schemaPhases } from './schema-ldif.ts';

/** Password of every enabled account of the demo organisation, and of the lab's own accounts. */
export const DEMO_PASSWORD = 'Demo-Passw0rd!';

/** Accounts whose bind fails although the password is right, by the `data` code of the answer ([MS-ADTS] error 49). */
export const BIND_ERROR_ACCOUNTS: Readonly<Record<string, Readonly<Record<string, string | Buffer>>>> = {
  'must-change': { pwdLastSet: '0' },
  expired: { accountExpires: '132223104000000000' },
  'other-workstation': { userWorkstations: 'NOWHERE' },
  'out-of-hours': { logonHours: Buffer.alloc(21) },
  disabled: { userAccountControl: '514' },
  'locked-out': {},
};

/** Account that owns the service principal names; its keys are exported to the lab's keytab. */
export const HTTP_ACCOUNT = 'svc-http';
/** The service's account: may read the organisation. The administrator commands' account: may also write what they write. */
export const READER = 'svc-autodiscover';
export const WRITER = 'svc-exchadmin';

export type Domain = {
  readonly baseDn: string;
  readonly dnsName: string;
  readonly realm: string;
  readonly netbiosName: string;
  /** AD sites in file order; the first controller stands in the first. */
  readonly sites: readonly string[];
};

type Entry = { readonly dn: string; readonly attributes: Readonly<Record<string, readonly string[]>> };

export type DirectoryPlan = {
  readonly schema: readonly SchemaPhase[];
  /** Values in base64. */
  readonly entries: readonly Entry[];
  /** SDDL ACEs to add; `{sid:NAME}` stands for the account's SID. */
  readonly grants: readonly { readonly dn: string; readonly aces: string }[];
  readonly modifications: readonly { readonly dn: string; readonly replace: Readonly<Record<string, string>> }[];
  readonly principals: readonly string[];
};

export type PlanOptions = {
  readonly servicePrincipals: readonly string[];
  readonly bindErrorAccounts: boolean;
  readonly bulkUsers: number;
};

/** Names of the domain as the file has them: its first entry is the domain's head. */
export function domainOf(records: readonly LdifRecord[]): Domain {
  const baseDn = records[0]?.dn ?? '';
  const labels = [...baseDn.matchAll(/(?:^|,)DC=([^,]+)/gi)].map((match) => match[1] ?? '');
  if (labels.length === 0) throw new Error(`the organisation's first entry is "${baseDn}", expected DC=...,DC=...`);
  const dnsName = labels.join('.').toLowerCase();
  const crossRef = records.find((record) => hasClass(record, 'crossRef') && text(record, 'nETBIOSName') !== undefined);
  const sites = records.filter((record) => hasClass(record, 'site')).map((record) => text(record, 'cn') ?? '');
  return {
    baseDn,
    dnsName,
    realm: dnsName.toUpperCase(),
    netbiosName: (crossRef && text(crossRef, 'nETBIOSName')) ?? (labels[0] ?? '').toUpperCase(),
    sites: sites.length > 0 ? sites : ['Default-First-Site-Name'],
  };
}

/** Everything build-directory.py needs to know about the content of the directory. */
export function planDirectory(records: readonly LdifRecord[], options: PlanOptions): DirectoryPlan {
  const domain = domainOf(records);
  const names = new Set(records.map(({ dn }) => dn.toLowerCase()));
  return {
    schema: schemaPhases(domain.baseDn),
    entries: [
      ...records.map((record) => organisationEntry(record, names)),
      ...labAccounts(domain, options),
      ...bulkUsers(domain, options.bulkUsers),
    ],
    grants: grants(records),
    modifications: [{ dn: domain.baseDn, replace: PASSWORD_POLICY }],
    principals: options.servicePrincipals,
  };
}

/** Lockout after five tries, for five minutes (in 100 ns, negative); passwords never age. */
const PASSWORD_POLICY = {
  lockoutThreshold: '5',
  lockoutDuration: '-3000000000',
  lockOutObservationWindow: '-3000000000',
  maxPwdAge: '-9223372036854775808',
  minPwdAge: '0',
};

function organisationEntry(record: LdifRecord, names: ReadonlySet<string>): Entry {
  const attributes: Record<string, string[]> = {};
  for (const { name, values } of record.attributes) {
    // The controller assigns GUIDs; it takes a clear password (below) and no hash; a link needs its target.
    if (name === 'objectGUID' || name === 'userPassword') continue;
    if (name === 'homeMDB' && !names.has(values[0]?.toString('utf8').toLowerCase() ?? '')) continue;
    attributes[name] = values.map((value) => value.toString('base64'));
  }
  if (hasClass(record, 'user')) {
    const known = bytes(record, 'userPassword').length > 0;
    attributes.unicodePwd = [unicodePassword(known ? DEMO_PASSWORD : `Aa1!${randomBytes(12).toString('hex')}`)];
  }
  return { dn: record.dn, attributes };
}

/** Value of unicodePwd: the quoted password in UTF-16LE ([MS-ADTS] 3.1.1.3.1.5.1 unicodePwd), in base64. */
function unicodePassword(password: string): string {
  return Buffer.from(`"${password}"`, 'utf16le').toString('base64');
}

function account(
  domain: Domain,
  name: string,
  unit: string,
  more: Readonly<Record<string, readonly (string | Buffer)[]>>,
) {
  const values: Record<string, readonly (string | Buffer)[]> = {
    objectClass: ['top', 'person', 'organizationalPerson', 'user'],
    sAMAccountName: [name],
    userPrincipalName: [`${name}@${domain.dnsName}`],
    userAccountControl: ['512'],
    ...more,
  };
  const attributes = Object.fromEntries(
    Object.entries(values).map(([key, list]) => [key, list.map((value) => Buffer.from(value).toString('base64'))]),
  );
  return { dn: `CN=${name},${unit}${domain.baseDn}`, attributes };
}

function unit(domain: Domain, name: string): Entry {
  const classes = ['top', 'organizationalUnit'].map((value) => Buffer.from(value).toString('base64'));
  return { dn: `OU=${name},${domain.baseDn}`, attributes: { objectClass: classes } };
}

function labAccounts(domain: Domain, { servicePrincipals, bindErrorAccounts }: PlanOptions): Entry[] {
  const unicodePwd = [Buffer.from(unicodePassword(DEMO_PASSWORD), 'base64')];
  const entries = [
    unit(domain, 'Lab'),
    account(domain, HTTP_ACCOUNT, 'OU=Lab,', {
      unicodePwd,
      servicePrincipalName: servicePrincipals,
      // AES 128 and 256: without it the keytab would hold RC4 keys only.
      'msDS-SupportedEncryptionTypes': ['24'],
    }),
  ];
  if (!bindErrorAccounts) return entries;
  const faulty = Object.entries(BIND_ERROR_ACCOUNTS).map(([name, more]) =>
    account(domain, name, 'OU=Lab,', {
      unicodePwd,
      ...Object.fromEntries(Object.entries(more).map(([key, value]) => [key, [value]])),
    }),
  );
  return [...entries, ...faulty];
}

function bulkUsers(domain: Domain, count: number): Entry[] {
  if (count === 0) return [];
  const users = Array.from({ length: count }, (_, index) => {
    const name = `bulk${String(index + 1).padStart(5, '0')}`;
    // No password: setting one is most of the time of an add.
    return account(domain, name, 'OU=Bulk,', {
      userAccountControl: ['514'],
      mail: [`${name}@${domain.dnsName}`],
      proxyAddresses: [`SMTP:${name}@${domain.dnsName}`],
    });
  });
  return [unit(domain, 'Bulk'), ...users];
}

/**
 * Rights as in a real forest, so that a missing one shows: every account may look into the two upper containers but not
 * below; the reader may read the organisation; the writer may also change what the administrator commands change.
 */
function grants(records: readonly LdifRecord[]): { dn: string; aces: string }[] {
  const only = (className: string) => records.filter((record) => hasClass(record, className)).map(({ dn }) => dn);
  const [exchange] = only('msExchConfigurationContainer');
  const [organisation] = only('msExchOrganizationContainer');
  if (exchange === undefined || organisation === undefined) {
    throw new Error(
      'the LDIF file has no Exchange organisation (msExchConfigurationContainer, msExchOrganizationContainer)',
    );
  }
  const below = (name: string, of: string) =>
    records
      .map(({ dn }) => dn)
      .filter((dn) => dn.toLowerCase().startsWith(`cn=${name.toLowerCase()},${of.toLowerCase()}`));
  const adminGroups = only('msExchAdminGroup');
  // Reading for both accounts; writing only where the commands write.
  const write = (dn: string, rights: string) => ({ dn, aces: `(A;CI;${rights};;;{sid:${WRITER}})` });
  return [
    { dn: exchange, aces: `(A;;RPLC;;;AU)(A;CI;RPLCLORC;;;{sid:${READER}})(A;CI;RPLCLORC;;;{sid:${WRITER}})` },
    { dn: organisation, aces: '(A;;RPLCLORC;;;AU)' },
    ...adminGroups.flatMap((group) => [
      // create, rename and delete arrays
      ...below('Arrays', group).map((dn) => write(dn, 'CCDCWPSD')),
      // legacyExchangeDN of the databases, which names their RPC endpoint
      ...below('Databases', group).map((dn) => write(dn, 'WP')),
      // service connection points
      ...below('Servers', group).map((dn) => write(dn, 'CCDCWPSD')),
    ]),
    ...below('Client Access', organisation).map((dn) => write(dn, 'WP')),
    // pointers of and for other forests
    ...records
      .map(({ dn }) => dn)
      .filter((dn) => /^CN=Microsoft Exchange Autodiscover,CN=Services,/i.test(dn))
      .map((dn) => write(dn, 'RPLCLORCCCDCWPSD')),
  ];
}

function hasClass(record: LdifRecord, name: string): boolean {
  return texts(record, 'objectClass').some((value) => value.toLowerCase() === name.toLowerCase());
}
