// Owners of service principal names and the service's keytab: what is well, and what is told about the rest.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Finding } from '../../../src/admin/doctor/finding.ts';
import { kerberosFindings, principalNames, type ServiceIdentity } from '../../../src/admin/doctor/kerberos-findings.ts';
import type { KeytabEntry } from '../../../src/admin/doctor/keytab.ts';
import type { PrincipalOwner } from '../../../src/ldap/service-principals.ts';

const HOST = 'autodiscover.x.test';
const owner = (accountName: string, keyVersion: number | undefined = 3): PrincipalOwner => ({
  distinguishedName: `CN=${accountName},DC=x`,
  accountName,
  keyVersion,
});
const key = (principal: string, keyVersion = 3, isWholeVersion = true): KeytabEntry => ({
  principal,
  realm: 'X.TEST',
  keyVersion,
  isWholeVersion,
});

interface Row {
  readonly why: string;
  readonly http?: readonly PrincipalOwner[];
  readonly host?: readonly PrincipalOwner[];
  readonly negotiate?: boolean;
  readonly keytab?: readonly KeytabEntry[] | string;
  readonly expected: readonly string[];
  readonly text?: RegExp;
}

const OWN = [key(`HTTP/${HOST}`)];
const ROWS: readonly Row[] = [
  { why: 'nobody, and no Kerberos', expected: [] },
  { why: 'an owner, and no Kerberos', http: [owner('svc')], expected: [] },
  {
    why: 'two owners, and no Kerberos: whoever answers there',
    http: [owner('svc'), owner('OLD-CAS$')],
    expected: ['principal-name-duplicate'],
    text: /setspn -D HTTP\/autodiscover\.x\.test svc; setspn -D HTTP\/autodiscover\.x\.test OLD-CAS\$/,
  },
  { why: 'one owner and its key', negotiate: true, http: [owner('svc')], keytab: OWN, expected: [] },
  {
    why: 'one owner whose version cannot be read',
    negotiate: true,
    http: [{ ...owner('svc'), keyVersion: undefined }],
    keytab: OWN,
    expected: [],
  },
  {
    why: 'nobody',
    negotiate: true,
    keytab: [...OWN, key('svc')],
    expected: ['principal-name-missing'],
    text: /^setspn -S HTTP\/autodiscover\.x\.test svc,/,
  },
  { why: 'nobody, keytab elsewhere', negotiate: true, expected: ['principal-name-missing'], text: /-S .* ACCOUNT,/ },
  { why: 'the computer of that name', negotiate: true, host: [owner('AUTO$')], keytab: OWN, expected: [] },
  {
    why: 'HTTP goes before the HOST of another',
    negotiate: true,
    http: [owner('svc')],
    host: [owner('AUTO$')],
    keytab: OWN,
    expected: [],
  },
  {
    why: 'two owners: the keytab is not judged',
    negotiate: true,
    http: [owner('a'), owner('b')],
    keytab: [key('HTTP/other.x.test')],
    expected: ['principal-name-duplicate'],
  },
  {
    why: 'a key of an older password',
    negotiate: true,
    http: [owner('svc', 4)],
    keytab: OWN,
    expected: ['keytab-mismatch'],
    text: /version 3 of the keys.*svc is at version 4/,
  },
  {
    why: 'old and new keys beside each other',
    negotiate: true,
    http: [owner('svc', 4)],
    keytab: [...OWN, key(`http/${HOST.toUpperCase()}`, 4)],
    expected: [],
  },
  {
    why: 'a version recorded in eight bits',
    negotiate: true,
    http: [owner('svc', 260)],
    keytab: [key(`HTTP/${HOST}`, 4, false)],
    expected: [],
  },
  {
    why: 'a whole version that only ends alike',
    negotiate: true,
    http: [owner('svc', 260)],
    keytab: [key(`HTTP/${HOST}`, 4)],
    expected: ['keytab-mismatch'],
  },
  {
    why: 'keys for other names only',
    negotiate: true,
    http: [owner('svc')],
    keytab: [key('HTTP/mail.x.test')],
    expected: ['keytab-mismatch'],
    text: /has no key for HTTP\/autodiscover\.x\.test/,
  },
  {
    why: 'keys of another account',
    negotiate: true,
    http: [owner('svc')],
    keytab: [...OWN, key('svc-old')],
    expected: ['keytab-mismatch'],
    text: /has the keys of svc-old, but .* is owned by svc/,
  },
  {
    why: 'no keytab at all',
    negotiate: true,
    http: [owner('svc')],
    keytab: 'offset 0: it does not begin with 05 02',
    expected: ['keytab-mismatch'],
    text: /is no keytab: offset 0/,
  },
];

for (const { why, http, host, negotiate = false, keytab, expected, text } of ROWS) {
  test(`${why}: ${expected.join(', ') || 'nothing'}`, () => {
    const file = '/etc/http.keytab';
    const service: ServiceIdentity = {
      publicUrl: new URL(`https://${HOST}`),
      negotiate,
      keytab:
        keytab === undefined
          ? undefined
          : typeof keytab === 'string'
            ? { file, fault: keytab }
            : { file, entries: keytab },
    };
    const owners = new Map([
      ...(http ? [[`http/${HOST}`, http] as const] : []),
      ...(host ? [[`host/${HOST}`, host] as const] : []),
    ]);
    const findings: readonly Finding[] = kerberosFindings([HOST], owners, service);
    assert.deepEqual(
      findings.map(({ code }) => code),
      expected,
    );
    if (text) assert.match(findings.map(({ what, remedy }) => `${remedy} ${what}`).join(), text);
  });
}

test('a host of other servers is judged by its owners alone', () => {
  const owners = new Map([['http/mail.x.test', [owner('A$'), owner('B$')]]]);
  const found = kerberosFindings(['mail.x.test'], owners, undefined);
  assert.deepEqual(
    found.map(({ code, object }) => [code, object]),
    [['principal-name-duplicate', 'CN=A$,DC=x | CN=B$,DC=x']],
  );
});

test('HTTP and HOST are looked up for each host', () => {
  assert.deepEqual(principalNames(['a.test', 'b.test']), ['HTTP/a.test', 'HOST/a.test', 'HTTP/b.test', 'HOST/b.test']);
});
