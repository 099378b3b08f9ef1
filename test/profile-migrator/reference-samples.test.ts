// Reference exports with a table of expected decisions, kept beside the project in ../shared: every row must be met, and nothing
// else may change. The project's own samples are in cases/; this check is skipped where the folder is absent.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { readProfiles } from '../../src/profile-migrator/mapi/profile.ts';
import type { Decision } from '../../src/profile-migrator/plan/decision.ts';
import { decisionsOf, planMigration } from '../../src/profile-migrator/plan/plan-migration.ts';
import { applyPatch, diffSnapshots, invertPatch } from '../../src/profile-migrator/registry/patch.ts';
import { snapshotsOf } from '../../src/profile-migrator/registry/reg-file.ts';
import { readRegFile } from '../../src/profile-migrator/registry/reg-file-reader.ts';
import { renderRegFile } from '../../src/profile-migrator/registry/reg-file-writer.ts';

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'shared', 'samples', 'profiles');
const skip = existsSync(FOLDER) ? false : `no reference samples at ${FOLDER}`;

const GROUP = '/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)';
const TARGETS = {
  arrays: [
    {
      fqdn: 'outlook.contoso.com',
      replaces: ['EX10-CAS01', 'ex10-cas01.contoso.local', 'EX10-CAS02', 'ex10-cas02.contoso.local'],
    },
  ],
  proxies: new Map<string, string>(),
};

/** Rows of the document's table for a file, each as `profile|section|value|action|old|new`. */
function expectedRows(file: string): string[] {
  const document = readFileSync(join(FOLDER, 'README.md'), 'utf8');
  const start = document.indexOf(`## \`${file}\``);
  assert.ok(start >= 0, `no section about ${file}`);
  const section = document.slice(start + 2).split('\n## ')[0] ?? '';
  const rows = section
    .split('\n')
    .filter((line) => line.split('|').length === 9 && !/^\|[- |]*$|^\| profile /.test(line));
  return rows.map((line) => {
    const [, profile = '', key = '', , value = '', action = '', old = '', replacement = ''] = line
      .split('|')
      .map(plain);
    return [profile, key.replace('…', '').toLowerCase(), value.toLowerCase(), action, old, replacement].join('|');
  });
}

function plain(cell: string): string {
  return cell.trim().replaceAll('`', '').replaceAll('<br>', ', ').replaceAll('{AG}', GROUP);
}

function rowOf(profile: string, decision: Decision): string {
  const { section, valueName, old } = decision;
  const key = section.key.name.toLowerCase().slice(0, 8);
  return [profile, key, valueName.toLowerCase(), actionOf(decision), old, decision.new ?? ''].join('|');
}

function actionOf({ action, reason }: Decision): string {
  if (action === 'rewrite-list') return 'REWRITE';
  if (reason === 'public-folder-store') return 'LEAVE-PF';
  if (action === 'report' && reason === 'entry-id') return 'REPORT-EID';
  return action.toUpperCase();
}

for (const file of [
  'outlook2010-single.reg',
  'outlook2010-two-profiles.reg',
  'outlook2013-single.reg',
  'outlook2016-rpc-over-http.reg',
]) {
  test(`${file}: every row of its table and nothing else`, { skip }, () => {
    const bytes = readFileSync(join(FOLDER, file));
    const parsed = readRegFile(bytes, file);
    assert.deepEqual(renderRegFile(parsed.entries), bytes, 'text to data to text gives the same bytes');
    const [snapshot, ...others] = snapshotsOf(parsed);
    assert.ok(snapshot && others.length === 0);
    const plan = planMigration(snapshot, readProfiles(snapshot), { targets: TARGETS });
    const found = [
      ...plan.profiles.flatMap((profile) =>
        decisionsOf(profile).map((decision) => rowOf(profile.profile.name, decision)),
      ),
      ...plan.settings.map((decision) => rowOf('-', decision)),
    ];
    const expected = expectedRows(file);
    assert.ok(expected.length > 10);
    assert.deepEqual(found.sort(), expected.sort());

    const after = applyPatch(snapshot, plan.patch);
    const changed = expected.filter((row) => /\|(?:REWRITE|REWRITE-DN|DELETE)\|/.test(row));
    assert.equal(diffSnapshots(snapshot, after).edits.length, changed.length, 'every other value is byte-identical');
    assert.deepEqual(
      planMigration(after, readProfiles(after), { targets: TARGETS }).patch.edits,
      [],
      'a second plan is empty',
    );
    const back = applyPatch(after, invertPatch(plan.patch));
    assert.deepEqual(diffSnapshots(snapshot, back), { edits: [], addedKeys: [], removedKeys: [] });
  });
}
