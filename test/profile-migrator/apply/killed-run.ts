// One run of profile-migrator that kills itself, without any chance to clean up, at the given step of the protocol.
// Argument: JSON of { args, killAt, fake }. Prints each step it passes.
import { writeSync } from 'node:fs';
import { runMigrator } from '../../../src/profile-migrator/commands/run-migrator.ts';
import { type FakeOptions, fakeDeps } from './fake-registry.ts';

const { args, killAt, fake } = JSON.parse(process.argv[2] ?? '') as {
  args: string[];
  killAt: number;
  fake: FakeOptions;
};
let passed = 0;
const deps = fakeDeps(fake, {
  step: (step) => {
    writeSync(1, `${step}\n`);
    if (passed++ === killAt) process.kill(process.pid, 'SIGKILL');
  },
});
void runMigrator(args, deps).then((code) => {
  writeSync(2, [...deps.err, ...deps.out].join(''));
  process.exitCode = code;
});
