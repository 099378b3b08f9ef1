#!/usr/bin/env node
// The program profile-migrator: parses, dispatches, and turns the outcome into an exit code.
import { setTimeout as sleep } from 'node:timers/promises';
import type { MigratorDeps } from '../profile-migrator/commands/deps.ts';
import { runMigrator } from '../profile-migrator/commands/run-migrator.ts';
import { readConfig } from '../profile-migrator/config.ts';
import { PROGRAM_VERSION } from '../profile-migrator/program.ts';

const deps: MigratorDeps = {
  stdout: process.stdout,
  stderr: process.stderr,
  config: readConfig(),
  program: PROGRAM_VERSION,
  now: () => new Date(),
  sleep: (milliseconds) => sleep(milliseconds),
};

// No top-level await: the Windows executable is bundled as CommonJS.
void runMigrator(process.argv.slice(2), deps).then((code) => {
  process.exitCode = code;
});
