// The flags that every administrator's command shares (--config, --demo, --json), and the directory they lead to.

import type { Command } from 'commander';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import { demoSettings, startDemoDirectory } from '../../autodiscover/commands/demo-directory.ts';
import { openServiceDirectory, type ServiceSettings, settingsOf } from '../../autodiscover/commands/service.ts';
import { readConfig } from '../../autodiscover/config.ts';
import { createLogger } from '../../autodiscover/log.ts';
import type { Directory } from '../../ldap/directory.ts';
import { AdminError } from '../errors.ts';

export interface DirectoryFlags {
  readonly config?: string;
  readonly demo?: boolean;
  readonly json?: boolean;
}

export function withDirectoryFlags(command: Command): Command {
  return command
    .option('--config <file>', "the service's configuration file (YAML)")
    .option('--demo', 'use an embedded demo organisation of its own, in memory')
    .option('--json', 'print JSON');
}

/** The settings behind the flags. The demo's directory runs until `close`. */
export interface AdminSettings {
  readonly settings: ServiceSettings;
  readonly isDemo: boolean;
  close(): Promise<void>;
}

/** Throws AdminError or AutodiscoverError `configuration`. */
export async function openSettings(flags: DirectoryFlags): Promise<AdminSettings> {
  if ((flags.config === undefined) === (flags.demo !== true)) {
    throw new AdminError('configuration', 'give either --config FILE or --demo');
  }
  if (flags.config !== undefined) {
    return { settings: settingsOf(readConfig(flags.config)), isDemo: false, close: async () => undefined };
  }
  const { server } = await startDemoDirectory();
  const nowhere = { listen: { https: '127.0.0.1:0' }, certificateFile: 'none', keyFile: 'none' };
  return { settings: demoSettings(server, nowhere), isDemo: true, close: () => server.close() };
}

/** Opens the directory as the service does, hands it to `work`, and closes everything. */
export async function withDirectory<T>(
  flags: DirectoryFlags,
  io: CommandIo,
  work: (directory: Directory, settings: ServiceSettings) => Promise<T>,
): Promise<T> {
  const admin = await openSettings(flags);
  try {
    const directory = await openServiceDirectory(admin.settings, createLogger('warn', io.stderr));
    try {
      return await work(directory, admin.settings);
    } finally {
      directory.close();
    }
  } finally {
    await admin.close();
  }
}

export function printJson(io: CommandIo, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
