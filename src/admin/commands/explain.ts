// `autodiscover explain ADDRESS`: why somebody is told what he is told.

import { Command } from 'commander';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import { resolveOptionsOf } from '../../autodiscover/commands/service.ts';
import { columns, settingRows } from '../../autodiscover/commands/settings-table.ts';
import { printable } from '../../autodiscover/printable.ts';
import type { ResolveRequest } from '../../autodiscover/settings/resolve.ts';
import type { DiscoverResult } from '../../autodiscover/settings/user-settings.ts';
import { normalizeAddress } from '../../autodiscover/wire/address.ts';
import { isLegacyDn } from '../../ldap/legacy-dn.ts';
import { AdminError } from '../errors.ts';
import { type Explanation, explain } from '../explain.ts';
import { type DirectoryFlags, printJson, withDirectory, withDirectoryFlags } from './directory-flags.ts';
import { renderTable } from './table.ts';

export function explainCommand(io: CommandIo): Command {
  return withDirectoryFlags(new Command('explain'))
    .description('show the chain behind an answer: mailbox, database, endpoint, site, URLs')
    .argument('<address>', 'SMTP address, or legacyExchangeDN of a mailbox')
    .addHelpText(
      'after',
      '\nExit codes: 0 the address gets settings or a redirect; 1 it gets an error; 2 wrong usage or configuration.',
    )
    .action((address: string, flags: DirectoryFlags) => run(address, flags, io));
}

function requestOf(text: string): ResolveRequest {
  if (isLegacyDn(text)) return { emailAddress: undefined, legacyDn: text.trim() };
  const normal = normalizeAddress(text);
  if ('reason' in normal) throw new AdminError('configuration', `explain "${text}": ${normal.reason}`);
  return { emailAddress: normal.address, legacyDn: undefined };
}

function run(address: string, flags: DirectoryFlags, io: CommandIo): Promise<void> {
  const request = requestOf(address);
  return withDirectory(flags, io, async (directory, { config }) => {
    const explanation = await explain(request, {
      directory,
      options: resolveOptionsOf(config),
      searchBase: config.directory.searchBase,
      now: Date.now,
    });
    if (explanation.answer.action === 'error') io.setExitCode(1);
    if (flags.json) return printJson(io, explanation);
    io.stdout.write(render(explanation));
  });
}

function render(explanation: Explanation): string {
  const { directory, search, mailbox, database, endpoint } = explanation;
  const lines: string[] = [];
  const line = (label: string, text: string) => lines.push(`${label.padEnd(14)}${printable(text)}`);
  line('asked', explanation.asked);
  line('controller', directory.controller);
  line('organisation', `${directory.organization}, read ${Math.round(directory.snapshotAgeMs / 1000)} s ago`);
  search.filters.forEach((filter, at) => {
    line(at === 0 ? 'filter' : '', at === 0 ? filter : `which found nobody, so ${filter}`);
  });
  line('below', search.base);
  for (const dn of explanation.found) line('found', dn);
  if (explanation.found.length === 0) line('found', 'nobody');
  if (mailbox) {
    line('matched by', explanation.matchedBy ?? '');
    line('homeMDB', mailbox.homeMdb ?? 'none: no mailbox here');
    if (mailbox.targetAddress !== null) line('target', mailbox.targetAddress);
  }
  if (database) {
    line('database', `${database.name}, owned by ${database.owner ?? 'an unknown server'}`);
    line('', `legacyExchangeDN ${database.legacyDn ?? 'is missing'}`);
  }
  if (endpoint) {
    line(
      'endpoint',
      endpoint.distinguishedName ?? (endpoint.named ? `no object: the name ${endpoint.named} as it stands` : 'none'),
    );
    if (endpoint.objectClass !== null) line('', `class ${endpoint.objectClass}`);
    line('', endpoint.reason);
    line('site', endpoint.site ?? 'unknown');
  }
  const urls = explanation.urls.map(({ kind, side, url, site, distinguishedName }) => [
    kind,
    side,
    url,
    site,
    serverOf(distinguishedName),
  ]);
  if (urls.length > 0) lines.push('', renderTable(['Directory', 'Side', 'URL', 'Site', 'Server'], urls, '').trimEnd());
  if (explanation.warnings.length > 0) lines.push('');
  for (const warning of explanation.warnings) line('warning', warning);
  lines.push('', ...answerLines(explanation.answer).map(printable));
  return `${lines.join('\n')}\n`;
}

/** The server in a virtual directory's DN. */
function serverOf(dn: string): string {
  return /CN=Protocols,CN=((?:[^,\\]|\\.)+),/i.exec(dn)?.[1] ?? '-';
}

function answerLines(answer: DiscoverResult): string[] {
  switch (answer.action) {
    case 'redirectAddr':
      return [`answer        ask again as ${answer.address}`];
    case 'redirectUrl':
      return [`answer        ask at ${answer.url}`];
    case 'error':
      return [`answer        error ${answer.fault}: ${answer.detail}`];
    case 'settings': {
      const { settings } = answer.answer;
      const server = settings.InternalRpcClientServer ?? 'settings without an RPC server';
      return [`answer        ${server}`, ...columns(settingRows(settings), '  ').split('\n')];
    }
  }
}
