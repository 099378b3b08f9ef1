// The shipped executable in Wine, against Wine's reg.exe: what a desktop would run, from the MSI to the exit code. See docs/windows.md for
// what this proves and what it does not.
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildInstaller } from '../../scripts/windows/installer.ts';
import { diffSnapshots } from '../../src/profile-migrator/registry/patch.ts';
import { snapshotsOf } from '../../src/profile-migrator/registry/reg-file.ts';
import { readRegFile } from '../../src/profile-migrator/registry/reg-file-reader.ts';
import type { RegistrySnapshot } from '../../src/profile-migrator/registry/registry.ts';
import { packageWindows } from '../helpers/package-windows.ts';
import { sampleRegFile } from '../helpers/sample-profile.ts';
import { WinePrefix, type WineResult } from '../helpers/wine.ts';
import { labSuite } from './requirements.ts';

const HKCU = 'HKEY_CURRENT_USER';
const OTHERS = ['S-1-5-21-111-222-333-1104', 'S-1-5-21-111-222-333-1105'];
const TREES = [
  'Software\\Microsoft\\Windows NT\\CurrentVersion\\Windows Messaging Subsystem',
  'Software\\Microsoft\\Office',
];
const STATE = `C:\\users\\${userInfo().username}\\AppData\\Local\\profile-migrator`;
const TO = 'outlook.contoso.test';
const TARGET = `--from CAS01 cas01.contoso.test CAS02 cas02.contoso.test --to ${TO}`;
const POLICY = {
  version: 1,
  until: '2099-12-31',
  arrays: [{ fqdn: TO, replaces: ['CAS01', 'cas01.contoso.test', 'CAS02', 'cas02.contoso.test'] }],
};

labSuite('profile-migrator.exe in Wine', ['wine', 'windows-packaging'], () => {
  let prefix: WinePrefix;
  let built: string;

  before(() => {
    prefix = new WinePrefix();
    built = prefix.path('C:\\built');
    mkdirSync(built);
    writeFileSync(join(built, 'policy.json'), JSON.stringify(POLICY));
    packageWindows(built, ['--policy', join(built, 'policy.json')]);
    for (const name of ['profile-migrator.exe', 'profile-migrator.msi', 'policy.json']) {
      copyFileSync(join(built, name), prefix.path(`C:\\lab\\${name}`));
    }
  });
  after(() => prefix?.dispose());

  /** Both trees of one user, with two profiles of two Outlooks. */
  function seed(root: string): void {
    for (const tree of TREES) prefix.deleteKey(`${root}\\${tree}`);
    prefix.importReg(
      sampleRegFile([
        { root, outlook: '2010', profile: 'Outlook', server: 'CAS01', alias: 'anna' },
        { root, outlook: '2016', profile: 'Jürgens Profil', server: 'CAS02', alias: 'juergen' },
      ]),
    );
  }

  function stateOf(root: string): RegistrySnapshot[] {
    return TREES.map((tree) => {
      const bytes = prefix.exportKey(`${root}\\${tree}`);
      const [snapshot] = bytes ? snapshotsOf(readRegFile(bytes, tree)) : [];
      return snapshot ?? assert.fail(`no ${root}\\${tree}`);
    });
  }

  /** Names of the values that differ; keys must be the same. */
  function differences(before: readonly RegistrySnapshot[], after: readonly RegistrySnapshot[]): string[] {
    return before.flatMap((snapshot, index) => {
      const { edits, addedKeys, removedKeys } = diffSnapshots(snapshot, after[index] ?? assert.fail());
      assert.deepEqual([addedKeys, removedKeys], [[], []]);
      return edits.map(({ name }) => name);
    });
  }

  const run = (args: string): WineResult => prefix.cmd(`C:\\lab\\profile-migrator.exe ${args}`);
  const forget = (): void => rmSync(prefix.path(STATE), { recursive: true, force: true });
  const CHANGED = ['001e6602', '001e6608', '001e660c', '001e6612', '001e6614', '001f6608', '001f662a', '001f662b'];
  const EVERY = [...CHANGED, '001f664a', '101e6613'].sort();

  test('inspect, plan, refusal, apply, apply again, rollback', () => {
    forget();
    seed(HKCU);
    const original = stateOf(HKCU);
    const inspected = run('inspect');
    assert.equal(inspected.status, 0, inspected.stderr);
    assert.match(inspected.stdout, /Jürgens Profil/);
    assert.match(inspected.stdout, /anna@contoso\.test/);
    const planned = run(`plan --exit-code ${TARGET}`);
    assert.equal(planned.status, 3, planned.stderr);
    assert.match(planned.stdout, /- CAS01\r?\n\s+\+ outlook\.contoso\.test/);

    // Wine's tasklist prints nothing: that is no proof that Outlook is closed.
    const refused = run(`apply --no-precheck ${TARGET}`);
    assert.equal(refused.status, 1618, refused.stdout);
    assert.match(refused.stdout, /--assume-outlook-closed/);
    assert.deepEqual(differences(original, stateOf(HKCU)), [], 'a refusal changed something');

    const applied = run(`apply --no-precheck --assume-outlook-closed ${TARGET}`);
    assert.equal(applied.status, 0, `${applied.stdout}${applied.stderr}`);
    const changed = stateOf(HKCU);
    assert.deepEqual([...new Set(differences(original, changed))].sort(), EVERY);
    assert.equal(differences(original, changed).length, 28);
    assert.doesNotMatch(prefix.exportKey(`${HKCU}\\${TREES[0]}`)?.toString('utf16le') ?? '', /"001e6602"="CAS01"/);
    assert.match(
      prefix.exportKey(`${HKCU}\\${TREES[0]}`)?.toString('utf16le') ?? '',
      /"001e660c"="MBX01"/,
      'public folders',
    );

    const again = run(`apply --no-precheck --assume-outlook-closed ${TARGET}`);
    assert.equal(again.status, 0);
    assert.match(again.stdout, /nothing to change/);
    assert.equal(run(`plan --exit-code --quiet ${TARGET}`).status, 0);
    assert.deepEqual(differences(changed, stateOf(HKCU)), []);

    const back = run('rollback --assume-outlook-closed');
    assert.equal(back.status, 0, `${back.stdout}${back.stderr}`);
    assert.deepEqual(differences(original, stateOf(HKCU)), []);
    // Nothing secret and nothing unfinished stays behind.
    assert.deepEqual(readdirSync(prefix.path(`${STATE}\\exports`)), []);
    assert.deepEqual(
      readdirSync(prefix.path(STATE)).filter((name) => /journal|lock|\.new$/.test(name)),
      [],
    );
  });

  test('rollback leaves alone what somebody else has changed since', () => {
    forget();
    seed(HKCU);
    const original = stateOf(HKCU);
    assert.equal(run(`apply --quiet --no-precheck --assume-outlook-closed ${TARGET}`).status, 0);
    const section = /\[(HKEY_CURRENT_USER\\[^\]]+)\]\r\n(?:"[^\r]*\r\n| +[^\r]*\r\n)*?"001e6602"=/.exec(
      prefix.exportKey(`${HKCU}\\${TREES[0]}`)?.toString('utf16le') ?? '',
    )?.[1];
    prefix.cmd(`reg add "${section ?? assert.fail('no section')}" /v 001e6602 /d CAS07 /f`);
    const back = run('rollback --assume-outlook-closed');
    assert.match(back.stdout, /1 left as they are/);
    assert.deepEqual(differences(original, stateOf(HKCU)), ['001e6602']);
  });

  test('other users: one by SID, then all whose hives are loaded', () => {
    forget();
    const roots = OTHERS.map((sid) => `HKEY_USERS\\${sid}`);
    for (const root of roots) seed(root);
    seed(HKCU);
    const originals = new Map([HKCU, ...roots].map((root) => [root, stateOf(root)]));
    const changedIn = (root: string) => differences(originals.get(root) ?? [], stateOf(root)).length;
    const one = run(`apply --user ${OTHERS[1]} --quiet --no-precheck --assume-outlook-closed ${TARGET}`);
    assert.equal(one.status, 0, one.stderr);
    assert.deepEqual([HKCU, ...roots].map(changedIn), [0, 0, 28]);
    assert.ok(readdirSync(prefix.path(STATE)).includes(`${OTHERS[1]}.undo.reg`));
    assert.equal(run(`rollback --user ${OTHERS[1]} --quiet --assume-outlook-closed`).status, 0);
    assert.deepEqual([HKCU, ...roots].map(changedIn), [0, 0, 0]);
    const all = run(`apply --all-users --json --no-precheck --assume-outlook-closed ${TARGET}`);
    assert.equal(all.status, 0, `${all.stdout}${all.stderr}`);
    // Wine's own user shows up under HKEY_USERS as well: the same registry by another name.
    assert.deepEqual([HKCU, ...roots].map(changedIn), [28, 28, 28]);
    const lines = all.stdout.split(/\r?\n/).flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
    assert.equal(lines.filter(({ outcome }) => outcome === 'changed').length, 6);
    assert.equal(run('rollback --all-users --quiet --assume-outlook-closed').status, 0);
    assert.deepEqual([HKCU, ...roots].map(changedIn), [0, 0, 0]);
    for (const root of roots) for (const tree of TREES) prefix.deleteKey(`${root}\\${tree}`);
  });

  test('exit codes as cmd sees them', () => {
    forget();
    seed(HKCU);
    const table: readonly (readonly [string, number, string])[] = [
      ['--version', 0, 'the version'],
      ['plan --frob', 87, 'wrong option'],
      ['apply --policy C:\\lab\\nowhere.json --quiet', 87, 'a policy that is not there'],
      ['rollback --assume-outlook-closed --quiet', 1605, 'nothing to roll back'],
      [`plan /q --exit-code ${TARGET}`, 3, 'pending, with the quiet switch of deployment tools'],
      [
        `apply --quiet --no-precheck --assume-outlook-closed --from CAS01 --to ${TO}`,
        1,
        'half-mapped account: refused',
      ],
      [`apply --quiet --no-precheck ${TARGET}`, 1618, 'Outlook unknown'],
      [`apply --quiet --assume-outlook-closed ${TARGET}`, 1618, 'the array does not answer: nothing is pointed at it'],
    ];
    for (const [args, code, why] of table) {
      const { status, stdout, stderr } = run(args);
      assert.equal(status, code, `${why}: ${args}\n${stdout}${stderr}`);
    }
    const help = run('--help').stdout;
    for (const code of [0, 1, 3, 5, 87, 1603, 1605, 1618]) assert.match(help, new RegExp(`^ +${code} `, 'm'));
  });

  test('a policy that has ended changes nothing', () => {
    forget();
    seed(HKCU);
    const original = stateOf(HKCU);
    writeFileSync(prefix.path('C:\\lab\\ended.json'), JSON.stringify({ ...POLICY, until: '2020-12-31' }));
    const ended = run('apply --live --policy C:\\lab\\ended.json --no-precheck --assume-outlook-closed');
    assert.equal(ended.status, 0, ended.stderr);
    assert.match(ended.stderr, /ended on 2020-12-31/);
    assert.deepEqual(differences(original, stateOf(HKCU)), []);
  });

  test('killed in the middle, and run again', async (t) => {
    const apply = ['apply', '--quiet', '--no-precheck', '--assume-outlook-closed', ...TARGET.split(' ')];
    forget();
    seed(HKCU);
    const original = stateOf(HKCU);
    /** From when the journal says so, the import may have begun. */
    const importing = () => {
      try {
        const name = readdirSync(prefix.path(STATE)).find((file) => file.endsWith('.journal.json'));
        return name !== undefined && readFileSync(prefix.path(`${STATE}\\${name}`), 'utf8').includes('"importing"');
      } catch {
        return false; // not there yet, or just being replaced
      }
    };
    const seen: string[] = [];
    for (const afterMs of [0, 250, 750]) {
      forget();
      const killed = await prefix.runAndKill(['C:\\lab\\profile-migrator.exe', ...apply], importing, afterMs);
      const changed = differences(original, stateOf(HKCU)).length;
      seen.push(`${killed ? 'killed' : 'had ended'} with ${changed} of 28 changed`);
      const again = run(apply.filter((word) => word !== '--quiet').join(' '));
      assert.equal(again.status, 0, `${again.stdout}${again.stderr}`);
      assert.equal(differences(original, stateOf(HKCU)).length, 28);
      assert.equal(run('rollback --quiet --assume-outlook-closed').status, 0);
      assert.deepEqual(differences(original, stateOf(HKCU)), []);
      assert.deepEqual(readdirSync(prefix.path(`${STATE}\\exports`)), []);
    }
    t.diagnostic(seen.join(', '));
    assert.ok(
      seen.some((text) => text.startsWith('killed')),
      'nothing was killed',
    );
  });

  test('NODE_OPTIONS of the user has no effect', () => {
    writeFileSync(prefix.path('C:\\lab\\evil.cjs'), "require('fs').writeFileSync('C:\\\\lab\\\\evil.txt', 'x')");
    const { status } = prefix.run(['C:\\lab\\profile-migrator.exe', '--version'], {
      env: { NODE_OPTIONS: '--require C:\\lab\\evil.cjs' },
    });
    assert.equal(status, 0);
    assert.equal(existsSync(prefix.path('C:\\lab\\evil.txt')), false);
  });

  test('MSI: install, run what it installed, remove', () => {
    forget();
    seed(HKCU);
    const installed = 'C:\\Program Files\\Profile Migrator';
    const setUp = prefix.cmd('msiexec /i C:\\lab\\profile-migrator.msi /qn /norestart /l*v C:\\lab\\msi.log');
    assert.equal(setUp.status, 0, existsSync(prefix.path('C:\\lab\\msi.log')) ? 'see msi.log' : 'msiexec failed');
    assert.deepEqual(readdirSync(prefix.path(installed)).sort(), [
      'LICENSE.txt',
      'NODE-LICENSE.txt',
      'THIRD-PARTY-LICENSES.txt',
      'policy.json',
      'profile-migrator.exe',
    ]);
    const text = (key: string): string => prefix.exportKey(key)?.toString('utf16le') ?? '';
    const runKey = 'HKEY_LOCAL_MACHINE\\Software\\Microsoft\\Windows\\CurrentVersion\\Run';
    const activeSetup = 'HKEY_LOCAL_MACHINE\\Software\\Microsoft\\Active Setup\\Installed Components';
    const command =
      /"ProfileMigrator"="(.*)"/.exec(text(runKey))?.[1]?.replace(/\\(.)/g, '$1') ?? assert.fail('no Run entry');
    assert.ok(
      text(activeSetup).includes(`"StubPath"="${command.replace(/[\\"]/g, '\\$&')}"`),
      'Active Setup starts the same',
    );
    assert.match(text(activeSetup), /"Version"="\d+,\d+,\d+,\d+"/);

    // As at logon, with what only Wine needs.
    const original = stateOf(HKCU);
    const atLogon = prefix.cmd(`${command} --no-precheck --assume-outlook-closed`);
    assert.equal(atLogon.status, 0, atLogon.stderr);
    assert.equal(atLogon.stdout.trim(), '', 'quiet');
    assert.equal(differences(original, stateOf(HKCU)).length, 28);

    assert.equal(prefix.cmd('msiexec /x C:\\lab\\profile-migrator.msi /qn /norestart').status, 0);
    assert.equal(existsSync(prefix.path(installed)), false);
    assert.doesNotMatch(text(runKey), /ProfileMigrator/);
    assert.doesNotMatch(text(activeSetup), /profile-migrator/);
  });

  test('an MSI with another policy takes the place of the one that is installed, at the same version too', () => {
    const version = [0, 1, 0, 0] as const;
    const about = { description: '', company: 'contoso.test', internalName: 'profile-migrator', copyright: '' };
    const files = ['profile-migrator.exe', 'policy.json'];
    const folder = prefix.path('C:\\lab\\msi');
    mkdirSync(folder);
    const msiexec = (what: string, name: string) =>
      assert.equal(prefix.cmd(`msiexec ${what} C:\\lab\\msi\\${name}.msi /qn /norestart`).status, 0);
    for (const name of ['old', 'new']) {
      for (const file of files) writeFileSync(join(folder, file), name);
      buildInstaller(folder, `${name}.msi`, { ...about, name: 'Profile Migrator', version }, files, name);
      msiexec('/i', name);
    }
    const listed = 'HKEY_LOCAL_MACHINE\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall';
    const products = prefix
      .exportKey(listed)
      ?.toString('utf16le')
      .match(/"DisplayName"="Profile Migrator"/g);
    assert.equal(products?.length, 1);
    const policy = prefix.path('C:\\Program Files\\Profile Migrator\\policy.json');
    assert.equal(readFileSync(policy, 'utf8'), 'new');
    msiexec('/x', 'new');
    assert.equal(existsSync(policy), false);
  });

  test('.reg files, as on any other system', () => {
    cpSync(join(built, 'policy.json'), prefix.path('C:\\lab\\reg\\policy.json'));
    writeFileSync(
      prefix.path('C:\\lab\\reg\\one.reg'),
      sampleRegFile([{ root: HKCU, outlook: '2010', profile: 'Outlook', server: 'CAS01', alias: 'anna' }]),
    );
    const planned = run('plan --reg C:\\lab\\reg --policy C:\\lab\\reg\\policy.json --out C:\\lab\\plans');
    assert.equal(planned.status, 0, planned.stderr);
    assert.deepEqual(readdirSync(prefix.path('C:\\lab\\plans')).sort(), [
      'one.patch.reg',
      'one.result.jsonl',
      'one.undo.reg',
    ]);
  });
});
