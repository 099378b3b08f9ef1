// What the checks look at around a domain controller, real and on loopback addresses: a DNS server, Client Access servers and arrays that
// answer as endpoint mappers on 135 and listen on their RPC ports, a web server with a certificate per name. And the program itself, run
// with that DNS server as its only resolver. The addresses follow the controller's.
import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { startEndpointMapper, startSilentService } from '../../src/admin/demo/endpoint-mapper-stand-in.ts';
import { EXCHANGE_INTERFACES } from '../../src/autodiscover/client/endpoint-mapper.ts';
import { issueCertificate, makeCertificateAuthority } from './certificates.ts';
import { endProcess, startProcess } from './processes.ts';

/** The last part of each address, counted from the controller's. */
const OFFSETS = {
  'dc2.contoso.test': 1,
  'sea-cas1.contoso.test': 2,
  'sea-cas2.contoso.test': 3,
  'dub-cas1.contoso.test': 4,
  'outlook-sea.contoso.test': 5,
  'outlook-dub.contoso.test': 6,
  'mail.contoso.test': 7,
  'mail-sea.contoso.test': 7,
  'mail-dub.contoso.test': 7,
  'autodiscover-seattle.contoso.test': 7,
  'autodiscover-dublin.contoso.test': 7,
  'autodiscover.contoso.test': 8,
} as const;
export type LabName = keyof typeof OFFSETS;

export const RPC_PORT = 59531;
export const ADDRESS_BOOK_PORT = 59532;
/** Names behind which endpoint mappers stand. */
const RPC_HOSTS = [
  'sea-cas1.contoso.test',
  'sea-cas2.contoso.test',
  'dub-cas1.contoso.test',
  'outlook-sea.contoso.test',
  'outlook-dub.contoso.test',
] as const satisfies readonly LabName[];
export type RpcHost = (typeof RPC_HOSTS)[number];

const WEB_HOSTS = (Object.keys(OFFSETS) as LabName[]).filter((name) => OFFSETS[name] >= 7);

/** Kinds of certificate that a web host can be given. */
export type WebCertificate = 'good' | 'wrong-name' | 'foreign-authority' | 'expired' | 'ends-soon';

export interface ProgramRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DoctorBed {
  readonly root: string;
  /** Authority of the web's certificates. */
  readonly caFile: string;
  /** A certificate with every web name, and its key. */
  readonly web: { readonly certificate: string; readonly key: string };
  addressOf(name: LabName): string;
  /** Gives names other addresses in the DNS; `undefined` takes one away. Names that are not mentioned are as they should be. */
  setNames(changes: Partial<Record<LabName, string | undefined>>): Promise<void>;
  setCertificate(name: LabName, kind: WebCertificate): void;
  /** Ends what listens for RPC there and starts it with these ports; `undefined` leaves it ended. */
  setRpc(host: RpcHost, ports: { readonly rpc: number; readonly book: number } | undefined): Promise<void>;
  /** Runs `autodiscover` with the bed's DNS and nothing else to resolve names. */
  autodiscover(...args: readonly string[]): Promise<ProgramRun>;
  /** The same for a line as an administrator would paste it into a shell; `words` are put behind its words. */
  paste(line: string, ...words: readonly string[]): Promise<ProgramRun>;
  stop(): Promise<void>;
}

/** `controller` is the domain controller's address; the next eight are used. */
export async function startDoctorBed(controller: string): Promise<DoctorBed> {
  const root = mkdtempSync(join(tmpdir(), 'doctor-bed-'));
  const addressAt = (offset: number) => controller.replace(/\d+$/, (last) => String(Number(last) + offset));
  const dns = addressAt(8);
  const closes: (() => Promise<void>)[] = [async () => rmSync(root, { recursive: true, force: true, maxRetries: 3 })];
  const stop = async () => {
    for (const close of closes.splice(0).reverse()) await close();
  };
  try {
    const names = nameServer(root, dns, addressAt);
    closes.push(() => names.stop());
    const web = await startWeb(root, addressAt(OFFSETS['mail.contoso.test']));
    closes.push(() => web.close());
    const rpc = new Map<RpcHost, () => Promise<void>>();
    const setRpc: DoctorBed['setRpc'] = async (host, ports) => {
      await rpc.get(host)?.();
      rpc.delete(host);
      if (ports !== undefined) rpc.set(host, await startRpc(addressAt(OFFSETS[host]), ports));
    };
    closes.push(async () => {
      for (const close of rpc.values()) await close();
    });
    await Promise.all(RPC_HOSTS.map((host) => setRpc(host, { rpc: RPC_PORT, book: ADDRESS_BOOK_PORT })));
    await names.set({});
    return {
      root,
      caFile: web.caFile,
      web: web.files,
      addressOf: (name) => addressAt(OFFSETS[name]),
      setNames: (changes) => names.set(changes),
      setCertificate: (name, kind) => web.use(name, kind),
      setRpc,
      autodiscover: (...args) => runProgram(root, [...names.prefix, ...PROGRAM, ...args]),
      paste: (line, ...words) => {
        const script = `autodiscover() { command "$NODE" "$PROGRAM" "$@"; }\n${line} "$@"`;
        const [node = '', program = ''] = PROGRAM;
        const environment = ['env', `NODE=${node}`, `PROGRAM=${program}`];
        return runProgram(root, [...names.prefix, ...environment, 'sh', '-c', script, 'sh', ...words]);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function nameServer(root: string, address: string, addressAt: (offset: number) => string) {
  const hosts = join(root, 'hosts');
  const empty = join(root, 'empty');
  const resolver = join(root, 'resolv.conf');
  writeFileSync(empty, '127.0.0.1 localhost\n');
  writeFileSync(resolver, `nameserver ${address}\noptions timeout:2 attempts:2\n`);
  // The names come from DNS alone: the machine's hosts file and resolver are out of sight of what runs behind this.
  const mounts = 'mount --bind "$1" /etc/resolv.conf && mount --bind "$2" /etc/hosts && shift 2 && exec "$@"';
  const prefix = ['unshare', '-m', 'sh', '-c', mounts, 'sh', resolver, empty];
  let running: ChildProcess | undefined;
  const stop = async () => {
    if (running) await endProcess(running);
    running = undefined;
  };
  return {
    prefix,
    stop,
    async set(changes: Partial<Record<LabName, string | undefined>>) {
      await stop();
      const lines = (Object.keys(OFFSETS) as LabName[]).flatMap((name) => {
        const where = name in changes ? changes[name] : addressAt(OFFSETS[name]);
        return where === undefined ? [] : [`${where} ${name}`];
      });
      writeFileSync(hosts, `${lines.join('\n')}\n`);
      const settings = ['--keep-in-foreground', '--no-resolv', '--no-hosts', '--conf-file=/dev/null', '--pid-file='];
      // Names without a record do not exist.
      const place = ['--bind-interfaces', `--listen-address=${address}`, '--user=root', '--local=/#/'];
      running = startProcess(['dnsmasq', ...settings, ...place, `--addn-hosts=${hosts}`], join(root, 'dnsmasq.log'));
      for (let tries = 0; tries < 200; tries++) {
        if (await listensOnDns(address)) return;
        await sleep(20);
      }
      throw new Error(`dnsmasq does not answer on ${address}:\n${readFileSync(join(root, 'dnsmasq.log'), 'utf8')}`);
    },
  };
}

/** Whether somebody has the address's UDP port 53, as the kernel sees it: asking would have to wait for a time-out. */
async function listensOnDns(address: string): Promise<boolean> {
  const local = address
    .split('.')
    .reverse()
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();
  return readFileSync('/proc/net/udp', 'utf8').includes(`${local}:0035 `);
}

async function startWeb(root: string, address: string) {
  const folder = join(root, 'web');
  const authority = makeCertificateAuthority(folder);
  const foreign = makeCertificateAuthority(join(root, 'foreign'));
  mkdirSync(folder, { recursive: true });
  const files = issueCertificate(authority, folder, 'good', WEB_HOSTS);
  const made: Record<WebCertificate, { certificate: string; key: string }> = {
    good: files,
    'wrong-name': issueCertificate(authority, folder, 'wrong-name', ['other.contoso.test']),
    'foreign-authority': issueCertificate(foreign, folder, 'foreign-authority', WEB_HOSTS),
    expired: issueCertificate(authority, folder, 'expired', WEB_HOSTS, -1),
    'ends-soon': issueCertificate(authority, folder, 'ends-soon', WEB_HOSTS, 10),
  };
  const pem = (kind: WebCertificate) => ({
    cert: readFileSync(made[kind].certificate),
    key: readFileSync(made[kind].key),
  });
  const contexts = new Map<string, SecureContext>();
  const answer: RequestListener = ({ url = '' }, response) => {
    const known = /^\/(?:autodiscover|ews|oab|owa|ecp|rpc|microsoft-server-activesync)(?:\/|$)/i.test(url);
    response.writeHead(known ? 401 : 404, known ? { 'WWW-Authenticate': 'Negotiate' } : {}).end();
  };
  const byName = (name: string, done: (error: Error | null, context?: SecureContext) => void) =>
    done(null, contexts.get(name));
  const servers = [
    createHttps({ ...pem('good'), SNICallback: byName }, answer).listen(443, address),
    // Offline address books are published without TLS.
    createHttp(answer).listen(80, address),
  ];
  await Promise.all(servers.map((server) => once(server, 'listening')));
  return {
    files,
    caFile: authority.certificate,
    use: (name: string, kind: WebCertificate) => void contexts.set(name, createSecureContext(pem(kind))),
    async close() {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
      await Promise.all(servers.map((server) => once(server, 'close')));
    },
  };
}

async function startRpc(host: string, ports: { readonly rpc: number; readonly book: number }) {
  const { EMSMDB, RFR, NSPI } = EXCHANGE_INTERFACES;
  const registered = [
    { ...EMSMDB, port: ports.rpc },
    { ...RFR, port: ports.book },
    { ...NSPI, port: ports.book },
  ];
  const parts = await Promise.all([
    startEndpointMapper(registered, { host, port: 135 }),
    startSilentService(host, ports.rpc),
    startSilentService(host, ports.book),
  ]);
  return async () => {
    for (const part of parts) await part.close();
  };
}

const PROGRAM = [process.execPath, join(import.meta.dirname, '..', '..', 'src', 'cli', 'autodiscover.ts')];

function runProgram(root: string, [program = '', ...rest]: readonly string[]): Promise<ProgramRun> {
  // Half of a run's time would be reading the same sources again.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(root, 'compiled') };
  return new Promise((resolve, reject) => {
    const child = execFile(program, rest, { env, timeout: 60_000, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (typeof code === 'number') resolve({ code, stdout, stderr });
      else reject(new Error(`${rest.join(' ')}: ${error?.message}\n${stderr}`));
    });
    child.stdin?.end();
  });
}
