// What is said of a service account that may do more than read.
import assert from 'node:assert/strict';
import test from 'node:test';
import { rightsFindings } from '../../../src/admin/doctor/rights-findings.ts';
import type { AccountRights, WritableObject } from '../../../src/ldap/account-rights.ts';

const ACCOUNT = 'CN=svc,DC=x';
const NONE: AccountRights = { powerfulGroups: [], directGroups: [], writable: [] };
const find = (rights: Partial<AccountRights>) => rightsFindings({ ...NONE, ...rights }, ACCOUNT, 'CN=X');
const group = (name: string) => ({ name, distinguishedName: `CN=${name},DC=x` });
const writable = (name: string, more: Partial<WritableObject> = {}): WritableObject => ({
  distinguishedName: `CN=${name},CN=X`,
  isExchange: true,
  attributes: ['legacyExchangeDN'],
  createsChildren: false,
  changesPermissions: false,
  ...more,
});

test('an account that only reads', () => assert.deepEqual(find({}), []));

const GRANT = 'dsacls "CN=X" /I:T /G "CN=svc,DC=x:GR"';
for (const [why, rights, remedy] of [
  [
    'a direct member, of one that is in another',
    { powerfulGroups: [group('Administrators'), group('Domain Admins')], directGroups: ['CN=Domain Admins,DC=x'] },
    `dsmod group "CN=Domain Admins,DC=x" -rmmbr "${ACCOUNT}", then ${GRANT}`,
  ],
  [
    'a member of two',
    { powerfulGroups: [group('A'), group('B')], directGroups: ['CN=A,DC=x', 'CN=B,DC=x', 'CN=C,DC=x'] },
    `dsmod group "CN=A,DC=x" -rmmbr "${ACCOUNT}" and dsmod group "CN=B,DC=x" -rmmbr "${ACCOUNT}", then ${GRANT}`,
  ],
  [
    'through one of several groups',
    { powerfulGroups: [group('A')], directGroups: ['CN=C,DC=x', 'CN=D,DC=x'] },
    `dsmod group "CN=C,DC=x" -rmmbr "${ACCOUNT}" or dsmod group "CN=D,DC=x" -rmmbr "${ACCOUNT}", then ${GRANT}`,
  ],
  [
    'through a group that is not known',
    { powerfulGroups: [{ name: 'Enterprise Admins', distinguishedName: undefined }] },
    `dsmod group "GROUP" -rmmbr "${ACCOUNT}", then ${GRANT}`,
  ],
] as const satisfies readonly (readonly [string, Partial<AccountRights>, string])[]) {
  test(`privileged: ${why}`, () => {
    // What the group may write is not told besides.
    const [finding, ...more] = find({ ...rights, writable: [writable('DB')] });
    assert.deepEqual(more, []);
    assert.equal(finding?.code, 'service-account-privileged');
    assert.equal(finding?.object, ACCOUNT);
    assert.equal(finding?.remedy, remedy);
  });
}

test('what may be written: the organisation and the domain apart, three objects named', () => {
  const attributes = ['legacyExchangeDN', 'networkAddress', 'cn'];
  const findings = find({
    writable: [
      writable('A'),
      writable('B', { attributes, changesPermissions: true }),
      writable('C', { attributes: [], createsChildren: true }),
      writable('D'),
      writable('E', { isExchange: false, attributes: ['homeMDB', 'mail'] }),
    ],
  });
  assert.deepEqual(
    findings.map(({ code, object, what }) => [code, object, what.replace(/^.* may change /, '')]),
    [
      [
        'service-account-can-write',
        'CN=A,CN=X',
        'A (legacyExchangeDN); B (legacyExchangeDN, networkAddress and 1 more attributes, its permissions); C (what is below it); and 1 more',
      ],
      ['service-account-can-write', 'CN=E,CN=X', 'E (homeMDB, mail)'],
    ],
  );
  assert.equal(
    findings[0]?.remedy,
    `dsacls "CN=A,CN=X" tells where the right comes from; there: dsacls "DN" /R "${ACCOUNT}", then ${GRANT}`,
  );
});
