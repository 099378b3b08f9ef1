// Two instances of the service behind a real HAProxy, with the configurations that docs/deployment.md prints, and clients that keep asking.
import { type ChildProcess, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { serverStates } from '../../src/admin/balancer/maintenance.ts';
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
  readonly controller: EmbeddedDirectory;
  instance(name: InstanceName): ServiceProcess;
  /** Starts it anew and waits until HAProxy uses it. */
  start(name: InstanceName): Promise<void>;
  /** Waits until HAProxy sees the instance as running (or not). */
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
  const controller = await startController();
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
  const launch = async (name: InstanceName) => {
    const instance = startServiceProcess(
      controller.url,
      { folder, name, certificates: [{ certificateFile: web.certificate, keyFile: web.key }] },
      {
        listen: {
          https: `${INSTANCES[name]}:443`,
          // HAProxy asks from whichever loopback address the kernel picks.
          trustedProxies: ['127.0.0.1', BALANCER],
          drainSeconds: 3,
          workers: name === 'ad1' ? workers : 1,
          ...listen,
        },
        tls: { ticketKeyFile },
        authentication: { failures: { sharedBy: 2 } },
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
    await controller.close();
    rmSync(folder, { recursive: true });
  };
  const runtime = runtimeSocket(socket);
  const seen = async (name: InstanceName, is: boolean) => {
    for (let tries = 0; tries < 200; tries++) {
      const states = await serverStates(runtime).catch(() => []);
      if (states.some(({ server, operationalState }) => server === name && (operationalState === 2) === is)) return;
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
    controller,
    instance: (name) => {
      const instance = running.get(name);
      if (!instance) throw new Error(`${name} was not started`);
      return instance;
    },
    async start(name) {
      await launch(name);
      await seen(name, true);
    },
    seen,
    close,
  };
}

export interface Counts {
  done: number;
  failed: number;
  /** Handshakes of clients that had a session, and how many of them were resumed. */
  returned: number;
  resumed: number;
  readonly faults: string[];
}

/**
 * Clients that ask one request after the other until told to stop: half of them on a new connection each time with the session of the
 * last, half on one connection as long as it lasts. None asks twice.
 */
export function keepAsking(ca: string, clients: number): { readonly counts: Counts; stop(): Promise<Counts> } {
  const counts: Counts = { done: 0, failed: 0, returned: 0, resumed: 0, faults: [] };
  let going = true;
  const client = async (n: number) => {
    const agent = n % 2 === 0 ? new Agent({ keepAlive: true, maxSockets: 1 }) : undefined;
    let session: Buffer | undefined;
    while (going) {
      try {
        const visit = await ask(ca, { localAddress: `127.0.71.${100 + n}`, agent, session });
        counts.done += 1;
        if (visit.opened && session) counts.returned += 1;
        if (visit.opened && session && visit.resumed) counts.resumed += 1;
        session = visit.session;
        if (visit.status !== 200) throw new Error(`HTTP ${visit.status}`);
      } catch (error) {
        counts.failed += 1;
        counts.faults.push((error as Error).message);
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
  /** True when this request opened its connection. */
  readonly opened: boolean;
  readonly resumed: boolean;
  readonly session: Buffer | undefined;
}

export function ask(
  ca: string,
  options: {
    readonly localAddress: string;
    readonly agent?: Agent | undefined;
    readonly session?: Buffer | undefined;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<Visit> {
  const { localAddress, agent, session, headers = {} } = options;
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
        headers: {
          Host: HOST,
          'Content-Type': 'text/xml',
          authorization: basic('alice@contoso.test', PASSWORD),
          ...headers,
        },
        timeout: 20_000,
      },
      (response) => {
        const resumed = (response.socket as TLSSocket).isSessionReused();
        response.on('error', reject).resume();
        response.on('end', () => resolve({ status: response.statusCode ?? 0, opened, resumed, session: latest }));
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
    sending.on('error', reject);
    sending.end(poxBody({ address: 'alice@contoso.test' }));
  });
}
