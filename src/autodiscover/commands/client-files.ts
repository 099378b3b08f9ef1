// `autodiscover client-files --domain D`: writes what client-files.ts of the client room makes, and never over anything.
import { lstat, mkdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { Command } from 'commander';
import { parseServerUrl, serviceUrl } from '../client/candidates.ts';
import {
  type ClientFile,
  type ClientFileOptions,
  clientFiles,
  defaultXmlPath,
  OFFICE_VERSIONS,
  type OfficeVersion,
} from '../client/client-files.ts';
import { AutodiscoverError } from '../errors.ts';
import { normalizeAddress } from '../wire/address.ts';
import type { CommandIo } from './command-io.ts';
import { writeNewFiles } from './output-files.ts';

interface ClientFilesFlags {
  readonly domain: string;
  readonly url?: string;
  readonly out: string;
  readonly address?: readonly string[];
  readonly office?: readonly string[];
  readonly xmlPath?: string;
  readonly json?: boolean;
}

const HELP = `
Writes DOMAIN.xml (local XML), DOMAIN.user.reg and DOMAIN.policy.reg (registry values), DOMAIN.zone (DNS records). Each explains itself.
Nothing is overwritten: when one of the files exists, none is written.

Exit codes: 0 written; 1 a file exists or cannot be written; 2 wrong usage.`;

export function clientFilesCommand(io: CommandIo): Command {
  return new Command('client-files')
    .description('write the local XML, registry values and DNS records that lead clients to the service')
    .requiredOption('--domain <domain>', 'the mail domain')
    .option('--url <url>', 'the service; https://autodiscover.DOMAIN/autodiscover/autodiscover.xml when not given')
    .option('--out <folder>', 'where to write', '.')
    .option('--address <address>', 'IP address of the service, for the DNS records; repeatable', collect)
    .option(
      '--office <version>',
      `Outlook versions to write values for: ${versions().join(', ')}; repeatable; all when not given`,
      collect,
    )
    .option('--xml-path <path>', 'where the local XML will lie on the desktops; under C:\\ProgramData when not given')
    .option('--json', 'print the files written as JSON')
    .addHelpText('after', HELP)
    .action((flags: ClientFilesFlags) => write(flags, io));
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function versions(): readonly OfficeVersion[] {
  return Object.keys(OFFICE_VERSIONS) as OfficeVersion[];
}

async function write(flags: ClientFilesFlags, io: CommandIo): Promise<void> {
  const files = clientFiles(optionsOf(flags));
  const written = files.map((file) => ({ path: join(flags.out, file.name), purpose: file.purpose }));
  const existing: string[] = [];
  for (const { path } of written) if (await exists(path)) existing.push(path);
  if (existing.length > 0) {
    io.stderr.write(
      `client-files: nothing was written, because there is already ${existing.join(', ')}; give another --out\n`,
    );
    io.setExitCode(1);
    return;
  }
  await writeAll(files, flags.out);
  if (flags.json) io.stdout.write(`${JSON.stringify({ files: written }, undefined, 2)}\n`);
  else {
    const width = Math.max(...written.map(({ path }) => path.length));
    for (const { path, purpose } of written) io.stdout.write(`${path.padEnd(width)}  ${purpose}\n`);
  }
}

async function writeAll(files: readonly ClientFile[], folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await writeNewFiles(files.map(({ name, content }) => ({ path: join(folder, name), content })));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AutodiscoverError('output', `client-files: writing to ${folder}: ${reason}`, { cause: error });
  }
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

function usage(message: string): AutodiscoverError {
  return new AutodiscoverError('configuration', `client-files: ${message}`);
}

function optionsOf(flags: ClientFilesFlags): ClientFileOptions {
  const normal = normalizeAddress(`postmaster@${flags.domain.replace(/\.$/, '')}`);
  if ('reason' in normal) throw usage(`--domain ${JSON.stringify(flags.domain)} is not a domain name`);
  const domain = normal.address.slice('postmaster@'.length);
  const url = parseServerUrl(flags.url ?? serviceUrl(`autodiscover.${domain}`, 'pox'), 'pox');
  if (url === undefined)
    throw usage(`--url must be an https URL without a user name, not ${JSON.stringify(flags.url)}`);
  if (isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0)
    throw usage('--url must name a host: a certificate is checked against a name');
  const addresses = flags.address ?? [];
  const wrong = addresses.find((address) => isIP(address) === 0);
  if (wrong !== undefined) throw usage(`--address ${JSON.stringify(wrong)} is no IP address`);
  const office = flags.office ?? versions();
  const unknown = office.find((version) => !versions().includes(version as OfficeVersion));
  if (unknown !== undefined) throw usage(`--office ${JSON.stringify(unknown)} is none of ${versions().join(', ')}`);
  const xmlPath = flags.xmlPath ?? defaultXmlPath(domain);
  if (/[\p{Cc}"<>|*?]/u.test(xmlPath)) throw usage('--xml-path holds a character that no Windows path can have');
  return { domain, url, addresses, versions: office as readonly OfficeVersion[], xmlPath };
}
