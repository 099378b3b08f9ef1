// The flags of commands that write, and the one domain controller and account they lead to. The configured service account only reads;
// who writes says so.

import type { Command } from 'commander';
import { canAsk } from '../../autodiscover/client/ask.ts';
import { PASSWORD_VARIABLE, passwordSource } from '../../autodiscover/client/password-source.ts';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import { DEMO_PASSWORD, DEMO_WRITER_ACCOUNT } from '../../autodiscover/commands/demo-directory.ts';
import { controllerAt, type ServiceSettings } from '../../autodiscover/commands/service.ts';
import { type ControllerSession, openSession } from '../controller-session.ts';
import { AdminError } from '../errors.ts';
import { type AdminSettings, type DirectoryFlags, openSettings, withDirectoryFlags } from './directory-flags.ts';

export interface WriterFlags extends DirectoryFlags {
  readonly controller?: string;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly undoFile?: string;
}

export function withWriterFlags(command: Command): Command {
  return withDirectoryFlags(command)
    .option(
      '--controller <url>',
      'the domain controller to write on (ldaps://HOST); the first configured one when not given',
    )
    .option('--user <name>', 'the account that writes: DN, UPN or DOMAIN\\name')
    .option('--password-file <file>', `file that holds its password; else ${PASSWORD_VARIABLE}, else a prompt`)
    .option('--dry-run', 'show the change and stop')
    .option('--yes', 'do not ask')
    .option(
      '--undo-file <file>',
      'where the change that undoes this one is saved; a new file in the working directory when not given',
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 done, or nothing to do; 1 refused or failed; 2 wrong usage or configuration.\nThe way every change goes: docs/administration.md',
    );
}

/**
 * Binds to the one controller that is written on, and reads the organisation there. A dry run without --user reads as the service
 * account. Throws AdminError or DirectoryError.
 */
export async function withSession<T>(
  flags: WriterFlags,
  io: CommandIo,
  work: (session: ControllerSession, admin: AdminSettings) => Promise<T>,
): Promise<T> {
  const admin = await openSettings(flags);
  try {
    const url = controllerUrl(flags, admin.settings);
    const { account, password } = await credentials(flags, admin, url, io);
    const session = await openSession(controllerAt(url, admin.settings), account, password);
    try {
      return await work(session, admin);
    } finally {
      session.writer.close();
    }
  } finally {
    await admin.close();
  }
}

function controllerUrl({ controller }: WriterFlags, { config }: ServiceSettings): string {
  const url = controller ?? config.directory.servers[0] ?? '';
  if (!/^ldaps?:\/\/[^/\s]+\/?$/i.test(url) || !URL.canParse(url)) {
    throw new AdminError(
      'configuration',
      `--controller ${url}: must be ldaps://HOST[:PORT] (or ldap:// with directory.startTls)`,
    );
  }
  const { startTls, allowPlainText } = config.directory;
  if (url.toLowerCase().startsWith('ldap:') && !startTls && !allowPlainText) {
    throw new AdminError(
      'configuration',
      `--controller ${url}: the password would cross the network in clear text; use ldaps://`,
    );
  }
  return url;
}

interface Credentials {
  readonly account: string;
  readonly password: string;
}

async function credentials(flags: WriterFlags, admin: AdminSettings, url: string, io: CommandIo): Promise<Credentials> {
  const { settings, isDemo } = admin;
  if (flags.user === undefined) {
    if (flags.passwordFile !== undefined) throw new AdminError('configuration', '--password-file needs --user');
    if (isDemo) return { account: DEMO_WRITER_ACCOUNT, password: DEMO_PASSWORD };
    if (flags.dryRun) return { account: settings.config.directory.bindDn, password: await settings.readPassword() };
    throw new AdminError(
      'configuration',
      'who writes? Give --user NAME: the configured service account only reads. (--dry-run alone needs no --user.)',
    );
  }
  const password = await passwordOf(flags.user, flags, url, io);
  if (password === '') throw new AdminError('configuration', `the password of ${flags.user} is empty`);
  return { account: flags.user, password };
}

async function passwordOf(user: string, flags: WriterFlags, url: string, io: CommandIo): Promise<string> {
  const password = await passwordSource(io, '--user', user, flags.passwordFile)(new URL(url));
  if (password !== undefined) return password;
  if (canAsk(io)) throw new AdminError('not-confirmed', 'no password was given; nothing was written');
  throw new AdminError(
    'configuration',
    `the password of ${user}: there is no terminal to ask at; give --password-file FILE or set ${PASSWORD_VARIABLE}`,
  );
}
