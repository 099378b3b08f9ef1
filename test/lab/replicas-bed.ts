// Two instances of the service behind a real HAProxy, with the configurations that docs/deployment.md prints, and clients that keep asking.
import { type ChildProcess, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { RUNNING, serverStates } from '../../src/admin/balancer/maintenance.ts';
import { type Runtime, runtimeSocket } from '../../src/admin/balancer/runtime-socket.ts';
import type { EmbeddedDirectory } from '../../src/ldap/embedded/server.ts';
import { basic, POX_PATH, poxBody } from '../autodiscover/bed.ts';
import { type ServiceProcess, startServiceProcess } from '../helpers/service-process.ts';
import { PASSWORD, startController } from '../ldap/demo-organization.ts';
import { issueCertificate, makeCertificateAuthority } from './certificates.ts';
import { endProcess, startProcess } from './processes.ts';

export const HOST = 'autodiscover.contoso.test';
export const BALANCER = '127.0.71.10';
const INSTANCES = { ad1: '127.0.71.11', ad2: '127.0.71.12' } as const;
export type InstanceName = keyof typeof INSTANCES;
const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'deployment.md');

/** The configuration under a heading of docs/deployment.md, with the bed's addresses and files in place of the page's. */
function documented(heading: string, places: Readonly<Record<string, string>>): string {
  const section = readFileSync(PAGE, 'utf8').split(`\n### ${heading}\n`)[1] ?? '';
  let text = /```haproxy\n([\s\S]*?)```/.exec(section)?.[1] ?? '';
  for (const [from, to] of Object.entries(places)) {
    if (!text.includes(from) && !from.endsWith('autodiscover.pem')) throw new Error(`${heading}: no ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

export interface ReplicasBed {
  readonly ca: string;
  readonly caFile: string;
  readonly runtime: Runtime;
  /** What `haproxy -c` says. */
  readonly complaints: string;
  /** The one domain controller of each instance; both have the demo organisation. */
  readonly controllers: Readonly<Record<InstanceName, EmbeddedDirectory>>;
  instance(name: InstanceName): ServiceProcess;
  /** Starts it anew, with as many workers as before or the given number, and waits until HAProxy uses it. */
  start(name: InstanceName, workers?: number): Promise<void>;
  /** Waits until HAProxy uses the instance before all others (or not). */
  seen(name: InstanceName, running: boolean): Promise<void>;
  close(): Promise<void>;
}

/** `workers` of the first instance; the second has one. */
export async function openReplicasBed(
  heading: string,
  { listen, workers = 1 }: { readonly listen: object; readonly workers?: number },
): Promise<ReplicasBed> {
  const folder = mkdtempSync(join(tmpdir(), 'replicas-'));
  const authority = makeCertificateAuthority(folder);
  const web = issueCertificate(authority, folder, 'web', [HOST]);
  const combined = join(folder, 'combined.pem');
  writeFileSync(combined, readFileSync(web.certificate, 'utf8') + readFileSync(web.key, 'utf8'), { mode: 0o600 });
  const ticketKeyFile = join(folder, 'ticket.key');
  writeFileSync(ticketKeyFile, randomBytes(48), { mode: 0o600 });
  const controllers = { ad1: await startController(), ad2: await startController() };
  const running = new Map<InstanceName, ServiceProcess>();
  const socket = join(folder, 'admin.sock');
  const config = join(folder, 'haproxy.cfg');
  writeFileSync(
    config,
    documented(heading, {
      // Two file descriptors for each connection; a test machine may not have them.
      'maxconn 20000': 'maxconn 1000',
      '192.0.2.10': BALANCER,
      '192.0.2.11': INSTANCES.ad1,
      '192.0.2.12': INSTANCES.ad2,
      '/run/haproxy/admin.sock': socket,
      '/etc/haproxy/ca.pem': authority.certificate,
      '/etc/haproxy/autodiscover.pem': combined,
    }),
  );
  const checked = execFileSync('sh', ['-c', 'haproxy -c -f "$1" 2>&1', 'sh', config], { encoding: 'utf8' });
  const launch = async (name: InstanceName, count = name === 'ad1' ? workers : 1) => {
    const instance = startServiceProcess(
      controllers[name].url,
      { folder, name, certificates: [{ certificateFile: web.certificate, keyFile: web.key }] },
      {
        listen: {
          https: `${INSTANCES[name]}:443`,
          // HAProxy asks from whichever loopback address the kernel picks.
          trustedProxies: ['127.0.0.1', BALANCER],
          drainSeconds: 3,
          workers: count,
          ...listen,
        },
        tls: { ticketKeyFile },
        // Every request asks the directory while there is one, so that an outage begins with the first one after it.
        directory: { recipientSeconds: 0 },
        authentication: { cacheSeconds: 0, failures: { sharedBy: 2 } },
      },
    );
    running.set(name, instance);
    await instance.ready;
  };
  let haproxy: ChildProcess | undefined;
  const close = async () => {
    if (haproxy) await endProcess(haproxy);
    for (const { child, ended } of running.values()) {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    }
    for (const controller of Object.values(controllers)) await controller.close();
    rmSync(folder, { recursive: true });
  };
  const runtime = runtimeSocket(socket);
  const seen = async (name: InstanceName, is: boolean) => {
    for (let tries = 0; tries < 200; tries++) {
      const states = await serverStates(runtime).catch(() => []);
      const used = states.find(({ backend, server }) => backend === 'autodiscover' && server === name);
      if (used && (used.operationalState === RUNNING) === is) return;
      await sleep(50);
    }
    throw new Error(`HAProxy does not see ${name} as ${is ? 'running' : 'stopped'}`);
  };
  try {
    await Promise.all([launch('ad1'), launch('ad2')]);
    haproxy = startProcess(['haproxy', '-db', '-f', config], join(folder, 'haproxy.log'));
    await Promise.all([seen('ad1', true), seen('ad2', true)]);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    ca: readFileSync(authority.certificate, 'utf8'),
    caFile: authority.certificate,
    runtime,
    complaints: checked.replace(/^.*\[NOTICE\].*\n/gm, '').replace('Configuration file is valid\n', ''),
    controllers,
    instance: (name) => {
      const instance = running.get(name);
      if (!instance) throw new Error(`${name} was not started`);
      return instance;
    },
    async start(name, count) {
      await launch(name, count);
      await seen(name, true);
    },
    seen,
    close,
  };
}

/** A process that is killed may accept for some milliseconds while the kernel closes its connections one by one. */
const MOMENT_MS = 250;

export interface Counts {
  done: number;
  failed: number;
  /** Failures of the client that had most. */
  worst: number;
  /** Requests whose connection broke before a byte of the answer, and which were therefore sent once more. */
  repeated: number;
  /** Handshakes of clients that had a session, and how many of them were resumed. */
  returned: number;
  resumed: number;
  readonly faults: string[];
}

/**
 * Clients that ask one request after the other until told to stop: half of them on a new connection each time with the session of the
 * last, half on one connection as long as it lasts. None asks twice, except with `repeating`: then once more on a new connection where one
 * broke before a byte of the answer, as a client may whose requests change nothing (RFC 9110, 9.2.2). Whoever had no answer waits a moment.
 */
export function keepAsking(
  ca: string,
  clients: number,
  { repeating = false } = {},
): { readonly counts: Counts; stop(): Promise<Counts> } {
  const counts: Counts = { done: 0, failed: 0, worst: 0, repeated: 0, returned: 0, resumed: 0, faults: [] };
  let going = true;
  const client = async (n: number) => {
    const agent = n % 2 === 0 ? new Agent({ keepAlive: true, maxSockets: 1 }) : undefined;
    let session: Buffer | undefined;
    let failed = 0;
    const visitOnce = async () => {
      const visit = await ask(ca, { localAddress: `127.0.71.${100 + n}`, agent, session });
      counts.done += 1;
      if (visit.opened && session) counts.returned += 1;
      if (visit.opened && session && visit.resumed) counts.resumed += 1;
      session = visit.session;
      if (!visit.hasSettings) throw new Error(`HTTP ${visit.status}, no settings`);
    };
    while (going) {
      try {
        await visitOnce().catch(async (error: Error) => {
          if (!repeating || !(error instanceof BrokenConnection)) throw error;
          counts.repeated += 1;
          await sleep(MOMENT_MS);
          return visitOnce();
        });
      } catch (error) {
        counts.failed += 1;
        counts.faults.push((error as Error).message);
        failed += 1;
        counts.worst = Math.max(counts.worst, failed);
        await sleep(MOMENT_MS);
      }
      await sleep(5);
    }
    agent?.destroy();
  };
  const all = Array.from({ length: clients }, (_, n) => client(n));
  return {
    counts,
    async stop() {
      going = false;
      await Promise.all(all);
      return counts;
    },
  };
}

export interface Visit {
  readonly status: number;
  /** False when the answer is an error, with whatever status. */
  readonly hasSettings: boolean;
  /** True when this request opened its connection. */
  readonly opened: boolean;
  readonly resumed: boolean;
  readonly session: Buffer | undefined;
}

/** The connection ended before a byte of the answer. */
export class BrokenConnection extends Error {}

/** One request of `user`@contoso.test about the own mailbox. */
export function ask(
  ca: string,
  options: {
    readonly localAddress: string;
    readonly user?: string;
    readonly agent?: Agent | undefined;
    readonly session?: Buffer | undefined;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<Visit> {
  const { localAddress, user = 'alice', agent, session, headers = {} } = options;
  const name = `${user}@contoso.test`;
  return new Promise((resolve, reject) => {
    let latest = session;
    let opened = false;
    const sending = request(
      {
        host: BALANCER,
        port: 443,
        servername: HOST,
        localAddress,
        ca,
        agent: agent ?? false,
        ...(session ? { session } : {}),
        method: 'POST',
        path: POX_PATH,
        headers: { Host: HOST, 'Content-Type': 'text/xml', authorization: basic(name, PASSWORD), ...headers },
        timeout: 20_000,
      },
      (response) => {
        const resumed = (response.socket as TLSSocket).isSessionReused();
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        response.on('error', reject);
        response.on('end', () => {
          const status = response.statusCode ?? 0;
          const hasSettings = status === 200 && body.includes('<Action>settings</Action>');
          resolve({ status, hasSettings, opened, resumed, session: latest });
        });
      },
    );
    sending.on('socket', (socket: TLSSocket) => {
      opened = !sending.reusedSocket;
      if (!opened) return;
      socket.on('session', (given: Buffer) => {
        latest = given;
      });
    });
    sending.on('timeout', () => sending.destroy(new Error('no answer')));
    // After the first byte of an answer the response tells of it.
    sending.on('error', ({ message, code }: NodeJS.ErrnoException) =>
      reject(code === 'ECONNRESET' || code === 'EPIPE' ? new BrokenConnection(message) : new Error(message)),
    );
    sending.end(poxBody({ address: name }));
  });
}
