// profile-migrator as a process that can be killed: the real commands over a fake reg.exe, ended by SIGKILL at one given moment.
// Arguments: a JSON object (see CrashRun), then the command line.
import { setTimeout as sleep } from 'node:timers/promises';
import { openLiveSources } from '../../src/profile-migrator/commands/live-sources.ts';
import { runMigrator } from '../../src/profile-migrator/commands/run-migrator.ts';
import { readConfig } from '../../src/profile-migrator/config.ts';
import { FakeRegistry, type FaultPoint } from './fake-reg.ts';

export interface CrashRun {
  readonly registryFolder: string;
  readonly stateFolder: string;
  /** Path of the program that imports, see fake-reg-import.ts. */
  readonly importer: string;
  /** A step of the protocol to be killed at, counting its occurrences from 1. */
  readonly step?: { readonly name: string; readonly occurrence: number };
  /** A call of reg.exe or tasklist.exe to be killed at. */
  readonly fault?: FaultPoint;
}

const [, , json = '{}', ...args] = process.argv;
const run = JSON.parse(json) as CrashRun;
const config = { ...readConfig({}, 'linux'), stateFolder: run.stateFolder, systemRoot: 'C:\\Windows' };
const runner = new FakeRegistry(run.registryFolder, run.importer).runner(run.fault);
let occurrence = 0;

void runMigrator(args, {
  stdout: process.stdout,
  stderr: process.stderr,
  config: { ...config, convention: 'windows' },
  program: '0.0.0-test',
  now: () => new Date(),
  // The protocol's pauses, at a fifth of their length.
  sleep: (milliseconds) => sleep(milliseconds / 5),
  openLive: (selection) => openLiveSources(selection, config, runner),
  checkEndpoint: async () => ({ answers: true, detail: '' }),
  step: (step) => {
    if (step === run.step?.name && ++occurrence === run.step.occurrence) process.kill(process.pid, 'SIGKILL');
  },
}).then((code) => {
  // All 32 bits of a Windows exit code do not fit into one of Linux.
  process.stdout.write(`exit code ${code}\n`);
});
