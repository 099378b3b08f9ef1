// A few kills in every build; test/lab/crash.lab.ts does all of them.
import { after, before, test } from 'node:test';
import { CrashLab, type Experiment } from '../../helpers/crash.ts';
import { sampleRegFile } from '../../helpers/sample-profile.ts';

let lab: CrashLab;
before(async () => {
  const root = 'HKEY_CURRENT_USER';
  lab = await CrashLab.open(
    sampleRegFile([{ root, outlook: '2010', profile: 'Outlook', server: 'CAS01', alias: 'anna' }]),
  );
});
after(() => lab?.close());

const slow = { importDelayMs: 10 };
const experiments: readonly (readonly [string, Experiment])[] = [
  [
    'import under way, not yet in the journal',
    { killed: 'apply', kill: { at: 'step', name: 'journal-importing', occurrence: 1 }, next: 'apply', behaviour: slow },
  ],
  [
    'import under way and journalled',
    { killed: 'apply', kill: { at: 'step', name: 'child-journalled', occurrence: 1 }, next: 'apply', behaviour: slow },
  ],
  [
    'half an import, then rollback',
    {
      killed: 'apply',
      kill: { at: 'step', name: 'imported', occurrence: 1 },
      next: 'rollback',
      behaviour: { importLies: 5 },
    },
  ],
  [
    'rollback: import under way',
    {
      killed: 'rollback',
      kill: { at: 'step', name: 'child-journalled', occurrence: 1 },
      next: 'rollback',
      behaviour: slow,
    },
  ],
];

for (const [name, experiment] of experiments) {
  test(`killed: ${name}`, async () => {
    await lab.experiment(experiment);
  });
}
