// The whole program over a reg.exe that the system does not start at times.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openLiveSources } from '../../../src/profile-migrator/commands/live-sources.ts';
import { runMigrator } from '../../../src/profile-migrator/commands/run-migrator.ts';
import type { ProcessRunner } from '../../../src/profile-migrator/registry/child-process.ts';
import { FakeRegistry } from '../../helpers/fake-reg.ts';
import { sampleRegFile } from '../../helpers/sample-profile.ts';
import { fakeDeps } from '../apply/fake-registry.ts';

const TARGET = '--from CAS01 cas01.contoso.test --to outlook.contoso.test';
const scratch = mkdtempSync(join(tmpdir(), 'failed-start-test-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

function setUp() {
  const folder = mkdtempSync(join(scratch, 'case-'));
  const fake = new FakeRegistry(folder);
  fake.seed(
    sampleRegFile([{ root: 'HKEY_CURRENT_USER', outlook: '2010', profile: 'Outlook', server: 'CAS01', alias: 'anna' }]),
  );
  const original = fake.keys();
  /** Runs the program; so many starts of `reg <verb>` fail first. */
  async function run(line: string, verb: string, failures: number) {
    const registry = fake.runner();
    const runner: ProcessRunner = {
      run: async (program, args, options) =>
        args[0] === verb && failures-- > 0
          ? { outcome: 'missing', exitCode: undefined, stdout: '', stderr: '', reason: 'UNKNOWN' }
          : registry.run(program, args, options),
    };
    const deps = fakeDeps({ registry: join(folder, 'registry') });
    const config = { ...deps.config, systemRoot: 'C:\\Windows' };
    const code = await runMigrator(line.split(' '), {
      ...deps,
      openLive: (selection) => openLiveSources(selection, config, runner, async () => {}),
    });
    return { code, out: deps.out.join(''), err: deps.err.join('') };
  }
  const state = () => readdirSync(join(folder, 'registry.state')).filter((name) => /journal|lock|undo/.test(name));
  return { folder, original, run, state, keys: () => fake.keys() };
}

const AGAIN = 'reg.exe could not be started (UNKNOWN) and was started once more, 1 s later';

for (const verb of ['query', 'export', 'import']) {
  test(`one failed start of reg ${verb}: the change is made, and what happened is printed and logged`, async () => {
    const { folder, original, run, keys } = setUp();
    const log = join(folder, 'log');
    const { code, out, err } = await run(`apply --no-precheck --log ${log} ${TARGET}`, verb, 1);
    assert.equal(code, 0, `${out}${err}`);
    assert.match(out, /values changed and read again/);
    assert.ok(out.endsWith(`  note: ${AGAIN}\n`), out);
    assert.ok(readFileSync(log, 'utf8').includes(`the registry of the current user: ${AGAIN}\n`));
    assert.notDeepEqual(keys(), original);
    assert.equal((await run('rollback', verb, 0)).code, 0);
    assert.deepEqual(keys(), original);
  });
}

test('an import that cannot be started: nothing has changed, nothing is left to recover, and the error says what', async () => {
  const { original, run, keys, state } = setUp();
  const { code, out } = await run(`apply --no-precheck ${TARGET}`, 'import', 2);
  assert.equal(code, 1, out);
  assert.match(out, /failed: .*taken back: reg import .*: cannot start C:\\Windows\\System32\\reg\.exe \(UNKNOWN\)/);
  assert.ok(out.endsWith('  note: reg.exe could not be started (UNKNOWN), nor 1 s later (UNKNOWN)\n'), out);
  assert.deepEqual(keys(), original);
  assert.deepEqual(state(), []);
  const again = await run(`apply --no-precheck ${TARGET}`, 'import', 0);
  assert.equal(again.code, 0);
  assert.doesNotMatch(again.out, /note:/);
});
