// A MAPI profile with one Exchange account, as Outlook 2010 or 2016 leaves it after connecting to a single Client Access server: every
// kind of value the migrator changes, among values it must not touch. Made by code, from no real mailbox.
import { createHash } from 'node:crypto';
import { type RegEntry, stringData } from '../../src/profile-migrator/registry/reg-file.ts';
import { renderRegFile } from '../../src/profile-migrator/registry/reg-file-writer.ts';
import { RegType } from '../../src/profile-migrator/registry/registry.ts';

export interface SampleProfile {
  readonly root: string;
  readonly outlook: '2010' | '2016';
  readonly profile: string;
  /** Short name of the server the profile connects to; its FQDN is `<server>.contoso.test`. */
  readonly server: string;
  readonly alias: string;
}

const TREES = {
  2010: 'Software\\Microsoft\\Windows NT\\CurrentVersion\\Windows Messaging Subsystem\\Profiles',
  2016: 'Software\\Microsoft\\Office\\16.0\\Outlook\\Profiles',
} as const;

const SERVICES = '9207f3e0a3b11019908b08002b2a56c2';
const FIXED_ADDRESS_BOOK = 'dca740c8c042101ab4b908002b2fe182';
const PRIVATE_STORE = '5494a1c0297f101ba58708002b2a2517';
const PUBLIC_STORE = '78b2fa70aff711cd9bc800aa002fc45a';
const TRANSPORT = 'a90640e0d69311cdaf9500aa004a35c3';

/** The .reg file with these profiles. */
export function sampleRegFile(samples: readonly SampleProfile[]): Buffer {
  return renderRegFile(samples.flatMap(entriesOfSample));
}

function entriesOfSample(sample: SampleProfile): RegEntry[] {
  const profilePath = `${sample.root}\\${TREES[sample.outlook]}\\${sample.profile}`;
  // Section names are random in reality, and stable here.
  const uid = (role: string) => createHash('md5').update(`${sample.profile} ${sample.alias} ${role}`).digest('hex');
  const fqdn = `${sample.server.toLowerCase()}.contoso.test`;
  const organisation = '/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)';
  const serverDn = `${organisation}/cn=Configuration/cn=Servers/cn=${sample.server}`;
  const mailboxDn = `${organisation}/cn=Recipients/cn=${sample.alias}`;
  const wide = sample.outlook === '2016';
  const [service, account, addressBook, store, publicStore, transport] = [
    ...['service', 'account', 'address book', 'store', 'public store', 'transport'].map(uid),
  ] as [string, string, string, string, string, string];
  const provider = (kind: string, type: number): RegEntry[] => [
    binary('01023d0c', service),
    binary('01023414', kind),
    long('00033e03', type),
    text8('001e660b', mailboxDn),
  ];
  return [
    section(profilePath, SERVICES, [binary('01023d0e', service), binary('01023d00', store + publicStore)]),
    section(profilePath, service, [
      text16('001f3d09', 'MSEMS'),
      text16('001f3001', 'Microsoft Exchange'),
      text16('001f3d13', '{6485D26A-C2AC-11D1-AD3E-10A0C911C9C0}'),
      binary('01023d00', store + publicStore),
      binary('01023d01', addressBook),
      binary('01023d02', transport),
      binary('01023d15', account),
      binary('01023d0d', account),
    ]),
    section(profilePath, account, [
      text16('001f6608', fqdn),
      text8('001e6608', fqdn),
      text8('001e6602', sample.server),
      text8('001e6612', serverDn),
      binary('101e6613', bindings([`ncacn_ip_tcp:${fqdn}`, `ncacn_http:${fqdn}`], wide)),
      text16('001f662a', fqdn),
      text16('001f664a', `https://${fqdn}/autodiscover/autodiscover.xml`),
      text8('001e6603', mailboxDn),
      text16('001f6641', `SMTP:${sample.alias}@contoso.test`),
      text16('001f663d', `${sample.alias}@contoso.test`),
      text16('001f6610', `C:\\Users\\${sample.alias}\\outlook.ost`),
      long('00036601', 0x184),
      binary('01026611', createHash('sha512').update(sample.alias).digest('hex')),
      binary('01023d1a', addressBook),
    ]),
    section(profilePath, addressBook, [binary('01023d0c', service), text16('001f662a', fqdn)]),
    section(profilePath, FIXED_ADDRESS_BOOK, [text16('001f662a', fqdn)]),
    section(profilePath, store, [
      ...provider(PRIVATE_STORE, 0x21),
      text8('001e660c', sample.server),
      text8('001e6614', `${serverDn}/cn=Microsoft Private MDB`),
      text16('001f662b', fqdn),
    ]),
    section(profilePath, publicStore, [
      ...provider(PUBLIC_STORE, 0x21),
      text8('001e660c', 'MBX01'),
      text16('001f662b', 'mbx01.contoso.test'),
    ]),
    section(profilePath, transport, [
      ...provider(TRANSPORT, 0x24),
      text8('001e660c', sample.server),
      text8('001e6614', serverDn),
    ]),
    section(profilePath, uid('empty'), []),
  ].flat();
}

function section(profilePath: string, name: string, values: readonly RegEntry[]): RegEntry[] {
  return [{ kind: 'key', path: `${profilePath}\\${name}` }, ...values];
}

function text8(name: string, text: string): RegEntry {
  return { kind: 'value', value: { name, type: RegType.SZ, data: stringData(text) } };
}

function text16(name: string, text: string): RegEntry {
  return { kind: 'value', value: { name, type: RegType.BINARY, data: stringData(text) } };
}

function binary(name: string, hex: string): RegEntry {
  return { kind: 'value', value: { name, type: RegType.BINARY, data: Buffer.from(hex, 'hex') } };
}

function long(name: string, value: number): RegEntry {
  const data = Buffer.alloc(4);
  data.writeUInt32LE(value);
  return { kind: 'value', value: { name, type: RegType.BINARY, data } };
}

/** PT_MV_STRING8 as a 32-bit (4-byte offsets) or a 64-bit Outlook (8-byte offsets) stores it; in hex. */
function bindings(texts: readonly string[], wide: boolean): string {
  const size = wide ? 8 : 4;
  const header = Buffer.alloc(4 + size * texts.length);
  header.writeUInt32LE(texts.length);
  let offset = header.length;
  for (const [index, text] of texts.entries()) {
    header.writeUInt32LE(offset, 4 + size * index);
    offset += text.length + 1;
  }
  return Buffer.concat([header, ...texts.map((text) => Buffer.from(`${text}\0`, 'latin1'))]).toString('hex');
}
