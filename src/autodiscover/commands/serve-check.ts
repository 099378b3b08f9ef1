// `serve --check`: does what a start would do, short of listening, and prints each step.

import type { Directory } from '../../ldap/directory.ts';
import { AutodiscoverError } from '../errors.ts';
import { createLogger } from '../log.ts';
import { resolve } from '../settings/resolve.ts';
import { readServerCertificates } from '../tls/server-certificate.ts';
import { readTicketKey } from '../tls/ticket-keys.ts';
import { lacksName, validityFaults } from '../tls/validity.ts';
import { openAuthentication } from './authentication.ts';
import type { CommandIo } from './command-io.ts';
import {
  mailboxAccessOf,
  openServiceDirectory,
  resolveOptionsOf,
  type ServiceSettings,
  withoutEffect,
} from './service.ts';

/** `address` is the one that is resolved, normalised; some mailbox when undefined. Throws what a start would throw. */
export async function checkService(
  settings: ServiceSettings,
  address: string | undefined,
  io: CommandIo,
): Promise<void> {
  const say = (line: string) => io.stdout.write(`${line}\n`);
  const { tls, publicUrl } = settings.config;
  const { hostname: host } = new URL(publicUrl);
  const { infos } = await readServerCertificates(tls.certificates);
  for (const info of infos) {
    const { source, names, notAfter } = info;
    say(`certificate   ${source}: ${names.join(', ') || 'no names'}; until ${notAfter?.toISOString() ?? 'unknown'}`);
    if (lacksName(info, host)) say(`warning         the certificate lacks the name of publicUrl, ${host}`);
    for (const { text, subject, notAfter: end } of validityFaults(info, tls.warnDays, Date.now()))
      say(`warning         ${text}: ${subject}, until ${end}`);
  }
  const { ticketKeyFile } = tls;
  if (ticketKeyFile !== undefined) {
    await readTicketKey(ticketKeyFile);
    say(`ticket key    ${ticketKeyFile}`);
  }
  const log = createLogger('warn', io.stderr);
  const directory = await openServiceDirectory(settings, log);
  try {
    const { organization } = directory.organization();
    say(
      `directory     ${organization.rootDse.dnsHostName ?? settings.config.directory.servers[0]} as ${settings.config.directory.bindDn}`,
    );
    say(
      `organisation  ${organization.name}: ${organization.arrays.length} arrays, ${organization.servers.length} servers, ` +
        `${organization.databases.length} databases, ${organization.virtualDirectories.length} virtual directories`,
    );
    const { authenticator, close } = await openAuthentication(settings.config, directory, log);
    say(`schemes       ${authenticator.challenges().map(schemeOf).join(', ')}`);
    close();
    mailboxAccessOf(settings.config, directory);
    for (const setting of withoutEffect(settings.config, directory)) say(`warning         without effect: ${setting}`);
    const asked = address ?? (await someMailbox(directory));
    if (asked === undefined)
      throw new AutodiscoverError('configuration', 'serve --check: no mailbox was found to resolve: give --address');
    const { result, trace } = await resolve(
      directory,
      { emailAddress: asked, legacyDn: undefined },
      resolveOptionsOf(settings.config),
    );
    for (const step of trace.steps) say(`${step.level === 'warning' ? 'warning     ' : '            '}  ${step.text}`);
    if (result.action === 'error') {
      say(`answer        ${asked}: ${result.fault} (${result.detail})`);
      io.setExitCode(1);
    } else {
      const what =
        result.action === 'settings' ? result.answer.settings.InternalRpcClientServer : Object.values(result).join(' ');
      say(`answer        ${asked}: ${what}`);
    }
  } finally {
    directory.close();
  }
}

/** The first word of a challenge. */
function schemeOf(challenge: string): string {
  return challenge.split(' ', 1)[0] ?? '';
}

async function someMailbox(directory: Directory): Promise<string | undefined> {
  for (const database of directory.organization().organization.databases) {
    const address = await directory.findMailboxOf(database.distinguishedName);
    if (address !== undefined) return address;
  }
  return undefined;
}
