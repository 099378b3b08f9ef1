// The acceptance list: what each account of the demo organisation is answered. Data for the fast test over the embedded directory
// and for the lab test over a real Active Directory, which must both give these answers.
import assert from 'node:assert/strict';
import supertest from 'supertest';
import { LEGACY_GROUP } from '../ldap/demo-organization.ts';
import { type Bed, basic, elementText, POX_PATH, poxBody, XML_TYPE } from './bed.ts';

export type Expected =
  | {
      /** FQDN in `Server` of the EXCH block. */
      readonly server: string;
      /** `ServerDN` ends in this component. */
      readonly serverCn: string;
      readonly displayName?: string;
      readonly primary?: string;
    }
  | { readonly redirect: string }
  | { readonly errorCode: 500 | 501 | 602 | 603 }
  | { readonly status: 401 };

export interface AcceptanceRow {
  readonly why: string;
  readonly ask: { readonly address?: string; readonly legacyDn?: string };
  /** Who asks; alice when absent. */
  readonly caller?: string;
  readonly expected: Expected;
  /** What the log must say at level warning; no warning may be there when absent. */
  readonly warning?: RegExp;
}

const SEATTLE = { server: 'outlook-sea.contoso.test', serverCn: 'outlook-sea.contoso.test' } as const;
const DUBLIN = { server: 'outlook-dub.contoso.test', serverCn: 'outlook-dub.contoso.test' } as const;
const RECIPIENTS = `${LEGACY_GROUP}/cn=Recipients/cn=`;

export const ACCEPTANCE: readonly AcceptanceRow[] = [
  {
    why: 'the CAS array of her database',
    ask: { address: 'alice@contoso.test' },
    expected: { ...SEATTLE, displayName: 'Alice Adams', primary: 'alice@contoso.test' },
  },
  {
    why: 'any case of the address',
    ask: { address: 'ALICE@Contoso.Test' },
    expected: { ...SEATTLE, primary: 'alice@contoso.test' },
  },
  {
    why: 'an alias',
    ask: { address: 'a.adams@contoso.test' },
    expected: { ...SEATTLE, primary: 'alice@contoso.test' },
  },
  {
    why: 'an alias in the second domain',
    ask: { address: 'alice@contoso-sales.test' },
    expected: { ...SEATTLE, primary: 'alice@contoso.test' },
  },
  {
    why: 'her legacyExchangeDN',
    ask: { legacyDn: `${RECIPIENTS}alice` },
    expected: { ...SEATTLE, primary: 'alice@contoso.test' },
  },
  {
    why: 'an X500 address of an older organisation',
    ask: { legacyDn: '/o=OldOrg/ou=First Administrative Group/cn=Recipients/cn=aadams' },
    expected: { ...SEATTLE, primary: 'alice@contoso.test' },
  },
  {
    why: 'LegacyDN wins over EMailAddress',
    ask: { address: 'bob@contoso.test', legacyDn: `${RECIPIENTS}alice` },
    expected: { ...SEATTLE, primary: 'alice@contoso.test' },
  },
  {
    why: 'a LegacyDN nobody has',
    ask: { address: 'bob@contoso.test', legacyDn: `${RECIPIENTS}nobody` },
    expected: { errorCode: 500 },
  },
  {
    why: 'the other site',
    ask: { address: 'bob@contoso.test' },
    caller: 'bob',
    expected: { ...DUBLIN, primary: 'bob@contoso.test' },
  },
  {
    why: 'a database that names a single server',
    ask: { address: 'carol@contoso.test' },
    caller: 'carol@contoso.test',
    expected: { server: 'sea-cas1.contoso.test', serverCn: 'SEA-CAS1' },
    warning: /CN=SEA-DB02,.*not associated with a CAS array.*sea-cas1\.contoso\.test/,
  },
  {
    why: 'a database that names nothing',
    ask: { address: 'dave@contoso.test' },
    expected: DUBLIN,
    warning: /CN=DUB-DB02,.*has no legacyExchangeDN.*outlook-dub\.contoso\.test/,
  },
  {
    why: 'a database that names a server without Client Access',
    ask: { address: 'olga@contoso.test' },
    expected: SEATTLE,
    warning: /CN=SEA-DB03,.*SEA-MBX1.*without the Client Access role.*outlook-sea\.contoso\.test/,
  },
  {
    why: 'an apostrophe',
    ask: { address: "erin.o'neill@contoso.test" },
    expected: { ...SEATTLE, displayName: "Erin O'Neill" },
  },
  { why: 'umlauts', ask: { address: 'zoe.mueller@contoso.test' }, expected: { ...SEATTLE, displayName: 'Zoë Müller' } },
  { why: 'Japanese', ask: { address: 'taro.tanaka@contoso.test' }, expected: { ...DUBLIN, displayName: '田中 太郎' } },
  {
    why: 'Cyrillic',
    ask: { address: 'maria.ivanova@contoso.test' },
    expected: { ...SEATTLE, displayName: 'Мария Иванова' },
  },
  {
    why: 'a plus sign, and a name of filter and DN metacharacters',
    ask: { address: 'trent+ops@contoso.test' },
    expected: { ...DUBLIN, displayName: 'Tate, Trent (Ops*) \\ Nights', primary: 'trent+ops@contoso.test' },
  },
  {
    why: 'XML metacharacters in a name',
    ask: { address: 'ruth@contoso.test' },
    expected: { ...SEATTLE, displayName: 'Rhodes &amp; Daughters &lt;Ruth&gt;' },
  },
  {
    why: 'a UPN that is no address',
    ask: { address: 'peggy@ad.contoso.test' },
    caller: 'peggy@ad.contoso.test',
    expected: { ...SEATTLE, primary: 'p.park@contoso.test' },
  },
  {
    why: 'a primary address that is not the UPN',
    ask: { address: 'p.park@contoso.test' },
    caller: 'p.park@contoso.test',
    expected: { ...SEATTLE, primary: 'p.park@contoso.test' },
  },
  {
    why: 'an alias that is not the UPN',
    ask: { address: 'peggy@contoso.test' },
    caller: 'peggy@contoso.test',
    expected: { ...SEATTLE, primary: 'p.park@contoso.test' },
  },
  { why: 'an archive in another database', ask: { address: 'quinn@contoso.test' }, expected: SEATTLE },
  {
    why: 'a shared mailbox that is mapped',
    ask: { address: 'grace@contoso.test' },
    caller: 'CONTOSO\\grace',
    expected: SEATTLE,
  },
  { why: 'send-on-behalf changes nothing', ask: { address: 'heidi@contoso.test' }, expected: SEATTLE },
  { why: 'forwarding changes nothing', ask: { address: 'walter@contoso.test' }, expected: DUBLIN },
  { why: 'a disabled account has a mailbox still', ask: { address: 'frank@contoso.test' }, expected: SEATTLE },
  { why: 'a room', ask: { address: 'room101@contoso.test' }, expected: SEATTLE },
  { why: 'a shared mailbox', ask: { address: 'sales@contoso.test' }, expected: DUBLIN },
  { why: 'a linked mailbox', ask: { address: 'nina@contoso.test' }, expected: DUBLIN },
  {
    why: 'a mail user',
    ask: { address: 'ken@contoso.test' },
    caller: 'ken@contoso.test',
    expected: { redirect: 'ken@fabrikam.test' },
  },
  { why: 'a contact', ask: { address: 'laura@contoso.test' }, expected: { redirect: 'laura.lane@tailspin.test' } },
  {
    why: 'a contact that leads back to itself',
    ask: { address: 'loop@contoso.test' },
    expected: { errorCode: 602 },
    warning: /leads back to itself/,
  },
  {
    why: 'a homeMDB that names nothing',
    ask: { address: 'mallory@contoso.test' },
    expected: { errorCode: 602 },
    // A real directory keeps no link to nothing: there, the attribute is gone.
    warning: /CN=SEA-DB99,|lost its database/,
  },
  { why: 'a group', ask: { address: 'allstaff@contoso.test' }, expected: { errorCode: 501 } },
  { why: 'a mail attribute without a mailbox', ask: { address: 'judy@contoso.test' }, expected: { errorCode: 501 } },
  { why: 'an account without any mail', ask: { address: 'ivan@contoso.test' }, expected: { errorCode: 500 } },
  { why: 'nobody', ask: { address: 'nobody@contoso.test' }, expected: { errorCode: 500 } },
  {
    why: 'an address that two have',
    ask: { address: 'dup@contoso.test' },
    expected: { errorCode: 603 },
    warning: /(?=.*CN=Victor Vance,)(?=.*CN=Victoria Vance,)/,
  },
  {
    why: 'a disabled account cannot log on',
    ask: { address: 'alice@contoso.test' },
    caller: 'CONTOSO\\frank',
    expected: { status: 401 },
  },
  {
    why: 'a domain that is none of ours',
    ask: { address: 'alice@contoso.test' },
    caller: 'EVIL\\alice',
    expected: { status: 401 },
  },
];

/** How a row is named in a report. */
export function rowName({ why, ask, caller }: AcceptanceRow): string {
  const asked = [ask.address, ask.legacyDn].filter((text) => text !== undefined).join(' and ');
  return `${asked}${caller ? ` by ${caller}` : ''}: ${why}`;
}

/** Asks a row's question and checks its answer and its log line; returns the answer's text. */
export async function checkRow(bed: Bed, row: AcceptanceRow): Promise<string> {
  const lines = bed.log.length;
  const response = await supertest(bed.app)
    .post(POX_PATH)
    .set('Authorization', basic(row.caller ?? 'alice@contoso.test'))
    .set('Content-Type', XML_TYPE)
    .send(poxBody(row.ask));
  const xml = response.text;
  const { expected } = row;
  if ('status' in expected) {
    assert.equal(response.status, expected.status);
    assert.equal(xml, '');
    return xml;
  }
  assert.equal(response.status, 200, `status ${response.status}: ${JSON.stringify(bed.log.slice(lines))}`);
  if ('errorCode' in expected) assert.equal(elementText(xml, 'ErrorCode'), String(expected.errorCode), xml);
  else if ('redirect' in expected) {
    assert.equal(elementText(xml, 'Action'), 'redirectAddr', xml);
    assert.equal(elementText(xml, 'RedirectAddr'), expected.redirect);
  } else {
    const serverDn = `${LEGACY_GROUP}/cn=Configuration/cn=Servers/cn=${expected.serverCn}`;
    assert.equal(elementText(xml, 'Action'), 'settings', xml);
    assert.equal(elementText(xml, 'Server'), expected.server);
    assert.equal(elementText(xml, 'ServerDN'), serverDn);
    assert.equal(elementText(xml, 'MdbDN'), `${serverDn}/cn=Microsoft Private MDB`);
    assert.equal(elementText(xml, 'ServerVersion'), '7383807B');
    if (expected.displayName !== undefined) assert.equal(elementText(xml, 'DisplayName'), expected.displayName);
    if (expected.primary !== undefined) assert.equal(elementText(xml, 'AutoDiscoverSMTPAddress'), expected.primary);
  }
  checkLog(bed, lines, row);
  return xml;
}

function checkLog(bed: Bed, from: number, { warning }: AcceptanceRow): void {
  const [line, ...others] = bed.log.slice(from);
  assert.ok(line);
  assert.equal(others.length, 0, 'one line per request');
  const warnings = (line.trace ?? []).filter((step) => step.level === 'warning').map((step) => step.text);
  if (warning === undefined) assert.deepEqual(warnings, []);
  else
    assert.ok(
      warnings.some((text) => warning.test(text)),
      `no warning like ${warning} in ${JSON.stringify(warnings)}`,
    );
  assert.equal(line.level, warning === undefined ? 'info' : 'warn');
}

/** An answer without what may differ between two directories of the same content: objectGUIDs. */
export function withoutGuids(xml: string): string {
  return xml.replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, 'GUID');
}
