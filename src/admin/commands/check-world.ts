// What verify and doctor look at: the directory of --config or the demo organisation of --demo, and the network that belongs to it.

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import { DEMO_ORGANIZATIONS } from '../../autodiscover/commands/demo-directory.ts';
import type { ServiceSettings } from '../../autodiscover/commands/service.ts';
import { AutodiscoverError } from '../../autodiscover/errors.ts';
import type { Directory } from '../../ldap/directory.ts';
import { type Network, systemNetwork } from '../probe/network.ts';
import { startDemoWorld } from './demo-world.ts';
import { openConfigured, openSettings, type SourceFlags, sourceOf, sourceWords } from './directory-flags.ts';

export interface WorldFlags extends SourceFlags {
  readonly certs: string;
  readonly ca?: string;
  readonly timeout: string;
}

export interface CheckWorld {
  readonly network: Network;
  /** The directory and the configuration that led to it; absent when neither --config nor --demo was given. */
  readonly directory: Directory | undefined;
  readonly settings: ServiceSettings | undefined;
  /** The account of a demo, which nobody needs to be asked for. */
  readonly account: { readonly user: string; readonly password: string } | undefined;
  /** The words that lead a suggested command to the same directory. */
  readonly sourceWords: readonly string[];
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
  const source = sourceOf(flags);
  const words = sourceWords(source);
  if (source && 'demo' in source) {
    const demo = await startDemoWorld(source.demo, { certs: flags.certs, timeoutMs });
    const { network, directory, settings, user, password, close } = demo;
    return { network, directory, settings, account: { user, password }, sourceWords: words, close };
  }
  const ca = flags.ca === undefined ? undefined : readPem(command, flags.ca);
  const open = { network: systemNetwork({ ca, timeoutMs }), account: undefined, sourceWords: words };
  if (source === undefined) return { ...open, directory: undefined, settings: undefined, close: async () => undefined };
  const { settings } = await openSettings(flags);
  const directory = await openConfigured(settings, io);
  return { ...open, directory, settings, close: async () => directory.close() };
}

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
