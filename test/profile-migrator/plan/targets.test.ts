import assert from 'node:assert/strict';
import test from 'node:test';
import { UsageError } from '../../../src/profile-migrator/errors.ts';
import { POLICY_EXAMPLE, parsePolicy } from '../../../src/profile-migrator/plan/policy-file.ts';
import { parseServerDn } from '../../../src/profile-migrator/plan/server-dn.ts';
import { type ArrayTarget, checkTargets, isFqdn, isServerName } from '../../../src/profile-migrator/plan/targets.ts';
import { namesAny } from '../../../src/profile-migrator/plan/value-rules.ts';

test('names of servers', () => {
  for (const name of ['FS1', 'fs-1', 'fs_1', 'fs1.fabrikam.test', '3com']) assert.equal(isServerName(name), true, name);
  for (const name of ['', '.', 'a..b', 'a b', 'a.', '-a', '10.0.0.1', '1', 'a/b', 'ä', 'x'.repeat(64)])
    assert.equal(isServerName(name), false, name);
  assert.equal(isFqdn('FS1'), false);
});

test('server DNs', () => {
  assert.deepEqual(parseServerDn('/o=Org/ou=AG/cn=Configuration/cn=Servers/cn=FS1/cn=Microsoft Private MDB'), {
    organisation: 'Org',
    container: '/o=Org/ou=AG/cn=Configuration/cn=Servers',
    server: 'FS1',
    tail: '/cn=Microsoft Private MDB',
  });
  assert.equal(parseServerDn('/O=Org/OU=AG/CN=Configuration/CN=servers/CN=FS1')?.server, 'FS1'); // without case
  for (const dn of [
    '',
    'FS1',
    '/o=Org/ou=AG/cn=Recipients/cn=FS1',
    '/ou=AG/cn=Servers/cn=FS1',
    '/o=/cn=Servers/cn=FS1',
  ]) {
    assert.equal(parseServerDn(dn), undefined, dn);
  }
});

test('contradictions among targets are refused, all at once', () => {
  const bad = (arrays: ArrayTarget[], ...want: RegExp[]) =>
    assert.throws(
      () => checkTargets({ arrays, proxies: new Map() }),
      (error) =>
        error instanceof UsageError && error.code === 'target' && want.every((pattern) => pattern.test(error.message)),
    );
  const fqdn = 'outlook.fabrikam.test';
  bad([{ fqdn: 'OUTLOOK', replaces: ['FS1'] }], /no FQDN/);
  bad([{ fqdn, replaces: ['Outlook.fabrikam.test'] }], /both an old server and an array/);
  bad(
    [
      { fqdn, replaces: ['FS1'] },
      { fqdn: 'b.test', replaces: ['fs1'] },
    ],
    /two arrays/,
  );
  bad([{ fqdn, replaces: ['a b'], serverDn: 'CN=x' }], /no server name/, /no server DN/);
  bad(
    [{ fqdn, replaces: ['FS1'], serverDn: '/o=O/ou=A/cn=Configuration/cn=Servers/cn=x/cn=Microsoft Private MDB' }],
    /no server DN/,
  );
  bad(
    [{ fqdn, replaces: ['FS1'], serverDn: '/o=O/ou=A/cn=Configuration/cn=Servers/cn=fs1' }],
    /"FS1" is both an old server and an array/,
  );
  const dn = '/o=O/ou=A/cn=Configuration/cn=Servers/cn=';
  bad(
    [
      { fqdn, replaces: ['FS1'], serverDn: `${dn}a` },
      { fqdn: fqdn.toUpperCase(), replaces: ['FS2'], serverDn: `${dn}b` },
    ],
    /two DNs/,
  );
  checkTargets({
    arrays: [
      { fqdn, replaces: ['FS1'], serverDn: `${dn}a` },
      { fqdn, replaces: ['FS2'], serverDn: `${dn}A` },
    ],
    proxies: new Map(),
  });
  const arrays = [{ fqdn, replaces: ['FS1'] }];
  checkTargets({ arrays, proxies: new Map() });
  assert.throws(() => checkTargets({ arrays, proxies: new Map([['owa', 'mail.fabrikam.test']]) }), /proxy "owa"/);
  const chain = new Map([
    ['a.test', 'B.test'],
    ['b.test', 'c.test'],
  ]);
  assert.throws(() => checkTargets({ arrays, proxies: chain }), /"B\.test" is both an old name and a new one/);
  assert.throws(() => checkTargets({ arrays, proxies: new Map([['a.test', 'a.test']]) }), /both an old name/);
  assert.throws(() => checkTargets({ arrays, proxies: new Map(), publicFolders: 'MBX' }), /public-folder server/);
  assert.throws(
    () => checkTargets({ arrays: [{ fqdn, replaces: ['a.test'] }], proxies: new Map(), publicFolders: 'A.test' }),
    /itself an old/,
  );
});

test('policies', () => {
  const { targets, until } = parsePolicy(POLICY_EXAMPLE, 'policy.json');
  assert.equal(targets.arrays[0]?.replaces.length, 4);
  assert.equal(targets.proxies.get('owa.contoso.test'), 'mail.contoso.test');
  assert.equal(until?.toISOString(), '2027-03-31T23:59:59.000Z');
  parsePolicy(`\uFEFF${POLICY_EXAMPLE}`, 'x'); // as Notepad saves it
  for (const text of [POLICY_EXAMPLE, `\uFEFF${POLICY_EXAMPLE}`]) parsePolicy(Buffer.from(text), 'x');
  parsePolicy(Buffer.from(`\uFEFF${POLICY_EXAMPLE}`, 'utf16le'), 'x'); // as Windows PowerShell's redirection writes it
  const bad = (change: (policy: Record<string, unknown>) => void, want: RegExp) => {
    const policy = JSON.parse(POLICY_EXAMPLE) as Record<string, unknown>;
    change(policy);
    assert.throws(
      () => parsePolicy(JSON.stringify(policy), 'p.json'),
      (error) => error instanceof UsageError && want.test(error.message),
    );
  };
  bad((policy) => {
    policy.version = 2;
  }, /version/);
  bad((policy) => {
    policy.array = [];
  }, /array/); // unknown key
  bad((policy) => {
    policy.arrays = [];
  }, /arrays/);
  bad((policy) => {
    policy.until = 'soon';
  }, /until/);
  bad((policy) => {
    policy.arrays = [{ fqdn: 'x', replaces: ['a'] }];
  }, /no FQDN/);
  bad((policy) => {
    policy.proxies = { 'owa.contoso.test': 'mail.contoso.test', 'OWA.contoso.test': 'post.contoso.test' };
  }, /"OWA\.contoso\.test" has two replacements/);
  assert.throws(() => parsePolicy('{', 'p.json'), /p\.json/);
  assert.throws(() => parsePolicy(`"${'\\n'.repeat(600_000)}"`, 'p.json'), /longer than 1048576 characters/);
  assert.throws(() => parsePolicy(`"${'\\n'.repeat(500_000)}"`, 'p.json'), UsageError);
  const twice = (from: string, to: string, key: RegExp) =>
    assert.throws(() => parsePolicy(POLICY_EXAMPLE.replace(from, to), 'p.json'), key);
  twice('"version": 1,', '"version": 1, "arrays": [],', /cannot read policy p\.json: "arrays" is there twice/);
  twice('"proxies": {', '"proxies": { "ow\\u0061.contoso.test" : "other.test",', /"owa\.contoso\.test" is there twice/);
  const again = `{ "fqdn": "b.contoso.test", "replaces": ["\\"fqdn\\":", "\\"fqdn\\":2"] }, {`;
  twice('{\n      "fqdn"', `${again}"fqdn"`, /fqdn/); // refused for its names; each object has keys of its own
  assert.throws(
    () => parsePolicy(POLICY_EXAMPLE.replace('{\n      "fqdn"', `${again}"fqdn"`), 'p.json'),
    (error: Error) => !error.message.includes('twice'),
  );
});

test('a name in a text is a whole name', () => {
  const good = (text: string) => assert.equal(namesAny(text, ['fs1', 'fs1.x.test']), true, text);
  const bad = (text: string) => assert.equal(namesAny(text, ['fs1', 'fs1.x.test']), false, text);
  good('FS1');
  good('Mailbox on FS1.');
  good('ncacn_ip_tcp:FS1.x.test');
  bad('FS10');
  bad('XFS1');
  bad('fs1.other.test');
  bad('my.fs1');
  bad('a-fs1');
});
