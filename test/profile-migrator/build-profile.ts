// Builds MAPI profiles for tests, value by value as the documents describe them: no test data comes from a real mailbox.
import { createHash } from 'node:crypto';
import { writeMultiString } from '../../src/profile-migrator/mapi/multi-value.ts';
import type { RegEntry } from '../../src/profile-migrator/registry/reg-file.ts';
import { snapshotsOf, stringData } from '../../src/profile-migrator/registry/reg-file.ts';
import { renderRegFile } from '../../src/profile-migrator/registry/reg-file-writer.ts';
import { type RegistrySnapshot, RegType } from '../../src/profile-migrator/registry/registry.ts';

export interface StoreSpec {
  kind: 'private' | 'delegate' | 'public' | 'archive';
  server: string;
  fqdn?: string;
  mailbox?: string;
  /** Server in the DN; `server` unless given. */
  dnServer?: string;
  org?: string;
}

export interface AccountSpec {
  alias: string;
  address?: string;
  org?: string;
  /** PR_PROFILE_HOME_SERVER; '' leaves the value out. */
  home: string;
  fqdn?: string;
  dnServer?: string;
  unresolved?: string;
  bindings?: string[];
  directoryServer?: string;
  lastUrl?: string;
  proxy?: string;
  proxyPrincipal?: string;
  rpcOverHttp?: boolean;
  consumer?: boolean;
  stores?: StoreSpec[];
  /** Values in the global section, as Outlook 2007 and older keep them: `only`, or as a second copy. */
  global?: 'only' | 'copy';
}

export interface ProfileSpec {
  name: string;
  pointerBytes?: 4 | 8;
  accounts: AccountSpec[];
  /** `001f662a` of the section dca740c8... */
  sharedDirectoryServer?: string;
  /** An orphaned account section that names this server. */
  orphanServer?: string;
}

export interface RegistrySpec {
  root?: string;
  tree?: 'shared' | '9x' | '15.0' | '16.0';
  defaultProfile?: string;
  profiles: ProfileSpec[];
  redirectServers?: string[];
}

const TREES = {
  '9x': 'Software\\Microsoft\\Windows Messaging Subsystem\\Profiles',
  shared: 'Software\\Microsoft\\Windows NT\\CurrentVersion\\Windows Messaging Subsystem\\Profiles',
  '15.0': 'Software\\Microsoft\\Office\\15.0\\Outlook\\Profiles',
  '16.0': 'Software\\Microsoft\\Office\\16.0\\Outlook\\Profiles',
} as const;

const STORE_KINDS = {
  private: ['5494a1c0297f101ba58708002b2a2517', 1],
  delegate: ['9eb4770074e411ce8c5e00aa004254e2', 2],
  public: ['78b2fa70aff711cd9bc800aa002fc45a', 3],
  archive: ['98a23d6762cf4d348279dbfa6a508b31', 0],
} as const;

const GROUP = 'Exchange Administrative Group (FYDIBOHF23SPDLT)';

export function serverDn(server: string, org = 'Fabrikam'): string {
  return `/o=${org}/ou=${GROUP}/cn=Configuration/cn=Servers/cn=${server}`;
}

export function uid(label: string): Buffer {
  return createHash('sha1').update(label).digest().subarray(0, 16);
}

export function buildRegistry(spec: RegistrySpec): RegistrySnapshot {
  const [snapshot] = snapshotsOf({ entries: buildEntries(spec), codePage: undefined });
  if (!snapshot) throw new Error('empty registry');
  return snapshot;
}

export function buildRegFile(spec: RegistrySpec): Buffer {
  return renderRegFile(buildEntries(spec));
}

export function buildEntries({ root = 'HKEY_CURRENT_USER', tree = 'shared', ...spec }: RegistrySpec): RegEntry[] {
  const profiles = `${root}\\${TREES[tree]}`;
  const outlook = profiles.replace(/\\Profiles$/, '');
  const isOwn = tree === '15.0' || tree === '16.0';
  const fallback: RegEntry[] = [
    {
      kind: 'value',
      value: {
        name: 'DefaultProfile',
        type: RegType.SZ,
        data: stringData(spec.defaultProfile ?? spec.profiles[0]?.name ?? ''),
      },
    },
  ];
  const entries: RegEntry[] = [
    { kind: 'key', path: outlook },
    ...(isOwn ? fallback : []),
    { kind: 'key', path: profiles },
    ...(isOwn ? [] : fallback),
  ];
  for (const profile of spec.profiles) entries.push(...buildProfile(profiles, profile));
  if (spec.redirectServers) {
    entries.push({
      kind: 'key',
      path: `${root}\\Software\\Microsoft\\Office\\15.0\\Outlook\\AutoDiscover\\RedirectServers`,
    });
    entries.push(
      ...spec.redirectServers.map(
        (name): RegEntry => ({ kind: 'value', value: { name, type: RegType.SZ, data: stringData('') } }),
      ),
    );
  }
  return entries;
}

type Values = [name: string, value: string | Buffer | number | undefined][];

function buildProfile(profiles: string, profile: ProfileSpec): RegEntry[] {
  const at = `${profiles}\\${profile.name}`;
  const id = (label: string) => uid(`${profile.name} ${label}`);
  const sections: [string, Values][] = [];
  const services = profile.accounts.map((_, i) => id(`service ${i}`));
  const contacts = id('contab service');
  sections.push(['9207f3e0a3b11019908b08002b2a56c2', [['01023d0e', Buffer.concat([...services, contacts])]]]);
  sections.push([
    contacts.toString('hex'),
    [
      ['001f3d09', wide('CONTAB')],
      ['001f3d0a', wide('contab.dll')],
    ],
  ]);
  sections.push(['8503020000000000c000000000000046', [['0102300b', id('search key')]]]);
  const hasGlobal = profile.accounts.some(({ global }) => global);
  if (!hasGlobal) sections.push(['13dbb0c8aa05101a9bb000aa002fc45a', []]);
  if (profile.sharedDirectoryServer) {
    sections.push(['dca740c8c042101ab4b908002b2fe182', [['001f662a', wide(profile.sharedDirectoryServer)]]]);
  }
  profile.accounts.forEach((account, i) => {
    sections.push(
      ...buildAccount(account, services[i] ?? contacts, (label) => id(`${i} ${label}`), profile.pointerBytes ?? 4),
    );
  });
  if (profile.orphanServer) {
    sections.push([
      id('orphan').toString('hex'),
      [
        ['001e6602', profile.orphanServer],
        ['01023d0c', id('gone')],
      ],
    ]);
  }
  const manager = '9375CFF0413111d3B88A00104B2A6676';
  sections.push([manager, [['NextAccountID', Buffer.from([9, 0, 0, 0])]]]);
  profile.accounts.forEach((account, i) => {
    const address = account.address ?? `${account.alias}@fabrikam.test`;
    sections.push([
      `${manager}\\0000000${i + 1}`,
      [
        ['Service UID', services[i]],
        ['Account Name', wide(address)],
        ['Email', wide(address)],
        ['Delivery Store EntryID', entryId(account.home, mailboxDn(account))],
      ],
    ]);
  });
  return [{ kind: 'key', path: at }, ...sections.flatMap(([name, values]) => section(`${at}\\${name}`, values))];
}

function buildAccount(
  account: AccountSpec,
  service: Buffer,
  id: (label: string) => Buffer,
  pointerBytes: 4 | 8,
): [string, Values][] {
  const address = account.address ?? `${account.alias}@fabrikam.test`;
  const fqdn = account.fqdn ?? account.home;
  const emsmdb = id('emsmdb');
  const stores: StoreSpec[] = account.stores ?? [{ kind: 'private', server: account.home, fqdn }];
  const values: Values = [
    ['00036600', 0x501],
    ['00036601', 0x184],
    ['001f6608', account.unresolved === undefined ? undefined : wide(account.unresolved)],
    ['001e6608', account.unresolved],
    ['001e6603', mailboxDn(account)],
    ['001e6602', account.home || undefined],
    ['001e6612', account.home ? serverDn(account.dnServer ?? account.home, account.org) : undefined],
    [
      '101e6613',
      account.bindings &&
        writeMultiString({ pointerBytes, items: account.bindings.map((text) => Buffer.from(text, 'latin1')) }),
    ],
    ['001f662a', fqdn ? wide(fqdn) : undefined],
    ['001f6622', account.proxy && wide(account.proxy)],
    ['001f6625', account.proxyPrincipal && wide(account.proxyPrincipal)],
    ['00036623', account.rpcOverHttp ? 0x27 : 0],
    ['001f6641', wide(`SMTP:${address}`)],
    ['001f664a', account.lastUrl && wide(account.lastUrl)],
    ['000b665e', account.consumer ? Buffer.from([1, 0]) : undefined],
    ['01026611', id('offline key')],
    ['01023d1a', id('emsabp')],
  ];
  const uids = (kind: string) => Buffer.concat(kind === 'store' ? stores.map((_, i) => id(`store ${i}`)) : [id(kind)]);
  const own: [string, Values][] =
    account.global === 'only'
      ? [['13dbb0c8aa05101a9bb000aa002fc45a', values]]
      : [
          [emsmdb.toString('hex'), values],
          ...(account.global === 'copy' ? ([['13dbb0c8aa05101a9bb000aa002fc45a', values]] as [string, Values][]) : []),
        ];
  return [
    [
      service.toString('hex'),
      [
        ['001f3d09', wide('MSEMS')],
        ['001f3d0a', wide('emsui.dll')],
        ['01023d00', uids('store')],
        ['01023d01', uids('address book')],
        ['01023d02', uids('transport')],
        ['01023d15', account.global === 'only' ? undefined : emsmdb],
        ['000b3d18', Buffer.from([account.global ? 1 : 0, 0])],
      ],
    ],
    ...own,
    [id('emsabp').toString('hex'), [['001f662a', wide(account.directoryServer ?? fqdn)]]],
    ...stores.map((store, i): [string, Values] => [
      id(`store ${i}`).toString('hex'),
      storeValues(store, account, service),
    ]),
    [
      id('address book').toString('hex'),
      [
        ['01023d0c', service],
        ['00033e03', 0x23],
      ],
    ],
    [
      id('transport').toString('hex'),
      [
        ['01023d0c', service],
        ['00033e03', 0x24],
        ['001e660c', account.home],
        ['001e6614', serverDn(account.dnServer ?? account.home, account.org)],
      ],
    ],
  ];
}

function storeValues(
  { kind, server, fqdn, mailbox, dnServer, org }: StoreSpec,
  account: AccountSpec,
  service: Buffer,
): Values {
  const [provider, type] = STORE_KINDS[kind];
  const database = kind === 'public' ? 'Microsoft Public MDB' : 'Microsoft Private MDB';
  const dn = `/o=${org ?? account.org ?? 'Fabrikam'}/ou=${GROUP}/cn=Recipients/cn=${mailbox ?? account.alias}`;
  return [
    ['00033e03', 0x21],
    ['01023414', Buffer.from(provider, 'hex')],
    ['01023d0c', service],
    ['0003660a', type],
    ['001e660b', kind === 'public' ? undefined : dn],
    ['001e660c', server],
    ['001e6614', `${serverDn(dnServer ?? server, org ?? account.org)}/cn=${database}`],
    ['001f662b', wide(fqdn ?? server)],
    ['01020fff', entryId(server, kind === 'public' ? '' : dn, kind === 'public')],
  ];
}

/** A store entry-id, [MS-OXCDATA] 2.2.4.3 Store Object EntryIDs. */
export function entryId(server: string, dn: string, isPublic = false): Buffer {
  const provider = isPublic ? '1c830210aa6611cd9bc800aa002fc45a' : '1b55fa20aa6611cd9bc800aa002fc45a';
  const head = Buffer.from(
    `0000000038a1bb1005e5101aa1bb08002b2a56c20000454d534d44422e444c4c0000000000000000${provider}`,
    'hex',
  );
  const type = Buffer.from([isPublic ? 6 : 0x0c, 0, 0, 0]);
  return Buffer.concat([
    head,
    type,
    Buffer.from(`${server}\0`, 'latin1'),
    isPublic ? Buffer.alloc(0) : Buffer.from(`${dn}\0`, 'latin1'),
  ]);
}

export function wide(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'utf16le');
}

function mailboxDn({ alias, org = 'Fabrikam' }: AccountSpec): string {
  return `/o=${org}/ou=${GROUP}/cn=Recipients/cn=${alias}`;
}

function section(path: string, values: Values): RegEntry[] {
  const entries: RegEntry[] = [{ kind: 'key', path }];
  for (const [name, value] of values) {
    if (value === undefined) continue;
    if (typeof value === 'string')
      entries.push({ kind: 'value', value: { name, type: RegType.SZ, data: stringData(value) } });
    else
      entries.push({
        kind: 'value',
        value: { name, type: RegType.BINARY, data: typeof value === 'number' ? long(value) : value },
      });
  }
  return entries;
}

function long(value: number): Buffer {
  const data = Buffer.alloc(4);
  data.writeUInt32LE(value);
  return data;
}
