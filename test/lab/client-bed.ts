// A bed for real client programs: a network, mount and process namespace of their own, with its own ports 443 and 80, hosts
// file, DNS server and trusted authorities. Clients of Autodiscover insist on those ports and on names made from the mail
// domain; nothing of it touches the machine, and everything in it ends with it. Needs root and the packages of [bed].
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CertificateAuthority, makeCertificateAuthority } from './certificates.ts';
import { endProcess, startProcess, whenProcessEnds } from './processes.ts';

export type DnsRecord =
  | { readonly type: 'A'; readonly name: string; readonly address: string }
  | { readonly type: 'CNAME'; readonly name: string; readonly target: string }
  | { readonly type: 'SRV'; readonly name: string; readonly target: string; readonly port: number };

export type BedOptions = {
  /** Name to address; in the hosts file and in DNS. Any 127.0.0.0/8 address works, and BED_ADDRESS. */
  readonly hosts: Readonly<Record<string, string>>;
  /** Further records, in DNS only. Every other name does not exist. */
  readonly dnsRecords?: readonly DnsRecord[];
  /** Authority that the bed trusts besides the machine's; a new one, `authority` of the bed, when not given. */
  readonly caFile?: string;
};

/** An address of the bed outside 127/8: clients that resolve by AI_ADDRCONFIG find no names on a host that has only loopback. */
export const BED_ADDRESS = '10.99.0.1';

export type Outcome = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The last line of standard output, where it is JSON: what the drivers in clients/ print. */
  readonly report: unknown;
};

export type RunOptions = {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Milliseconds; 60,000 by default. */
  readonly timeout?: number;
};

export type BedService = { readonly process: ChildProcess; log(): string; stop(): Promise<void> };

export type Bed = {
  /** Program and arguments that run a command inside; for startSambaLab's `prefix`. */
  readonly prefix: readonly string[];
  /** Scratch folder, and home of everything that runs inside. */
  readonly home: string;
  /** The authority that was made for the bed, to issue certificates from; not trusted where `caFile` was given. */
  readonly authority: CertificateAuthority;
  readonly caFile: string;
  /** The machine's authorities and the bed's in one file. */
  readonly caBundle: string;
  /** Runs a command inside to its end; a timeout kills it and shows as `signal`. */
  run(command: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** Starts a server inside and resolves when the bed listens on all `ports`; rejects with its log when it ends before. */
  start(command: readonly string[], ports: readonly number[], options?: RunOptions): Promise<BedService>;
  /** Ends everything inside and removes the scratch folder. */
  close(): Promise<void>;
};

/** Makes a bed; close() it. It also ends with this process, however that ends. */
export async function openBed(options: BedOptions): Promise<Bed> {
  const home = mkdtempSync(join(tmpdir(), 'bed-'));
  const guard = whenProcessEnds(() => rmSync(home, { recursive: true, force: true }));
  const authority = makeCertificateAuthority(join(home, 'authority'));
  const caFile = options.caFile ?? authority.certificate;
  const caBundle = writeFiles(home, options, caFile);
  const log = join(home, 'bed.log');
  const holder = startProcess([...CONTAINED, 'sh', '-c', SETUP, 'bed', home], log);
  const close = async () => {
    await endProcess(holder);
    rmSync(home, { recursive: true, force: true, maxRetries: 3 });
    guard.forget();
  };
  try {
    await until(
      () => existsSync(join(home, 'ready')),
      holder,
      () => `cannot make the bed:\n${readFileSync(log, 'utf8')}`,
    );
  } catch (error) {
    await close();
    throw error;
  }
  const first = firstProcess(holder);
  const inside = ['nsenter', `--target=${first}`, '--net', '--mount', '--pid', '--', 'env', '-C', process.cwd()];
  const environment = (more: RunOptions['env']) => ({ ...clientEnvironment(home, caFile, caBundle), ...more });
  const services: ChildProcess[] = [];
  return {
    prefix: inside,
    home,
    authority,
    caFile,
    caBundle,
    close: async () => {
      for (const child of services) await endProcess(child);
      await close();
    },
    run: (command, more = {}) => runCommand([...inside, ...command], environment(more.env), more),
    start: async (command, ports, more = {}) => {
      const file = join(home, `service-${services.length + 1}.log`);
      const child = startProcess([...inside, ...command], file, { env: environment(more.env) });
      services.push(child);
      if (more.input !== undefined) child.stdin?.end(more.input);
      const words = () => readFileSync(file, 'utf8');
      await until(
        () => ports.every((port) => listens(first, port)),
        child,
        () => `${command.join(' ')} failed:\n${words()}`,
      );
      return { process: child, log: words, stop: () => endProcess(child) };
    },
  };
}

export type BedRun = BedOptions & {
  /** Started before the commands; they run when all its ports listen. */
  readonly server: {
    readonly command: readonly string[];
    readonly ports: readonly number[];
    readonly env?: RunOptions['env'];
  };
  readonly commands: readonly { readonly command: readonly string[]; readonly options?: RunOptions }[];
};

/** One server and its clients in a bed of their own, one command after the other; the outcomes are in the commands' order. */
export async function runInBed({
  server,
  commands,
  ...options
}: BedRun): Promise<{ outcomes: Outcome[]; serverLog: string }> {
  const bed = await openBed(options);
  try {
    const service = await bed.start(server.command, server.ports, server.env === undefined ? {} : { env: server.env });
    const outcomes: Outcome[] = [];
    for (const { command, options: more } of commands) outcomes.push(await bed.run(command, more));
    return { outcomes, serverLog: service.log() };
  } finally {
    await bed.close();
  }
}

/** The bed's first process ends when our end of its input closes; the kernel then ends everything else inside. */
const CONTAINED = [
  ...['setpriv', '--pdeathsig', 'KILL'],
  ...['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'],
];

const SETUP = `set -e
ip link set lo up
ip address add ${BED_ADDRESS}/32 dev lo
mount --bind "$1/hosts" /etc/hosts
mount --bind "$1/resolv.conf" /etc/resolv.conf
mount --bind "$1/bundle.pem" /etc/ssl/certs/ca-certificates.crt
dnsmasq --conf-file="$1/dnsmasq.conf"
touch "$1/ready"
cat >/dev/null`;

function writeFiles(home: string, { hosts, dnsRecords = [] }: BedOptions, caFile: string): string {
  const entries = Object.entries(hosts);
  writeFileSync(
    join(home, 'hosts'),
    ['127.0.0.1 localhost', ...entries.map(([name, to]) => `${to} ${name}`), ''].join('\n'),
  );
  writeFileSync(join(home, 'resolv.conf'), 'nameserver 127.0.0.1\n');
  const records = [...entries.map(([name, address]) => ({ type: 'A', name, address }) as const), ...dnsRecords];
  const settings = [
    ...[
      'port=53',
      'listen-address=127.0.0.1',
      'bind-interfaces',
      'no-hosts',
      'no-resolv',
      'user=root',
      `pid-file=${home}/dnsmasq.pid`,
    ],
    // Names without a record do not exist; without this the answer would be "refused", which clients take for an outage.
    'address=/#/',
    ...records.map(dnsmasqRecord),
  ];
  writeFileSync(join(home, 'dnsmasq.conf'), `${settings.join('\n')}\n`);
  const bundle = join(home, 'bundle.pem');
  const system = '/etc/ssl/certs/ca-certificates.crt';
  writeFileSync(bundle, `${existsSync(system) ? readFileSync(system, 'utf8') : ''}\n${readFileSync(caFile, 'utf8')}`);
  mkdirSync(join(home, 'tmp'));
  return bundle;
}

function dnsmasqRecord(record: DnsRecord): string {
  switch (record.type) {
    case 'A':
      return `host-record=${record.name},${record.address}`;
    case 'CNAME':
      return `cname=${record.name},${record.target}`;
    case 'SRV':
      return `srv-host=${record.name},${record.target},${record.port}`;
  }
}

/** No proxy and no configuration of the user's; our authority for the programs that do not read the machine's bundle. */
function clientEnvironment(home: string, caFile: string, bundle: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: home,
    TMPDIR: join(home, 'tmp'),
    LANG: 'C.UTF-8',
    NODE_EXTRA_CA_CERTS: caFile,
    REQUESTS_CA_BUNDLE: bundle,
    SSL_CERT_FILE: bundle,
  };
}

/** Polls `done`; rejects with `complaint` when the process ends first or 30 s pass. */
async function until(done: () => boolean, child: ChildProcess, complaint: () => string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!done()) {
    const ended = child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
    if (ended || Date.now() > deadline) throw new Error(complaint());
    await sleep(20);
  }
}

/** Id, outside, of the process that is number one inside. */
function firstProcess({ pid }: ChildProcess): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return Number(children[0]);
}

/** Whether the bed has a listener on the port (state 0A of /proc/net/tcp). */
function listens(first: number, port: number): boolean {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['tcp', 'tcp6'].some((table) =>
    readFileSync(`/proc/${first}/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .some(([, local, , state]) => local?.endsWith(suffix) && state === '0A'),
  );
}

function runCommand(command: readonly string[], env: NodeJS.ProcessEnv, options: RunOptions): Promise<Outcome> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        output[stream] += text;
      });
    }
    const killer = setTimeout(
      () => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'),
      options.timeout ?? 60_000,
    );
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(killer);
      resolve({ code, signal, ...output, report: lastJson(output.stdout) });
    });
    child.stdin.on('error', () => undefined); // a program that does not read its input
    child.stdin.end(options.input ?? '');
  });
}

function lastJson(text: string): unknown {
  try {
    return JSON.parse(text.trim().split('\n').at(-1) ?? '');
  } catch {
    return undefined;
  }
}
