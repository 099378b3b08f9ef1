// Two hives of real Windows computers, read from the folder they are kept in beside the project; skipped where it is absent.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { readProfiles } from '../../../../src/profile-migrator/mapi/profile.ts';
import { PROFILE_SUBTREES } from '../../../../src/profile-migrator/mapi/profile-trees.ts';
import { type PlanOptions, planMigration } from '../../../../src/profile-migrator/plan/plan-migration.ts';
import { requireOnlyPlanned } from '../../../../src/profile-migrator/registry/hive/compare-hives.ts';
import { editHive } from '../../../../src/profile-migrator/registry/hive/edit-hive.ts';
import { HiveImage } from '../../../../src/profile-migrator/registry/hive/hive-image.ts';
import { loadKeys } from '../../../../src/profile-migrator/registry/hive/load-keys.ts';
import { recoverHive } from '../../../../src/profile-migrator/registry/hive/recover.ts';
import { surveyHive } from '../../../../src/profile-migrator/registry/hive/survey.ts';
import { snapshotsOf } from '../../../../src/profile-migrator/registry/reg-file.ts';
import { loadRegFile } from '../../../../src/profile-migrator/registry/reg-file-store.ts';
import type { RegistrySnapshot } from '../../../../src/profile-migrator/registry/registry.ts';

const SAMPLES = join(import.meta.dirname, '..', '..', '..', '..', '..', 'shared', 'samples');

function unpack(t: TestContext, name: string): Buffer | undefined {
  const path = join(SAMPLES, 'hives', `${name}.xz`);
  if (!existsSync(path)) {
    t.skip(`${path} is not here`);
    return undefined;
  }
  try {
    return execFileSync('xz', ['-dc', path], { maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    t.skip(`xz cannot unpack it: ${(error as Error).message}`);
    return undefined;
  }
}

function snapshotOf(bytes: Buffer): RegistrySnapshot {
  return { rootPath: 'HKEY_CURRENT_USER', root: loadKeys(new HiveImage(bytes), PROFILE_SUBTREES) };
}

test('Windows 7: profiles, no Exchange account, nothing to change', (t) => {
  const bytes = unpack(t, 'win7-real.dat');
  if (bytes === undefined) return;
  const image = new HiveImage(bytes);
  assert.equal(recoverHive(bytes, []).state, 'clean');
  assert.equal(image.base.minor, 3);
  surveyHive(image);
  const profiles = readProfiles(snapshotOf(bytes));
  assert.ok(profiles.length > 0);
  assert.deepEqual(
    profiles.flatMap(({ accounts }) => accounts),
    [],
  );
});

test('Windows 10, dirty: 6,709 keys and values without its logs, 7,800 with them', (t) => {
  const bytes = unpack(t, 'win10-dirty-real.dat');
  const log1 = unpack(t, 'win10-dirty-real.dat.LOG1');
  const log2 = unpack(t, 'win10-dirty-real.dat.LOG2');
  if (bytes === undefined || log1 === undefined || log2 === undefined) return;
  const count = (hive: Buffer): number => {
    const { keys, values } = surveyHive(new HiveImage(hive));
    return keys + values;
  };
  assert.equal(recoverHive(bytes, []).state, 'stale');
  assert.equal(count(bytes), 6709);
  const recovery = recoverHive(bytes, [
    { name: 'LOG2', bytes: log2 },
    { name: 'LOG1', bytes: log1 },
  ]);
  assert.ok(recovery.state === 'recovered');
  assert.deepEqual([recovery.applied, recovery.logs], [23, ['LOG1']]);
  assert.equal(count(recovery.bytes), 7800);
  assert.equal(new HiveImage(recovery.bytes).base.binsSize, 0xe2000);
});

const TWINS: [string, string][] = [
  ['outlook2010-single.dat', 'outlook2010-single.reg'],
  ['outlook2010-two-profiles.regf13.dat', 'outlook2010-two-profiles.reg'],
  ['outlook2016-rpc-over-http.dat', 'outlook2016-rpc-over-http.reg'],
];
const OPTIONS: PlanOptions = {
  targets: {
    arrays: [
      {
        fqdn: 'outlook.contoso.com',
        replaces: ['EX10-CAS01', 'ex10-cas01.contoso.local', 'EX10-CAS02', 'ex10-cas02.contoso.local'],
      },
    ],
    proxies: new Map(),
  },
};

for (const [hive, reg] of TWINS) {
  test(`${hive} gives the same plan as ${reg}, and takes it`, async (t) => {
    const bytes = unpack(t, hive);
    if (bytes === undefined) return;
    const [twin] = snapshotsOf(await loadRegFile(join(SAMPLES, 'profiles', reg)));
    assert.ok(twin);
    const plan = (snapshot: RegistrySnapshot, names?: ReadonlySet<string>) => {
      const profiles = readProfiles(snapshot).filter(({ name }) => names?.has(name) ?? true);
      return planMigration(snapshot, profiles, OPTIONS);
    };
    const wanted = plan(twin);
    // The two-profile hive is the Windows 7 hive above with the sample merged in: it has more profiles than the sample.
    const names = new Set(wanted.profiles.map(({ profile }) => profile.name));
    const found = plan(snapshotOf(bytes), names);
    const edits = (p: typeof wanted) =>
      p.patch.edits.map((e) => [e.keyPath.toLowerCase(), e.name, e.before, e.after]).sort();
    assert.ok(wanted.patch.edits.length > 0, 'the sample names servers to replace');
    assert.deepEqual(edits(found), edits(wanted));
    const before = new HiveImage(bytes);
    requireOnlyPlanned(before, editHive(before, found.patch, new Date()), found.patch);
  });
}
