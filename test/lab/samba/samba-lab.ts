// A throw-away Active Directory with the demo's Exchange 2010 organisation, on a loopback address: the lab tests' domain.
// Built by Samba in a temporary folder (once per content, then copied), removed by stop() and when the test file ends.
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseLdif } from '../../../src/ldap/ldif.ts';
import { issueCertificate, makeCertificateAuthority } from '../certificates.ts';
import { whenProcessEnds } from '../processes.ts';
import { Controller, sambaEnvironment } from './controller.ts';
import { DEMO_PASSWORD, type Domain, domainOf, planDirectory } from './directory-plan.ts';
import { CONTROLLER_FOLDERS, type ControllerPlace, controllerFolder, krb5Conf, smbConf } from './samba-config.ts';
import { restoreSnapshot, saveSnapshot, snapshotKey } from './snapshot.ts';

const run = promisify(execFile);
/** Debian's own Python: another one earlier in PATH lacks the samba module. */
const PYTHON = '/usr/bin/python3';

export type SambaLabOptions = {
  /** LDIF file of the organisation; the demo's by default. */
  readonly ldif?: string;
  /** Loopback address of the first controller; LAB_ADDRESS or 127.0.0.11 by default. */
  readonly address?: string;
  /** Service principal names of the account svc-http, exported to the keytab; HTTP/autodiscover.<domain> by default. */
  readonly servicePrincipals?: readonly string[];
  /** Also make the accounts of BIND_ERROR_ACCOUNTS. */
  readonly bindErrorAccounts?: boolean;
  /** Users without a mailbox to fill the directory with; about 4 ms each, once. */
  readonly bulkUsers?: number;
  /** Program and arguments that run a command where the controllers shall live, such as a network namespace. */
  readonly prefix?: readonly string[];
  /** false builds anew whatever is kept under .lab/. */
  readonly snapshot?: boolean;
};

/** Seconds that each step of a start took. */
export type Timings = Readonly<Record<string, number>>;

export type SambaController = {
  /** DNS name: dc1.contoso.test. The certificate has it, the domain's name and the address. */
  readonly host: string;
  readonly address: string;
  readonly ldapsUrl: string;
  readonly ldapUrl: string;
  readonly caFile: string;
  readonly smbConf: string;
  readonly domain: Domain;
  readonly realm: string;
  readonly krb5Conf: string;
  /** Keys of the account svc-http. */
  readonly keytab: string;
  /** Of CONTOSO\Administrator. */
  readonly adminPassword: string;
  /** Of every enabled account of the organisation and of the lab's own. */
  readonly password: string;
  readonly pid: number | undefined;
  readonly paths: {
    /** The lab's folder. */
    readonly root: string;
    /** The organisation's LDIF file. */
    readonly ldif: string;
    /** Program that behaves as ntlm_auth(1) of this controller. */
    readonly ntlmAuth: string;
  };
  readonly timings: Timings;
  log(): string;
  /** Ends Samba and starts it again on the same database. */
  restart(): Promise<void>;
  /** Signals all its processes; SIGSTOP makes it silent, SIGCONT resumes. restart() works after SIGKILL too. */
  kill(signal: NodeJS.Signals): void;
  /** Ends this controller; the first one's stop() ends the others too and removes the folder. */
  stop(): Promise<void>;
};

export type SambaLab = SambaController & {
  /** Joins a further controller, in the second site, on the next loopback address. Its copy is as of now: see replicate. */
  addSecondController(options?: {
    readonly address?: string;
    readonly site?: string;
    /** false saves some seconds where nobody looks for it in the domain's DNS. */
    readonly inDns?: boolean;
  }): Promise<SambaController>;
  /** Pulls later changes of the first controller to `to`; nothing flows by itself. All naming contexts by default. */
  replicate(to: SambaController, namingContexts?: readonly string[]): Promise<void>;
};

const DEMO_LDIF = join(import.meta.dirname, '..', '..', '..', 'demo', 'contoso.ldif');

/** Starts a lab. Rejects, with everything removed again, when a step fails; the message holds the tool's own words. */
export async function startSambaLab(options: SambaLabOptions = {}): Promise<SambaLab> {
  const ldifFile = options.ldif ?? DEMO_LDIF;
  const ldif = readFileSync(ldifFile, 'utf8');
  const records = parseLdif(ldif);
  const domain = domainOf(records);
  // Unix sockets live below it, so the path must stay short.
  const root = mkdtempSync(join(tmpdir(), 'lab-'));
  const removeFolder = () => rmSync(root, { recursive: true, force: true, maxRetries: 3 });
  const guard = whenProcessEnds(removeFolder);
  const place: ControllerPlace = {
    root,
    name: 'DC1',
    address: options.address ?? process.env.LAB_ADDRESS ?? '127.0.0.11',
  };
  const content = {
    servicePrincipals: options.servicePrincipals ?? [`HTTP/autodiscover.${domain.dnsName}`],
    bindErrorAccounts: options.bindErrorAccounts ?? false,
    bulkUsers: options.bulkUsers ?? 0,
  };
  const prefix = options.prefix ?? [];
  const timings: Record<string, number> = {};
  const timed = async <T>(step: string, work: () => Promise<T> | T): Promise<T> => {
    const from = performance.now();
    const result = await work();
    timings[step] = Math.round(performance.now() - from) / 1000;
    return result;
  };
  const controllers: Controller[] = [];
  const stopAll = async () => {
    for (const controller of controllers) await controller.stop();
    removeFolder();
    guard.forget();
  };

  try {
    const key = snapshotKey(ldif, { ...content, address: place.address });
    const restored = (options.snapshot ?? true) && (await timed('restore', () => restoreSnapshot(key, root)));
    if (!restored) {
      Object.assign(timings, await build(place, domain, planDirectory(records, content)));
      await timed('save', () => saveSnapshot(key, root));
    }
    writeKrb5Conf(root, domain, [place.address]);
    const first = new Controller(place, domain, prefix);
    controllers.push(first);
    await timed('start', () => first.start());
    return {
      ...describe(first, ldifFile, timings, stopAll),
      addSecondController: async ({
        address = nextAddress(place.address),
        site = domain.sites[1] ?? domain.sites[0] ?? '',
        inDns = true,
      } = {}) => {
        const second = new Controller({ root, name: `DC${controllers.length + 1}`, address }, domain, prefix);
        const took: Record<string, number> = {};
        const from = performance.now();
        await joinDomain(second, first, site, prefix);
        if (inDns) await registerInDns(second, first, site, prefix);
        took.join = Math.round(performance.now() - from) / 1000;
        controllers.push(second);
        writeKrb5Conf(
          root,
          domain,
          controllers.map((each) => each.place.address),
        );
        await second.start();
        took.start = Math.round(performance.now() - from) / 1000 - took.join;
        return describe(second, ldifFile, took, () => second.stop());
      },
      replicate: async (to, namingContexts) => {
        const configuration = `CN=Configuration,${domain.baseDn}`;
        for (const context of namingContexts ?? [domain.baseDn, configuration, `CN=Schema,${configuration}`]) {
          const name = to.host.split('.')[0] ?? '';
          const from = [name, place.address, context, '--local'];
          await sambaTool(root, prefix, ['drs', 'replicate', ...from, `--configfile=${to.smbConf}`, ...ADMINISTRATOR]);
        }
      },
    };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

/** Of a domain that lives for one test, on loopback: samba-tool takes it in no better way than as an argument. */
const ADMIN_PASSWORD = 'Lab-Adm1n-Passw0rd';
const ADMINISTRATOR = [`-UAdministrator%${ADMIN_PASSWORD}`];

function describe(controller: Controller, ldif: string, timings: Timings, stop: () => Promise<void>): SambaController {
  const { place, domain } = controller;
  const { root } = place;
  const ntlmAuth = join(controllerFolder(place), 'ntlm_auth');
  writeNtlmAuth(ntlmAuth, controller);
  return {
    host: `${place.name.toLowerCase()}.${domain.dnsName}`,
    address: place.address,
    ldapsUrl: `ldaps://${place.address}`,
    ldapUrl: controller.ldapUrl,
    caFile: join(root, 'tls', 'ca.pem'),
    smbConf: controller.smbConf,
    domain,
    realm: domain.realm,
    krb5Conf: join(root, 'krb5.conf'),
    keytab: join(root, 'http.keytab'),
    adminPassword: ADMIN_PASSWORD,
    password: DEMO_PASSWORD,
    get pid() {
      return controller.pid;
    },
    paths: { root, ldif, ntlmAuth },
    timings,
    log: () => controller.log(),
    restart: async () => {
      await controller.stop();
      await controller.start();
    },
    kill: (signal) => controller.kill(signal),
    stop,
  };
}

/** ntlm_auth looks for winbind in a fixed place; a private mount puts this controller's sockets there. */
function writeNtlmAuth(path: string, { place, smbConf: configuration }: Controller): void {
  const sockets = join(controllerFolder(place), 'winbindd');
  const script = `#!/bin/sh
exec unshare --mount sh -c 'mkdir -p /run/samba/winbindd && mount --bind "$0" /run/samba/winbindd && exec ntlm_auth "$@"' \\
  '${sockets}' --configfile='${configuration}' "$@"
`;
  writeFileSync(path, script, { mode: 0o755 });
}

async function build(place: ControllerPlace, domain: Domain, plan: ReturnType<typeof planDirectory>): Promise<Timings> {
  const from = performance.now();
  prepareFolders(place, domain, makeCertificateAuthority(join(place.root, 'tls')));
  writeKrb5Conf(place.root, domain, [place.address]);
  const certificates = Math.round(performance.now() - from) / 1000;
  const own = controllerFolder(place);
  const input = {
    ...plan,
    smbConf: join(own, 'etc', 'smb.conf'),
    database: join(own, 'private', 'sam.ldb'),
    keytab: join(place.root, 'http.keytab'),
    domain: {
      realm: domain.realm,
      netbiosName: domain.netbiosName,
      hostName: place.name.toLowerCase(),
      address: place.address,
      adminPassword: ADMIN_PASSWORD,
      site: domain.sites[0],
    },
  };
  const output = await runBuilder(place.root, JSON.stringify(input));
  const steps = [...output.matchAll(/^(\w+) ([\d.]+)$/gm)].map(([, step = '', seconds]) => [step, Number(seconds)]);
  return { certificates, ...Object.fromEntries(steps) };
}

function runBuilder(root: string, input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const script = join(import.meta.dirname, 'build-directory.py');
    const child = spawn(PYTHON, [script], { env: sambaEnvironment(root), timeout: 300_000 });
    const guard = whenProcessEnds(() => child.kill('SIGKILL'));
    let output = '';
    let complaints = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      complaints += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      guard.forget();
      if (code === 0) resolve(output);
      else
        reject(
          new Error(`cannot build the lab's directory (${signal ?? `exit code ${code}`}):\n${output}${complaints}`),
        );
    });
    child.stdin.end(input);
  });
}

function prepareFolders(
  place: ControllerPlace,
  domain: Domain,
  authority: ReturnType<typeof makeCertificateAuthority>,
): void {
  const own = controllerFolder(place);
  for (const folder of CONTROLLER_FOLDERS) mkdirSync(join(own, folder), { recursive: true });
  writeFileSync(join(own, 'etc', 'smb.conf'), smbConf(place, domain));
  const hosts = [`${place.name.toLowerCase()}.${domain.dnsName}`, domain.dnsName, place.address];
  issueCertificate(authority, join(place.root, 'tls'), place.name, hosts);
}

function writeKrb5Conf(root: string, domain: Domain, addresses: readonly string[]): void {
  writeFileSync(join(root, 'krb5.conf'), krb5Conf(domain, addresses));
}

/** Joins `second` to the domain of `first`. */
async function joinDomain(
  second: Controller,
  first: Controller,
  site: string,
  prefix: readonly string[],
): Promise<void> {
  const { place, domain } = second;
  const tls = join(place.root, 'tls');
  prepareFolders(place, domain, { certificate: join(tls, 'ca.pem'), key: join(tls, 'ca.key') });
  // By address: the machine's resolver does not know the controller's name.
  const how = [`--server=${first.place.address}`, `--site=${site}`, '--dns-backend=NONE', '--plaintext-secrets'];
  const account = [`--configfile=${second.smbConf}`, ...ADMINISTRATOR];
  await sambaTool(place.root, prefix, ['domain', 'join', domain.dnsName, 'DC', ...how, ...account]);
}

/** Adds a joined controller's records, which Samba leaves to a service we do not run. */
async function registerInDns(
  { place, domain, smbConf: configuration }: Controller,
  first: Controller,
  site: string,
  prefix: readonly string[],
): Promise<void> {
  const tool = (args: readonly string[]) =>
    sambaTool(place.root, prefix, [...args, `--configfile=${configuration}`, ...ADMINISTRATOR]);
  const name = place.name.toLowerCase();
  const target = `${name}.${domain.dnsName} 389 0 100`;
  const zone = `_msdcs.${domain.dnsName}`;
  await tool(['dns', 'add', first.place.address, domain.dnsName, name, 'A', place.address]);
  await tool(['dns', 'add', first.place.address, zone, '_ldap._tcp.dc', 'SRV', target]);
  await tool(['dns', 'add', first.place.address, zone, `_ldap._tcp.${site}._sites.dc`, 'SRV', target]);
}

async function sambaTool(root: string, prefix: readonly string[], args: readonly string[]): Promise<void> {
  const [program = '', ...rest] = [...prefix, 'samba-tool', ...args];
  try {
    await run(program, rest, { env: sambaEnvironment(root), timeout: 120_000 });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`samba-tool ${args.slice(0, 2).join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}`, {
      cause: error,
    });
  }
}

/** The loopback address after `address`. */
function nextAddress(address: string): string {
  const parts = address.split('.');
  return [...parts.slice(0, 3), Number(parts[3]) + 1].join('.');
}
