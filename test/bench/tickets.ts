// TLS sessions taken up again: by clients that return to one process, to several workers, to a service that was restarted in between, and to
// another replica. `autodiscover serve` itself is asked, with the configuration an administrator would write.

import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { benchConfig, isSupported } from './bench-config.ts';
import { type Child, CORES } from './children.ts';
import type { BenchOptions } from './options.ts';
import { type Column, printHeader, printLine, printRow, printTitle } from './table.ts';
import type { VisitResult } from './visits.ts';
import { Workshop } from './workshop.ts';

const AIM = 0.99;
const VERSIONS = ['TLSv1.3', 'TLSv1.2'] as const;
const COLUMNS: readonly Column[] = [
  { title: 'clients return to', width: 44, align: 'left' },
  { title: '', width: 9 },
  { title: 'returned', width: 10 },
  { title: 'resumed', width: 9 },
  { title: 'share', width: 9 },
  { title: 'aim', width: 9 },
  { title: '', width: 8 },
];

export interface TicketRow {
  readonly name: string;
  readonly version: string;
  readonly returning: number;
  readonly resumed: number;
}

/** A service to visit. */
interface Served {
  readonly port: number;
  readonly program: Child;
}

interface Scene {
  readonly name: string;
  readonly workers: number;
  /** Without these keys of the configuration the scene cannot be played. */
  readonly needs: readonly (readonly [section: string, key: string, value: unknown])[];
  /** Replicas of different keys, which take up nothing of each other: that the measurement sees a difference. */
  readonly control?: true;
  /** Where the n-th return goes. */
  readonly returns: (first: Served, second: Served, n: number) => Promise<Served> | Served;
}

const WORKERS = ['listen', 'workers', 2] as const;
const KEY_FILE = ['tls', 'ticketKeyFile', 'x'] as const;
const TICKET_KEY = randomBytes(48);
const SCENES: readonly Scene[] = [
  { name: 'one process', workers: 1, needs: [], returns: (first) => first },
  { name: 'a service of two workers', workers: 2, needs: [WORKERS], returns: (first) => first },
  {
    name: 'a service restarted in between',
    workers: 1,
    needs: [KEY_FILE],
    returns: async (first) => {
      await first.program.ask('restart');
      return first;
    },
  },
  {
    name: 'two workers restarted in between',
    workers: 2,
    needs: [WORKERS, KEY_FILE],
    returns: async (first) => {
      await first.program.ask('restart');
      return first;
    },
  },
  {
    name: 'two replicas by turns',
    workers: 1,
    needs: [KEY_FILE],
    returns: (first, second, n) => (n % 2 === 0 ? second : first),
  },
  {
    name: 'two replicas of different keys (control)',
    workers: 1,
    needs: [],
    control: true,
    returns: (first, second, n) => (n % 2 === 0 ? second : first),
  },
];

export async function run(options: BenchOptions): Promise<TicketRow[]> {
  const plan = options.quick ? { clients: 100, returns: 2 } : { clients: 1000, returns: 4 };
  return Workshop.use(options, async (workshop) => {
    const directory = await workshop.startDirectory(10);
    printTitle(
      `TLS sessions taken up, ${plan.clients} clients that come once and return ${plan.returns} times, each time on a new connection`,
    );
    printHeader(COLUMNS);
    const rows: TicketRow[] = [];
    for (const scene of SCENES) {
      const missing = scene.needs.find(([section, key, value]) => !isSupported(section, key, value));
      if (missing) {
        printLine(`${scene.name}: not measured, this version has no ${missing[0]}.${missing[1]}`);
        continue;
      }
      const first = await serve(workshop, scene, directory.ready.ldaps);
      const second = await serve(workshop, scene, directory.ready.ldaps);
      for (const version of VERSIONS) rows.push(await play(workshop, scene, [first, second], version, plan));
      await workshop.stop(first.program, second.program);
    }
    return rows;
  });
}

async function play(
  { generator }: Workshop,
  scene: Scene,
  [first, second]: readonly [Served, Served],
  version: (typeof VERSIONS)[number],
  { clients, returns }: { readonly clients: number; readonly returns: number },
): Promise<TicketRow> {
  const visit = (port: number) =>
    generator.ask<VisitResult>('visit', { group: `${scene.name} ${version}`, clients, concurrency: 16, port, version });
  const results = [await visit(first.port)];
  for (let n = 0; n < returns; n++) results.push(await visit((await scene.returns(first, second, n)).port));
  const sum = (of: (result: VisitResult) => number) => results.reduce((total, result) => total + of(result), 0);
  const row = {
    name: scene.name,
    version,
    returning: sum(({ returning }) => returning),
    resumed: sum(({ resumed }) => resumed),
  };
  const share = row.resumed / row.returning;
  const percent = (value: number) => `${(value * 100).toFixed(2)} %`;
  printRow(COLUMNS, [
    row.name,
    version,
    String(row.returning),
    String(row.resumed),
    percent(share),
    ...(scene.control
      ? ['0 %', row.resumed === 0 ? 'met' : 'MISSED']
      : [`>= ${AIM * 100} %`, share >= AIM ? 'met' : 'MISSED']),
  ]);
  const errors = sum((result) => result.errors);
  if (errors > 0 || row.returning < clients * returns) {
    process.exitCode = 1;
    printLine(`ERRORS: ${errors}, as ${results.flatMap(({ examples }) => examples)[0] ?? 'clients got no session'}`);
  }
  return row;
}

/** Replicas are given the same ticket key, and so is a service before and after its restart; only those of the control are not. */
async function serve(workshop: Workshop, scene: Scene, directoryUrl: string): Promise<Served> {
  const { folder, files } = workshop;
  const port = await freePort();
  const base = benchConfig(files, directoryUrl, 'default') as Record<string, Record<string, unknown>>;
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, 'Demo-Passw0rd!');
  const ticketKeyFile = join(folder, 'ticket.key');
  writeFileSync(ticketKeyFile, TICKET_KEY, { mode: 0o600 });
  const config = {
    ...base,
    directory: { ...base.directory, passwordFile, caFile: files.caFile },
    listen: { https: `127.0.0.1:${port}`, ...(isSupported(...WORKERS) ? { workers: scene.workers } : {}) },
    tls: { ...base.tls, ...(isSupported(...KEY_FILE) && !scene.control ? { ticketKeyFile } : {}) },
  };
  const configFile = join(folder, `service-${port}.yaml`);
  // JSON is YAML.
  writeFileSync(configFile, JSON.stringify(config));
  const program = new URL('./program-server.ts', import.meta.url);
  return { port, program: await workshop.startChild({ program, options: { configFile }, core: CORES.measured }) };
}

/** A restarted service must have the port it had, so it cannot take any. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
