// HAProxy with a generated configuration in front of Client Access stand-ins, all on loopback addresses, with a DNS of their own.
import { type ChildProcess, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BalancerPlan, renderHaproxy, type WebPlan } from '../../src/admin/balancer/haproxy-config.ts';
import { serverStates } from '../../src/admin/balancer/maintenance.ts';
import { type Runtime, runtimeSocket } from '../../src/admin/balancer/runtime-socket.ts';
import { type CertificateAuthority, issueCertificate, makeCertificateAuthority } from './certificates.ts';
import { endProcess, signalGroup, startProcess } from './processes.ts';

export const VIRTUAL_ADDRESS = '127.0.61.10';
export const RPC_PORT = 59531;
export const ADDRESS_BOOK_PORT = 59532;
export const MEMBERS = [
  { name: 'sea-cas1', fqdn: 'sea-cas1.contoso.test', address: '127.0.61.11' },
  { name: 'sea-cas2', fqdn: 'sea-cas2.contoso.test', address: '127.0.61.12' },
] as const;
export type MemberName = (typeof MEMBERS)[number]['name'];
/** The lab's DNS server, which knows the names and nothing else. */
export const DNS = '127.0.61.53';
export const WEB_HOST = 'mail.contoso.test';

export interface HaproxyBed {
  readonly root: string;
  readonly runtime: Runtime;
  /** Path of the runtime socket. */
  readonly socket: string;
  /** Path of the configuration. */
  readonly config: string;
  readonly authority: CertificateAuthority;
  readonly webCertificate: { readonly certificate: string; readonly key: string };
  /** What precedes a command that is to see the lab's names. */
  readonly inLab: readonly string[];
  /** What `haproxy -c` prints; empty when it has nothing to say but that the file is valid. */
  readonly complaints: string;
  startMember(name: MemberName): Promise<void>;
  /** SIGKILL: no word of farewell to anybody. */
  killMember(name: MemberName): Promise<void>;
  /** Waits until HAProxy sees the member as running (or not). */
  seen(name: string, running: boolean): Promise<void>;
  stop(): Promise<void>;
}

/** `webOf` makes the plan for 443 from the bed's own authority. `names` are further lines for the DNS, `address name`. */
export async function startHaproxyBed(
  webOf: (bed: { authority: CertificateAuthority; combined: string }) => WebPlan = () => ({ kind: 'pass-through' }),
  names: readonly string[] = [],
): Promise<HaproxyBed> {
  const root = mkdtempSync(join(tmpdir(), 'haproxy-bed-'));
  const processes: ChildProcess[] = [];
  const members = new Map<string, ChildProcess>();
  const authority = makeCertificateAuthority(root);
  const webCertificate = issueCertificate(authority, root, 'web', [WEB_HOST, 'autodiscover.contoso.test']);
  const combined = join(root, 'combined.pem');
  execFileSync('sh', ['-c', 'cat "$1" "$2" > "$3"', 'sh', webCertificate.certificate, webCertificate.key, combined]);
  const hosts = join(root, 'hosts');
  writeFileSync(
    hosts,
    [...MEMBERS.map(({ address, fqdn }) => `${address} ${fqdn}`), ...names, '127.0.0.1 localhost', ''].join('\n'),
  );
  const socket = join(root, 'admin.sock');
  const plan: BalancerPlan = {
    array: 'outlook-sea.contoso.test',
    members: MEMBERS,
    rpcPort: RPC_PORT,
    addressBookPort: ADDRESS_BOOK_PORT,
    bind: VIRTUAL_ADDRESS,
    socket,
    resolvers: [`${DNS}:53`],
    maxConnections: 2000,
    web: webOf({ authority, combined }),
  };
  const config = join(root, 'haproxy.cfg');
  writeFileSync(config, renderHaproxy(plan));
  // HAProxy asks libc first, so the lab's names are in the hosts file of its own mount namespace.
  const inLab = ['unshare', '-m', 'sh', '-c', 'mount --bind "$1" /etc/hosts && shift && exec "$@"', 'sh', hosts];
  const dnsmasq = [
    'dnsmasq',
    '--keep-in-foreground',
    '--no-resolv',
    '--no-hosts',
    '--bind-interfaces',
    '--local=/contoso.test/',
    '--conf-file=/dev/null',
  ];
  processes.push(
    startProcess(
      [...dnsmasq, `--listen-address=${DNS}`, `--addn-hosts=${hosts}`, '--pid-file=', '--user=root'],
      join(root, 'dnsmasq.log'),
    ),
  );
  const startMember = async (name: MemberName) => {
    const member = MEMBERS.find((known) => known.name === name);
    if (member === undefined) throw new Error(name);
    const script = join(import.meta.dirname, 'client-access-stand-in.ts');
    const words = [name, member.address, String(RPC_PORT), String(ADDRESS_BOOK_PORT)];
    members.set(
      name,
      startProcess(
        [process.execPath, script, ...words, webCertificate.certificate, webCertificate.key],
        join(root, `${name}.log`),
      ),
    );
    await listening(member.address, ADDRESS_BOOK_PORT);
    await listening(member.address, 443);
  };
  await Promise.all(MEMBERS.map(({ name }) => startMember(name)));
  const checked = execFileSync('sh', ['-c', '"$@" 2>&1', 'sh', ...inLab, 'haproxy', '-c', '-f', config], {
    encoding: 'utf8',
  });
  const complaints = checked.replace(/^.*\[NOTICE\].*\n/gm, '').replace('Configuration file is valid\n', '');
  processes.push(startProcess([...inLab, 'haproxy', '-db', '-f', config], join(root, 'haproxy.log')));
  await listening(VIRTUAL_ADDRESS, RPC_PORT);
  const runtime = runtimeSocket(socket);
  const seen = async (name: string, running: boolean) => {
    for (let tries = 0; tries < 150; tries++) {
      const own = (await serverStates(runtime)).filter(({ server }) => server === name);
      if (own.length > 0 && own.every(({ operationalState }) => (operationalState === 2) === running)) return;
      await sleep(100);
    }
    throw new Error(`HAProxy does not see ${name} as ${running ? 'running' : 'stopped'}`);
  };
  return {
    root,
    runtime,
    socket,
    config,
    inLab,
    authority,
    webCertificate,
    complaints,
    startMember,
    async killMember(name) {
      const child = members.get(name);
      if (child === undefined) throw new Error(`${name} was not started`);
      const gone = new Promise((resolve) => child.once('exit', resolve));
      signalGroup(child, 'SIGKILL');
      await gone;
    },
    seen,
    async stop() {
      for (const child of [...members.values(), ...processes.reverse()]) await endProcess(child);
      rmSync(root, { recursive: true });
    },
  };
}

async function listening(host: string, port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const connected = await new Promise<boolean>((resolve) => {
      const socket = connect(port, host, () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (connected) return;
    await sleep(50);
  }
  throw new Error(`nothing listens on ${host}:${port}`);
}
