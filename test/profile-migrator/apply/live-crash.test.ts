// The whole program over a fake reg.exe, killed twice in every build; test/lab/crash.lab.ts does it at every step.
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

const experiments: readonly (readonly [string, Experiment])[] = [
  [
    'an import is under way that the journal does not name',
    {
      killed: 'apply',
      kill: { at: 'fault', fault: { at: 'import-started', import: 1 } },
      next: 'apply',
      behaviour: { importDelayMs: 10 },
    },
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
];

for (const [name, experiment] of experiments) {
  test(`killed: ${name}`, async () => {
    await lab.experiment(experiment);
  });
}
