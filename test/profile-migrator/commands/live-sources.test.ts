import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openLiveSources } from '../../../src/profile-migrator/commands/live-sources.ts';
import type { ProcessRunner } from '../../../src/profile-migrator/registry/child-process.ts';
import { FakeRegistry } from '../../helpers/fake-reg.ts';

const OWN = 'S-1-5-21-1-2-3-1001';
const OTHER = 'S-1-5-21-1-2-3-1002';
const scratch = mkdtempSync(join(tmpdir(), 'live-sources-test-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

function open(own: string | undefined, selection: { user?: string; allUsers?: boolean }) {
  const fake = new FakeRegistry(mkdtempSync(join(scratch, 'case-')));
  const key = 'Software\\Microsoft\\Office\\16.0\\Outlook\\Profiles\\A';
  fake.write({
    [`HKEY_CURRENT_USER\\${key}`]: {},
    [`HKEY_USERS\\${OWN}\\${key}`]: {},
    [`HKEY_USERS\\${OTHER}\\${key}`]: {},
    'HKEY_USERS\\S-1-5-18\\Software': {},
  });
  const registry = fake.runner();
  const runner: ProcessRunner = {
    run: async (program, args, options) =>
      program.endsWith('whoami.exe')
        ? { outcome: 'exited', exitCode: 0, stdout: own === undefined ? 'VM\\me' : `"a\\b","${own}"\r\n`, stderr: '' }
        : registry.run(program, args, options),
  };
  const config = { stateFolder: fake.folder, systemRoot: 'C:\\Windows' };
  return openLiveSources({ user: selection.user, allUsers: selection.allUsers ?? false }, config, runner);
}

const roots = async (sources: Awaited<ReturnType<typeof open>>) =>
  Promise.all(
    sources.map(async (source) => [
      source.name,
      (await source.read()).snapshots.map(({ rootPath }) => rootPath).join(),
    ]),
  );

test('the own registry is HKEY_CURRENT_USER, named by the SID where Windows tells it', async () => {
  assert.deepEqual(await roots(await open(OWN, {})), [[OWN, 'HKEY_CURRENT_USER']]);
  assert.deepEqual(await roots(await open(undefined, {})), [['current-user', 'HKEY_CURRENT_USER']]);
  assert.deepEqual(await roots(await open(OWN, { user: OWN.toLowerCase() })), [[OWN, 'HKEY_CURRENT_USER']]);
});

test('other users are read under HKEY_USERS', async () => {
  assert.deepEqual(await roots(await open(OWN, { user: OTHER })), [[OTHER, `HKEY_USERS\\${OTHER}`]]);
  assert.deepEqual(await roots(await open(OWN, { allUsers: true })), [
    [OWN, 'HKEY_CURRENT_USER'],
    [OTHER, `HKEY_USERS\\${OTHER}`],
  ]);
});

test('SYSTEM has to say whom it means', async () => {
  await assert.rejects(open('S-1-5-18', {}), { name: 'UsageError', message: /--all-users or --user SID/ });
  assert.equal((await open('S-1-5-18', { allUsers: true })).length, 2);
});

test('what is no SID of a person is refused', async () => {
  for (const user of ['anna', 'S-1-5-18', `${OTHER}\\Software`]) {
    await assert.rejects(open(OWN, { user }), { name: 'UsageError' });
  }
});
