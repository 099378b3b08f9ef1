// The Windows Script Host script for desktops that cannot run the executable, in Wine's cscript against Wine's reg.exe.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { invertPatch } from '../../src/profile-migrator/registry/patch.ts';
import { entriesOfPatch, type RegEntry, stringData } from '../../src/profile-migrator/registry/reg-file.ts';
import { renderRegFile } from '../../src/profile-migrator/registry/reg-file-writer.ts';
import { type RegistryPatch, type RegistryValue, RegType } from '../../src/profile-migrator/registry/registry.ts';
import { sampleRegFile } from '../helpers/sample-profile.ts';
import { WinePrefix, type WineResult } from '../helpers/wine.ts';
import { labSuite } from './requirements.ts';

const ROOT = 'HKEY_CURRENT_USER';
const TREE = 'Software\\Microsoft\\Office\\15.0\\Outlook';
const SECTION = `${TREE}\\Profiles\\Jürgen Groß\\0123456789abcdef0123456789abcdef`;

const text = (name: string, value: string): RegistryValue => ({ name, type: RegType.SZ, data: stringData(value) });
const wide = (name: string, value: string): RegistryValue => ({ name, type: RegType.BINARY, data: stringData(value) });

const patch: RegistryPatch = {
  rootPath: ROOT,
  edits: [
    {
      keyPath: SECTION,
      name: '001e6602',
      before: text('001e6602', 'CAS01'),
      after: text('001e6602', 'outlook.contoso.test'),
    },
    {
      keyPath: SECTION,
      name: '001f662a',
      before: wide('001f662a', 'cas01.contoso.test'),
      after: wide('001f662a', 'outlook.contoso.test and so long that the line has to be broken'),
    },
    { keyPath: SECTION, name: '001f664a', before: wide('001f664a', 'https://cas01/a'), after: undefined },
  ],
};

labSuite('central-import.js', ['wine'], () => {
  let prefix: WinePrefix;
  let exports: string;
  let plans: string;

  before(() => {
    prefix = new WinePrefix();
    exports = prefix.path('C:\\lab\\exports');
    plans = prefix.path('C:\\lab\\plans');
    mkdirSync(exports);
    mkdirSync(plans);
    copyFileSync(
      join(import.meta.dirname, '../../windows/central-import.js'),
      prefix.path('C:\\lab\\central-import.js'),
    );
  });
  after(() => prefix?.dispose());

  function seed(extra: readonly RegEntry[] = []): void {
    prefix.deleteKey(`${ROOT}\\${TREE}`);
    const entries: RegEntry[] = [
      { kind: 'key', path: `${ROOT}\\${SECTION}` },
      ...patch.edits.flatMap(({ before }): RegEntry[] => (before ? [{ kind: 'value', value: before }] : [])),
      { kind: 'value', value: text('001f3001', 'stays "as it is" \\ here') },
    ];
    prefix.importReg(renderRegFile([...entries, ...extra]));
  }

  function script(...args: string[]): WineResult {
    return prefix.cmd(`cscript //nologo C:\\lab\\central-import.js ${args.join(' ')}`);
  }

  const sourceFile = (): string =>
    readdirSync(exports).find((name) => name.endsWith('-office15.reg')) ?? assert.fail('no export');
  const state = (): string => prefix.exportKey(`${ROOT}\\${TREE}`)?.toString('utf16le') ?? '';

  function plan(change: RegistryPatch): void {
    const name = sourceFile().replace(/\.reg$/, '');
    writeFileSync(join(plans, `${name}.patch.reg`), renderRegFile(entriesOfPatch(change)));
    writeFileSync(join(plans, `${name}.undo.reg`), renderRegFile(entriesOfPatch(invertPatch(change))));
  }

  const importNow = (...options: string[]) => script('import', 'C:\\lab\\exports', 'C:\\lab\\plans', ...options);

  test('export, plan, import, import again, undo', () => {
    seed();
    const original = state();
    const exported = script('export', 'C:\\lab\\exports');
    assert.equal(exported.status, 0, exported.stdout);
    assert.deepEqual(
      readdirSync(exports).filter((name) => name.endsWith('.reg')).length,
      1,
      'only the tree that exists',
    );
    assert.equal(readFileSync(join(exports, sourceFile())).toString('utf16le'), original);
    plan(patch);
    const imported = importNow('/assume-outlook-closed');
    assert.equal(imported.status, 0, imported.stdout);
    assert.match(imported.stdout, /changed and checked/);
    const changed = state();
    assert.match(changed, /"001e6602"="outlook\.contoso\.test"/);
    assert.doesNotMatch(changed, /001f664a/);
    assert.match(changed, /stays \\"as it is\\" \\\\ here/);
    assert.match(importNow('/assume-outlook-closed').stdout, /nothing to do/);
    const undone = script('undo', 'C:\\lab\\exports', 'C:\\lab\\plans', '/assume-outlook-closed');
    assert.equal(undone.status, 0, undone.stdout);
    assert.equal(state(), original);
  });

  test('the whole way with the real plan', () => {
    const samples = [
      { root: ROOT, outlook: '2010', profile: 'Outlook', server: 'CAS01', alias: 'anna' },
      { root: ROOT, outlook: '2016', profile: 'Jürgens Profil', server: 'CAS02', alias: 'juergen' },
    ] as const;
    const keys = [
      'Software\\Microsoft\\Windows NT\\CurrentVersion\\Windows Messaging Subsystem',
      'Software\\Microsoft\\Office',
    ];
    const both = () => keys.map((key) => prefix.exportKey(`${ROOT}\\${key}`)?.toString('utf16le'));
    for (const key of keys) prefix.deleteKey(`${ROOT}\\${key}`);
    for (const folder of [exports, plans]) for (const name of readdirSync(folder)) rmSync(join(folder, name));
    prefix.importReg(sampleRegFile(samples));
    const original = both();
    assert.equal(script('export', 'C:\\lab\\exports').status, 0);
    const planned = spawnSync(
      process.execPath,
      [
        ...[join(import.meta.dirname, '../../src/cli/profile-migrator.ts'), 'plan', '--reg', exports, '--out', plans],
        ...['--to', 'outlook.contoso.test', '--from', 'CAS01', 'cas01.contoso.test', 'CAS02', 'cas02.contoso.test'],
      ],
      { encoding: 'utf8', timeout: 60_000 },
    );
    assert.equal(planned.status, 0, planned.stderr);
    assert.equal(readdirSync(plans).filter((name) => name.endsWith('.patch.reg')).length, 2, planned.stdout);
    const imported = importNow('/assume-outlook-closed');
    assert.equal(imported.status, 0, imported.stdout);
    assert.equal(imported.stdout.match(/changed and checked/g)?.length, 2);
    for (const text of both()) assert.match(text ?? '', /"001e6602"="outlook\.contoso\.test"/);
    assert.equal(script('undo', 'C:\\lab\\exports', 'C:\\lab\\plans', '/assume-outlook-closed').status, 0);
    assert.deepEqual(both(), original);
    for (const key of keys) prefix.deleteKey(`${ROOT}\\${key}`);
    for (const folder of [exports, plans]) for (const name of readdirSync(folder)) rmSync(join(folder, name));
  });

  test('the process list is asked for Outlook', () => {
    seed();
    script('export', 'C:\\lab\\exports');
    plan(patch);
    const { status, stdout } = importNow();
    // Wine answers the query and has no Outlook.
    assert.equal(status, 0, stdout);
    seed();
    const stop = prefix.pretendToRun('OUTLOOK.EXE');
    try {
      const original = state();
      const refused = importNow();
      assert.equal(refused.status, 1618, refused.stdout);
      assert.match(refused.stdout, /Outlook is running/);
      assert.equal(state(), original);
    } finally {
      stop();
    }
  });

  test('a profile that changed since is refused, unless only the values count', () => {
    seed();
    script('export', 'C:\\lab\\exports');
    plan(patch);
    seed([{ kind: 'value', value: text('001f9999', 'written by Outlook meanwhile') }]);
    const original = state();
    const refused = importNow('/assume-outlook-closed');
    assert.equal(refused.status, 1, refused.stdout);
    assert.match(refused.stdout, /has changed since it was exported/);
    assert.equal(state(), original);
    assert.equal(importNow('/assume-outlook-closed', '/values').status, 0);
    seed([{ kind: 'value', value: text('001e6602', 'CAS07') }]);
    const other = importNow('/assume-outlook-closed', '/values');
    assert.equal(other.status, 1);
    assert.match(other.stdout, /not those the plan was made from/);
  });

  test('an import that does not give what was planned is undone', () => {
    seed();
    script('export', 'C:\\lab\\exports');
    plan(patch);
    const file = join(plans, sourceFile().replace(/\.reg$/, '.patch.reg'));
    // reg import skips the broken line and reports success.
    const broken = readFileSync(file)
      .toString('utf16le')
      .replace('"001e6602"="outlook.contoso.test"', '"001e6602"=outlook');
    writeFileSync(file, Buffer.from(broken, 'utf16le'));
    const original = state();
    const { status, stdout } = importNow('/assume-outlook-closed');
    assert.equal(status, 1, stdout);
    assert.match(stdout, /the old values are back/);
    assert.equal(state(), original);
  });

  test('files that do not belong here are refused', () => {
    seed();
    script('export', 'C:\\lab\\exports');
    const original = state();
    plan({ ...patch, edits: patch.edits.map((edit) => ({ ...edit, keyPath: 'Software\\Classes\\x' })) });
    assert.match(importNow('/assume-outlook-closed').stdout, /not for this tree/);
    plan(patch);
    const undo = join(plans, sourceFile().replace(/\.reg$/, '.undo.reg'));
    writeFileSync(
      undo,
      renderRegFile(entriesOfPatch({ ...invertPatch(patch), edits: invertPatch(patch).edits.slice(1) })),
    );
    assert.match(importNow('/assume-outlook-closed').stdout, /do not belong together/);
    rmSync(undo);
    assert.equal(existsSync(undo), false);
    assert.match(importNow('/assume-outlook-closed').stdout, /there is no/);
    assert.equal(state(), original);
  });

  test('a file that cannot be read stops no other tree', () => {
    const keys = ['Software\\Microsoft\\Windows NT\\CurrentVersion\\Windows Messaging Subsystem', TREE];
    prefix.importReg(sampleRegFile([{ root: ROOT, outlook: '2010', profile: 'P', server: 'CAS01', alias: 'anna' }]));
    seed();
    script('export', 'C:\\lab\\exports');
    plan(patch);
    const other = sourceFile().replace('office15.reg', 'wms');
    for (const kind of ['patch', 'undo']) writeFileSync(join(plans, `${other}.${kind}.reg`), 'no registry file');
    const { status, stdout } = importNow('/assume-outlook-closed');
    assert.equal(status, 1, stdout);
    assert.match(stdout, /-wms: refused: .*is not a version 5 \.reg file/);
    assert.match(stdout, /-office15: changed and checked/);
    for (const key of keys) prefix.deleteKey(`${ROOT}\\${key}`);
    for (const folder of [exports, plans]) for (const name of readdirSync(folder)) rmSync(join(folder, name));
  });

  test('names of users that differ in a sign no file name takes are told apart', () => {
    seed();
    for (const user of ['m ller', 'm!ller', 'm_ller']) {
      const run = prefix.cmd(
        `set "USERNAME=${user}"&& cscript //nologo C:\\lab\\central-import.js export C:\\lab\\exports`,
      );
      assert.equal(run.status, 0, run.stdout);
    }
    const names = readdirSync(exports).filter((name) => name.endsWith('-office15.reg'));
    assert.equal(names.length, 3, names.join());
    assert.ok(names.every((name) => /^[\w.-]+$/.test(name)));
    for (const name of readdirSync(exports)) rmSync(join(exports, name));
  });

  test('wrong arguments', () => {
    assert.equal(script().status, 87);
    assert.equal(script('import', 'C:\\lab\\exports').status, 87);
    assert.equal(script('export', 'C:\\lab\\nowhere').status, 87);
    assert.equal(script('export', 'C:\\lab\\exports', '/force').status, 87);
  });
});
