#!/usr/bin/env node
// The program profile-migrator: parses, dispatches, and turns the outcome into an exit code.
import './node-version.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkEndpoint, openAutodiscover, readSettings } from '../profile-migrator/commands/autodiscover-access.ts';
import type { MigratorDeps } from '../profile-migrator/commands/deps.ts';
import { openLiveSources } from '../profile-migrator/commands/live-sources.ts';
import { runMigrator } from '../profile-migrator/commands/run-migrator.ts';
import { readConfig } from '../profile-migrator/config.ts';
import { PROGRAM_VERSION } from '../profile-migrator/program.ts';
import { outliveLostOutput } from './lost-output.ts';

const config = readConfig();
const deps: MigratorDeps = {
  stdout: process.stdout,
  stderr: process.stderr,
  config,
  program: PROGRAM_VERSION,
  now: () => new Date(),
  sleep: (milliseconds) => sleep(milliseconds),
  openAutodiscover: (options) => openAutodiscover(options, config, process),
  readSettings,
  checkEndpoint,
  ...(process.platform === 'win32' ? { openLive: (selection) => openLiveSources(selection, config) } : {}),
};

// A change is not broken off because nobody reads what is printed.
outliveLostOutput({ program: 'profile-migrator', kept: [process.stdout, process.stderr] });

// No top-level await: the Windows executable is bundled as CommonJS.
void runMigrator(process.argv.slice(2), deps).then((code) => {
  process.exitCode = code;
});
