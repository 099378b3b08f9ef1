// What the bound account may do beyond reading, by the controller's own word: the groups in its token, and the attributes, children and
// permissions that the directory would let it change ([MS-ADTS] 3.1.1.4.5 Constructed Attributes: allowedAttributesEffective,
// allowedChildClassesEffective, sDRightsEffective). They are computed for the asking account, so nothing has to be derived from
// permission entries, and nothing is written to find out.

import { EqualityFilter, type Filter, OrFilter, PresenceFilter } from 'ldapts';
import { dnKey, isWithin, parentDn, parseDn, tryParseDn } from './distinguished-name.ts';
import type { EntryReader } from './entry.ts';
import type { Search } from './search.ts';

export interface AccountRights {
  /** Groups of the account, direct or nested, that give far more than reading; by name. */
  readonly powerfulGroups: readonly { readonly name: string; readonly distinguishedName: string | undefined }[];
  /** DNs of the groups that list the account itself. */
  readonly directGroups: readonly string[];
  /** Objects of the Exchange organisation and of the domain that the account may change, and what of them; by DN. */
  readonly writable: readonly WritableObject[];
}

export interface WritableObject {
  readonly distinguishedName: string;
  /** True below the Exchange organisation, false in the domain. */
  readonly isExchange: boolean;
  /** Attributes by name; those that lead clients somewhere come first. */
  readonly attributes: readonly string[];
  readonly createsChildren: boolean;
  readonly changesPermissions: boolean;
}

export interface RightsScope {
  readonly organization: string;
  readonly domain: string;
  /** DN of the account. A name of another form, or in another domain, is not looked at. */
  readonly account: string;
}

/** Built-in groups and their relative identifiers ([MS-DTYP] 2.4.2.4 Well-Known SID Structures). */
const DOMAIN_GROUPS: Readonly<Record<string, string>> = {
  512: 'Domain Admins',
  516: 'Domain Controllers',
  518: 'Schema Admins',
  519: 'Enterprise Admins',
  520: 'Group Policy Creator Owners',
  526: 'Key Admins',
  527: 'Enterprise Key Admins',
};
const BUILTIN_GROUPS: Readonly<Record<string, string>> = {
  544: 'Administrators',
  548: 'Account Operators',
  549: 'Server Operators',
  550: 'Print Operators',
  551: 'Backup Operators',
};

/** Groups without a fixed identifier, by sAMAccountName in lower case: Exchange's own that write or open mailboxes, and DnsAdmins. */
const NAMED_GROUPS: ReadonlySet<string> = new Set([
  'organization management',
  'recipient management',
  'server management',
  'delegated setup',
  'discovery management',
  'exchange servers',
  'exchange trusted subsystem',
  'exchange windows permissions',
  'exchange domain servers',
  'exchange enterprise servers',
  'dnsadmins',
]);

/** Attributes that decide where clients go and whose mailbox opens: named first. */
const DECISIVE = [
  'legacyExchangeDN',
  'networkAddress',
  'msExchServerSite',
  'serviceBindingInformation',
  'msExchInternalHostName',
  'msExchExternalHostName',
  'homeMDB',
  'proxyAddresses',
  'member',
];

const SIDS_AT_ONCE = 50;
/** Containers of which a mailbox is looked at: rights over people are given by organisational unit. */
const MOST_CONTAINERS = 50;

/** Rejects with what the search rejects with. */
export async function readAccountRights(search: Search, scope: RightsScope): Promise<AccountRights> {
  // An account of another domain cannot be read here: the controller would only refer to one of its own.
  const dn = tryParseDn(scope.account);
  const account = dn && isWithin(dn, parseDn(scope.domain)) ? scope.account : undefined;
  const sids = await tokenSids(search, account);
  const [powerfulGroups, directGroups, writable] = await Promise.all([
    findPowerfulGroups(search, scope.domain, sids),
    readDirectGroups(search, account),
    findWritable(search, scope, new Set(sids)),
  ]);
  return { powerfulGroups, directGroups, writable };
}

async function readDirectGroups(search: Search, account: string | undefined): Promise<readonly string[]> {
  if (account === undefined) return [];
  const filter = new PresenceFilter({ attribute: 'objectClass' });
  const [entry] = await search({ base: account, scope: 'base', filter, attributes: ['memberOf'] });
  return (entry?.many('memberOf') ?? []).sort();
}

async function tokenSids(search: Search, account: string | undefined): Promise<readonly string[]> {
  const read = async (base: string): Promise<string[]> => {
    const [entry] = await search({
      base,
      scope: 'base',
      filter: new PresenceFilter({ attribute: 'objectClass' }),
      attributes: ['tokenGroups'],
      binaryAttributes: ['tokenGroups'],
    });
    return (entry?.manyBytes('tokenGroups') ?? []).flatMap((bytes) => sidText(bytes) ?? []);
  };
  const told = await read('');
  if (told.length > 0 || account === undefined) return told;
  return read(account);
}

/** `S-1-5-21-...`; undefined for bytes that are no SID ([MS-DTYP] 2.4.2.2 SID: Packet Representation). */
export function sidText(bytes: Buffer): string | undefined {
  const count = bytes[1] ?? 0;
  if (bytes[0] !== 1 || bytes.length !== 8 + 4 * count) return undefined;
  const parts = Array.from({ length: count }, (_, at) => bytes.readUInt32LE(8 + 4 * at));
  return ['S-1', bytes.readUIntBE(2, 6), ...parts].join('-');
}

async function findPowerfulGroups(
  search: Search,
  domain: string,
  sids: readonly string[],
): Promise<AccountRights['powerfulGroups']> {
  const entries: EntryReader[] = [];
  const known = sids.filter((sid) => /^S-1-5-(?:21|32)-/.test(sid));
  for (let at = 0; at < known.length; at += SIDS_AT_ONCE) {
    const filters = known
      .slice(at, at + SIDS_AT_ONCE)
      .map((value) => new EqualityFilter({ attribute: 'objectSid', value }));
    const attributes = ['sAMAccountName', 'objectSid', 'objectClass'];
    const filter = new OrFilter({ filters });
    const found = await search({ base: domain, scope: 'sub', filter, attributes, binaryAttributes: ['objectSid'] });
    entries.push(...found.filter((entry) => entry.hasClass('group')));
  }
  const bySid = new Map(entries.map((entry) => [sidText(entry.bytes('objectSid') ?? Buffer.alloc(0)), entry]));
  return known
    .flatMap((sid) => {
      const entry = bySid.get(sid);
      const own = entry?.one('sAMAccountName');
      const fixed = fixedName(sid);
      // Groups of other domains of the forest are not found here; those with a fixed identifier are known all the same.
      const name = own ?? fixed;
      if (name === undefined || !(fixed || NAMED_GROUPS.has(name.toLowerCase()))) return [];
      return [{ name, distinguishedName: entry?.dn }];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function fixedName(sid: string): string | undefined {
  const relative = sid.slice(sid.lastIndexOf('-') + 1);
  return sid.startsWith('S-1-5-32-') ? BUILTIN_GROUPS[relative] : DOMAIN_GROUPS[relative];
}

/** What decides the answers, and the containers in which such objects are made. */
const EXCHANGE_OBJECTS: Filter = new OrFilter({
  filters: [
    ...[
      'msExchOrganizationContainer',
      'msExchExchangeServer',
      'msExchPrivateMDB',
      'msExchMDBContainer',
      'msExchServersContainer',
      'msExchVirtualDirectory',
      'msExchAutoDiscoverConfig',
      'serviceConnectionPoint',
    ].map((value) => new EqualityFilter({ attribute: 'objectClass', value })),
    new EqualityFilter({ attribute: 'cn', value: 'Arrays' }),
  ],
});

const EFFECTIVE = ['allowedAttributesEffective', 'allowedChildClassesEffective', 'sDRightsEffective', 'objectSid'];

async function findWritable(
  search: Search,
  { organization, domain }: RightsScope,
  ownSids: ReadonlySet<string>,
): Promise<readonly WritableObject[]> {
  const asked = { attributes: EFFECTIVE, binaryAttributes: ['objectSid'] };
  const readOne = (base: string) =>
    search({ base, scope: 'base', filter: new PresenceFilter({ attribute: 'objectClass' }), ...asked });
  const [exchange, head, ...people] = await Promise.all([
    search({ base: organization, scope: 'sub', filter: EXCHANGE_OBJECTS, ...asked, paged: true }),
    readOne(domain),
    ...(await sampleMailboxes(search, domain)).map(readOne),
  ]);
  // Everybody may change some of his own attributes.
  const isOwn = (entry: EntryReader) => ownSids.has(sidText(entry.bytes('objectSid') ?? Buffer.alloc(0)) ?? '');
  const others = [...head, ...people.flat()].filter((entry) => !isOwn(entry));
  return [...exchange.map((entry) => writableOf(entry, true)), ...others.map((entry) => writableOf(entry, false))]
    .filter((one) => one.attributes.length > 0 || one.createsChildren || one.changesPermissions)
    .sort((a, b) => (a.distinguishedName < b.distinguishedName ? -1 : 1));
}

/**
 * One mailbox of each container: the first by DN, so that every run looks at the same. Computing the rights over every mailbox would
 * cost the controller much more than telling their names.
 */
async function sampleMailboxes(search: Search, domain: string): Promise<readonly string[]> {
  const filter = new PresenceFilter({ attribute: 'homeMDB' });
  const found = await search({ base: domain, scope: 'sub', filter, attributes: ['cn'], paged: true });
  const firsts = new Map<string, string>();
  for (const { dn } of found.toSorted((a, b) => (a.dn < b.dn ? -1 : 1))) {
    const parent = parentDn(parseDn(dn));
    const key = parent ? dnKey(parent) : '';
    if (!firsts.has(key)) firsts.set(key, dn);
  }
  return [...firsts.values()].slice(0, MOST_CONTAINERS);
}

/** The owner, the group and the discretionary list; who may read the audit list changes nothing. */
const PERMISSION_BITS = 0b111;

function writableOf(entry: EntryReader, isExchange: boolean): WritableObject {
  const names = entry.many('allowedAttributesEffective').sort();
  const first = DECISIVE.filter((name) => names.some((other) => other.toLowerCase() === name.toLowerCase()));
  const rest = names.filter((name) => !first.some((other) => other.toLowerCase() === name.toLowerCase()));
  return {
    distinguishedName: entry.dn,
    isExchange,
    attributes: [...first, ...rest],
    createsChildren: entry.many('allowedChildClassesEffective').length > 0,
    changesPermissions: ((entry.integer('sDRightsEffective') ?? 0) & PERMISSION_BITS) !== 0,
  };
}
