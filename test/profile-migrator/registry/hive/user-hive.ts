// A whole user hive for tests and benchmarks: an Outlook 2010 profile with one Exchange account among the settings of other programs.
import { binary, buildHive, type HiveSpec, type KeySpec, nest, string, sz, type ValueSpec } from './hive-builder.ts';

export interface UserHiveOptions {
  readonly minor?: number;
  /** Roughly how large the hive becomes, in bytes; what the profile does not need is filled with other keys. */
  readonly size?: number;
  /** Logon name; part of the mailbox DN and the address. */
  readonly user?: string;
  /** The home server, FQDN. */
  readonly server?: string;
  readonly padding?: number;
  readonly sequences?: { readonly primary: number; readonly secondary: number };
}

const UID = {
  tables: '9207f3e0a3b11019908b08002b2a56c2',
  service: 'a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1',
  account: 'b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2',
  store: 'c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3',
} as const;
export const PROFILES_PATH = 'Software\\Microsoft\\Windows NT\\CurrentVersion\\Windows Messaging Subsystem\\Profiles';
export const ACCOUNT_PATH = `${PROFILES_PATH}\\Outlook\\${UID.account}`;
const GROUP = '/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)';

const uid = (name: keyof typeof UID): Buffer => Buffer.from(UID[name], 'hex');
const unicode = (name: string, text: string): ValueSpec => ({ name, type: 3, data: sz(text) });

/** PT_MV_STRING8 as a 32-bit Outlook writes it. */
function bindings(...texts: string[]): Buffer {
  const items = texts.map((text) => Buffer.from(`${text}\0`, 'latin1'));
  const head = Buffer.alloc(4 + 4 * items.length);
  head.writeUInt32LE(items.length, 0);
  let at = head.length;
  for (const [i, item] of items.entries()) {
    head.writeUInt32LE(at, 4 + 4 * i);
    at += item.length;
  }
  return Buffer.concat([head, ...items]);
}

function profile(user: string, server: string): KeySpec {
  const serverDn = `${GROUP}/cn=Configuration/cn=Servers/cn=${server}`;
  return {
    name: 'Outlook',
    keys: [
      { name: UID.tables, values: [binary('01023d0e', uid('service')), binary('01023d00', uid('store'))] },
      { name: '13dbb0c8aa05101a9bb000aa002fc45a' },
      {
        name: UID.service,
        values: [
          unicode('001f3d09', 'MSEMS'),
          unicode('001f3001', 'Microsoft Exchange'),
          binary('01023d15', uid('account')),
          binary('01023d0d', uid('account')),
          binary('01023d00', uid('store')),
        ],
      },
      {
        name: UID.account,
        values: [
          string('001e6602', server),
          string('001e6603', `${GROUP}/cn=Recipients/cn=${user}`),
          string('001e6608', server),
          unicode('001f6608', server),
          string('001e6612', serverDn),
          binary('101e6613', bindings(`ncacn_ip_tcp:${server}`, `ncacn_http:${server}`)),
          unicode('001f662a', server),
          unicode('001f6641', `SMTP:${user}@contoso.test`),
          unicode('001f664a', `https://${server}/autodiscover/autodiscover.xml`),
          binary('00036601', Buffer.from([0x84, 1, 0, 0])),
        ],
      },
      {
        name: UID.store,
        values: [
          binary('01023d0c', uid('service')),
          binary('01023414', Buffer.from('5494a1c0297f101ba58708002b2a2517', 'hex')),
          string('001e660c', server),
          string('001e6614', `${serverDn}/cn=Microsoft Private MDB`),
          unicode('001f662b', server),
        ],
      },
    ],
  };
}

/** What one of these keys takes in a hive, roughly. */
const KEY_BYTES = 500;

/** Keys as other programs leave them: about 100 bytes a value, twenty keys to a key. */
function filling(bytes: number): KeySpec[] {
  const make = (budget: number, depth: number, seed: number): KeySpec[] => {
    const keys: KeySpec[] = [];
    for (let i = 0, left = budget; left > 0 && i < 20; i++) {
      const share = depth === 0 ? KEY_BYTES : Math.max(KEY_BYTES, Math.floor(budget / 20));
      left -= share;
      keys.push({
        name: `Program setting ${seed}-${i}`,
        values: [
          string('Path', `C:\\Program Files\\Vendor ${seed}\\Program ${i}`),
          string('LastUsed', `2011-0${(i % 9) + 1}-01T12:00`),
          binary('Window', 44),
          binary('Flags', 4),
        ],
        ...(share > 2 * KEY_BYTES && depth > 0 ? { keys: make(share - KEY_BYTES, depth - 1, seed * 20 + i) } : {}),
      });
    }
    return keys;
  };
  let depth = 0;
  for (let reach = 20 * KEY_BYTES; reach < bytes; reach *= 20) depth++;
  return make(bytes, depth, 1);
}

export function userHiveSpec(options: UserHiveOptions = {}): HiveSpec {
  const { minor = 5, size = 0, user = 'anna', server = 'cas01.contoso.test', padding = 0, sequences } = options;
  const messaging = nest('Windows NT\\CurrentVersion\\Windows Messaging Subsystem\\Profiles', {
    values: [string('DefaultProfile', 'Outlook')],
    keys: [profile(user, server)],
  });
  const microsoft: KeySpec = { name: 'Microsoft', keys: [messaging, nest('Office\\14.0\\Outlook', {})] };
  return {
    minor,
    padding,
    gap: { size: 64, every: 23 },
    ...(sequences ? { primarySequence: sequences.primary, secondarySequence: sequences.secondary } : {}),
    root: {
      name: 'CMI-CreateHive{00000000-0000-0000-0000-000000000000}',
      keys: [
        { name: 'Software', keys: [microsoft, { name: 'Vendors', keys: filling(size) }] },
        { name: 'Control Panel', keys: [nest('Desktop', { values: [string('Wallpaper', '')] })] },
      ],
    },
  };
}

export function userHive(options: UserHiveOptions = {}): Buffer {
  return buildHive(userHiveSpec(options));
}
