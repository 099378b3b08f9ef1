// The flags that every administrator's command shares (--config, --demo), and the settings and the directory they lead to. Commands that
// also look at the network build on it in check-world.ts.

import type { Command } from 'commander';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import {
  DEMO_ORGANIZATIONS,
  type DemoOrganization,
  demoSettings,
  startDemoDirectory,
} from '../../autodiscover/commands/demo-directory.ts';
import { openServiceDirectory, type ServiceSettings, settingsOf } from '../../autodiscover/commands/service.ts';
import { readConfig } from '../../autodiscover/config.ts';
import { createLogger } from '../../autodiscover/log.ts';
import type { Directory } from '../../ldap/directory.ts';
import { AdminError } from '../errors.ts';

/** Which directory: the configured one, or a demo organisation's (`true` is the first of them). */
export interface SourceFlags {
  readonly config?: string;
  readonly demo?: boolean | string;
}

export interface DirectoryFlags extends SourceFlags {
  readonly json?: boolean;
}

/** `--demo` takes no value here: most of these commands have names and addresses behind it. */
export function withDirectoryFlags(command: Command): Command {
  return command
    .option('--config <file>', "the service's configuration file (YAML)")
    .option('--demo', 'use an embedded demo organisation of its own, in memory')
    .option('--json', 'print JSON');
}

/** The same for commands that only list, with their exit codes. */
export function withListFlags(command: Command): Command {
  return withDirectoryFlags(command).addHelpText(
    'after',
    '\nExit codes: 0 done; 1 the directory cannot be read; 2 wrong usage or configuration.',
  );
}

/** What the flags name; undefined when neither is given. Throws AdminError `configuration`. */
export function sourceOf({ config, demo }: SourceFlags): { config: string } | { demo: DemoOrganization } | undefined {
  if (config !== undefined && demo)
    throw new AdminError('configuration', 'give either --config FILE or --demo, not both');
  if (config !== undefined) return { config };
  if (!demo) return undefined;
  const known = DEMO_ORGANIZATIONS.find((name) => name === demo || demo === true);
  if (known) return { demo: known };
  throw new AdminError(
    'configuration',
    `--demo knows ${DEMO_ORGANIZATIONS.join(' and ')}, not ${JSON.stringify(demo)}`,
  );
}

/** The words that lead a suggested command to the same directory. */
export function sourceWords(source: ReturnType<typeof sourceOf>): readonly string[] {
  if (source === undefined) return ['--config', 'FILE'];
  if ('config' in source) return ['--config', source.config];
  return source.demo === DEMO_ORGANIZATIONS[0] ? ['--demo'] : ['--demo', source.demo];
}

/** The settings behind the flags. The demo's directory runs until `close`. */
export interface AdminSettings {
  readonly settings: ServiceSettings;
  readonly isDemo: boolean;
  close(): Promise<void>;
}

/** Throws AdminError or AutodiscoverError `configuration`. */
export async function openSettings(flags: DirectoryFlags): Promise<AdminSettings> {
  const source = sourceOf(flags);
  if (source === undefined) throw new AdminError('configuration', 'give either --config FILE or --demo');
  if ('config' in source) {
    return { settings: settingsOf(readConfig(source.config)), isDemo: false, close: async () => undefined };
  }
  const { demo } = source;
  const { server } = await startDemoDirectory(demo);
  const nowhere = { listen: { https: '127.0.0.1:0' }, certificateFile: 'none', keyFile: 'none' };
  return { settings: demoSettings(server, nowhere, demo), isDemo: true, close: () => server.close() };
}

/** Opens the directory as the service does. Throws DirectoryError. */
export function openConfigured(settings: ServiceSettings, io: CommandIo): Promise<Directory> {
  return openServiceDirectory(settings, createLogger('warn', io.stderr));
}

/** Opens the directory as the service does, hands it to `work`, and closes everything. */
export async function withDirectory<T>(
  flags: DirectoryFlags,
  io: CommandIo,
  work: (directory: Directory, settings: ServiceSettings) => Promise<T>,
): Promise<T> {
  const admin = await openSettings(flags);
  try {
    const directory = await openConfigured(admin.settings, io);
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
