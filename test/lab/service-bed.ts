// The real service on a real Active Directory in a bed: Samba, `autodiscover serve` with its configuration, names that lead to it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { issueCertificate } from './certificates.ts';
import { type Bed, type BedOptions, type BedService, openBed } from './client-bed.ts';
import { READER } from './samba/directory-plan.ts';
import { type SambaLab, type SambaLabOptions, startSambaLab } from './samba/samba-lab.ts';

export const PROGRAM = join(import.meta.dirname, '..', '..', 'src', 'cli', 'autodiscover.ts');

export type ServiceBedOptions = Omit<BedOptions, 'caFile'> & {
  /** Host of publicUrl; it and every name of `hosts` are in the certificate. */
  readonly publicHost: string;
  /** Address of the redirector on port 80; none when not given. */
  readonly redirectorAddress?: string;
  readonly samba?: SambaLabOptions;
  /** Further parts of the configuration, of its first level. */
  readonly config?: (lab: SambaLab) => Readonly<Record<string, unknown>>;
};

export type ServiceBed = {
  readonly bed: Bed;
  readonly lab: SambaLab;
  readonly service: BedService;
  /** Runs a driver of clients/ inside with the password of the lab's accounts, or another one, and gives its report. */
  drive(driver: string, args: readonly string[], password?: string): Promise<Record<string, unknown>>;
  /** Takes a Kerberos ticket for an account into the cache that the drivers use. */
  login(account: string): Promise<void>;
  /** Environment of programs that shall use that cache. */
  readonly kerberos: Readonly<Record<string, string>>;
  close(): Promise<void>;
};

/** The address the service listens on, port 443: names that lead to it answer, others do not. */
export const SERVICE_ADDRESS = '127.0.0.1';

/** Configuration that offers all schemes, in the order Exchange does, with the lab's keytab and winbind. */
export function everyScheme(lab: SambaLab): Readonly<Record<string, unknown>> {
  return {
    authentication: {
      schemes: ['negotiate', 'ntlm', 'basic'],
      keytabFile: lab.keytab,
      ntlmHelper: { path: lab.paths.ntlmAuth },
    },
  };
}

export async function openServiceBed(options: ServiceBedOptions): Promise<ServiceBed> {
  // The authority of the lab is known only once the lab exists, and the lab lives in the bed: the bed gets its own.
  const bed = await openBed({ hosts: options.hosts, dnsRecords: options.dnsRecords ?? [] });
  let lab: SambaLab | undefined;
  const close = async () => {
    await lab?.stop();
    await bed.close();
  };
  try {
    lab = await startSambaLab({ ...options.samba, prefix: bed.prefix });
    const service = await startService(bed, lab, options);
    const { krb5Conf, password, realm } = lab;
    const kerberos = { KRB5_CONFIG: krb5Conf, KRB5CCNAME: `FILE:${join(bed.home, 'tickets')}` };
    return {
      bed,
      lab,
      service,
      drive: (driver, args, other = password) => drive(bed, { ...kerberos, CLIENT_PASSWORD: other }, driver, args),
      login: async (account) => {
        const outcome = await bed.run(['kinit', `${account}@${realm}`], { env: kerberos, input: `${password}\n` });
        if (outcome.code !== 0) throw new Error(`kinit ${account} failed: ${outcome.stderr}`);
      },
      kerberos,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startService(bed: Bed, lab: SambaLab, options: ServiceBedOptions): Promise<BedService> {
  const folder = join(bed.home, 'service');
  mkdirSync(folder);
  const names = new Set([options.publicHost, ...Object.keys(options.hosts)]);
  const { certificate, key } = issueCertificate(bed.authority, folder, 'service', [...names]);
  const passwordFile = join(folder, 'bind-password');
  writeFileSync(passwordFile, lab.password, { mode: 0o600 });
  const redirector = options.redirectorAddress;
  const given = options.config?.(lab) ?? {};
  // Every client is given the same account's wrong password in turn: counted together they would end in "not now".
  const authentication = { ...(given.authentication as object), failures: { perName: 1000, lockoutThreshold: 0 } };
  const config = {
    directory: { servers: [lab.ldapsUrl], caFile: lab.caFile, bindDn: `${READER}@${lab.domain.dnsName}`, passwordFile },
    listen: {
      https: `${SERVICE_ADDRESS}:443`,
      ...(redirector === undefined ? {} : { http: `${redirector}:80` }),
    },
    publicUrl: `https://${options.publicHost}`,
    tls: { certificates: [{ certificateFile: certificate, keyFile: key }] },
    ...given,
    authentication,
  };
  const file = join(folder, 'config.yaml');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config, undefined, 2));
  return bed.start(
    [process.execPath, PROGRAM, 'serve', '--config', file],
    redirector === undefined ? [443] : [443, 80],
  );
}

async function drive(
  bed: Bed,
  env: Readonly<Record<string, string>>,
  driver: string,
  args: readonly string[],
): Promise<Record<string, unknown>> {
  const program = driver.endsWith('.py') ? '/usr/bin/python3' : process.execPath;
  const command = [program, join(import.meta.dirname, 'clients', driver), ...args];
  const outcome = await bed.run(command, { env, timeout: 120_000 });
  if (outcome.report === undefined) throw new Error(`${driver} gave no report: ${JSON.stringify(outcome)}`);
  return outcome.report as Record<string, unknown>;
}
