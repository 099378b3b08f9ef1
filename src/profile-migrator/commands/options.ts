// The options that several commands share: declared once, checked once. Options of several words may also be repeated.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../errors.ts';
import { OFFICE_VERSIONS } from '../mapi/profile-trees.ts';
import { KNOWN_CODE_PAGES } from '../registry/reg-text.ts';
import type { Selection } from './plan-source.ts';

export interface SourceOptions {
  readonly reg?: string[];
  readonly hive?: string[];
  readonly codePage?: number;
  readonly live?: true;
  readonly user?: string;
  readonly allUsers?: true;
}

export interface SelectionOptions {
  readonly profile?: string[];
  readonly outlook?: string[];
}

export interface TargetOptions {
  readonly from?: string[];
  readonly to?: string;
  readonly serverDn?: string;
  readonly proxy?: string[];
  readonly publicFolders?: string;
  readonly policy?: string;
  readonly settings?: string;
  readonly autodiscover?: true;
  readonly autodiscoverServer?: string;
  readonly autodiscoverUser?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  readonly trust?: string[];
}

export interface OutputOptions {
  readonly out?: string;
  readonly resume?: true;
  readonly json?: true;
  readonly quiet?: true;
  readonly log?: string;
}

export function addSourceOptions(command: Command): Command {
  return command
    .optionsGroup('Where the profiles are:')
    .option('--reg <path...>', '.reg files, or folders of them')
    .option(
      '--hive <path...>',
      'offline hives: NTUSER.DAT files, folders of them at any depth, or patterns such as D:\\Users\\*\\NTUSER.DAT',
    )
    .option('--code-page <number>', 'code page of REGEDIT4 files (default: 1252)', parseCodePage)
    .option('--live', "the registry of this computer (the default on Windows, the user's own)")
    .option('--user <sid>', 'live: another user whose hive is loaded (needs an administrator)')
    .addOption(new Option('--all-users', 'live: every user whose hive is loaded').conflicts('user'))
    .option('--profile <name...>', 'only profiles of these names')
    .option(
      '--outlook <version...>',
      'only profiles of these Outlooks: 2003 to 2021, 365, or 11.0 to 16.0',
      collectOutlook,
    );
}

export function addTargetOptions(command: Command): Command {
  return command
    .optionsGroup('What moves where:')
    .option('--from <name...>', 'old server names; a short name and its FQDN are two names')
    .option('--to <fqdn>', 'FQDN of the CAS array that takes their place')
    .option('--server-dn <dn>', 'legacyExchangeDN of the array (default: derived from each account)')
    .option('--proxy <old=new...>', 'RPC proxy names (RPC over HTTP) that change as well')
    .option('--public-folders <fqdn>', 'change public-folder stores that name an old server to this mailbox server')
    .option('--policy <file>', 'targets from a JSON policy instead')
    .option('--settings <file>', 'the array from a saved Autodiscover answer; needs --from')
    .option('--autodiscover', "the array from each account's own Autodiscover answer")
    .optionsGroup('With --autodiscover:')
    .option('--autodiscover-server <url>', 'ask this server only, instead of searching as Outlook does')
    .option('--autodiscover-user <name>', 'log on with a password as this user (default: your own Kerberos ticket)')
    .option('--password-file <file>', 'the password in its first line; else AUTODISCOVER_PASSWORD, else asked for')
    .option('--ca <file>', 'trust the certificates in this PEM file instead of the public ones')
    .option('--trust <name...>', 'hosts or domains outside the mail domain that may be asked');
}

export function addOutputOptions(command: Command, out: string): Command {
  return command
    .optionsGroup('Output:')
    .option('--out <folder>', out)
    .option('--resume', 'go on after an interruption: skip what --out shows as finished')
    .option('--json', 'one line of JSON for each profile instead of text')
    .option('--quiet', 'print errors only')
    .option('--log <file>', 'append one line for each event');
}

export function addChangeOptions(command: Command): Command {
  return command
    .option('--as-hkcu', 'with --reg: write for HKEY_CURRENT_USER instead of the root of the source')
    .optionsGroup('Safety:')
    .option('--wait <seconds>', 'wait so long for Outlook to be closed instead of refusing', parseSeconds)
    .option('--moved', 'with --hive or --reg: the results in --out are of these files, though they had other paths')
    .option('--assume-outlook-closed', 'go on where it cannot be told whether Outlook is running');
}

export function selectionOf({ profile = [], outlook = [] }: SelectionOptions): Selection {
  return { profiles: profile, outlooks: outlook };
}

/** @throws UsageError `option` when options about the source contradict each other. */
export function checkSourceOptions(options: SourceOptions): void {
  const live = options.live || options.user !== undefined || options.allUsers;
  if (options.hive && (live || options.reg))
    throw new UsageError(
      'option',
      '--hive, --reg and the live registry (--live, --user, --all-users) exclude each other',
    );
  if (options.reg && live)
    throw new UsageError('option', '--reg and the live registry (--live, --user, --all-users) exclude each other');
  if (options.codePage !== undefined && !options.reg) throw new UsageError('option', '--code-page is for --reg files');
}

function parseSeconds(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('Expected a number of seconds.');
  return Number(text);
}

function parseCodePage(text: string): number {
  const page = Number(text);
  if (!KNOWN_CODE_PAGES.includes(page)) throw new InvalidArgumentError(`Known: ${KNOWN_CODE_PAGES.join(', ')}.`);
  return page;
}

const MARKETED: Readonly<Record<string, string>> = {
  97: '8.0',
  98: '8.0',
  2000: '9.0',
  2002: '10.0',
  2003: '11.0',
  2007: '12.0',
  2010: '14.0',
  2013: '15.0',
  2016: '16.0',
  2019: '16.0',
  2021: '16.0',
  365: '16.0',
};

function collectOutlook(text: string, before: string[] = []): string[] {
  const version = MARKETED[text] ?? text;
  if (!(version in OFFICE_VERSIONS)) throw new InvalidArgumentError(`Known: ${Object.keys(MARKETED).join(', ')}.`);
  return [...before, version];
}
