// npm run package:windows itself: same bytes from the same sources, a version resource, a signature that verifies, and errors that
// say what to install.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { NtExecutable, NtExecutableResource, Resource } from 'resedit';
import { packageWindows } from '../helpers/package-windows.ts';
import { labSuite } from './requirements.ts';

labSuite('package:windows', ['windows-packaging'], () => {
  const scratch = mkdtempSync(join(tmpdir(), 'package-windows-lab-'));
  after(() => rmSync(scratch, { recursive: true, force: true }));

  test('the same sources give the same executable', () => {
    const one = join(scratch, 'one');
    const two = join(scratch, 'two');
    packageWindows(one, ['--no-msi', '--unsigned']);
    packageWindows(two, ['--no-msi', '--unsigned']);
    const bytes = readFileSync(join(one, 'profile-migrator.exe'));
    assert.ok(bytes.equals(readFileSync(join(two, 'profile-migrator.exe'))));
    const image = NtExecutable.from(bytes);
    const resources = NtExecutableResource.from(image);
    const version = Resource.VersionInfo.fromEntries(resources.entries)[0];
    const { version: expected } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
      version: string;
    };
    const strings = version?.getStringValues(version.getAllLanguagesForStringValues()[0] ?? { lang: 0, codepage: 0 });
    assert.equal(strings?.FileVersion, `${expected}.0`);
    assert.equal(strings?.OriginalFilename, 'profile-migrator.exe');
    assert.equal(strings?.CompanyName, 'exchange-autodiscover');
    assert.ok(resources.entries.some(({ type, id }) => type === 10 && id === 'NODE_SEA_BLOB'));
    // The certificate table (data directory 4) of node.exe is gone.
    assert.deepEqual(image.newHeader.optionalHeaderDataDirectory.get(4), { virtualAddress: 0, size: 0 });
  });

  test('a signature with a throw-away certificate verifies, and not any more after a change', () => {
    const out = join(scratch, 'signed');
    packageWindows(out, []);
    const certificate = join(out, 'throw-away-certificate.pem');
    for (const name of ['profile-migrator.exe', 'profile-migrator.msi']) {
      const verify = () => spawnSync('osslsigncode', ['verify', '-CAfile', certificate, '-in', join(out, name)]);
      assert.equal(verify().status, 0, name);
    }
    const exe = join(out, 'profile-migrator.exe');
    const bytes = readFileSync(exe);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(exe, bytes);
    assert.notEqual(spawnSync('osslsigncode', ['verify', '-CAfile', certificate, '-in', exe]).status, 0);
    assert.match(readFileSync(join(out, 'THIRD-PARTY-LICENSES.txt'), 'utf8'), /^commander \d/m);
    assert.match(readFileSync(join(out, 'NODE-LICENSE.txt'), 'utf8'), /^Node\.js is licensed/);
    assert.equal(existsSync(join(out, 'throw-away.key')), false);
  });

  test('a given certificate is used, with its password from a file', () => {
    const [key, pem, password] = ['cs.key', 'cs.pem', 'password.txt'].map((name) => join(scratch, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(password, 'correct horse\n');
    const made = spawnSync('openssl', [
      ...[
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-days',
        '30',
        '-keyout',
        key,
        '-out',
        pem,
        '-subj',
        '/CN=Contoso code',
      ],
      ...['-passout', `file:${password}`, '-addext', 'extendedKeyUsage=critical,codeSigning'],
    ]);
    assert.equal(made.status, 0, String(made.stderr));
    const out = join(scratch, 'own');
    const given = ['--no-msi', '--certificate', pem, '--key', key, '--password-file', password];
    packageWindows(out, given);
    const shown = spawnSync('osslsigncode', ['verify', '-CAfile', pem, '-in', join(out, 'profile-migrator.exe')]);
    assert.match(String(shown.stdout), /CN=Contoso code/);
    assert.equal(existsSync(join(out, 'throw-away-certificate.pem')), false);
    // A build that fails leaves what was there before, and nothing unsigned.
    const before = readFileSync(join(out, 'profile-migrator.exe'));
    const names = readdirSync(out);
    writeFileSync(password, 'wrong\n');
    const failed = packageWindows(out, given, { expectFailure: true });
    assert.equal(failed.status, 1);
    assert.match(failed.stderr, /osslsigncode sign failed/);
    assert.ok(readFileSync(join(out, 'profile-migrator.exe')).equals(before));
    assert.deepEqual(readdirSync(out), names);
  });

  test('missing programs are named with their Debian packages, all at once', () => {
    const path = join(scratch, 'bin');
    mkdirSync(path);
    for (const name of ['npm', 'tar', 'openssl']) symlinkSync('/bin/true', join(path, name));
    const { status, stderr } = packageWindows(join(scratch, 'none'), [], { path, expectFailure: true });
    assert.equal(status, 1);
    assert.match(stderr, /osslsigncode, wixl, msibuild not found.*apt-get install .*osslsigncode wixl msitools/);
  });

  test('a policy the program would refuse, and unknown options, are refused', () => {
    const policy = join(scratch, 'policy.json');
    writeFileSync(policy, '{ "arrays": [');
    const bad = packageWindows(join(scratch, 'none'), ['--policy', policy], { expectFailure: true });
    assert.match(bad.stderr, /cannot read policy .*policy\.json/);
    writeFileSync(policy, '{ "version": 1, "arrays": [{ "fqdn": "outlook", "replaces": ["CAS01"] }] }');
    const short = packageWindows(join(scratch, 'none'), ['--policy', policy], { expectFailure: true });
    assert.match(short.stderr, /"outlook" is no FQDN/);
    assert.equal(packageWindows(join(scratch, 'none'), ['--frob'], { expectFailure: true }).status, 2);
  });
});
