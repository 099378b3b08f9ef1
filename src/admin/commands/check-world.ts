// What verify and doctor look at: the directory of --config or the demo organisation of --demo, and the network that belongs to it.

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import { DEMO_ORGANIZATIONS, type DemoOrganization } from '../../autodiscover/commands/demo-directory.ts';
import { openServiceDirectory, resolveOptionsOf, settingsOf } from '../../autodiscover/commands/service.ts';
import { readConfig } from '../../autodiscover/config.ts';
import { AutodiscoverError } from '../../autodiscover/errors.ts';
import { createLogger } from '../../autodiscover/log.ts';
import type { ResolveOptions } from '../../autodiscover/settings/resolve.ts';
import type { Directory } from '../../ldap/directory.ts';
import { type Network, systemNetwork } from '../probe/network.ts';
import { startDemoWorld } from './demo-world.ts';

export interface WorldFlags {
  readonly config?: string;
  readonly demo?: boolean | string;
  readonly certs: string;
  readonly ca?: string;
  readonly timeout: string;
}

export interface CheckWorld {
  readonly network: Network;
  /** Absent when neither --config nor --demo was given. */
  readonly directory: Directory | undefined;
  readonly bindName: string | undefined;
  readonly resolveOptions: ResolveOptions | undefined;
  /** The account of a demo, which nobody needs to be asked for. */
  readonly account: { readonly user: string; readonly password: string } | undefined;
  /** The flag that leads a suggested command to the same directory. */
  readonly directoryFlag: string;
  close(): Promise<void>;
}

/** Adds the options that every checking command takes. */
export function worldOptions(command: Command): Command {
  return command
    .option('--config <file>', 'the configuration of the service, for its directory account')
    .option(
      '--demo [organization]',
      `use an embedded demo organisation and its stand-ins: ${DEMO_ORGANIZATIONS.join(' or ')}`,
    )
    .option('--certs <folder>', 'folder of the lab certificate of --demo', 'certs')
    .option('--ca <file>', 'trust the certificates in this PEM file instead of the public ones')
    .option('--timeout <seconds>', 'for each probe', '10');
}

export function usage(command: string, message: string): AutodiscoverError {
  return new AutodiscoverError('configuration', `${command}: ${message}`);
}

/** Opens what the flags name. Throws AutodiscoverError `configuration` and what opening a directory throws. */
export async function openWorld(command: string, flags: WorldFlags, io: CommandIo): Promise<CheckWorld> {
  const timeoutMs = secondsOf(command, '--timeout', flags.timeout, 600) * 1000;
  if (flags.config !== undefined && flags.demo) throw usage(command, 'give either --config FILE or --demo');
  if (flags.demo) {
    const organization = flags.demo === true ? DEMO_ORGANIZATIONS[0] : (flags.demo as DemoOrganization);
    if (!DEMO_ORGANIZATIONS.includes(organization))
      throw usage(command, `--demo knows ${DEMO_ORGANIZATIONS.join(' and ')}, not ${JSON.stringify(flags.demo)}`);
    const demo = await startDemoWorld(organization, { certs: flags.certs, timeoutMs });
    return {
      network: demo.network,
      directory: demo.directory,
      bindName: demo.settings.config.directory.bindDn,
      resolveOptions: resolveOptionsOf(demo.settings.config),
      account: { user: demo.user, password: demo.password },
      directoryFlag: organization === 'contoso' ? '--demo' : `--demo ${organization}`,
      close: demo.close,
    };
  }
  const ca = flags.ca === undefined ? undefined : readPem(command, flags.ca);
  const network = systemNetwork({ ca, timeoutMs });
  if (flags.config === undefined) {
    return { ...NO_DIRECTORY, network, close: async () => undefined };
  }
  const settings = settingsOf(readConfig(flags.config));
  const directory = await openServiceDirectory(settings, createLogger('warn', io.stderr));
  return {
    network,
    directory,
    bindName: settings.config.directory.bindDn,
    resolveOptions: resolveOptionsOf(settings.config),
    account: undefined,
    directoryFlag: `--config ${flags.config}`,
    close: async () => directory.close(),
  };
}

const NO_DIRECTORY = {
  directory: undefined,
  bindName: undefined,
  resolveOptions: undefined,
  account: undefined,
  directoryFlag: '--config FILE',
} as const;

/** A positive number of seconds. */
export function secondsOf(command: string, flag: string, text: string, most: number): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= most))
    throw usage(command, `${flag} must be a number of seconds up to ${most}, not ${JSON.stringify(text)}`);
  return seconds;
}

function readPem(command: string, file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new AutodiscoverError('configuration', `${command}: reading --ca ${file}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw usage(command, `--ca ${file} holds no PEM certificate`);
}
