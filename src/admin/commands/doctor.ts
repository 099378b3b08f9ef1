// `autodiscover doctor`: the whole organisation examined, and for each finding what mends it.

import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { CommandIo } from '../../autodiscover/commands/command-io.ts';
import type { ServiceSettings } from '../../autodiscover/commands/service.ts';
import { printable } from '../../autodiscover/printable.ts';
import { examine } from '../doctor/examine.ts';
import { FINDINGS, type Finding, finding } from '../doctor/finding.ts';
import type { ServiceIdentity, ServiceKeytab } from '../doctor/kerberos-findings.ts';
import { parseKeytab } from '../doctor/keytab.ts';
import { once } from '../probe/in-parallel.ts';
import { probeRpc } from '../probe/rpc-probe.ts';
import { probeUrl } from '../probe/web-probe.ts';
import { type CheckWorld, openWorld, usage, type WorldFlags, worldOptions } from './check-world.ts';

interface DoctorFlags extends WorldFlags {
  readonly json?: boolean;
  readonly recipients: boolean;
  readonly network: boolean;
  readonly kinds?: boolean;
}

const HELP = `
Reads the directory with the service's own account, asks every configured domain controller, every array and Client Access server for its
RPC ports, and every published host for its certificate. What the account may do beyond reading and who owns the Kerberos names of the
service is asked of the directory. It changes nothing.

Exit codes: 0 nothing found; 1 findings; 2 wrong usage or configuration.`;

const CONCURRENCY = 8;

export function doctorCommand(io: CommandIo): Command {
  return worldOptions(new Command('doctor').description('examine the whole organisation and say what mends each fault'))
    .option('--no-recipients', 'do not read every recipient (duplicate addresses, lost databases)')
    .option('--no-network', 'look at the directory only')
    .option('--kinds', 'list every kind of finding and stop')
    .option('--json', 'print the findings as JSON')
    .addHelpText('after', HELP)
    .action((flags: DoctorFlags) => run(flags, io));
}

async function run(flags: DoctorFlags, io: CommandIo): Promise<void> {
  if (flags.kinds) {
    const kinds = Object.entries(FINDINGS).map(([code, severity]) => ({ code, severity }));
    if (flags.json) io.stdout.write(`${JSON.stringify({ kinds }, undefined, 2)}\n`);
    else for (const { code, severity } of kinds) io.stdout.write(`${severity.padEnd(8)} ${code}\n`);
    return;
  }
  if (flags.config === undefined && !flags.demo) throw usage('doctor', 'give --config FILE or --demo');
  const findings = await find(flags, io);
  if (flags.json) io.stdout.write(`${JSON.stringify({ findings }, undefined, 2)}\n`);
  else io.stdout.write(text(findings));
  io.setExitCode(findings.length > 0 ? 1 : 0);
}

async function find(flags: DoctorFlags, io: CommandIo): Promise<readonly Finding[]> {
  let world: CheckWorld;
  try {
    world = await openWorld('doctor', flags, io);
  } catch (error) {
    const missing = rightsFinding(error);
    if (missing === undefined) throw error;
    return [missing];
  }
  try {
    const { network, directory, settings } = world;
    if (directory === undefined || settings === undefined) throw usage('doctor', 'give --config FILE or --demo');
    return await examine(
      directory,
      {
        flags: world.sourceWords,
        skipRecipients: !flags.recipients,
        skipNetwork: !flags.network,
        account: settings.config.directory.bindDn,
        service: serviceOf(settings, io),
      },
      {
        probeRpc: once((host) => probeRpc(network, host)),
        probeUrl: (url) => probeUrl(network, url),
        clock: () => new Date(),
        concurrency: CONCURRENCY,
      },
    );
  } finally {
    await world.close();
  }
}

/** What the configuration says of Kerberos. A keytab that cannot be read is told on standard error: it may be on another machine. */
function serviceOf({ config }: ServiceSettings, io: CommandIo): ServiceIdentity {
  const { schemes, keytabFile } = config.authentication;
  const negotiate = schemes.includes('negotiate');
  const keytab = negotiate && keytabFile !== undefined ? readKeytab(keytabFile, io) : undefined;
  return { publicUrl: new URL(config.publicUrl), negotiate, keytab };
}

function readKeytab(file: string, io: CommandIo): ServiceKeytab | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    io.stderr.write(`doctor: the keytab is not compared: ${(error as Error).message}\n`);
    return undefined;
  }
  try {
    return { file, entries: parseKeytab(bytes) };
  } catch (error) {
    if (error instanceof RangeError) return { file, fault: error.message };
    throw error;
  }
}

/** A service account that cannot see the organisation is a finding of its own, and hides all others. */
function rightsFinding(error: unknown): Finding | undefined {
  const { code, message } = error as { code?: unknown; message: string };
  if (code !== 'missing-right') return undefined;
  return finding('rights-missing', {
    object: /"?(CN=[^"]+?CN=Configuration,[^"\s]+)/.exec(message)?.[1] ?? 'the Exchange organisation',
    what: message,
    why: 'the service does not start, or answers without the databases it cannot see; nothing else was examined',
    remedy: /dsacls .+/.exec(message)?.[0] ?? 'grant the service account inheritable read on the Exchange organisation',
  });
}

function text(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'nothing found\n';
  const blocks = findings.map(({ code, severity, object, what, why, remedy }) =>
    [`${severity}: ${what}`, `  where  ${object}`, `  why    ${why}`, `  mend   ${remedy}`, `  kind   ${code}`]
      .map(printable)
      .join('\n'),
  );
  const faults = findings.filter(({ severity }) => severity === 'fault').length;
  const counts = `${findings.length} findings: ${faults} faults, ${findings.length - faults} warnings\n`;
  // The demo writes as an account of its own.
  const writes = findings.some(({ remedy }) => /^autodiscover (?:array|database|scp) .* --config /.test(remedy));
  return `${blocks.join('\n\n')}\n\n${counts}${writes ? 'add to commands of this program: --user NAME, the account that writes\n' : ''}`;
}
